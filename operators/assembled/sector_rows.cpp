#include "operators/assembled/sector_rows.hpp"

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/operators/rows.hpp>

#include "operators/rows/symmetry_rows.hpp"

namespace kronsolve::detail {

template <Scalar T>
std::shared_ptr<const StoredRows<T>> SectorRows<T>::stored() {
  if (stored_) return stored_;
  const SymmetryBasis& basis = *h_.basis->orbits();
  const Comm& comm = basis.comm();
  const RowRange mine = basis.row_range();
  require_memory(comm, static_cast<index_t>(held_rows_bytes<T>(h_, double(mine.size()))),
                 "the matrix in the symmetry sector");
  auto rows =
      std::make_shared<StoredRows<T>>(mine, basis.partition(comm.size()), comm.rank(), true);
  build_symmetric_rows<T>(CompiledOperator<T>(h_.op), basis, mine,
                          [&](const CsrRows<T>& batch) { rows->append(batch); });
  rows->number_ghosts();
  stored_ = std::move(rows);
  return stored_;
}

template <Scalar T>
Lazy<T> SectorRows<T>::lazy(std::shared_ptr<SectorRows> rows) {
  const index_t n = rows->h_.dimension();
  return Lazy<T>(n, n, [rows = std::move(rows)](RowRange range) {
    const auto stored = rows->stored();
    const RowRange mine = stored->range();
    if (!range.empty() && (range.begin < mine.begin || range.end > mine.end))
      throw DimensionError(concat("rows of a symmetry sector: [", range.begin, ", ", range.end,
                                  ") asked of a rank that has [", mine.begin, ", ", mine.end, ")"));
    return stored->rows(range);
  });
}

template class SectorRows<double>;
template class SectorRows<std::complex<double>>;

}  // namespace kronsolve::detail
