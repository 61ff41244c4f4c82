#pragma once

#include <cstddef>
#include <vector>

#include <kronsolve/core/csr_rows.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

/// Entries (row, column, value) of a sparse matrix in any order: the easy way to the rows that a
/// builder of `Lazy` returns.
template <Scalar T>
struct MatrixEntries {
  std::vector<index_t> rows,  ///< row of each entry, from 0
      cols;                   ///< column of each entry, from 0
  std::vector<T> values;      ///< value of each entry

  void add(index_t row, index_t col, T value) {  ///< one entry; those of the same place add up
    rows.push_back(row);
    cols.push_back(col);
    values.push_back(value);
  }
  void clear() {  ///< no entries; keeps the memory
    rows.clear();
    cols.clear();
    values.clear();
  }
  std::size_t size() const noexcept { return rows.size(); }  ///< number of entries

  /// Rows `range` of a matrix with `columns` columns. Entries of the same place are added up in the
  /// order they were given. Local; O(entries log(entries of a row)); besides the rows it needs
  /// memory for entries only: most rows may be empty.
  /// @throws DimensionError  an entry outside the rows or columns asked for
  KRONSOLVE_EXPORT CsrRows<T> csr_rows(RowRange range, index_t columns) const;
};

/// factor * rows and a + b of the same shape.
template <Scalar T>
KRONSOLVE_EXPORT CsrRows<T> operator*(T factor, CsrRows<T> rows);
/// @throws DimensionError  other rows or columns
template <Scalar T>
KRONSOLVE_EXPORT CsrRows<T> operator+(const CsrRows<T>& a, const CsrRows<T>& b);

}  // namespace kronsolve
