#include <algorithm>
#include <map>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/number.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/local_rule.hpp>
#include <kronsolve/operators/symmetry_group.hpp>

#include "core/counted.hpp"
#include "core/split.hpp"
#include "operators/bases/charge_totals.hpp"

namespace kronsolve {

namespace {

using Sites = std::vector<int>;
using Digits = std::vector<int>;

constexpr std::size_t most_patterns = 20'000;

/// Digits that are a spin 1/2 up, or a site that is occupied.
Digits excited_digits(const LocalSpace& space) {
  using Kind = LocalSpace::Kind;
  if (space.kind() == Kind::spin && space.dim() == 2) return {0};
  Digits digits;
  if (space.kind() == Kind::boson || space.kind() == Kind::fermion)
    for (int digit = 1; digit < space.dim(); ++digit) digits.push_back(digit);
  return digits;
}

class RuleMaker {
 public:
  RuleMaker(const std::vector<LocalSpace>& spaces, std::string text)
      : spaces_(spaces), rule_{std::move(text), {}} {}

  InvalidArgument bad(const std::string& what) const {
    return InvalidArgument(detail::concat("sector '", rule_.text, "': ", what));
  }
  int dim(int site) const { return spaces_[static_cast<std::size_t>(site)].dim(); }

  /// A line may come back to a site; where digits contradict each other or are none of the site,
  /// there is nothing to forbid.
  void forbid(const Sites& sites, const Digits& digits) {
    std::map<int, int> digit_of;
    for (std::size_t k = 0; k < sites.size(); ++k) {
      const auto [at, fresh] = digit_of.try_emplace(sites[k], digits[k]);
      if (at->second != digits[k] || digits[k] >= dim(sites[k])) return;
    }
    ForbiddenDigits pattern;
    for (const auto& [site, digit] : digit_of) {
      pattern.sites.push_back(site);
      pattern.digits.push_back(digit);
    }
    rule_.forbidden.push_back(std::move(pattern));
    if (rule_.forbidden.size() > most_patterns)
      throw bad(detail::concat("it forbids more than ", most_patterns,
                               " local configurations; name them by fewer digits"));
  }
  /// Every site of the line excited.
  void forbid_excited(const Sites& sites) {
    std::vector<Digits> all = {{}};
    for (const int site : sites) {
      std::vector<Digits> longer;
      for (const auto& digits : all)
        for (const int digit : excited_digits(spaces_[static_cast<std::size_t>(site)])) {
          longer.push_back(digits);
          longer.back().push_back(digit);
        }
      all = std::move(longer);
      if (all.size() > most_patterns)
        throw bad(detail::concat("it forbids more than ", most_patterns,
                                 " local configurations; take sites with fewer states"));
    }
    for (const auto& digits : all) forbid(sites, digits);
  }
  LocalRule finish(AdditiveRule total) {
    rule_.total = std::move(total);
    return std::move(rule_);
  }
  LocalRule finish(const char* why_nothing) {
    if (rule_.forbidden.empty()) throw bad(why_nothing);
    return std::move(rule_);
  }

