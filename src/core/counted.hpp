#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace kronsolve::detail {

/// "step" of one, "steps", "processes" and "trajectories" of more: `word` is the singular.
inline std::string number_of(std::string_view word, bool one) {
  if (one) return std::string(word);
  if (word.ends_with("ry")) return std::string(word.substr(0, word.size() - 1)) + "ies";
  return std::string(word) + (word.ends_with('s') ? "es" : "s");
}

/// "1 step", "2 steps".
std::string counted(std::integral auto n, std::string_view word) {
  return std::to_string(n) + " " + number_of(word, n == 1);
}

}  // namespace kronsolve::detail
