#pragma once
// Rows of a matrix written down entry by entry.

#include <kronsolve/core/csr_rows.hpp>

namespace kronsolve::test {

/// @param entries  called as entries(i, add) for each row i; add(column, value), columns ascending
template <Scalar T, class F>
CsrRows<T> rows_from(RowRange range, index_t cols, F&& entries) {
  CsrRows<T> rows;
  rows.range = range;
  rows.cols = cols;
  const auto add = [&](index_t column, T value) {
    rows.columns.push_back(column);
    rows.values.push_back(value);
  };
  for (index_t i = range.begin; i < range.end; ++i) {
    entries(i, add);
    rows.offsets.push_back(rows.entries());
  }
  return rows;
}

}  // namespace kronsolve::test
