#include <algorithm>
#include <cmath>
#include <map>

#include <kronsolve/measure/level_spacing.hpp>

namespace kronsolve {

std::optional<Estimate> LevelSpacing::mean() const {
  const std::size_t n = ratios.size();
  if (n < 2) return std::nullopt;
  double mean = 0, own = 0, shared = 0;
  for (const double r : ratios) mean += r / static_cast<double>(n);
  for (std::size_t i = 0; i < n; ++i) own += (ratios[i] - mean) * (ratios[i] - mean);
  for (std::size_t i = 0; i + 1 < n; ++i) shared += (ratios[i] - mean) * (ratios[i + 1] - mean);
  // Never less than that of independent ratios.
  const double variance = (own + 2 * std::max(0.0, shared)) / static_cast<double>(n - 1);
  return Estimate{mean, std::sqrt(variance / static_cast<double>(n))};
}

LevelSpacing level_spacing(std::span<const double> levels) {
  constexpr double same = 1e-10;
  std::vector<double> sorted(levels.begin(), levels.end()), apart;
  std::sort(sorted.begin(), sorted.end());
  LevelSpacing result;
  for (const double level : sorted) {
    if (!apart.empty() && level - apart.back() <= same * (sorted.back() - sorted.front()))
      ++result.degenerate;
    else
      apart.push_back(level);
  }
  for (std::size_t i = 0; i + 2 < apart.size(); ++i) {
    const double below = apart[i + 1] - apart[i], above = apart[i + 2] - apart[i + 1];
    result.ratios.push_back(std::min(below, above) / std::max(below, above));
  }
  return result;
}

std::vector<LevelSpacing> level_spacings(const SectorLevels& found) {
  // Spins as twice their value, to the next whole number.
  std::map<std::pair<std::size_t, long>, std::vector<double>> groups;
  for (const auto& level : found.levels)
    groups[{level.sector, std::lround(2 * level.spin().value_or(0))}].push_back(level.energy);
  std::vector<LevelSpacing> result(found.sectors.size());
  for (const auto& [group, levels] : groups) {
    const LevelSpacing part = level_spacing(levels);
    auto& sector = result[group.first];
    sector.ratios.insert(sector.ratios.end(), part.ratios.begin(), part.ratios.end());
    sector.degenerate += part.degenerate;
  }
  return result;
}

std::optional<Estimate> mean_ratio(std::span<const LevelSpacing> spacings) {
  double sum = 0, count = 0, square = 0;
  for (const auto& spacing : spacings) {
    const auto mean = spacing.mean();
    if (!mean) continue;
    const auto ratios = static_cast<double>(spacing.ratios.size());
    sum += ratios * mean->value;
    square += ratios * ratios * mean->error * mean->error;
    count += ratios;
  }
  if (count == 0) return std::nullopt;
  return Estimate{sum / count, std::sqrt(square) / count};
}

}  // namespace kronsolve
