#include "measure/spectral_lines.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <kronsolve/core/error.hpp>

#include "solvers/spectra/jackknife.hpp"

namespace kronsolve {

namespace {

using Complex = std::complex<double>;

/// A line of that width at a distance from its energy.
double shape_at(double distance, double width, LineShape shape) {
  const double x = distance / width, pi = std::numbers::pi;
  return shape == LineShape::lorentzian ? 1 / (pi * width * (1 + x * x))
                                        : std::exp(-x * x / 2) / (width * std::sqrt(2 * pi));
}

void require_width(double width) {
  if (!(width > 0) || !std::isfinite(width))
    throw InvalidArgument(detail::concat("broadening must be a positive number, got ", width));
}

}  // namespace

void detail::set_lines(DynamicalCorrelation& correlation, std::vector<Line> lines, double norm,
                       double scale) {
  constexpr double same_level = 1e-10;
  for (const auto& line : lines) scale = std::max(scale, std::abs(line.energy));
  const double rounding = same_level * scale;
  for (auto& line : lines)
    if (std::abs(line.energy) <= rounding) line.energy = 0;
  std::sort(lines.begin(), lines.end(),
            [](const Line& x, const Line& y) { return x.energy < y.energy; });
  for (const auto& line : lines) {
    auto& energies = correlation.energies;
    if (!energies.empty() && line.energy - energies.back() <= rounding) {
      correlation.weights.back() += line.weight / norm;
      continue;
    }
    energies.push_back(line.energy);
    correlation.weights.push_back(line.weight / norm);
  }
}

Complex DynamicalCorrelation::moment(int power) const {
  Complex sum = 0;
  for (std::size_t j = 0; j < energies.size(); ++j)
    sum += weights[j] * std::pow(energies[j], power);
  return sum;
}

std::vector<double> broadened(const DynamicalCorrelation& lines, std::span<const double> energies,
                              double width, LineShape shape) {
  require_width(width);
  std::vector<double> values(energies.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    for (std::size_t j = 0; j < lines.energies.size(); ++j)
      values[i] +=
          lines.weights[j].real() * shape_at(energies[i] - lines.energies[j], width, shape);
  return values;
}

std::vector<double> broadened_errors(const DynamicalCorrelation& lines,
                                     std::span<const double> energies, double width,
                                     LineShape shape) {
  require_width(width);
  const std::size_t samples = lines.leaving_out.size();
  std::vector<double> errors(energies.size()), parts(samples);
  for (std::size_t i = 0; i < errors.size() && samples > 0; ++i) {
    std::fill(parts.begin(), parts.end(), 0.0);
    for (std::size_t j = 0; j < lines.energies.size(); ++j) {
      const double line = shape_at(energies[i] - lines.energies[j], width, shape);
      for (std::size_t r = 0; r < samples; ++r) parts[r] += lines.leaving_out[r][j].real() * line;
    }
    errors[i] = detail::jackknife_error(parts);
  }
  return errors;
}

}  // namespace kronsolve
