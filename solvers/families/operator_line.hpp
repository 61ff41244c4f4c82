#pragma once
// Operators that differ by coefficients, as points of a space.

#include <optional>

#include <kronsolve/operators/op_sum.hpp>

namespace kronsolve::families {

/// Sum of the norms of the terms: no less than the norm of the operator.
double size(const OpSum& op);

struct PlaceOnLine {
  double t = 0;
  double off = 0;  ///< size of what is left: rounding
};
/// The t for which p = a + t (b - a), or nothing if there is none.
/// @pre a != b
std::optional<PlaceOnLine> place_on_line(const OpSum& a, const OpSum& b, const OpSum& p);

}  // namespace kronsolve::families
