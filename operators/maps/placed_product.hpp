#pragma once
// Kronecker products of matrices that each act on some of the sites: what kron, ikron and pkron
// have in common.

#include <vector>

#include <kronsolve/core/csr_rows.hpp>
#include <kronsolve/core/scalar.hpp>

namespace kronsolve::detail {

/// A matrix on some sites, in its own order. The row index of the matrix counts the digits of these
/// sites, the first leading.
template <Scalar T>
struct PlacedMatrix {
  CsrRows<T> csr;
  std::vector<int> sites;
};

/// The product of placed matrices on disjoint sites; the identity on sites that none covers.
template <Scalar T>
class PlacedProduct {
 public:
  /// Sites have row_dims[i] row digits and col_dims[i] column digits; these differ only where a
  /// matrix covers one site alone.
  /// @throws InvalidArgument  a dimension above 64 bits
  PlacedProduct(std::vector<index_t> row_dims, std::vector<index_t> col_dims,
                std::vector<PlacedMatrix<T>> matrices);

  index_t rows() const noexcept { return rows_; }
  index_t cols() const noexcept { return cols_; }
  /// @throws DimensionError  range outside the rows
  CsrRows<T> build(RowRange range) const;

 private:
  struct Walker;
  /// A matrix with its columns turned into what they add to the column of the product.
  struct Block {
    CsrRows<T> csr;
    std::vector<index_t> column_offsets;
  };
  /// What the digit of a site means: a step in the row of a block, or of the column itself.
  struct Site {
    index_t dim = 1;
    int block = -1;
    index_t weight = 0;
  };
  std::vector<Site> sites_;
  std::vector<Block> blocks_;
  index_t rows_ = 1, cols_ = 1;
};

extern template class PlacedProduct<double>;
extern template class PlacedProduct<std::complex<double>>;

}  // namespace kronsolve::detail
