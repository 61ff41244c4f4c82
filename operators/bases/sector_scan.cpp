#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <optional>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/number.hpp>
#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/sector_scan.hpp>

#include "operators/bases/charge_totals.hpp"
#include "operators/bases/group_action.hpp"

namespace kronsolve {

namespace {

using Conditions = std::vector<std::string>;

constexpr std::string_view everything = "all";

/// A condition with its values in turn; without a value where it takes none.
struct Choice {
  std::string name;
  Conditions values;
  bool all = false;  ///< every value there is: may be left out where none goes with the rest

  std::string with(const std::string& value) const {
    return value.empty() ? name : name + "=" + value;
  }
};

std::string name_of(const std::string& condition) {
  return condition.substr(0, condition.find('='));
}

std::string value_of(const std::string& condition) {
  const auto equals = condition.find('=');
  return equals == std::string::npos ? "" : condition.substr(equals + 1);
}

bool has_range(const std::string& condition) {
  return value_of(condition).find("..") != std::string::npos &&
         !condition.starts_with("permutation");
}

/// From a and b of `a..b`, both included.
std::pair<std::string, std::string> ends(const std::string& condition) {
  const auto value = value_of(condition);
  const auto dots = value.find("..");
  return {value.substr(0, dots), value.substr(dots + 2)};
}

[[noreturn]] void refuse_range(const std::string& condition) {
  throw InvalidArgument(detail::concat("sector '", condition,
                                       "': a range is written as name=a..b with a <= b and a value "
                                       "between them that the sites can have, such as sz=0..3"));
}

/// The values of a charge: all that the sites can reach, or those of the range.
std::optional<Choice> charge_choice(const std::vector<LocalSpace>& spaces,
                                    const std::string& condition, const std::string& name) {
  const auto charge = Charge::parse(spaces, name + "=0");
  if (!charge) return std::nullopt;
  auto totals = detail::reachable(charge->rule);
  if (has_range(condition)) {
    const auto [first, last] = ends(condition);
    const int low = Charge::parse(spaces, name + "=" + first)->rule.target;
    const int high = Charge::parse(spaces, name + "=" + last)->rule.target;
    std::erase_if(totals, [&](int total) { return total < low || total > high; });
  }
  if (totals.empty()) refuse_range(condition);
  Choice choice{name, {}, !has_range(condition)};
  for (const int total : totals) choice.values.push_back(charge->value_text(total));
  return choice;
}

/// How many values a lattice symmetry with numbers has; 0 for those with the values 1 and -1.
int order_of(const Lattice& lattice, const std::string& name) {
  if (name == "rotation") {
    const auto rotation = lattice.rotation();
    return rotation ? rotation->order : 1;  // without one, the parser says so
  }
  if (!name.starts_with("momentum")) return 0;
  const std::size_t direction = name == "momentum-y" ? 1 : 0;
  return direction < lattice.size().size() ? lattice.size()[direction] : 1;
}

Choice symmetry_choice(const Lattice& lattice, const std::string& condition,
                       const std::string& name) {
  const int order = order_of(lattice, name);
  Choice choice{name, {}, !has_range(condition)};
  if (order == 0) {
    if (has_range(condition)) refuse_range(condition);
    choice.values = {"1", "-1"};
    return choice;
  }
  int first = 0, last = order - 1;
  if (has_range(condition)) {
    const auto [low, high] = ends(condition);
    const auto a = read_number<int>(low), b = read_number<int>(high);
    if (!a || !b || *a > *b || *b - *a >= order) refuse_range(condition);
    first = *a, last = *b;
  }
  for (int m = first; m <= last; ++m) choice.values.push_back(std::to_string(m));
  return choice;
}

/// Charges first, then local rules, translations, rotations, reflections, the flip: what `all` leaves out where
/// it contradicts the rest comes after what it contradicts.
int rank_of(const std::string& name) {
  static const std::vector<std::string> order = {"momentum", "rotation", "reflection", "spinflip"};
  for (std::size_t i = 0; i < order.size(); ++i)
    if (name.starts_with(order[i])) return static_cast<int>(i) + 2;
  return name == "permutation" ? 6 : LocalRule::is_rule(name) ? 1 : 0;
}

std::vector<Choice> choices_of(const OpSum& op, const Lattice& lattice,
                               const Conditions& conditions) {
  std::vector<Choice> choices;
  for (const auto& condition : conditions) {
    const auto name = name_of(condition);
    const auto value = value_of(condition);
    if (!is_scan({condition})) {
      choices.push_back({name, {value}});
    } else if (name == "permutation") {
      throw InvalidArgument("sector permutation: give one phase; it has no range of values");
    } else if (auto charge = charge_choice(op.spaces(), condition, name)) {
      choices.push_back(*std::move(charge));
    } else if (name == "momentum" && lattice.cluster()) {
      if (has_range(condition)) refuse_range(condition);
      Choice choice{name, {}, true};
      for (const auto& [m1, m2] : lattice.momenta())
        choice.values.push_back(detail::concat(m1, ",", m2));
      choices.push_back(std::move(choice));
    } else if (name == "momentum" && lattice.size().size() == 2) {
      if (has_range(condition)) refuse_range(condition);
      choices.push_back(symmetry_choice(lattice, condition, "momentum-x"));
      choices.push_back(symmetry_choice(lattice, condition, "momentum-y"));
    } else {
      choices.push_back(symmetry_choice(lattice, condition, name));
    }
  }
  std::stable_sort(choices.begin(), choices.end(), [](const Choice& a, const Choice& b) {
    return rank_of(a.name) < rank_of(b.name);
  });
  return choices;
}

/// All combinations that contradict nothing and have states.
class Combinations {
 public:
  Combinations(const OpSum& op, const Lattice& lattice, std::vector<Choice> choices)
      : op_(op), lattice_(lattice), choices_(std::move(choices)) {}

