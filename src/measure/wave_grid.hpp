#pragma once
// The momenta of a lattice as a grid, whatever its shape.

#include <array>
#include <vector>

#include <kronsolve/operators/lattice.hpp>

namespace kronsolve::detail {

/// Momenta m with 0 <= m[d] < size[d], and where the sites are: k.r = 2 pi sum_d m[d] r[d] / size[d].
struct WaveGrid {
  std::vector<int> size;
  std::vector<std::array<double, 2>> positions;
};

/// @throws NotSupported  a graph
inline WaveGrid wave_grid(const Lattice& lattice) {
  WaveGrid grid{lattice.size(), {}};
  for (int i = 0; i < lattice.sites(); ++i) grid.positions.push_back(lattice.position(i));
  if (!lattice.cluster()) return grid;
  const auto last = lattice.momenta().back();
  grid.size = {last[0] + 1, last[1] + 1};
  const std::array waves = {lattice.momentum({1, 0}), lattice.momentum({0, 1})};
  for (auto& r : grid.positions) {
    const auto place = r;
    for (std::size_t d = 0; d < 2; ++d)
      r[d] = (waves[d].turns[0] * place[0] + waves[d].turns[1] * place[1]) * grid.size[d] /
             waves[d].of;
  }
  return grid;
}

}  // namespace kronsolve::detail
