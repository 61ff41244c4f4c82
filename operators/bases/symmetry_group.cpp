#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <numeric>

#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/symmetry_group.hpp>

#include "core/counted.hpp"
#include "operators/bases/group_action.hpp"
#include "operators/bases/open_patterns.hpp"

namespace kronsolve {

namespace {

constexpr std::size_t most_elements = 100000;

void check(const SymmetryGenerator& g, const std::vector<LocalSpace>& spaces) {
  const auto n = spaces.size();
  std::vector<bool> hit(n, false);
  for (const int to : g.image) {
    if (to < 0 || static_cast<std::size_t>(to) >= n || hit[static_cast<std::size_t>(to)])
      throw InvalidArgument(detail::concat("symmetry ", g.name, ": the images must be each of the ",
                                           detail::counted(n, "site"), " once"));
    hit[static_cast<std::size_t>(to)] = true;
  }
  if (g.image.size() != n)
    throw InvalidArgument(detail::concat("symmetry ", g.name, ": ",
                                         detail::counted(g.image.size(), "image"), " for ",
                                         detail::counted(n, "site")));
  for (std::size_t i = 0; i < n; ++i)
    if (spaces[i] != spaces[static_cast<std::size_t>(g.image[i])])
      throw InvalidArgument(detail::concat(
          "symmetry ", g.name, ": it takes site ", i, " (", spaces[i].name(), ") to site ",
          g.image[i], " (", spaces[static_cast<std::size_t>(g.image[i])].name(), ")"));
  if (g.flip == SpinFlip::yes &&
      std::none_of(spaces.begin(), spaces.end(), [](const LocalSpace& s) {
        return s.kind() == LocalSpace::Kind::spin || s.has_electrons();
      }))
    throw InvalidArgument(detail::concat("symmetry ", g.name, ": no site has a spin to flip"));
  if (g.of < 1)
    throw InvalidArgument(
        detail::concat("symmetry ", g.name, ": the phase must be a fraction of a turn"));
}

/// exp(2 pi i phase / phases), exact on the axes.
std::complex<double> unit_phase(int phase, int phases) {
  if (phase == 0) return 1;
  if (2 * phase == phases) return -1;
  if (4 * phase == phases) return {0, 1};
  if (4 * phase == 3 * phases) return {0, -1};
  const double angle = 2 * std::numbers::pi * phase / phases;
  return {std::cos(angle), std::sin(angle)};
}

}  // namespace

int flipped_digit(const LocalSpace& space, int digit) {
  if (space.kind() == LocalSpace::Kind::spin) return space.dim() - 1 - digit;
  if (space.has_electrons() && (digit == 1 || digit == 2)) return 3 - digit;
  return digit;
}

SymmetryGroup::SymmetryGroup(std::vector<LocalSpace> spaces,
                             std::vector<SymmetryGenerator> generators)
    : spaces_(std::move(spaces)), generators_(std::move(generators)) {
  for (const auto& g : generators_) {
    check(g, spaces_);
    phases_ = std::lcm(phases_, g.of);
    if (phases_ > 1 << 24)
      throw InvalidArgument(
          "symmetry: the characters have no common root of unity of a sensible order");
  }
  for (int p = 0; p < phases_; ++p) values_.push_back(unit_phase(p, phases_));
  close();
}

void SymmetryGroup::close() {
  Element identity;
  identity.image.resize(spaces_.size());
  std::iota(identity.image.begin(), identity.image.end(), 0);
  elements_ = {identity};
  origins_ = {{0, 0}};
  std::map<std::pair<SpinFlip, SitePermutation>, std::size_t> known = {
      {{SpinFlip::no, identity.image}, 0}};
  // Every element times every generator is looked at: if all agree, the character is one of the
  // whole group.
  for (std::size_t e = 0; e < elements_.size(); ++e)
    for (std::size_t k = 0; k < generators_.size(); ++k) {
      const auto& g = generators_[k];
      Element next;
      for (const int to : elements_[e].image)
        next.image.push_back(g.image[static_cast<std::size_t>(to)]);
      next.flip = elements_[e].flip == g.flip ? SpinFlip::no : SpinFlip::yes;
      const int turn = (g.turns % g.of + g.of) % g.of * (phases_ / g.of);
      next.phase = (elements_[e].phase + turn) % phases_;
      const auto [at, fresh] = known.try_emplace({next.flip, next.image}, elements_.size());
      if (!fresh) {
        if (elements_[at->second].phase != next.phase)
          throw InvalidArgument(detail::concat("symmetry sector: there is no such state; ",
                                               relation(at->second, e, k)));
        continue;
      }
      if (elements_.size() == most_elements)
        throw InvalidArgument(detail::concat("symmetry: the generators span more than ",
                                             most_elements, " elements; ask for fewer of them"));
      elements_.push_back(std::move(next));
      origins_.emplace_back(e, k);
    }
}

std::vector<std::size_t> SymmetryGroup::word(std::size_t element) const {
  std::vector<std::size_t> letters;
  for (; element != 0; element = origins_[element].first)
    letters.push_back(origins_[element].second);
  return letters;
}

std::string SymmetryGroup::relation(std::size_t known, std::size_t from,
                                    std::size_t generator) const {
  auto product = word(from);
  product.insert(product.begin(), generator);
  const auto text = [&](const std::vector<std::size_t>& letters) {
    std::string result;
    for (std::size_t i = 0; i < letters.size();) {
      std::size_t run = i;
      while (run < letters.size() && letters[run] == letters[i]) ++run;
      result += (result.empty() ? "[" : " [") + generators_[letters[i]].name + "]";
      if (run - i > 1) result += detail::concat("^", run - i);
      i = run;
    }
    return result.empty() ? std::string("the identity") : result;
  };
  const auto number = [&](int phase) {
    const int common = std::gcd(phase, phases_);
    return phase == 0 ? std::string("1")
           : 2 * phase == phases_
               ? std::string("-1")
               : detail::concat("exp(2 pi i ", phase / common, "/", phases_ / common, ")");
  };
  const auto& g = generators_[generator];
  const int turn = (g.turns % g.of + g.of) % g.of * (phases_ / g.of);
  return detail::concat("the operations ", text(product), " and ", text(word(known)),
                        " are the same, the characters asked for are ",
                        number((elements_[from].phase + turn) % phases_), " and ",
                        number(elements_[known].phase));
}

ScalarKind SymmetryGroup::scalar() const noexcept {
  const bool real = std::all_of(elements_.begin(), elements_.end(),
                                [&](const Element& e) { return 2 * e.phase % phases_ == 0; });
  return real ? ScalarKind::real : ScalarKind::complex;
}

namespace {

__extension__ using Wide = __int128;
/// What configurations of some cycles have in common: values of the charges, and the forbidden
/// patterns that they have begun.
using Common = std::pair<std::vector<int>, std::vector<int>>;
/// Signed number of configurations by what they have in common.
using Counts = std::map<Common, Wide>;
using Cycle = std::vector<std::size_t>;

class TraceCounter {
 public:
  TraceCounter(const std::vector<LocalSpace>& spaces, const std::vector<Charge>& charges,
               const std::vector<LocalRule>& rules)
      : spaces_(spaces), charges_(charges), forbidden_(forbidden_digits(rules)) {
    for (auto& total : united_totals(rules)) charges_.push_back({"", std::move(total)});
  }

