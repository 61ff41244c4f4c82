// Fits against polynomials that are known and against errors that were drawn.

#include "core/polynomial_fit.hpp"

#include <cmath>
#include <random>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using detail::PolynomialFit;

TEST(PolynomialFitTest, is_the_polynomial_through_its_points) {
  const std::vector<double> x = {0.05, 0.1, 0.125, 0.25, 0.5};
  for (int degree = 0; degree <= 4; ++degree) {
    const auto exact = [&](double at) {
      double value = 0;
      for (int j = degree; j >= 0; --j) value = value * at + (j % 2 == 0 ? 1.5 : -2.25) * (j + 1);
      return value;
    };
    std::vector<double> y;
    for (const double at : x) y.push_back(exact(at));
    const PolynomialFit fit(x, y, {}, degree);
    for (const double at : {0.0, 0.2, 0.7}) EXPECT_NEAR(fit(at), exact(at), 1e-10) << degree;
    EXPECT_EQ(std::isnan(fit.error_at_zero()), degree == 4);
    if (degree < 4) {
      EXPECT_LT(fit.error_at_zero(), 1e-10);
    }
  }
}

TEST(PolynomialFitTest, errors_at_zero_are_those_of_repeated_draws) {
  std::mt19937 random(1);
  std::normal_distribution<double> number;
  const std::vector<double> x = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8};
  for (const bool known : {true, false}) {
    double squares = 0, claimed = 0;
    const int draws = 4000;
    for (int n = 0; n < draws; ++n) {
      std::vector<double> y, error;
      for (std::size_t i = 0; i < x.size(); ++i) {
        error.push_back(known ? 0.01 * (1 + static_cast<double>(i % 3)) : 0.02);
        y.push_back(1 - x[i] + error.back() * number(random));
      }
      const PolynomialFit fit(x, y, known ? error : std::vector<double>{}, 1);
      squares += std::pow(fit(0) - 1, 2);
      claimed += std::pow(fit.error_at_zero(), 2);
    }
    EXPECT_NEAR(claimed / squares, 1, 0.1) << known;  // 4000 draws: 2 % is one deviation
  }
}

TEST(PolynomialFitTest, too_few_places_are_refused) {
  const std::vector<double> x = {0.1, 0.1, 0.2}, y = {1, 1, 2};
  EXPECT_ERROR((void)PolynomialFit(x, y, {}, 2), InvalidArgument, "needs 3 different places");
}

}  // namespace
}  // namespace kronsolve
