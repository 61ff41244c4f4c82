#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace kronsolve::detail {

/// "1 step", "2 steps", "3 processes": `word` is the singular.
std::string counted(std::integral auto n, std::string_view word) {
  const char* const ending = n == 1 ? "" : word.ends_with('s') ? "es" : "s";
  return std::to_string(n) + " " + std::string(word) + ending;
}

}  // namespace kronsolve::detail