  /// Trace of an element on the states with these charges that obey the rules: configurations that
  /// it maps on themselves, with fermion signs.
  Wide trace(const SymmetryGroup::Element& element) const {
    const auto cycles = cycles_of(element);
    const detail::OpenPatterns patterns(forbidden_cycles(cycles, element.flip), cycles.size());
    Counts counts = {{{std::vector<int>(charges_.size(), 0), {}}, 1}};
    for (std::size_t c = 0; c < cycles.size(); ++c)
      counts = extend(counts, patterns, c, cycles[c], element.flip);
    Wide sum = 0;
    for (const auto& [common, count] : counts) {
      bool has = true;
      for (std::size_t k = 0; k < charges_.size(); ++k)
        has = has && charges_[k].rule.allows(common.first[k]);
      if (has) sum += count;
    }
    return sum;
  }

 private:
  static int reduced(const Charge& charge, int value) {
    const int m = charge.rule.modulus;
    return m > 0 ? ((value % m) + m) % m : value;
  }

  static std::vector<Cycle> cycles_of(const SymmetryGroup::Element& element) {
    std::vector<Cycle> cycles;
    std::vector<bool> seen(element.image.size(), false);
    for (std::size_t first = 0; first < seen.size(); ++first) {
      if (seen[first]) continue;
      Cycle& cycle = cycles.emplace_back();
      for (std::size_t site = first; !seen[site];
           site = static_cast<std::size_t>(element.image[site])) {
        seen[site] = true;
        cycle.push_back(site);
      }
    }
    return cycles;
  }

