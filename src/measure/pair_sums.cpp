#include "measure/pair_sums.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace kronsolve::detail {

using Complex = std::complex<double>;

std::vector<Complex> by_distance(std::span<const Complex> pairs, std::span<const int> distances) {
  const int longest = *std::max_element(distances.begin(), distances.end());
  std::vector<Complex> sums(static_cast<std::size_t>(longest) + 1);
  std::vector<double> counts(sums.size(), 0.0);
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    if (distances[p] < 0) continue;
    sums[static_cast<std::size_t>(distances[p])] += pairs[p];
    ++counts[static_cast<std::size_t>(distances[p])];
  }
  for (std::size_t d = 0; d < sums.size(); ++d) sums[d] /= counts[d];
  return sums;
}

std::vector<Complex> structure_factor(std::span<const Complex> pairs,
                                      std::span<const std::array<double, 2>> positions,
                                      std::span<const int> size) {
  const std::size_t n = positions.size();
  const int lx = size[0], ly = size.size() > 1 ? size[1] : 1;
  std::vector<Complex> values;
  for (int mx = 0; mx < lx; ++mx)
    for (int my = 0; my < ly; ++my) {
      std::vector<Complex> wave(n);
      for (std::size_t i = 0; i < n; ++i)
        wave[i] = std::polar(
            1.0, 2 * std::numbers::pi * (mx * positions[i][0] / lx + my * positions[i][1] / ly));
      Complex sum = 0;
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) sum += wave[i] * std::conj(wave[j]) * pairs[i * n + j];
      values.push_back(sum / double(n));
    }
  return values;
}

}  // namespace kronsolve::detail
