#include <algorithm>
#include <map>
#include <optional>

#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/digit_paths.hpp>

namespace kronsolve {

namespace {

using Charges = std::vector<int>;
/// What the strings of a node have in common.
using State = std::pair<Charges, MirrorSide>;

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
  for (std::size_t r = 0; r < rules.size(); ++r) {
    const int m = rules[r].modulus;
    const int wanted = m > 0 ? ((rules[r].target % m) + m) % m : rules[r].target;
    if (charges[r] != wanted) return false;
  }
  return true;
}

}  // namespace

DigitPaths::DigitPaths(std::vector<int> dims, const std::vector<AdditiveRule>& rules,
                       const MirrorRule* mirror)
    : dims_(std::move(dims)) {
  const auto n = dims_.size();
  std::vector<std::map<State, int>> reached(n + 1);
  layers_.resize(n + 1);
  reached[0][{Charges(rules.size(), 0), mirror ? MirrorSide::own_even : MirrorSide::lesser}] = 0;
  // Forward: which charges the first sites can have.
  for (std::size_t s = 0; s < n; ++s) {
    const auto d = static_cast<std::size_t>(dims_[s]);
    layers_[s].next.assign(reached[s].size() * d, -1);
    for (const auto& [state, node] : reached[s])
      for (std::size_t digit = 0; digit < d; ++digit) {
        const auto side = advanced(state.second, mirror, s, static_cast<int>(digit));
        if (!side) continue;
        const auto [at, fresh] = reached[s + 1].try_emplace(
            State(advanced(state.first, rules, s, static_cast<int>(digit)), *side),
            static_cast<int>(reached[s + 1].size()));
        layers_[s].next[static_cast<std::size_t>(node) * d + digit] = at->second;
      }
  }
  // Backward: how many tails complete them; nodes without any are dropped. A count never exceeds
  // the number of rows.
  layers_[n].tails.assign(reached[n].size(), 0);
  for (const auto& [state, node] : reached[n])
    layers_[n].tails[static_cast<std::size_t>(node)] =
        accepted(state.first, rules) && accepted(state.second, mirror) ? 1 : 0;
  std::vector<int> renumbered;
  for (std::size_t s = n + 1; s-- > 0;) {
    Layer& layer = layers_[s];
    if (s < n) {
      const auto d = static_cast<std::size_t>(dims_[s]);
      layer.tails.assign(reached[s].size(), 0);
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
    layer.side.resize(layer.tails.size());
    for (const auto& [state, node] : reached[s])
      layer.side[static_cast<std::size_t>(node)] = state.second;
    renumbered.assign(layer.tails.size(), -1);
    std::size_t kept = 0;
    const std::size_t d = s < n ? static_cast<std::size_t>(dims_[s]) : 0;
    for (std::size_t c = 0; c < layer.tails.size(); ++c) {
      if (layer.tails[c] == 0) continue;
      renumbered[c] = static_cast<int>(kept);
      layer.tails[kept] = layer.tails[c];
      layer.side[kept] = layer.side[c];
      std::copy_n(layer.next.begin() + static_cast<std::ptrdiff_t>(c * d), d,
                  layer.next.begin() + static_cast<std::ptrdiff_t>(kept * d));
      ++kept;
    }
    layer.tails.resize(kept);
    layer.side.resize(kept);
    layer.next.resize(kept * d);
  }
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
