#include "solvers/evolution/step_watch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kronsolve::evolution {

double StepWatch::limit(double t, double h, double total, double tol, std::span<const double> nodes,
                        std::span<const double> weights) const {
  constexpr double samples = 1000, epsilon = std::numeric_limits<double>::epsilon();
  if (max_step_ > 0 && std::abs(h) > max_step_) h = std::copysign(max_step_, h);
  while (true) {
    const double allowed = std::max(tol * std::abs(h) / total, 8 * epsilon);
    const bool shortest = std::abs(h) <= 8 * epsilon * std::max(std::abs(t), total);
    if (shortest || unseen(t, h, total / samples, nodes, weights) <= allowed) return h;
    h /= 2;
  }
}

/// What the nodes miss of the integrals, times the sizes of the maps: midpoint rules of n, n/3 and
/// n/9 intervals share their samples and are extrapolated; where a coefficient jumps, their
/// difference is large, or that of an end from what the samples beside it say. (n is odd: parts that
/// the samples count as 1/2 could be what the nodes see of another part.)
double StepWatch::unseen(double t, double h, double spacing, std::span<const double> nodes,
                         std::span<const double> weights) const {
  constexpr double least = 243;
  constexpr double to_end[] = {35.0 / 16, -35.0 / 16, 21.0 / 16, -5.0 / 16};
  const long n = 9 * (static_cast<long>(std::ceil(std::max(least, std::abs(h) / spacing) / 9)) | 1);
  const auto intervals = static_cast<double>(n);
  double sum = 0;
  for (std::size_t j = 0; j < coefficients_.size(); ++j) {
    const Coefficient& c = coefficients_[j];
    double fine = 0, middle = 0, coarse = 0, seen = 0, first = c(t), last = c(t + h);
    for (long i = 0; i < n; ++i) {
      const double value = c(t + h * (static_cast<double>(i) + 0.5) / intervals);
      fine += value;
      if (i % 3 == 1) middle += value;
      if (i % 9 == 4) coarse += value;
      if (i < 4) first -= to_end[i] * value;
      if (i >= n - 4) last -= to_end[n - 1 - i] * value;
    }
    const double better = (9 * fine - 3 * middle) / 8, worse = (27 * middle - 9 * coarse) / 8;
    const double best = (81 * better - worse) / 80;
    for (std::size_t i = 0; i < nodes.size(); ++i) seen += weights[i] * c(t + h * nodes[i]);
    sum += sizes_[j] * std::abs(h) *
           std::max({std::abs(best / intervals - seen), std::abs(best - better) / intervals,
                     (std::abs(first) + std::abs(last)) / (2 * intervals)});
  }
  return sum;
}

}  // namespace kronsolve::evolution
