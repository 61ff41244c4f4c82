#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/comm.hpp>
#include <kronsolve/solvers/dense_matrix.hpp>

#include "solvers/dense/blas.hpp"

namespace kronsolve {

/// Many distributed vectors of one length, orthonormal as far as their owner keeps them so; grows
/// in slabs.
template <Scalar T>
class KrylovBasis {
 public:
  KrylovBasis(const Comm& comm, index_t local_rows) : comm_(&comm), rows_(local_rows) {}
  index_t count() const noexcept { return count_; }
  index_t memory_bytes() const noexcept {
    return static_cast<index_t>(slabs_.size()) * slab_columns * rows_ *
           static_cast<index_t>(sizeof(T));
  }
  std::span<T> column(index_t j) {
    return slabs_[static_cast<std::size_t>(j / slab_columns)].span().subspan(
        static_cast<std::size_t>(j % slab_columns * rows_), static_cast<std::size_t>(rows_));
  }
  /// A new column, zero.
  std::span<T> append() {
    if (count_ % slab_columns == 0) slabs_.emplace_back(rows_ * slab_columns);
    return column(count_++);
  }
  void drop_last() { --count_; }

  /// Coefficients <v_i, w_j> of the first `columns` vectors. Collective.
  DenseMatrix<T> project(index_t columns, const T* w, index_t width) {
    DenseMatrix<T> c(columns, width);
    for_slabs(columns, [&](T* slab, index_t first, index_t n) {
      dense::gemm<T>(dense::Op::adjoint, dense::Op::none, n, width, rows_, 1, slab, rows_, w, rows_,
                     0, c.data() + first, columns);
    });
    comm_->all_reduce(std::span<T>(c.data(), static_cast<std::size_t>(columns * width)));
    return c;
  }
  /// w += alpha V c.
  void combine(T alpha, const DenseMatrix<T>& c, T* w) {
    for_slabs(c.rows(), [&](T* slab, index_t first, index_t n) {
      dense::gemm<T>(dense::Op::none, dense::Op::none, rows_, c.cols(), n, alpha, slab, rows_,
                     c.data() + first, c.rows(), 1, w, rows_);
    });
  }

 private:
  static constexpr index_t slab_columns = 64;
  template <class F>
  void for_slabs(index_t columns, F&& f) {
    for (index_t first = 0; first < columns; first += slab_columns)
      f(slabs_[static_cast<std::size_t>(first / slab_columns)].data(), first,
        std::min(slab_columns, columns - first));
  }
  const Comm* comm_;
  index_t rows_, count_ = 0;
  std::vector<Buffer<T>> slabs_;
};

}  // namespace kronsolve
