#pragma once

#include <complex>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/csr_rows.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/distributed_vectors.hpp>
#include <kronsolve/operators/lazy.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/solvers/eigh.hpp>

namespace kronsolve {

/// Which singular values.
enum class SingularEnd { largest, smallest };
/// restarted: thick-restart Lanczos on A^H A, largest triplets only, the fastest where they are not
/// small beside |A| (else it goes over to bidiagonal); bidiagonal: thick-restart
/// Golub-Kahan-Lanczos; cross: Lanczos on A^H A in the memory of few vectors, half the digits for
/// small singular values; dense: LAPACK.
enum class SvdMethod { automatic, dense, bidiagonal, cross, restarted };
/// skip: singular values alone; residuals are then bounds.
enum class SingularVectors { compute, skip };
/// Whether copies of repeated singular values that were missed are looked for.
enum class Certification { on, off };

KRONSOLVE_EXPORT std::string_view to_string(SingularEnd);
KRONSOLVE_EXPORT std::string_view to_string(SvdMethod);

/// What is asked of svds and how it is found.
struct SvdsOptions {
  static constexpr index_t all = -1;         ///< as k: every triplet
  index_t k = 1;                             ///< triplets wanted; `all` = the whole SVD (dense)
  SingularEnd which = SingularEnd::largest;  ///< which end of the singular values
  /// Converged when sqrt(|Av-su|^2 + |A^H u-sv|^2) <= tol max(s, min(1, |A|)).
  double tol = 1e-10;
  index_t max_iterations = 0;  ///< bidiagonalisation steps, all restarts together; 0: chosen
  index_t ncv = 0;             ///< largest subspace; 0: chosen
  std::uint64_t seed = 0;      ///< fixes start vectors, by global row: the same on any ranks
  /// Automatic: dense for small matrices, else by `which`.
  SvdMethod method = SvdMethod::automatic;
  SingularVectors vectors = SingularVectors::compute;  ///< skip saves the vectors of both sides
  Certification certify = Certification::on;           ///< look for missed copies
  std::function<void(const Progress&)> progress = {};  ///< called on every rank, now and then
  /// Where it keeps what it needs to go on (<kronsolve/solvers/checkpoint.hpp>), on every rank; must
  /// outlive the call. LAPACK is then not chosen.
  Checkpoint* checkpoint = nullptr;
};

/// Singular triplets A v = s u, A^H u = s v and how they were found. The same on every rank but for
/// the rows of the vectors.
template <Scalar T>
struct SvdsResult {
  std::vector<double> singular_values;  ///< descending
  std::vector<double> residuals;        ///< sqrt(|Av-su|^2 + |A^H u-sv|^2) in that order
  /// explicit_: with products; bound: what the bidiagonal matrix says (vectors skipped).
  ResidualKind residual_kind = ResidualKind::explicit_;
  std::vector<bool> converged_flags;  ///< of each triplet
  bool converged = false;             ///< as many triplets as asked, all within tol
  index_t converged_triplets = 0;     ///< of those found, how many are within tol
  index_t iterations = 0;             ///< bidiagonalisation (or Lanczos) steps
  index_t products = 0;     ///< with A and with A^H, residuals included, without certify_products
  index_t rows = 0,         ///< of A
      cols = 0;             ///< of A
  bool certified = false;   ///< no singular value beyond the last one was missed
  std::string certificate;  ///< what the check found, one line; empty if it was off
  index_t inserted = 0;     ///< missed triplets that the check brought to light
  index_t certify_products = 0;             ///< spent on the check
  std::string reason;                       ///< why this method, why it stopped, one line
  SvdMethod method = SvdMethod::automatic;  ///< what solved it; never automatic
  double solve_seconds = 0;                 ///< wall time
  index_t memory_estimate_bytes = 0;        ///< of vectors and dense matrices, all ranks together
  /// Owned rows of u (dealt as the rows of A) and of v (as its columns); none if skipped. The
  /// component of largest modulus of each v (the first such) is real and positive.
  DistributedVectors<T> left,  ///< U, rows as those of A
      right;                   ///< V, rows as the columns of A

  /// @throws NotConverged  fewer triplets than asked; with their residuals
  const SvdsResult& require_converged() const {
    if (converged) return *this;
    std::string text = detail::concat("svds: ", converged_triplets, " of ", singular_values.size(),
                                      " triplets converged (", reason, "); residuals");
    for (const double r : residuals) text += detail::concat(" ", r);
    throw NotConverged(text + "; allow more iterations or a larger ncv");
  }
};

/// The k largest or smallest singular triplets of a distributed map, m x n, any shape. Collective
/// on a.comm(); every rank gives the same options.
///
/// `automatic` takes LAPACK for small matrices (min(m, n) products build the dense matrix), else
/// restarted for the largest triplets and bidiagonal for the smallest. Small residuals alone do not
/// show that every copy of a repeated value was found: the check, on by default, lets a Lanczos
/// recurrence of A^H A run from a fresh start vector orthogonal to the triplets until a missed one
/// would have shown with probability 1 - 1e-9 (or turned up; it is then computed).
/// @throws InvalidArgument  k outside [1, min(m, n)], ncv <= k, tol not in (0, 1), an empty map,
///                          restarted for the smallest triplets, products that are not finite
/// @throws NotSupported     the map has no adjoint product; a checkpoint of method dense
/// Memory: restarted ncv vectors of the shorter side, bidiagonal ncv of each; the dense method a
/// few full matrices on rank 0.
/// Source: Wu and Simon 2000, doi:10.1137/S0895479898334605 (restarted); Baglama and Reichel 2005,
/// doi:10.1137/04060593X; smallest triplets with the same Ritz restart, hence slowly where they are
/// not separated.
template <Scalar T>
KRONSOLVE_EXPORT SvdsResult<T> svds(const LinearMap<T>& a, const SvdsOptions& options = {});
/// The same for rows built on demand; stored while it runs (see AssembledMap), rows and columns
/// dealt evenly to the ranks of `comm`.
template <Scalar T>
KRONSOLVE_EXPORT SvdsResult<T> svds(const Comm& comm, const Lazy<T>& a,
                                    const SvdsOptions& options = {});
/// The same for rows held by the ranks, in rank order (a matrix from a file); columns dealt evenly.
/// @throws DimensionError  the rows of the ranks do not follow one another, or differ in columns
template <Scalar T>
KRONSOLVE_EXPORT SvdsResult<T> svds(const Comm& comm, const CsrRows<T>& owned,
                                    const SvdsOptions& options = {});

}  // namespace kronsolve
