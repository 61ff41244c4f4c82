#include "operators/matrix_free/block_layout.hpp"

#include <algorithm>
#include <numbers>

#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/symmetry_group.hpp>

namespace kronsolve::detail {

const DigitPaths& paths_of(const Basis& basis) {
  if (const auto* paths = basis.paths()) return *paths;
  throw NotSupported(
      "the matrix-free product needs the full space, a sector of charges or one of the spin flip; "
      "this basis mixes configurations in other ways, use the assembled form");
}

BlockLayout::BlockLayout(const Basis& basis, const DigitPaths& paths, int split_at)
    : split(split_at),
      sites(basis.sites()),
      projects_(!basis.rules().empty()),
      spaces_(basis.spaces()) {
  state_t high_strings = 1;
  for (int s = 0; s < sites; ++s) {
    dims.push_back(basis.code().dim(s));
    if (s < split)
      high_strings *= static_cast<state_t>(dims.back());
    else
      low_strings *= static_cast<std::uint64_t>(dims.back());
    low_bits_ = low_bits_ && (s < split || dims.back() == 2);
  }
  for (int s = 0; s < sites; ++s)
    strides.push_back(s < split ? basis.code().stride(s) / low_strings : basis.code().stride(s));
  KRONSOLVE_ASSERT(low_strings <= most_low_strings);

  list_blocks(paths);
  list_low(paths);
  if (const auto* group = basis.symmetries()) {
    character_ = group->phase_value(group->elements()[1].phase).real();
    flip_low();
  }
  constexpr state_t small_table = state_t{1} << 22;
  // 2^128 of them, all sites high, wrap to 0.
  if (high_strings != 0 && high_strings <= small_table) {
    block_of_.assign(static_cast<std::size_t>(high_strings), -1);
    for (std::size_t b = 0; b < code.size(); ++b)
      block_of_[static_cast<std::size_t>(code[b])] = static_cast<std::int32_t>(b);
  }
}

void BlockLayout::list_blocks(const DigitPaths& paths) {
  index_t row = 0;
  const auto walk = [&](const auto& self, int site, int node, state_t string) -> void {
    if (site == split) {
      code.push_back(string);
      begin.push_back(row);
      class_of.push_back(node);
      row += paths.tails(site, node);
      return;
    }
    for (int digit = 0; digit < paths.dim(site); ++digit)
      if (const int to = paths.next(site, node, digit); to >= 0)
        self(self, site + 1, to,
             string * static_cast<state_t>(paths.dim(site)) + static_cast<state_t>(digit));
  };
  walk(walk, 0, 0, 0);
  begin.push_back(row);
}

void BlockLayout::list_low(const DigitPaths& paths) {
  low.resize(static_cast<std::size_t>(paths.nodes(split)));
  ranks_.resize(static_cast<std::size_t>(paths.kinds(split)));
  for (int cls = 0; cls < paths.nodes(split); ++cls) {
    auto& strings = low[static_cast<std::size_t>(cls)];
    side.push_back(paths.side(split, cls));
    kind_.push_back(paths.kind(split, cls));
    Ranks& ranks = ranks_[static_cast<std::size_t>(kind_.back())];
    if (ranks.rank.empty()) {
      ranks.rank.assign(low_strings, -1);
      ranks.cls.assign(low_strings, -1);
    }
    const auto down = [&](const auto& self, int site, int node, std::uint64_t string) -> void {
      if (site == sites) {
        ranks.rank[string] = static_cast<std::int32_t>(strings.size());
        ranks.cls[string] = cls;
        strings.push_back(static_cast<std::uint32_t>(string));
        return;
      }
      for (int digit = 0; digit < paths.dim(site); ++digit)
        if (const int to = paths.next(site, node, digit); to >= 0)
          self(self, site + 1, to,
               string * static_cast<std::uint64_t>(paths.dim(site)) +
                   static_cast<std::uint64_t>(digit));
    };
    down(down, split, cls, 0);
  }
}

/// What the flip makes of every low string.
void BlockLayout::flip_low() {
  bool electrons = false;
  for (std::size_t s = 0; s < spaces_.size(); ++s) {
    electrons = electrons || spaces_[s].has_electrons();
    auto& digits = flipped_digits_.emplace_back();
    for (int digit = 0; digit < dims[s]; ++digit)
      digits.push_back(flipped_digit(spaces_[s], digit));
  }
  low_image_.resize(low_strings);
  if (electrons) low_parities_.resize(low_strings);
  for (std::uint64_t string = 0; string < low_strings; ++string) {
    const Flipped turned = flipped(string, split, sites);
    low_image_[string] = static_cast<std::uint32_t>(turned.string);
    if (electrons) low_parities_[string] = static_cast<std::uint8_t>(turned.parities);
  }
  flip_reverses_ = true;
  for (int s = split; s < sites; ++s)
    flip_reverses_ =
        flip_reverses_ && spaces_[static_cast<std::size_t>(s)].kind() == LocalSpace::Kind::spin;
}

BlockLayout::Flipped BlockLayout::flipped(state_t string, int first, int last) const {
  Flipped result;
  state_t stride = 1;
  for (int site = last; site-- > first;) {
    const auto s = static_cast<std::size_t>(site);
    const auto dim = static_cast<state_t>(dims[s]);
    const state_t rest = quotient(string, dim);
    const auto digit = static_cast<std::size_t>(string - rest * dim);
    string = rest;
    result.string += static_cast<state_t>(flipped_digits_[s][digit]) * stride;
    stride *= dim;
    if (spaces_[s].has_electrons()) result.parities ^= static_cast<int>(digit);
  }
  return result;
}

HighPlace BlockLayout::find(state_t string) const {
  const index_t block = block_of(string);
  if (block >= 0) return {block, own_turn(class_of[static_cast<std::size_t>(block)])};
  if (character_ == 0) return {};
  const Flipped image = flipped(string, 0, split);
  return {block_of(image.string), 1 + image.parities};
}

LowPlace BlockLayout::find_low(std::uint32_t string, int cls, Turn turn) const {
  const Ranks& ranks = ranks_[static_cast<std::size_t>(kind_[static_cast<std::size_t>(cls)])];
  if ((turn == 0 || folded(cls)) && ranks.cls[string] == cls) return {ranks.rank[string], 1};
  if (turn == 0) return {};
  const std::uint32_t image = low_image_[string];
  if (ranks.cls[image] != cls) return {};
  // Electrons up and down change places: nup ndown exchanges of operators.
  const int all = low_parities_.empty() ? 0 : low_parities_[string] ^ (turn - 1);
  return {ranks.rank[image], all == 3 ? -character_ : character_};
}

double BlockLayout::turn_sign(Turn turn, int cls) const {
  if (turn == 0) return 1;
  return find_low(low_image_[low[static_cast<std::size_t>(cls)].front()], cls, turn).sign;
}

double BlockLayout::amplitude(std::uint32_t string, int cls) const noexcept {
  return folded(cls) && low_image_[string] == string ? std::numbers::sqrt2 : 1;
}

index_t BlockLayout::largest_class() const noexcept {
  std::size_t most = 0;
  for (const auto& strings : low) most = std::max(most, strings.size());
  return static_cast<index_t>(most);
}

index_t BlockLayout::block_of(state_t string) const {
  if (!block_of_.empty()) return block_of_[static_cast<std::size_t>(string)];
  const auto at = std::lower_bound(code.begin(), code.end(), string);
  return at != code.end() && *at == string ? at - code.begin() : -1;
}

index_t BlockLayout::block_at(index_t row) const {
  const auto at = std::lower_bound(begin.begin(), begin.end(), row);
  KRONSOLVE_ASSERT(at != begin.end() && *at == row);
  return at - begin.begin();
}

std::vector<int> BlockLayout::high_digits(index_t block) const {
  std::vector<int> digits(static_cast<std::size_t>(split));
  state_t string = code[static_cast<std::size_t>(block)];
  for (int s = split; s-- > 0;) {
    const auto d = static_cast<state_t>(dims[static_cast<std::size_t>(s)]);
    const state_t rest = quotient(string, d);
    digits[static_cast<std::size_t>(s)] = static_cast<int>(string - rest * d);
    string = rest;
  }
  return digits;
}

void BlockLayout::low_digits(std::uint32_t string, std::vector<int>& digits) const {
  const int count = sites - split;
  digits.resize(static_cast<std::size_t>(count));
  if (low_bits_) {
    for (int s = 0; s < count; ++s)
      digits[static_cast<std::size_t>(s)] = static_cast<int>(string >> (count - 1 - s) & 1U);
    return;
  }
  for (int s = count; s-- > 0;) {
    const auto d = static_cast<std::uint32_t>(dims[static_cast<std::size_t>(split + s)]);
    digits[static_cast<std::size_t>(s)] = static_cast<int>(string % d);
    string /= d;
  }
}

index_t BlockLayout::memory_bytes() const noexcept {
  std::size_t bytes = code.size() * (sizeof(state_t) + sizeof(index_t) + sizeof(std::int32_t)) +
                      (block_of_.size() + low_image_.size()) * sizeof(std::int32_t) +
                      low_parities_.size();
  for (const auto& ranks : ranks_) bytes += 2 * ranks.rank.size() * sizeof(std::int32_t);
  for (const auto& strings : low) bytes += strings.size() * sizeof(std::uint32_t);
  return static_cast<index_t>(bytes);
}

SplitFacts split_facts(const DigitPaths& paths, int split) {
  SplitFacts facts;
  std::vector<double> heads = {1};
  for (int s = 0; s < split; ++s) {
    std::vector<double> next(static_cast<std::size_t>(paths.nodes(s + 1)), 0);
    for (int node = 0; node < paths.nodes(s); ++node)
      for (int digit = 0; digit < paths.dim(s); ++digit)
        if (const int to = paths.next(s, node, digit); to >= 0)
          next[static_cast<std::size_t>(to)] += heads[static_cast<std::size_t>(node)];
    heads = std::move(next);
  }
  for (const double h : heads) facts.blocks += h;
  for (int node = 0; node < paths.nodes(split); ++node)
    facts.largest_class = std::max(facts.largest_class, paths.tails(split, node));
  for (int s = split; s < paths.sites(); ++s) facts.low_strings *= paths.dim(s);
  return facts;
}

int choose_split(const DigitPaths& paths, const RowPartition& rows) {
  int split = 0;
  for (int r = 1; r < rows.ranks(); ++r)
    while (split < paths.sites() && rows.range(r).begin < rows.rows() &&
           paths.prefix_block(rows.range(r).begin, split).begin != rows.range(r).begin)
      ++split;
  // Two tiles of the largest class (64 bytes an entry each) about fill a second-level cache;
  // measured, larger low parts win until they do not fit.
  constexpr index_t most_in_tile = 7000;
  constexpr double enough_blocks = 64;
  const double fewest = std::min(enough_blocks, double(rows.rows()) / 64);
  for (; split < paths.sites(); ++split) {
    const SplitFacts facts = split_facts(paths, split);
    if (facts.blocks >= fewest && facts.low_strings <= double(most_low_strings) &&
        facts.largest_class <= most_in_tile)
      break;
  }
  return split;
}

}  // namespace kronsolve::detail
