#pragma once

#include <optional>

#include <kronsolve/measure/level_spacing.hpp>
#include <kronsolve/measure/sector_levels.hpp>

#include "cli/arguments.hpp"
#include "cli/checkpointing.hpp"
#include "cli/picture.hpp"
#include "cli/problem.hpp"
#include "cli/progress_line.hpp"

namespace kronsolve::cli {

/// The lowest levels of the sectors that were asked for: those that --sector names and, with
/// --all-sectors or where none is named, every value of the other symmetries. Collective.
class SectorSolves {
 public:
  /// Finds out what a checkpoint keeps. `problem` and `arguments` must outlive it.
  SectorSolves(const Comm& comm, const OperatorOnSites& problem, const Arguments& arguments);
  /// Once; shows where it is. As long as this lives a checkpoint keeps the sectors.
  SectorLevels run();
  Checkpoint* checkpoint() noexcept { return checkpointing_.get(); }

 private:
  SectorLevelsOptions options_of(const Arguments& arguments);
  std::optional<ProgressLine> line_;  ///< while they are solved
  Checkpointing checkpointing_;
  SectorScan scan_;
};

/// Levels above the ground state against momentum, or by sector where there is none; a symbol for
/// each total spin. Above the dotted line some are missing.
Picture picture_of(const SectorLevels& found);
/// How often ratios of level spacings occur, beside what random matrices and independent levels have.
Picture picture_of(const std::vector<LevelSpacing>& spacings);

}  // namespace kronsolve::cli
