#include <algorithm>
#include <set>

#include <kronsolve/core/number.hpp>
#include <kronsolve/operators/charge_basis.hpp>

#include "core/counted.hpp"
#include "operators/bases/charge_totals.hpp"
#include "operators/descriptions/broken_term.hpp"

namespace kronsolve {

namespace {

enum class Which { sz, particles, up, down };

/// Value of a digit, nothing if the site does not know the charge.
std::optional<int> value_of(Which which, const LocalSpace& space, int digit) {
  using Kind = LocalSpace::Kind;
  const Kind kind = space.kind();
  const bool electrons = space.has_electrons();
  const int up = digit == 1 || digit == 3 ? 1 : 0;
  const int down = digit == 2 || digit == 3 ? 1 : 0;
  switch (which) {
    case Which::sz:
      if (kind == Kind::spin) return space.twice_spin() - 2 * digit;
      if (electrons) return up - down;
      break;
    case Which::particles:
      if (kind == Kind::boson || kind == Kind::fermion) return digit;
      if (electrons) return up + down;
      break;
    case Which::up:
      if (electrons) return up;
      break;
    case Which::down:
      if (electrons) return down;
      break;
  }
  return std::nullopt;
}

AdditiveRule make_rule(Which which, const std::vector<LocalSpace>& spaces, int target,
                       std::string_view name, std::string_view wanted) {
  AdditiveRule rule{{}, target, 0};
  bool known = false;
  for (const auto& space : spaces) {
    auto& values = rule.values.emplace_back();
    for (int digit = 0; digit < space.dim(); ++digit) {
      const auto value = value_of(which, space, digit);
      known = known || value.has_value();
      values.push_back(value.value_or(0));
    }
  }
  if (!known)
    throw InvalidArgument(detail::concat("sector ", name, ": no site has ", wanted,
                                         "; leave it out or use other local spaces"));
  return rule;
}

/// "-1, 0, 1", the middle left out where there are many.
std::string list_text(const Charge& charge, const std::vector<int>& values) {
  constexpr std::size_t most = 9;
  std::string text;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values.size() > most && i == 3) {
      text += ", ...";
      i = values.size() - 3;
    }
    text += (text.empty() ? "" : ", ") + charge.value_text(values[i]);
  }
  return text;
}

[[noreturn]] void empty_sector(const std::vector<LocalSpace>& spaces,
                               const std::vector<Charge>& charges,
                               const std::vector<LocalRule>& local) {
  std::string asked, possible;
  for (const auto& charge : charges) asked += (asked.empty() ? "" : ", ") + charge.text();
  for (const auto& rule : local) asked += (asked.empty() ? "" : ", ") + rule.text;
  // The last charge's values that go with the others, or each charge's own values if even that is
  // nothing.
  std::vector<int> dims;
  for (const auto& space : spaces) dims.push_back(space.dim());
  std::vector<AdditiveRule> rules = united_totals(local);
  for (const auto& charge : charges) rules.push_back(charge.rule);
  std::vector<int> compatible;
  if (!charges.empty())
    for (const int value : detail::reachable(charges.back().rule)) {
      rules.back().target = value;
      if (DigitPaths(dims, rules, forbidden_digits(local)).size() > 0) compatible.push_back(value);
    }
  if (charges.size() + local.size() > 1 && !compatible.empty()) {
    possible = detail::concat("with the others, ", charges.back().name, " can be ",
                              list_text(charges.back(), compatible));
  } else {
    for (const auto& charge : charges)
      possible += detail::concat(possible.empty() ? "" : "; ", charge.name, " can be ",
                                 list_text(charge, detail::reachable(charge.rule)));
  }
  throw InvalidArgument(detail::concat("sector ", asked, " has no states on these ",
                                       detail::counted(spaces.size(), "site"), "; ",
                                       possible.empty() ? "forbid less" : possible));
}

}  // namespace

Charge Charge::sz(const std::vector<LocalSpace>& spaces, int twice) {
  return {"sz", make_rule(Which::sz, spaces, twice, "sz", "a spin")};
}
Charge Charge::particles(const std::vector<LocalSpace>& spaces, int number) {
  return {"n", make_rule(Which::particles, spaces, number, "n", "particles")};
}
Charge Charge::up(const std::vector<LocalSpace>& spaces, int number) {
  return {"nup", make_rule(Which::up, spaces, number, "nup", "electrons")};
}
Charge Charge::down(const std::vector<LocalSpace>& spaces, int number) {
  return {"ndown", make_rule(Which::down, spaces, number, "ndown", "electrons")};
}

