#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace kronsolve::detail {

/// "1 step", "2 steps": `word` is the singular.
std::string counted(std::integral auto n, std::string_view word) {
  return std::to_string(n) + " " + std::string(word) + (n == 1 ? "" : "s");
}

}  // namespace kronsolve::detail
