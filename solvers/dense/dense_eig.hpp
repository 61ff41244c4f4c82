#pragma once

#include <complex>
#include <vector>

#include <kronsolve/core/index.hpp>
#include <kronsolve/core/large_vector.hpp>
#include <kronsolve/core/scalar.hpp>

namespace kronsolve::dense {

/// All right eigenpairs of a general matrix, in LAPACK's order.
struct DenseGeneral {
  std::vector<std::complex<double>> values;
  LargeVector<std::complex<double>> vectors;  ///< n x n, column-major, norm 1
};

/// Local; threads of the BLAS as they are set. O(n^3), LAPACK geev.
/// @param a  n x n, column-major; destroyed
/// @throws NotSupported  n*n exceeds LAPACK's 32-bit integers
/// @throws EngineError   no convergence
template <Scalar T>
DenseGeneral dense_eig(LargeVector<T> a, index_t n);

/// A x = l B x for Hermitian A and positive definite B: all pairs, values ascending, vectors (n x
/// n, in place of A) of B-norm 1. LAPACK sygvd, hegvd. Both n x n, column-major, lower triangles;
/// destroyed.
/// @throws InvalidArgument  B is not positive definite
template <Scalar T>
std::vector<double> dense_generalised(LargeVector<T>& a, LargeVector<T>& b, index_t n);

}  // namespace kronsolve::dense
