#pragma once

#include <string_view>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/large_vector.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/solvers/dense_matrix.hpp>

namespace kronsolve::dense {

/// The matrix of a map (or of what multiplies like one), column-major, on rank 0, empty elsewhere:
/// one product for each column. Collective. Memory is the caller's to check.
template <Scalar T, class Map>
LargeVector<T> gather_matrix(const Map& a) {
  const Comm& comm = a.comm();
  const RowRange mine = a.col_range();
  Buffer<T> unit(mine.size()), column(a.row_range().size());
  LargeVector<T> matrix;
  if (comm.is_root())
    matrix.reserve(static_cast<std::size_t>(
        checked_multiply(a.rows(), a.cols(), "entries of a dense matrix")));
  for (index_t j = 0; j < a.cols(); ++j) {
    if (mine.contains(j)) unit[j - mine.begin] = 1;
    a.apply(unit.span(), column.span());
    if (mine.contains(j)) unit[j - mine.begin] = 0;
    const auto whole = comm.gather_v(std::as_const(column).span());
    matrix.insert(matrix.end(), whole.begin(), whole.end());
  }
  return matrix;
}

/// @throws InvalidArgument  naming `where` and the entry that differs most from its partner, if by
///                          more than 1e-10 of the largest
template <Scalar T>
void require_hermitian(const DenseMatrix<T>& a, std::string_view where);

/// a x and a^H x.
template <Scalar T>
std::vector<T> times(const DenseMatrix<T>& a, const std::vector<T>& x);
template <Scalar T>
std::vector<T> adjoint_times(const DenseMatrix<T>& a, const std::vector<T>& x);

}  // namespace kronsolve::dense
