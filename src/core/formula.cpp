#include "core/formula.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <string_view>

#include <kronsolve/core/error.hpp>

namespace kronsolve::detail {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// All values between two numbers.
struct Interval {
  double low = 0, high = 0;
};

constexpr Interval anything{-infinity, infinity};

Interval hull(std::initializer_list<double> values) {
  Interval result{infinity, -infinity};
  for (const double v : values) {
    if (std::isnan(v)) return anything;  // 0 * inf: nothing is known
    result.low = std::min(result.low, v);
    result.high = std::max(result.high, v);
  }
  return result;
}

/// Where bounds are infinite a value may be no number at all, which compares as it likes.
bool known(Interval x) { return std::isfinite(x.low) && std::isfinite(x.high); }

bool holds(double x) { return x != 0; }

// ---- one value, and bounds of all values between two -------------------------------------------

Interval times(Interval a, Interval b) {
  return hull({a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high});
}

Interval over(Interval a, Interval b) {
  if (b.low <= 0 && b.high >= 0) return anything;
  return hull({a.low / b.low, a.low / b.high, a.high / b.low, a.high / b.high});
}

template <class F>
Interval rising(Interval x, F f) {
  return hull({f(x.low), f(x.high)});
}

Interval power(Interval a, Interval b) {
  const bool whole = b.low == b.high && b.low == std::floor(b.low) && std::abs(b.low) < 1e9;
  if (a.low > 0)
    return hull({std::pow(a.low, b.low), std::pow(a.low, b.high), std::pow(a.high, b.low),
                 std::pow(a.high, b.high)});
  if (!whole || b.low < 0) return anything;
  const auto ends = hull({std::pow(a.low, b.low), std::pow(a.high, b.low)});
  const bool even = std::fmod(b.low, 2) == 0;
  return even && a.low < 0 && a.high > 0 ? Interval{b.low == 0 ? 1.0 : 0.0, ends.high} : ends;
}

/// A sine or cosine that is largest at `peak` and each turn from there, and least halfway between.
Interval wave(Interval x, double (*f)(double), double peak) {
  constexpr double turn = 2 * std::numbers::pi, unclear = 1e15;
  if (!known(x)) return anything;
  if (!(x.high - x.low < turn) || std::max(std::abs(x.low), std::abs(x.high)) > unclear)
    return {-1, 1};
  const auto passes = [&](double phase) {
    return std::floor((x.high - phase) / turn) > std::floor((x.low - phase) / turn) ||
           std::fmod(x.low - phase, turn) == 0;
  };
  Interval result = hull({f(x.low), f(x.high)});
  if (passes(peak)) result.high = 1;
  if (passes(peak + std::numbers::pi)) result.low = -1;
  return result;
}

Interval tangent(Interval x) {
  constexpr double half_turn = std::numbers::pi;
  const auto branch = [&](double v) { return std::floor(v / half_turn + 0.5); };
  if (!(x.high - x.low < half_turn) || branch(x.low) != branch(x.high)) return anything;
  return hull({std::tan(x.low), std::tan(x.high)});
}

Interval absolute(Interval x) {
  const auto ends = hull({std::abs(x.low), std::abs(x.high)});
  return x.low < 0 && x.high > 0 ? Interval{0, ends.high} : ends;
}

/// Of a truth: 1, 0, or either.
Interval truth(bool surely, bool maybe) { return {surely ? 1.0 : 0.0, maybe ? 1.0 : 0.0}; }
Interval truth_of(const Interval* x, bool surely, bool maybe) {
  return known(x[0]) && known(x[1]) ? truth(surely, maybe) : Interval{0, 1};
}
bool surely(Interval x) { return x.low > 0 || x.high < 0; }
bool maybe(Interval x) { return x.low != 0 || x.high != 0; }

struct Operation {
  std::string_view name;
  double (*value)(const double* x, int n);
  Interval (*bounds)(const Interval* x, int n);
};

template <class F>
double folded(const double* x, int n, F f) {
  double result = x[0];
  for (int i = 1; i < n; ++i) result = f(result, x[i]);
  return result;
}

Interval sum_of(const Interval* x, int n) {
  Interval sum;
  for (int i = 0; i < n; ++i) sum = {sum.low + x[i].low, sum.high + x[i].high};
  return std::isnan(sum.low) || std::isnan(sum.high) ? anything : sum;
}

template <class F>
Interval each_end(const Interval* x, int n, F f) {
  Interval result = x[0];
  for (int i = 1; i < n; ++i) result = {f(result.low, x[i].low), f(result.high, x[i].high)};
  return result;
}

double least(double a, double b) { return std::min(a, b); }
double most(double a, double b) { return std::max(a, b); }

const std::array operations = {
    Operation{"+", [](const double* x, int) { return x[0] + x[1]; }, sum_of},
    Operation{"-", [](const double* x, int) { return x[0] - x[1]; },
              [](const Interval* x, int) {
                const Interval both[] = {x[0], {-x[1].high, -x[1].low}};
                return sum_of(both, 2);
              }},
    Operation{"*", [](const double* x, int) { return x[0] * x[1]; },
              [](const Interval* x, int) { return times(x[0], x[1]); }},
    Operation{"/", [](const double* x, int) { return x[0] / x[1]; },
              [](const Interval* x, int) { return over(x[0], x[1]); }},
    Operation{"^", [](const double* x, int) { return std::pow(x[0], x[1]); },
              [](const Interval* x, int) { return power(x[0], x[1]); }},
    Operation{"negative", [](const double* x, int) { return -x[0]; },
              [](const Interval* x, int) {
                return Interval{-x[0].high, -x[0].low};
              }},
    Operation{"abs", [](const double* x, int) { return std::abs(x[0]); },
              [](const Interval* x, int) { return absolute(x[0]); }},
    Operation{"sqrt", [](const double* x, int) { return std::sqrt(x[0]); },
              [](const Interval* x, int) {
                return x[0].low < 0 ? anything
                                    : rising(x[0], [](double v) { return std::sqrt(v); });
              }},
    Operation{"log", [](const double* x, int) { return std::log(x[0]); },
              [](const Interval* x, int) {
                return x[0].low < 0 ? anything : rising(x[0], [](double v) { return std::log(v); });
              }},
    Operation{
        "exp", [](const double* x, int) { return std::exp(x[0]); },
        [](const Interval* x, int) { return rising(x[0], [](double v) { return std::exp(v); }); }},
    Operation{"sin", [](const double* x, int) { return std::sin(x[0]); },
              [](const Interval* x, int) {
                return wave(
                    x[0], [](double v) { return std::sin(v); }, std::numbers::pi / 2);
              }},
    Operation{"cos", [](const double* x, int) { return std::cos(x[0]); },
              [](const Interval* x, int) {
                return wave(
                    x[0], [](double v) { return std::cos(v); }, 0);
              }},
    Operation{"tan", [](const double* x, int) { return std::tan(x[0]); },
              [](const Interval* x, int) { return tangent(x[0]); }},
    Operation{"floor", [](const double* x, int) { return std::floor(x[0]); },
              [](const Interval* x, int) {
                return rising(x[0], [](double v) { return std::floor(v); });
              }},
    Operation{"min", [](const double* x, int n) { return folded(x, n, least); },
              [](const Interval* x, int n) { return each_end(x, n, least); }},
    Operation{"max", [](const double* x, int n) { return folded(x, n, most); },
              [](const Interval* x, int n) { return each_end(x, n, most); }},
    Operation{"sum",
              [](const double* x, int n) {
                return folded(x, n, [](double a, double b) { return a + b; });
              },
              sum_of},
    Operation{"mean",
              [](const double* x, int n) {
                return folded(x, n, [](double a, double b) { return a + b; }) / n;
              },
              [](const Interval* x, int n) {
                const auto sum = sum_of(x, n);
                return Interval{sum.low / n, sum.high / n};
              }},
    Operation{"and", [](const double* x, int) { return holds(x[0]) && holds(x[1]) ? 1.0 : 0.0; },
              [](const Interval* x, int) {
                return truth(surely(x[0]) && surely(x[1]), maybe(x[0]) && maybe(x[1]));
              }},
    Operation{"or", [](const double* x, int) { return holds(x[0]) || holds(x[1]) ? 1.0 : 0.0; },
              [](const Interval* x, int) {
                return truth(surely(x[0]) || surely(x[1]), maybe(x[0]) || maybe(x[1]));
              }},
    Operation{"not", [](const double* x, int) { return holds(x[0]) ? 0.0 : 1.0; },
              [](const Interval* x, int) { return truth(!maybe(x[0]), !surely(x[0])); }},
    Operation{"<", [](const double* x, int) { return x[0] < x[1] ? 1.0 : 0.0; },
              [](const Interval* x, int) {
                return truth_of(x, x[0].high < x[1].low, x[0].low < x[1].high);
              }},
    Operation{"<=", [](const double* x, int) { return x[0] > x[1] ? 0.0 : 1.0; },
              [](const Interval* x, int) {
                return truth_of(x, x[0].high <= x[1].low, x[0].low <= x[1].high);
              }},
    Operation{">", [](const double* x, int) { return x[0] > x[1] ? 1.0 : 0.0; },
              [](const Interval* x, int) {
                return truth_of(x, x[0].low > x[1].high, x[0].high > x[1].low);
              }},
    Operation{">=", [](const double* x, int) { return x[0] < x[1] ? 0.0 : 1.0; },
              [](const Interval* x, int) {
                return truth_of(x, x[0].low >= x[1].high, x[0].high >= x[1].low);
              }},
    Operation{"=", [](const double* x, int) { return x[0] < x[1] || x[0] > x[1] ? 0.0 : 1.0; },
              [](const Interval* x, int) {
                const bool one = x[0].low == x[0].high && x[1].low == x[1].high;
                return truth_of(x, one && x[0].low == x[1].low,
                                x[0].low <= x[1].high && x[1].low <= x[0].high);
              }},
    Operation{"!=", [](const double* x, int) { return x[0] < x[1] || x[0] > x[1] ? 1.0 : 0.0; },
              [](const Interval* x, int) {
                const bool one = x[0].low == x[0].high && x[1].low == x[1].high;
                return truth_of(x, x[0].low > x[1].high || x[1].low > x[0].high,
                                !(one && x[0].low == x[1].low));
              }},
};

double apply(const Operation& operation, const double* x, int n) { return operation.value(x, n); }
Interval apply(const Operation& operation, const Interval* x, int n) {
  return operation.bounds(x, n);
}
double constant(double value, double) { return value; }
Interval constant(double value, Interval) { return {value, value}; }

}  // namespace

