#include "solvers/dense/hermitian.hpp"

#include <kronsolve/core/threads.hpp>

#include "solvers/dense/blas_threads.hpp"
#include "solvers/dense/dense_eigh.hpp"

namespace kronsolve::dense {

template <Scalar T>
HermitianEigen<T> hermitian_eigh(const DenseMatrix<T>& a) {
  KRONSOLVE_ASSERT(a.rows() == a.cols());
  const index_t n = a.rows();
  if (n == 0) return {};
  const BlasThreads threads(num_threads());
  LargeVector<T> copy;
  copy.assign(a.data(), a.data() + n * n);
  auto solved = dense_eigh<T>(std::move(copy), n, 0, n, Eigenvectors::compute);
  return {std::move(solved.values),
          DenseMatrix<T>(n, n, {solved.vectors.begin(), solved.vectors.end()})};
}

template HermitianEigen<double> hermitian_eigh(const DenseMatrix<double>&);
template HermitianEigen<std::complex<double>> hermitian_eigh(
    const DenseMatrix<std::complex<double>>&);

}  // namespace kronsolve::dense
