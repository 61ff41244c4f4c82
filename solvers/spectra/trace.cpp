#include <cmath>

#include <kronsolve/core/random.hpp>
#include <kronsolve/solvers/stochastic.hpp>

#include "solvers/dense/tridiagonal.hpp"
#include "solvers/functions/lanczos_process.hpp"

namespace kronsolve {

namespace {

/// sum_j w_j f(theta_j), the Gauss quadrature of a Lanczos run.
double quadrature(const std::function<double(double)>& f, std::span<const double> alpha,
                  std::span<const double> beta) {
  const auto ritz = dense::tridiagonal_eigh(alpha, beta);
  double sum = 0;
  for (std::size_t j = 0; j < alpha.size(); ++j) {
    const double weight = ritz.component(0, j) * ritz.component(0, j), value = f(ritz.values[j]);
    // What has no weight is rounding, and f need not be defined there.
    if (weight < 1e-30 && !std::isfinite(value)) continue;
    if (!std::isfinite(value))
      throw InvalidArgument(detail::concat("trace_function: f is not finite at ", ritz.values[j],
                                           ", which the spectrum of the operator reaches"));
    sum += weight * value;
  }
  return sum;
}

template <Scalar T>
double sample(const LinearMap<T>& a, const std::function<double(double)>& f, const TraceOptions& o,
              std::uint32_t number) {
  const auto n = static_cast<double>(a.rows());
  Buffer<T> v(a.row_range().size());
  fill_normal(v.span(), a.row_range(), o.seed, number);
  LanczosProcess<T> lanczos(a, std::as_const(v).span());
  double value = 0;
  std::size_t next_check = 4;
  for (int small = 0; !lanczos.exhausted();) {
    lanczos.step();
    const std::size_t m = lanczos.steps();
    const bool last = lanczos.exhausted() || static_cast<index_t>(m) >= o.max_steps;
    if (m < next_check && !last) continue;
    next_check = m + 2 + m / 10;
    const double before = std::exchange(value, n * quadrature(f, lanczos.alpha(), lanczos.beta()));
    const double enough = o.step_tol * o.tol * std::max(std::abs(value), o.scale);
    small = m > 4 && std::abs(value - before) <= enough ? small + 1 : 0;
    if (last || small >= 2) break;
  }
  return value;
}

}  // namespace

template <Scalar T>
TraceResult trace_function(const LinearMap<T>& a, const std::function<double(double)>& f,
                           const TraceOptions& o) {
  vec::require_square("trace_function", a);
  if (!(o.tol > 0) || !(o.step_tol > 0) || !(o.scale >= 0) || o.min_samples < 1 ||
      o.max_samples < o.min_samples || o.max_steps < 1)
    throw InvalidArgument(detail::concat(
        "trace_function: tol and step_tol must be above 0, scale at least 0, 1 <= min_samples <= "
        "max_samples, max_steps at least 1; got ",
        o.tol, ", ", o.step_tol, ", ", o.scale, ", ", o.min_samples, ", ", o.max_samples, ", ",
        o.max_steps));
  const index_t before = a.products();
  TraceResult result;
  double sum = 0, squares = 0;
  while (result.samples < o.max_samples && !result.converged) {
    const double value = sample(a, f, o, narrow<std::uint32_t>(result.samples, "samples"));
    result.values.push_back(value);
    ++result.samples;
    sum += value;
    const auto count = static_cast<double>(result.samples);
    result.trace = sum / count;
    squares = 0;
    for (const double x : result.values) squares += (x - result.trace) * (x - result.trace);
    result.error = result.samples > 1 ? std::sqrt(squares / (count * (count - 1))) : 0;
    result.converged = result.samples >= std::max<index_t>(2, o.min_samples) &&
                       result.error <= o.tol * std::max(std::abs(result.trace), o.scale);
  }
  result.products = a.products() - before;
  return result;
}

template TraceResult trace_function(const LinearMap<double>&, const std::function<double(double)>&,
                                    const TraceOptions&);
template TraceResult trace_function(const LinearMap<std::complex<double>>&,
                                    const std::function<double(double)>&, const TraceOptions&);

}  // namespace kronsolve
