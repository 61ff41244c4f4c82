#include <algorithm>
#include <array>
#include <limits>

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
  DenseMatrix<T> scaled(vectors.rows(), vectors.cols()), adjoint(vectors.cols(), vectors.rows());
  for (index_t j = 0; j < vectors.cols(); ++j) {
    const T factor = f(values[j]);
    for (index_t i = 0; i < vectors.rows(); ++i) {
      scaled(i, j) = vectors(i, j) * factor;
      adjoint(j, i) = conj(vectors(i, j));
    }
  }
  return multiply(scaled, adjoint);
}

template <Scalar T>
double one_norm(const DenseMatrix<T>& a) {
  double largest = 0;
  for (index_t j = 0; j < a.cols(); ++j) {
    double sum = 0;
    for (index_t i = 0; i < a.rows(); ++i) sum += std::abs(a(i, j));
    largest = std::max(largest, sum);
  }
  return largest;
}

/// x += c y.
template <Scalar T>
void add(DenseMatrix<T>& x, double c, const DenseMatrix<T>& y) {
  for (index_t i = 0; i < x.rows() * x.cols(); ++i) x.data()[i] += c * y.data()[i];
}

/// Solves a x = b in place of b; a is destroyed.
template <Scalar T>
void solve(DenseMatrix<T>& a, DenseMatrix<T>& b) {
  const auto n = narrow<lapack_int>(a.rows(), "order"),
             m = narrow<lapack_int>(b.cols(), "right-hand sides");
  std::vector<lapack_int> pivots(static_cast<std::size_t>(n));
  const dense::BlasThreads threads(num_threads());
  if constexpr (is_complex<T>)
    check_lapack(LAPACKE_zgesv(LAPACK_COL_MAJOR, n, m, a.data(), n, pivots.data(), b.data(), n),
                 "zgesv");
  else
    check_lapack(LAPACKE_dgesv(LAPACK_COL_MAJOR, n, m, a.data(), n, pivots.data(), b.data(), n),
                 "dgesv");
}

/// The [m/m] Pade approximant of exp, for |A|_1 within the radius of m.
template <Scalar T>
DenseMatrix<T> pade_exp(const DenseMatrix<T>& a, int m) {
  std::array<double, 14> b{};
  b[0] = 1;
  for (int j = 1; j <= m; ++j)
    b[j] = b[j - 1] * (m - j + 1) / (static_cast<double>(j) * (2 * m - j + 1));
  const index_t n = a.rows();
  const auto square = multiply(a, a);
  auto power = DenseMatrix<T>::identity(n);
  DenseMatrix<T> odd(n, n), even(n, n);
  for (int j = 0; j <= m; j += 2) {
    add(even, b[j], power);
    if (j + 1 <= m) add(odd, b[j + 1], power);
    if (j + 2 <= m) power = multiply(power, square);
  }
  odd = multiply(a, odd);
  DenseMatrix<T> numerator = even, denominator = even;
  add(numerator, 1, odd);
  add(denominator, -1, odd);
  solve(denominator, numerator);
  return numerator;
}

template <Scalar T>
DenseMatrix<T> general_exp(DenseMatrix<T> a) {
  // Radii of Higham's table for double precision.
  constexpr std::array<std::pair<int, double>, 5> radii = {{{3, 1.495585217958292e-2},
                                                            {5, 2.539398330063230e-1},
                                                            {7, 9.504178996162932e-1},
                                                            {9, 2.097847961257068},
                                                            {13, 5.371920351148152}}};
  const double size = one_norm(a);
  for (const auto& [degree, radius] : radii)
    if (size <= radius) return pade_exp(a, degree);
  const int squarings =
      std::max(0, static_cast<int>(std::ceil(std::log2(size / radii.back().second))));
  for (index_t i = 0; i < a.rows() * a.cols(); ++i)
    a.data()[i] = a.data()[i] * std::ldexp(1.0, -squarings);
  auto result = pade_exp(a, 13);
  for (int s = 0; s < squarings; ++s) result = multiply(result, result);
  return result;
}

/// A = Q T Q^H with T upper triangular.
struct Schur {
  DenseMatrix<Complex> q, t;
};

template <Scalar T>
Schur schur(const DenseMatrix<T>& a) {
  Schur s{DenseMatrix<Complex>(a.rows(), a.rows()), dense::to_complex(a)};
  const auto n = narrow<lapack_int>(a.rows(), "order");
  std::vector<Complex> values(static_cast<std::size_t>(n));
  lapack_int selected = 0;
  const dense::BlasThreads threads(num_threads());
  if (n > 0)
    check_lapack(LAPACKE_zgees(LAPACK_COL_MAJOR, 'V', 'N', nullptr, n, s.t.data(), n, &selected,
                               values.data(), s.q.data(), n),
                 "zgees");
  // Rounding must not put a negative eigenvalue below the cut of root and logarithm.
  const double tiny =
      10 * static_cast<double>(n) * std::numeric_limits<double>::epsilon() * one_norm(s.t);
  for (index_t i = 0; i < a.rows(); ++i)
    if (s.t(i, i).real() < 0 && std::abs(s.t(i, i).imag()) <= tiny) s.t(i, i) = s.t(i, i).real();
  return s;
}

