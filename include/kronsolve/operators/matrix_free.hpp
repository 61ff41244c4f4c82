#pragma once

#include <memory>
#include <string>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/index.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/operators/sector_operator.hpp>

namespace kronsolve {

/// How a Kronecker-block product is set up; the defaults are right but for measurements.
struct MatrixFreeOptions {
  int split =
      -1;  ///< sites of the high part; -1: chosen. Raised to what the ranks' boundaries need
  /// Buffers for rows of other ranks, bytes on each rank; one row of the largest block per partner
  /// at least.
  index_t message_bytes = index_t{64} << 20;
  /// Ranks of one machine read each other's vectors in place where these are node memory (see
  /// Placement). 0: machines as they are; else so many consecutive ranks count as one machine.
  int node_ranks = 0;
  /// That pays from so many rows of the largest rank; fewer are sent as fast.
  index_t in_place_rows = index_t{1} << 14;
  /// Register operations that pay for a thread: starting a team costs two microseconds.
  double thread_operations = 2500;
};

/// What a Kronecker-block product will do, known before any vector exists. Numbers of this rank
/// unless said otherwise.
struct KRONSOLVE_EXPORT MatrixFreePlan {
  index_t dimension = 0;                 ///< of the sector, all ranks
  ScalarKind scalar = ScalarKind::real;  ///< of the operator in its basis
  int high_sites = 0,                    ///< sites of the high part
      low_sites = 0;                     ///< sites of the low part
  index_t blocks = 0;                    ///< high strings, all ranks
  index_t classes = 0;                   ///< kinds of blocks
  index_t largest_block = 0;             ///< rows
  index_t low_terms = 0,                 ///< terms within the low part
      high_terms = 0,                    ///< terms within the high part
      diagonal_pairs = 0,                ///< products of diagonal factors of both parts
      mixed_pairs = 0;                   ///< other products that touch both parts
  std::string kernels;                   ///< baseline, avx2, avx512
  index_t memory_bytes = 0;              ///< tables, workspaces and message buffers
  index_t message_buffer_bytes = 0;      ///< of it, for rows of other ranks; bytes
  index_t received_bytes = 0;            ///< rows of other ranks, a product
  double operations_per_row = 0;  ///< multiply-adds (or adds) a row, as SIMD registers count them
  double entries_per_row = 0;     ///< of the assembled matrix, about
  /// By a model of both costs on num_threads() threads: operations, entries, and the largest tile,
  /// which one thread does alone.
  bool better_than_assembled = true;
  std::string verdict;       ///< why, for people
  std::string text() const;  ///< a few lines
};

/// The operator as a Kronecker-block product: nothing stored but small tables. Rows as
/// basis->partition(comm.size()) deals them.
///
/// With H split into the first sites (high) and the rest (low), H = 1 (x) H_low + H_high (x) 1 +
/// sum_a A_a (x) B_a is applied block by block; see docs/design.md. Collective on `comm`, which
/// must outlive the map.
/// Cost: less than a product.
/// @throws DimensionError   the operator and the basis have other sites
/// @throws InvalidArgument  a term leads out of the sector (names it), or T is real and the
///                          operator is not
/// @throws NotSupported     the basis is neither the full space nor a charge sector
template <Scalar T>
KRONSOLVE_EXPORT std::unique_ptr<LinearMap<T>> make_matrix_free(
    const Comm& comm, const SectorOperator& h, const MatrixFreeOptions& options = {});
template <Scalar T>
KRONSOLVE_EXPORT std::unique_ptr<LinearMap<T>> make_matrix_free(
    const Comm&&, const SectorOperator&, const MatrixFreeOptions& = {}) = delete;

/// A product and what is known of it.
template <Scalar T>
struct MatrixFreeProduct {
  std::unique_ptr<LinearMap<T>> map;  ///< the operator, ready for products
  MatrixFreePlan plan;  ///< of this rank; whether it is better than assembled is said of all ranks
};
/// As make_matrix_free, for callers that choose by the plan: it is made once. No vector is
/// allocated before the first product.
/// @throws as make_matrix_free
template <Scalar T>
KRONSOLVE_EXPORT MatrixFreeProduct<T> plan_and_make_matrix_free(
    const Comm& comm, const SectorOperator& h, const MatrixFreeOptions& options = {});
template <Scalar T>
KRONSOLVE_EXPORT MatrixFreeProduct<T> plan_and_make_matrix_free(
    const Comm&&, const SectorOperator&, const MatrixFreeOptions& = {}) = delete;

/// What make_matrix_free would build on `ranks` ranks: numbers of the first one. Local; no vector
/// is allocated.
/// @throws as make_matrix_free
KRONSOLVE_EXPORT MatrixFreePlan plan_matrix_free(const SectorOperator& h, ScalarKind scalar,
                                                 int ranks = 1,
                                                 const MatrixFreeOptions& options = {});

}  // namespace kronsolve
