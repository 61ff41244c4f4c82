#pragma once
// Where a configuration stands in a long ascending list.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include <kronsolve/core/index.hpp>
#include <kronsolve/core/large_vector.hpp>
#include <kronsolve/operators/basis.hpp>

namespace kronsolve::detail {

/// Look-ups of one or two misses of the cache: one of the guide, which knows where in the list to
/// look, one of the list itself.
///
/// Representatives of orbits crowd at small configurations, so that a guide by equal intervals sends
/// most look-ups into a few long pieces. Here the highest bits choose a region, and each region has
/// intervals as fine as its own entries stand close: one or two in an interval.
class SortedIndex {
 public:
  SortedIndex() = default;
  /// @param list  ascending, without repetition; must stay where it is
  explicit SortedIndex(std::span<const name_t> list) : list_(list) {
    if (list.empty()) return;
    constexpr int most_bits = 16;
    const auto span_bits = static_cast<int>(std::bit_width(list.back()));
    region_shift_ = std::max(0, span_bits - std::min(most_bits, int(std::bit_width(list.size()))));
    regions_.resize(static_cast<std::size_t>(list.back() >> region_shift_) + 1);
    for (std::size_t at = 0; at < list.size();) {
      const name_t name = list[at] >> region_shift_;
      const auto end = static_cast<std::size_t>(
          std::partition_point(list.begin() + static_cast<std::ptrdiff_t>(at), list.end(),
                               [&](name_t s) { return s >> region_shift_ == name; }) -
          list.begin());
      add_region(regions_[static_cast<std::size_t>(name)], at, end);
      at = end;
    }
    starts_.push_back(static_cast<std::uint32_t>(list.size()));
  }

  /// Positions, -1 of what is not in the list. Misses of many look-ups go on side by side.
  void find(std::span<const name_t> states, std::span<index_t> positions) const noexcept {
    constexpr std::size_t batch = 64;
    std::array<std::size_t, batch> intervals;
    for (std::size_t begin = 0; begin < states.size(); begin += batch) {
      const std::size_t n = std::min(batch, states.size() - begin);
      for (std::size_t i = 0; i < n; ++i) {
        intervals[i] = interval(states[begin + i]);
        if (intervals[i] != none) __builtin_prefetch(starts_.data() + intervals[i]);
      }
      for (std::size_t i = 0; i < n; ++i)
        if (intervals[i] != none) __builtin_prefetch(list_.data() + starts_[intervals[i]]);
      for (std::size_t i = 0; i < n; ++i)
        positions[begin + i] = search(intervals[i], states[begin + i]);
    }
  }
  index_t find(name_t state) const noexcept { return search(interval(state), state); }

  index_t memory_bytes() const noexcept {
    return static_cast<index_t>(starts_.size() * sizeof(std::uint32_t) +
                                regions_.size() * sizeof(Region));
  }

 private:
  /// Its intervals have 2^shift configurations each, from its first entry on.
  struct Region {
    name_t first = 0;
    std::uint32_t interval = 0, intervals = 0, shift = 0;
  };
  static constexpr auto none = static_cast<std::size_t>(-1);

  void add_region(Region& region, std::size_t begin, std::size_t end) {
    const name_t span = list_[end - 1] - list_[begin];
    int shift = std::max(0, int(std::bit_width(span)) - int(std::bit_width(end - begin)));
    region = {list_[begin], static_cast<std::uint32_t>(starts_.size()),
              static_cast<std::uint32_t>(span >> shift) + 1, static_cast<std::uint32_t>(shift)};
    std::size_t at = begin;
    for (std::uint32_t k = 0; k < region.intervals; ++k) {
      while (at < end && (list_[at] - region.first) >> shift < k) ++at;
      starts_.push_back(static_cast<std::uint32_t>(at));
    }
  }
  std::size_t interval(name_t state) const noexcept {
    const name_t name = state >> region_shift_;
    if (name >= regions_.size()) return none;
    const Region& region = regions_[static_cast<std::size_t>(name)];
    if (state < region.first) return none;
    const name_t at = (state - region.first) >> region.shift;
    return at < region.intervals ? region.interval + static_cast<std::size_t>(at) : none;
  }
  index_t search(std::size_t interval, name_t state) const noexcept {
    if (interval == none) return -1;
    std::size_t at = starts_[interval];
    const std::size_t end = starts_[interval + 1];
    // What follows an interval is greater anyway. Without a branch, which would be foretold wrongly
    // more often than not.
    constexpr std::size_t few = 8;
    if (end - at <= few && at + few <= list_.size()) {
      const name_t* const some = list_.data() + at;
      for (std::size_t k = 0; k < few; ++k) at += some[k] < state ? 1 : 0;
    } else {
      at = static_cast<std::size_t>(
          std::lower_bound(list_.begin() + static_cast<std::ptrdiff_t>(at),
                           list_.begin() + static_cast<std::ptrdiff_t>(end), state) -
          list_.begin());
    }
    return at < end && list_[at] == state ? static_cast<index_t>(at) : -1;
  }

  std::span<const name_t> list_;
  int region_shift_ = 0;
  std::vector<Region> regions_;
  LargeVector<std::uint32_t> starts_;  ///< of all intervals in the list, and its end
};

}  // namespace kronsolve::detail
