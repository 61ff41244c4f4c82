#pragma once

#include <utility>

#include <Eigen/Dense>

#include <kronsolve/operators/lazy.hpp>

#include "support/rows_from.hpp"

namespace kronsolve::test {

/// The entries of a dense matrix that are not zero, as rows built on demand.
template <Scalar T>
Lazy<T> lazy(Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic> a) {
  const index_t rows = a.rows(), cols = a.cols();
  return {rows, cols, [a = std::move(a), cols](RowRange range) {
            return rows_from<T>(range, cols, [&](index_t i, const auto& add) {
              for (index_t j = 0; j < cols; ++j)
                if (a(i, j) != T{}) add(j, a(i, j));
            });
          }};
}

}  // namespace kronsolve::test
