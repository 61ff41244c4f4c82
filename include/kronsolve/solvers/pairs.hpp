#pragma once

#include <optional>
#include <string>
#include <vector>

#include <kronsolve/core/index.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/operators/distributed_vectors.hpp>

namespace kronsolve {

/// explicit_: |Hx-lx| by a product; bound: of the residual, where no vector was formed.
enum class ResidualKind { explicit_, bound };

/// What every solver of Hermitian eigenproblems says of the pairs that it found. The same on every
/// rank.
struct PairsReport {
  std::vector<double> eigenvalues;                       ///< ascending
  std::vector<double> residuals;                         ///< |Hx-lx|_2 in that order
  ResidualKind residual_kind = ResidualKind::explicit_;  ///< what the residuals are
  bool converged = false;         ///< as many pairs as asked, all with residual within tol
  index_t converged_pairs = 0;    ///< of those found, how many are within tol
  index_t iterations = 0;         ///< steps or restarts, as the method counts them
  index_t products = 0;           ///< products with the operator, the residual check included
  std::optional<bool> certified;  ///< no level is missing, where that was checked
  std::string certificate;        ///< how, or which check failed; for people
  index_t certify_products = 0;   ///< products of the check, not counted in `products`
  std::string reason;             ///< why the solver stopped, for people
};

/// Pairs and what is to be said of them.
template <Scalar T>
struct Pairs : PairsReport {
  DistributedVectors<T> vectors;  ///< a column each, in the order of the values; none if skipped
};

}  // namespace kronsolve
