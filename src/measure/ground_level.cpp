#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <kronsolve/core/error.hpp>
#include <kronsolve/measure/ground_level.hpp>
#include <kronsolve/measure/sector_levels.hpp>
#include <kronsolve/operators/sectors.hpp>

namespace kronsolve {

namespace {

constexpr index_t most_states = 64;
/// What `all_sectors` asks for where total spin is conserved.
constexpr const char* least_sz = "sz=0..1/2";

/// Levels that agree with the lowest to rounding, by sector.
std::vector<index_t> counts_of_lowest(const SectorLevels& found) {
  const auto& lowest = found.levels.front();
  const double scale = std::abs(lowest.energy) + std::abs(found.levels.back().energy);
  std::vector<index_t> counts(found.sectors.size());
  for (const auto& level : found.levels)
    if (level.energy - lowest.energy <= 1e-9 * scale + level.residual + lowest.residual)
      ++counts[level.sector];
  return counts;
}

/// Every sector shows a level above the lowest one, or all it has.
SectorLevels levels_with_lowest(const Comm& comm, const OpSum& h, const Lattice& lattice,
                                const std::vector<std::string>& conditions,
                                SectorLevelsOptions options) {
  for (options.solve.k = 2;; options.solve.k *= 2) {
    auto found = sector_levels(comm, h, lattice, conditions, options);
    if (found.levels.empty())
      throw NotConverged("the lowest level was not found; try more --max-iterations");
    const auto counts = counts_of_lowest(found);
    const bool more = std::any_of(counts.begin(), counts.end(), [&](index_t count) {
      return count > 0 && count == options.solve.k;
    });
    if (!more || options.solve.k > most_states) return found;
  }
}

/// With every Sz of a multiplet.
std::vector<std::string> widened(std::vector<std::string> conditions, double spin) {
  const auto text = spin_text(spin);
  for (auto& condition : conditions)
    if (condition == least_sz)
      condition = spin == 0 ? "sz=0" : detail::concat("sz=-", text, "..", text);
  return conditions;
}

GroundStates states_of(const Comm& comm, const OpSum& h, const Lattice& lattice,
                       const std::vector<std::string>& conditions, index_t count,
                       EighOptions options, GroundLevel& level) {
  const SectorOperator op = in_sector(comm, h, parse_sector(h.spaces(), lattice, conditions));
  options.k = count;
  options.vectors = Eigenvectors::compute;
  EighResult found = eigh(comm, op, options);
  for (const double residual : found.residuals) level.residual = std::max(level.residual, residual);
  level.converged = level.converged && found.converged;
  if (found.certified) level.certified = level.certified.value_or(true) && *found.certified;
  return {conditions, op.basis, std::move(found.vectors)};
}

}  // namespace

index_t GroundLevel::degeneracy() const {
  index_t sum = 0;
  for (const auto& part : states) sum += part.count();
  return sum;
}

GroundLevel ground_level(const Comm& comm, const OpSum& h, const Lattice& lattice,
                         const std::vector<std::string>& conditions, const EighOptions& options,
                         const std::function<void(index_t, index_t)>& progress) {
  SectorLevelsOptions scan{.solve = options, .spins = true, .progress = progress};
  auto found = levels_with_lowest(comm, h, lattice, conditions, scan);
  GroundLevel level;
  level.energy = found.levels.front().energy;
  level.spin = found.levels.front().spin();
  const bool every_sz =
      level.spin && std::find(conditions.begin(), conditions.end(), least_sz) != conditions.end();
  if (every_sz && *level.spin > 0) {
    const double highest = std::round(2 * *level.spin) / 2;
    if (2 * highest + 1 > most_states)
      throw InvalidArgument(detail::concat("the lowest level has spin ", spin_text(highest),
                                           " and ", 2 * highest + 1,
                                           " states; ask for one sector of Sz or add a field"));
    found = levels_with_lowest(comm, h, lattice, widened(conditions, highest), scan);
  }
  level.sectors = std::ssize(found.sectors);
  level.converged = found.converged();
  level.certified = found.certified();
  const auto counts = counts_of_lowest(found);
  index_t all = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) all += counts[i] * found.sectors[i].copies();
  if (all > most_states)
    throw InvalidArgument(detail::concat("the lowest level has ", all, " states, more than ",
                                         most_states,
                                         "; ask for one sector, or add a field that splits it"));
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    auto sectors = found.sectors[i].images;
    sectors.insert(sectors.begin(), found.sectors[i].sector.conditions);
    for (const auto& sector : sectors)
      level.states.push_back(states_of(comm, h, lattice, sector, counts[i], options, level));
  }
  return level;
}

}  // namespace kronsolve
