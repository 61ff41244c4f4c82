#pragma once

#include <cmath>
#include <string>
#include <string_view>

#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/solvers/dense.hpp>

#include "solvers/dense/blas_threads.hpp"
#include "solvers/dense/lapack.hpp"

namespace kronsolve::dense {

/// Entries finite, order within LAPACK's integers, memory for `copies` matrices of this size there.
template <Scalar T>
void require_usable(const DenseMatrix<T>& a, std::string_view where, int copies) {
  const index_t size = a.rows() * a.cols();
  for (index_t i = 0; i < size; ++i)
    if (!std::isfinite(real_part(a.data()[i])) || !std::isfinite(std::abs(a.data()[i])))
      throw InvalidArgument(
          detail::concat(where, ": entry (", i % a.rows(), ", ", i / a.rows(), ") is not finite"));
  (void)narrow<lapack_int>(size, "entries of a dense matrix");
  require_memory(copies * size * static_cast<index_t>(sizeof(T)),
                 std::string(where) + " of a dense matrix");
}

template <Scalar T>
void require_square(const DenseMatrix<T>& a, std::string_view where) {
  if (a.rows() != a.cols())
    throw DimensionError(
        detail::concat(where, ": the matrix must be square, it is ", a.rows(), " x ", a.cols()));
}

template <Scalar T>
DenseMatrix<std::complex<double>> to_complex(const DenseMatrix<T>& a) {
  DenseMatrix<std::complex<double>> result(a.rows(), a.cols());
  for (index_t i = 0; i < a.rows() * a.cols(); ++i) result.data()[i] = a.data()[i];
  return result;
}

}  // namespace kronsolve::dense
