#pragma once

#include <string_view>

#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/solvers/dense_matrix.hpp>

namespace kronsolve::dense {

/// The matrix of a map on rank 0, empty elsewhere: one product a column. Collective. Memory is the
/// caller's to check.
template <Scalar T>
DenseMatrix<T> gather_matrix(const LinearMap<T>& a);

/// @throws InvalidArgument  naming `where` and the entry that differs most from its partner, if by
/// more than 1e-10 of the
///                          largest
template <Scalar T>
void require_hermitian(const DenseMatrix<T>& a, std::string_view where);

/// a x and a^H x.
template <Scalar T>
std::vector<T> times(const DenseMatrix<T>& a, const std::vector<T>& x);
template <Scalar T>
std::vector<T> adjoint_times(const DenseMatrix<T>& a, const std::vector<T>& x);

}  // namespace kronsolve::dense
