#pragma once

#include <complex>
#include <vector>

#include <kronsolve/core/index.hpp>
#include <kronsolve/core/large_vector.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/solvers/eigh.hpp>

namespace kronsolve::dense {

/// Some eigenpairs of a dense Hermitian matrix.
template <Scalar T>
struct DenseEigen {
  std::vector<double> values;  ///< ascending
  LargeVector<T> vectors;      ///< n x values.size(), column-major; empty if skipped
};

/// Pairs number first ... first+count-1 in ascending order. Local; threads of the BLAS as they are
/// set (see BlasThreads).
///
/// @param a  n x n, column-major, the lower triangle is read; destroyed
/// Driver: the fastest measured for the case. Real: syevd for whole spectra with vectors, syevr
/// otherwise; complex: heevr. Cost O(n^3).
/// @throws NotSupported  n*n exceeds LAPACK's 32-bit integers
/// @throws EngineError   LAPACK did not converge
template <Scalar T>
DenseEigen<T> dense_eigh(LargeVector<T> a, index_t n, index_t first, index_t count,
                         Eigenvectors vectors);

/// Bytes that dense_eigh needs at its peak, the matrix included.
template <Scalar T>
index_t dense_eigh_bytes(index_t n, index_t count, Eigenvectors vectors);

/// Sets of indices that no entry of a n x n matrix joins, each ascending. Local; one pass, which
/// ends early where all are joined.
template <Scalar T>
std::vector<std::vector<index_t>> diagonal_blocks(const T* a, index_t n);

/// c = A b for a Hermitian A; b and c n x count, all column-major, lower triangle of A read. Local,
/// threaded BLAS.
template <Scalar T>
void hermitian_multiply(const T* a, index_t n, const T* b, index_t count, T* c);

}  // namespace kronsolve::dense
