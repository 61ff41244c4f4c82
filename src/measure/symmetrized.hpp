#pragma once
// Expectation values in sectors of symmetries: an operator and its mean over the group have the
// same.

#include <span>
#include <vector>

#include <kronsolve/operators/op_sum.hpp>
#include <kronsolve/operators/symmetry_group.hpp>

namespace kronsolve::detail {

/// Means over a group of several operators, equal ones only once.
struct Symmetrized {
  std::vector<OpSum> means;
  std::vector<std::size_t> of;  ///< operator k has the mean means[of[k]]
};

/// 1/|G| sum over g of U_g O U_g^H for each operator. Local; O(terms * |G|).
Symmetrized symmetrized(std::span<const OpSum> ops, const SymmetryGroup& group);

}  // namespace kronsolve::detail
