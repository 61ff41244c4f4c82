#include "measure/excitation.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/sector_scan.hpp>

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

bool is_charge(const std::vector<LocalSpace>& spaces, const std::string& name) {
  return Charge::parse(spaces, name + "=0").has_value();
}

/// Of the states of complex conjugate amplitudes.
Conditions conjugate(const OpSum& h, const Lattice& lattice, const Conditions& conditions) {
  Conditions result;
  const auto sector = parse_sector(h.spaces(), lattice, conditions);
  for (const auto& charge : sector.charges) result.push_back(charge.text());
  for (const auto& g : sector.generators)
    result.push_back(concat(g.name.substr(0, g.name.find('=')), "=", g.turns % g.of));
  return parse_sector(h.spaces(), lattice, result).conditions;
}

bool conjugate_of(const OperatorPair& one, const OperatorPair& other) {
  const auto conjugated = [](const OpSum& x, const OpSum& y) {
    if (x.terms().size() != y.terms().size()) return false;
    OpSum sum(x.spaces());
    for (const auto& term : x.terms()) sum.add(std::conj(term.coefficient), term.factors);
    // The named operators are real but for Sy, Y and My.
    for (const auto& term : x.terms())
      for (const auto& f : term.factors)
        if (f.op == "Sy" || f.op == "Y" || f.op == "My") return false;
    return equal(sum, y);
  };
  if (!one.b.definitions().empty() || !one.a.definitions().empty()) return false;
  return conjugated(one.a, other.a) && conjugated(one.b, other.b);
}

}  // namespace

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

std::vector<Transition> transitions(const OperatorPair& pair, const Sector& from) {
  const OpSum a_adjoint = pair.a.adjoint();
  const bool same = equal(a_adjoint, pair.b);
  std::vector<Transition> result;
  auto of_a = by_charge_shift(a_adjoint, from.charges);
  for (auto& [shifts, part] : by_charge_shift(pair.b, from.charges)) {
    auto to = led_to(from, shifts, part);
    const auto other = of_a.find(shifts);
    if (!to || other == of_a.end()) continue;  // <A B> = 0 there
    result.push_back({std::move(*to), part, other->second, same});
  }
  return result;
}

bool has_states(const Sector& sector) {
  try {
    return sector_size(sector) > 0;
  } catch (const InvalidArgument&) {
    return false;
  }
}

Conditions definite_conditions(const OpSum& h, const Lattice& lattice, const Conditions& given,
                               std::span<const OperatorPair> pairs) {
  const auto name_of = [](const std::string& c) { return c.substr(0, c.find('=')); };
  for (const auto& condition : given) {
    const auto name = name_of(condition);
    if (LocalRule::is_rule(condition))
      throw InvalidArgument(
          concat("sector ", condition,
                 ": correlation functions know no rules about configurations and no "
                 "unions; give single charges and momenta only"));
    if (!name.starts_with("momentum") && !is_charge(h.spaces(), name))
      throw InvalidArgument(
          concat("sector ", condition,
                 ": the operators of a correlation lead out of it; give charges and momenta only"));
  }
  Conditions result;
  for (const auto& condition : all_sectors(h, lattice, given)) {
    const auto name = name_of(condition);
    if (is_charge(h.spaces(), name)) {
      result.push_back(condition);
      continue;
    }
    if (!name.starts_with("momentum")) continue;
    const bool asked = std::find(given.begin(), given.end(), condition) != given.end();
    const bool plane = name == "momentum" && lattice.size().size() == 2;
    const auto translations =
        parse_sector(h.spaces(), lattice, {name + (plane ? "=0,0" : "=0")}).generators;
    const bool kept = std::all_of(pairs.begin(), pairs.end(), [&](const OperatorPair& pair) {
      return std::all_of(translations.begin(), translations.end(), [&](const auto& translation) {
        return momentum_change(pair.b, translation).has_value();
      });
    });
    if (kept)
      result.push_back(condition);
    else if (asked)
      throw InvalidArgument(concat("sector ", condition,
                                   ": the operators of the correlation have no momentum; "
                                   "leave the sector out, or take plane waves"));
  }
  return result;
}

std::vector<std::size_t> conjugate_partners(const OpSum& h, const Lattice& lattice,
                                            std::span<const OperatorPair> pairs,
                                            const std::set<Conditions>& sectors) {
  const bool closed = std::all_of(sectors.begin(), sectors.end(), [&](const Conditions& c) {
    return sectors.contains(conjugate(h, lattice, c));
  });
  std::vector<std::size_t> partners;
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    partners.push_back(p);
    if (!closed || !h.is_real() || pairs[p].momentum.empty()) continue;
    for (std::size_t other = 0; other < p; ++other)
      if (partners[other] == other && conjugate_of(pairs[other], pairs[p])) partners[p] = other;
  }
  return partners;
}

}  // namespace kronsolve::detail
