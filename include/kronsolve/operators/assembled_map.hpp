#pragma once

#include <complex>
#include <memory>
#include <span>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/lazy.hpp>
#include <kronsolve/operators/linear_map.hpp>

namespace kronsolve {

namespace detail {
template <Scalar T>
class StoredRows;
}

/// A stored sparse matrix: each rank keeps its rows, compressed, and fetches the entries of x that
/// it lacks while it multiplies with those it has. Square or rectangular; threaded; has the adjoint
/// product.
///
/// An entry takes 5 bytes while the matrix has at most 256 different off-diagonal values (models
/// without disorder on the bonds), else 4 + sizeof(T). Rows are built in blocks: never more than
/// one block exists uncompressed.
template <Scalar T>
class KRONSOLVE_EXPORT AssembledMap final : public LinearMap<T> {
 public:
  /// Builds the owned rows. Collective on `comm`, which must outlive the map; what the builder
  /// throws on one rank is thrown on all.
  /// @param rows  who owns which rows (and entries of y)
  /// @param cols  who owns which entries of x; for square matrices usually the same
  /// @throws DimensionError  the partitions are not those of a's shape and comm's size
  /// @throws NotSupported    a rank would own more than 2^32 columns
  AssembledMap(const Comm& comm, const Lazy<T>& a, RowPartition rows, RowPartition cols);
  /// A square matrix whose vectors are dealt like its rows.
  AssembledMap(const Comm& comm, const Lazy<T>& a, RowPartition rows);
  /// A square matrix whose rows are stored already, and stay shared. Collective on `comm`.
  AssembledMap(const Comm& comm, std::shared_ptr<const detail::StoredRows<T>> stored);
  AssembledMap(const Comm&&, const Lazy<T>&, RowPartition, RowPartition) = delete;
  AssembledMap(const Comm&&, const Lazy<T>&, RowPartition) = delete;
  ~AssembledMap() override;

  index_t local_entries() const noexcept;  ///< stored on this rank, the diagonal included
  index_t ghost_entries()
      const noexcept;              ///< entries of x this rank fetches from others in a product
  bool is_coded() const noexcept;  ///< off-diagonal values are one-byte codes
  index_t memory_bytes() const noexcept override;
  /// Largest sum of |entries| over a row: a bound of every |eigenvalue|. Collective.
  double row_sum_norm() const;

  /// Square maps with rows and vectors dealt alike: 8 real vectors or 4 complex ones.
  index_t block_width() const noexcept override;

  struct Storage;

 protected:
  void apply_impl(std::span<const T> x, std::span<T> y) const override;
  void apply_adjoint_impl(std::span<const T> x, std::span<T> y) const override;
  double apply_cross_impl(std::span<const T> x, std::span<T> y) const override;
  T apply_recurrence_impl(std::span<const T> x, double beta, std::span<T> y) const override;
  void apply_known_step_impl(std::span<const T> x, double alpha, double beta, std::span<T> y,
                             double weight, std::span<T> sum) const override;
  void apply_block_step_impl(index_t width, std::span<const T> x, RecurrenceStep step,
                             std::span<T> y, std::span<T> sum) const override;

 private:
  void take(std::shared_ptr<const detail::StoredRows<T>> stored);
  std::unique_ptr<Storage> storage_;
};

extern template class AssembledMap<double>;
extern template class AssembledMap<std::complex<double>>;

}  // namespace kronsolve
