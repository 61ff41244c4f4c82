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
  using Builder = PortableFunction<CsrRows<T>(RowRange)>;
  PortableLazy() = default;
  PortableLazy(index_t rows, index_t cols, Builder builder)
      : rows_(rows), cols_(cols), builder_(std::move(builder)) {}

  index_t rows() const noexcept { return rows_; }
  index_t cols() const noexcept { return cols_; }
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
  Builder builder_;
};

}  // namespace kronsolve