Formula::Formula(const Expression& expression, const std::string& variable, const Json& record) {
  compile(expression.root_, variable, record, expression);
}

void Formula::compile(const Expression::Node& node, const std::string& variable, const Json& record,
                      const Expression& expression) {
  using Kind = Expression::Node::Kind;
  if (node.kind == Kind::field && node.name == variable) {
    instructions_.push_back({Instruction::Kind::variable});
    return;
  }
  if (node.kind != Kind::operation) {
    instructions_.push_back({Instruction::Kind::constant, expression.number(node, record)});
    return;
  }
  const auto at = std::find_if(operations.begin(), operations.end(),
                               [&](const Operation& one) { return one.name == node.name; });
  if (at == operations.end())
    throw InvalidArgument(concat("expression '", expression.text(),
                                 "': ", node.name == "[]" ? "x[i]" : node.name,
                                 " has no place in a function of ", variable));
  for (const auto& operand : node.operands) compile(operand, variable, record, expression);
  instructions_.push_back({Instruction::Kind::operation, 0,
                           static_cast<int>(at - operations.begin()),
                           static_cast<int>(node.operands.size())});
}

template <class Value>
Value Formula::run(Value x) const {
  constexpr std::size_t most_on_stack = 64;
  Value few[most_on_stack] = {};
  std::vector<Value> many(instructions_.size() > most_on_stack ? instructions_.size() : 0);
  Value* const stack = many.empty() ? few : many.data();
  std::size_t top = 0;
  for (const auto& step : instructions_) {
    if (step.kind == Instruction::Kind::constant) {
      stack[top++] = constant(step.number, x);
    } else if (step.kind == Instruction::Kind::variable) {
      stack[top++] = x;
    } else {
      top -= static_cast<std::size_t>(step.operands);
      stack[top] =
          apply(operations[static_cast<std::size_t>(step.operation)], stack + top, step.operands);
      ++top;
    }
  }
  return stack[0];
}

