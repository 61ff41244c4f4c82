#include "measure/block_algebra.hpp"

#include <algorithm>

#include <kronsolve/core/error.hpp>

#include "solvers/dense/lapack.hpp"

// Declared here because OpenBLAS's cblas.h clashes with LAPACKE's complex types.
extern "C" {
void dsyrk_(const char* uplo, const char* trans, const int* n, const int* k, const double* alpha,
            const double* a, const int* lda, const double* beta, double* c, const int* ldc);
void zherk_(const char* uplo, const char* trans, const int* n, const int* k, const double* alpha,
            const std::complex<double>* a, const int* lda, const double* beta,
            std::complex<double>* c, const int* ldc);
}

namespace kronsolve::detail {

namespace {

int to_int(index_t n) { return narrow<int>(n, "rows of a block"); }
std::size_t at(index_t row, index_t col, index_t d) {
  return static_cast<std::size_t>(col * d + row);
}

}  // namespace

template <Scalar T>
void add_outer_product(std::span<T> rho, index_t d, std::span<const T> x, index_t columns) {
  const int n = to_int(d), k = to_int(columns);
  const double one = 1;
  if constexpr (is_complex<T>)
    zherk_("L", "N", &n, &k, &one, x.data(), &n, &one, rho.data(), &n);
  else
    dsyrk_("L", "N", &n, &k, &one, x.data(), &n, &one, rho.data(), &n);
}

template <Scalar T>
void mirror_lower(std::span<T> rho, index_t d) {
  for (index_t col = 0; col < d; ++col)
    for (index_t row = col + 1; row < d; ++row) rho[at(col, row, d)] = conj(rho[at(row, col, d)]);
}

template <Scalar T>
std::vector<double> hermitian_eigenvalues(std::span<T> a, index_t d) {
  const int n = to_int(d);
  std::vector<double> values(static_cast<std::size_t>(d));
  if (d == 0) return values;
  if constexpr (is_complex<T>)
    dense::check_lapack(LAPACKE_zheevd(LAPACK_COL_MAJOR, 'N', 'L', n, a.data(), n, values.data()),
                        "zheevd");
  else
    dense::check_lapack(LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'N', 'L', n, a.data(), n, values.data()),
                        "dsyevd");
  return values;
}

template <Scalar T>
void add_columns_lq(std::vector<T>& lower, index_t d, std::span<const T> x, index_t columns) {
  const int n = to_int(d), m = to_int(d + columns);
  const std::size_t square = static_cast<std::size_t>(d) * static_cast<std::size_t>(d);
  lower.insert(lower.end(), x.begin(), x.end());
  std::vector<T> tau(static_cast<std::size_t>(d));
  if constexpr (is_complex<T>)
    dense::check_lapack(LAPACKE_zgelqf(LAPACK_COL_MAJOR, n, m, lower.data(), n, tau.data()),
                        "zgelqf");
  else
    dense::check_lapack(LAPACKE_dgelqf(LAPACK_COL_MAJOR, n, m, lower.data(), n, tau.data()),
                        "dgelqf");
  lower.resize(square);
  for (index_t col = 1; col < d; ++col)
    std::fill_n(lower.begin() + static_cast<std::ptrdiff_t>(at(0, col, d)), col, T{});
}

template <Scalar T>
std::vector<double> singular_values(std::span<T> a, index_t d) {
  const int n = to_int(d);
  std::vector<double> values(static_cast<std::size_t>(d));
  if (d == 0) return values;
  T unused{};
  if constexpr (is_complex<T>)
    dense::check_lapack(LAPACKE_zgesdd(LAPACK_COL_MAJOR, 'N', n, n, a.data(), n, values.data(),
                                       &unused, 1, &unused, 1),
                        "zgesdd");
  else
    dense::check_lapack(LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'N', n, n, a.data(), n, values.data(),
                                       &unused, 1, &unused, 1),
                        "dgesdd");
  return values;
}

#define KRONSOLVE_INSTANTIATE(T)                                                       \
  template void add_outer_product(std::span<T>, index_t, std::span<const T>, index_t); \
  template void mirror_lower(std::span<T>, index_t);                                   \
  template std::vector<double> hermitian_eigenvalues(std::span<T>, index_t);           \
  template void add_columns_lq(std::vector<T>&, index_t, std::span<const T>, index_t); \
  template std::vector<double> singular_values(std::span<T>, index_t);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::detail
