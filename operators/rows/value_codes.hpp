#pragma once
// Small codes in place of the few different values that matrices of models have.

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include <kronsolve/core/scalar.hpp>

namespace kronsolve::detail {

/// Codes of the different values of a matrix (to the bit), while a `Code` can number them.
template <Scalar T, class Code>
class ValueCodes {
 public:
  /// Learns a value; false if there are too many for a code.
  bool learn(const T& v) {
    if (!table_.empty() && same(v, table_[last_])) return true;
    const std::size_t at = slot(v);
    if (slots_[at] >= 0) {
      last_ = static_cast<std::size_t>(slots_[at]);
      return true;
    }
    if (table_.size() == most) return false;
    slots_[at] = static_cast<std::int32_t>(table_.size());
    last_ = table_.size();
    table_.push_back(v);
    return true;
  }
  /// @pre v was learnt
  Code code(const T& v) const noexcept { return static_cast<Code>(slots_[slot(v)]); }
  /// Value of each code.
  const std::vector<T>& table() const noexcept { return table_; }

 private:
  static constexpr std::size_t most = std::size_t{std::numeric_limits<Code>::max()} + 1;
  static constexpr int slot_bits = std::numeric_limits<Code>::digits + 2;

  static bool same(const T& a, const T& b) noexcept { return std::memcmp(&a, &b, sizeof(T)) == 0; }
  std::size_t slot(const T& v) const noexcept {
    std::array<std::uint64_t, sizeof(T) / 8> words{};
    std::memcpy(words.data(), &v, sizeof(T));
    std::uint64_t hash = 0;
    for (const auto word : words) hash = (hash ^ word) * 0x9E3779B97F4A7C15ull;
    std::size_t at = hash >> (64 - slot_bits);
    while (slots_[at] >= 0 && !same(table_[static_cast<std::size_t>(slots_[at])], v))
      at = (at + 1) % slots_.size();
    return at;
  }

  std::vector<T> table_;
  std::vector<std::int32_t> slots_ = std::vector<std::int32_t>(std::size_t{1} << slot_bits, -1);
  std::size_t last_ = 0;
};

}  // namespace kronsolve::detail
