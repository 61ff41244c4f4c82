#pragma once
// The rows of a matrix as a rank keeps them: compressed, in blocks, columns of its own apart from
// those of others.

#include <complex>
#include <cstdint>
#include <vector>

#include <kronsolve/core/row_range.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/operators/lazy.hpp>

#include "operators/rows/value_codes.hpp"

namespace kronsolve::detail {

/// Entries of a few consecutive rows that touch one kind of columns (owned, or ghosts), compressed
/// by rows.
template <Scalar T>
struct Part {
  std::vector<std::uint32_t> offsets;  ///< rows+1
  std::vector<std::uint32_t> columns;
  std::vector<std::uint8_t> codes;  ///< one of codes and values is empty
  std::vector<T> values;

  index_t bytes() const noexcept {
    return static_cast<index_t>(offsets.size() * 4 + columns.size() * 4 + codes.size() +
                                values.size() * sizeof(T));
  }
};

/// A block of consecutive owned rows.
template <Scalar T>
struct Block {
  index_t first = 0;  ///< local row
  index_t rows = 0;
  Part<T> owned, ghost;
  std::vector<std::uint32_t>
      ghost_rows;  ///< rows of the block that touch ghosts; ghost.offsets counts these
  std::vector<index_t> ghost_columns;  ///< global, while building
};

/// The owned rows. Entries of x that other ranks own ("ghosts") are numbered in ascending order.
template <Scalar T>
class StoredRows {
 public:
  /// @param rows  of this rank
  /// @param cols  who owns which entries of x; where they are dealt as the rows, the diagonal is
  ///              stored by itself
  StoredRows(RowRange rows, RowPartition cols, int rank, bool square);
  /// Builds and compresses all rows, a block at a time. Local.
  /// @throws NotSupported  more than 2^32 columns or entries of a block
  void build(const Lazy<T>& a);
  /// Compresses the rows after those that are here. Local.
  void append(const CsrRows<T>& chunk);
  /// Ends building: numbers the ghosts. Local.
  void number_ghosts();

  /// A copy of some of the rows; values are those that came in, but for zeros on the diagonal.
  /// @pre piece lies in range(), the ghosts have numbers
  CsrRows<T> rows(RowRange piece) const;
  RowRange range() const noexcept { return rows_; }
  const RowPartition& cols() const noexcept { return partition_; }
  /// Global columns of other ranks, ascending.
  const std::vector<index_t>& ghosts() const noexcept { return ghosts_; }
  bool has_diagonal() const noexcept { return has_diagonal_; }
  /// Off-diagonal values are one-byte codes into table().
  bool is_coded() const noexcept { return coded_; }
  const std::vector<T>& diagonal() const noexcept { return diagonal_; }
  const std::vector<T>& table() const noexcept { return codes_.table(); }
  const std::vector<Block<T>>& blocks() const noexcept { return blocks_; }
  index_t entries() const noexcept {
    return off_diagonal_ + static_cast<index_t>(diagonal_.size());
  }
  index_t bytes() const noexcept;
  /// Largest sum of |entries| over a row of this rank.
  double row_sum_norm() const;

 private:
  void add_block(const CsrRows<T>& chunk);
  bool learn(const CsrRows<T>& chunk);
  void encode(Block<T>& block, const CsrRows<T>& chunk);
  void decode_all();
  void append_row(const Block<T>& block, index_t row, CsrRows<T>& to) const;
  T value(const Part<T>& part, std::size_t entry) const noexcept {
    return part.codes.empty() ? part.values[entry] : table()[part.codes[entry]];
  }

  RowRange rows_;
  RowPartition partition_;
  RowRange cols_;  ///< of this rank
  bool has_diagonal_, coded_ = true;
  std::vector<index_t> ghosts_;
  std::vector<T> diagonal_;
  ValueCodes<T, std::uint8_t> codes_;  ///< of off-diagonal values
  std::vector<Block<T>> blocks_;
  index_t off_diagonal_ = 0;
};

extern template class StoredRows<double>;
extern template class StoredRows<std::complex<double>>;

}  // namespace kronsolve::detail
