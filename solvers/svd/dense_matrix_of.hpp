#pragma once

#include <kronsolve/core/large_vector.hpp>

#include "solvers/svd/tall_view.hpp"

namespace kronsolve::svd {

/// The whole matrix, rows x cols column-major, on rank 0; empty elsewhere. Collective; cols()
/// products with unit vectors.
template <Scalar T>
LargeVector<T> dense_on_root(const TallView<T>& a) {
  const Comm& comm = a.comm();
  const RowRange cols = a.col_range();
  Buffer<T> unit(cols.size()), column(a.row_range().size());
  LargeVector<T> matrix;
  if (comm.is_root())
    matrix.resize(static_cast<std::size_t>(
        checked_multiply(a.rows(), a.cols(), "entries of a dense matrix")));
  for (index_t j = 0; j < a.cols(); ++j) {
    if (cols.contains(j)) unit[j - cols.begin] = 1;
    a.apply(unit.span(), column.span());
    if (cols.contains(j)) unit[j - cols.begin] = 0;
    const auto whole = comm.gather_v(std::as_const(column).span());
    if (comm.is_root()) std::copy(whole.begin(), whole.end(), matrix.data() + j * a.rows());
  }
  return matrix;
}

}  // namespace kronsolve::svd
