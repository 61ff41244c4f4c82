#include "solvers/filter/window.hpp"

#include <numeric>

namespace kronsolve::filter {

namespace {

/// Part of its maximum that the polynomial keeps at the edge of the window. Less costs products,
/// more costs vectors (chain of 14 sites, 60 pairs: 0.32, 0.5, 0.65, 0.8 take 60, 49, 44, 40
/// thousand products and spaces of 236, 236, 260, 320).
constexpr double edge_value = 0.5;
/// Levels, by the density of states, that the polynomial spans at least.
constexpr double fewest_resolved = 3;
/// sin(x)/x = edge_value.
constexpr double edge_angle = 1.895;

Polynomial delta_polynomial(double x0, index_t degree) {
  const double theta = std::acos(std::clamp(x0, -1.0, 1.0));
  Polynomial p;
  double at = 0;
  for (index_t n = 0; n <= degree; ++n) {
    const double c = std::cos(static_cast<double>(n) * theta) * (n == 0 ? 1 : 2);
    p.coefficients.push_back(c);
    at += c * std::cos(static_cast<double>(n) * theta);
  }
  for (double& c : p.coefficients) c /= at;
  return p;
}

}  // namespace

double half_width_for(const DensityOfStates& states, double sigma, double wanted) {
  const double most = 2 * states.bounds.half_width() + std::abs(sigma - states.bounds.center());
  double low = 0, high = most;
  for (int i = 0; i < 60; ++i) {
    const double middle = std::midpoint(low, high);
    (states.count(sigma - middle, sigma + middle) < wanted ? low : high) = middle;
  }
  return high;
}

Window make_window(const DensityOfStates& states, double lower, double upper,
                   std::optional<double> center) {
  const auto& bounds = states.bounds;
  Window w{.lower = lower, .upper = upper, .bounds = bounds};
  w.expected = states.count(lower, upper);
  // A polynomial that resolves less than a few levels costs more and finds no more; outside the
  // spectrum it has nothing to resolve.
  const double middle = std::midpoint(lower, upper);
  const double least = half_width_for(states, middle, fewest_resolved);
  const double first = std::clamp(std::min(lower, middle - least), bounds.lower, bounds.upper);
  const double last = std::clamp(std::max(upper, middle + least), bounds.lower, bounds.upper);
  w.center = std::clamp(center.value_or(std::midpoint(first, last)), bounds.lower, bounds.upper);
  const auto scaled = [&](double energy) {
    return std::clamp((energy - bounds.center()) / bounds.half_width(), -1.0, 1.0);
  };
  const double theta = std::acos(scaled(w.center));
  const double angle = std::max({std::abs(std::acos(scaled(first)) - theta),
                                 std::abs(std::acos(scaled(last)) - theta), 1e-7});
  const auto degree = static_cast<index_t>(std::clamp(edge_angle / angle, 1.0, 2e7));
  w.polynomial = delta_polynomial(scaled(w.center), degree);
  w.threshold = edge_value;
  constexpr int samples = 32;
  for (int i = 0; i <= samples; ++i)
    w.threshold = std::min(w.threshold, w.value(first + (last - first) * i / samples));
  w.threshold -= 0.02 * std::abs(w.threshold);
  w.collected = w.threshold - collected_below;
  return w;
}

}  // namespace kronsolve::filter
