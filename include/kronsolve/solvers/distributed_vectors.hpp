#pragma once

#include <complex>
#include <span>
#include <vector>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

/// Owned rows of a few vectors of equal length, each contiguous. Moves, does not copy.
template <Scalar T>
class KRONSOLVE_EXPORT DistributedVectors {
 public:
  DistributedVectors() = default;  ///< no vectors
  /// `count` zero vectors. Local; owned rows x count x sizeof(T) bytes.
  DistributedVectors(RowPartition partition, int rank, index_t count);

  const RowPartition& partition() const noexcept { return partition_; }
  int rank() const noexcept { return rank_; }  ///< whose rows these are
  RowRange row_range() const { return partition_.range(rank_); }
  index_t count() const noexcept { return static_cast<index_t>(columns_.size()); }
  std::span<T> column(index_t j);
  std::span<const T> column(index_t j) const;

  /// Puts vector order[j] at place j. Local; moves no data. @pre order is a permutation of 0 ...
  /// count-1
  void permute(std::span<const std::size_t> order);

  /// Takes the vectors of `other`, which are dealt the same, behind those here. Local.
  void append(DistributedVectors&& other);
  /// Keeps the vectors at these positions, in that order, and drops the others. Local.
  void keep(std::span<const index_t> positions);

  /// The whole of vector j on `root`, empty elsewhere. Collective; moves everything.
  std::vector<T> gather_to_root(const Comm& comm, index_t j, int root = 0) const;
  /// The whole of vector j on every rank. Collective; moves everything everywhere.
  std::vector<T> gather_to_all(const Comm& comm, index_t j) const;

 private:
  RowPartition partition_;
  int rank_ = 0;
  std::vector<Buffer<T>> columns_;
};

extern template class DistributedVectors<double>;
extern template class DistributedVectors<std::complex<double>>;

}  // namespace kronsolve
