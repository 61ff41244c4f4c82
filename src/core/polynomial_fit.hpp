#pragma once

#include <span>
#include <vector>

#include <kronsolve/export.hpp>

namespace kronsolve::detail {

/// A polynomial through points, by least squares.
class KRONSOLVE_EXPORT PolynomialFit {
 public:
  /// @param error  standard errors of y; empty: unknown and alike. Points whose error is zero are
  ///               taken to be as good as the best other one
  /// @throws InvalidArgument  not more different x than the degree
  PolynomialFit(std::span<const double> x, std::span<const double> y, std::span<const double> error,
                int degree);

  double operator()(double x) const;
  /// Standard error of the value at x = 0: from the errors of y, else from how far the points are off;
  /// NaN if there are no more points than coefficients to tell.
  double error_at_zero() const noexcept { return error_at_zero_; }

 private:
  std::vector<double> coefficients_;  ///< of powers of x / unit_
  double unit_ = 1, error_at_zero_ = 0;
};

}  // namespace kronsolve::detail
