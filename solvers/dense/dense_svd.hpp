#pragma once

#include <vector>

#include <kronsolve/core/index.hpp>
#include <kronsolve/core/large_vector.hpp>
#include <kronsolve/core/scalar.hpp>

namespace kronsolve::dense {

enum class SvdVectors { thin, none };

/// A = U diag(s) V^H of an m x n matrix, r = min(m, n).
template <Scalar T>
struct DenseSvd {
  std::vector<double> values;  ///< r, descending
  LargeVector<T> left;         ///< m x r, column-major; empty if not asked for
  LargeVector<T> right;        ///< n x r, column-major: columns of V, not of V^H
};

/// All singular values, with or without vectors. Local; LAPACK gesdd, threads of the BLAS as set.
/// @param a  m x n, column-major; destroyed
/// @throws NotSupported  m or n exceeds LAPACK's integers
/// @throws EngineError   no convergence
template <Scalar T>
DenseSvd<T> dense_svd(LargeVector<T> a, index_t m, index_t n, SvdVectors vectors);

/// Bytes that dense_svd needs at its peak, the matrix included.
template <Scalar T>
index_t dense_svd_bytes(index_t m, index_t n, SvdVectors vectors);

}  // namespace kronsolve::dense
