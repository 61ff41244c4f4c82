#pragma once

#include <complex>
#include <functional>
#include <utility>

#include <kronsolve/core/csr_rows.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/core/scalar.hpp>

namespace kronsolve {

/// A matrix that knows its shape and how to build any range of its rows; nothing is stored.
///
/// The builder must give the same rows however the matrix is cut into ranges. A value.
template <Scalar T>
class Lazy {
 public:
  using Builder = std::function<CsrRows<T>(RowRange)>;

  /// @throws InvalidArgument  a negative shape or no builder
  Lazy(index_t rows, index_t cols, Builder builder)
      : rows_(rows), cols_(cols), builder_(std::move(builder)) {
    if (rows < 0 || cols < 0)
      throw DimensionError(
          detail::concat("Lazy: the shape must not be negative, got ", rows, " x ", cols));
    if (!builder_) throw InvalidArgument("Lazy: a builder of rows is needed");
  }

  index_t rows() const noexcept { return rows_; }
  index_t cols() const noexcept { return cols_; }
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

}  // namespace kronsolve
