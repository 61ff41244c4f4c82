#include "cli/starting_state.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <kronsolve/operators/states.hpp>
#include <kronsolve/solvers/driven.hpp>
#include <kronsolve/solvers/eigh.hpp>

#include "core/split.hpp"

namespace kronsolve::cli {

namespace {

template <Scalar T>
DistributedVectors<T> distributed(const Comm& comm, const Basis& basis,
                                  const StateDescription& description) {
  const auto owned = make_state<T>(comm, basis, description);
  DistributedVectors<T> psi(basis.partition(comm.size()), comm.rank(), 1);
  std::copy(owned.span().begin(), owned.span().end(), psi.column(0).begin());
  return psi;
}

/// Real where state and operator are. Random states have the operator's scalar.
ScalarKind scalar_of(const StateDescription& state, const SectorOperator& h) {
  const bool random = std::holds_alternative<StateDescription::Random>(state.content);
  if (random) return h.scalar();
  return h.basis->scalar() == ScalarKind::complex ? ScalarKind::complex : state.scalar();
}

EvolutionState initial_state(const Comm& comm, const SectorOperator& h,
                             const StateDescription& description) {
  return visit_scalar(scalar_of(description, h), [&]<Scalar T>() -> EvolutionState {
    return distributed<T>(comm, *h.basis, description);
  });
}

/// "ground", "ground:bx=2,jz=1": the operator whose ground state is meant; nothing for other texts.
std::optional<OperatorArguments> ground_of(const std::string& state, OperatorArguments op) {
  constexpr std::string_view name = "ground";
  if (!state.starts_with(name)) return {};
  const auto rest = std::string_view(state).substr(name.size());
  if (rest.empty()) return op;
  if (!rest.starts_with(':')) return {};
  if (op.model.empty())
    throw InvalidArgument(fmt::format(
        "state '{}': parameters belong to --model; save the ground state of the other file and "
        "give --state FILE.h5 --quench",
        state));
  for (const auto& part : detail::split(rest.substr(1), ',')) {
    const auto equals = part.find('=');
    if (equals == part.npos || equals == 0 || equals + 1 == part.size())
      throw InvalidArgument(
          fmt::format("state '{}': after ground: come parameters such as bx=2,jz=1", state));
    op.options.params[part.substr(0, equals)] = part.substr(equals + 1);
  }
  return op;
}

/// The one ground state of an operator in the sector of the problem.
EvolutionState ground_state_of(const Comm& comm, const OperatorArguments& op,
                               const EvolveArguments& asked) {
  const Problem problem = hermitian_problem(comm, op, States::listed, Drives::taken);
  (void)on_sites(problem);
  const SectorOperator h = operator_at(on_sites(problem), problem.drives, asked.options.start);
  EighOptions options{.k = std::min<index_t>(2, h.dimension()), .seed = asked.seed};
  auto levels = eigh(comm, h, options);
  levels.require_converged();
  const auto& e = levels.eigenvalues;
  const double width = std::max(std::abs(e.front()), std::abs(e.back()));
  if (e.size() > 1 && e[1] - e[0] <= 1e-9 * width)
    throw InvalidArgument(fmt::format(
        "state '{}': the ground state is degenerate ({:.10g} twice); choose a --sector where it is "
        "not, or --state FILE.h5 of one of them",
        asked.state, e[0]));
  std::visit([](auto& vectors) { vectors.keep(std::vector<index_t>{0}); }, levels.vectors);
  return std::move(levels.vectors);
}

}  // namespace

const SectorOperator& on_sites(const Problem& problem) {
  if (const auto* h = std::get_if<SectorOperator>(&problem.op)) return *h;
  throw InvalidArgument("evolve needs an operator on sites; a matrix file has none");
}

std::vector<double> times_of(const EvolveArguments& asked) {
  std::vector<double> times = asked.times;
  if (times.empty() && asked.time == 0) times = {0};  // the start alone
  if (times.empty())
    for (index_t i = 0; i <= asked.steps; ++i)
      times.push_back(asked.time * static_cast<double>(i) / static_cast<double>(asked.steps));
  for (double& time : times) time += asked.options.start;
  return times;
}

ScalarKind starting_scalar(const Problem& problem, const OperatorArguments& given,
                           const EvolveArguments& asked) {
  if (parse_state_file(asked.state) || ground_of(asked.state, given)) return ScalarKind::complex;
  const SectorOperator& h = on_sites(problem);
  return scalar_of(parse_state(asked.state, h.basis->spaces(), asked.seed), h);
}

EvolutionStart starting_state(const Comm& comm, const Problem& problem,
                              const OperatorArguments& given, const EvolveArguments& asked) {
  if (const auto file = parse_state_file(asked.state))
    return read_start(comm, *file, problem, asked.options.axis, asked.quench);
  if (const auto op = ground_of(asked.state, given)) return {ground_state_of(comm, *op, asked)};
  const SectorOperator& h = on_sites(problem);
  return {initial_state(comm, h, parse_state(asked.state, h.basis->spaces(), asked.seed))};
}

}  // namespace kronsolve::cli
