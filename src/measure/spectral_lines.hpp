#pragma once
// Delta functions of a correlation. Local.

#include <complex>
#include <span>
#include <vector>

#include <kronsolve/measure/dynamical_correlations.hpp>

namespace kronsolve::detail {

struct Line {
  double energy = 0;
  std::complex<double> weight = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(energy, weight);
  }
};

/// Lines of a correlation, those of equal energy as one, at 0 where that is the energy to rounding.
/// @param norm   divides the weights
/// @param scale  of the levels between which the lines lie
void set_lines(DynamicalCorrelation& correlation, std::vector<Line> lines, double norm,
               double scale);

}  // namespace kronsolve::detail
