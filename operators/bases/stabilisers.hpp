#pragma once
// How many elements of a group leave each representative of a long list where it is.

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include <kronsolve/core/index.hpp>
#include <kronsolve/core/large_vector.hpp>

namespace kronsolve::detail {

/// Orders of stabilisers by row. Nearly all of long lists are 1, so that a row takes a bit, which
/// stays in a cache where a number would not; the others follow in their order.
class Stabilisers {
 public:
  /// Appends the orders of the next rows, 64 at a time but for the last call.
  void append(std::span<const int> orders) {
    for (std::size_t first = 0; first < orders.size(); first += 64) {
      if (bits_.size() % group_words == 0)
        before_.push_back(static_cast<std::uint32_t>(orders_.size()));
      std::uint64_t word = 0;
      for (std::size_t i = first; i < orders.size() && i < first + 64; ++i)
        if (orders[i] != 1) {
          word |= std::uint64_t{1} << (i - first);
          orders_.push_back(orders[i]);
        }
      bits_.push_back(word);
    }
  }

  int operator[](std::size_t row) const noexcept {
    const std::size_t word = row / 64;
    const std::uint64_t bit = std::uint64_t{1} << row % 64;
    if ((bits_[word] & bit) == 0) return 1;
    std::size_t at = before_[word / group_words];
    for (std::size_t w = word / group_words * group_words; w < word; ++w)
      at += static_cast<std::size_t>(std::popcount(bits_[w]));
    return orders_[at + static_cast<std::size_t>(std::popcount(bits_[word] & (bit - 1)))];
  }

  index_t memory_bytes() const noexcept {
    return static_cast<index_t>(bits_.size() * sizeof(std::uint64_t) +
                                before_.size() * sizeof(std::uint32_t) +
                                orders_.size() * sizeof(int));
  }

 private:
  static constexpr std::size_t group_words = 8;
  LargeVector<std::uint64_t> bits_;
  std::vector<std::uint32_t> before_;  ///< orders before each group of words
  std::vector<int> orders_;            ///< those that are not 1
};

}  // namespace kronsolve::detail