DenseMatrix<Complex> back(const Schur& s) {
  DenseMatrix<Complex> adjoint(s.q.cols(), s.q.rows());
  for (index_t j = 0; j < s.q.cols(); ++j)
    for (index_t i = 0; i < s.q.rows(); ++i) adjoint(j, i) = std::conj(s.q(i, j));
  return multiply(multiply(s.q, s.t), adjoint);
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

/// x := solution of t x = x for upper triangular t.
void solve_triangular(const DenseMatrix<Complex>& t, DenseMatrix<Complex>& x) {
  const auto n = narrow<lapack_int>(t.rows(), "order");
  check_lapack(LAPACKE_ztrtrs(LAPACK_COL_MAJOR, 'U', 'N', 'N', n, n, t.data(), n, x.data(), n),
               "ztrtrs");
}

/// log(T) of an upper triangular T: roots until T is near 1, then sum_j w_j X (1 + x_j X)^-1 over
/// Gauss points of [0, 1].
DenseMatrix<Complex> triangular_log(DenseMatrix<Complex> t) {
  const index_t n = t.rows();
  constexpr int points = 8, most_roots = 200;
  constexpr double near = 0.25;  // radius where 7 points give double precision
  const auto distance = [&] {
    DenseMatrix<Complex> x = t;
    for (index_t i = 0; i < n; ++i) x(i, i) -= 1;
    return x;
  };
  int roots = 0;
  DenseMatrix<Complex> x = distance();
  for (; one_norm(x) > near; ++roots) {
    if (roots == most_roots)
      throw InvalidArgument("logm: the matrix is too close to a singular one");
    t = triangular_sqrt(t);
    x = distance();
  }
  std::vector<double> diagonal(points, 0.5), off;
  for (int j = 1; j < points; ++j) off.push_back(0.5 * j / std::sqrt(4.0 * j * j - 1));
  const auto gauss = dense::tridiagonal_eigh(diagonal, off);
  DenseMatrix<Complex> sum(n, n);
  for (int j = 0; j < points; ++j) {
    const double weight = gauss.component(0, j) * gauss.component(0, j);
    DenseMatrix<Complex> shifted = x, term = x;
    for (index_t i = 0; i < n * n; ++i) shifted.data()[i] *= gauss.values[j];
    for (index_t i = 0; i < n; ++i) shifted(i, i) += 1;
    solve_triangular(shifted, term);
    add(sum, weight * std::ldexp(1.0, roots), term);
  }
  return sum;
}

}  // namespace

template <Scalar T>
DenseMatrix<T> expm(const DenseMatrix<T>& a, MatrixKind kind) {
  dense::require_usable(a, "expm", 8);
  dense::require_square(a, "expm");
  if (a.rows() == 0) return a;
  if (kind == MatrixKind::general) return general_exp(a);
  const auto pairs = eigh(a);
  return from_eigen(pairs.vectors, pairs.values, [](double x) { return T(std::exp(x)); });
}

template <Scalar T>
DenseMatrix<Complex> sqrtm(const DenseMatrix<T>& a, MatrixKind kind) {
  dense::require_usable(a, "sqrtm", 8);
  dense::require_square(a, "sqrtm");
  if (kind == MatrixKind::hermitian) {
    const auto pairs = eigh(a);
    return from_eigen(dense::to_complex(pairs.vectors), pairs.values,
                      [](double x) { return std::sqrt(Complex(x)); });
  }
  auto s = schur(a);
  s.t = triangular_sqrt(s.t);
  return back(s);
}

template <Scalar T>
DenseMatrix<Complex> logm(const DenseMatrix<T>& a, MatrixKind kind) {
  dense::require_usable(a, "logm", 10);
  dense::require_square(a, "logm");
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
  auto s = schur(a);
  for (index_t i = 0; i < a.rows(); ++i)
    if (s.t(i, i) == 0.0) refuse();
  s.t = triangular_log(std::move(s.t));
  return back(s);
}

#define KRONSOLVE_INSTANTIATE(T)                                          \
  template DenseMatrix<T> expm(const DenseMatrix<T>&, MatrixKind);        \
  template DenseMatrix<Complex> sqrtm(const DenseMatrix<T>&, MatrixKind); \
  template DenseMatrix<Complex> logm(const DenseMatrix<T>&, MatrixKind);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
