#pragma once

#include <vector>

#include <kronsolve/solvers/dense_matrix.hpp>

namespace kronsolve::dense {

template <Scalar T>
struct HermitianEigen {
  std::vector<double> values;  ///< ascending
  DenseMatrix<T> vectors;      ///< columns, orthonormal
};

/// All eigenpairs of a Hermitian matrix; its lower triangle is read. Local; num_threads() BLAS
/// threads for the call.
/// @throws EngineError  LAPACK did not converge
template <Scalar T>
HermitianEigen<T> hermitian_eigh(const DenseMatrix<T>& a);

}  // namespace kronsolve::dense
