#pragma once
// Which term of an operator breaks a condition, for messages.

#include <string>
#include <vector>

#include <kronsolve/operators/digit_paths.hpp>
#include <kronsolve/operators/op_sum.hpp>

namespace kronsolve::detail {

/// What a term adds to a charge.
int charge_shift(const CanonicalTerm& term, const std::vector<LocalSpace>& spaces,
                 const AdditiveRule& rule);

/// The term as the user wrote it that contributes to `broken`.
std::string written_term(const OpSum& op, const CanonicalTerm& broken);

}  // namespace kronsolve::detail