  std::vector<ScannedSector> make() {
    extend({}, parse_sector(op_.spaces(), lattice_, {}), 0);
    if (found_.empty()) {
      if (!refusal_.empty()) throw InvalidArgument(refusal_);
      refuse_single();
      throw InvalidArgument("no combination of the sectors asked for has states; ask for others");
    }
    return std::move(found_);
  }

 private:
  void extend(const Conditions& conditions, const Sector& sector, std::size_t next) {
    if (next == choices_.size()) {
      const index_t size = sector_size(sector);
      if (size > 0) found_.push_back({sector, size, {}});
      return;
    }
    bool any = false;
    for (const auto& value : choices_[next].values) {
      Conditions more = conditions;
      more.push_back(choices_[next].with(value));
      std::optional<Sector> longer;
      try {
        longer = parse_sector(op_.spaces(), lattice_, more);
      } catch (const InvalidArgument& e) {
        // Wrong in itself, or in contradiction to the rest: only the first is the same everywhere.
        if (refusal_.empty()) refusal_ = e.what();
        continue;
      }
      if (!any) require_respects(op_, *longer);
      any = true;
      extend(more, *longer, next + 1);
    }
    if (!any && choices_[next].all && next > 0 && exists(choices_[next]))
      extend(conditions, sector, next + 1);
  }

  /// One sector that has no states: says which values it could have.
  void refuse_single() const {
    Conditions conditions;
    for (const auto& choice : choices_) {
      if (choice.values.size() > 1) return;
      conditions.push_back(choice.name + "=" + choice.values.front());
    }
    (void)in_counted_sector(op_, parse_sector(op_.spaces(), lattice_, conditions));
  }

  /// The lattice and the sites have such a symmetry at all.
  bool exists(const Choice& choice) const {
    try {
      (void)parse_sector(op_.spaces(), lattice_, {choice.with(choice.values.front())});
      return true;
    } catch (const InvalidArgument&) {
      return false;
    }
  }

