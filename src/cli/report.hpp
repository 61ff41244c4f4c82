#pragma once

#include <chrono>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/measure/conductivity.hpp>
#include <kronsolve/measure/evolution_recorder.hpp>
#include <kronsolve/measure/level_spacing.hpp>
#include <kronsolve/measure/observables.hpp>
#include <kronsolve/measure/sector_levels.hpp>
#include <kronsolve/operators/product_loads.hpp>
#include <kronsolve/solvers/eigh.hpp>
#include <kronsolve/solvers/evolution.hpp>
#include <kronsolve/solvers/operator_map.hpp>

#include "cli/arguments.hpp"
#include "cli/found_symmetries.hpp"
#include "cli/problem.hpp"

namespace kronsolve::cli {

using Json = nlohmann::ordered_json;

/// What a command has to say: one of the two, as asked.
struct Answer {
  int status = 0;  ///< exit code
  Json json = {};
  std::string text = {};  ///< for people; ends with a line end
};

/// What a run cost and where it ran, the same on every rank.
struct Cost {
  int ranks = 1, threads = 1;
  double setup_seconds = 0, solve_seconds = 0, measure_seconds = 0;  ///< add up to the total
  double total_seconds = 0;
  index_t peak_rss_bytes = 0;       ///< sum over the ranks
  index_t peak_rss_rank_bytes = 0;  ///< of the largest
};

using Clock = std::chrono::steady_clock;
inline double seconds_between(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}
inline double seconds_since(Clock::time_point start) {
  return seconds_between(start, Clock::now());
}

/// When the phases of a run began.
struct Phases {
  Clock::time_point start;  ///< of the program, or of the run inside it: the setup
  Clock::time_point solve = start;
  Clock::time_point measure = start;  ///< all that comes after the solve
  double setup_seconds = 0;           ///< setup that was done during the solve
};

/// Collective; the last phase ends here.
Cost measure_cost(const Comm& comm, const Phases& phases);

/// What an observable came to: as asked, and its value for each eigenpair or time.
using Measured = RecordedObservable;

/// All that is told about a solve.
struct EighReport {
  const std::string& command;
  const Problem& problem;
  const EighResult& result;
  const Cost& cost;
  const std::vector<Measured>& observables;
  const std::string& saved;               ///< where all of it was written; empty: nowhere
  const SectorLevels* sectors = nullptr;  ///< those that were looked at to find the lowest
  bool verbose = false;
};

/// A result as the one JSON object of stdout, or as text for people, which ends with a line end.
Json to_json(const EighReport& report);
std::string to_text(const EighReport& report);

/// All that is told about an evolution; observables have a value for each of result.times.
struct EvolveReport {
  const Problem& problem;
  const EvolveArguments& asked;
  const EvolutionPlan& plan;
  const EvolutionResult& result;  ///< its state is not looked at
  const Cost& cost;
  const std::vector<Measured>& observables;
  const std::string& saved;  ///< where all of it was written; empty: nowhere
};
Json to_json(const EvolveReport& report);
std::string to_text(const EvolveReport& report);
/// The same without the lists: the last of the lines of --json-lines.
std::string to_last_json_line(const EvolveReport& report);
/// One time as one line; the last value of each observable.
std::string to_json_line(const EvolutionPoint& point, const EvolutionOptions& options,
                         const std::vector<Measured>& observables);

/// The same for the levels of several sectors.
struct LevelsReport {
  const OperatorOnSites& problem;
  const SectorLevels& found;
  const std::vector<LevelSpacing>& spacings;  ///< of each sector
  const Cost& cost;
  const std::string& plot;  ///< the picture that was drawn; empty: none
};
Json to_json(const LevelsReport& report);
std::string to_text(const LevelsReport& report);
/// The lowest level of each sector, the sector of the ground state first.
std::string sector_table(const SectorLevels& found);

/// The same for correlations in frequency.
struct SpectralReport {
  const OperatorOnSites& problem;
  const SpectralArguments& asked;
  const DynamicalCorrelations& found;
  const std::optional<Conductivity>& conductivity;  ///< if that is asked for
  const std::vector<double>& energies;              ///< of the curves
  const std::vector<std::vector<double>>& curves;   ///< one of each correlation, or sigma(w)
  const std::vector<std::vector<double>>& errors;   ///< of these, from random vectors
  double width = 0;                                 ///< of the lines in them
  const Cost& cost;
  const std::string &plot, &saved;  ///< files that were written; empty: none
};
Json to_json(const SpectralReport& report);
std::string to_text(const SpectralReport& report);

/// The same for states of a file.
struct MeasureReport {
  const Problem& problem;
  ScalarKind scalar = ScalarKind::real;  ///< of the states
  const std::string& file;               ///< as given
  const Cost& cost;
  const std::vector<Measured>& observables;
};
Json to_json(const MeasureReport& report);
std::string to_text(const MeasureReport& report);

/// The same for what would be done.
struct PlanReport {
  const Problem& problem;
  const EighPlan& plan;
  const std::optional<SectorSuggestion>& suggestion;
  const std::optional<SectorSuggestion>& symmetries;  ///< with symmetries too
  const std::optional<FoundSymmetries>& found;        ///< those that have no name
  int ranks = 1, threads = 1;
  std::string product = {};  ///< what a Kronecker-block product will do, a few lines
  std::optional<ProductLoads> loads = {};
  bool verbose = false;
};
Json to_json(const PlanReport& report);
std::string to_text(const PlanReport& report);

template <class Report>
Answer make_answer(const Arguments& arguments, const Report& report, int status) {
  if (arguments.json) return {.status = status, .json = to_json(report)};
  return {.status = status, .text = to_text(report)};
}

/// Writes to stdout.
/// @throws IoError  it cannot be written (a full disk, a closed pipe)
void print_result(const std::string& text);

}  // namespace kronsolve::cli
