#include "solvers/functions/mfn.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/engine.hpp>

#include "solvers/functions/complex_view.hpp"

namespace kronsolve {

namespace {

using Complex = std::complex<double>;

/// Of |t| |A|: SLEPc exponentiates the whole history of its restarts at each of them, so that the
/// cost of one call grows with the third power of the time.
constexpr double longest_mfn_piece = 200;
constexpr double most_mfn_pieces = 50'000;
/// Smaller ones are asked of SLEPc only where the caller asks for them.
constexpr double least_mfn_tolerance = 1e-14;

template <Scalar T>
bool run(const LinearMap<T>& a, T t, std::span<T> x, double tol, index_t max_products) {
  // SLEPc would divide by either.
  if (t == T(0) || vec::norm<T>(a.comm(), x) == 0) return true;
  if (max_products < 1) return false;
  const auto found = load_engine<T>(a.rows()).expm_multiply(a, t, x, tol, max_products);
  vec::copy<T>(found.w, x);
  return found.converged;
}

}  // namespace

template <Scalar T, Scalar V>
bool exponentiate_mfn(const LinearMap<T>& a, V t, std::span<V> x, double tol,
                      index_t max_products) {
  if constexpr (std::same_as<T, V>) {
    return run<T>(a, t, x, tol, max_products);
  } else {
    // A complex product is two real ones.
    return run<Complex>(ComplexView(a), t, x, tol, max_products / 2);
  }
}

template <Scalar T, Scalar V>
MfnPieces exponentiate_mfn_in_pieces(const LinearMap<T>& a, V t, double size, std::span<V> x,
                                     double tol, index_t max_products) {
  const double pieces = std::max(1.0, std::ceil(size / longest_mfn_piece));
  if (!(pieces <= most_mfn_pieces))
    throw InvalidArgument(detail::concat("method mfn: |t| |A| is about ", size, ", at most ",
                                         longest_mfn_piece * most_mfn_pieces,
                                         " is done; use chebyshev or a shorter time"));
  const double each = std::max(tol / pieces, std::min(tol, least_mfn_tolerance));
  const index_t before = a.products();
  MfnPieces moved{.wanted = static_cast<index_t>(pieces)};
  while (!moved.converged()) {
    const index_t left = max_products - (a.products() - before);
    if (!exponentiate_mfn<T, V>(a, t / pieces, x, each, left)) break;
    ++moved.done;
  }
  return moved;
}

#define KRONSOLVE_INSTANTIATE(T, V)                                                           \
  template bool exponentiate_mfn(const LinearMap<T>&, V, std::span<V>, double, index_t);      \
  template MfnPieces exponentiate_mfn_in_pieces(const LinearMap<T>&, V, double, std::span<V>, \
                                                double, index_t);
KRONSOLVE_INSTANTIATE(double, double)
KRONSOLVE_INSTANTIATE(double, Complex)
KRONSOLVE_INSTANTIATE(Complex, Complex)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
