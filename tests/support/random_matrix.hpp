#pragma once
// Random sparse matrices by position: the same rows however they are cut, so they serve as builders
// and as oracles.

#include <algorithm>
#include <complex>

#include <Eigen/Dense>

#include <kronsolve/core/random.hpp>

#include "support/lazy_matrix.hpp"

namespace kronsolve::test {

template <Scalar T>
using Dense = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;

/// Dense rows of a lazy matrix.
template <Scalar T>
Dense<T> dense(const Lazy<T>& a) {
  Dense<T> m = Dense<T>::Zero(a.rows(), a.cols());
  const auto rows = a.build({0, a.rows()});
  for (index_t i = 0; i < a.rows(); ++i)
    for (std::size_t e = 0; e < rows.row_columns(i).size(); ++e)
      m(i, rows.row_columns(i)[e]) = rows.row_values(i)[e];
  return m;
}

/// Normal entries where a uniform number is below `density`.
template <Scalar T>
Dense<T> random_matrix(index_t rows, index_t cols, double density, std::uint64_t seed) {
  const CounterRandom random(seed, 1);
  Dense<T> m = Dense<T>::Zero(rows, cols);
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < cols; ++j) {
      const auto at = static_cast<std::uint64_t>(2 * (i * cols + j));
      if (random.uniform(at) < density) m(i, j) = from_complex<T>(random.complex_normal(at + 1));
    }
  return m;
}

template <Scalar T>
Dense<T> random_hermitian(index_t n, double density, std::uint64_t seed) {
  const Dense<T> m = random_matrix<T>(n, n, density, seed);
  return m + m.adjoint();
}

}  // namespace kronsolve::test
