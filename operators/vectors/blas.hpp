#pragma once
// The BLAS routines used here, by their Fortran names: cblas.h of OpenBLAS clashes with LAPACKE's
// complex types.

#include <complex>

#include <kronsolve/core/index.hpp>
#include <kronsolve/core/scalar.hpp>

extern "C" {
void dgemm_(const char*, const char*, const int*, const int*, const int*, const double*,
            const double*, const int*, const double*, const int*, const double*, double*,
            const int*);
void zgemm_(const char*, const char*, const int*, const int*, const int*,
            const std::complex<double>*, const std::complex<double>*, const int*,
            const std::complex<double>*, const int*, const std::complex<double>*,
            std::complex<double>*, const int*);
void dgemv_(const char*, const int*, const int*, const double*, const double*, const int*,
            const double*, const int*, const double*, double*, const int*);
void zgemv_(const char*, const int*, const int*, const std::complex<double>*,
            const std::complex<double>*, const int*, const std::complex<double>*, const int*,
            const std::complex<double>*, std::complex<double>*, const int*);
}

namespace kronsolve::dense {

enum class Op { none, adjoint };

/// c = alpha op(a) op(b) + beta c, column-major; op(a) is m x k, op(b) is k x n. Sizes fit int
/// (callers work in blocks of rows). A single column goes the faster way of gemv.
template <Scalar T>
void gemm(Op op_a, Op op_b, index_t m, index_t n, index_t k, T alpha, const T* a, index_t lda,
          const T* b, index_t ldb, T beta, T* c, index_t ldc) {
  if (m == 0 || n == 0) return;
  const char adjoint = is_complex<T> ? 'C' : 'T';
  const char ta = op_a == Op::none ? 'N' : adjoint;
  const char tb = op_b == Op::none ? 'N' : adjoint;
  const int im = narrow<int>(m, "rows for BLAS"), in = narrow<int>(n, "columns for BLAS"),
            ik = narrow<int>(k, "inner size for BLAS");
  // A rank without rows has matrices of no height; BLAS wants strides of at least 1.
  const auto stride = [](index_t s) { return narrow<int>(s > 1 ? s : 1, "stride for BLAS"); };
  const int la = stride(lda), lb = stride(ldb), lc = stride(ldc);
  if (n == 1 && op_b == Op::none && k > 0) {
    const int rows = op_a == Op::none ? im : ik, cols = op_a == Op::none ? ik : im, one = 1;
    if constexpr (is_complex<T>)
      zgemv_(&ta, &rows, &cols, &alpha, a, &la, b, &one, &beta, c, &one);
    else
      dgemv_(&ta, &rows, &cols, &alpha, a, &la, b, &one, &beta, c, &one);
    return;
  }
  if constexpr (is_complex<T>)
    zgemm_(&ta, &tb, &im, &in, &ik, &alpha, a, &la, b, &lb, &beta, c, &lc);
  else
    dgemm_(&ta, &tb, &im, &in, &ik, &alpha, a, &la, b, &lb, &beta, c, &lc);
}

}  // namespace kronsolve::dense
