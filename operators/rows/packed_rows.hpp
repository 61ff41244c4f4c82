#pragma once
// Rows that are held for later in little memory.

#include <cstdint>
#include <span>
#include <vector>

#include <kronsolve/core/csr_rows.hpp>

#include "operators/rows/value_codes.hpp"

namespace kronsolve::detail {

/// Rows of a sparse matrix, held to be handed out in pieces: 4 bytes for a column (8 beyond 2^32)
/// and 2 for a value while at most 65536 different ones have come, the value itself after.
template <Scalar T>
class PackedRows {
 public:
  PackedRows(index_t first_row, index_t cols)
      : range_{first_row, first_row}, cols_(cols), wide_(cols > index_t{1} << 32) {}

  /// Appends rows: their numbers of entries, then columns and values of all of them in order.
  void append(std::span<const index_t> counts, std::span<const index_t> columns,
              std::span<const T> values);

  RowRange range() const noexcept { return range_; }
  /// A copy of some of the rows.
  /// @pre piece lies in range()
  CsrRows<T> rows(RowRange piece) const;
  index_t memory_bytes() const noexcept;

 private:
  struct Part {
    RowRange rows;
    std::vector<std::uint32_t> offsets;  ///< rows + 1
    std::vector<std::uint32_t> columns;  ///< one of columns and wide_columns is empty
    std::vector<index_t> wide_columns;
    std::vector<std::uint16_t> codes;  ///< one of codes and values is empty
    std::vector<T> values;
  };
  void copy_entries(const Part& part, std::size_t begin, std::size_t end, CsrRows<T>& to,
                    std::size_t at) const;

  RowRange range_;
  index_t cols_;
  bool wide_;
  bool coded_ = true;
  ValueCodes<T, std::uint16_t> codes_;
  std::vector<Part> parts_;
};

extern template class PackedRows<double>;
extern template class PackedRows<std::complex<double>>;

}  // namespace kronsolve::detail
