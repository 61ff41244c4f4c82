#pragma once
// Small distributed maps whose matrix every rank knows: what the iterative solvers are tested with.

#include <algorithm>
#include <random>
#include <vector>

#include <Eigen/Dense>

#include <kronsolve/operators/distributed_vectors.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/operators/rows.hpp>

#include "support/lazy_matrix.hpp"

namespace kronsolve::test {

template <Scalar T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
template <Scalar T>
using Vector = Eigen::Matrix<T, Eigen::Dynamic, 1>;

/// Rows of a dense matrix by rank; products gather the whole vector. Default recurrence and adjoint
/// by rows.
template <Scalar T>
class DenseMap final : public LinearMap<T> {
 public:
  DenseMap(const Comm& comm, Matrix<T> matrix, RowPartition rows, RowPartition cols)
      : LinearMap<T>(comm, std::move(rows), std::move(cols)), matrix_(std::move(matrix)) {}
  DenseMap(const Comm& comm, Matrix<T> matrix, const RowPartition& square)
      : DenseMap(comm, std::move(matrix), square, square) {}
  const Matrix<T>& matrix() const { return matrix_; }
  index_t memory_bytes() const noexcept override {
    return matrix_.size() * static_cast<index_t>(sizeof(T));
  }

 protected:
  void apply_impl(std::span<const T> x, std::span<T> y) const override {
    const auto range = this->row_range();
    Eigen::Map<Vector<T>>(y.data(), range.size()).noalias() =
        matrix_.middleRows(range.begin, range.size()) *
        gathered(x, this->col_range(), this->cols());
  }
  void apply_adjoint_impl(std::span<const T> x, std::span<T> y) const override {
    const auto range = this->col_range();
    Eigen::Map<Vector<T>>(y.data(), range.size()).noalias() =
        matrix_.middleCols(range.begin, range.size()).adjoint() *
        gathered(x, this->row_range(), this->rows());
  }

 private:
  /// One collective: everyone adds its piece to zeros.
  Vector<T> gathered(std::span<const T> mine, RowRange range, index_t n) const {
    Vector<T> all = Vector<T>::Zero(n);
    std::copy(mine.begin(), mine.end(), all.data() + range.begin);
    this->comm().all_reduce(std::span<T>(all.data(), static_cast<std::size_t>(n)));
    return all;
  }

  Matrix<T> matrix_;
};

/// Random numbers that are the same on every rank.
class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  int integer(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine_); }
  double uniform(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(engine_);
  }
  template <Scalar T>
  T scalar() {
    std::normal_distribution<double> normal;
    if constexpr (is_complex<T>) {
      const double re = normal(engine_);
      return {re, normal(engine_)};
    } else {
      return normal(engine_);
    }
  }
  template <Scalar T>
  Matrix<T> matrix(index_t rows, index_t cols) {
    return Matrix<T>::NullaryExpr(rows, cols, [this] { return scalar<T>(); });
  }
  template <Scalar T>
  Vector<T> vector(index_t rows) {
    return Vector<T>::NullaryExpr(rows, [this] { return scalar<T>(); });
  }
  /// Hermitian with these eigenvalues.
  template <Scalar T>
  Matrix<T> with_spectrum(const std::vector<double>& values) {
    const auto n = static_cast<index_t>(values.size());
    const Matrix<T> q = matrix<T>(n, n).householderQr().householderQ();
    Vector<T> d(n);
    for (index_t i = 0; i < n; ++i) d(i) = values[static_cast<std::size_t>(i)];
    return q * d.asDiagonal() * q.adjoint();
  }
  /// Hermitian with a spectrum of width about `width` around `center`.
  template <Scalar T>
  Matrix<T> hermitian(index_t n, double width, double center) {
    const Matrix<T> m = matrix<T>(n, n);
    const double size = width / (4 * std::sqrt(static_cast<double>(n)) *
                                 (is_complex<T> ? std::sqrt(2.0) : 1) * std::sqrt(0.5));
    return Matrix<T>(m + m.adjoint()) * (size / 2) + center * Matrix<T>::Identity(n, n);
  }
  /// Any cut of the rows into that many ranges, some perhaps empty.
  RowPartition partition(index_t rows, int ranks) {
    std::vector<index_t> offsets{0, rows};
    while (static_cast<int>(offsets.size()) < ranks + 1)
      offsets.push_back(integer(0, static_cast<int>(rows)));
    std::sort(offsets.begin(), offsets.end());
    return RowPartition(std::move(offsets));
  }

 private:
  std::mt19937_64 engine_;
};

/// The owned rows of a vector that every rank has.
template <Scalar T>
std::vector<T> owned(const Vector<T>& v, RowRange range) {
  return {v.data() + range.begin, v.data() + range.end};
}

/// The whole of a distributed vector on every rank.
template <Scalar T>
Vector<T> whole(const Comm& comm, std::span<const T> mine) {
  const auto all = comm.all_gather_v(mine);
  return Eigen::Map<const Vector<T>>(all.data(), static_cast<Eigen::Index>(all.size()));
}

/// The owned rows of b.
template <Scalar T>
DistributedVectors<T> columns(const Comm& comm, const Matrix<T>& b, const RowPartition& rows) {
  const RowRange mine = rows.range(comm.rank());
  DistributedVectors<T> result(rows, comm.rank(), b.cols());
  for (index_t j = 0; j < b.cols(); ++j)
    for (index_t i = 0; i < mine.size(); ++i)
      result.column(j)[static_cast<std::size_t>(i)] = b(mine.begin + i, j);
  return result;
}
template <Scalar T>
DistributedVectors<T> distributed(const Comm& comm, const RowPartition& rows, const Vector<T>& v) {
  return columns<T>(comm, v, rows);
}

/// The matrix of an operator sum in a basis, whole on every rank.
template <Scalar T>
Matrix<T> matrix_of(const OpSum& op, const Basis& basis) {
  const auto rows = build_rows<T>(op, basis, {0, basis.size()});
  Matrix<T> result = Matrix<T>::Zero(basis.size(), basis.size());
  for (index_t i = 0; i < basis.size(); ++i) {
    const auto columns = rows.row_columns(i);
    const auto values = rows.row_values(i);
    for (std::size_t e = 0; e < columns.size(); ++e) result(i, columns[e]) += values[e];
  }
  return result;
}

/// f(A) v of a Hermitian matrix by its eigenvectors, found once.
template <Scalar T>
class SpectralOracle {
 public:
  explicit SpectralOracle(const Matrix<T>& hermitian) : eigen_(hermitian) {}
  const Eigen::VectorXd& values() const { return eigen_.eigenvalues(); }
  const Matrix<T>& vectors() const { return eigen_.eigenvectors(); }
  template <Scalar V, class F>
  Vector<std::complex<double>> apply(F&& f, const Vector<V>& v) const {
    Vector<std::complex<double>> y = vectors().adjoint() * v.template cast<std::complex<double>>();
    for (Eigen::Index i = 0; i < y.size(); ++i) y(i) *= f(values()(i));
    return vectors() * y;
  }

 private:
  Eigen::SelfAdjointEigenSolver<Matrix<T>> eigen_;
};

}  // namespace kronsolve::test
