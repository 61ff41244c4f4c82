#pragma once
// Matrices of models from their formulas alone: Kronecker products of the textbook matrices.

#include <array>
#include <cmath>
#include <complex>
#include <set>
#include <utility>

#include <Eigen/Dense>

#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/rows.hpp>

#include "support/dense_oracle.hpp"

namespace kronsolve::test {

using Complex = std::complex<double>;
using Index = Eigen::Index;
using Pairs = std::set<std::pair<int, int>>;

/// Entries are sums of a few dozen numbers of order one.
constexpr double rounding = 1e-12;

/// S_axis of spin S, m = S ... -S.
inline DenseMatrix spin_matrix(int twice_spin, char axis) {
  const int d = twice_spin + 1;
  const double s = twice_spin / 2.0;
  DenseMatrix plus = DenseMatrix::Zero(d, d), z = DenseMatrix::Zero(d, d);
  for (int i = 0; i < d; ++i) {
    z(i, i) = s - i;
    if (i > 0) plus(i - 1, i) = std::sqrt((s - (s - i)) * (s + (s - i) + 1));
  }
  const DenseMatrix minus = plus.transpose();
  if (axis == '+') return plus;
  if (axis == '-') return minus;
  if (axis == 'x') return (plus + minus) / 2.0;
  if (axis == 'y') return (plus - minus) / Complex(0, 2);
  return z;
}

inline DenseMatrix kronecker(const DenseMatrix& a, const DenseMatrix& b) {
  DenseMatrix c(a.rows() * b.rows(), a.cols() * b.cols());
  for (Index i = 0; i < a.rows(); ++i)
    for (Index j = 0; j < a.cols(); ++j)
      c.block(i * b.rows(), j * b.cols(), b.rows(), b.cols()) = a(i, j) * b;
  return c;
}

/// `m` on site i of n equal ones.
inline DenseMatrix at_site(const DenseMatrix& m, int i, int n) {
  DenseMatrix result = DenseMatrix::Identity(1, 1);
  for (int site = 0; site < n; ++site)
    result = kronecker(result, site == i ? m : DenseMatrix::Identity(m.rows(), m.cols()));
  return result;
}

struct Spins {
  int n, twice_spin;
  DenseMatrix operator()(char axis, int i) const {
    return at_site(spin_matrix(twice_spin, axis), i, n);
  }
  /// Two axes on two sites, without the product of two large matrices.
  DenseMatrix pair(char axis, int i, int j) const {
    const DenseMatrix m = spin_matrix(twice_spin, axis);
    DenseMatrix result = DenseMatrix::Identity(1, 1);
    for (int site = 0; site < n; ++site)
      result =
          kronecker(result, site == i || site == j ? m : DenseMatrix::Identity(m.rows(), m.cols()));
    return result;
  }
  DenseMatrix exchange(int i, int j, std::array<double, 3> c) const {
    return c[0] * pair('x', i, j) + c[1] * pair('y', i, j) + c[2] * pair('z', i, j);
  }
  DenseMatrix zero() const {
    const auto d = static_cast<Index>(std::pow(twice_spin + 1, n) + 0.5);
    return DenseMatrix::Zero(d, d);
  }
};

inline DenseMatrix heisenberg(const Spins& s, const Pairs& pairs, std::array<double, 3> j,
                              std::array<double, 3> b) {
  DenseMatrix h = s.zero();
  for (const auto& [a, c] : pairs) h += s.exchange(a, c, j);
  for (int i = 0; i < s.n; ++i) h -= b[0] * s('x', i) + b[1] * s('y', i) + b[2] * s('z', i);
  return h;
}

/// Largest difference between the matrix of a model (its rows, which tests of their own compare
/// with dense products) and the expected one.
inline double difference(const Model& model, const DenseMatrix& expected) {
  const FullBasis basis(model.op.spaces());
  const auto rows = build_rows<Complex>(model.op, basis, {0, basis.size()});
  DenseMatrix rest = expected;
  for (index_t row = 0; row < basis.size(); ++row)
    for (std::size_t e = 0; e < rows.row_columns(row).size(); ++e)
      rest(row, rows.row_columns(row)[e]) -= rows.row_values(row)[e];
  return rest.cwiseAbs().maxCoeff();
}

}  // namespace kronsolve::test
