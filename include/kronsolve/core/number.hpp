#pragma once
// Numbers as people write them. One reader for options, models, sectors and files.

#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace kronsolve {

/// The number that the whole text is, with at most one sign; nothing if it is none or above the
/// range of its type. Below the range of doubles the nearest one (1e-400 is 0); "inf" and "nan" are
/// read.
template <class Number>
requires std::integral<Number> || std::same_as<Number, double> std::optional<Number> read_number(
    std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  Number value{};
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value);
  if (text.empty() || end != last) return std::nullopt;
  if constexpr (std::same_as<Number, double>) {
    if (error == std::errc::result_out_of_range) {
      value = std::strtod(std::string(text).c_str(), nullptr);
      return std::abs(value) < 1 ? std::optional(value) : std::nullopt;
    }
  }
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

/// The shortest text that read_number takes to the same number: "0.1", "1e-05", "-3".
template <class Number>
requires std::integral<Number> || std::same_as<Number, double> std::string shortest_text(
    Number value) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end};
}

}  // namespace kronsolve
