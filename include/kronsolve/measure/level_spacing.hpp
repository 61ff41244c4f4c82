#pragma once

#include <optional>
#include <span>
#include <vector>

#include <kronsolve/export.hpp>
#include <kronsolve/measure/sector_levels.hpp>
#include <kronsolve/solvers/stochastic.hpp>

namespace kronsolve {

/// Ratios r_n = min(s_n, s_n+1) / max(s_n, s_n+1) of neighbouring level spacings s. Their mean is
/// 2 ln 2 - 1 = 0.3863 for levels that know nothing of each other, 0.5307 for random real symmetric
/// and 0.5996 for random complex Hermitian matrices.
struct KRONSOLVE_EXPORT LevelSpacing {
  std::vector<double> ratios = {};  ///< in [0, 1], in the order of the levels
  index_t degenerate = 0;           ///< levels left out because they agree with the one before

  /// Mean and its standard error, which counts that ratios next to each other share a spacing;
  /// nothing of less than two ratios.
  std::optional<Estimate> mean() const;
};

/// Of levels without gaps in one symmetry sector, in any order. Local.
/// Levels closer than 1e-10 of the range of the levels count as one.
/// Source: Oganesyan and Huse 2007, doi:10.1103/PhysRevB.75.155111; means: Atas et al. 2013,
/// doi:10.1103/PhysRevLett.110.084101.
KRONSOLVE_EXPORT LevelSpacing level_spacing(std::span<const double> levels);

/// Of each sector; where total spin is conserved, levels of different spin are kept apart.
KRONSOLVE_EXPORT std::vector<LevelSpacing> level_spacings(const SectorLevels& found);

/// The ratios of all sectors together: their mean, with an error from those of the sectors; nothing
/// of less than two ratios.
KRONSOLVE_EXPORT std::optional<Estimate> mean_ratio(std::span<const LevelSpacing> spacings);

}  // namespace kronsolve
