#include "operators/descriptions/broken_term.hpp"

#include <algorithm>
#include <cmath>

#include "operators/bases/charge_totals.hpp"
#include "operators/descriptions/canonical_builder.hpp"

namespace kronsolve::detail {

int charge_shift(const CanonicalForm& form, const CanonicalTerm& term, const AdditiveRule& rule) {
  int sum = 0;
  for (const auto& factor : term.factors) {
    const LocalElement& element = form[factor];
    if (element.is_diagonal()) continue;
    const auto& values = rule.values[static_cast<std::size_t>(factor.site)];
    sum += values[static_cast<std::size_t>(element.row)] -
           values[static_cast<std::size_t>(element.col)];
  }
  return rule.modulus > 0 ? sum % rule.modulus : sum;
}

std::optional<std::string> charge_breaker(const OpSum& op, const AdditiveRule& rule) {
  const CanonicalForm& form = op.canonical_form();
  const auto broken =
      first_of(form, [&](const auto& t) { return charge_shift(form, t, rule) != 0; });
  if (!broken) return std::nullopt;
  return written_term(op, form, *broken);
}

std::optional<Leap> union_breaker(const OpSum& op, const AdditiveRule& allowed) {
  const CanonicalForm& form = op.canonical_form();
  const auto possible = reachable(allowed);
  const auto leaps_from = [&](const auto& t) {
    const int shift = charge_shift(form, t, allowed);
    return std::find_if(possible.begin(), possible.end(), [&](int from) {
      return allowed.allows(from) && !allowed.allows(from + shift) &&
             std::binary_search(possible.begin(), possible.end(), from + shift);
    });
  };
  const auto broken =
      first_of(form, [&](const auto& t) { return leaps_from(t) != possible.end(); });
  if (!broken) return std::nullopt;
  const int from = *leaps_from(*broken);
  return Leap{written_term(op, form, *broken), from, from + charge_shift(form, *broken, allowed)};
}

std::optional<std::string> difference(const OpSum& a, const OpSum& b) {
  CanonicalBuilder builder;
  for (const auto& term : a.product_terms()) builder.add(term);
  for (auto& term : b.product_terms()) {
    term.coefficient = -term.coefficient;
    builder.add(term);
  }
  const CanonicalForm form = std::move(builder).finish(agreement);
  // Both parts of a complex coefficient err by the rounding of its modulus.
  const auto broken =
      first_of(form, [](const auto& t) { return std::abs(t.coefficient) > agreement * t.scale; });
  if (!broken) return std::nullopt;
  return written_term(a + b, form, *broken);
}

std::string written_term(const OpSum& op, const CanonicalForm& form, const CanonicalTerm& broken) {
  OpSum single(op.spaces());
  for (const auto& [name, matrix] : op.definitions()) single.define(name, matrix);
  for (const auto& term : op.terms()) {
    const OpSum one = OpSum(single).add(term.coefficient, term.factors);
    const CanonicalForm& its = one.canonical_form();
    const auto same = [&](const SiteElement& x, const SiteElement& y) {
      return x.site == y.site && its[x] == form[y];
    };
    for (const auto& part : its.terms)
      if (std::equal(part.factors.begin(), part.factors.end(), broken.factors.begin(),
                     broken.factors.end(), same))
        return to_string(term);
  }
  return "a sum of terms";
}

}  // namespace kronsolve::detail