  const OpSum& op_;
  const Lattice& lattice_;
  std::vector<Choice> choices_;
  std::vector<ScannedSector> found_;
  std::string refusal_;  ///< of the first combination that was refused
};

// ---- sectors with the same levels ---------------------------------------------------------------

/// What tells a sector from the others of a scan: names with values.
using Key = std::vector<std::string>;

std::string turning_text(const SymmetryGenerator& g, int turns) {
  return detail::concat(g.name.substr(0, g.name.find_first_of("=:")), "=", turns % g.of, "/", g.of);
}

Key sorted(Key key) {
  std::sort(key.begin(), key.end());
  return key;
}

Key key_of(const Sector& sector) {
  Key key;
  for (const auto& charge : sector.charges) key.push_back(charge.text());
  for (const auto& g : sector.generators) key.push_back(turning_text(g, g.turns));
  return sorted(std::move(key));
}

/// Of the complex conjugates of the sector's states.
Key conjugate_key(const Sector& sector) {
  Key key;
  for (const auto& charge : sector.charges) key.push_back(charge.text());
  for (const auto& g : sector.generators) key.push_back(turning_text(g, g.of - g.turns % g.of));
  return sorted(std::move(key));
}

/// A symmetry of the operator.
struct Mover {
  SitePermutation image;
  SpinFlip flip = SpinFlip::no;
};

/// Where `mover` takes the states of the sector; nothing if that is no sector of these names.
std::optional<Key> moved_key(const Sector& sector, const SymmetryGroup& group, const Mover& mover) {
  if (!keeps_rules(sector.rules, sector.spaces, mover.image, mover.flip)) return std::nullopt;
  Key key;
  for (const auto& charge : sector.charges) {
    const auto total = mover.flip == SpinFlip::yes
                           ? detail::flipped_total(sector.spaces, sector.charges, charge)
                           : charge.rule.target;
    if (!total) return std::nullopt;
    key.push_back(charge.name + "=" + charge.value_text(*total));
  }
  const auto& to = mover.image;
  for (const auto& g : sector.generators) {
    SitePermutation conjugated(to.size());  // mover * g * mover^-1
    for (std::size_t i = 0; i < to.size(); ++i)
      conjugated[static_cast<std::size_t>(to[i])] = to[static_cast<std::size_t>(g.image[i])];
    const auto same =
        std::find_if(group.elements().begin(), group.elements().end(),
                     [&](const auto& e) { return e.flip == g.flip && e.image == conjugated; });
    if (same == group.elements().end()) return std::nullopt;
    key.push_back(turning_text(g, same->phase * g.of / group.phases()));
  }
  return sorted(std::move(key));
}

/// What a condition is generated by; nothing if the lattice has no such symmetry, or if the operator
/// breaks it.
std::vector<SymmetryGenerator> generators_of(const OpSum& op, const Lattice& lattice,
                                             const std::string& condition) {
  try {
    const auto sector = parse_sector(op.spaces(), lattice, {condition});
    require_respects(op, sector);
    return sector.generators;
  } catch (const InvalidArgument&) {
    return {};
  }
}

std::vector<Mover> movers(const OpSum& op, const Lattice& lattice) {
  std::vector<Mover> result;
  for (const auto& condition : named_symmetries(lattice))
    for (auto& g : generators_of(op, lattice, condition))
      result.push_back({std::move(g.image), g.flip});
  return result;
}

/// One of each set of sectors that symmetries map on each other; the others become its images.
std::vector<ScannedSector> merge_images(const OpSum& op, const Lattice& lattice,
                                        std::vector<ScannedSector> all) {
  std::map<Key, std::size_t> place;
  for (std::size_t i = 0; i < all.size(); ++i) place.emplace(key_of(all[i].sector), i);
  std::vector<std::size_t> parent(all.size());
  std::iota(parent.begin(), parent.end(), std::size_t{0});
  const std::function<std::size_t(std::size_t)> root = [&](std::size_t i) {
    return parent[i] == i ? i : parent[i] = root(parent[i]);
  };
  const auto join = [&](std::size_t i, const std::optional<Key>& other) {
    const auto at = other ? place.find(*other) : place.end();
    if (at == place.end()) return;
    const auto a = root(i), b = root(at->second);
    parent[std::max(a, b)] = std::min(a, b);
  };
  const auto symmetries = movers(op, lattice);
  const bool real = op.is_real();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& sector = all[i].sector;
    const SymmetryGroup group(sector.spaces, sector.generators);
    for (const auto& mover : symmetries) join(i, moved_key(sector, group, mover));
    if (real) join(i, conjugate_key(sector));
  }
  std::vector<ScannedSector> result;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (root(i) != i) all[root(i)].images.push_back(all[i].sector.conditions);
  for (std::size_t i = 0; i < all.size(); ++i)
    if (root(i) == i) result.push_back(std::move(all[i]));
  return result;
}

/// Every combination one by one.
std::vector<ScannedSector> combinations(const OpSum& op, const Lattice& lattice,
                                        const Conditions& conditions) {
  return Combinations(op, lattice, choices_of(op, lattice, conditions)).make();
}

index_t states_in(const std::vector<ScannedSector>& sectors) {
  index_t sum = 0;
  for (const auto& sector : sectors) sum += sector.dimension;
  return sum;
}

/// What sectors that take the place of others must have.
enum class Cover { states, states_of_each };

/// Whether the sectors of `fine` have all states of those of `given`: of a reflection alone, say,
/// those of the momenta have only a part, because most momenta are mixed in it.
bool cover(const OpSum& op, const Lattice& lattice, const Conditions& given, const Conditions& fine,
           Cover what) {
  const bool only_charges = std::all_of(given.begin(), given.end(), [&](const auto& condition) {
    return Charge::parse(op.spaces(), name_of(condition) + "=0").has_value();
  });
  if (only_charges) return true;
  const auto wholes = combinations(op, lattice, given);
  std::vector<ScannedSector> parts;
  try {
    parts = combinations(op, lattice, fine);
  } catch (const InvalidArgument&) {
    return false;
  }
  if (what == Cover::states) return states_in(parts) == states_in(wholes);
  return std::all_of(wholes.begin(), wholes.end(), [&](const ScannedSector& whole) {
    index_t found = 0;
    for (const auto& part : parts)
      if (is_part_of(part.sector, whole.sector)) found += part.dimension;
    return found == whole.dimension;
  });
}

/// Whether a condition on `asked` leaves `other` no choice of its own.
bool settles(const std::string& asked, const std::string& other) {
  if (asked == other || (asked == "momentum" && other.starts_with("momentum"))) return true;
  const bool of_electrons = asked == "nup" || asked == "ndown";
  return of_electrons && (other == "n" || other == "sz");
}

Conditions every_condition(const OpSum& op, const Lattice& lattice) {
  const auto conserved = conserved_charges(op);
  const auto has = [&](const char* name) {
    return std::find(conserved.begin(), conserved.end(), name) != conserved.end();
  };
  Conditions conditions;
  if (has("n")) conditions.emplace_back("n=all");
  if (has("sz")) conditions.emplace_back("sz=all");
  // Of spins the parity of their digits is that of Sz.
  if (has("parity") && conditions.empty()) conditions.emplace_back("parity=all");
  if (!detail::have_names(DigitCode(op.spaces()))) return conditions;  // charges alone go further
  for (const auto& condition : named_symmetries(lattice))
    if (!generators_of(op, lattice, condition).empty())
      conditions.push_back(name_of(condition) + "=all");
  return conditions;
}

/// The given conditions and those of `every_condition` that they leave open and that keep what must
/// be covered.
Conditions extended(const OpSum& op, const Lattice& lattice, const Conditions& given, Cover what) {
  Conditions conditions = given;
  for (const auto& condition : every_condition(op, lattice)) {
    const bool settled = std::any_of(given.begin(), given.end(), [&](const std::string& asked) {
      return settles(name_of(asked), name_of(condition));
    });
    if (settled) continue;
    auto longer = conditions;
    longer.push_back(condition);
    if (cover(op, lattice, given, longer, what)) conditions = std::move(longer);
  }
  return conditions;
}

}  // namespace