  /// The forbidden patterns, cycles in place of sites: the digit of its first site says all of one.
  std::vector<ForbiddenDigits> forbidden_cycles(const std::vector<Cycle>& cycles,
                                                SpinFlip flip) const {
    std::vector<int> cycle_of(spaces_.size()), place(spaces_.size());
    for (std::size_t c = 0; c < cycles.size(); ++c)
      for (std::size_t k = 0; k < cycles[c].size(); ++k) {
        cycle_of[cycles[c][k]] = static_cast<int>(c);
        place[cycles[c][k]] = static_cast<int>(k);
      }
    std::vector<ForbiddenDigits> result;
    for (const auto& pattern : forbidden_) {
      std::map<int, int> digit_of;
      bool possible = true;
      for (std::size_t k = 0; k < pattern.sites.size(); ++k) {
        const auto site = static_cast<std::size_t>(pattern.sites[k]);
        int digit = pattern.digits[k];
        if (flip == SpinFlip::yes && place[site] % 2 == 1)
          digit = flipped_digit(spaces_[site], digit);
        possible = possible && digit_of.try_emplace(cycle_of[site], digit).first->second == digit;
      }
      if (!possible) continue;
      auto& moved = result.emplace_back();
      for (const auto& [cycle, digit] : digit_of) {
        moved.sites.push_back(cycle);
        moved.digits.push_back(digit);
      }
    }
    return result;
  }

  /// One digit fixes the digits of the whole cycle.
  Counts extend(const Counts& before, const detail::OpenPatterns& patterns, std::size_t number,
                const Cycle& cycle, SpinFlip flip) const {
    const LocalSpace& space = spaces_[cycle[0]];
    const bool flips = flip == SpinFlip::yes;
    const bool odd = cycle.size() % 2 == 1;
    Counts counts;
    for (int digit = 0; digit < space.dim(); ++digit) {
      if (flips && odd && flipped_digit(space, digit) != digit) continue;
      std::vector<int> values(charges_.size(), 0);
      int at = digit;
      for (const std::size_t site : cycle) {
        for (std::size_t k = 0; k < values.size(); ++k)
          values[k] += charges_[k].rule.values[site][static_cast<std::size_t>(at)];
        if (flips) at = flipped_digit(space, at);
      }
      for (const auto& [common, count] : before) {
        auto open = patterns.after(common.second, number, digit);
        if (!open) continue;
        auto sum = common.first;
        for (std::size_t k = 0; k < sum.size(); ++k)
          sum[k] = reduced(charges_[k], sum[k] + values[k]);
        counts[{std::move(sum), *std::move(open)}] += count * sign(space, digit, flips, odd);
      }
    }
    return counts;
  }

  /// A cycle of occupied modes of even length is an odd permutation of fermions.
  static int sign(const LocalSpace& space, int digit, bool flips, bool odd) {
    if (!space.is_fermionic()) return 1;
    if (!flips) {
      const bool one = digit == 1 || digit == 2;  // of two species on a site the signs cancel
      return one && !odd ? -1 : 1;
    }
    if (!space.has_electrons()) return digit == 1 && !odd ? -1 : 1;
    if (odd) return digit == 3 ? -1 : 1;  // up and down modes are one cycle of twice the length
    return digit == 1 || digit == 2 ? -1 : 1;  // two cycles, one of them occupied
  }

  const std::vector<LocalSpace>& spaces_;
  std::vector<Charge> charges_;  ///< also those with several values
  std::vector<ForbiddenDigits> forbidden_;
};

}  // namespace

index_t symmetric_dimension(const SymmetryGroup& group, const std::vector<Charge>& charges,
                            const std::vector<LocalRule>& rules) {
  if (group.order() == 1) {  // of which configurations of more than 64 bits may have few
    std::vector<int> dims;
    for (const auto& space : group.spaces()) dims.push_back(space.dim());
    std::vector<AdditiveRule> totals = united_totals(rules);
    for (const auto& charge : charges) totals.push_back(charge.rule);
    return DigitPaths(std::move(dims), totals, forbidden_digits(rules)).size();
  }
  detail::require_names(DigitCode(group.spaces()));
  const TraceCounter counter(group.spaces(), charges, rules);
  std::vector<Wide> by_phase(static_cast<std::size_t>(group.phases()), 0);
  for (const auto& element : group.elements())
    by_phase[static_cast<std::size_t>(element.phase)] += counter.trace(element);
  long double sum =
      0;  // the imaginary parts cancel: the inverse of an element has the conjugate character
  for (int p = 0; p < group.phases(); ++p)
    sum += static_cast<long double>(by_phase[static_cast<std::size_t>(p)]) *
           std::cos(2 * std::numbers::pi_v<long double> * p / group.phases());
  const long double dimension = std::round(sum / group.order());
  if (dimension > static_cast<long double>(std::numeric_limits<index_t>::max()))
    throw InvalidArgument("the dimension of the sector exceeds 64 bits");
  return static_cast<index_t>(dimension);
}

}  // namespace kronsolve
