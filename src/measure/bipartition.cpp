#include "measure/bipartition.hpp"

#include <algorithm>
#include <map>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/local_rule.hpp>

#include "core/counted.hpp"
#include "operators/bases/open_patterns.hpp"

namespace kronsolve::detail {

namespace {

using Key = std::vector<int>;  // values of the charges

/// Places in blocks have 31 bits.
constexpr index_t most_configurations = index_t{1} << 30;

/// The additive charges whose values define the configurations of the basis; none for the full
/// space.
std::vector<AdditiveRule> rules_of(const Basis& basis) {
  if (basis.paths() == nullptr && basis.orbits() == nullptr)
    throw NotSupported(
        "entanglement: not available in this kind of basis; use the full space, a sector of "
        "charges or one of symmetries");
  std::vector<AdditiveRule> rules;
  for (const auto& charge : basis.charges()) rules.push_back(charge.rule);
  return rules;
}

int reduced(const AdditiveRule& rule, int value) {
  return rule.modulus == 0 ? value : ((value % rule.modulus) + rule.modulus) % rule.modulus;
}

/// What local rules forbid on the given sites alone; numbers of these in place of sites.
std::vector<ForbiddenDigits> forbidden_on(const Basis& basis, const std::vector<int>& sites) {
  std::vector<ForbiddenDigits> result;
  for (auto pattern : forbidden_digits(basis.rules())) {
    bool inside = true;
    for (int& site : pattern.sites) {
      const auto at = std::lower_bound(sites.begin(), sites.end(), site);
      inside = inside && at != sites.end() && *at == site;
      site = static_cast<int>(at - sites.begin());
    }
    if (inside) result.push_back(std::move(pattern));
  }
  return result;
}

/// How many configurations of the given sites have which charges, those left away that local rules
/// forbid whatever the others are.
std::map<Key, double> charge_counts(const Basis& basis, const std::vector<AdditiveRule>& rules,
                                    const std::vector<int>& sites) {
  using Common = std::pair<Key, std::vector<int>>;  // with what is begun that is forbidden
  const OpenPatterns patterns(forbidden_on(basis, sites), sites.size());
  std::map<Common, double> counts{{{Key(rules.size(), 0), {}}, 1.0}};
  for (std::size_t s = 0; s < sites.size(); ++s) {
    const int site = sites[s];
    std::map<Common, double> next;
    for (const auto& [common, count] : counts)
      for (int digit = 0; digit < basis.code().dim(site); ++digit) {
        auto open = patterns.after(common.second, s, digit);
        if (!open) continue;
        Key sum = common.first;
        for (std::size_t r = 0; r < rules.size(); ++r)
          sum[r] = reduced(
              rules[r],
              sum[r] +
                  rules[r].values[static_cast<std::size_t>(site)][static_cast<std::size_t>(digit)]);
        next[{std::move(sum), *std::move(open)}] += count;
      }
    counts = std::move(next);
  }
  std::map<Key, double> by_charges;
  for (const auto& [common, count] : counts) by_charges[common.first] += count;
  return by_charges;
}

/// What the environment must carry when the system carries `key`.
Key partner(const std::vector<AdditiveRule>& rules, const Key& key) {
  Key rest(key.size());
  for (std::size_t r = 0; r < rules.size(); ++r)
    rest[r] = reduced(rules[r], rules[r].target - key[r]);
  return rest;
}

/// For the modes that a system configuration occupies: the environment's modes that pass an odd
/// number of them when the operators are sorted by part.
Modes passed_modes(Modes occupied, Modes environment, FermionOrder order) {
  const bool before =
      order ==
      FermionOrder::system_first;  // the environment's modes that stand before ours must pass
  Modes passed;
  for (int k = 0; k < 128; ++k) {
    const PackedDigits bit = PackedDigits{1} << k;
    const PackedDigits lower = bit - 1, upper = ~(lower | bit);
    if (occupied.up & bit)
      passed = passed ^ (before ? Modes{lower, 0} : Modes{upper, ~PackedDigits{0}});
    if (occupied.down & bit)
      passed = passed ^ (before ? Modes{~PackedDigits{0}, lower} : Modes{0, upper});
  }
  return passed & environment;
}

/// Occupied modes of a digit, from the signs of the space's parity operators.
Modes modes_of(const LocalSpace& space, int digit, int ordinal) {
  if (!space.is_fermionic()) return {};
  const PackedDigits bit = PackedDigits{1} << ordinal;
  Modes modes;
  if (space.up_parity()(digit, digit).real() < 0) modes.up = bit;
  if (space.down_parity()(digit, digit).real() < 0) modes.down = bit;
  return modes;
}

}  // namespace

std::vector<int> complement(const Basis& basis, const std::vector<int>& sites) {
  std::vector<int> rest;
  for (int site = 0; site < basis.sites(); ++site)
    if (!std::binary_search(sites.begin(), sites.end(), site)) rest.push_back(site);
  return rest;
}

void require_sites(const Basis& basis, const std::vector<int>& sites, const char* where) {
  for (std::size_t i = 0; i < sites.size(); ++i) {
    if (sites[i] < 0 || sites[i] >= basis.sites())
      throw InvalidArgument(
          concat(where, ": sites must be in [0, ", basis.sites() - 1, "], got ", sites[i]));
    if (i > 0 && sites[i] <= sites[i - 1])
      throw InvalidArgument(concat(where, ": sites must ascend without repetition, got ", sites[i],
                                   " after ", sites[i - 1]));
  }
}

double block_entries(const Basis& basis, const std::vector<int>& sites) {
  const auto rules = rules_of(basis);
  const auto system = charge_counts(basis, rules, sites);
  const auto environment = charge_counts(basis, rules, complement(basis, sites));
  double sum = 0;
  for (const auto& [key, count] : system)
    if (environment.contains(partner(rules, key))) sum += count * count;
  return sum;
}

Bipartition::Bipartition(const Basis& basis, std::vector<int> sites, FermionOrder order)
    : sites_(std::move(sites)) {
  const auto rules = rules_of(basis);
  const DigitCode& code = basis.code();
  const auto rest = complement(basis, sites_);
  std::map<Key, int> block_of_key;
  for (const auto& [key, count] : charge_counts(basis, rules, rest)) {
    block_of_key[partner(rules, key)] = static_cast<int>(blocks_.size());
    blocks_.emplace_back().environment = count;
  }
  for (const auto& [key, count] : charge_counts(basis, rules, sites_))
    if (block_of_key.contains(key)) members_known_ += count;
  if (members_known_ > double(most_configurations))
    throw InvalidArgument(concat("entanglement: the chosen sites have ", members_known_,
                                 " configurations in the sector, at most ", most_configurations,
                                 " are possible; choose fewer sites"));
  double dimension = 1;
  for (const int site : sites_) dimension *= code.dim(site);
  if (dimension <= double(most_configurations)) dimension_ = static_cast<index_t>(dimension);
  // A table by number is one look-up, unless nearly all of it would be empty.
  constexpr double small_table = 1 << 20, entries_each = 16;
  tabled_ = dimension_ != 0 && dimension <= std::max(small_table, entries_each * members_known_);
  require_memory(table_bytes(), "the configurations of the chosen sites");
  if (tabled_) members_.resize(static_cast<std::size_t>(dimension_));
  std::vector<int> ordinal(static_cast<std::size_t>(basis.sites()), 0);
  std::vector<index_t> number_stride(static_cast<std::size_t>(basis.sites()), 0);
  int fermionic = 0;
  bool system_fermions = false, environment_fermions = false;
  Modes environment_modes;
  std::vector<bool> is_mine(static_cast<std::size_t>(basis.sites()), false);
  for (const int site : sites_) is_mine[static_cast<std::size_t>(site)] = true;
  for (int site = 0; site < basis.sites(); ++site) {
    const auto s = static_cast<std::size_t>(site);
    if (!basis.spaces()[s].is_fermionic()) continue;
    ordinal[s] = fermionic++;
    (is_mine[s] ? system_fermions : environment_fermions) = true;
    const PackedDigits bit = PackedDigits{1} << ordinal[s];
    if (!is_mine[s]) environment_modes += {bit, bit};
  }
  has_signs_ = system_fermions && environment_fermions;
  if (dimension_ != 0) {
    index_t stride = 1;
    for (auto site = sites_.rbegin(); site != sites_.rend(); ++site) {
      number_stride[static_cast<std::size_t>(*site)] = stride;
      stride *= code.dim(*site);
    }
  }
  places_ = AdditiveTable<Place>(code, [&](int site, int digit) {
    const auto s = static_cast<std::size_t>(site);
    return Place{is_mine[s] ? static_cast<state_t>(digit) * code.stride(site) : 0,
                 digit * number_stride[s], modes_of(basis.spaces()[s], digit, ordinal[s])};
  });

  // Paths of the system's digits whose charges each belong to some block; all of them together may
  // still belong to none.
  std::vector<int> dims;
  for (const int site : sites_) dims.push_back(code.dim(site));
  std::vector<AdditiveRule> reachable;
  for (std::size_t r = 0; r < rules.size(); ++r) {
    AdditiveRule rule{{}, 0, rules[r].modulus, {}};
    for (const int site : sites_)
      rule.values.push_back(rules[r].values[static_cast<std::size_t>(site)]);
    for (const auto& [key, block] : block_of_key) rule.others.push_back(key[r]);
    rule.target = rule.others.back();
    reachable.push_back(std::move(rule));
  }
  const DigitPaths paths(dims, reachable, forbidden_on(basis, sites_));
  const auto walk = [&](const auto& self, int k, int node, state_t part, index_t number,
                        const Key& key) -> void {
    if (k == paths.sites()) {
      const auto found = block_of_key.find(key);
      if (found == block_of_key.end()) return;
      add(part, number, found->second,
          has_signs_ ? passed_modes(places_(part).modes, environment_modes, order) : Modes());
      return;
    }
    const int site = sites_[static_cast<std::size_t>(k)];
    const auto s = static_cast<std::size_t>(site);
    for (int digit = 0; digit < paths.dim(k); ++digit) {
      const int to = paths.next(k, node, digit);
      if (to < 0) continue;
      Key sum = key;
      for (std::size_t r = 0; r < rules.size(); ++r)
        sum[r] = reduced(rules[r], sum[r] + rules[r].values[s][static_cast<std::size_t>(digit)]);
      self(self, k + 1, to, part + static_cast<state_t>(digit) * code.stride(site),
           number + digit * number_stride[s], sum);
    }
  };
  if (paths.size() > 0) walk(walk, 0, 0, 0, 0, Key(rules.size(), 0));
}

void Bipartition::add(state_t part, index_t number, int block, const Modes& signs) {
  Block& to = blocks_[static_cast<std::size_t>(block)];
  const Member member{block, static_cast<std::int32_t>(to.size())};
  if (tabled_) {
    members_[static_cast<std::size_t>(number)] = member;
  } else {
    parts_.push_back(part);
    members_of_parts_.push_back(member);
  }
  to.parts.push_back(part);
  if (dimension_ != 0) to.numbers.push_back(number);
  if (has_signs_) to.signs.push_back(signs);
}

index_t Bipartition::dimension() const {
  if (dimension_ == 0)
    throw InvalidArgument(concat("density matrix: the chosen ", counted(sites_.size(), "site"),
                                 " have more than ", most_configurations,
                                 " configurations; choose fewer sites"));
  return dimension_;
}

double Bipartition::largest_block_entries() const {
  double most = 0;
  for (const auto& block : blocks_)
    most = std::max(most, double(block.size()) * double(block.size()));
  return most;
}

double Bipartition::all_block_entries() const {
  double sum = 0;
  for (const auto& block : blocks_) sum += double(block.size()) * double(block.size());
  return sum;
}

index_t Bipartition::table_bytes() const {
  const double look_up = tabled_ ? double(dimension_) * sizeof(Member)
                                 : members_known_ * (sizeof(state_t) + sizeof(Member));
  const double lists =
      members_known_ * (sizeof(state_t) + sizeof(index_t) + (has_signs_ ? sizeof(Modes) : 0));
  return static_cast<index_t>(look_up + lists);
}

std::vector<int> united(const Basis& basis, const std::vector<int>& a, const std::vector<int>& b,
                        const char* where) {
  require_sites(basis, a, where);
  require_sites(basis, b, where);
  std::vector<int> both;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  if (both.size() != a.size() + b.size())
    throw InvalidArgument(concat(where, ": the two sets of sites must not share a site"));
  return both;
}

}  // namespace kronsolve::detail
