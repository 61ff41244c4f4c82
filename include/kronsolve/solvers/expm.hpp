#pragma once

#include <complex>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/distributed_vectors.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/solvers/spectral_bounds.hpp>

namespace kronsolve {

/// A function of an operator applied to a vector, and how well.
template <Scalar T>
struct FunctionResult {
  DistributedVectors<T> vectors;  ///< one column: owned rows of w
  /// Absolute 2-norm error of w: a bound from the truncated series plus an estimate of rounding
  /// (Chebyshev), or an estimate from successive approximations (Krylov).
  double error = 0;            ///< infinite where nothing is known (mfn, not converged)
  bool converged = false;      ///< error <= tol |w|
  index_t products = 0;        ///< products with the operator, the search for its bounds included
  index_t degree = 0;          ///< degree of the polynomial used
  SpectralBounds bounds = {};  ///< interval used (Chebyshev; else 0, 0); give it to the next call
  std::string reason = {};     ///< why it stopped, for people

  /// @throws NotConverged  error > tol |w|; with both numbers
  const FunctionResult& require_converged() const {
    if (!converged) throw NotConverged(reason);
    return *this;
  }
};

/// chebyshev: a series with an error bound in advance, for Hermitian operators (automatic). mfn:
/// SLEPc's restarted Krylov method, for any square operator; its error is SLEPc's own estimate.
enum class ExpmMethod { automatic, chebyshev, mfn };

/// How exactly exp(t A) v is computed, and by what.
struct ExpmOptions {
  ExpmMethod method = ExpmMethod::automatic;  ///< automatic: chebyshev
  double tol = 1e-10;                         ///< error <= tol |w|
  std::optional<SpectralBounds> bounds = {};  ///< of the operator, if known: saves finding them
  /// chebyshev refuses before starting what needs more; mfn ends there, not converged.
  index_t max_products = 10'000'000;
  std::uint64_t seed = 0;  ///< of the search for the bounds
};

/// w = exp(t A) v for real t (imaginary time: t = -tau): by a Chebyshev series if A is Hermitian,
/// by SLEPc's MFN (.method = ExpmMethod::mfn) for any square A. Collective on a.comm().
///
/// @param t  t*A is dimensionless
/// @param v  owned entries, length a.row_range().size()
/// @throws DimensionError   map not square, wrong length of v (on any rank)
/// @throws InvalidArgument  t or an entry of v not finite, tol not in (0, 1), map not Hermitian,
///                          too many products needed, |w| above the largest double
/// @throws NotSupported     mfn without the engine it needs
/// @throws EngineError      mfn broke down
/// Cost: about sqrt(80 |t| R) products for long times, R half the width of the spectrum; five
/// vectors.
/// Source: Tal-Ezer and Kosloff 1984, doi:10.1063/1.448136; bounds: Hochbruck and Lubich 1997,
/// doi:10.1137/S0036142995280572.
template <Scalar T>
KRONSOLVE_EXPORT FunctionResult<T> expm_multiply(const LinearMap<T>& a, double t,
                                                 VectorArgument<T> v,
                                                 const ExpmOptions& options = {});

/// The same for complex t; use t = {0, -dt} for Schroedinger time dt (hbar = 1).
///
/// A real operator stays real: it is applied to the real and the imaginary part of v, only once a
/// step if one of them is zero.
/// Cost: |t| R + O((|t| R)^(1/3)) products for imaginary t, twice that for a real operator and
/// truly complex v.
template <Scalar T>
KRONSOLVE_EXPORT FunctionResult<std::complex<double>> expm_multiply(
    const LinearMap<T>& a, std::complex<double> t, std::span<const std::complex<double>> v,
    const ExpmOptions& options = {});

/// How exactly f(A) v is computed, and in how much memory.
struct FunctionOptions {
  double tol = 1e-10;        ///< estimated error <= tol |w|
  index_t max_steps = 2000;  ///< dimension of the Krylov space at most
  index_t stored = 40;       ///< Lanczos vectors kept; what is beyond is computed a second time
};

/// w = f(A) v for Hermitian A and any f on its spectrum (exp, sqrt, inverse, yours) by Lanczos, w =
/// |v| V f(T) e1. Collective on a.comm(); f must give the same on all ranks.
///
/// The error is estimated from how much the last steps changed w; for f with a singularity inside
/// the spectrum (1/x of an indefinite operator) compare with the residual of the equation that w
/// solves.
/// @throws DimensionError   map not square, wrong length of v (on any rank)
/// @throws InvalidArgument  f is not finite at an eigenvalue estimate (the text has it), v not
///                          finite, options out of range
/// Cost: at most 2 max_steps products, options.stored + 4 vectors.
/// Source: Druskin and Knizhnerman 1989, doi:10.1016/S0041-5553(89)80020-5; Hochbruck and Lubich
/// 1997, doi:10.1137/S0036142995280572.
template <Scalar T>
KRONSOLVE_EXPORT FunctionResult<T> apply_function(const LinearMap<T>& a,
                                                  const std::function<double(double)>& f,
                                                  VectorArgument<T> v,
                                                  const FunctionOptions& options = {});
/// The same for complex f or v; a real operator stays real.
template <Scalar T>
KRONSOLVE_EXPORT FunctionResult<std::complex<double>> apply_complex_function(
    const LinearMap<T>& a, const std::function<std::complex<double>(double)>& f,
    std::span<const std::complex<double>> v, const FunctionOptions& options = {});

}  // namespace kronsolve
