#include <algorithm>
#include <numeric>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/matrix_entries.hpp>

namespace kronsolve {

template <Scalar T>
CsrRows<T> MatrixEntries<T>::csr_rows(RowRange range, index_t columns) const {
  CsrRows<T> result{range, columns, {}, {}, {}};
  const auto n = static_cast<std::size_t>(range.size());
  auto& offsets = result.offsets;
  offsets.assign(n + 1, 0);
  const auto place = [&](std::size_t e) { return static_cast<std::size_t>(rows[e] - range.begin); };
  for (std::size_t e = 0; e < size(); ++e) {
    if (rows[e] < range.begin || rows[e] >= range.end || cols[e] < 0 || cols[e] >= columns)
      throw DimensionError(detail::concat("MatrixEntries: an entry at row ", rows[e], ", column ",
                                          cols[e], " for rows [", range.begin, ", ", range.end,
                                          ") of ", columns, " columns"));
    ++offsets[place(e) + 1];
  }
  std::partial_sum(offsets.begin(), offsets.end(), offsets.begin());
  std::vector<std::size_t> order(size());
  for (std::size_t e = 0; e < order.size(); ++e)
    order[static_cast<std::size_t>(offsets[place(e)]++)] = e;
  result.columns.reserve(size());
  result.values.reserve(size());
  auto begin = order.begin();
  for (std::size_t i = 0; i < n; ++i) {
    const auto end = order.begin() + offsets[i];  // where row i + 1 began
    std::stable_sort(begin, end, [&](std::size_t a, std::size_t b) { return cols[a] < cols[b]; });
    const std::size_t first = result.columns.size();
    offsets[i] = static_cast<index_t>(first);
    for (; begin != end; ++begin) {
      if (result.columns.size() > first && cols[*begin] == result.columns.back()) {
        result.values.back() += values[*begin];
      } else {
        result.columns.push_back(cols[*begin]);
        result.values.push_back(values[*begin]);
      }
    }
  }
  offsets[n] = static_cast<index_t>(result.columns.size());
  return result;
}

template <Scalar T>
CsrRows<T> operator*(T factor, CsrRows<T> rows) {
  for (T& value : rows.values) value *= factor;
  return rows;
}

template <Scalar T>
CsrRows<T> operator+(const CsrRows<T>& a, const CsrRows<T>& b) {
  if (a.range != b.range || a.cols != b.cols)
    throw DimensionError(detail::concat("a sum of rows [", a.range.begin, ", ", a.range.end,
                                        ") of ", a.cols, " columns and rows [", b.range.begin, ", ",
                                        b.range.end, ") of ", b.cols));
  MatrixEntries<T> entries;
  for (index_t row = a.range.begin; row < a.range.end; ++row)
    for (const auto* rows : {&a, &b}) {
      const auto columns = rows->row_columns(row);
      const auto values = rows->row_values(row);
      for (std::size_t e = 0; e < columns.size(); ++e) entries.add(row, columns[e], values[e]);
    }
  return entries.csr_rows(a.range, a.cols);
}

#define KRONSOLVE_INSTANTIATE(T)                                           \
  template CsrRows<T> MatrixEntries<T>::csr_rows(RowRange, index_t) const; \
  template CsrRows<T> operator*(T, CsrRows<T>);                            \
  template CsrRows<T> operator+(const CsrRows<T>&, const CsrRows<T>&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