std::vector<ScannedSector> scan_every_sector(const OpSum& op, const Lattice& lattice,
                                             const std::vector<std::string>& conditions) {
  std::vector<ScannedSector> all;
  for (const auto& scanned : scan_sectors(op, lattice, conditions)) {
    all.push_back({scanned.sector, scanned.dimension, {}});
    for (const auto& image : scanned.images)
      all.push_back({parse_sector(op.spaces(), lattice, image), scanned.dimension, {}});
  }
  return all;
}

const std::vector<std::string>& named_symmetries(const Lattice& lattice) {
  static const Conditions line = {"momentum=0", "reflection=1", "spinflip=1"};
  static const Conditions plane = {"momentum-x=0",   "momentum-y=0",   "rotation=0",
                                   "reflection-x=1", "reflection-y=1", "reflection-d=1",
                                   "spinflip=1"};
  static const Conditions cluster = {"momentum=0,0",   "rotation=0",     "reflection-x=1",
                                     "reflection-y=1", "reflection-d=1", "spinflip=1"};
  if (lattice.cluster()) return cluster;
  return lattice.size().size() == 2 ? plane : line;
}

bool is_scan(const std::vector<std::string>& conditions) {
  return std::any_of(conditions.begin(), conditions.end(), [](const std::string& condition) {
    return value_of(condition) == everything || has_range(condition);
  });
}

