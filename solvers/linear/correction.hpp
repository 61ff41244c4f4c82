#pragma once

#include <string>

#include <kronsolve/operators/linear_map.hpp>

namespace kronsolve::linear {

/// How a Krylov method left the equation A d = r.
struct Correction {
  index_t steps = 0;
  bool broken = false;    ///< it cannot go on from here, whatever the limit
  const char* note = "";  ///< why, if it is broken
};

/// Adds to x an approximate solution d of A d = r with |r - A d| <= target as far as the recurrence
/// knows, in at most `limit` products. r is used up. Collective.
template <Scalar T>
Correction correct_by_cg(const LinearMap<T>& a, std::span<T> r, std::span<T> x, double target,
                         index_t limit);
template <Scalar T>
Correction correct_by_minres(const LinearMap<T>& a, std::span<T> r, std::span<T> x, double target,
                             index_t limit);
/// @param restart  vectors kept; what is beyond needs another call
template <Scalar T>
Correction correct_by_gmres(const LinearMap<T>& a, std::span<T> r, std::span<T> x, double target,
                            index_t limit, index_t restart);

}  // namespace kronsolve::linear
