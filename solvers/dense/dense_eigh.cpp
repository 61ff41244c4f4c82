#include "solvers/dense/dense_eigh.hpp"

#include <kronsolve/core/error.hpp>

#include "solvers/dense/lapack.hpp"

// BLAS by its Fortran names: OpenBLAS's cblas.h clashes with LAPACKE's complex types.
extern "C" {
void dsymm_(const char*, const char*, const int*, const int*, const double*, const double*,
            const int*, const double*, const int*, const double*, double*, const int*);
void zhemm_(const char*, const char*, const int*, const int*, const std::complex<double>*,
            const std::complex<double>*, const int*, const std::complex<double>*, const int*,
            const std::complex<double>*, std::complex<double>*, const int*);
}

namespace kronsolve::dense {

namespace {

/// Above this, n*n and the work arrays of LAPACK leave 32-bit integers.
constexpr index_t largest_dense = 46340;
/// syevd's work array of 2 n^2 numbers must be counted in 32 bits as well.
constexpr index_t largest_syevd = 32700;

/// For all vectors: syevr's are not orthogonal for some matrices of clustered levels (off by 1e-5),
/// those of divide and conquer are, and syevd is faster as well (0.81 s against 1.08 s at n = 2000,
/// two threads); of complex matrices heevr would take half the time (2.48 s, 4.66 s).
bool divide_and_conquer(index_t n, index_t count, Eigenvectors vectors) {
  return count == n && vectors == Eigenvectors::compute && n < largest_syevd;
}

/// LAPACK destroys the lower triangle and the diagonal, which is returned.
template <Scalar T>
std::vector<T> copy_to_other_triangle(LargeVector<T>& a, index_t n) {
  std::vector<T> diagonal;
  for (index_t j = 0; j < n; ++j) {
    diagonal.push_back(a[static_cast<std::size_t>(j * n + j)]);
    for (index_t i = j + 1; i < n; ++i)
      a[static_cast<std::size_t>(i * n + j)] = conj(a[static_cast<std::size_t>(j * n + i)]);
  }
  return diagonal;
}

/// syevr gives up on some matrices of highly degenerate levels, or leaves pairs out; QR never does.
/// @param a  its upper triangle is read
template <Scalar T>
DenseEigen<T> by_qr(LargeVector<T> a, index_t n, index_t first, index_t count, Eigenvectors vectors,
                    const std::vector<T>& diagonal) {
  const auto rows = static_cast<lapack_int>(n);
  const char job = vectors == Eigenvectors::compute ? 'V' : 'N';
  for (index_t j = 0; j < n; ++j)
    a[static_cast<std::size_t>(j * n + j)] = diagonal[static_cast<std::size_t>(j)];
  std::vector<double> values(static_cast<std::size_t>(n));
  if constexpr (is_complex<T>)
    check_lapack(LAPACKE_zheev(LAPACK_COL_MAJOR, job, 'U', rows, a.data(), rows, values.data()),
                 "zheev");
  else
    check_lapack(LAPACKE_dsyev(LAPACK_COL_MAJOR, job, 'U', rows, a.data(), rows, values.data()),
                 "dsyev");
  DenseEigen<T> result;
  result.values.assign(values.begin() + first, values.begin() + first + count);
  if (job == 'V') result.vectors.assign(a.begin() + first * n, a.begin() + (first + count) * n);
  return result;
}

}  // namespace

template <Scalar T>
DenseEigen<T> dense_eigh(LargeVector<T> a, index_t n, index_t first, index_t count,
                         Eigenvectors vectors) {
  if (n > largest_dense)
    throw NotSupported(
        detail::concat("dense: ", n, " rows exceed what LAPACK's 32-bit integers reach (",
                       largest_dense, "); ask for fewer pairs with a Krylov method"));
  const auto rows = static_cast<lapack_int>(n);
  DenseEigen<T> result;
  result.values.resize(static_cast<std::size_t>(n));
  const bool wanted = vectors == Eigenvectors::compute;
  if (divide_and_conquer(n, count, vectors)) {
    if constexpr (is_complex<T>)
      check_lapack(
          LAPACKE_zheevd(LAPACK_COL_MAJOR, 'V', 'L', rows, a.data(), rows, result.values.data()),
          "zheevd");
    else
      check_lapack(
          LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'L', rows, a.data(), rows, result.values.data()),
          "dsyevd");
    result.vectors = std::move(a);
    return result;
  }
  const auto diagonal = copy_to_other_triangle(a, n);
  result.vectors.resize(wanted ? static_cast<std::size_t>(n * count) : 1);
  std::vector<lapack_int> support(2 * static_cast<std::size_t>(n));
  lapack_int found = 0;
  const char job = wanted ? 'V' : 'N', range = count == n ? 'A' : 'I';
  const auto lowest = static_cast<lapack_int>(first + 1),
             highest = static_cast<lapack_int>(first + count);
  lapack_int info = 0;
  if constexpr (is_complex<T>)
    info = LAPACKE_zheevr(LAPACK_COL_MAJOR, job, range, 'L', rows, a.data(), rows, 0, 0, lowest,
                          highest, 0, &found, result.values.data(), result.vectors.data(), rows,
                          support.data());
  else
    info = LAPACKE_dsyevr(LAPACK_COL_MAJOR, job, range, 'L', rows, a.data(), rows, 0, 0, lowest,
                          highest, 0, &found, result.values.data(), result.vectors.data(), rows,
                          support.data());
  if (info < 0) check_lapack(info, is_complex<T> ? "zheevr" : "dsyevr");
  if (info > 0 || found < count) return by_qr(std::move(a), n, first, count, vectors, diagonal);
  result.values.resize(static_cast<std::size_t>(found));
  if (!wanted) result.vectors.clear();
  return result;
}

template <Scalar T>
index_t dense_eigh_bytes(index_t n, index_t count, Eigenvectors vectors) {
  const auto square = checked_multiply(checked_multiply(n, n, "bytes of a dense matrix"), sizeof(T),
                                       "bytes of a dense matrix");
  if (divide_and_conquer(n, count, vectors))
    return checked_multiply(3, square, "bytes of a dense matrix");
  const index_t columns = vectors == Eigenvectors::compute ? count : 0;
  return square + n * columns * static_cast<index_t>(sizeof(T)) +
         40 * n * static_cast<index_t>(sizeof(T));
}

template <Scalar T>
void hermitian_multiply(const T* a, index_t n, const T* b, index_t count, T* c) {
  const int rows = static_cast<int>(n), columns = static_cast<int>(count);
  const T one = 1, zero = 0;
  if constexpr (is_complex<T>)
    zhemm_("L", "L", &rows, &columns, &one, a, &rows, b, &rows, &zero, c, &rows);
  else
    dsymm_("L", "L", &rows, &columns, &one, a, &rows, b, &rows, &zero, c, &rows);
}

#define KRONSOLVE_DEFINE(T)                                                                   \
  template DenseEigen<T> dense_eigh(LargeVector<T>, index_t, index_t, index_t, Eigenvectors); \
  template index_t dense_eigh_bytes<T>(index_t, index_t, Eigenvectors);                       \
  template void hermitian_multiply(const T*, index_t, const T*, index_t, T*);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_DEFINE)

}  // namespace kronsolve::dense
