#include <kronsolve/solvers/distributed_vectors.hpp>

namespace kronsolve {

template <Scalar T>
DistributedVectors<T>::DistributedVectors(RowPartition partition, int rank, index_t count)
    : partition_(std::move(partition)), rank_(rank) {
  const index_t rows = partition_.range(rank).size();
  columns_.reserve(static_cast<std::size_t>(count));
  // Long vectors are read in place by the ranks beside this one; short ones are sent as fast.
  constexpr index_t long_rows = index_t{1} << 14;
  const bool read = partition_.ranks() > 1 && partition_.max_local_rows() >= long_rows;
  const Placement placement = read ? Placement::node : Placement::process;
  for (index_t j = 0; j < count; ++j) columns_.emplace_back(rows, placement);
}

template <Scalar T>
std::span<T> DistributedVectors<T>::column(index_t j) {
  return columns_.at(static_cast<std::size_t>(j)).span();
}

template <Scalar T>
std::span<const T> DistributedVectors<T>::column(index_t j) const {
  return columns_.at(static_cast<std::size_t>(j)).span();
}

template <Scalar T>
void DistributedVectors<T>::permute(std::span<const std::size_t> order) {
  KRONSOLVE_ASSERT(order.size() == columns_.size());
  std::vector<Buffer<T>> sorted;
  for (const std::size_t j : order) sorted.push_back(std::move(columns_.at(j)));
  columns_ = std::move(sorted);
}

template <Scalar T>
void DistributedVectors<T>::append(DistributedVectors&& other) {
  KRONSOLVE_ASSERT(other.partition_ == partition_);
  for (auto& column : other.columns_) columns_.push_back(std::move(column));
  other.columns_.clear();
}

template <Scalar T>
void DistributedVectors<T>::keep(std::span<const index_t> positions) {
  std::vector<Buffer<T>> kept;
  kept.reserve(positions.size());
  for (const index_t j : positions)
    kept.push_back(std::move(columns_.at(static_cast<std::size_t>(j))));
  columns_ = std::move(kept);
}

template <Scalar T>
std::vector<T> DistributedVectors<T>::gather_to_root(const Comm& comm, index_t j, int root) const {
  return comm.gather_v(column(j), root);
}

template <Scalar T>
std::vector<T> DistributedVectors<T>::gather_to_all(const Comm& comm, index_t j) const {
  return comm.all_gather_v(column(j));
}

template class DistributedVectors<double>;
template class DistributedVectors<std::complex<double>>;

}  // namespace kronsolve
