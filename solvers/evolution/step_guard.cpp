#include "solvers/evolution/step_guard.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace kronsolve::evolution {

namespace {

/// Gauss-Legendre rule of eight points on [0, 1].
constexpr std::size_t points = 8;
constexpr std::array<double, points> gauss_nodes = {
    0.019855071751231884, 0.10166676129318664, 0.2372337950418355, 0.4082826787521751,
    0.5917173212478249,   0.7627662049581645,  0.8983332387068134, 0.9801449282487681};
constexpr std::array<double, points> gauss_weights = {
    0.05061426814518813, 0.11119051722668724, 0.15685332293894363, 0.18134189168918100,
    0.18134189168918100, 0.15685332293894363, 0.11119051722668724, 0.05061426814518813};
constexpr double most_cells = 8192;

/// What the values at the nodes make of the end of the cell, where no node is.
constexpr std::array<double, points> to_the_end = [] {
  std::array<double, points> weights{};
  for (std::size_t i = 0; i < points; ++i) {
    weights[i] = 1;
    for (std::size_t j = 0; j < points; ++j)
      if (j != i) weights[i] *= (1 - gauss_nodes[j]) / (gauss_nodes[i] - gauss_nodes[j]);
  }
  return weights;
}();

/// Where a cell of the step begins. The first one is longer and the last one shorter: equal ones
/// would join where the rule of a step has its middle, and a jump there would be seen by neither.
double boundary(std::size_t cell, std::size_t cells) {
  constexpr double shift = 0.381966;
  const auto number = static_cast<double>(cell), all = static_cast<double>(cells);
  return cell == 0 ? 0 : cell == cells ? 1 : (number + shift) / all;
}

/// Integrals of f, f s, f s^2, f s^3 over the step, s from -1 to 1 on it, and of |f|.
constexpr std::size_t moments = 4;
struct Moments {
  std::array<double, moments> values{};
  double size = 0;
  void add(double weight, double f, double s) {
    size += std::abs(weight * f);
    for (double& value : values) {
      value += weight * f;
      f *= s;
    }
  }
};

}  // namespace

void StepGuard::begin(double from, double to) {
  cell_ = std::abs(to - from) / most_cells;
  shortest_ = 16 * std::numeric_limits<double>::epsilon() * std::max(std::abs(from), std::abs(to));
}

double StepGuard::limit(double wanted) const {
  const double step = longest_ > 0 ? std::min(wanted, longest_) : wanted;
  return is_constant() ? step : std::max(step, shortest_);
}

double StepGuard::missed(double t, double step, const Quadrature& rule) const {
  if (is_constant()) return 0;
  const double length = std::abs(step);
  const auto cells =
      static_cast<std::size_t>(std::clamp(std::ceil(length / cell_), 2.0, most_cells));
  std::vector<std::array<double, moments>> differences;
  double turned = 0;  // of the state in this step, at most
  for (const auto& drive : drives_) {
    Moments seen, sampled;
    for (std::size_t i = 0; i < rule.nodes.size(); ++i)
      seen.add(rule.weights[i], drive.coefficient(t + rule.nodes[i] * step), 2 * rule.nodes[i] - 1);
    double begin = drive.coefficient(t), end = drive.coefficient(t + step);
    for (std::size_t cell = 0; cell < cells; ++cell) {
      const double left = boundary(cell, cells), width = boundary(cell + 1, cells) - left;
      for (std::size_t i = 0; i < points; ++i) {
        const double at = left + gauss_nodes[i] * width;
        const double f = drive.coefficient(t + at * step);
        sampled.add(gauss_weights[i] * width, f, 2 * at - 1);
        if (cell == 0) begin -= to_the_end[points - 1 - i] * f;
        if (cell + 1 == cells) end -= to_the_end[i] * f;
      }
    }
    // A jump between the outermost samples and the ends of the step.
    const double beyond = gauss_nodes[0] * boundary(1, cells) * (std::abs(begin) + std::abs(end));
    turned += length * drive.size * sampled.size;
    auto& difference = differences.emplace_back();
    for (std::size_t k = 0; k < moments; ++k)
      difference[k] = length * drive.size * std::abs(seen.values[k] - sampled.values[k]);
    difference[0] += length * drive.size * beyond;
  }
  // A higher moment acts through commutators, with one more factor of what the step turns.
  double sum = 0;
  for (const auto& difference : differences) {
    double factor = 1;
    for (const double d : difference) {
      sum += factor * d;
      factor *= std::min(1.0, turned);
    }
  }
  return sum;
}

}  // namespace kronsolve::evolution
