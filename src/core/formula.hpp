#pragma once
// A formula as a function of one number, for callers that need many values.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <kronsolve/export.hpp>

#include "core/expression.hpp"

namespace kronsolve::detail {

struct Operation;

/// An Expression whose names are numbers, all but one fixed. Immutable; shared by threads.
class KRONSOLVE_EXPORT Formula {
 public:
  /// @param variable  the name that stays free
  /// @param record    values of the other names
  /// @throws InvalidArgument  a name without a value, texts and lists
  Formula(const Expression& expression, const std::string& variable, const Json& record);

  double operator()(double x) const;
  /// Bounds of the values between two numbers; wider than needed where the variable stands more
  /// than once, never too narrow but for rounding.
  std::pair<double, double> range(double low, double high) const;

 private:
  struct Instruction {
    enum class Kind { constant, variable, operation } kind = Kind::constant;
    double number = 0;
    const Operation* operation = nullptr;
    int operands = 0;
  };
  void compile(const Expression::Node& node, const std::string& variable, const Json& record,
               const Expression& expression);
  template <class Value>
  Value run(Value x) const;

  std::vector<Instruction> instructions_;  ///< operands before what uses them
};

/// Where a function does something much faster than the interval is long: pairs of times around
/// jumps and narrow pulses, ascending, so that who goes through the interval in steps looks there
/// with steps of that size. Found by bounds of its values and not by samples, so that no pulse is
/// too narrow.
///
/// Pieces of the interval are halved as long as bounds over a half are not much closer than over the
/// whole piece, as they are where a function is smooth. Functions that are steep everywhere give
/// none: samples see them.
/// @param range  bounds of the function between two times
KRONSOLVE_EXPORT std::vector<double> abrupt_places(
    const std::function<std::pair<double, double>(double, double)>& range, double begin,
    double end);

}  // namespace kronsolve::detail