std::vector<ScannedSector> scan_sectors(const OpSum& op, const Lattice& lattice,
                                        const std::vector<std::string>& conditions) {
  auto distinct = merge_images(op, lattice, combinations(op, lattice, conditions));
  std::stable_sort(
      distinct.begin(), distinct.end(),
      [](const ScannedSector& a, const ScannedSector& b) { return a.dimension < b.dimension; });
  return distinct;
}

std::vector<std::string> all_sectors(const OpSum& op, const Lattice& lattice,
                                     const std::vector<std::string>& given) {
  auto conditions = extended(op, lattice, given, Cover::states);
  // What local rules allow mixes multiplets.
  const bool projected = std::any_of(given.begin(), given.end(), [](const auto& condition) {
    return LocalRule::is_rule(name_of(condition));  // not of several values of a charge
  });
  const auto sz = std::find(conditions.begin() + std::ssize(given), conditions.end(), "sz=all");
  if (sz != conditions.end() && !projected && conserves_total_spin(op)) *sz = "sz=0..1/2";
  return conditions;
}

bool is_part_of(const Sector& part, const Sector& whole) {
  const auto& has = part.conditions;
  return std::all_of(whole.conditions.begin(), whole.conditions.end(), [&](const auto& condition) {
    return std::find(has.begin(), has.end(), condition) != has.end();
  });
}

std::vector<std::string> split_sectors(const OpSum& op, const Lattice& lattice,
                                       const std::vector<std::string>& given) {
  return extended(op, lattice, given, Cover::states_of_each);
}

bool conserves_total_spin(const OpSum& op) {
  if (!op.is_hermitian()) return false;  // S- follows from S+ for a Hermitian operator only
  const auto has_spin = [](const LocalSpace& space) {
    return space.kind() == LocalSpace::Kind::spin || space.has_electrons();
  };
  const auto& spaces = op.spaces();
  if (std::none_of(spaces.begin(), spaces.end(), has_spin)) return false;
  // [op, S+] and nothing else: with its adjoint it gives [op, S-], and both give [op, Sz].
  OpSum difference(spaces);
  for (const auto& [name, matrix] : op.definitions()) difference.define(name, matrix);
  for (const auto& term : op.terms()) {
    std::vector<int> sites;
    for (const auto& factor : term.factors) sites.push_back(factor.site);
    std::sort(sites.begin(), sites.end());
    sites.erase(std::unique(sites.begin(), sites.end()), sites.end());
    for (const int site : sites) {
      if (!has_spin(spaces[static_cast<std::size_t>(site)])) continue;
      auto before = term.factors, after = term.factors;
      before.push_back({"S+", site});
      after.insert(after.begin(), {"S+", site});
      difference.add(term.coefficient, std::move(before));
      difference.add(-term.coefficient, std::move(after));
    }
  }
  return simplify(difference).terms().empty();
}

}  // namespace kronsolve
