#include "measure/excitation.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/algebra.hpp>

#include "operators/descriptions/broken_term.hpp"

namespace kronsolve::detail {

namespace {

using Complex = std::complex<double>;

/// Operators that raise and lower, and what they are made of.
struct Mixed {
  const char* name;
  const char *up, *down;
  Complex of_up, of_down;
};
const Mixed mixed_operators[] = {
    {"Sx", "S+", "S-", 0.5, 0.5}, {"Sy", "S+", "S-", {0, -0.5}, {0, 0.5}},
    {"X", "S+", "S-", 1, 1},      {"Y", "S+", "S-", {0, -1}, {0, 1}},
    {"Mx", "C+", "C-", 1, 1},     {"My", "C+", "C-", {0, 1}, {0, -1}}};

/// The same in operators that change charges by definite amounts, as far as their names are known.
OpSum unmixed(const OpSum& op) {
  OpSum result(op.spaces());
  for (const auto& [name, matrix] : op.definitions()) result.define(name, matrix);
  for (const auto& term : op.terms()) {
    std::vector<OpTerm> parts = {{term.coefficient, {}}};
    for (const auto& factor : term.factors) {
      const auto* mixed = std::find_if(std::begin(mixed_operators), std::end(mixed_operators),
                                       [&](const Mixed& m) { return m.name == factor.op; });
      const bool split = mixed != std::end(mixed_operators);
      const std::size_t before = parts.size();
      for (std::size_t i = 0; i < before; ++i) {
        if (split) {
          parts.push_back(parts[i]);
          parts.back().coefficient *= mixed->of_down;
          parts.back().factors.push_back({mixed->down, factor.site});
          parts[i].coefficient *= mixed->of_up;
        }
        parts[i].factors.push_back(split ? OpFactor{mixed->up, factor.site} : factor);
      }
    }
    for (auto& part : parts) result.add(part.coefficient, std::move(part.factors));
  }
  return result;
}

/// Of the single term of `one`; nothing if it vanishes.
std::optional<ChargeShifts> shifts_of(const OpSum& one, const std::vector<Charge>& charges) {
  const CanonicalForm& form = one.canonical_form();
  std::optional<ChargeShifts> shifts;
  for (const auto& term : form.terms) {
    ChargeShifts of_term;
    for (const auto& charge : charges) of_term.push_back(charge_shift(form, term, charge.rule));
    if (shifts && *shifts != of_term)
      throw InvalidArgument(
          concat("operator ", to_string(one.terms().front()),
                 " changes a charge by several amounts at once; write it as a sum "
                 "of operators that raise and lower"));
    shifts = std::move(of_term);
  }
  return shifts;
}

}  // namespace

std::map<ChargeShifts, OpSum> by_charge_shift(const OpSum& op, const std::vector<Charge>& charges) {
  OpSum empty(op.spaces());
  for (const auto& [name, matrix] : op.definitions()) empty.define(name, matrix);
  std::map<ChargeShifts, OpSum> parts;
  const OpSum terms = unmixed(op);
  for (const auto& term : terms.terms()) {
    OpSum one = empty;
    one.add(term.coefficient, term.factors);
    if (const auto shifts = shifts_of(one, charges))
      parts.try_emplace(*shifts, empty).first->second.add(term.coefficient, term.factors);
  }
  return parts;
}

std::optional<int> momentum_change(const OpSum& op, const SymmetryGenerator& translation) {
  const OpSum moved = permuted(op, translation.image);
  for (int m = 0; m < translation.of; ++m) {
    const Complex phase = std::polar(1.0, 2 * std::numbers::pi * m / translation.of);
    if (!difference(moved, phase * op)) return m;
  }
  return std::nullopt;
}

std::optional<std::vector<std::string>> led_to(const Sector& from, const ChargeShifts& shifts,
                                               const OpSum& part) {
  std::vector<std::string> conditions;
  for (std::size_t i = 0; i < from.charges.size(); ++i) {
    const auto& charge = from.charges[i];
    int value = charge.rule.target + shifts[i];
    if (charge.rule.modulus > 0)
      value = (value % charge.rule.modulus + charge.rule.modulus) % charge.rule.modulus;
    conditions.push_back(charge.name + "=" + charge.value_text(value));
  }
  for (const auto& g : from.generators) {
    // T B |k> = exp(2 pi i m / L) exp(-ik) B |k>: the new momentum is k - 2 pi m / L.
    const auto change = momentum_change(part, g);
    if (!change) return std::nullopt;
    const int momentum = (2 * g.of - g.turns - *change) % g.of;
    conditions.push_back(concat(g.name.substr(0, g.name.find('=')), "=", momentum));
  }
  return conditions;
}

}  // namespace kronsolve::detail
