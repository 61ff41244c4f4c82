// Formulas as functions of one number: values against the expression itself, bounds against values,
// and where functions are abrupt.

#include "core/formula.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using detail::Expression;
using detail::Formula;
using detail::Json;

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  double number(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random_);
  }
  std::string any(int depth) {
    if (depth == 0 || below(6) == 0) {
      if (below(2) == 0) return "t";
      return below(3) == 0 ? "a" : detail::concat("(", below(9) - 4, ".5)");
    }
    const auto one = [&] { return "(" + any(depth - 1) + ")"; };
    static const char* const functions[] = {"abs", "sqrt", "log", "exp",
                                            "sin", "cos",  "tan", "floor"};
    static const char* const between[] = {"+", "-", "*", "/", "<", "<=", ">", ">=", "=", "!="};
    switch (below(8)) {
      case 0:
      case 1:
        return functions[below(8)] + one();
      case 2:
        return (below(2) == 0 ? "min(" : "max(") + any(depth - 1) + ", " + any(depth - 1) + ")";
      case 3:
        return detail::concat(one(), "^", below(5) - 1);
      case 4:
        return one() + (below(2) == 0 ? " and " : " or ") + one();
      case 5:
        return below(2) == 0 ? "-" + one()
                             : "sum(" + any(depth - 1) + ", 1, " + any(depth - 1) + ")";
      default:
        return one() + between[below(10)] + one();
    }
  }

 private:
  std::mt19937 random_;
};

TEST(Formula, has_the_values_of_the_expression_and_bounds_that_hold) {
  int bounded = 0;
  for (unsigned seed = 1; seed <= 3000; ++seed) {
    Generator random(seed);
    const Expression expression(random.any(4));
    SCOPED_TRACE(detail::concat("seed ", seed, ": ", expression.text()));
    Json record = {{"a", 0.75}};
    const Formula formula(expression, "t", record);
    const double begin = random.number(-5, 5), end = begin + random.number(0, 3);
    const auto [low, high] = formula.range(begin, end);
    bounded += std::isfinite(low) && std::isfinite(high);
    for (int i = 0; i < 25; ++i) {
      const double t = i == 0 ? begin : i == 1 ? end : random.number(begin, end);
      record["t"] = t;
      const double value = expression.value(record).get<double>(), here = formula(t);
      ASSERT_TRUE(here == value || (std::isnan(here) && std::isnan(value))) << here << " " << value;
      if (std::isnan(value)) continue;
      const double rounding = std::isinf(value) ? 0 : 1e-12 * std::max(1.0, std::abs(value));
      ASSERT_TRUE(low - rounding <= value && value <= high + rounding)
          << value << " at " << t << " is not in [" << low << ", " << high << "]";
    }
  }
  EXPECT_GT(bounded, 1000);
}

std::vector<double> abrupt(const std::string& text, double begin, double end) {
  const Formula formula(Expression(text), "t", Json::object());
  return detail::abrupt_places([&](double a, double b) { return formula.range(a, b); }, begin, end);
}

TEST(AbruptPlaces, are_none_of_smooth_functions) {
  for (const char* text : {"1", "t", "t^3 - 4*t", "sin(3*t)", "exp(-(t - 2)^2)", "1/(1 + t^2)",
                           "0.4*sin(50*t)^2", "abs(t - 5)"})
    EXPECT_EQ(abrupt(text, 0, 10).size(), 0U) << text;
}

TEST(AbruptPlaces, enclose_jumps_and_pulses_however_narrow_they_are) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    Generator random(seed);
    const double at = random.number(1, 999), width = std::pow(10.0, random.number(-10, -2));
    const std::string x = detail::concat("(t - ", at, ")/", width);
    for (const std::string& text :
         {detail::concat("t >= ", at), detail::concat("(t >= ", at, " and t < ", at + width, ")"),
          "exp(-(" + x + ")^2)", "1/(1 + (" + x + ")^2)", "sin(t) + 3*exp(-(" + x + ")^2)"}) {
      SCOPED_TRACE(detail::concat("seed ", seed, ": ", text));
      const auto places = abrupt(text, 0, 1000);
      ASSERT_TRUE(std::is_sorted(places.begin(), places.end()));
      ASSERT_LE(places.size(), 64U);
      // Some pair of neighbours holds it, and is not much longer than it is.
      const auto after = std::upper_bound(places.begin(), places.end(), at);
      ASSERT_TRUE(after != places.begin() && after != places.end());
      EXPECT_LE(*after - *(after - 1), std::max(1e4 * width, 1e-8));
    }
  }
}

TEST(Formula, refuses_what_is_no_function_of_numbers) {
  const auto make = [](const char* text) {
    (void)Formula(Expression(text), "t", Json{{"list", {1, 2}}});
  };
  EXPECT_ERROR(make("t + x"), InvalidArgument, "'x'");
  EXPECT_ERROR(make("'text'"), InvalidArgument, "is not a number");
  EXPECT_ERROR(make("list"), InvalidArgument, "is not a number");
  EXPECT_ERROR(make("list[0]"), InvalidArgument, "has no place in a function of t");
}

}  // namespace
}  // namespace kronsolve
