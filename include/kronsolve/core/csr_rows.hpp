#pragma once

#include <complex>
#include <span>

#include <kronsolve/core/index.hpp>
#include <kronsolve/core/large_vector.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/core/scalar.hpp>

namespace kronsolve {

/// A contiguous range of rows of a sparse matrix, compressed by rows. Columns are global, strictly
/// ascending in each row.
template <Scalar T>
struct CsrRows {
  RowRange range;                      ///< which rows of the matrix these are
  index_t cols = 0;                    ///< columns of the whole matrix
  LargeVector<index_t> offsets = {0};  ///< range.size()+1 positions in columns and values
  LargeVector<index_t> columns;        ///< global column of each entry
  LargeVector<T> values;               ///< value of each entry

  /// Stored entries of these rows.
  index_t entries() const noexcept { return static_cast<index_t>(columns.size()); }
  /// Columns of a row, ascending.
  /// @pre range.contains(row)
  std::span<const index_t> row_columns(index_t row) const {
    const auto i = static_cast<std::size_t>(row - range.begin);
    return std::span(columns).subspan(static_cast<std::size_t>(offsets[i]),
                                      static_cast<std::size_t>(offsets[i + 1] - offsets[i]));
  }
  /// Values of a row, in the order of row_columns().
  /// @pre range.contains(row)
  std::span<const T> row_values(index_t row) const {
    const auto i = static_cast<std::size_t>(row - range.begin);
    return std::span(values).subspan(static_cast<std::size_t>(offsets[i]),
                                     static_cast<std::size_t>(offsets[i + 1] - offsets[i]));
  }
  friend bool operator==(const CsrRows&, const CsrRows&) = default;
};

/// Checks the invariants that `CsrRows` promises: offsets, column order and bounds, finite values.
/// @throws InvalidArgument  naming `where` and the first row that breaks one
template <Scalar T>
KRONSOLVE_EXPORT void require_valid(const CsrRows<T>& rows, std::string_view where);

}  // namespace kronsolve
