#include <algorithm>
#include <numeric>
#include <optional>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/number.hpp>
#include <kronsolve/core/suggest.hpp>
#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/operators/symmetry_basis.hpp>

#include "core/counted.hpp"

namespace kronsolve {

namespace {

const std::vector<std::string> condition_names = {
    "sz",         "n",           "nup",        "ndown",        "parity",       "momentum",
    "momentum-x", "momentum-y",  "reflection", "reflection-x", "reflection-y", "reflection-d",
    "rotation",   "permutation", "spinflip",   "blockade",     "max-run",      "forbid"};

std::vector<int> integers(const std::string& condition, std::string_view list) {
  std::vector<int> values;
  while (true) {
    const auto comma = std::min(list.find(','), list.size());
    const auto value = read_number<int>(list.substr(0, comma));
    if (!value)
      throw InvalidArgument(
          detail::concat("sector '", condition,
                         "': the value must be a whole number, or two separated by a comma"));
    values.push_back(*value);
    if (comma == list.size()) return values;
    list.remove_prefix(comma + 1);
  }
}

class SectorParser {
 public:
  SectorParser(const std::vector<LocalSpace>& spaces, const Lattice& lattice) : lattice_(lattice) {
    if (lattice.sites() != static_cast<int>(spaces.size()))
      throw DimensionError(detail::concat("sector: the operator has ",
                                          detail::counted(spaces.size(), "site"), ", the lattice ",
                                          lattice.sites()));
    sector_.spaces = spaces;
  }

  void add(const std::string& condition) {
    const auto equals = condition.find('=');
    const std::string key = condition.substr(0, equals);
    if (auto rule = LocalRule::parse(sector_.spaces, lattice_, condition)) {
      once(rule->total ? rule->name() : condition);
      sector_.conditions.push_back(condition);
      sector_.rules.push_back(*std::move(rule));
      return;
    }
    if (equals == std::string::npos ||
        std::find(condition_names.begin(), condition_names.end(), key) == condition_names.end())
      throw InvalidArgument(
          equals == std::string::npos
              ? detail::concat("sector '", condition, "': it must be name=value, such as sz=0")
              : "sector: " + unknown_name("condition", key, condition_names));
    if (auto charge = Charge::parse(sector_.spaces, condition)) {
      once(charge->name);
      sector_.conditions.push_back(charge->text());
      sector_.charges.push_back(*std::move(charge));
      return;
    }
    if (key == "permutation") return add_permutation(condition, equals + 1);
    const auto values = integers(condition, std::string_view(condition).substr(equals + 1));
    if (key == "rotation") return add_rotation(condition, values);
    if (key == "spinflip") {
      SitePermutation identity(sector_.spaces.size());
      for (std::size_t i = 0; i < identity.size(); ++i) identity[i] = static_cast<int>(i);
      add_two_valued(key, condition, values, std::move(identity), SpinFlip::yes);
    } else if (key.starts_with("reflection")) {
      add_reflection(key, condition, values);
    } else {
      add_momentum(key, condition, values);
    }
  }

  Sector finish() {
    if (sector_.generators.empty()) {  // in the order in which bases name them
      sector_.conditions.clear();
      for (const auto& charge : sector_.charges) sector_.conditions.push_back(charge.text());
      for (const auto& rule : sector_.rules) sector_.conditions.push_back(rule.text);
    }
    if (!sector_.generators.empty())  // images that are no permutations are refused here as well
      require_compatible(SymmetryGroup(sector_.spaces, sector_.generators), sector_.charges,
                         sector_.rules);
    return std::move(sector_);
  }

 private:
  void once(const std::string& name) {
    if (std::find(seen_.begin(), seen_.end(), name) != seen_.end())
      throw InvalidArgument(detail::concat("sector ", name, " is given twice; give it once"));
    seen_.push_back(name);
  }

