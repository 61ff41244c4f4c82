#pragma once
// The dense algebra of one block: what BLAS and LAPACK do with it. All matrices by columns.
// Threads: those of BlasThreads.

#include <complex>
#include <span>
#include <vector>

#include <kronsolve/core/index.hpp>
#include <kronsolve/core/scalar.hpp>

namespace kronsolve::detail {

/// lower triangle of rho (d x d) += X X^H, X d x columns.
template <Scalar T>
void add_outer_product(std::span<T> rho, index_t d, std::span<const T> x, index_t columns);

/// Copies the lower triangle (conjugated) to the upper one.
template <Scalar T>
void mirror_lower(std::span<T> rho, index_t d);

/// Eigenvalues, ascending, of a Hermitian matrix given by its lower triangle, which is destroyed.
/// @throws EngineError  LAPACK did not converge
template <Scalar T>
std::vector<double> hermitian_eigenvalues(std::span<T> a, index_t d);

/// lower (d x d, lower triangular) becomes the L of [lower X] = L Q, so that L L^H = lower lower^H
/// + X X^H without squaring the condition.
template <Scalar T>
void add_columns_lq(std::vector<T>& lower, index_t d, std::span<const T> x, index_t columns);

/// Singular values, descending, of a d x d matrix, which is destroyed.
/// @throws EngineError  LAPACK did not converge
template <Scalar T>
std::vector<double> singular_values(std::span<T> a, index_t d);

}  // namespace kronsolve::detail
