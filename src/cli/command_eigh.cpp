#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/matrix_free.hpp>
#include <kronsolve/operators/product_loads.hpp>
#include <kronsolve/solvers/eigh.hpp>

#include "cli/checkpointing.hpp"
#include "cli/commands.hpp"
#include "cli/guard.hpp"
#include "cli/measuring.hpp"
#include "cli/problem.hpp"
#include "cli/progress_line.hpp"
#include "cli/report.hpp"
#include "cli/saved_file.hpp"
#include "cli/sector_scan.hpp"
#include "cli/solve_pairs.hpp"

namespace kronsolve::cli {

namespace {

EighResult solve(const Comm& comm, const Problem& problem, EighOptions options,
                 const PairSolver& solver) {
  ProgressLine line;
  // Given on every rank, because every rank must call eigh alike; called on rank 0.
  options.progress = [&](const Progress& progress) { line.show(progress); };
  if (const auto* h = std::get_if<SectorOperator>(&problem.op); h != nullptr && solver)
    return solver(comm, *h, options);
  return std::visit([&](const auto& op) { return eigh(comm, op, options); }, problem.op);
}

/// The state of a file, in the rows that a solve wants. Collective.
void start_from(const Comm& comm, const Problem& problem, const std::string& text,
                EighOptions& options) {
  const auto file = parse_state_file(text);
  if (!file) throw InvalidArgument(detail::concat("--start must be FILE.h5, got '", text, "'"));
  const auto* h = std::get_if<SectorOperator>(&problem.op);
  if (h == nullptr)
    throw InvalidArgument("--start needs an operator on sites; a matrix file has none");
  std::visit(
      [&]<Scalar T>(const DistributedVectors<T>& state) {
        const auto owned = state.column(0);
        options.start = std::vector<T>(owned.begin(), owned.end());
      },
      read_state(comm, *file, *h->basis));
}

/// How the operator would be applied, if not from stored rows.
std::string product_text(const Problem& problem, const EighPlan& plan, int ranks) {
  const auto* h = std::get_if<SectorOperator>(&problem.op);
  if (h == nullptr || plan.form != OperatorForm::matrix_free || !plan.fits) return {};
  return plan_matrix_free(*h, plan.scalar, ranks).text();
}

}  // namespace

Answer run_eigh(const Comm& comm, const Arguments& arguments, Clock::time_point start) {
  return solve_pairs(comm, arguments, start, {});
}

Answer solve_pairs(const Comm& comm, const Arguments& arguments, Clock::time_point start,
                   const PairSolver& solver) {
  Phases phases{start};
  const bool scans = arguments.op.all_sectors || is_scan(arguments.op.sector);
  std::optional<OperatorOnSites> on_sites;
  std::optional<SectorSolves> scan;  // its sectors are kept while the lowest one is solved
  std::optional<SectorLevels> sectors;
  if (scans) {
    require_writable(comm, arguments.save);  // before the work
    on_sites = operator_on_sites(comm, arguments.op);
    scan.emplace(comm, *on_sites, arguments);
  }
  phases.solve = Clock::now();  // the sectors that are looked at are part of it
  if (scan) sectors = scan->run();
  const auto begin = Clock::now();
  const Problem problem =
      scans ? problem_in_sector(comm, *on_sites,
                                sectors->sectors[sectors->levels.front().sector].sector.conditions)
            : hermitian_problem(comm, arguments.op);
  const auto observables = observables_of(comm, problem, arguments);
  EighOptions options = arguments.solve;
  if (!arguments.start.empty()) start_from(comm, problem, arguments.start, options);
  require_writable(comm, arguments.save);
  std::optional<Checkpointing> of_one_solve;
  if (!scan)
    of_one_solve.emplace(comm, arguments, [&] { return identity_of(comm, arguments, problem); });
  options.checkpoint = scan ? scan->checkpoint() : of_one_solve->get();
  phases.setup_seconds = seconds_since(begin);
  const EighResult result = solve(comm, problem, options, solver);
  phases.setup_seconds += result.setup_seconds;
  phases.measure = Clock::now();
  const auto measured = std::visit(
      [&](const auto& vectors) { return measure_each(comm, observables, problem, vectors); },
      result.vectors);
  const Cost cost = measure_cost(comm, phases);
  const EighReport report{arguments.command,
                          problem,
                          result,
                          cost,
                          measured,
                          arguments.save,
                          sectors ? &*sectors : nullptr,
                          arguments.verbose};
  save(comm, arguments.save, origin_of(arguments, problem), report);
  const bool converged = result.converged && (!sectors || sectors->converged());
  return make_answer(arguments, report, converged ? exit_fine : exit_not_converged);
}

namespace {

/// What the ranks of an iteration's product have to do; nothing of a matrix that one rank has.
std::optional<ProductLoads> loads_of(const Problem& problem, const EighPlan& plan, int ranks) {
  const auto* h = std::get_if<SectorOperator>(&problem.op);
  const bool stored = plan.form == OperatorForm::assembled;
  const bool orbits = h != nullptr && !h->basis->is_listed();
  if (ranks == 1 || h == nullptr || plan.method == Method::dense || (stored && !orbits)) return {};
  return product_loads(*h, plan.scalar, ranks, stored);
}

}  // namespace

Answer run_plan(const Comm& comm, const Arguments& arguments, Clock::time_point) {
  const int ranks = comm.size() > 1 ? comm.size() : arguments.ranks;
  const Problem problem = hermitian_problem(comm, arguments.op, States::counted);
  const EighPlan plan = std::visit(
      [&](const auto& op) { return plan_eigh(comm, op, arguments.solve, ranks); }, problem.op);
  const auto suggestion = suggest_sector(problem);
  const auto symmetries = suggest_symmetries(problem);
  const auto found = find_symmetries(problem, suggestion, symmetries);
  const PlanReport report{problem,
                          plan,
                          suggestion,
                          symmetries,
                          found,
                          ranks,
                          num_threads(),
                          product_text(problem, plan, ranks),
                          loads_of(problem, plan, ranks),
                          arguments.verbose};
  return make_answer(arguments, report, exit_fine);
}

}  // namespace kronsolve::cli