  void add_two_valued(const std::string& key, const std::string& condition,
                      const std::vector<int>& values, SitePermutation image, SpinFlip flip) {
    if (values.size() != 1 || (values[0] != 1 && values[0] != -1))
      throw InvalidArgument(detail::concat("sector '", condition, "': the value must be 1 or -1"));
    once(key);
    const std::string text = detail::concat(key, "=", values[0]);
    sector_.conditions.push_back(text);
    sector_.generators.push_back({text, std::move(image), flip, values[0] == 1 ? 0 : 1, 2});
  }

  void add_reflection(const std::string& key, const std::string& condition,
                      const std::vector<int>& values) {
    const bool line = lattice_.size().size() == 1;
    if (key == "reflection" && !line)
      throw InvalidArgument(detail::concat("sector '", condition, "': on the ", lattice_.name(),
                                           " lattice ask for reflection-x, -y or -d"));
    auto image = key == "reflection-d" ? lattice_.diagonal_reflection()
                                       : lattice_.reflection(key == "reflection-y" ? 1 : 0);
    if (!image)
      throw InvalidArgument(detail::concat("sector '", condition, "': the ", lattice_.name(),
                                           " lattice has no such reflection"));
    add_two_valued(key, condition, values, *std::move(image), SpinFlip::no);
  }

  void add_rotation(const std::string& condition, const std::vector<int>& values) {
    if (values.size() != 1)
      throw InvalidArgument(
          detail::concat("sector '", condition, "': the value must be one whole number"));
    auto rotation = lattice_.rotation();
    if (!rotation)
      throw InvalidArgument(detail::concat("sector '", condition, "': the ", lattice_.name(),
                                           " lattice of this size has no rotation"));
    add_turning("rotation", values[0], rotation->order, std::move(rotation->image));
  }

  /// Any permutation of the sites: `permutation=1,2,0` or, with a phase, `permutation=1,2,0:1/3`.
  void add_permutation(const std::string& condition, std::size_t begin) {
    const auto colon = std::min(condition.find(':', begin), condition.size());
    const auto fraction = [&](std::string_view text) {
      const auto slash = std::min(text.find('/'), text.size());
      const auto whole = integers(condition, text.substr(0, slash));
      const auto of =
          slash == text.size() ? std::vector<int>{1} : integers(condition, text.substr(slash + 1));
      if (whole.size() != 1 || of.size() != 1 || of[0] < 1)
        throw InvalidArgument(detail::concat("sector '", condition,
                                             "': after the colon stands a part of a full turn, "
                                             "such as 1/2 or 1/3"));
      return std::pair(((whole[0] % of[0]) + of[0]) % of[0], of[0]);
    };
    auto image = integers(condition, std::string_view(condition).substr(begin, colon - begin));
    const auto [turns, of] = colon == condition.size()
                                 ? std::pair(0, 1)
                                 : fraction(std::string_view(condition).substr(colon + 1));
    once(condition);
    sector_.conditions.push_back(condition);
    sector_.generators.push_back({condition, std::move(image), SpinFlip::no, turns, of});
  }

  /// A symmetry of a given order by its number m: U psi = exp(-2 pi i m/order) psi, as a plane wave
  /// exp(ikj) turns by exp(-ik) when moved by one site.
  void add_turning(const std::string& name, int m, int order, SitePermutation image) {
    once(name);
    const int reduced = (m % order + order) % order;
    const std::string text = detail::concat(name, "=", reduced);
    sector_.conditions.push_back(text);
    sector_.generators.push_back({text, std::move(image), SpinFlip::no, order - reduced, order});
  }

  void add_momentum(const std::string& key, const std::string& condition,
                    const std::vector<int>& values) {
    if (lattice_.cluster()) return add_cluster_momentum(key, condition, values);
    if (key == "momentum" && values.size() == 2) {
      add_momentum_along(0, "momentum-x", condition, values[0]);
      return add_momentum_along(1, "momentum-y", condition, values[1]);
    }
    const bool line = lattice_.size().size() <= 1;
    if (values.size() != 1 || (key == "momentum" && !line))
      throw InvalidArgument(
          detail::concat("sector '", condition, "': the ", lattice_.name(), " lattice takes ",
                         line ? "one number" : "momentum=mx,my, momentum-x=m or momentum-y=m"));
    add_momentum_along(key == "momentum-y" ? 1 : 0, key, condition, values[0]);
  }

