#pragma once
// The bridge to Eigen 3.4, for programs that use it: nothing else in kronsolve includes this file.
//
// Views share memory with what they show, which must outlive them. Operators refer to the matrix
// they are made of unless they are given a temporary, which they keep.

#include <concepts>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <Eigen/Core>
#include <Eigen/SparseCore>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/csr_rows.hpp>
#include <kronsolve/operators/distributed_vectors.hpp>
#include <kronsolve/operators/lazy.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/solvers/dense_matrix.hpp>

namespace kronsolve {

/// A dense or sparse matrix of Eigen whose scalar is one of ours, not an expression.
template <class M>
concept EigenDense = std::derived_from<M, Eigen::PlainObjectBase<M>> && Scalar<typename M::Scalar>;
/// A sparse matrix of Eigen, stored by rows or by columns, whose scalar is one of ours.
template <class M>
concept EigenSparse =
    std::derived_from<M, Eigen::SparseCompressedBase<M>> && Scalar<typename M::Scalar>;
/// What `lazy`, `to_rows` and `EigenMap` take: a dense or a sparse matrix.
template <class M>
concept EigenOperand = EigenDense<M> || EigenSparse<M>;

/// A column vector over these numbers. Local; O(1).
template <Scalar T>
Eigen::Map<Eigen::VectorX<T>> as_eigen(std::span<T> x) {
  return {x.data(), static_cast<Eigen::Index>(x.size())};
}
/// The same of numbers that are only read.
template <class T>
requires Scalar<std::remove_const_t<T>> Eigen::Map<const Eigen::VectorX<std::remove_const_t<T>>>
as_eigen(std::span<T> x)
requires std::is_const_v<T> { return {x.data(), static_cast<Eigen::Index>(x.size())}; }
/// Eigenvalues, residuals, times: whatever comes as std::vector.
template <Scalar T>
Eigen::Map<const Eigen::VectorX<T>> as_eigen(const std::vector<T>& x) {
  return as_eigen(std::span(x));
}
template <Scalar T>
Eigen::Map<const Eigen::VectorX<T>> as_eigen(const std::vector<T>&& x) = delete;

/// The matrix in Eigen's words. Local; O(1).
template <Scalar T>
Eigen::Map<Eigen::MatrixX<T>> as_eigen(DenseMatrix<T>& a) {
  return {a.data(), a.rows(), a.cols()};
}
/// The same of a matrix that is only read.
template <Scalar T>
Eigen::Map<const Eigen::MatrixX<T>> as_eigen(const DenseMatrix<T>& a) {
  return {a.data(), a.rows(), a.cols()};
}
template <Scalar T>
void as_eigen(const DenseMatrix<T>&& a) = delete;

/// These rows as a sparse matrix of rows.range.size() rows and rows.cols columns. Local; O(1).
template <Scalar T>
Eigen::Map<const Eigen::SparseMatrix<T, Eigen::RowMajor, index_t>> as_eigen(
    const CsrRows<T>& rows) {
  return {rows.range.size(),   rows.cols,           rows.entries(),
          rows.offsets.data(), rows.columns.data(), rows.values.data()};
}
template <Scalar T>
void as_eigen(const CsrRows<T>&& rows) = delete;

/// The owned entries of vector j. Local; O(1).
template <Scalar T>
Eigen::Map<Eigen::VectorX<T>> as_eigen(DistributedVectors<T>& x, index_t j) {
  return as_eigen(x.column(j));
}
/// The same of vectors that are only read.
template <Scalar T>
Eigen::Map<const Eigen::VectorX<T>> as_eigen(const DistributedVectors<T>& x, index_t j) {
  return as_eigen(x.column(j));
}
template <Scalar T>
void as_eigen(const DistributedVectors<T>&& x, index_t j) = delete;

/// The owned entries of all vectors, one column each: a copy. Local.
template <Scalar T>
Eigen::MatrixX<T> to_eigen(const DistributedVectors<T>& x) {
  Eigen::MatrixX<T> result(x.row_range().size(), x.count());
  for (index_t j = 0; j < x.count(); ++j) result.col(j) = as_eigen(x, j);
  return result;
}

/// The numbers of an Eigen vector, or of a matrix column after column. Local; O(1).
template <EigenDense V>
std::span<const typename V::Scalar> as_span(const V& x) {
  return {x.data(), static_cast<std::size_t>(x.size())};
}
/// The same of numbers that may be written.
template <EigenDense V>
std::span<typename V::Scalar> as_span(V& x) {
  return {x.data(), static_cast<std::size_t>(x.size())};
}

/// A copy of any dense Eigen expression, for eigh, svd, expm and the like of whole matrices. Local.
template <class Derived>
DenseMatrix<typename Derived::Scalar> to_dense_matrix(const Eigen::MatrixBase<Derived>& a) {
  DenseMatrix<typename Derived::Scalar> result(a.rows(), a.cols());
  as_eigen(result).noalias() = a;
  return result;
}

/// Rows [range) of a matrix; entries that are exactly zero are left out. Local.
///
/// Cost: O(entries of these rows); a sparse matrix must be stored by rows (RowMajor).
/// @throws DimensionError  range outside the rows
template <EigenOperand M>
requires(EigenDense<M> || bool(M::IsRowMajor)) CsrRows<typename M::Scalar> to_rows(const M& a,
                                                                                   RowRange range) {
  using T = typename M::Scalar;
  if (range.begin < 0 || range.end < range.begin || range.end > a.rows())
    throw DimensionError(detail::concat("to_rows: rows [", range.begin, ", ", range.end,
                                        ") asked of a matrix with ", a.rows(), " rows"));
  CsrRows<T> result;
  result.range = range;
  result.cols = a.cols();
  const auto add = [&](index_t column, T value) {
    if (value == T{}) return;
    result.columns.push_back(column);
    result.values.push_back(value);
  };
  for (index_t row = range.begin; row < range.end; ++row) {
    if constexpr (EigenSparse<M>)
      for (typename M::InnerIterator entry(a, row); entry; ++entry) add(entry.col(), entry.value());
    else
      for (index_t column = 0; column < a.cols(); ++column) add(column, a(row, column));
    result.offsets.push_back(result.entries());
  }
  return result;
}

namespace detail {

/// What a Lazy of a matrix builds from: the matrix itself, or one stored by rows.
template <EigenOperand M>
auto by_rows(std::shared_ptr<const M> a) {
  if constexpr (EigenSparse<M>) {
    if constexpr (!M::IsRowMajor) {
      using Rows =
          Eigen::SparseMatrix<typename M::Scalar, Eigen::RowMajor, typename M::StorageIndex>;
      return std::make_shared<const Rows>(*a);
    } else {
      return a;
    }
  } else {
    return a;
  }
}

template <EigenOperand M>
Lazy<typename M::Scalar> lazy(std::shared_ptr<const M> a) {
  const index_t rows = a->rows(), cols = a->cols();
  return {rows, cols,
          [rows = by_rows(std::move(a))](RowRange range) { return to_rows(*rows, range); }};
}

}  // namespace detail

/// A matrix as an operator for eigh, eig, svds, solve and every other call that takes a Lazy.
///
/// It refers to `a`, which must outlive it and not change; a temporary is moved into it. A sparse
/// matrix stored by columns (Eigen's default) is copied once into one stored by rows. Local. With
/// several ranks each of them must have the whole matrix, and hands out the rows it is asked for.
template <EigenOperand M>
Lazy<typename M::Scalar> lazy(const M& a) {
  return detail::lazy(std::shared_ptr<const M>(std::shared_ptr<const M>{}, &a));
}
/// A temporary matrix, which moves into the operator.
template <class M>
requires(EigenOperand<std::remove_cvref_t<M>> &&
         !std::is_lvalue_reference_v<M>) Lazy<typename std::remove_cvref_t<M>::Scalar> lazy(M&& a) {
  using Matrix = std::remove_cvref_t<M>;
  return detail::lazy(std::make_shared<const Matrix>(std::forward<M>(a)));
}

/// The product with a matrix by Eigen itself: no copy, no compression. For lanczos, svds, solve,
/// expm_multiply, evolve and whatever else takes a LinearMap.
///
/// On one rank it is Eigen's product. On several each rank has the whole matrix, multiplies its
/// rows, and fetches all of x for every product; `AssembledMap(comm, lazy(a), ...)` sends less.
template <EigenOperand M>
class EigenMap final : public LinearMap<typename M::Scalar> {
 public:
  using T = typename M::Scalar;  ///< number type of the matrix
  /// Collective on `comm`; `a` and `comm` must outlive the map. Rows and columns are dealt evenly.
  EigenMap(const Comm& comm, const M& a)
      : LinearMap<T>(comm, RowPartition(a.rows(), comm.size()),
                     RowPartition(a.cols(), comm.size())),
        a_(&a) {}
  EigenMap(const Comm&, const M&&) = delete;
  EigenMap(const Comm&&, const M&) = delete;

  index_t memory_bytes() const noexcept override { return 0; }  ///< the matrix is the caller's

 protected:
  /// As LinearMap::apply_impl: one product of Eigen. Collective.
  void apply_impl(std::span<const T> x, std::span<T> y) const override {
    if (this->comm().size() == 1) {
      as_eigen(y).noalias() = *a_ * as_eigen(x);
      return;
    }
    const auto whole = this->comm().all_gather_v(x);
    const auto own = this->row_range();
    as_eigen(y).noalias() = a_->middleRows(own.begin, own.size()) * as_eigen(whole);
  }
  /// As LinearMap::apply_adjoint_impl. Collective.
  void apply_adjoint_impl(std::span<const T> x, std::span<T> y) const override {
    if (this->comm().size() == 1) {
      as_eigen(y).noalias() = a_->adjoint() * as_eigen(x);
      return;
    }
    const auto rows = this->row_range(), cols = this->col_range();
    Eigen::VectorX<T> whole = a_->middleRows(rows.begin, rows.size()).adjoint() * as_eigen(x);
    this->comm().all_reduce(as_span(whole));
    as_eigen(y) = whole.segment(cols.begin, cols.size());
  }

 private:
  const M* a_;
};

}  // namespace kronsolve
