#pragma once

#include <span>
#include <vector>

#include <kronsolve/core/index.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

/// The contiguous rows [begin, end) that one rank holds.
struct RowRange {
  index_t begin = 0;  ///< first row
  index_t end = 0;    ///< one past the last row

  constexpr index_t size() const noexcept { return end - begin; }  ///< number of rows
  constexpr bool empty() const noexcept { return end <= begin; }   ///< no rows
  /// Is this row one of them?.
  constexpr bool contains(index_t row) const noexcept { return begin <= row && row < end; }
  friend constexpr bool operator==(const RowRange&, const RowRange&) = default;
};

/// Rows of every rank, in rank order. Ranges may be ragged or empty. A value; copies are cheap.
class KRONSOLVE_EXPORT RowPartition {
 public:
  /// No rows, one rank.
  RowPartition() : offsets_{0, 0} {}
  /// The even split: the first rows % ranks ranks hold one row more.
  RowPartition(index_t rows, int ranks);
  /// offsets[r] is the first row of rank r; offsets.back() is the number of rows.
  /// @throws InvalidArgument  offsets are fewer than two, do not start at 0 or descend
  explicit RowPartition(std::vector<index_t> offsets);

  index_t rows() const noexcept { return offsets_.back(); }  ///< of all ranks together
  int ranks() const noexcept { return static_cast<int>(offsets_.size()) - 1; }  ///< number of ranks
  /// Rows of a rank.
  /// @pre 0 <= rank < ranks()
  RowRange range(int rank) const;
  /// Rank that holds `row`. O(log ranks).
  int owner(index_t row) const;
  /// Rows of the largest rank.
  index_t max_local_rows() const noexcept;
  /// Ranks() + 1 numbers: first row of each rank, then rows().
  std::span<const index_t> offsets() const noexcept { return offsets_; }
  friend bool operator==(const RowPartition&, const RowPartition&) = default;

 private:
  std::vector<index_t> offsets_;
};

}  // namespace kronsolve
