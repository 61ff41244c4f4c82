#include <algorithm>
#include <map>
#include <optional>

#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/digit_paths.hpp>

#include "operators/bases/open_patterns.hpp"

namespace kronsolve {

namespace {

using Charges = std::vector<int>;

/// What the strings of a node have in common, beside what charges tell apart.
struct Kind {
  MirrorSide side = MirrorSide::lesser;
  std::vector<int>
      open;             ///< forbidden patterns whose digits agree so far and that are not complete
  Charges united = {};  ///< of charges with several values, which share tails
  auto operator<=>(const Kind&) const = default;
};
using State = std::pair<Charges, Kind>;

/// Charges after one more digit.
Charges advanced(Charges charges, const std::vector<AdditiveRule>& rules, std::size_t site,
                 int digit) {
  for (std::size_t r = 0; r < rules.size(); ++r) {
    charges[r] += rules[r].values[site][static_cast<std::size_t>(digit)];
    if (const int m = rules[r].modulus; m > 0) charges[r] = ((charges[r] % m) + m) % m;
  }
  return charges;
}

/// Nothing if the string is above its image.
std::optional<MirrorSide> advanced(MirrorSide side, const MirrorRule* mirror, std::size_t site,
                                   int digit) {
  if (mirror == nullptr || side == MirrorSide::lesser) return MirrorSide::lesser;
  const auto at = static_cast<std::size_t>(digit);
  const int image = mirror->image[site][at];
  if (image < digit) return std::nullopt;
  if (image > digit) return MirrorSide::lesser;
  if (mirror->sign[site][at] > 0) return side;
  return side == MirrorSide::own_even ? MirrorSide::own_odd : MirrorSide::own_even;
}

bool accepted(MirrorSide side, const MirrorRule* mirror) {
  return mirror == nullptr || side == MirrorSide::lesser ||
         (side == MirrorSide::own_even) == (mirror->character > 0);
}

bool accepted(const Charges& charges, const std::vector<AdditiveRule>& rules) {
  for (std::size_t r = 0; r < rules.size(); ++r)
    if (!rules[r].allows(charges[r])) return false;
  return true;
}

Charges united(const Charges& charges, const std::vector<AdditiveRule>& rules) {
  Charges result;
  for (std::size_t r = 0; r < rules.size(); ++r)
    if (!rules[r].others.empty()) result.push_back(charges[r]);
  return result;
}

/// Numbers for the kinds of the nodes that a layer has kept.
void number_kinds(const std::vector<Kind>& of_nodes, std::vector<int>& numbers, int& count) {
  std::map<Kind, int> known;
  numbers.clear();
  for (const Kind& kind : of_nodes)
    numbers.push_back(known.try_emplace(kind, static_cast<int>(known.size())).first->second);
  count = static_cast<int>(known.size());
}

}  // namespace

bool AdditiveRule::allows(int total) const noexcept {
  const auto equal = [&](int wanted) {
    return modulus > 0 ? (total - wanted) % modulus == 0 : total == wanted;
  };
  return equal(target) || std::any_of(others.begin(), others.end(), equal);
}

DigitPaths::DigitPaths(std::vector<int> dims, const std::vector<AdditiveRule>& rules,
                       const std::vector<ForbiddenDigits>& forbidden, const MirrorRule* mirror)
    : dims_(std::move(dims)) {
  const auto n = dims_.size();
  const detail::OpenPatterns patterns(forbidden, n);
  std::vector<std::map<State, int>> reached(n + 1);
  layers_.resize(n + 1);
  const Charges nothing(rules.size(), 0);
  const auto first = mirror ? MirrorSide::own_even : MirrorSide::lesser;
  reached[0][State(nothing, Kind{first, {}, united(nothing, rules)})] = 0;
  // Forward: which charges the first sites can have, and what they have begun that is forbidden.
  for (std::size_t s = 0; s < n; ++s) {
    const auto d = static_cast<std::size_t>(dims_[s]);
    layers_[s].next.assign(reached[s].size() * d, -1);
    for (const auto& [state, node] : reached[s])
      for (std::size_t at = 0; at < d; ++at) {
        const int digit = static_cast<int>(at);
        const auto side = advanced(state.second.side, mirror, s, digit);
        auto open = patterns.after(state.second.open, s, digit);
        if (!side || !open) continue;
        auto charges = advanced(state.first, rules, s, digit);
        Kind kind{*side, *std::move(open), united(charges, rules)};
        const auto [to, fresh] = reached[s + 1].try_emplace(
            State(std::move(charges), std::move(kind)), static_cast<int>(reached[s + 1].size()));
        layers_[s].next[static_cast<std::size_t>(node) * d + at] = to->second;
      }
  }
  // Backward: how many tails complete them; nodes without any are dropped.
  layers_[n].tails.assign(reached[n].size(), 0);
  for (const auto& [state, node] : reached[n])
    layers_[n].tails[static_cast<std::size_t>(node)] =
        accepted(state.first, rules) && accepted(state.second.side, mirror) ? 1 : 0;
  const bool merge = !forbidden.empty() || !united(nothing, rules).empty();
  std::vector<int> renumbered;
  for (std::size_t s = n + 1; s-- > 0;) {
    if (s < n) count_tails(s, renumbered);
    std::vector<Kind> kinds(reached[s].size());
    for (const auto& [state, node] : reached[s])
      kinds[static_cast<std::size_t>(node)] = state.second;
    renumbered = keep_nodes(s, merge, [&](std::size_t node) { return kinds[node].side; });
    std::vector<Kind> kept(layers_[s].tails.size());
    for (std::size_t c = renumbered.size(); c-- > 0;)  // of nodes that became one, the first
      if (renumbered[c] >= 0) kept[static_cast<std::size_t>(renumbered[c])] = std::move(kinds[c]);
    for (const Kind& kind : kept) layers_[s].side.push_back(kind.side);
    number_kinds(kept, layers_[s].kind, layers_[s].kinds);
  }
}

/// Tails of a layer from those of the next one, whose nodes have new numbers. A count never exceeds
/// the number of rows.
void DigitPaths::count_tails(std::size_t s, const std::vector<int>& renumbered) {
  Layer& layer = layers_[s];
  const auto d = static_cast<std::size_t>(dims_[s]);
  layer.tails.assign(layer.next.size() / d, 0);
  for (std::size_t c = 0; c < layer.tails.size(); ++c)
    for (std::size_t digit = 0; digit < d; ++digit) {
      int& to = layer.next[c * d + digit];
      if (to >= 0) to = renumbered[static_cast<std::size_t>(to)];
      if (to >= 0)
        layer.tails[c] =
            checked_add(layer.tails[c], layers_[s + 1].tails[static_cast<std::size_t>(to)],
                        "the dimension of the sector");
    }
}

/// Drops nodes without tails, and (merge) those of one side that the same tails complete as an
/// earlier node: different forbidden patterns may forbid the same from here on. Gives the new
/// number of each node, -1 of those that nothing completes.
template <class SideOf>
std::vector<int> DigitPaths::keep_nodes(std::size_t s, bool merge, const SideOf& side_of) {
  Layer& layer = layers_[s];
  const std::size_t d = s < dims_.size() ? static_cast<std::size_t>(dims_[s]) : 0;
  std::vector<int> renumbered(layer.tails.size(), -1);
  std::map<std::pair<MirrorSide, std::vector<int>>, int> known;
  std::size_t kept = 0;
  for (std::size_t c = 0; c < layer.tails.size(); ++c) {
    if (layer.tails[c] == 0) continue;
    const auto next = layer.next.begin() + static_cast<std::ptrdiff_t>(c * d);
    if (merge) {
      const auto [at, fresh] = known.try_emplace(
          {side_of(c), std::vector<int>(next, next + static_cast<std::ptrdiff_t>(d))},
          static_cast<int>(kept));
      renumbered[c] = at->second;
      if (!fresh) continue;
    }
    renumbered[c] = static_cast<int>(kept);
    layer.tails[kept] = layer.tails[c];
    std::copy_n(next, d, layer.next.begin() + static_cast<std::ptrdiff_t>(kept * d));
    ++kept;
  }
  layer.tails.resize(kept);
  layer.next.resize(kept * d);
  return renumbered;
}

RowRange DigitPaths::prefix_block(index_t row, int sites) const {
  index_t begin = 0;
  int node = 0;
  for (int s = 0; s < sites; ++s) {
    for (int digit = 0;; ++digit) {
      const int to = next(s, node, digit);
      if (to < 0) continue;
      const index_t here = tails(s + 1, to);
      if (row < begin + here) {
        node = to;
        break;
      }
      begin += here;
    }
  }
  return {begin, begin + tails(sites, node)};
}

RowPartition DigitPaths::partition(int ranks) const {
  constexpr double balance = 1.03;
  const RowPartition even(size(), ranks);
  if (size() < ranks) return even;
  for (int depth = 0; depth < sites(); ++depth) {
    std::vector<index_t> offsets = {0};
    for (int r = 1; r < ranks; ++r) {
      const index_t wanted = even.range(r).begin;
      const RowRange block = prefix_block(wanted, depth);
      const index_t nearer = wanted - block.begin <= block.end - wanted ? block.begin : block.end;
      offsets.push_back(std::max(offsets.back(), nearer));
    }
    offsets.push_back(size());
    RowPartition aligned(std::move(offsets));
    if (double(aligned.max_local_rows()) * ranks <= balance * double(size())) return aligned;
  }
  return even;  // so few rows that only single ones balance
}

}  // namespace kronsolve
