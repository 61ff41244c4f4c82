#pragma once

#include <kronsolve/measure/level_spacing.hpp>
#include <kronsolve/measure/sector_levels.hpp>

#include "cli/arguments.hpp"
#include "cli/picture.hpp"
#include "cli/problem.hpp"

namespace kronsolve::cli {

/// The lowest levels of the sectors that were asked for: those that --sector names and, with
/// --all-sectors or where none is named, every value of the other symmetries. Collective; shows
/// where it is.
SectorLevels solve_sectors(const Comm& comm, const OperatorOnSites& problem,
                           const Arguments& arguments);

/// Levels above the ground state against momentum, or by sector where there is none; a symbol for
/// each total spin. Above the dotted line some are missing.
Picture picture_of(const SectorLevels& found);
/// How often ratios of level spacings occur, beside what random matrices and independent levels have.
Picture picture_of(const std::vector<LevelSpacing>& spacings);

}  // namespace kronsolve::cli
