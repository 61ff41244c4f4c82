#pragma once

#include <complex>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/distributed_vectors.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/solvers/eigh.hpp>

namespace kronsolve {

/// Which end of the spectrum, how many vectors, and what brings them closer.
template <Scalar T>
struct LobpcgOptions {
  index_t k = 1;               ///< pairs wanted, from the end of the spectrum that `which` names
  Which which = Which::SA;     ///< SA or LA
  double tol = 1e-10;          ///< converged when |Hx-lx| <= tol times the scale of the level
  index_t max_iterations = 0;  ///< block steps; 0: 2000
  index_t block = 0;           ///< vectors iterated together, at least k; 0: a few more than k
  std::uint64_t seed = 0;  ///< of the start vectors, by global row: the same on any number of ranks
  /// w = M r with a positive definite M near the inverse of H (shifted to be positive); collective,
  /// owned rows; none: w = r.
  std::function<void(std::span<const T> r, std::span<T> w)> precondition = {};
  std::function<void(const Progress&)> progress = {};  ///< called on every rank after each step
};

/// Several eigenpairs at one end of the spectrum of a Hermitian map by the locally optimal block
/// preconditioned conjugate gradient method. Collective on map.comm().
///
/// Copies of a level are found as far as the block reaches. Converged columns rest (no products any
/// more) but stay in the projection. All bases are kept orthonormal, so that the method neither
/// breaks down nor stagnates above rounding.
/// Memory: up to 6 `block` vectors.
/// Cost: at most `block` products a step.
/// @param against  orthonormal vectors, rows distributed as the map's: pairs are sought in their
///                 orthogonal complement, which the map must leave invariant; k counts from there
/// @throws DimensionError   the map is not square
/// @throws InvalidArgument  k outside [1, n], block below k, tol not in (0, 1), which not SA or LA,
///                          products that are not finite
/// Source: Knyazev 2001, doi:10.1137/S1064827500366124; choice of the bases: Duersch, Shao, Yang
/// and Gu 2018, doi:10.1137/17M1129830.
template <Scalar T>
KRONSOLVE_EXPORT Pairs<T> lobpcg(const LinearMap<T>& map, const LobpcgOptions<T>& options = {},
                                 const DistributedVectors<T>& against = {});

/// Vectors in a block when it is left to choose.
constexpr index_t lobpcg_block(index_t k, index_t n) {
  const index_t block = k + (k / 4 > 2 ? k / 4 : 2);
  return block < n ? block : n;
}

}  // namespace kronsolve
