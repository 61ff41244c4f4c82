#pragma once
// What each rank of a product does and is told, known before any rank is there.

#include <kronsolve/core/index.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/matrix_free.hpp>
#include <kronsolve/operators/sector_operator.hpp>

namespace kronsolve {

/// The shares of the ranks in one product y = A x. Bytes of vectors are those of the scalar.
struct ProductLoads {
  int ranks = 1;                   ///< of the product
  bool counted = true;             ///< rank by rank; no: a model, see product_loads
  index_t dimension = 0;           ///< rows, all ranks
  index_t largest_rows = 0;        ///< rows of the rank with most
  double received_bytes = 0;       ///< all ranks together, a product
  double received_rank_bytes = 0;  ///< the rank that receives most
  double messages = 0;             ///< that are received, all ranks together
  double messages_rank = 0;        ///< the rank that receives most
  int partners = 0;                ///< ranks that send to one, at most
  index_t memory_rank_bytes = 0;   ///< tables and buffers of the product, the largest rank
  double work_imbalance = 1;       ///< work of the rank with most over the mean

  /// Bytes received for a state, all ranks together.
  double bytes_per_state() const noexcept { return received_bytes / double(dimension); }
  /// Rows of the rank with most over the mean.
  double row_imbalance() const noexcept { return double(largest_rows) * ranks / double(dimension); }
};

/// How an operator would be applied by many ranks, each on a machine of its own. Ranks of one
/// machine read each other's vectors in place and are told less.
///
/// Kronecker blocks are counted: the plan of every rank is made, one after the other. Sectors of
/// symmetries have no list here: 65 536 orbits drawn at random tell how many ranks need a row,
/// which is right to about a hundredth.
/// Local.
/// Cost: that of `ranks` plans, 10 to 90 s for 10^10 states; a sample takes 0.5 to 4 s.
/// @param stored  rows of symmetry sectors are stored, not computed anew
/// @throws as make_matrix_free
/// @throws InvalidArgument  ranks < 1
KRONSOLVE_EXPORT ProductLoads product_loads(const SectorOperator& h, ScalarKind scalar, int ranks,
                                            bool stored = true,
                                            const MatrixFreeOptions& options = {});

}  // namespace kronsolve
