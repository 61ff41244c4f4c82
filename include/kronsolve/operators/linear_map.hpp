#pragma once

#include <complex>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

/// A step of a three-term recurrence: y = scale (A x - center x) - beta y, then sum += weight y.
struct RecurrenceStep {
  double scale = 1,  ///< of (A x - center x)
      center = 0,    ///< subtracted from A, as center times the identity
      beta = 0,      ///< of the vector before
      weight = 0;    ///< of y in the sum
};

/// A distributed linear map y = A x as solvers see it: shapes, who owns which rows, and the
/// product.
///
/// x is distributed by col_partition(), y by row_partition(); for square maps they are the same.
/// The communicator must outlive the map.
template <Scalar T>
class KRONSOLVE_EXPORT LinearMap {
 public:
  /// For derived classes. `comm` must outlive the map; each rank owns one range of rows and of
  /// columns. Local.
  /// @throws DimensionError  a partition is over another number of ranks than comm has
  LinearMap(const Comm& comm, RowPartition rows, RowPartition cols);
  LinearMap(const Comm&&, RowPartition, RowPartition) = delete;  ///< it would be gone
  virtual ~LinearMap();
  LinearMap(const LinearMap&) = delete;
  LinearMap& operator=(const LinearMap&) = delete;

  const Comm& comm() const noexcept { return *comm_; }  ///< whose ranks multiply together
  /// Length of y, all ranks together.
  index_t rows() const noexcept { return row_partition_.rows(); }
  /// Length of x, all ranks together.
  index_t cols() const noexcept { return col_partition_.rows(); }
  /// Who owns which entries of y.
  const RowPartition& row_partition() const noexcept { return row_partition_; }
  /// Who owns which entries of x.
  const RowPartition& col_partition() const noexcept { return col_partition_; }
  /// Entries of y that this rank owns.
  RowRange row_range() const { return row_partition_.range(comm_->rank()); }
  /// Entries of x that this rank owns.
  RowRange col_range() const { return col_partition_.range(comm_->rank()); }
  index_t products() const noexcept { return products_; }  ///< products done so far

  /// y = A x. Collective. x and y must not overlap.
  /// @throws DimensionError  x or y has not the owned length (on any rank)
  void apply(std::span<const T> x, std::span<T> y) const;
  /// y = A^H x. Collective.
  /// @throws NotSupported  this map has no adjoint product
  void apply_adjoint(std::span<const T> x, std::span<T> y) const;
  /// y = A^H A x, two products; returns the global |A x|^2 = <x, y>. Collective. One pass over a
  /// stored matrix where the map can fuse them.
  /// @throws NotSupported  this map has no adjoint product
  double apply_cross(std::span<const T> x, std::span<T> y) const;
  /// y = A x - beta y for square maps; returns the global <x, y>. Collective. One pass over memory
  /// where the map can fuse it.
  T apply_recurrence(std::span<const T> x, double beta, std::span<T> y) const;
  /// A step of a recurrence whose coefficients are known: y = A x - alpha x - beta y, and sum +=
  /// weight y. Collective. No vector overlaps another. One pass over memory where the map can fuse
  /// it.
  void apply_known_step(std::span<const T> x, double alpha, double beta, std::span<T> y,
                        double weight, std::span<T> sum) const;

  /// Vectors that one sweep over the matrix takes side by side; 1: the map multiplies one at a
  /// time.
  virtual index_t block_width() const noexcept { return 1; }
  /// A recurrence step of several vectors side by side, entry i of vector j at [i * width + j].
  /// Collective. Nothing overlaps.
  /// @param width    block_width(), or half of it
  /// @param vectors  how many of them count as products; the others fill up the block
  /// @throws DimensionError  a wrong length or width (on any rank)
  void apply_block_step(index_t width, index_t vectors, std::span<const T> x, RecurrenceStep step,
                        std::span<T> y, std::span<T> sum) const;

  /// Called after each product, on this rank: for those who show progress. Must not throw. Local.
  void on_product(std::function<void()> callback) { on_product_ = std::move(callback); }

  virtual index_t memory_bytes() const noexcept = 0;  ///< held by this rank for the map, bytes

 protected:
  /// The product itself; lengths have been checked. Collective: every rank is called.
  virtual void apply_impl(std::span<const T> x, std::span<T> y) const = 0;
  /// The product with the adjoint. The default throws NotSupported.
  virtual void apply_adjoint_impl(std::span<const T> x, std::span<T> y) const;
  /// Local part of |A x|^2 as return value; the default makes two products and keeps a vector.
  virtual double apply_cross_impl(std::span<const T> x, std::span<T> y) const;
  /// Local part of <x, y> as return value; the default calls apply_impl on a vector that it keeps.
  virtual T apply_recurrence_impl(std::span<const T> x, double beta, std::span<T> y) const;
  /// The default is a recurrence and a pass of finish_known_step.
  virtual void apply_known_step_impl(std::span<const T> x, double alpha, double beta,
                                     std::span<T> y, double weight, std::span<T> sum) const;
  /// Maps with a block_width() of more than 1 have it.
  virtual void apply_block_step_impl(index_t width, std::span<const T> x, RecurrenceStep step,
                                     std::span<T> y, std::span<T> sum) const;
  /// y -= alpha x, sum += weight y.
  static void finish_known_step(std::span<const T> x, double alpha, std::span<T> y, double weight,
                                std::span<T> sum);

 private:
  void check(std::span<const T> x, const RowRange& in, std::span<T> y, const RowRange& out) const;
  const Comm* comm_;
  RowPartition row_partition_;
  RowPartition col_partition_;
  void count_product() const {
    ++products_;
    if (on_product_) on_product_();
  }
  mutable index_t products_ = 0;
  std::function<void()> on_product_;
  mutable Buffer<T> scratch_;  // of default products made of two steps
};

extern template class LinearMap<double>;
extern template class LinearMap<std::complex<double>>;

}  // namespace kronsolve
