#pragma once

#include <algorithm>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/operators/vector_operations.hpp>

namespace kronsolve::svd {

/// A map seen with at least as many rows as columns: itself or its adjoint. Left vectors then live
/// on the longer side, and a basis of the shorter one ends the recurrence.
template <Scalar T>
class TallView {
 public:
  /// @param unit  of its values, for what is said of them
  explicit TallView(const LinearMap<T>& a, double unit = 1)
      : a_(&a), swapped_(a.rows() < a.cols()), unit_(unit) {}
  double unit() const noexcept { return unit_; }
  const Comm& comm() const { return a_->comm(); }
  bool swapped() const noexcept { return swapped_; }
  index_t rows() const { return swapped_ ? a_->cols() : a_->rows(); }
  index_t cols() const { return swapped_ ? a_->rows() : a_->cols(); }
  const RowPartition& row_partition() const {
    return swapped_ ? a_->col_partition() : a_->row_partition();
  }
  const RowPartition& col_partition() const {
    return swapped_ ? a_->row_partition() : a_->col_partition();
  }
  RowRange row_range() const { return row_partition().range(comm().rank()); }
  RowRange col_range() const { return col_partition().range(comm().rank()); }
  index_t products() const { return a_->products(); }
  void apply(std::span<const T> v, std::span<T> u) const {
    swapped_ ? a_->apply_adjoint(v, u) : a_->apply(v, u);
  }
  void apply_adjoint(std::span<const T> u, std::span<T> v) const {
    swapped_ ? a_->apply(u, v) : a_->apply_adjoint(u, v);
  }
  /// y = A^H A x, |A x|^2; of a wide map its A A^H, whose two products cannot be fused.
  double apply_cross(std::span<const T> x, std::span<T> y) const {
    if (!swapped_) return a_->apply_cross(x, y);
    if (middle_.size() != row_range().size()) middle_ = Buffer<T>(row_range().size());
    a_->apply_adjoint(x, middle_.span());
    a_->apply(middle_.span(), y);
    return vec::norm_squared<T>(comm(), middle_.span());
  }

 private:
  const LinearMap<T>* a_;
  bool swapped_;
  double unit_;
  mutable Buffer<T> middle_;
};

/// x -> A^H A x / norm^2 on the shorter side: its eigenvalues are the squares of all singular
/// values of A / norm.
template <Scalar T>
class CrossProduct final : public LinearMap<T> {
 public:
  explicit CrossProduct(const TallView<T>& a, double norm = 1)
      : LinearMap<T>(a.comm(), a.col_partition(), a.col_partition()),
        a_(&a),
        factor_(norm > 0 ? 1 / norm : 1),
        scaled_(a.col_range().size()) {}
  index_t memory_bytes() const noexcept override {
    return scaled_.size() * static_cast<index_t>(sizeof(T));
  }

 protected:
  void apply_impl(std::span<const T> x, std::span<T> y) const override {
    // Twice the factor, not its square: that may leave the range of doubles.
    std::copy(x.begin(), x.end(), scaled_.data());
    vec::scale<T>(factor_, scaled_.span());
    a_->apply_cross(scaled_.span(), y);
    vec::scale<T>(factor_, y);
  }

 private:
  const TallView<T>* a_;
  double factor_;
  mutable Buffer<T> scaled_;
};

}  // namespace kronsolve::svd
