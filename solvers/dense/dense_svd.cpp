#include "solvers/dense/dense_svd.hpp"

#include <algorithm>
#include <cmath>

#include "solvers/dense/lapack.hpp"

namespace kronsolve::dense {

namespace {

lapack_int gesdd(char job, lapack_int m, lapack_int n, double* a, double* s, double* u, double* vt,
                 lapack_int ldvt) {
  return LAPACKE_dgesdd(LAPACK_COL_MAJOR, job, m, n, a, m, s, u, m, vt, ldvt);
}
lapack_int gesdd(char job, lapack_int m, lapack_int n, std::complex<double>* a, double* s,
                 std::complex<double>* u, std::complex<double>* vt, lapack_int ldvt) {
  return LAPACKE_zgesdd(LAPACK_COL_MAJOR, job, m, n, a, m, s, u, m, vt, ldvt);
}

}  // namespace

template <Scalar T>
DenseSvd<T> dense_svd(LargeVector<T> a, index_t m, index_t n, SvdVectors vectors) {
  const auto rows = narrow<lapack_int>(m, "rows for LAPACK"),
             cols = narrow<lapack_int>(n, "columns for LAPACK");
  const index_t r = std::min(m, n);
  DenseSvd<T> result;
  result.values.assign(static_cast<std::size_t>(r), 0);
  if (r == 0) return result;
  const bool thin = vectors == SvdVectors::thin;
  LargeVector<T> vt(static_cast<std::size_t>(thin ? r * n : 1));
  result.left.resize(static_cast<std::size_t>(thin ? m * r : 1));
  check_lapack(gesdd(thin ? 'S' : 'N', rows, cols, a.data(), result.values.data(),
                     result.left.data(), vt.data(), thin ? static_cast<lapack_int>(r) : 1),
               is_complex<T> ? "zgesdd" : "dgesdd");
  for (double& s : result.values) s = std::abs(s);  // LAPACK gives -0, too
  if (!thin) {
    result.left.clear();
    return result;
  }
  result.right.resize(static_cast<std::size_t>(n * r));
  for (index_t j = 0; j < n; ++j)
    for (index_t i = 0; i < r; ++i)
      result.right[static_cast<std::size_t>(i * n + j)] =
          conj(vt[static_cast<std::size_t>(j * r + i)]);
  return result;
}

template <Scalar T>
index_t dense_svd_bytes(index_t m, index_t n, SvdVectors vectors) {
  const index_t r = std::min(m, n), matrix = checked_multiply(m, n, "entries of a dense matrix");
  const index_t scalars = checked_add(matrix, 4 * r * r + 100 * (m + n), "entries of a dense SVD");
  const index_t extra = vectors == SvdVectors::thin ? (m + 2 * n) * r : 0;
  return checked_multiply(checked_add(scalars, extra, "entries of a dense SVD"),
                          static_cast<index_t>(sizeof(T)), "bytes of a dense SVD");
}

#define KRONSOLVE_INSTANTIATE(T)                                                \
  template DenseSvd<T> dense_svd(LargeVector<T>, index_t, index_t, SvdVectors); \
  template index_t dense_svd_bytes<T>(index_t, index_t, SvdVectors);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::dense
