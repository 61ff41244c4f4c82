#include "solvers/dense/dense_eig.hpp"

#include <kronsolve/core/error.hpp>

#include "solvers/dense/lapack.hpp"

namespace kronsolve::dense {

namespace {

constexpr index_t largest_dense = 32700;  // work arrays of 2 n^2 numbers must be counted in 32 bits

void require_size(index_t n) {
  if (n > largest_dense)
    throw NotSupported(
        detail::concat("dense: ", n, " rows exceed what LAPACK's 32-bit integers reach (",
                       largest_dense, "); ask for fewer pairs with a Krylov method"));
}

/// geev gives a conjugate pair as two real columns.
LargeVector<std::complex<double>> join(const LargeVector<double>& columns,
                                       const std::vector<double>& imaginary, index_t n) {
  LargeVector<std::complex<double>> x(static_cast<std::size_t>(n * n));
  for (index_t j = 0; j < n; ++j) {
    const bool pair = imaginary[static_cast<std::size_t>(j)] != 0;
    const double* real = columns.data() + j * n;
    for (index_t i = 0; i < n; ++i) {
      x[static_cast<std::size_t>(j * n + i)] = {real[i], pair ? real[n + i] : 0};
      if (pair) x[static_cast<std::size_t>((j + 1) * n + i)] = {real[i], -real[n + i]};
    }
    if (pair) ++j;
  }
  return x;
}

}  // namespace

template <Scalar T>
DenseGeneral dense_eig(LargeVector<T> a, index_t n) {
  require_size(n);
  const auto rows = static_cast<lapack_int>(n);
  DenseGeneral result;
  if constexpr (is_complex<T>) {
    result.values.resize(static_cast<std::size_t>(n));
    result.vectors.resize(static_cast<std::size_t>(n * n));
    check_lapack(LAPACKE_zgeev(LAPACK_COL_MAJOR, 'N', 'V', rows, a.data(), rows,
                               result.values.data(), nullptr, rows, result.vectors.data(), rows),
                 "zgeev");
  } else {
    std::vector<double> real(static_cast<std::size_t>(n)), imaginary(static_cast<std::size_t>(n));
    LargeVector<double> columns(static_cast<std::size_t>(n * n));
    check_lapack(LAPACKE_dgeev(LAPACK_COL_MAJOR, 'N', 'V', rows, a.data(), rows, real.data(),
                               imaginary.data(), nullptr, rows, columns.data(), rows),
                 "dgeev");
    for (std::size_t j = 0; j < real.size(); ++j) result.values.emplace_back(real[j], imaginary[j]);
    result.vectors = join(columns, imaginary, n);
  }
  return result;
}

template <Scalar T>
std::vector<double> dense_generalised(LargeVector<T>& a, LargeVector<T>& b, index_t n) {
  require_size(n);
  const auto rows = static_cast<lapack_int>(n);
  std::vector<double> values(static_cast<std::size_t>(n));
  lapack_int info = 0;
  if constexpr (is_complex<T>)
    info = LAPACKE_zhegvd(LAPACK_COL_MAJOR, 1, 'V', 'L', rows, a.data(), rows, b.data(), rows,
                          values.data());
  else
    info = LAPACKE_dsygvd(LAPACK_COL_MAJOR, 1, 'V', 'L', rows, a.data(), rows, b.data(), rows,
                          values.data());
  if (info > n)
    throw InvalidArgument(
        detail::concat("eigh: B is not positive definite (leading minor ", info - n,
                       " is not); a generalised problem needs a positive definite B"));
  check_lapack(info, is_complex<T> ? "zhegvd" : "dsygvd");
  return values;
}

template DenseGeneral dense_eig(LargeVector<double>, index_t);
template DenseGeneral dense_eig(LargeVector<std::complex<double>>, index_t);
template std::vector<double> dense_generalised(LargeVector<double>&, LargeVector<double>&, index_t);
template std::vector<double> dense_generalised(LargeVector<std::complex<double>>&,
                                               LargeVector<std::complex<double>>&, index_t);

}  // namespace kronsolve::dense
