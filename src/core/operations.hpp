#pragma once

#include <span>
#include <string_view>

namespace kronsolve::detail {

/// All values between two numbers.
struct Interval {
  double low = 0, high = 0;
};

/// An operation or function of expressions, of n numbers; truths are 1 and 0.
struct Operation {
  std::string_view name;
  double (*value)(const double* x, int n);
  /// Bounds of all values that it has where each operand is anything between two numbers.
  Interval (*bounds)(const Interval* x, int n);
  /// Written as a word before operands in parentheses.
  bool is_function() const noexcept;
  bool is_comparison() const noexcept;
};

std::span<const Operation> operations() noexcept;
/// Null if there is none of this name.
const Operation* find_operation(std::string_view name) noexcept;

}  // namespace kronsolve::detail
