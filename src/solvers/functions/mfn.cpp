#include "solvers/functions/mfn.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <kronsolve/core/error.hpp>
#include <kronsolve/solvers/engine.hpp>

#include "solvers/functions/complex_view.hpp"
#include "solvers/functions/vector_ops.hpp"

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
void run(const LinearMap<T>& a, T t, std::span<T> x, double tol) {
  // SLEPc would divide by either.
  if (t == T(0) || vec::norm<T>(a.comm(), x) == 0) return;
  const auto w = load_engine<T>(a.rows()).expm_multiply(a, t, x, tol, 0);
  vec::copy<T>(w, x);
}

}  // namespace

template <Scalar T, Scalar V>
void exponentiate_mfn(const LinearMap<T>& a, V t, std::span<V> x, double tol) {
  if constexpr (std::same_as<T, V>) {
    if constexpr (!is_complex<T>) {
      if (!a.comm().all(engine_installed(ScalarKind::real))) {
        std::vector<Complex> z(x.begin(), x.end());
        exponentiate_mfn<double, Complex>(a, t, z, tol);
        for (std::size_t i = 0; i < z.size(); ++i) x[i] = z[i].real();
        return;
      }
    }
    run<T>(a, t, x, tol);
  } else {
    run<Complex>(ComplexView(a), t, x, tol);
  }
}

template <Scalar T, Scalar V>
index_t exponentiate_mfn_in_pieces(const LinearMap<T>& a, V t, double size, std::span<V> x,
                                   double tol) {
  const double pieces = std::max(1.0, std::ceil(size / longest_mfn_piece));
  if (!(pieces <= most_mfn_pieces))
    throw InvalidArgument(detail::concat("method mfn: |t| |A| is about ", size, ", at most ",
                                         longest_mfn_piece * most_mfn_pieces,
                                         " is done; use chebyshev or a shorter time"));
  const double each = std::max(tol / pieces, std::min(tol, least_mfn_tolerance));
  const auto count = static_cast<index_t>(pieces);
  for (index_t piece = 0; piece < count; ++piece) exponentiate_mfn<T, V>(a, t / pieces, x, each);
  return count;
}

template void exponentiate_mfn(const LinearMap<double>&, double, std::span<double>, double);
template void exponentiate_mfn(const LinearMap<double>&, Complex, std::span<Complex>, double);
template void exponentiate_mfn(const LinearMap<Complex>&, Complex, std::span<Complex>, double);
template index_t exponentiate_mfn_in_pieces(const LinearMap<double>&, double, double,
                                            std::span<double>, double);
template index_t exponentiate_mfn_in_pieces(const LinearMap<double>&, Complex, double,
                                            std::span<Complex>, double);
template index_t exponentiate_mfn_in_pieces(const LinearMap<Complex>&, Complex, double,
                                            std::span<Complex>, double);

}  // namespace kronsolve
