#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <kronsolve/core/threads.hpp>
#include <kronsolve/measure/evolution_recorder.hpp>
#include <kronsolve/measure/observables.hpp>
#include <kronsolve/operators/states.hpp>
#include <kronsolve/solvers/operator_map.hpp>

#include "cli/checkpointing.hpp"
#include "cli/commands.hpp"
#include "cli/driven.hpp"
#include "cli/guard.hpp"
#include "cli/problem.hpp"
#include "cli/progress_line.hpp"
#include "cli/report.hpp"
#include "cli/saved_file.hpp"
#include "cli/text.hpp"
#include "core/split.hpp"

namespace kronsolve::cli {

namespace {

/// The operator in its basis; matrices have no sites that a state could be told of.
const SectorOperator& on_sites(const Problem& problem) {
  if (const auto* h = std::get_if<SectorOperator>(&problem.op)) return *h;
  throw InvalidArgument("evolve needs an operator on sites; a matrix file has none");
}

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
  const SectorOperator h = operator_at(problem, asked.options.start);
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

/// What an evolution begins with: a state of a file or of a solve is there before its scalar is
/// known, others are made once they are known to fit.
struct Beginning {
  EvolutionStart start;
  PlannedEvolution planned;
};
Beginning prepare(const Comm& comm, const Problem& problem, const OperatorArguments& given,
                  const EvolveArguments& asked) {
  const SectorOperator& h = on_sites(problem);
  const auto plan_for = [&](ScalarKind scalar) {
    return prepare_evolution(comm, problem.drives.empty() ? h : all_terms(problem), scalar,
                             asked.options, asked.form);
  };
  if (const auto file = parse_state_file(asked.state)) {
    auto planned = plan_for(ScalarKind::complex);
    return {read_start(comm, *file, problem, asked.options.axis, asked.quench), std::move(planned)};
  }
  if (const auto op = ground_of(asked.state, given)) {
    auto planned = plan_for(ScalarKind::complex);
    return {{ground_state_of(comm, *op, asked)}, std::move(planned)};
  }
  const auto description = parse_state(asked.state, h.basis->spaces(), asked.seed);
  auto planned = plan_for(scalar_of(description, h));
  return {{initial_state(comm, h, description)}, std::move(planned)};
}

std::vector<Observable> observables_of(const Comm& comm, const Basis& basis,
                                       const std::optional<Lattice>& lattice,
                                       const std::vector<std::string>& texts) {
  std::vector<Observable> observables;
  for (const auto& text : texts)
    observables.push_back(Observable::parse(comm, text, basis, lattice));
  return observables;
}

/// Counted as the initial state's is.
std::vector<double> times_of(const EvolveArguments& asked) {
  std::vector<double> times = asked.times;
  if (times.empty() && asked.time == 0) times = {0};  // the start alone
  if (times.empty())
    for (index_t i = 0; i <= asked.steps; ++i)
      times.push_back(asked.time * static_cast<double>(i) / static_cast<double>(asked.steps));
  for (double& time : times) time += asked.options.start;
  return times;
}

/// "time 3.2 of 10  412 products  8.1 s, about 17 s left"
class EvolveProgress {
 public:
  EvolveProgress(double start, double end) : start_(start), end_(end), time_(start) {}
  void reached(double time) { time_ = time; }
  void show(index_t products) {
    line_.show([&] {
      const double seconds = seconds_since(begin_), part = (time_ - start_) / (end_ - start_);
      auto text = fmt::format("time {:.6g} of {:.6g}  {}  {}", time_, end_,
                              counted(products, "product"), seconds_text(seconds));
      if (part > 0) text += fmt::format(", about {} left", seconds_text(seconds * (1 / part - 1)));
      return text;
    });
  }

 private:
  double start_, end_, time_;
  Clock::time_point begin_ = Clock::now();
  ProgressLine line_;
};

EvolutionResult run(const Comm& comm, const Problem& problem, const PlannedEvolution& planned,
                    const EvolveArguments& asked, const EvolutionState& psi,
                    EvolutionRecorder& recorder, Checkpoint* checkpoint) {
  const CheckpointStage stage(checkpoint, "observables",
                              [&](CheckpointWriter& writer) { recorder.write(writer); });
  if (stage.saved() != nullptr) recorder.restore(*stage.saved());
  const auto times = times_of(asked);
  EvolveProgress progress(asked.options.start, asked.options.start + asked.time);
  // `shown`: the map whose products are shown.
  const auto evolve_under = [&](const auto& h, auto& shown) {
    auto options = asked.options;
    options.checkpoint = checkpoint;
    options.knots = abrupt_times(problem, asked.options.start, times.back());
    if (comm.is_root()) {
      shown.on_product([&] { progress.show(shown.products()); });
      options.progress = [&](double time) { progress.reached(time); };
    }
    const auto observe = [&](const EvolutionPoint& point) {
      recorder.record(point);
      progress.reached(point.time);
      comm.agree([&] {
        if (asked.json_lines && comm.is_root())
          print_result(to_json_line(point, asked.options.axis, recorder.recorded()));
      });
      return Continue::yes;
    };
    return std::visit([&](const auto& state) { return evolve(h, state, times, options, observe); },
                      psi);
  };
  return std::visit(
      [&]<Scalar T>(const MapMaker<T>& make_map) {
        if (problem.drives.empty()) {
          const auto map = make_map();
          return evolve_under(*map, *map);
        }
        const auto driven = driven_operator<T>(comm, problem, planned.plan.form);
        return evolve_under(driven.sum, *driven.maps.back());
      },
      planned.make_map);
}

/// What a drive leaves without a meaning.
void require_no_fixed_energy(const Problem& problem, const std::vector<Observable>& observables) {
  if (problem.drives.empty()) return;
  for (const auto& observable : observables)
    if (observable.needs_hamiltonian())
      throw InvalidArgument(
          fmt::format("observable {}: the operator depends on time; its mean at each time is the "
                      "energy that evolve prints",
                      observable.text()));
}

}  // namespace

Answer run_evolve(const Comm& comm, const Arguments& arguments, Clock::time_point start) {
  Phases phases{start};
  const Problem problem = hermitian_problem(comm, arguments.op, States::listed, Drives::taken);
  const SectorOperator& h = on_sites(problem);
  auto observables = observables_of(comm, *h.basis, problem.lattice, arguments.observe);
  require_no_fixed_energy(problem, observables);
  require_writable(comm, arguments.save);
  EvolveArguments asked = arguments.evolve;
  if (!problem.drives.empty() && asked.options.method == EvolutionMethod::automatic)
    asked.options.method = EvolutionMethod::integrate;
  const auto [begin, planned] = prepare(comm, problem, arguments.op, asked);
  const auto& psi = begin.state;
  asked.options.start = begin.time;
  Checkpointing checkpointing(comm, arguments,
                              [&] { return identity_of(comm, arguments, problem); });
  EvolutionRecorder recorder(comm, h, std::move(observables), psi);
  phases.solve = Clock::now();  // observables are taken on the way
  const EvolutionResult result =
      run(comm, problem, planned, asked, psi, recorder, checkpointing.get());
  phases.measure = Clock::now();
  const Cost cost = measure_cost(comm, phases);
  const EvolveReport report{problem,       asked, planned.plan, result, cost, recorder.recorded(),
                            arguments.save};
  save(comm, arguments.save, origin_of(arguments, problem), report);
  const int status = result.converged ? exit_fine : exit_not_converged;
  if (asked.json_lines) return {.status = status, .text = to_last_json_line(report)};
  return make_answer(arguments, report, status);
}

}  // namespace kronsolve::cli
