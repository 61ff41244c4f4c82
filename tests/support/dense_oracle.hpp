#pragma once
// Dense matrices from first principles: the answers that everything faster is compared with.

#include <complex>

#include <Eigen/Dense>

#include <kronsolve/operators/op_sum.hpp>

namespace kronsolve::test {

using DenseMatrix = Eigen::MatrixXcd;

/// The operator as a dense matrix: Kronecker products of its site matrices, added up.
inline DenseMatrix dense(const OpSum& op) {
  const auto n = static_cast<Eigen::Index>(op.dimension());
  DenseMatrix sum = DenseMatrix::Zero(n, n);
  for (const auto& term : op.product_terms()) {
    DenseMatrix product = DenseMatrix::Constant(1, 1, term.coefficient);
    for (int site = 0; site < op.sites(); ++site) {
      const int dim = op.spaces()[static_cast<std::size_t>(site)].dim();
      LocalMatrix local = LocalMatrix::identity(dim);
      for (const auto& factor : term.factors)
        if (factor.site == site) local = factor.matrix;
      DenseMatrix next(product.rows() * dim, product.cols() * dim);
      for (Eigen::Index i = 0; i < product.rows(); ++i)
        for (Eigen::Index j = 0; j < product.cols(); ++j)
          for (int a = 0; a < dim; ++a)
            for (int b = 0; b < dim; ++b)
              next(i * dim + a, j * dim + b) = product(i, j) * local(a, b);
      product = std::move(next);
    }
    sum += product;
  }
  return sum;
}

inline double max_difference(const DenseMatrix& a, const DenseMatrix& b) {
  return (a - b).cwiseAbs().maxCoeff();
}

}  // namespace kronsolve::test
