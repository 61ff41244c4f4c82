#include "cli/commands.hpp"
#include "cli/guard.hpp"
#include "cli/problem.hpp"
#include "cli/progress_line.hpp"
#include "cli/report.hpp"
#include "cli/saved_file.hpp"
#include "cli/sector_scan.hpp"

namespace kronsolve::cli {

namespace {

std::vector<std::string> conditions_of(const OperatorOnSites& problem,
                                       const OperatorArguments& asked) {
  const auto given = problem.with_rules(asked.sector);
  if (!asked.sector.empty() && !asked.all_sectors) return given;
  return all_sectors(problem.op, problem.lattice, given);
}

Identity identity_of(const Arguments& arguments, const OperatorOnSites& problem) {
  return {problem.title, arguments.op.sector, problem.parameters, origin_of(arguments, problem),
          ""};
}

}  // namespace

SectorSolves::SectorSolves(const Comm& comm, const OperatorOnSites& problem,
                           const Arguments& arguments)
    : checkpointing_(comm, arguments, [&] { return identity_of(arguments, problem); }),
      scan_(comm, problem.op,
            scan_sectors(problem.op, problem.lattice, conditions_of(problem, arguments.op)),
            options_of(arguments)) {}

SectorLevelsOptions SectorSolves::options_of(const Arguments& arguments) {
  SectorLevelsOptions options{.solve = arguments.solve};
  options.solve.checkpoint = checkpointing_.get();
  options.progress = [this](index_t done, index_t all) { line_->show("sector", done, all); };
  return options;
}

SectorLevels SectorSolves::run() {
  line_.emplace();
  auto found = scan_.run();
  line_.reset();
  return found;
}

Answer run_levels(const Comm& comm, const Arguments& arguments, Clock::time_point start) {
  Phases phases{start};
  const OperatorOnSites problem = operator_on_sites(comm, arguments.op);
  require_writable(comm, arguments.plot);
  phases.solve = Clock::now();
  const SectorLevels found = SectorSolves(comm, problem, arguments).run();
  phases.measure = Clock::now();
  const auto spacings = level_spacings(found);
  const bool ratios = arguments.levels.kind == LevelsArguments::Kind::ratios;
  if (ratios && !mean_ratio(spacings))
    throw InvalidArgument(
        "--kind ratios: no sector has four levels that differ; ask for more, or -k all");
  const Cost cost = measure_cost(comm, phases);
  if (!arguments.plot.empty())
    comm.agree([&] {
      if (comm.is_root()) draw(ratios ? picture_of(spacings) : picture_of(found), arguments.plot);
    });
  const LevelsReport report{problem, found, spacings, cost, arguments.plot};
  return make_answer(arguments, report, found.converged() ? exit_fine : exit_not_converged);
}

}  // namespace kronsolve::cli
