#include "operators/assembled/sector_rows.hpp"

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/operators/rows.hpp>

#include "operators/rows/symmetry_rows.hpp"

namespace kronsolve::detail {

template <Scalar T>
std::shared_ptr<const StoredRows<T>> store_sector_rows(const OpSum& op,
                                                       const SymmetryBasis& basis) {
  const Comm& comm = basis.comm();
  const RowRange mine = basis.row_range();
  require_memory(comm, static_cast<index_t>(held_rows_bytes<T>(op, double(mine.size()))),
                 "the matrix in the symmetry sector");
  auto stored =
      std::make_shared<StoredRows<T>>(mine, basis.partition(comm.size()), comm.rank(), true);
  build_symmetric_rows<T>(CompiledOperator<T>(op), basis, mine,
                          [&](const CsrRows<T>& batch) { stored->append(batch); });
  stored->number_ghosts();
  return stored;
}

template <Scalar T>
Lazy<T> stored_lazy(std::shared_ptr<const StoredRows<T>> stored) {
  const index_t n = stored->cols().rows();
  return Lazy<T>(n, n, [stored](RowRange range) {
    const RowRange mine = stored->range();
    if (!range.empty() && (range.begin < mine.begin || range.end > mine.end))
      throw DimensionError(concat("rows of a symmetry sector: [", range.begin, ", ", range.end,
                                  ") asked of a rank that has [", mine.begin, ", ", mine.end, ")"));
    return stored->rows(range);
  });
}

#define KRONSOLVE_INSTANTIATE(T)                                                         \
  template std::shared_ptr<const StoredRows<T>> store_sector_rows(const OpSum&,          \
                                                                  const SymmetryBasis&); \
  template Lazy<T> stored_lazy(std::shared_ptr<const StoredRows<T>>);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::detail