  /// k.A = 2 pi m1 and k.B = 2 pi m2 for the vectors A, B of a cluster: each translation by one cell
  /// turns by the part of k along it.
  void add_cluster_momentum(const std::string& key, const std::string& condition,
                            const std::vector<int>& values) {
    if (key != "momentum" || values.size() != 2)
      throw InvalidArgument(
          detail::concat("sector '", condition,
                         "': a cluster takes momentum=m1,m2 with k.A = 2 pi m1, k.B = 2 pi m2"));
    const auto k = lattice_.momentum({values[0], values[1]});
    const auto all = lattice_.momenta();
    const auto m = *std::find_if(all.begin(), all.end(), [&](const auto& other) {
      return lattice_.momentum(other).turns == k.turns;
    });
    once(key);
    sector_.conditions.push_back(detail::concat("momentum=", m[0], ",", m[1]));
    for (int d = 0; d < 2; ++d) {
      const int turns = k.turns[static_cast<std::size_t>(d)];
      const int common = std::gcd(turns, k.of);
      const auto name =
          detail::concat("momentum-", d == 0 ? "x" : "y", "=", turns / common, "/", k.of / common);
      sector_.generators.push_back({name, *lattice_.translation(d), SpinFlip::no,
                                    (k.of - turns) % k.of / common, k.of / common});
    }
  }

  void add_momentum_along(int direction, const std::string& name, const std::string& condition,
                          int m) {
    auto image = lattice_.translation(direction);
    if (!image)
      throw InvalidArgument(detail::concat("sector '", condition, "': the ", lattice_.name(),
                                           " is open along ", direction == 0 ? "x" : "y",
                                           "; a momentum needs a cyclic direction"));
    add_turning(name, m, lattice_.size()[static_cast<std::size_t>(direction)], *std::move(image));
  }

