#include <algorithm>

#include <kronsolve/operators/distributed_vectors.hpp>

namespace kronsolve {

template <Scalar T>
auto DistributedVectors<T>::allocate(const RowPartition& partition, int rank, index_t count,
                                     ColumnStorage storage) -> std::vector<Column> {
  const index_t rows = partition.range(rank).size();
  // Long vectors are read in place by the ranks beside this one; short ones are sent as fast.
  constexpr index_t long_rows = index_t{1} << 14;
  const bool read = partition.ranks() > 1 && partition.max_local_rows() >= long_rows;
  const Placement placement = read ? Placement::node : Placement::process;
  const index_t each = storage == ColumnStorage::together ? count : 1;
  std::vector<Column> columns;
  columns.reserve(static_cast<std::size_t>(count));
  for (index_t j = 0; j < count; ++j) {
    const auto memory =
        j % each == 0
            ? std::make_shared<Buffer<T>>(
                  checked_multiply(rows, each, "entries of a block of vectors"), placement)
            : columns.back().memory;
    columns.push_back({memory, j % each * rows, rows});
  }
  return columns;
}

template <Scalar T>
DistributedVectors<T>::DistributedVectors(RowPartition partition, int rank, index_t count,
                                          ColumnStorage storage)
    : partition_(std::move(partition)),
      rank_(rank),
      storage_(storage),
      columns_(allocate(partition_, rank, count, storage)) {}

template <Scalar T>
std::span<T> DistributedVectors<T>::add_column() {
  if (spare_.empty()) {
    const index_t more =
        storage_ == ColumnStorage::together ? std::clamp<index_t>(count(), 4, 64) : 1;
    spare_ = allocate(partition_, rank_, more, storage_);
    std::reverse(spare_.begin(), spare_.end());
  }
  columns_.push_back(std::move(spare_.back()));
  spare_.pop_back();
  return columns_.back().span();
}

template <Scalar T>
void DistributedVectors<T>::drop_last() {
  if (storage_ == ColumnStorage::together) {
    const auto x = columns_.back().span();
    std::fill(x.begin(), x.end(), T{});
    spare_.push_back(std::move(columns_.back()));
  }
  columns_.pop_back();
}

template <Scalar T>
void DistributedVectors<T>::permute(std::span<const std::size_t> order) {
  KRONSOLVE_ASSERT(order.size() == columns_.size());
  std::vector<Column> sorted;
  for (const std::size_t j : order) sorted.push_back(columns_.at(j));
  columns_ = std::move(sorted);
}

template <Scalar T>
void DistributedVectors<T>::append(DistributedVectors&& other) {
  KRONSOLVE_ASSERT(other.partition_ == partition_);
  std::move(other.columns_.begin(), other.columns_.end(), std::back_inserter(columns_));
  other.columns_.clear();
}

template <Scalar T>
void DistributedVectors<T>::keep(std::span<const index_t> positions) {
  std::vector<Column> kept;
  for (const index_t j : positions) kept.push_back(columns_.at(static_cast<std::size_t>(j)));
  columns_ = std::move(kept);
}

template <Scalar T>
index_t DistributedVectors<T>::memory_bytes() const noexcept {
  return static_cast<index_t>((columns_.size() + spare_.size()) * sizeof(T)) *
         partition_.range(rank_).size();
}

/// True if each rank holds the whole vectors; else they must be dealt to the ranks of comm.
template <Scalar T>
bool DistributedVectors<T>::whole_on_each(const Comm& comm) const {
  if (partition_.ranks() == comm.size()) return comm.size() == 1;
  if (partition_.ranks() == 1) return true;
  throw DimensionError(detail::concat("gather: the vectors are dealt to ", partition_.ranks(),
                                      " ranks, the communicator has ", comm.size()));
}

template <Scalar T>
std::vector<T> DistributedVectors<T>::gather_to_root(const Comm& comm, index_t j, int root) const {
  if (!whole_on_each(comm)) return comm.gather_v(column(j), root);
  if (comm.rank() != root) return {};
  return {column(j).begin(), column(j).end()};
}

template <Scalar T>
std::vector<T> DistributedVectors<T>::gather_to_all(const Comm& comm, index_t j) const {
  if (!whole_on_each(comm)) return comm.all_gather_v(column(j));
  return {column(j).begin(), column(j).end()};
}

template class DistributedVectors<double>;
template class DistributedVectors<std::complex<double>>;

}  // namespace kronsolve
