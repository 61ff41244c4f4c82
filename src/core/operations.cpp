#include "core/operations.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace kronsolve::detail {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

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

const std::array all_operations = {
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

}  // namespace

bool Operation::is_function() const noexcept {
  return name[0] >= 'a' && name[0] <= 'z' && name != "negative" && name != "and" && name != "or" &&
         name != "not";
}

bool Operation::is_comparison() const noexcept {
  return name[0] == '<' || name[0] == '>' || name[0] == '=' || name[0] == '!';
}

std::span<const Operation> operations() noexcept { return all_operations; }

const Operation* find_operation(std::string_view name) noexcept {
  const auto at = std::find_if(all_operations.begin(), all_operations.end(),
                               [&](const Operation& one) { return one.name == name; });
  return at == all_operations.end() ? nullptr : &*at;
}

}  // namespace kronsolve::detail
