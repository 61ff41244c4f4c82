#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include <kronsolve/core/index.hpp>
#include <kronsolve/solvers/density_of_states.hpp>

namespace kronsolve::filter {

/// Pairs just outside the window are computed too, down to this much below the threshold (and above
/// the side lobes): a pair missed inside then stands out from the rest, and few steps would show
/// it.
inline constexpr double collected_below = 0.06;

/// sum_n c_n T_n with c_n = (2 - delta_n0) cos(n acos x0), normalised to 1 at x0: delta(x - x0) cut
/// off.
struct Polynomial {
  std::vector<double> coefficients;
  double value(double x) const {
    const double theta = std::acos(std::clamp(x, -1.0, 1.0));
    double sum = 0;
    for (std::size_t n = 0; n < coefficients.size(); ++n)
      sum += coefficients[n] * std::cos(static_cast<double>(n) * theta);
    return sum;
  }
};

/// Where to look, and with what.
struct Window {
  double lower = 0, upper = 0, center = 0, expected = 0;
  Polynomial polynomial = {};
  double threshold = 0;  ///< the polynomial is at least this in the window
  double collected = 0;  ///< pairs above this are computed; the distance makes the check cheap
  SpectralBounds bounds = {};

  double value(double energy) const {
    return polynomial.value((energy - bounds.center()) / bounds.half_width());
  }
};

/// The window between two values and its polynomial, centred between them, or at `center`.
Window make_window(const DensityOfStates& states, double lower, double upper,
                   std::optional<double> center = {});

/// Half width around sigma that holds about `wanted` states.
double half_width_for(const DensityOfStates& states, double sigma, double wanted);

}  // namespace kronsolve::filter
