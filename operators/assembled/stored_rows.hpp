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
  /// @param square  rows and columns are dealt alike: the diagonal is stored by itself
  explicit StoredRows(bool square) : has_diagonal_(square) {}
  /// Builds and compresses the rows, a block at a time. Local.
  /// @throws NotSupported  more than 2^32 columns or entries of a block
  void build(const Lazy<T>& a, RowRange rows, RowRange cols);
  /// Ends building: numbers the ghosts and returns their global columns, ascending. Local.
  std::vector<index_t> number_ghosts(const RowPartition& cols);

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
  void add_block(const CsrRows<T>& chunk, RowRange rows, RowRange cols);
  bool learn(const CsrRows<T>& chunk);
  void encode(Block<T>& block, const CsrRows<T>& chunk, RowRange rows, RowRange cols);
  void decode_all();

  bool has_diagonal_, coded_ = true;
  std::vector<T> diagonal_;
  ValueCodes<T, std::uint8_t> codes_;  ///< of off-diagonal values
  std::vector<Block<T>> blocks_;
  index_t off_diagonal_ = 0;
};

extern template class StoredRows<double>;
extern template class StoredRows<std::complex<double>>;

}  // namespace kronsolve::detail
