#pragma once
// Which term of an operator breaks a condition, for messages.

#include <optional>
#include <string>
#include <vector>

#include <kronsolve/operators/digit_paths.hpp>
#include <kronsolve/operators/op_sum.hpp>

namespace kronsolve::detail {

/// What a term of `form` adds to a charge.
int charge_shift(const CanonicalForm& form, const CanonicalTerm& term, const AdditiveRule& rule);

/// Text of a term, as the user wrote it, that changes the charge; nothing if it is conserved.
std::optional<std::string> charge_breaker(const OpSum& op, const AdditiveRule& rule);

/// A term that leads from a value of a charge that is allowed to one that is not.
struct Leap {
  std::string term;  ///< as the user wrote it
  int from = 0, to = 0;
};
/// Nothing if no term leaps.
std::optional<Leap> union_breaker(const OpSum& op, const AdditiveRule& allowed);

/// Text of a term of a or b, as the user wrote it, in which they differ by more than rounding of
/// what was added up there; nothing if they are equal.
std::optional<std::string> difference(const OpSum& a, const OpSum& b);

/// The term as the user wrote it that contributes to `broken`, a term of `form`.
std::string written_term(const OpSum& op, const CanonicalForm& form, const CanonicalTerm& broken);

}  // namespace kronsolve::detail