double Formula::operator()(double x) const { return run(x); }

std::pair<double, double> Formula::range(double low, double high) const {
  const auto bounds = run(Interval{low, high});
  return {bounds.low, bounds.high};
}

std::vector<double> abrupt_places(
    const std::function<std::pair<double, double>(double, double)>& range, double begin,
    double end) {
  constexpr int levels = 45;       // then a piece is as short as the rounding of a time
  constexpr int all_until = 16;    // pieces of 2^-16 are looked at one and all
  constexpr int samples_see = 11;  // levels that samples between two places see
  constexpr double rounding = 1e-12;
  constexpr std::size_t most_pieces = 4096;
  /// With the widths of the function over it and over what it was cut from, up to three times.
  struct Piece {
    double begin, end;
    std::array<double, 4> widths;
    /// Of a smooth function an eighth of an interval has about an eighth of the width, a fourth
    /// beside an extremum.
    bool is_smooth() const { return std::isfinite(widths[3]) && widths[0] <= widths[3] / 2; }
  };
  if (!(end > begin)) return {};
  double size = 0;  // of the function, where its bounds are finite
  std::vector<Piece> rough = {{begin, end, {}}};
  std::vector<double> places;
  for (int level = 1; level <= levels && !rough.empty(); ++level) {
    std::vector<Piece> next;
    const auto look_at = [&](const Piece& whole, double from, double to) {
      const auto [low, high] = range(from, to);
      const Piece piece{from, to, {high - low, whole.widths[0], whole.widths[1], whole.widths[2]}};
      if (level == all_until && std::isfinite(piece.widths[0]))
        size = std::max({size, std::abs(low), std::abs(high)});
      if (level < all_until || !(piece.is_smooth() || piece.widths[0] <= rounding * size))
        next.push_back(piece);
    };
    for (const auto& piece : rough) {
      const double middle = piece.begin + (piece.end - piece.begin) / 2;
      look_at(piece, piece.begin, middle);
      look_at(piece, middle, piece.end);
    }
    rough = std::move(next);
    if (level < all_until) continue;
    if (rough.size() > most_pieces) break;  // steep everywhere
    // Ends of what is left, a few times on the way down: each time samples get finer.
    if (level != levels && (level - all_until) % samples_see != 0) continue;
    for (std::size_t i = 0; i < rough.size(); ++i) {
      if (i == 0 || rough[i - 1].end != rough[i].begin) places.push_back(rough[i].begin);
      if (i + 1 == rough.size() || rough[i].end != rough[i + 1].begin)
        places.push_back(rough[i].end);
    }
  }
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  return places;
}

}  // namespace kronsolve::detail
