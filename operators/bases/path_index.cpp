#include <algorithm>
#include <bit>
#include <map>

#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/path_index.hpp>

namespace kronsolve {

PathIndex::PathIndex(const DigitPaths& paths) {
  // Two parts where their tables stay in the second-level cache, more and smaller ones otherwise.
  double strings = 1;
  for (int s = 0; s < paths.sites(); ++s) strings *= paths.dim(s);
  int kinds = 1;
  for (int s = 0; s < paths.sites(); ++s) kinds = std::max(kinds, paths.kinds(s));
  constexpr int few_kinds = 8;  // each has a table of its own
  const double most = strings <= 4294967296.0 && kinds <= few_kinds ? 65536 : 4096;
  state_t stride = 1;
  for (int site = paths.sites(); site > 0;) {
    Part part;
    part.end = part.begin = site;
    part.stride = stride;
    part.last = site == paths.sites();
    while (part.begin > 0 &&
           (part.begin == part.end || double(part.strings) * paths.dim(part.begin - 1) <= most))
      part.strings *= static_cast<std::uint64_t>(paths.dim(--part.begin));
    state_t last = 0;  // the largest string of the sites from here on
    if (stride == 0 || __builtin_mul_overflow(stride, state_t{part.strings - 1}, &last) ||
        __builtin_add_overflow(last, stride - 1, &last))
      throw InvalidArgument(detail::concat("the digit strings of ", paths.sites(),
                                           " sites take more than 128 bits; take fewer sites"));
    narrow_ = last >> 64 == 0;
    stride *= part.strings;  // 2^128 becomes 0: then there may be no more
    fill(paths, part);
    site = part.begin;
    parts_.insert(parts_.begin(), std::move(part));
  }
}

void PathIndex::fill(const DigitPaths& paths, Part& part) {
  const auto nodes = static_cast<std::size_t>(paths.nodes(part.begin));
  const auto strings = static_cast<std::size_t>(part.strings);
  part.nodes.resize(nodes);
  std::map<int, std::size_t> of_kind;  // of the last part
  for (std::size_t c = 0; c < nodes; ++c) {
    auto& node = part.nodes[c];
    node.entries = part.entries.size();
    if (part.last)
      node.entries = of_kind.try_emplace(paths.kind(part.begin, static_cast<int>(c)), node.entries)
                         .first->second;
    if (node.entries == part.entries.size()) part.entries.resize(node.entries + strings);
    index_t before = 0;
    // Depth first through the digits of the run, ascending.
    const auto walk = [&](const auto& self, int site, int at, std::uint32_t string) -> void {
      if (site == part.end) {
        node.string.push_back(string);
        node.first.push_back(before);
        auto& entry = part.entries[node.entries + string];
        entry = {before, part.last ? static_cast<int>(c) : at};
        before += paths.tails(site, at);
        return;
      }
      for (int digit = 0; digit < paths.dim(site); ++digit)
        if (const int to = paths.next(site, at, digit); to >= 0)
          self(self, site + 1, to,
               string * static_cast<std::uint32_t>(paths.dim(site)) +
                   static_cast<std::uint32_t>(digit));
    };
    walk(walk, part.begin, static_cast<int>(c), 0);
    node.first.push_back(before);
    // The guide tells for every 2^shift rows the string to look from: a step or two on average.
    const auto rows_per_string = static_cast<std::uint64_t>(before) / node.string.size();
    node.shift = static_cast<int>(std::bit_width(rows_per_string)) - 1;
    const auto buckets = static_cast<std::size_t>((before - 1) >> node.shift) + 1;
    std::uint32_t k = 0;
    for (std::size_t b = 0; b < buckets; ++b) {
      while (node.first[k + 1] <= static_cast<index_t>(b) << node.shift) ++k;
      node.guide.push_back(k);
    }
  }
}

template <class Word>
Word PathIndex::find_string(index_t i) const {
  Word string = 0;
  std::size_t at = 0;
  for (const auto& part : parts_) {
    const auto& node = part.nodes[at];
    std::size_t k = node.guide[static_cast<std::size_t>(i >> node.shift)];
    while (node.first[k + 1] <= i) ++k;
    string += node.string[k] * static_cast<Word>(part.stride);
    if (part.last) break;
    i -= node.first[k];
    at = static_cast<std::size_t>(part.entries[node.entries + node.string[k]].node);
  }
  return string;
}

template <class Word>
index_t PathIndex::find_row(Word string) const {
  index_t row = 0;
  int at = 0;
  for (const auto& part : parts_) {
    const auto stride = static_cast<Word>(part.stride);
    const Word all = detail::quotient(string, stride);
    if (all >= part.strings) return -1;  // digits beyond the first site
    const auto here = static_cast<std::size_t>(all);
    string -= all * stride;
    const auto& entry = part.entries[part.nodes[static_cast<std::size_t>(at)].entries + here];
    if (part.last) return entry.node == at ? row + entry.first : -1;
    if (entry.node < 0) return -1;
    row += entry.first;
    at = entry.node;
  }
  return row;
}

state_t PathIndex::string(index_t i) const {
  return narrow_ ? find_string<std::uint64_t>(i) : find_string<state_t>(i);
}

index_t PathIndex::row(state_t string) const {
  if (!narrow_) return find_row(string);
  return string >> 64 == 0 ? find_row(static_cast<std::uint64_t>(string)) : -1;
}

void PathIndex::strings(RowRange range, std::span<state_t> strings) const {
  for (std::size_t i = 0; i < strings.size(); ++i)
    strings[i] = string(range.begin + static_cast<index_t>(i));
}

void PathIndex::rows(std::span<const state_t> strings, std::span<index_t> rows) const {
  if (narrow_) {
    for (std::size_t i = 0; i < rows.size(); ++i)
      rows[i] = strings[i] >> 64 == 0 ? find_row(static_cast<std::uint64_t>(strings[i])) : -1;
    return;
  }
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = find_row(strings[i]);
}

index_t PathIndex::memory_bytes() const noexcept {
  std::size_t bytes = 0;
  for (const auto& part : parts_) {
    bytes += part.entries.size() * sizeof(Part::Entry);
    for (const auto& node : part.nodes)
      bytes += (node.string.size() + node.guide.size()) * sizeof(std::uint32_t) +
               node.first.size() * sizeof(index_t);
  }
  return static_cast<index_t>(bytes);
}

}  // namespace kronsolve
