#pragma once

#include <complex>
#include <cstdint>
#include <string>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/distributed_vectors.hpp>
#include <kronsolve/operators/lazy.hpp>
#include <kronsolve/operators/linear_map.hpp>

namespace kronsolve {

/// How many triplets, or how exactly.
struct RsvdOptions {
  index_t rank = 0;  ///< triplets wanted; 0: as many as `tol` needs
  /// With rank = 0: |A - U S V^H| <= tol |A| in the 2-norm, relative.
  double tol = 1e-8;
  index_t max_rank = 0;  ///< with rank = 0: the most that may be needed; 0: min(m, n)
  /// Random vectors beyond the rank; a few more digits for a little more work.
  index_t oversample = 10;
  int power_iterations = 2;  ///< each sharpens slowly decaying spectra for two more passes
  std::uint64_t seed = 0;    ///< by global row: the same on any number of ranks
};

/// A = U S V^H up to a stated error.
template <Scalar T>
struct RsvdResult {
  std::vector<double> singular_values;  ///< descending
  /// |A - U S V^H|_2 <= this with probability 1 - 1e-10 over the random test vectors.
  double error_bound = 0;
  double norm = 0;             ///< |A|_2 as known: the largest singular value
  bool converged = false;      ///< rank given: always; else error_bound <= tol |A|
  index_t products = 0;        ///< with A and with its adjoint
  std::string reason;          ///< how many triplets, why not converged; for people
  DistributedVectors<T> left,  ///< owned rows of U, dealt as the rows of A
      right;                   ///< owned rows of V, dealt as the columns of A

  /// @throws NotConverged  the tolerance was not reached; with both numbers
  const RsvdResult& require_converged() const {
    if (!converged) throw NotConverged("rsvd: " + reason);
    return *this;
  }
};

/// Approximate singular value decomposition by random projection. Collective on a.comm().
///
/// The error bound rests on ten random test vectors that the basis has not seen.
/// Cost: about (rank + oversample) (2 power_iterations + 2) + 10 products; vectors of both sides.
/// @throws InvalidArgument  rank or max_rank outside [0, min(m, n)], tol not in (0, 1), negative
///                          counts, an empty map, products that are not finite
/// @throws NotSupported     the map has no adjoint product
/// Source: Halko, Martinsson and Tropp 2011, doi:10.1137/090771806, algorithms 4.2 to 4.4 and 5.1,
/// the bound is (4.3).
template <Scalar T>
KRONSOLVE_EXPORT RsvdResult<T> rsvd(const LinearMap<T>& a, const RsvdOptions& options = {});

/// What counts as zero, and the random vectors.
struct RankOptions {
  double tol = 1e-10;      ///< singular values up to tol |A| count as zero
  std::uint64_t seed = 0;  ///< by global row: the same on any number of ranks
};

/// Number of singular values above tol |A|, by `rsvd`: exact where the spectrum has a gap there, up
/// to the values within its error where not. Collective.
/// Cost: about six products for each.
/// @throws InvalidArgument  as rsvd
template <Scalar T>
KRONSOLVE_EXPORT index_t estimate_rank(const LinearMap<T>& a, const RankOptions& options = {});

/// two: largest singular value; frobenius: root of the sum of squares; trace: sum of singular
/// values.
enum class NormKind { two, frobenius, trace };

/// A norm of a distributed map: largest, root of the sum of squares, or sum of singular values.
/// Collective.
///
/// Cost: two: as svds with k = 1; frobenius: min(m, n) products; trace: a dense SVD on rank 0.
/// @throws NotConverged     two: the largest singular value did not converge
/// @throws InvalidArgument  an empty map; trace: its dense form does not fit the memory
template <Scalar T>
KRONSOLVE_EXPORT double norm(const LinearMap<T>& a, NormKind kind = NormKind::two);

/// The same for rows built on demand, stored while it runs; frobenius stores nothing and needs no
/// product.
template <Scalar T>
KRONSOLVE_EXPORT RsvdResult<T> rsvd(const Comm& comm, const Lazy<T>& a,
                                    const RsvdOptions& options = {});
/// The same for rows built on demand, stored while it runs.
template <Scalar T>
KRONSOLVE_EXPORT index_t estimate_rank(const Comm& comm, const Lazy<T>& a,
                                       const RankOptions& options = {});
/// The same for rows built on demand, stored while it runs; frobenius stores nothing.
template <Scalar T>
KRONSOLVE_EXPORT double norm(const Comm& comm, const Lazy<T>& a, NormKind kind = NormKind::two);

}  // namespace kronsolve
