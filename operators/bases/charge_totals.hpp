#pragma once

#include <optional>
#include <vector>

#include <kronsolve/operators/charge_basis.hpp>

namespace kronsolve::detail {

/// Totals that the sites can reach, ascending, of one rule.
std::vector<int> reachable(const AdditiveRule& rule);

/// What a spin flip makes of the total of a charge; nothing if that is not a function of the totals
/// alone.
std::optional<int> flipped_total(const std::vector<LocalSpace>& spaces,
                                 const std::vector<Charge>& charges, const Charge& charge);

}  // namespace kronsolve::detail
