#include <algorithm>

#include <kronsolve/core/threads.hpp>
#include <kronsolve/measure/observables.hpp>
#include <kronsolve/operators/matrix_free.hpp>
#include <kronsolve/solvers/eigh.hpp>

#include "cli/commands.hpp"
#include "cli/guard.hpp"
#include "cli/problem.hpp"
#include "cli/progress_line.hpp"
#include "cli/report.hpp"

namespace kronsolve::cli {

namespace {

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::vector<Observable> observables_of(const Comm& comm, const Problem& problem,
                                       const std::vector<std::string>& texts) {
  std::vector<Observable> observables;
  if (texts.empty()) return observables;
  const auto* h = std::get_if<SectorOperator>(&problem.op);
  if (h == nullptr)
    throw InvalidArgument("--observe needs an operator on sites; a matrix file has none");
  for (const auto& text : texts) {
    observables.push_back(Observable::parse(comm, text, *h->basis));
    if (observables.back().needs_reference())
      throw InvalidArgument(detail::concat("--observe ", text,
                                           " compares with an initial state; only evolve has one"));
  }
  return observables;
}

EighResult solve(const Comm& comm, const Problem& problem, EighOptions options) {
  ProgressLine line;
  // Given on every rank, because every rank must call eigh alike; called on rank 0.
  options.progress = [&](const Progress& progress) { line.show(progress); };
  return std::visit([&](const auto& op) { return eigh(comm, op, options); }, problem.op);
}

/// Each observable on every pair. Collective.
std::vector<Measured> measure_pairs(const Comm& comm, const std::vector<Observable>& observables,
                                    const Problem& problem, const EighResult& result) {
  std::vector<Measured> measured;
  if (observables.empty()) return measured;
  const auto& h = std::get<SectorOperator>(problem.op);
  for (const auto& observable : observables) measured.push_back({observable.text(), {}});
  visit_scalar(result.scalar, [&]<Scalar T>() {
    const auto& vectors = result.vectors_as<T>();
    const bool energy = std::any_of(observables.begin(), observables.end(),
                                    [](const auto& o) { return o.needs_hamiltonian(); });
    const auto product = energy ? observable_product<T>(comm, h.op, *h.basis) : nullptr;
    for (index_t j = 0; j < vectors.count(); ++j) {
      const StateView<T> psi(comm, *h.basis, vectors.column(j));
      const auto values =
          evaluate<T>(observables, psi, {.hamiltonian = &h.op, .product = product.get()});
      for (std::size_t i = 0; i < values.size(); ++i) measured[i].values.push_back(values[i]);
    }
  });
  return measured;
}

/// How the operator would be applied, if not from stored rows.
std::string product_text(const Problem& problem, const EighPlan& plan, int ranks) {
  const auto* h = std::get_if<SectorOperator>(&problem.op);
  if (h == nullptr || plan.form != OperatorForm::matrix_free || !plan.fits) return {};
  return plan_matrix_free(*h, plan.scalar, ranks).text();
}

}  // namespace

int run_eigh(const Comm& comm, const Arguments& arguments, Clock::time_point start) {
  const auto begin = Clock::now();
  const Problem problem = hermitian_problem(comm, arguments.op);
  const auto observables = observables_of(comm, problem, arguments.observe);
  const double setup = seconds_since(begin);
  const EighResult result = solve(comm, problem, arguments.solve);
  const auto measured = measure_pairs(comm, observables, problem, result);
  const Cost cost =
      measure_cost(comm, setup + result.setup_seconds, result.solve_seconds, seconds_since(start));
  comm.agree([&] {
    if (!comm.is_root()) return;
    const EighReport report{arguments.command, problem, result, cost, measured};
    print_result(arguments.json ? to_json(report) : to_text(report));
  });
  return result.converged ? exit_fine : exit_not_converged;
}

int run_plan(const Comm& comm, const Arguments& arguments) {
  const Problem problem = hermitian_problem(comm, arguments.op, States::counted);
  const EighPlan plan =
      std::visit([&](const auto& op) { return plan_eigh(comm, op, arguments.solve); }, problem.op);
  comm.agree([&] {
    if (!comm.is_root()) return;
    const auto suggestion = suggest_sector(problem);
    const auto symmetries = suggest_symmetries(problem);
    const PlanReport report{problem,
                            plan,
                            suggestion,
                            symmetries,
                            comm.size(),
                            num_threads(),
                            product_text(problem, plan, comm.size())};
    print_result(arguments.json ? to_json(report) : to_text(report));
  });
  return exit_fine;
}

}  // namespace kronsolve::cli