  const Lattice& lattice_;
  Sector sector_;
  std::vector<std::string> seen_;
};

/// Values of one symmetry that has states while all else stays; text for messages.
std::string values_with_states(const Sector& sector, std::size_t which) {
  const auto& g = sector.generators[which];
  const std::string name = g.name.substr(0, g.name.find('='));
  if (g.name.find('/') != std::string::npos || name == "permutation") return "";  // many values
  const bool turning = name.starts_with("momentum") || name == "rotation";
  std::string text;
  for (int turns = 0; turns < g.of; ++turns) {
    Sector other = sector;
    other.generators[which].turns = turns;
    try {
      if (sector_size(other) == 0) continue;
    } catch (const InvalidArgument&) {  // a character that contradicts the others
      continue;
    }
    const int value = turning ? (g.of - turns) % g.of : turns == 0 ? 1 : -1;
    text += (text.empty() ? "" : ", ") + std::to_string(value);
  }
  return text.empty() ? text : detail::concat(name, " can be ", text);
}

[[noreturn]] void refuse_empty(const Sector& sector) {
  std::string asked, possible;
  for (const auto& c : sector.conditions) asked += (asked.empty() ? "" : ", ") + c;
  for (std::size_t g = 0; g < sector.generators.size(); ++g) {
    const std::string values = values_with_states(sector, g);
    if (!values.empty()) possible += (possible.empty() ? "; with the others, " : "; ") + values;
  }
  throw InvalidArgument(detail::concat("sector ", asked, " has no states on these ",
                                       detail::counted(sector.spaces.size(), "site"), possible));
}

}  // namespace

Sector parse_sector(const std::vector<LocalSpace>& spaces, const Lattice& lattice,
                    const std::vector<std::string>& conditions) {
  SectorParser parser(spaces, lattice);
  for (const auto& condition : conditions) parser.add(condition);
  return parser.finish();
}

index_t sector_size(const Sector& sector) {
  return symmetric_dimension(SymmetryGroup(sector.spaces, sector.generators), sector.charges,
                             sector.rules);
}

Sector with_rule(Sector sector, LocalRule rule) {
  sector.conditions.push_back(rule.text);
  sector.rules.push_back(std::move(rule));
  if (!sector.generators.empty())
    require_compatible(SymmetryGroup(sector.spaces, sector.generators), sector.charges,
                       sector.rules);
  return sector;
}

void require_respects(const OpSum& op, const Sector& sector) {
  if (op.spaces() != sector.spaces)
    throw DimensionError(detail::concat("sector: the operator has ",
                                        detail::counted(op.sites(), "site"), ", the sector ",
                                        sector.spaces.size(), ", or their local spaces differ"));
  for (const auto& charge : sector.charges)
    if (const auto term = breaks(op, charge.text()))
      throw InvalidArgument(detail::concat("sector ", charge.text(), ": the term ", *term,
                                           " changes ", charge.name, "; leave the sector out"));
  require_united(op, sector.rules);
  if (!sector.generators.empty())
    require_symmetric(op, SymmetryGroup(sector.spaces, sector.generators));
}

namespace {

/// The basis of a sector without symmetries.
std::shared_ptr<const Basis> plain_basis(const Sector& sector) {
  if (sector.is_full()) return std::make_shared<const FullBasis>(sector.spaces);
  return std::make_shared<const ChargeBasis>(sector.spaces, sector.charges, sector.rules);
}

/// States of a sector with symmetries, at least one.
index_t positive_size(const Sector& sector, const SymmetryGroup& group) {
  const index_t size = symmetric_dimension(group, sector.charges, sector.rules);
  if (size == 0) {
    // Without states for the charges alone their own message names the values that have some.
    if (!sector.charges.empty() || !sector.rules.empty())
      (void)ChargeBasis(sector.spaces, sector.charges, sector.rules);
    refuse_empty(sector);
  }
  return size;
}

/// The basis of a sector; listed(group) makes it where its states need a list.
template <class Listed>
std::shared_ptr<const Basis> basis_of(const Sector& sector, Listed&& listed) {
  if (sector.generators.empty()) return plain_basis(sector);
  SymmetryGroup group(sector.spaces, sector.generators);
  const auto mirror = flip_mirror(group);
  if (!mirror) return listed(std::move(group));
  (void)positive_size(sector, group);
  return std::make_shared<const SymmetryBasis>(std::move(group), sector.charges, sector.conditions,
                                               *mirror, sector.rules);
}

}  // namespace

std::shared_ptr<const Basis> make_basis(const Comm& comm, const Sector& sector) {
  return basis_of(sector, [&](SymmetryGroup group) {
    (void)positive_size(sector, group);
    return std::make_shared<const SymmetryBasis>(comm, std::move(group), sector.charges,
                                                 sector.conditions, sector.rules);
  });
}

CountedBasis::CountedBasis(const Sector& sector)
    : Basis(sector.spaces),
      sector_(sector),
      group_(sector.spaces, sector.generators),
      size_(positive_size(sector, group_)) {}

state_t CountedBasis::state(index_t) const {
  throw InvalidArgument("the states of this sector are counted, not listed; use make_basis");
}

index_t CountedBasis::index(state_t) const { return static_cast<index_t>(state(0)); }

SectorOperator in_counted_sector(OpSum op, const Sector& sector) {
  require_respects(op, sector);
  auto basis = basis_of(
      sector, [&](const SymmetryGroup&) { return std::make_shared<const CountedBasis>(sector); });
  return {std::move(op), std::move(basis)};
}

Sector sector_of(const Basis& basis) {
  const auto* group = basis.symmetries();
  if (basis.paths() != nullptr || basis.orbits() != nullptr)
    return {basis.spaces(), basis.charges(),
            group == nullptr ? std::vector<SymmetryGenerator>() : group->generators(),
            basis.sector(), basis.rules()};
  throw NotSupported(
      "sector_of: this basis is none of the library's, or counted and not listed; only full spaces "
      "and sectors of charges, rules and symmetries have conditions that can be sent");
}

SectorOperator in_sector(const Comm& comm, OpSum op, const Sector& sector) {
  require_respects(op, sector);
  auto basis = make_basis(comm, sector);
  return {std::move(op), std::move(basis)};
}

}  // namespace kronsolve
