#include "measure/symmetrized.hpp"

#include <algorithm>
#include <tuple>

#include <kronsolve/operators/algebra.hpp>

namespace kronsolve::detail {

namespace {

/// Not divided by |G|, so that coefficients of one stay whole numbers and equal sums are equal to
/// the bit.
OpSum sum_over(const OpSum& op, const SymmetryGroup& group) {
  OpSum sum(op.spaces());
  for (const auto& g : group.elements()) {
    const OpSum moved = permuted(op, g.image);
    sum += g.flip == SpinFlip::yes ? spin_flipped(moved) : moved;
  }
  return simplify(sum);
}

}  // namespace

Symmetrized symmetrized(std::span<const OpSum> ops, const SymmetryGroup& group) {
  Symmetrized result;
  std::vector<CanonicalForm> known;
  for (const auto& op : ops) {
    OpSum sum = sum_over(op, group);
    const CanonicalForm& form = sum.canonical_form();
    const auto found = std::find(known.begin(), known.end(), form);
    result.of.push_back(static_cast<std::size_t>(found - known.begin()));
    if (found != known.end()) continue;
    known.push_back(form);
    result.means.push_back((1.0 / group.order()) * std::move(sum));
  }
  return result;
}

}  // namespace kronsolve::detail
