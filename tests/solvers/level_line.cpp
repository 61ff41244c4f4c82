// Interpolated levels against exact ones: never too low, never off by more than their bounds.

#include <numeric>
#include <random>

#include <kronsolve/solvers/level_line.hpp>

#include "support/chains.hpp"
#include "support/dense_oracle.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::world;

std::vector<double> exact_levels(const OpSum& a, const OpSum& b, double t) {
  const test::DenseMatrix h = (1 - t) * test::dense(a) + t * test::dense(b);
  const Eigen::VectorXd all = h.selfadjointView<Eigen::Lower>().eigenvalues();
  return {all.data(), all.data() + all.size()};
}

/// Compares everywhere; returns for how many of 21 places all bounds are below `wanted`.
int expect_bounds_hold(const LevelLine& line, const OpSum& a, const OpSum& b, double wanted) {
  constexpr double rounding = 1e-11;  // of the dense oracle
  int known = 0;
  for (int i = 0; i <= 20; ++i) {
    const double t = i / 20.0;
    const auto exact = exact_levels(a, b, t);
    const auto found = line.at(t);
    double worst = 0;
    for (std::size_t j = 0; j < found.values.size(); ++j) {
      EXPECT_GE(found.values[j], exact[j] - rounding) << "t " << t << ", level " << j;
      EXPECT_GE(found.bounds[j], 0);
      EXPECT_LE(found.values[j] - found.bounds[j], exact[j] + rounding)
          << "t " << t << ", level " << j;
      worst = std::max(worst, found.bounds[j]);
    }
    known += worst <= wanted ? 1 : 0;
  }
  return known;
}

OpSum random_chain(int n, std::mt19937& random, bool complex) {
  std::normal_distribution<double> number;
  OpSum h(n);
  for (int i = 0; i < n; ++i)
    for (const char* name : {"Sx", "Sz"}) {
      h.add(number(random), {{name, i}});
      if (i + 1 < n) h.add(number(random), {{name, i}, {name, i + 1}});
      if (complex) h.add(number(random), {{"Sy", i}});
    }
  return h;
}

TEST(LevelLineTest, bounds_hold_on_random_lines) {
  for (unsigned seed = 0; seed < 6; ++seed) {
    std::mt19937 random(seed);
    const bool complex = seed % 2 == 1;
    const auto a = random_chain(6, random, false), b = random_chain(6, random, complex);
    for (const index_t k : {1, 3}) {
      SCOPED_TRACE(detail::concat("seed ", seed, ", k ", k));
      LevelLine line(world(), on_full_space(a), b, {.k = k});
      int before = 0;
      for (const double t : {0.0, 1.0, 0.5, 0.25, 0.75, 0.12, 0.87, 0.37, 0.62, 0.06, 0.94, 0.18}) {
        const auto solved = line.solve(t);
        ASSERT_EQ(solved.eigenvalues.size(), static_cast<std::size_t>(k));
        EXPECT_NEAR(solved.eigenvalues[0], exact_levels(a, b, t)[0], 1e-10);
        // Where a point was solved nothing is left to interpolate.
        EXPECT_NEAR(line.at(t).values[0], solved.eigenvalues[0], 1e-10);
        if (t == 0.75 || t == 0.18) {
          const int now = expect_bounds_hold(line, a, b, 1e-2);
          EXPECT_GE(now, before);
          before = now;
        }
      }
      EXPECT_GT(before, 10);
    }
  }
}

/// Levels of other symmetry cross the lowest ones; some are degenerate everywhere.
TEST(LevelLineTest, crossings_and_copies_do_not_fool_the_bounds) {
  const OpSum a = test::heisenberg(6, true);
  OpSum b = a;
  for (int i = 0; i < 6; ++i) b.add(-2.5, {{"Sz", i}});
  for (const index_t k : {1, 2, 4}) {
    LevelLine line(world(), on_full_space(a), b, {.k = k});
    for (const double t : {0.0, 1.0, 0.3}) (void)line.solve(t);
    (void)expect_bounds_hold(line, a, b, 1e-8);
    for (const double t : {0.15, 0.55, 0.7, 0.85}) (void)line.solve(t);
    (void)expect_bounds_hold(line, a, b, 1e-8);
  }
  // The singlet stays an eigenvector in a field: one solve at each end and it is known.
  LevelLine line(world(), on_full_space(a), 1.5 * OpSum(a), {.k = 1});
  (void)line.solve(0);
  (void)line.solve(1);
  EXPECT_EQ(expect_bounds_hold(line, a, 1.5 * OpSum(a), 1e-10), 21);
}

TEST(LevelLineTest, few_solves_reach_eight_digits) {
  OpSum a(8), b(8);
  for (int i = 0; i < 8; ++i) {
    for (OpSum* h : {&a, &b}) h->add(1, {{"Sz", i}, {"Sz", (i + 1) % 8}});
    a.add(-0.6, {{"Sx", i}});
    b.add(-1.4, {{"Sx", i}});
  }
  LevelLine line(world(), on_full_space(a), b, {.k = 1});
  for (int i = 0; i <= 8; ++i) (void)line.solve(i / 8.0);
  EXPECT_EQ(expect_bounds_hold(line, a, b, 1e-8), 21);
}

TEST(LevelLineTest, without_ends_nothing_is_known) {
  std::mt19937 random(3);
  const auto a = random_chain(5, random, false), b = random_chain(5, random, false);
  LevelLine line(world(), on_full_space(a), b, {.k = 2});
  (void)line.solve(0.2);
  (void)line.solve(0.6);
  EXPECT_TRUE(std::isinf(line.at(0.1).bounds[0]));
  EXPECT_TRUE(std::isinf(line.at(0.9).bounds[1]));
  EXPECT_ERROR(LevelLine(world(), on_full_space(a), a, {}), InvalidArgument, "same operator");
  EXPECT_ERROR(LevelLine(world(), on_full_space(a), b, {.which = Which::LA}), InvalidArgument,
               "lowest");
  EXPECT_NEAR(place_on_line(a, b, 0.7 * OpSum(a) + 0.3 * OpSum(b)).value(), 0.3, 1e-12);
  EXPECT_FALSE(place_on_line(a, b, 2.0 * OpSum(a)).has_value());
}

}  // namespace
}  // namespace kronsolve
