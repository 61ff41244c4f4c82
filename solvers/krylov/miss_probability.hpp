#pragma once

#include <algorithm>
#include <cmath>

#include <kronsolve/core/index.hpp>

namespace kronsolve::krylov {

/// Bound on the probability, over random start vectors, that Lanczos has not seen a level after so
/// many steps although it lies `gap` outside the value it shows.
/// @param width  of the spectrum that the recurrence lives on, without the level
/// Source: Kuczynski and Wozniakowski 1992, doi:10.1137/0613066.
inline double miss_probability(double gap, double width, index_t n, index_t steps) {
  if (!(gap > 0)) return 1;
  // Relative error that a missed level would mean: at least the gap over the whole width.
  const double error = gap / (width + 2 * gap);
  return std::min(1.0, 1.648 * std::sqrt(static_cast<double>(n)) *
                           std::exp(-std::sqrt(error) * (2 * static_cast<double>(steps) - 1)));
}

}  // namespace kronsolve::krylov
