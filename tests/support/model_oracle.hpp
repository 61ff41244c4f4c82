#pragma once
// Matrices of models from their formulas alone: Kronecker products of the textbook matrices.

#include <array>
#include <cmath>
#include <complex>
#include <set>
#include <utility>
#include <vector>

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

// ---- particles ----

/// b+ with at most dim-1 bosons.
inline DenseMatrix boson_create(int dim) {
  DenseMatrix m = DenseMatrix::Zero(dim, dim);
  for (int n = 1; n < dim; ++n) m(n, n - 1) = std::sqrt(double(n));
  return m;
}

/// c+ of mode m among `modes`, on occupation numbers in mode order, the first leading.
inline DenseMatrix fermion_create(int m, int modes) {
  DenseMatrix create(2, 2), sign(2, 2);
  create << 0, 0, 1, 0;
  sign << 1, 0, 0, -1;
  DenseMatrix result = DenseMatrix::Identity(1, 1);
  for (int i = 0; i < modes; ++i)
    result = kronecker(result, i < m    ? sign
                               : i == m ? create
                                        : DenseMatrix(DenseMatrix::Identity(2, 2)));
  return result;
}

/// Electrons on n sites: modes up 0..n-1, then down; states renumbered to site digits (bit 0 up,
/// bit 1 down).
struct Electrons {
  int n;
  std::vector<Index> mode_state;  ///< by site-digit state

  explicit Electrons(int sites) : n(sites), mode_state(std::size_t{1} << (2 * sites)) {
    for (std::size_t state = 0; state < mode_state.size(); ++state) {
      Index modes = 0;
      for (int i = 0; i < n; ++i) {
        const auto digit = static_cast<Index>(state >> (2 * (n - 1 - i)) & 3);
        modes |= (digit & 1) << (2 * n - 1 - i) | (digit >> 1) << (n - 1 - i);
      }
      mode_state[state] = modes;
    }
  }
  /// Of spin 0 up or 1 down.
  DenseMatrix create(int i, int spin) const {
    return fermion_create(spin * n + i, 2 * n)(mode_state, mode_state);
  }
};

/// A matrix on sites of these dimensions with the sites in another order: the k-th new one is
/// order[k].
inline DenseMatrix reordered(const DenseMatrix& m, const std::vector<int>& dims,
                             const std::vector<std::size_t>& order) {
  std::vector<Index> old_state(static_cast<std::size_t>(m.rows()));
  for (Index state = 0; state < m.rows(); ++state) {
    std::vector<Index> digits(dims.size());
    Index rest = state;
    for (std::size_t k = dims.size(); k-- > 0;) {
      const int dim = dims[order[k]];
      digits[order[k]] = rest % dim;
      rest /= dim;
    }
    Index old = 0;
    for (std::size_t site = 0; site < dims.size(); ++site) old = old * dims[site] + digits[site];
    old_state[static_cast<std::size_t>(state)] = old;
  }
  return m(old_state, old_state);
}

/// What a model's rows say, which tests of their own compare with dense products.
inline DenseMatrix matrix(const Model& model) {
  const FullBasis basis(model.op.spaces());
  const auto rows = build_rows<Complex>(model.op, basis, {0, basis.size()});
  DenseMatrix m = DenseMatrix::Zero(basis.size(), basis.size());
  for (index_t row = 0; row < basis.size(); ++row)
    for (std::size_t e = 0; e < rows.row_columns(row).size(); ++e)
      m(row, rows.row_columns(row)[e]) += rows.row_values(row)[e];
  return m;
}

/// Largest difference between the matrix of a model and the expected one.
inline double difference(const Model& model, const DenseMatrix& expected) {
  return (expected - matrix(model)).cwiseAbs().maxCoeff();
}

/// All eigenvalues, ascending.
inline std::vector<double> levels(const DenseMatrix& h) {
  const Eigen::SelfAdjointEigenSolver<DenseMatrix> solver(h, Eigen::EigenvaluesOnly);
  return {solver.eigenvalues().data(), solver.eigenvalues().data() + h.rows()};
}
inline std::vector<double> levels(const Model& model) { return levels(matrix(model)); }

}  // namespace kronsolve::test
