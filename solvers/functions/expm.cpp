#include <limits>

#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/expm.hpp>

#include "core/counted.hpp"
#include "solvers/functions/chebyshev.hpp"
#include "solvers/functions/mfn.hpp"

namespace kronsolve {

namespace {

using Complex = std::complex<double>;

void check(Complex t, const ExpmOptions& options) {
  if (!std::isfinite(t.real()) || !std::isfinite(t.imag()))
    throw InvalidArgument(detail::concat("expm_multiply: t must be finite, got ", t));
  if (!(options.tol > 0 && options.tol < 1))
    throw InvalidArgument(
        detail::concat("expm_multiply: tol must be in (0, 1), got ", options.tol));
  if (options.bounds && !(options.bounds->lower <= options.bounds->upper))
    throw InvalidArgument(detail::concat("expm_multiply: the bounds must be lower <= upper, got ",
                                         options.bounds->lower, ", ", options.bounds->upper));
}

template <Scalar T>
SpectralBounds bounds_of(const LinearMap<T>& a, const ExpmOptions& options) {
  if (!options.bounds) return spectral_bounds(a, {.seed = options.seed});
  SpectralBounds given = *options.bounds;
  given.products = 0;
  return given;
}

/// About |A v_k| / |v_k| after a few products: enough to see an exponential that cannot be held.
template <Scalar T, Scalar V>
double growth(const LinearMap<T>& a, std::span<const V> v) {
  Buffer<T> x(vec::length(v)), y(vec::length(v));
  for (index_t i = 0; i < x.size(); ++i) {
    const V value = v[static_cast<std::size_t>(i)];
    if constexpr (std::same_as<T, V>)
      x[i] = value;
    else
      x[i] = value.real() + value.imag();
  }
  double largest = 0;
  for (int step = 0; step < 5; ++step) {
    const double norm = vec::norm<T>(a.comm(), std::as_const(x).span());
    if (norm == 0) break;
    vec::scale<T>(1 / norm, x.span());
    a.apply(x.span(), y.span());
    std::swap(x, y);
    largest = std::max(largest, vec::norm<T>(a.comm(), std::as_const(x).span()));
  }
  return largest;
}

/// exp(tA) v left to SLEPc.
template <Scalar T, Scalar V>
FunctionResult<V> by_mfn(const LinearMap<T>& a, V t, std::span<const V> v,
                         const ExpmOptions& options) {
  const double tol = options.tol;
  const index_t before = a.products();
  const double size = t == V(0) ? 0 : growth<T, V>(a, v);
  const double exponent = std::abs(real_part(t)) * size;
  if (exponent > 600)  // SLEPc would go round and round with infinities
    throw InvalidArgument(detail::concat(
        "expm_multiply: |Re t| |A| is about ", exponent,
        ", so that method mfn leaves the range of doubles; use chebyshev, or evolve in imaginary "
        "time, which normalises"));
  FunctionResult<V> result{.vectors = DistributedVectors<V>(a.row_partition(), a.comm().rank(), 1)};
  const auto w = result.vectors.column(0);
  vec::copy<V>(v, w);
  const index_t left = options.max_products - (a.products() - before);
  const auto moved = exponentiate_mfn_in_pieces<T, V>(a, t, std::abs(t) * size, w, tol, left);
  const double norm = vec::norm<V>(a.comm(), w);
  if (!std::isfinite(norm))
    throw InvalidArgument(
        "expm_multiply: the result is above the largest double; evolve in imaginary time "
        "normalises");
  result.converged = moved.converged();
  result.error = result.converged ? tol * norm : std::numeric_limits<double>::infinity();
  result.products = a.products() - before;
  const char* pieces = moved.wanted == 1 ? " piece" : " pieces";
  if (result.converged)
    result.reason = detail::concat("SLEPc MFN, ", detail::counted(result.products, "product"),
                                   " in ", moved.wanted, pieces, ", error as SLEPc estimates it");
  else
    result.reason = detail::concat(
        "SLEPc MFN ended after ", detail::counted(result.products, "product"), " with ", moved.done,
        " of ", moved.wanted, pieces, " of the time done: max_products is ", options.max_products,
        "; raise it, shorten the time or take chebyshev");
  return result;
}

/// Undoes the scale of the exponential and states the error.
template <Scalar T, Scalar V>
void finish(const LinearMap<T>& a, const Exponential& e, double tol, FunctionResult<V>& result,
            index_t bound_products) {
  const double norm = vec::norm<V>(a.comm(), result.vectors.column(0));
  const double log_norm = norm > 0 ? std::log(norm) + e.log_scale : 0;
  if (log_norm > std::log(std::numeric_limits<double>::max()) - 1)
    throw InvalidArgument(
        detail::concat("expm_multiply: the result has a norm of exp(", log_norm,
                       "), above the largest double; evolve in imaginary time normalises"));
  // In two halves: exp(log_scale) alone may overflow where the product does not.
  for (int half = 0; half < 2 && e.log_scale != 0; ++half)
    vec::scale<V>(std::exp(e.log_scale / 2), result.vectors.column(0));
  result.error = e.error * std::exp(e.log_scale / 2) * std::exp(e.log_scale / 2);
  result.converged = e.error <= tol * norm;
  result.products = e.products + bound_products;
  result.degree = e.degree;
  result.bounds = e.bounds;
  result.reason =
      detail::concat("Chebyshev series of degree ", e.degree, " on [", e.bounds.lower, ", ",
                     e.bounds.upper, "], error ", result.error,
                     result.converged ? " within tol" : " above tol: rounding is the limit");
}

}  // namespace

template <Scalar T>
FunctionResult<T> expm_multiply(const LinearMap<T>& a, double t, VectorArgument<T> v,
                                const ExpmOptions& options) {
  vec::require_square("expm_multiply", a);
  vec::require_vector("expm_multiply", a, v);
  check(t, options);
  if (options.method == ExpmMethod::mfn) return by_mfn<T, T>(a, t, v, options);
  const auto bounds = bounds_of(a, options);
  FunctionResult<T> result{.vectors = DistributedVectors<T>(a.row_partition(), a.comm().rank(), 1)};
  vec::copy<T>(v, result.vectors.column(0));
  const auto e =
      exponentiate<T>(a, t, result.vectors.column(0), bounds, options.tol, options.max_products);
  finish(a, e, options.tol, result, bounds.products);
  return result;
}

template <Scalar T>
FunctionResult<Complex> expm_multiply(const LinearMap<T>& a, Complex t, std::span<const Complex> v,
                                      const ExpmOptions& options) {
  vec::require_square("expm_multiply", a);
  vec::require_vector("expm_multiply", a, v);
  check(t, options);
  if (options.method == ExpmMethod::mfn) return by_mfn<T, Complex>(a, t, v, options);
  const auto bounds = bounds_of(a, options);
  FunctionResult<Complex> result{
      .vectors = DistributedVectors<Complex>(a.row_partition(), a.comm().rank(), 1)};
  const auto w = result.vectors.column(0);
  Exponential e;
  if constexpr (is_complex<T>) {
    vec::copy<T>(v, w);
    e = exponentiate<T>(a, t, w, bounds, options.tol, options.max_products);
  } else {
    Buffer<double> re(vec::length(v)), im(vec::length(v));
    vec::split(v, re.span(), im.span());
    e = exponentiate_pair(a, t, re.span(), im.span(), bounds, options.tol, options.max_products);
    vec::join(re.span(), im.span(), w);
  }
  finish(a, e, options.tol, result, bounds.products);
  return result;
}

#define KRONSOLVE_INSTANTIATE(T)                                                            \
  template FunctionResult<T> expm_multiply(const LinearMap<T>&, double, std::span<const T>, \
                                           const ExpmOptions&);                             \
  template FunctionResult<Complex> expm_multiply(const LinearMap<T>&, Complex,              \
                                                 std::span<const Complex>, const ExpmOptions&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
