// Level-spacing ratios of random matrices and of independent levels, and of models.

#include <cmath>

#include <Eigen/Dense>

#include <kronsolve/core/random.hpp>
#include <kronsolve/measure/level_spacing.hpp>
#include <kronsolve/operators/models.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

constexpr double poisson = 0.3863, orthogonal = 0.5307;

/// Eigenvalues of a real symmetric matrix of normal numbers.
std::vector<double> orthogonal_ensemble(int n, std::uint64_t seed) {
  const CounterRandom random(seed);
  Eigen::MatrixXd a(n, n);
  std::uint64_t at = 0;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j <= i; ++j)
      a(i, j) = a(j, i) = random.normal(at++) * (i == j ? std::sqrt(2.0) : 1);
  const Eigen::VectorXd e =
      Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(a, Eigen::EigenvaluesOnly).eigenvalues();
  return {e.begin(), e.end()};
}

std::vector<double> independent(int n, std::uint64_t seed) {
  const CounterRandom random(seed);
  std::vector<double> levels;
  for (int i = 0; i < n; ++i) levels.push_back(random.uniform(static_cast<std::uint64_t>(i)));
  return levels;
}

TEST(LevelSpacing, of_random_matrices_and_independent_levels) {
  int within_one = 0, all = 0;
  double chi = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed)
    for (const bool random : {false, true}) {
      const auto spacing =
          level_spacing(random ? orthogonal_ensemble(150, seed) : independent(400, seed));
      EXPECT_EQ(spacing.degenerate, 0);
      const auto mean = *spacing.mean();
      const double off = std::abs(mean.value - (random ? orthogonal : poisson));
      EXPECT_LT(off, 5 * mean.error) << (random ? "orthogonal" : "Poisson") << ", seed " << seed;
      within_one += off <= mean.error;
      chi += off * off / (mean.error * mean.error);
      ++all;
    }
  EXPECT_GT(within_one, 0.55 * all) << "errors are not too small";
  EXPECT_GT(chi / all, 0.5) << "and not too large";
}

TEST(LevelSpacing, counts_degenerate_levels_once) {
  const std::vector<double> levels = {3, 1, 0, 1 + 1e-13, 6, 3};  // 0 1 3 6: spacings 1 2 3
  const auto spacing = level_spacing(levels);
  EXPECT_EQ(spacing.degenerate, 2);
  ASSERT_EQ(spacing.ratios.size(), 2U);
  EXPECT_NEAR(spacing.ratios[0], 1.0 / 2, 1e-10);
  EXPECT_NEAR(spacing.ratios[1], 2.0 / 3, 1e-10);
  EXPECT_FALSE(level_spacing(std::vector<double>{1, 2, 3}).mean()) << "one ratio has no error";
  EXPECT_TRUE(level_spacing(std::vector<double>{}).ratios.empty());
  EXPECT_TRUE(level_spacing(std::vector<double>{2, 2, 2, 2}).ratios.empty());
}

TEST(LevelSpacing, tells_a_chaotic_chain_from_a_localised_one) {
  const auto ratio = [&](const char* disorder, const char* seed) {
    const auto m = make_model("mbl", {.sites = 10, .params = {{"dh", disorder}, {"seed", seed}}});
    const auto found =
        sector_levels(test::world(), m.op, m.lattice, {"sz=0"}, {.solve = {.k = EighOptions::all}});
    return *mean_ratio(level_spacings(found));
  };
  EXPECT_NEAR(ratio("0.5", "1").value, orthogonal, 0.05);
  EXPECT_NEAR(ratio("20", "1").value, poisson, 0.05);
}

TEST(LevelSpacing, keeps_spins_and_sectors_apart) {
  // Not integrable, with total spin: mixed multiplets would look independent.
  const auto m = make_model("j1j2", {.sites = 14, .cyclic = Cyclic::all});
  const auto found = sector_levels(test::world(), m.op, m.lattice, {"sz=0", "momentum=1..6"},
                                   {.solve = {.k = EighOptions::all}});
  const auto apart = *mean_ratio(level_spacings(found));
  auto mixed = found;
  for (auto& level : mixed.levels) level.s2.reset();
  const auto together = *mean_ratio(level_spacings(mixed));
  EXPECT_GT(apart.value, 0.49);
  EXPECT_LT(together.value, 0.45);
}

}  // namespace
}  // namespace kronsolve
