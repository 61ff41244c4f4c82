#pragma once

#include <complex>
#include <memory>
#include <span>
#include <vector>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

/// How columns lie in memory: each by itself, so that one can be given up alone, or next to each
/// other, which is faster where many are multiplied at once (bases that are orthogonalised).
enum class ColumnStorage { apart, together };

/// Owned rows of several vectors of equal length, each contiguous. Moves, does not copy. What is
/// done with them stands in <kronsolve/operators/vector_operations.hpp>.
template <Scalar T>
class KRONSOLVE_EXPORT DistributedVectors {
 public:
  DistributedVectors() = default;  ///< no vectors
  /// `count` zero vectors. Local; owned rows x count x sizeof(T) bytes.
  DistributedVectors(RowPartition partition, int rank, index_t count,
                     ColumnStorage storage = ColumnStorage::apart);
  DistributedVectors(DistributedVectors&&) noexcept = default;
  DistributedVectors& operator=(DistributedVectors&&) noexcept = default;
  DistributedVectors(const DistributedVectors&) = delete;
  DistributedVectors& operator=(const DistributedVectors&) = delete;

  /// Who owns which rows; the same for all vectors.
  const RowPartition& partition() const noexcept { return partition_; }
  int rank() const noexcept { return rank_; }                     ///< whose rows these are
  RowRange row_range() const { return partition_.range(rank_); }  ///< owned by rank()
  /// Number of vectors.
  index_t count() const noexcept { return static_cast<index_t>(columns_.size()); }
  /// Owned entries of vector j.
  /// @throws std::out_of_range  there is no vector j
  std::span<T> column(index_t j) { return columns_.at(static_cast<std::size_t>(j)).span(); }
  /// The same of vectors that are only read.
  std::span<const T> column(index_t j) const {
    return columns_.at(static_cast<std::size_t>(j)).span();
  }

  /// A new zero vector behind the others, which stay where they are. Stored together, memory comes
  /// for many at a time. Local.
  std::span<T> add_column();
  /// Drops the last vector; stored together, its memory serves the next one. Local.
  void drop_last();
  /// Puts vector order[j] at place j. Local; moves no data.
  /// @pre order is a permutation of 0 ... count-1
  void permute(std::span<const std::size_t> order);
  /// Takes the vectors of `other`, which are dealt the same, behind those here. Local.
  void append(DistributedVectors&& other);
  /// Keeps the vectors at these positions, in that order, and drops the others. Local.
  void keep(std::span<const index_t> positions);

  /// Of the vectors and of what is kept ready for more, on this rank.
  index_t memory_bytes() const noexcept;

  /// The whole of vector j on `root`, empty elsewhere. Collective; moves everything.
  /// @throws DimensionError  the vectors are dealt to another number of ranks than comm has
  std::vector<T> gather_to_root(const Comm& comm, index_t j, int root = 0) const;
  /// The whole of vector j on every rank. Collective; moves everything everywhere. Vectors that
  /// every rank has whole (a partition over one rank) are there already.
  /// @throws DimensionError  as above
  std::vector<T> gather_to_all(const Comm& comm, index_t j) const;

 private:
  /// A vector in memory that it may share with others.
  struct Column {
    std::shared_ptr<Buffer<T>> memory;
    index_t first = 0, size = 0;
    std::span<T> span() const {
      return memory->span().subspan(static_cast<std::size_t>(first),
                                    static_cast<std::size_t>(size));
    }
  };
  static std::vector<Column> allocate(const RowPartition& rows, int rank, index_t count,
                                      ColumnStorage storage);
  bool whole_on_each(const Comm& comm) const;

  RowPartition partition_;
  int rank_ = 0;
  ColumnStorage storage_ = ColumnStorage::apart;
  std::vector<Column> columns_;
  std::vector<Column> spare_;  // memory for the next ones, the first of them last
};

extern template class DistributedVectors<double>;
extern template class DistributedVectors<std::complex<double>>;

}  // namespace kronsolve
