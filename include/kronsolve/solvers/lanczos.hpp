#pragma once

#include <algorithm>
#include <complex>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/distributed_vectors.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/solvers/checkpoint.hpp>
#include <kronsolve/solvers/eigh.hpp>

namespace kronsolve {

/// Which end of the spectrum, how exactly, and in how much memory.
struct LanczosOptions {
  index_t k = 1;            ///< pairs wanted, from the end of the spectrum that `which` names
  Which which = Which::SA;  ///< SA or LA
  double tol = 1e-10;       ///< converged when |Hx-lx| <= tol times the scale of the level
  std::optional<double> scale = {};  ///< of every level; none: as docs/solvers.md says
  index_t max_iterations = 0;        ///< steps for each pair, all restarts together; 0: 3000
  std::uint64_t seed = 0;  ///< of the start vectors, by global row: the same on any number of ranks
  /// Skip: the value alone, in two vectors, if k = 1.
  Eigenvectors vectors = Eigenvectors::compute;
  /// Owned rows of a guess at the pairs, their sum, for the first recurrence: a millionth of a random
  /// vector comes in, so that no level is dark. It must outlive the call.
  std::variant<std::monostate, std::span<const double>, std::span<const std::complex<double>>>
      start = {};
  /// Of k > 1 pairs: every level once, all from one recurrence, which does not see the copies of a
  /// degenerate level. For callers that look for what was missed (certify_levels).
  bool distinct = false;
  /// Bytes that all Lanczos vectors of one rank may take to be kept for the eigenvector; above it a
  /// second pass computes them again.
  index_t keep_bytes = index_t{64} << 20;
  std::function<void(const Progress&)> progress = {};  ///< called on every rank, now and then
  /// Ends the search for a value (vectors skipped) when it returns true, given what is known after
  /// a check; every rank must answer alike.
  struct Ritz {
    double value = 0;           ///< the wanted end of the projected spectrum
    double bound = 0;           ///< |beta_m s_m|
    double opposite_value = 0;  ///< its other end
    index_t steps = 0;          ///< of this recurrence
    bool converged = false;     ///< the bound is as small as was asked for
  };
  std::function<bool(const Ritz&)> stop = {};  ///< asked after each check, on every rank
  Checkpoint* checkpoint = nullptr;            ///< asked before each product; part `recurrence`
};

/// The k lowest (or highest) eigenpairs of a Hermitian map in the memory of a few vectors.
///
/// One pair after the other: a plain three-term recurrence without reorthogonalisation finds the
/// value in two vectors; its eigenvector is formed from kept Lanczos vectors where they are small,
/// else in a second pass of the same recurrence (one vector more). The true residual decides: if it
/// falls short, the recurrence starts again from that vector. Pairs found before are deflated: each
/// next one starts from a fresh random vector kept orthogonal to them, so that copies of a
/// degenerate level are found. With `distinct` one recurrence gives the levels of all pairs, each at
/// the step at which it has converged and before rounding brings it up again.
///
/// Collective on map.comm().
/// Memory: 2 vectors for a value alone (k = 1), 3 with the eigenvector, k - 1 more for k > 1; plus
/// keep_bytes, or with `distinct` up to 8 more vectors.
/// Cost: `products` products and about as many passes over two vectors. With vectors skipped and
/// k = 1 the residual is the Lanczos bound |beta_m s_m|; k > 1 needs the vectors and forms them.
/// @param against  orthonormal vectors, rows distributed as the map's: pairs are sought in their
///                 orthogonal complement, which the map must leave invariant (eigenvectors found
///                 before); k counts from there
/// @throws DimensionError   the map is not square
/// @throws InvalidArgument  k outside [1, n], tol not in (0, 1), which not SA or LA
/// Source: C. Lanczos, J. Res. Natl. Bur. Stand. 45, 255 (1950), doi:10.6028/jres.045.026; the
/// bound is that of C. C. Paige, J. Inst. Maths Applics 18, 341 (1976),
/// doi:10.1093/imamat/18.3.341.
template <Scalar T>
KRONSOLVE_EXPORT Pairs<T> lanczos(const LinearMap<T>& map, const LanczosOptions& options = {},
                                  const DistributedVectors<T>& against = {});

/// Lanczos vectors are kept for the eigenvector only where at least so many fit into keep_bytes.
inline constexpr index_t lanczos_fewest_kept = 40;

/// Vectors of the second pass of `distinct` that are added up together.
inline constexpr index_t lanczos_batch = 8;

/// Bytes of vectors that `lanczos` holds on the rank with `local_rows` rows; of 2^62 rows more than
/// 64 bits count.
template <Scalar T>
double lanczos_memory(index_t local_rows, const LanczosOptions& options) {
  const double vector = double(local_rows) * sizeof(T);
  const bool form = options.vectors == Eigenvectors::compute || options.k > 1;
  const double batch = options.distinct ? double(std::min(lanczos_batch, options.k - 1)) : 0;
  return (form ? 2 + double(options.k) + batch : 2) * vector;
}

}  // namespace kronsolve
