#pragma once
// Errors of what depends on all samples together.

#include <cmath>
#include <span>

namespace kronsolve::detail {

/// Standard error of a number from its values with one sample left out each; nothing: 0.
inline double jackknife_error(std::span<const double> leaving_out) {
  if (leaving_out.empty()) return 0;
  const auto samples = static_cast<double>(leaving_out.size());
  double mean = 0, square = 0;
  for (const double part : leaving_out) mean += part / samples;
  for (const double part : leaving_out) square += (part - mean) * (part - mean);
  return std::sqrt(square * (samples - 1) / samples);
}

}  // namespace kronsolve::detail
