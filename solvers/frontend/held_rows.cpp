#include "solvers/frontend/held_rows.hpp"

namespace kronsolve::frontend {

template <Scalar T>
RowPartition held_partition(const Comm& comm, const CsrRows<T>& owned, std::string_view who) {
  const auto begins = comm.all_gather(owned.range.begin), ends = comm.all_gather(owned.range.end);
  const auto cols = comm.all_gather(owned.cols);
  std::vector<index_t> offsets = {0};
  for (std::size_t r = 0; r < ends.size(); ++r) {
    if (begins[r] != offsets.back() || ends[r] < begins[r] || cols[r] != cols.front())
      throw DimensionError(
          detail::concat(who, ": rank ", r, " holds rows [", begins[r], ", ", ends[r], ") of ",
                         cols[r], " columns; rows must follow one another in rank order from ",
                         offsets.back(), " and have ", cols.front(), " columns"));
    offsets.push_back(ends[r]);
  }
  return RowPartition(std::move(offsets));
}

template <Scalar T>
Lazy<T> held_lazy(const CsrRows<T>& owned, index_t rows) {
  return {rows, owned.cols, [&owned](RowRange range) {
            CsrRows<T> piece;
            piece.range = range;
            piece.cols = owned.cols;
            if (range.empty()) return piece;
            const auto first = static_cast<std::size_t>(range.begin - owned.range.begin);
            const auto last = static_cast<std::size_t>(range.end - owned.range.begin);
            const index_t begin = owned.offsets[first], end = owned.offsets[last];
            piece.offsets.assign(owned.offsets.begin() + static_cast<std::ptrdiff_t>(first),
                                 owned.offsets.begin() + static_cast<std::ptrdiff_t>(last) + 1);
            for (auto& offset : piece.offsets) offset -= begin;
            piece.columns.assign(owned.columns.begin() + begin, owned.columns.begin() + end);
            piece.values.assign(owned.values.begin() + begin, owned.values.begin() + end);
            return piece;
          }};
}

#define KRONSOLVE_DEFINE(T)                                                               \
  template RowPartition held_partition(const Comm&, const CsrRows<T>&, std::string_view); \
  template Lazy<T> held_lazy(const CsrRows<T>&, index_t);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_DEFINE)

}  // namespace kronsolve::frontend
