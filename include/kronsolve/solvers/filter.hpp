#pragma once

#include <complex>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/distributed_vectors.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/solvers/pairs.hpp>
#include <kronsolve/solvers/spectral_bounds.hpp>

namespace kronsolve {

class Checkpoint;

/// Which pairs inside the spectrum, and in how much memory.
struct FilterOptions {
  index_t k = 1;     ///< pairs nearest to sigma ...
  double sigma = 0;  ///< target, in units of the operator
  std::optional<std::pair<double, double>> interval =
      {};              ///< ... or all pairs in [first, second]; k and sigma are then ignored
  double tol = 1e-10;  ///< converged when |Ax-lx| <= tol times the scale of the level
  index_t block = 4;   ///< vectors iterated together: levels up to this multiplicity come at once
  index_t max_vectors = 0;  ///< largest Krylov space; 0: four times the pairs expected
  std::optional<SpectralBounds> bounds = {};  ///< of the operator, if known
  /// Vectors to begin with, dealt as the rows, in place of as many random ones; at most `block`.
  /// They must outlive the call. What they are orthogonal to is left to the certificate.
  std::variant<std::monostate, const DistributedVectors<double>*,
               const DistributedVectors<std::complex<double>>*>
      start = {};
  std::uint64_t seed = 0;  ///< of the random vectors of the block
  /// Look for pairs of the window that the block never saw, and put them in; see FilterResult.
  bool certify = true;
  double miss_probability = 1e-9;  ///< accepted, over random start vectors
  std::function<void(index_t vectors, index_t converged)> progress =
      {};  ///< on every rank, after each block of vectors
  /// Asked before each block, which keeps the whole Krylov space; parts `filter` and in it.
  Checkpoint* checkpoint = nullptr;
};

/// The pairs of filter_eigh and the window they were looked for in.
template <Scalar T>
struct FilterResult : Pairs<T> {
  double lower = 0,      ///< lower end of the window, in units of the operator
      upper = 0;         ///< all pairs in this window were looked for; those returned may be fewer
  double expected = 0;   ///< pairs in the window by the density of states
  index_t degree = 0;    ///< of the polynomial
  index_t inserted = 0;  ///< pairs that the certificate found missing and put in
  index_t memory_bytes = 0;  ///< of the vectors, this rank
};

/// Eigenpairs inside the spectrum of a Hermitian operator from products alone: block Lanczos, fully
/// orthogonalised, on a polynomial of the operator that is large at the target only. Nothing is
/// factorised. Collective on a.comm(). `iterations` are the vectors of the Krylov space. Certified:
/// a fresh random vector, kept orthogonal to all pairs found, saw nothing more of the window under
/// the polynomial, and would have seen it but with miss_probability.
///
/// The polynomial is above half of its maximum in the window and below 0.23 of it away from it, so
/// every pair of the window is among the leading ones; nearly equal values of the polynomial are
/// told apart by the operator itself. Maps with a block_width() multiply the vectors of the block
/// side by side. Levels of higher multiplicity than `block` come in by the certificate, one search
/// each.
/// @throws DimensionError   map not square
/// @throws InvalidArgument  k outside [1, n], empty interval, tol not in (0, 1), block < 1, map not
///                          Hermitian, start vectors that do not fit or are dependent, memory
/// Cost: about 10 R rho products (R half the width of the spectrum, rho the density of states at
/// the target), whatever k is; 2.5 to 4 times k vectors, and more for few pairs.
/// Source: Sierant, Lewenstein and Zakrzewski 2020, doi:10.1103/PhysRevLett.125.156601.
template <Scalar T>
KRONSOLVE_EXPORT FilterResult<T> filter_eigh(const LinearMap<T>& a, const FilterOptions& options);

}  // namespace kronsolve
