#include "cli/text.hpp"

#include <cmath>

#include <fmt/format.h>

namespace kronsolve::cli {

std::string grouped(index_t n) {
  std::string digits = std::to_string(n);
  const std::size_t first = n < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3; at -= 3) digits.insert(at - 3, " ");
  return digits;
}

std::string seconds_text(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  if (seconds < 1) return fmt::format("{:.0f} ms", seconds * 1e3);
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<index_t>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string value_text(double value) { return fmt::format("{: #.17g}", value); }

std::string residual_text(double residual) { return fmt::format("{:.1e}", residual); }

}  // namespace kronsolve::cli