 private:
  const std::vector<LocalSpace>& spaces_;
  LocalRule rule_;
};

/// All ways along straight lines over so many sites, in the directions of the lattice. A bond is
/// one; where sites of a cell differ there are no longer ones.
std::vector<Sites> lines(const Lattice& lattice, std::size_t sites, const RuleMaker& rule) {
  std::vector<Sites> found;
  if (sites == 1)
    for (int site = 0; site < lattice.sites(); ++site) found.push_back({site});
  if (sites == 2)
    for (const Bond& bond : lattice.bonds()) found.push_back({bond.a, bond.b});
  if (sites <= 2) return found;
  if (lattice.size().empty() || lattice.sites_per_cell() > 1)
    throw rule.bad(detail::concat("the ", lattice.name(), " lattice has no straight lines of ",
                                  sites, " sites; name the sites, as in forbid=111@0,1,2"));
  std::map<std::pair<int, int>, int> next;  // by kind and site
  for (const Bond& bond : lattice.bonds()) next[{bond.kind, bond.a}] = bond.b;
  for (const auto& [from, to] : next) {
    Sites line = {from.second};
    while (line.size() < sites) {
      const auto step = next.find({from.first, line.back()});
      if (step == next.end()) break;
      line.push_back(step->second);
    }
    if (line.size() == sites) found.push_back(std::move(line));
  }
  return found;
}

Digits parse_digits(std::string_view text, const RuleMaker& rule) {
  Digits digits;
  const auto add = [&](std::string_view one) {
    const auto digit = read_number<int>(one);
    if (!digit || *digit < 0)
      throw rule.bad(
          "digits stand side by side or with commas between them, as in forbid=11 or forbid=10,3");
    digits.push_back(*digit);
  };
  if (text.find(',') != std::string_view::npos)
    for (const auto& one :
         detail::split(text.substr(0, text.size() - (text.ends_with(',') ? 1 : 0)), ','))
      add(one);
  else
    for (std::size_t i = 0; i < std::max<std::size_t>(1, text.size()); ++i) add(text.substr(i, 1));
  return digits;
}

Sites parse_sites(std::string_view text, const Digits& digits, const RuleMaker& rule,
                  int all_sites) {
  Sites sites;
  for (const auto& one : detail::split(text, ',')) {
    const auto site = read_number<int>(one);
    if (!site || *site < 0 || *site >= all_sites)
      throw rule.bad(detail::concat("behind @ stand sites in [0, ", all_sites - 1,
                                    "], separated by commas, as in forbid=11@0,1"));
    if (std::find(sites.begin(), sites.end(), *site) != sites.end())
      throw rule.bad(detail::concat("site ", *site, " stands twice in ", text));
    sites.push_back(*site);
  }
  if (sites.size() != digits.size())
    throw rule.bad(detail::concat(detail::counted(digits.size(), "digit"), " for ",
                                  detail::counted(sites.size(), "site"), "; give one for each"));
  for (std::size_t k = 0; k < sites.size(); ++k)
    if (digits[k] >= rule.dim(sites[k]))
      throw rule.bad(detail::concat("the digit of site ", sites[k], " must be in [0, ",
                                    rule.dim(sites[k]) - 1, "], got ", digits[k]));
  return sites;
}

LocalRule parse_forbidden(RuleMaker rule, const Lattice& lattice, std::string_view value) {
  for (const auto& part : detail::split(value, ';')) {
    const auto at = part.find('@');
    const Digits digits = parse_digits(part.substr(0, at), rule);
    if (at == std::string_view::npos)
      for (const auto& line : lines(lattice, digits.size(), rule)) rule.forbid(line, digits);
    else
      for (const auto& place : detail::split(part.substr(at + 1), '/'))
        rule.forbid(parse_sites(place, digits, rule, lattice.sites()), digits);
  }
  return rule.finish("these digits stand nowhere on this lattice");
}

/// Several values of a charge, each of which the sites can have.
LocalRule parse_totals(RuleMaker rule, const std::vector<LocalSpace>& spaces, std::string_view name,
                       std::string_view values) {
  std::optional<AdditiveRule> total;
  for (const auto& value : detail::split(values, ',')) {
    const auto charge = *Charge::parse(spaces, detail::concat(name, "=", value));
    const auto possible = detail::reachable(charge.rule);
    const int wanted = charge.rule.target;
    if (!std::binary_search(possible.begin(), possible.end(), wanted))
      throw rule.bad(detail::concat(charge.text(), " has no states; ", name, " can be from ",
                                    charge.value_text(possible.front()), " to ",
                                    charge.value_text(possible.back())));
    if (total && total->allows(wanted))
      throw rule.bad(detail::concat("the value ", value, " stands twice"));
    if (total)
      total->others.push_back(wanted);
    else
      total = charge.rule;
  }
  return rule.finish(*std::move(total));
}

/// Whether `other` forbids all that `pattern` does.
bool contains(const ForbiddenDigits& pattern, const ForbiddenDigits& other) {
  for (std::size_t k = 0; k < other.sites.size(); ++k) {
    const auto at = std::lower_bound(pattern.sites.begin(), pattern.sites.end(), other.sites[k]);
    if (at == pattern.sites.end() || *at != other.sites[k] ||
        pattern.digits[static_cast<std::size_t>(at - pattern.sites.begin())] != other.digits[k])
      return false;
  }
  return true;
}

std::vector<ForbiddenDigits> simplified(std::vector<ForbiddenDigits> all) {
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.sites.size() != b.sites.size() ? a.sites.size() < b.sites.size() : a < b;
  });
  all.erase(std::unique(all.begin(), all.end()), all.end());
  std::vector<ForbiddenDigits> kept;
  for (auto& pattern : all) {
    const bool known = std::any_of(kept.begin(), kept.end(), [&](const auto& other) {
      return other.sites.size() < pattern.sites.size() && contains(pattern, other);
    });
    if (!known) kept.push_back(std::move(pattern));
  }
  std::sort(kept.begin(), kept.end());
  return kept;
}

}  // namespace

bool LocalRule::is_rule(std::string_view text) {
  const std::string_view name = text.substr(0, text.find('='));
  const bool charge = name == "sz" || name == "n" || name == "nup" || name == "ndown";
  return name == "blockade" || name == "max-run" || name == "forbid" ||
         (charge && text.find(',') != std::string_view::npos);
}

