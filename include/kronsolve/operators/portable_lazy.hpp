#pragma once

#include <utility>

#include <kronsolve/core/callable.hpp>
#include <kronsolve/operators/lazy.hpp>

namespace kronsolve {

/// A lazy matrix that can be sent: its builder of rows is a lambda without captures, a function, or
/// a function object with a cereal serialize(). A value.
template <Scalar T>
class PortableLazy {
 public:
  /// What builds the rows, as a value that can be sent.
  using Builder = PortableFunction<CsrRows<T>(RowRange)>;
  PortableLazy() = default;
  /// A shape and a builder. Nothing is checked before lazy() is called.
  PortableLazy(index_t rows, index_t cols, Builder builder)
      : rows_(rows), cols_(cols), builder_(std::move(builder)) {}

  index_t rows() const noexcept { return rows_; }  ///< of the whole matrix
  index_t cols() const noexcept { return cols_; }  ///< of the whole matrix
  /// @throws InvalidArgument  a negative shape or no builder
  Lazy<T> lazy() const {
    if (!builder_) throw InvalidArgument("PortableLazy: a builder of rows is needed");
    return Lazy<T>(rows_, cols_, [f = builder_](RowRange range) { return f(range); });
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(rows_, cols_, builder_);
  }

 private:
  index_t rows_ = 0, cols_ = 0;

  template <Scalar U>
  friend PortableLazy<U> operator*(std::type_identity_t<U> factor, const PortableLazy<U>& a);
  template <Scalar U>
  friend PortableLazy<U> operator+(const PortableLazy<U>& a, const PortableLazy<U>& b);

  Builder builder_;
};

namespace detail {

template <Scalar T>
struct ScaledRows {
  T factor = 0;
  typename PortableLazy<T>::Builder rows;
  CsrRows<T> operator()(RowRange range) const { return factor * rows(range); }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(factor, rows);
  }
};
template <Scalar T>
struct AddedRows {
  typename PortableLazy<T>::Builder a, b;
  CsrRows<T> operator()(RowRange range) const { return a(range) + b(range); }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(a, b);
  }
};

}  // namespace detail

/// factor * a; it can be sent as `a` can.
template <Scalar T>
PortableLazy<T> operator*(std::type_identity_t<T> factor, const PortableLazy<T>& a) {
  return {a.rows(), a.cols(), detail::ScaledRows<T>{factor, a.builder_}};
}
/// a + b; it can be sent as both can.
/// @throws DimensionError  other shapes
template <Scalar T>
PortableLazy<T> operator+(const PortableLazy<T>& a, const PortableLazy<T>& b) {
  detail::require_same_shape(a, b);
  return {a.rows(), a.cols(), detail::AddedRows<T>{a.builder_, b.builder_}};
}

}  // namespace kronsolve
