#include "solvers/dense/hermitian.hpp"

#include <kronsolve/core/threads.hpp>

#include "solvers/dense/blas_threads.hpp"
#include "solvers/dense/lapack.hpp"

namespace kronsolve::dense {

// Drivers as measured: divide and conquer for real matrices, relatively robust representations for
// complex ones.
template <Scalar T>
HermitianEigen<T> hermitian_eigh(DenseMatrix<T> a) {
  KRONSOLVE_ASSERT(a.rows() == a.cols());
  const auto n = narrow<lapack_int>(a.rows(), "order of a dense matrix");
  HermitianEigen<T> result;
  result.values.resize(static_cast<std::size_t>(n));
  if (n == 0) return result;
  const BlasThreads threads(num_threads());
  if constexpr (is_complex<T>) {
    result.vectors = DenseMatrix<T>(n, n);
    std::vector<lapack_int> support(2 * static_cast<std::size_t>(n));
    lapack_int found = 0;
    check_lapack(
        LAPACKE_zheevr(LAPACK_COL_MAJOR, 'V', 'A', 'L', n, a.data(), n, 0, 0, 0, 0, 0, &found,
                       result.values.data(), result.vectors.data(), n, support.data()),
        "zheevr");
  } else {
    check_lapack(LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'L', n, a.data(), n, result.values.data()),
                 "dsyevd");
    result.vectors = std::move(a);
  }
  return result;
}

template HermitianEigen<double> hermitian_eigh(DenseMatrix<double>);
template HermitianEigen<std::complex<double>> hermitian_eigh(DenseMatrix<std::complex<double>>);

}  // namespace kronsolve::dense
