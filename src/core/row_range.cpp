#include <algorithm>

#include <kronsolve/core/row_range.hpp>

namespace kronsolve {

RowPartition::RowPartition(index_t rows, int ranks) {
  if (rows < 0 || ranks < 1)
    throw InvalidArgument(detail::concat("RowPartition: rows must be >= 0 and ranks >= 1, got ",
                                         rows, " rows on ", ranks, " ranks"));
  const index_t each = rows / ranks;
  const index_t larger = rows % ranks;
  offsets_.reserve(static_cast<std::size_t>(ranks) + 1);
  for (index_t r = 0; r <= ranks; ++r) offsets_.push_back(r * each + std::min(r, larger));
}

RowPartition::RowPartition(std::vector<index_t> offsets) : offsets_(std::move(offsets)) {
  if (offsets_.size() < 2 || offsets_.front() != 0 ||
      !std::is_sorted(offsets_.begin(), offsets_.end()))
    throw InvalidArgument("RowPartition: offsets must be at least two, start at 0 and not descend");
}

RowRange RowPartition::range(int rank) const {
  if (rank < 0 || rank >= ranks())
    throw InvalidArgument(
        detail::concat("RowPartition: rank must be in [0, ", ranks() - 1, "], got ", rank));
  return {offsets_[static_cast<std::size_t>(rank)], offsets_[static_cast<std::size_t>(rank) + 1]};
}

int RowPartition::owner(index_t row) const {
  if (row < 0 || row >= rows())
    throw DimensionError(
        detail::concat("RowPartition: row must be in [0, ", rows() - 1, "], got ", row));
  const auto after = std::upper_bound(offsets_.begin(), offsets_.end(), row);
  return static_cast<int>(after - offsets_.begin()) - 1;
}

index_t RowPartition::max_local_rows() const noexcept {
  index_t most = 0;
  for (std::size_t r = 1; r < offsets_.size(); ++r)
    most = std::max(most, offsets_[r] - offsets_[r - 1]);
  return most;
}

}  // namespace kronsolve