Charge Charge::parity(const std::vector<LocalSpace>& spaces, int value) {
  if (value != 0 && value != 1)
    throw InvalidArgument(detail::concat("sector parity: must be 0 or 1, got ", value));
  AdditiveRule rule{{}, value, 2};
  for (const auto& space : spaces) {
    auto& values = rule.values.emplace_back();
    for (int digit = 0; digit < space.dim(); ++digit)
      values.push_back(value_of(Which::particles, space, digit).value_or(digit) % 2);
  }
  return {"parity", std::move(rule)};
}

std::optional<Charge> Charge::parse(const std::vector<LocalSpace>& spaces, std::string_view text) {
  const auto equals = text.find('=');
  const std::string_view key = text.substr(0, equals);
  const bool is_sz = key == "sz";
  if (!is_sz && key != "n" && key != "nup" && key != "ndown" && key != "parity")
    return std::nullopt;
  std::string_view digits = equals == std::string_view::npos ? "" : text.substr(equals + 1);
  const auto bad = [&](const char* what) {
    return InvalidArgument(detail::concat("sector '", text, "': the value must be ", what));
  };
  const bool half = digits.ends_with("/2");
  if (half) digits.remove_suffix(2);
  const auto number = read_number<int>(digits);
  const int value = number.value_or(0);
  constexpr int largest = 1 << 20;
  if (!number || value > largest || value < -largest)
    throw bad(is_sz ? "a number such as 0, -1 or 1/2" : "a whole number");
  if (half && !is_sz) throw bad("a whole number");
  if (is_sz) return sz(spaces, half ? value : 2 * value);
  if (key == "n") return particles(spaces, value);
  if (key == "nup") return up(spaces, value);
  if (key == "ndown") return down(spaces, value);
  return parity(spaces, value);
}

std::string Charge::value_text(int value) const {
  if (name != "sz") return std::to_string(value);
  return value % 2 == 0 ? std::to_string(value / 2) : detail::concat(value, "/2");
}

std::string Charge::text() const { return name + "=" + value_text(rule.target); }

ChargeBasis::ChargeBasis(std::vector<LocalSpace> spaces, std::vector<Charge> charges,
                         std::vector<LocalRule> local)
    : Basis(std::move(spaces)), charges_(std::move(charges)), rules_(std::move(local)) {
  std::set<std::string> names;
  std::vector<AdditiveRule> rules;
  for (const auto& charge : charges_) {
    if (!names.insert(charge.name).second)
      throw InvalidArgument(
          detail::concat("sector ", charge.name, " is given twice; give it once"));
    rules.push_back(charge.rule);
  }
  for (auto& total : united_totals(rules_)) rules.push_back(std::move(total));
  std::vector<int> dims;
  for (const auto& space : Basis::spaces()) dims.push_back(space.dim());
  paths_ = DigitPaths(dims, rules, forbidden_digits(rules_));
  if (paths_.size() == 0) empty_sector(Basis::spaces(), charges_, rules_);
  index_ = PathIndex(paths_);
}

std::vector<std::string> ChargeBasis::sector() const {
  std::vector<std::string> texts;
  for (const auto& charge : charges_) texts.push_back(charge.text());
  for (const auto& rule : rules_) texts.push_back(rule.text);
  return texts;
}

void require_conserved(const OpSum& op, const Basis& basis) {
  if (op.spaces() != basis.spaces())
    throw DimensionError(detail::concat("the operator has ", detail::counted(op.sites(), "site"),
                                        ", the sector ", basis.sites(),
                                        " (or other local spaces); build both on the same sites"));
  for (const auto& charge : basis.charges())
    if (const auto term = detail::charge_breaker(op, charge.rule))
      throw InvalidArgument(detail::concat("sector ", charge.text(), ": the term ", *term,
                                           " changes ", charge.name, "; leave the sector out"));
  require_united(op, basis.rules());
}

void require_united(const OpSum& op, const std::vector<LocalRule>& rules) {
  for (const auto& rule : rules) {
    if (!rule.total) continue;
    const auto leap = detail::union_breaker(op, *rule.total);
    if (!leap) continue;
    const Charge charge{rule.name(), *rule.total};
    throw InvalidArgument(
        detail::concat("sector ", rule.text, ": the term ", leap->term, " leads from ", charge.name,
                       "=", charge.value_text(leap->from), " to ", charge.value_text(leap->to),
                       "; add that value, or leave the sector out"));
  }
}

}  // namespace kronsolve
