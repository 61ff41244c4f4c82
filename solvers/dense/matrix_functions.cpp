#define EIGEN_USE_BLAS  // products by OpenBLAS
#include <limits>

#include <unsupported/Eigen/MatrixFunctions>

#include <kronsolve/eigen.hpp>

#include "solvers/dense/dense_checks.hpp"
#include "solvers/dense/from_map.hpp"
#include "solvers/dense/hermitian.hpp"
#include "solvers/dense/tridiagonal.hpp"

namespace kronsolve {

namespace {

using Complex = std::complex<double>;
using dense::check_lapack;

/// U f(values) U^H.
template <Scalar T, class F>
DenseMatrix<T> from_eigen(const DenseMatrix<T>& vectors, const std::vector<double>& values, F&& f) {
  const auto u = as_eigen(vectors);
  Eigen::VectorX<T> factors(u.cols());
  for (index_t j = 0; j < u.cols(); ++j) factors[j] = f(values[j]);
  return to_dense_matrix(u * factors.asDiagonal() * u.adjoint());
}

template <Scalar T>
double one_norm(const DenseMatrix<T>& a) {
  return as_eigen(a).cwiseAbs().colwise().sum().maxCoeff();
}

/// Schur form whose negative eigenvalues rounding has not put below the cut of root and logarithm.
template <Scalar T>
SchurForm above_cut(const DenseMatrix<T>& a) {
  SchurForm s = schur(a);
  const double tiny =
      10 * static_cast<double>(a.rows()) * std::numeric_limits<double>::epsilon() * one_norm(s.t);
  for (index_t i = 0; i < a.rows(); ++i)
    if (s.t(i, i).real() < 0 && std::abs(s.t(i, i).imag()) <= tiny) s.t(i, i) = s.t(i, i).real();
  return s;
}

DenseMatrix<Complex> back(const SchurForm& s) {
  const auto q = as_eigen(s.q);
  return to_dense_matrix(q * as_eigen(s.t) * q.adjoint());
}

/// Rounding leaves zeros of -0: the root of a negative real number is then on the wrong side.
Complex root(Complex z) { return std::sqrt(z.imag() == 0 ? Complex(z.real(), 0.0) : z); }

/// Square root of an upper triangular matrix, column by column.
DenseMatrix<Complex> triangular_sqrt(const DenseMatrix<Complex>& t) {
  const index_t n = t.rows();
  DenseMatrix<Complex> r(n, n);
  const double tiny = std::numeric_limits<double>::epsilon() * one_norm(t);
  for (index_t j = 0; j < n; ++j) {
    r(j, j) = root(t(j, j));
    for (index_t i = j; i-- > 0;) {
      Complex sum = t(i, j);
      for (index_t k = i + 1; k < j; ++k) sum -= r(i, k) * r(k, j);
      const Complex divisor = r(i, i) + r(j, j);
      if (divisor == 0.0) {
        if (std::abs(sum) > tiny)
          throw InvalidArgument("sqrtm: the matrix is singular and has no square root");
        r(i, j) = 0;
      } else {
        r(i, j) = sum / divisor;
      }
    }
  }
  return r;
}

/// log(T) of an upper triangular T: roots until T is near 1, then sum_j w_j X (1 + x_j X)^-1 over
/// Gauss points of [0, 1].
DenseMatrix<Complex> triangular_log(DenseMatrix<Complex> t) {
  constexpr int points = 8, most_roots = 200;
  constexpr double near = 0.25;  // radius where 7 points give double precision
  const auto one = Eigen::MatrixXcd::Identity(t.rows(), t.rows());
  Eigen::MatrixXcd x = as_eigen(t) - one;
  int roots = 0;
  for (; x.cwiseAbs().colwise().sum().maxCoeff() > near; ++roots) {
    if (roots == most_roots)
      throw InvalidArgument("logm: the matrix is too close to a singular one");
    t = triangular_sqrt(t);
    x = as_eigen(t) - one;
  }
  std::vector<double> diagonal(points, 0.5), off;
  for (int j = 1; j < points; ++j) off.push_back(0.5 * j / std::sqrt(4.0 * j * j - 1));
  const auto gauss = dense::tridiagonal_eigh(diagonal, off);
  Eigen::MatrixXcd sum = Eigen::MatrixXcd::Zero(t.rows(), t.rows());
  for (int j = 0; j < points; ++j) {
    const double weight = gauss.component(0, j) * gauss.component(0, j);
    const Eigen::MatrixXcd shifted = one + gauss.values[j] * x;
    sum += std::ldexp(weight, roots) * shifted.triangularView<Eigen::Upper>().solve(x);
  }
  return to_dense_matrix(sum);
}

}  // namespace

template <Scalar T>
DenseMatrix<T> expm(const DenseMatrix<T>& a, MatrixKind kind) {
  dense::require_usable(a, "expm", 8);
  dense::require_square(a, "expm");
  if (a.rows() == 0) return a;
  const dense::BlasThreads threads(num_threads());
  if (kind == MatrixKind::general) {
    DenseMatrix<T> result(a.rows(), a.cols());
    as_eigen(result) = as_eigen(a).exp();
    return result;
  }
  const auto pairs = eigh(a);
  return from_eigen(pairs.vectors, pairs.values, [](double x) { return T(std::exp(x)); });
}

template <Scalar T>
SchurForm schur(const DenseMatrix<T>& a) {
  dense::require_usable(a, "schur", 4);
  dense::require_square(a, "schur");
  const dense::BlasThreads threads(num_threads());
  SchurForm s{DenseMatrix<Complex>(a.rows(), a.rows()), dense::to_complex(a)};
  const auto n = narrow<lapack_int>(a.rows(), "order");
  std::vector<Complex> values(static_cast<std::size_t>(n));
  lapack_int selected = 0;
  if (n > 0)
    check_lapack(LAPACKE_zgees(LAPACK_COL_MAJOR, 'V', 'N', nullptr, n, s.t.data(), n, &selected,
                               values.data(), s.q.data(), n),
                 "zgees");
  return s;
}

template <Scalar T>
DenseMatrix<Complex> sqrtm(const DenseMatrix<T>& a, MatrixKind kind) {
  dense::require_usable(a, "sqrtm", 8);
  dense::require_square(a, "sqrtm");
  const dense::BlasThreads threads(num_threads());
  if (kind == MatrixKind::hermitian) {
    const auto pairs = eigh(a);
    return from_eigen(dense::to_complex(pairs.vectors), pairs.values,
                      [](double x) { return std::sqrt(Complex(x)); });
  }
  auto s = above_cut(a);
  s.t = triangular_sqrt(s.t);
  return back(s);
}

template <Scalar T>
DenseMatrix<Complex> logm(const DenseMatrix<T>& a, MatrixKind kind) {
  dense::require_usable(a, "logm", 10);
  dense::require_square(a, "logm");
  const dense::BlasThreads threads(num_threads());
  const auto refuse = [] {
    throw InvalidArgument("logm: the matrix is singular, its logarithm is infinite");
  };
  if (kind == MatrixKind::hermitian) {
    const auto pairs = eigh(a);
    for (const double value : pairs.values)
      if (value == 0) refuse();
    return from_eigen(dense::to_complex(pairs.vectors), pairs.values,
                      [](double x) { return std::log(Complex(x)); });
  }
  auto s = above_cut(a);
  for (index_t i = 0; i < a.rows(); ++i)
    if (s.t(i, i) == 0.0) refuse();
  s.t = triangular_log(std::move(s.t));
  return back(s);
}

#define KRONSOLVE_INSTANTIATE(T)                                          \
  template SchurForm schur(const DenseMatrix<T>&);                        \
  template DenseMatrix<T> expm(const DenseMatrix<T>&, MatrixKind);        \
  template DenseMatrix<Complex> sqrtm(const DenseMatrix<T>&, MatrixKind); \
  template DenseMatrix<Complex> logm(const DenseMatrix<T>&, MatrixKind);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
