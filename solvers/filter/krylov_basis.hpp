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
  /// The most there was.
  index_t memory_bytes() const noexcept {
    return most_slabs_ * slab_columns * rows_ * static_cast<index_t>(sizeof(T));
  }
  std::span<T> column(index_t j) {
    return slabs_[static_cast<std::size_t>(j / slab_columns)].span().subspan(
        static_cast<std::size_t>(j % slab_columns * rows_), static_cast<std::size_t>(rows_));
  }
  /// A new column, zero.
  std::span<T> append() {
    if (count_ == static_cast<index_t>(slabs_.size()) * slab_columns)
      slabs_.emplace_back(rows_ * slab_columns);
    most_slabs_ = std::max(most_slabs_, static_cast<index_t>(slabs_.size()));
    return column(count_++);
  }
  void clear() {
    slabs_.clear();
    count_ = 0;
  }
  void drop_last() { --count_; }

  /// Coefficients <v_i, w_j> of the vectors first <= i < end. Collective.
  DenseMatrix<T> project(index_t first, index_t end, const T* w, index_t width) {
    DenseMatrix<T> c(end - first, width);
    for_slabs(first, end, [&](T* columns, index_t at, index_t n) {
      dense::gemm<T>(dense::Op::adjoint, dense::Op::none, n, width, rows_, 1, columns, rows_, w,
                     rows_, 0, c.data() + (at - first), end - first);
    });
    comm_->all_reduce(std::span<T>(c.data(), static_cast<std::size_t>((end - first) * width)));
    return c;
  }
  /// w += alpha V c with the vectors from `first` on.
  void combine(T alpha, index_t first, const DenseMatrix<T>& c, T* w) {
    for_slabs(first, first + c.rows(), [&](T* columns, index_t at, index_t n) {
      dense::gemm<T>(dense::Op::none, dense::Op::none, rows_, c.cols(), n, alpha, columns, rows_,
                     c.data() + (at - first), c.rows(), 1, w, rows_);
    });
  }
  /// w -= V V^H w for the vectors first <= i < end; returns V^H w. Collective.
  DenseMatrix<T> take_out(index_t first, index_t end, T* w, index_t width) {
    auto c = project(first, end, w, width);
    combine(-1, first, c, w);
    return c;
  }

 private:
  static constexpr index_t slab_columns = 64;
  template <class F>
  void for_slabs(index_t first, index_t end, F&& f) {
    for (index_t at = first; at < end;) {
      const index_t stop = std::min(end, (at / slab_columns + 1) * slab_columns);
      f(column(at).data(), at, stop - at);
      at = stop;
    }
  }
  const Comm* comm_;
  index_t rows_, count_ = 0, most_slabs_ = 0;
  std::vector<Buffer<T>> slabs_;
};

}  // namespace kronsolve
