#include "operators/matrix_free/block_layout.hpp"

#include <algorithm>

#include <kronsolve/core/error.hpp>

namespace kronsolve::detail {

const DigitPaths& paths_of(const Basis& basis) {
  if (const auto* paths = basis.paths()) return *paths;
  throw NotSupported(
      "the matrix-free product needs the full space or a charge sector; this basis mixes "
      "configurations, use the assembled form");
}

BlockLayout::BlockLayout(const Basis& basis, const DigitPaths& paths, int split_at)
    : split(split_at), sites(basis.sites()) {
  state_t high_strings = 1;
  for (int s = 0; s < sites; ++s) {
    dims.push_back(basis.code().dim(s));
    (s < split ? high_strings : low_strings) *= static_cast<state_t>(dims.back());
    low_bits_ = low_bits_ && (s < split || dims.back() == 2);
  }
  for (int s = 0; s < sites; ++s)
    strides.push_back(s < split ? basis.code().stride(s) / low_strings : basis.code().stride(s));
  KRONSOLVE_ASSERT(low_strings <= most_low_strings);

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

  rank.assign(low_strings, -1);
  low_class.assign(low_strings, -1);
  low.resize(static_cast<std::size_t>(paths.nodes(split)));
  for (int cls = 0; cls < paths.nodes(split); ++cls) {
    auto& strings = low[static_cast<std::size_t>(cls)];
    const auto down = [&](const auto& self, int site, int node, state_t string) -> void {
      if (site == sites) {
        rank[string] = static_cast<std::int32_t>(strings.size());
        low_class[string] = cls;
        strings.push_back(static_cast<std::uint32_t>(string));
        return;
      }
      for (int digit = 0; digit < paths.dim(site); ++digit)
        if (const int to = paths.next(site, node, digit); to >= 0)
          self(self, site + 1, to,
               string * static_cast<state_t>(paths.dim(site)) + static_cast<state_t>(digit));
    };
    down(down, split, cls, 0);
  }
  constexpr state_t small_table = state_t{1} << 22;
  if (high_strings <= small_table) {
    block_of_.assign(high_strings, -1);
    for (std::size_t b = 0; b < code.size(); ++b) block_of_[code[b]] = static_cast<std::int32_t>(b);
  }
}

index_t BlockLayout::largest_class() const noexcept {
  std::size_t most = 0;
  for (const auto& strings : low) most = std::max(most, strings.size());
  return static_cast<index_t>(most);
}

index_t BlockLayout::find(state_t string) const {
  if (!block_of_.empty()) return block_of_[string];
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
    digits[static_cast<std::size_t>(s)] = static_cast<int>(string % d);
    string /= d;
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
                      (rank.size() + low_class.size() + block_of_.size()) * sizeof(std::int32_t);
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
