#pragma once

#include <complex>
#include <functional>
#include <type_traits>
#include <utility>

#include <kronsolve/core/csr_rows.hpp>
#include <kronsolve/core/matrix_entries.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/core/scalar.hpp>

namespace kronsolve {

namespace detail {

template <class Matrix>
void require_same_shape(const Matrix& a, const Matrix& b) {
  if (a.rows() != b.rows() || a.cols() != b.cols())
    throw DimensionError(
        concat("Lazy: a sum of ", a.rows(), " x ", a.cols(), " and ", b.rows(), " x ", b.cols()));
}

}  // namespace detail

/// A matrix that knows its shape and how to build any range of its rows; nothing is stored.
///
/// The builder must give the same rows however the matrix is cut into ranges. A value.
template <Scalar T>
class Lazy {
 public:
  /// Gives exactly the rows of the range, columns ascending.
  using Builder = std::function<CsrRows<T>(RowRange)>;

  /// @throws InvalidArgument  a negative shape or no builder
  Lazy(index_t rows, index_t cols, Builder builder)
      : rows_(rows), cols_(cols), builder_(std::move(builder)) {
    if (rows < 0 || cols < 0)
      throw DimensionError(
          detail::concat("Lazy: the shape must not be negative, got ", rows, " x ", cols));
    if (!builder_) throw InvalidArgument("Lazy: a builder of rows is needed");
  }

  index_t rows() const noexcept { return rows_; }  ///< of the whole matrix
  index_t cols() const noexcept { return cols_; }  ///< of the whole matrix
  /// Builds rows [range.begin, range.end), checked. Local.
  /// @throws DimensionError   range outside the rows, or the builder returned other rows or columns
  ///                          than asked
  /// @throws InvalidArgument  the builder returned NaN, or columns that do not ascend
  CsrRows<T> build(RowRange range) const {
    if (range.begin < 0 || range.end < range.begin || range.end > rows_)
      throw DimensionError(detail::concat("Lazy: rows [", range.begin, ", ", range.end,
                                          ") asked of a matrix with ", rows_, " rows"));
    auto result = builder_(range);
    if (result.range != range || result.cols != cols_)
      throw DimensionError(detail::concat("Lazy: the builder was asked for rows [", range.begin,
                                          ", ", range.end, ") of ", cols_,
                                          " columns and returned [", result.range.begin, ", ",
                                          result.range.end, ") of ", result.cols));
    require_valid(result, "Lazy");
    return result;
  }

 private:
  index_t rows_, cols_;
  Builder builder_;
};

/// factor * a, rows scaled as they are built.
template <Scalar T>
Lazy<T> operator*(std::type_identity_t<T> factor, const Lazy<T>& a) {
  return {a.rows(), a.cols(), [factor, a](RowRange range) { return factor * a.build(range); }};
}
/// a + b, rows added as they are built.
/// @throws DimensionError  other shapes
template <Scalar T>
Lazy<T> operator+(const Lazy<T>& a, const Lazy<T>& b) {
  detail::require_same_shape(a, b);
  return {a.rows(), a.cols(), [a, b](RowRange range) { return a.build(range) + b.build(range); }};
}

}  // namespace kronsolve
