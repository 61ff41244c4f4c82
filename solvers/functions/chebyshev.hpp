#pragma once

#include <complex>
#include <functional>
#include <span>
#include <vector>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/solvers/spectral_bounds.hpp>

namespace kronsolve {

/// Coefficients of f(x) = sum_k coefficients[k] T_k(x) on [-1, 1], and what is left out: tail[k]
/// bounds |f - sum_{j<=k}| there.
struct ChebyshevSeries {
  std::vector<std::complex<double>> coefficients;
  std::vector<double> tail;
  /// Smallest degree with tail <= tol, or the last.
  std::size_t degree(double tol) const;
};

/// exp(z x) exp(-|Re z|): |f| <= 1 on the interval. The tail goes down to rounding. Bessel
/// functions by Miller's backward recurrence (doi:10.1137/1009002). Local, O(|z|).
ChebyshevSeries exponential_series(std::complex<double> z);

/// out_s += sum_k coefficients_s[k] T_k((A - c)/r) x for several series at once. Coefficients that
/// are exactly 0 cost nothing.
template <Scalar T>
struct ChebyshevOutput {
  std::vector<T> coefficients;
  std::span<T> out;
};

/// Runs the recurrence to the longest of the series; cost: one product a degree, three vectors.
/// Collective.
/// @return false if the vectors grew: the spectrum is not inside the bounds, the outputs are
///         useless
template <Scalar T>
bool chebyshev_sum(const LinearMap<T>& a, const SpectralBounds& bounds, std::span<const T> x,
                   std::span<const ChebyshevOutput<T>> outputs);

/// outputs[j] = sum_k coefficients[k] T_k((A - c)/r) inputs[j] for several vectors: as many side by
/// side as the map takes, else one by one. What the outputs held does not matter. Collective.
/// @return false if the vectors grew, see above
template <Scalar T>
bool chebyshev_columns(const LinearMap<T>& a, const SpectralBounds& bounds,
                       std::span<const double> coefficients,
                       std::span<const std::span<const T>> inputs,
                       std::span<const std::span<T>> outputs);

/// An interval of no width divides by zero; rounding of the ends is more than its width then.
SpectralBounds not_empty(SpectralBounds bounds);
/// The same bounds, wider on both sides by a tenth: the answer to chebyshev_sum's false.
SpectralBounds widened(SpectralBounds bounds);

/// What an exponential cost and how good it is.
struct Exponential {
  SpectralBounds bounds;
  index_t products = 0;
  index_t degree = 0;
  double log_scale = 0;  ///< the true result is exp(log_scale) times what is stored
  double error = 0;      ///< absolute, of what is stored
};

/// x := exp(t A) x * exp(-log_scale), in place. Real t keeps T. Collective.
/// @param tol  relative to |x|; imaginary parts of t (no growth) stop there, real ones go to
///             rounding
/// @throws InvalidArgument  more than max_products products; bounds do not settle (map not
///                          Hermitian)
template <Scalar T>
Exponential exponentiate(const LinearMap<T>& a, std::complex<double> t, std::span<T> x,
                         SpectralBounds bounds, double tol, index_t max_products);

/// The same for a real map and a complex state as two real vectors. A part that is zero everywhere
/// costs nothing.
Exponential exponentiate_pair(const LinearMap<double>& a, std::complex<double> t,
                              std::span<double> re, std::span<double> im, SpectralBounds bounds,
                              double tol, index_t max_products);

}  // namespace kronsolve