std::optional<LocalRule> LocalRule::parse(const std::vector<LocalSpace>& spaces,
                                          const Lattice& lattice, std::string_view text) {
  const auto equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  const std::string_view value = equals == std::string_view::npos ? "" : text.substr(equals + 1);
  RuleMaker rule(spaces, std::string(text));
  if (name == "forbid") return parse_forbidden(std::move(rule), lattice, value);
  if (!is_rule(text)) return std::nullopt;
  if (name != "blockade" && name != "max-run")
    return parse_totals(std::move(rule), spaces, name, value);
  int most = 1;
  if (name == "max-run") {
    const auto number = read_number<int>(value);
    if (!number || *number < 1 || *number >= lattice.sites())
      throw rule.bad(detail::concat("the value must be in [1, ", lattice.sites() - 1,
                                    "], the sites that may be up or occupied in a row"));
    most = *number;
  } else if (equals != std::string_view::npos) {
    throw rule.bad("it takes no value; for more than one in a row write max-run=n");
  }
  for (const auto& line : lines(lattice, static_cast<std::size_t>(most) + 1, rule))
    rule.forbid_excited(line);
  return rule.finish(
      "it is for spins 1/2, bosons and spinless fermions that are neighbours; for others write "
      "forbid=DIGITS");
}

LocalRule LocalRule::make(const std::vector<LocalSpace>& spaces,
                          const std::vector<std::vector<int>>& groups,
                          const std::function<bool(std::span<const int>)>& allowed) {
  constexpr double most_configurations = 1000;
  RuleMaker rule(spaces, "local rule");
  std::map<Digits, std::string> places;  // as parse() takes them
  for (const Sites& group : groups) {
    double configurations = 1;
    std::string text;
    for (std::size_t k = 0; k < group.size(); ++k) {
      if (group[k] < 0 || group[k] >= static_cast<int>(spaces.size()) ||
          std::find(group.begin(), group.begin() + static_cast<std::ptrdiff_t>(k), group[k]) !=
              group.begin() + static_cast<std::ptrdiff_t>(k))
        throw rule.bad(detail::concat("the sites of a group must be different and in [0, ",
                                      spaces.size() - 1, "], got ", group[k]));
      configurations *= rule.dim(group[k]);
      text += (k == 0 ? "" : ",") + std::to_string(group[k]);
    }
    if (group.empty() || configurations > most_configurations)
      throw rule.bad(detail::concat("a group must have from one site to ", most_configurations,
                                    " configurations; give it fewer sites"));
    for (int c = 0; c < static_cast<int>(configurations); ++c) {
      Digits digits(group.size());
      int rest = c;
      for (std::size_t k = group.size(); k-- > 0; rest /= rule.dim(group[k]))
        digits[k] = rest % rule.dim(group[k]);
      if (allowed(digits)) continue;
      rule.forbid(group, digits);
      auto& of_digits = places[digits];
      of_digits += (of_digits.empty() ? "" : "/") + text;
    }
  }
  LocalRule made = rule.finish("it forbids nothing");
  made.text = "forbid=";
  for (const auto& [digits, sites] : places) {
    if (made.text.back() != '=') made.text += ';';
    for (std::size_t k = 0; k < digits.size(); ++k)
      made.text += (k == 0 ? "" : ",") + std::to_string(digits[k]);
    made.text += (digits.size() == 1 ? ",@" : "@") + sites;
  }
  return made;
}

std::vector<ForbiddenDigits> forbidden_digits(const std::vector<LocalRule>& rules) {
  std::vector<ForbiddenDigits> all;
  for (const auto& rule : rules)
    all.insert(all.end(), rule.forbidden.begin(), rule.forbidden.end());
  return simplified(std::move(all));
}

std::vector<AdditiveRule> united_totals(const std::vector<LocalRule>& rules) {
  std::vector<AdditiveRule> totals;
  for (const auto& rule : rules)
    if (rule.total) totals.push_back(*rule.total);
  return totals;
}

namespace {

/// Whether a spin flip makes of each value of the charge one that is allowed too.
bool flip_keeps(const LocalRule& rule, const std::vector<LocalSpace>& spaces) {
  Charge charge{rule.name(), *rule.total};
  std::vector<int> values = rule.total->others;
  values.push_back(rule.total->target);
  return std::all_of(values.begin(), values.end(), [&](int value) {
    charge.rule.target = value;
    const auto flipped = detail::flipped_total(spaces, {}, charge);
    return flipped && rule.total->allows(*flipped);
  });
}

}  // namespace

bool keeps_rules(const std::vector<LocalRule>& rules, const std::vector<LocalSpace>& spaces,
                 const SitePermutation& image, SpinFlip flip) {
  if (flip == SpinFlip::yes)
    for (const auto& rule : rules)
      if (rule.total && !flip_keeps(rule, spaces)) return false;
  const auto before = forbidden_digits(rules);
  std::vector<ForbiddenDigits> after;
  for (const auto& pattern : before) {
    std::map<int, int> digit_of;
    for (std::size_t k = 0; k < pattern.sites.size(); ++k) {
      const auto site = static_cast<std::size_t>(pattern.sites[k]);
      const int digit = pattern.digits[k];
      digit_of[image[site]] = flip == SpinFlip::yes ? flipped_digit(spaces[site], digit) : digit;
    }
    auto& moved = after.emplace_back();
    for (const auto& [site, digit] : digit_of) {
      moved.sites.push_back(site);
      moved.digits.push_back(digit);
    }
  }
  return simplified(std::move(after)) == before;
}

}  // namespace kronsolve
