#include "core/polynomial_fit.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include <kronsolve/core/error.hpp>

namespace kronsolve::detail {

namespace {

using Column = std::vector<double>;

double dot(const Column& a, const Column& b) {
  long double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<long double>(a[i]) * b[i];
  return static_cast<double>(sum);
}

/// 1 / error of each point.
Column weights_of(std::span<const double> error, std::size_t count) {
  double best = std::numeric_limits<double>::infinity();
  for (const double e : error)
    if (e > 0) best = std::min(best, e);
  Column weights(count, 1);
  if (std::isfinite(best))
    for (std::size_t i = 0; i < count; ++i) weights[i] = 1 / std::max(error[i], best);
  return weights;
}

}  // namespace

PolynomialFit::PolynomialFit(std::span<const double> x, std::span<const double> y,
                             std::span<const double> error, int degree) {
  const std::set<double> places(x.begin(), x.end());
  const auto terms = static_cast<std::size_t>(degree) + 1;
  if (places.size() < terms)
    throw InvalidArgument(concat("a fit of degree ", degree, " needs ", terms,
                                 " different places, there are ", places.size(),
                                 "; take a lower degree"));
  unit_ = std::max(std::abs(*places.begin()), std::abs(*places.rbegin()));
  const auto weights = weights_of(error, x.size());
  // Orthogonal columns Q of powers, V = Q R, twice projected: the digits of the fit are those of R.
  std::vector<Column> q;
  std::vector<Column> r(terms, Column(terms, 0));
  for (std::size_t j = 0; j < terms; ++j) {
    Column v(x.size());
    for (std::size_t i = 0; i < v.size(); ++i)
      v[i] = weights[i] * std::pow(x[i] / unit_, static_cast<double>(j));
    for (int again = 0; again < 2; ++again)
      for (std::size_t k = 0; k < j; ++k) {
        const double part = dot(q[k], v);
        r[k][j] += part;
        for (std::size_t i = 0; i < v.size(); ++i) v[i] -= part * q[k][i];
      }
    r[j][j] = std::sqrt(dot(v, v));
    for (double& entry : v) entry /= r[j][j];
    q.push_back(std::move(v));
  }
  Column rest(y.size());
  for (std::size_t i = 0; i < rest.size(); ++i) rest[i] = weights[i] * y[i];
  Column right(terms);
  for (std::size_t j = 0; j < terms; ++j) {
    right[j] = dot(q[j], rest);
    for (std::size_t i = 0; i < rest.size(); ++i) rest[i] -= right[j] * q[j][i];
  }
  coefficients_ = right;
  for (std::size_t j = terms; j-- > 0;) {
    for (std::size_t k = j + 1; k < terms; ++k) coefficients_[j] -= r[j][k] * coefficients_[k];
    coefficients_[j] /= r[j][j];
  }
  // The first row of R^-1: what the coefficient of x^0 takes of each column.
  Column inverse(terms, 0);
  inverse[0] = 1 / r[0][0];
  for (std::size_t j = 1; j < terms; ++j) {
    for (std::size_t k = 0; k < j; ++k) inverse[j] -= inverse[k] * r[k][j];
    inverse[j] /= r[j][j];
  }
  const bool known = std::any_of(error.begin(), error.end(), [](double e) { return e > 0; });
  const double scatter =
      known ? 1 : std::sqrt(dot(rest, rest) / static_cast<double>(x.size() - terms));
  error_at_zero_ = known || x.size() > terms ? scatter * std::sqrt(dot(inverse, inverse))
                                             : std::numeric_limits<double>::quiet_NaN();
}

double PolynomialFit::operator()(double x) const {
  double value = 0;
  for (auto c = coefficients_.rbegin(); c != coefficients_.rend(); ++c)
    value = value * (x / unit_) + *c;
  return value;
}

}  // namespace kronsolve::detail
