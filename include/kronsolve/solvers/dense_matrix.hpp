#pragma once

#include <utility>
#include <vector>

#include <kronsolve/core/index.hpp>
#include <kronsolve/core/scalar.hpp>

namespace kronsolve {

/// A dense matrix, columns one after the other (LAPACK's order). A value; local to its process.
template <Scalar T>
class DenseMatrix {
 public:
  DenseMatrix() = default;
  /// Zero.
  /// @throws DimensionError  a negative size
  DenseMatrix(index_t rows, index_t cols)
      : DenseMatrix(rows, cols, std::vector<T>(checked_size(rows, cols))) {}
  /// @throws DimensionError  values are not rows*cols
  DenseMatrix(index_t rows, index_t cols, std::vector<T> values)
      : rows_(rows), cols_(cols), values_(std::move(values)) {
    if (values_.size() != checked_size(rows, cols))
      throw DimensionError(detail::concat("DenseMatrix: ", rows, " x ", cols, " needs ",
                                          rows * cols, " values, got ", values_.size()));
  }
  static DenseMatrix identity(index_t n) {  ///< n x n
    DenseMatrix result(n, n);
    for (index_t i = 0; i < n; ++i) result(i, i) = 1;
    return result;
  }

  index_t rows() const noexcept { return rows_; }            ///< of the matrix
  index_t cols() const noexcept { return cols_; }            ///< of the matrix
  T* data() noexcept { return values_.data(); }              ///< entry (i, j) at [i + j * rows()]
  const T* data() const noexcept { return values_.data(); }  ///< the same, read only
  /// Entry (i, j); not checked.
  T& operator()(index_t i, index_t j) { return values_[static_cast<std::size_t>(i + j * rows_)]; }
  const T& operator()(index_t i, index_t j) const {  ///< the same, read only
    return values_[static_cast<std::size_t>(i + j * rows_)];
  }
  T* column(index_t j) { return values_.data() + j * rows_; }  ///< rows() entries of column j
  const T* column(index_t j) const { return values_.data() + j * rows_; }  ///< the same, read only
  friend bool operator==(const DenseMatrix&, const DenseMatrix&) = default;

 private:
  static std::size_t checked_size(index_t rows, index_t cols) {
    if (rows < 0 || cols < 0)
      throw DimensionError(
          detail::concat("DenseMatrix: the shape must not be negative, got ", rows, " x ", cols));
    return static_cast<std::size_t>(checked_multiply(rows, cols, "entries of a dense matrix"));
  }
  index_t rows_ = 0, cols_ = 0;
  std::vector<T> values_;
};

}  // namespace kronsolve
