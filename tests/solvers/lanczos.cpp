#include <cmath>

#include <kronsolve/solvers/lanczos.hpp>

#include "support/dense_map.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::DenseMap;
using test::Matrix;
using test::Random;
using test::Vector;
using test::world;

/// What the true residual of a converged pair leaves: far below the tolerance, above rounding.
constexpr double value_tolerance = 1e-9;

template <class T>
class Lanczos : public ::testing::Test {};
using Scalars = ::testing::Types<double, std::complex<double>>;
TYPED_TEST_SUITE(Lanczos, Scalars);

TYPED_TEST(Lanczos, agrees_with_the_dense_spectrum_on_random_matrices) {
  using T = TypeParam;
  constexpr unsigned seed = 20;
  Random random(seed);
  for (int round = 0; round < 20; ++round) {
    const index_t n = random.integer(1, 90);
    const index_t k = std::min<index_t>(n, random.integer(1, 4));
    const Matrix<T> a = random.hermitian<T>(n, random.uniform(0.5, 40), random.uniform(-5, 5));
    const auto partition = random.partition(n, world().size());
    const DenseMap<T> map(world(), a, partition);
    const bool lowest = random.integer(0, 1) == 0;

    const auto r = lanczos<T>(map, {.k = k, .which = lowest ? Which::SA : Which::LA, .seed = 1});

    SCOPED_TRACE(detail::concat("seed ", seed, " round ", round, " n ", n, " k ", k));
    const Eigen::SelfAdjointEigenSolver<Matrix<T>> exact(a);
    ASSERT_EQ(static_cast<index_t>(r.eigenvalues.size()), k);
    EXPECT_TRUE(r.converged) << r.reason;
    for (index_t j = 0; j < k; ++j) {
      const auto at = static_cast<std::size_t>(j);
      EXPECT_NEAR(r.eigenvalues[at], exact.eigenvalues()(lowest ? j : n - k + j), value_tolerance);
      const Vector<T> x = test::whole<T>(world(), r.vectors.column(j));
      EXPECT_NEAR(x.norm(), 1, 1e-12);
      EXPECT_NEAR((a * x - r.eigenvalues[at] * x).norm(), r.residuals[at], 1e-12);
    }
  }
}

TYPED_TEST(Lanczos, finds_every_copy_of_a_degenerate_level) {
  using T = TypeParam;
  Random random(3);
  std::vector<double> values = {-2, -2, -2, -1.5, -1.5};
  for (int i = 0; i < 60; ++i) values.push_back(-1 + 0.05 * i);
  const DenseMap<T> map(world(), random.with_spectrum<T>(values), RowPartition(65, world().size()));

  const auto r = lanczos<T>(map, {.k = 5});

  ASSERT_TRUE(r.converged) << r.reason;
  for (std::size_t j = 0; j < 5; ++j) EXPECT_NEAR(r.eigenvalues[j], values[j], value_tolerance);
}

TYPED_TEST(Lanczos, one_recurrence_gives_every_level_once) {
  using T = TypeParam;
  constexpr unsigned seed = 5;
  Random random(seed);
  for (int round = 0; round < 12; ++round) {
    const index_t k = random.integer(2, 6);
    std::vector<double> levels, values;
    double level = random.uniform(-40, 2);
    for (int i = 0; i < 60; ++i) {
      levels.push_back(level);
      for (int copy = round % 2 == 0 ? 1 : random.integer(1, 3); copy > 0; --copy)
        values.push_back(level);
      level += random.uniform(0.05, 1.5);
    }
    const auto n = static_cast<index_t>(values.size());
    const DenseMap<T> map(world(), random.with_spectrum<T>(values),
                          random.partition(n, world().size()));
    for (const index_t keep_bytes : {index_t{0}, index_t{1} << 26}) {
      SCOPED_TRACE(detail::concat("seed ", seed, " round ", round, " k ", k, " keep ", keep_bytes));
      const auto r =
          lanczos<T>(map, {.k = k, .seed = 7, .distinct = true, .keep_bytes = keep_bytes});
      ASSERT_TRUE(r.converged) << r.reason;
      EXPECT_EQ(r.vectors.count(), k);
      for (index_t j = 0; j < k; ++j) {
        const auto at = static_cast<std::size_t>(j);
        EXPECT_NEAR(r.eigenvalues[at], levels[at], value_tolerance);
        const Vector<T> x = test::whole<T>(world(), r.vectors.column(j));
        for (index_t i = 0; i < j; ++i)
          EXPECT_LT(std::abs(test::whole<T>(world(), r.vectors.column(i)).dot(x)), 1e-12);
        EXPECT_NEAR(x.norm(), 1, 1e-12);
      }
      // Orthogonal to them the rest comes up, copies first.
      const auto rest = lanczos<T>(map, {.k = 2, .seed = 8, .keep_bytes = keep_bytes}, r.vectors);
      std::vector<double> left = values;
      for (index_t j = 0; j < k; ++j)
        left.erase(std::find(left.begin(), left.end(), levels[static_cast<std::size_t>(j)]));
      EXPECT_NEAR(rest.eigenvalues[0], left[0], value_tolerance);
      EXPECT_NEAR(rest.eigenvalues[1], left[1], value_tolerance);
    }
  }
}

TYPED_TEST(Lanczos, nearly_degenerate_levels_are_reported_truthfully) {
  using T = TypeParam;
  Random random(12);
  for (const double gap : {0.0, 1e-13, 1e-11, 1e-9, 1e-7, 1e-5, 1e-3})
    for (const index_t k : {1, 2, 3}) {
      SCOPED_TRACE(detail::concat("gap ", gap, " k ", k));
      std::vector<double> values = {-3, -3 + gap, -3 + 2 * gap};
      for (int i = 0; i < 90; ++i) values.push_back(-2 + 0.05 * i);
      const Matrix<T> a = random.with_spectrum<T>(values);
      const auto n = static_cast<index_t>(values.size());
      const DenseMap<T> map(world(), a, RowPartition(n, world().size()));

      const auto r = lanczos<T>(map, {.k = k, .seed = 4});

      for (index_t j = 0; j < k; ++j) {
        const auto at = static_cast<std::size_t>(j);
        const Vector<T> x = test::whole<T>(world(), r.vectors.column(j));
        const double residual = (a * x - r.eigenvalues[at] * x).norm();
        EXPECT_NEAR(residual, r.residuals[at], 1e-12);
        // A value is within its residual of an eigenvalue, and here of one of the three.
        EXPECT_NEAR(r.eigenvalues[at], values[0], 2 * gap + residual + 1e-13);
        EXPECT_NEAR(x.norm(), 1, 1e-12);
      }
      // Half the width of the spectrum is the most that a scale may be, here about 3.
      if (r.converged) {
        EXPECT_LE(*std::max_element(r.residuals.begin(), r.residuals.end()), 4e-10);
      }
      // Levels that differ by about the tolerance may end short of it, and then say so.
      EXPECT_TRUE(r.converged || (gap > 1e-10 && gap < 1e-8)) << r.reason;
    }
}

TYPED_TEST(Lanczos, second_pass_gives_the_vector_of_the_kept_ones) {
  using T = TypeParam;
  Random random(5);
  const index_t n = 200;
  const DenseMap<T> map(world(), random.hermitian<T>(n, 4, 0), RowPartition(n, world().size()));

  const auto kept = lanczos<T>(map, {.k = 2});
  const auto again = lanczos<T>(map, {.k = 2, .keep_bytes = 0});

  EXPECT_GT(again.products, kept.products);
  for (index_t j = 0; j < 2; ++j) {
    const auto a = test::whole<T>(world(), kept.vectors.column(j));
    const auto b = test::whole<T>(world(), again.vectors.column(j));
    EXPECT_NEAR(std::abs(a.dot(b)), 1, 1e-12);
    EXPECT_NEAR(kept.eigenvalues[static_cast<std::size_t>(j)],
                again.eigenvalues[static_cast<std::size_t>(j)], 1e-12);
  }
}

TYPED_TEST(Lanczos, steps_that_run_again_are_told_of) {
  using T = TypeParam;
  constexpr index_t n = 150;
  Random random(7);
  const DenseMap<T> map(world(), random.hermitian<T>(n, 5, 0), RowPartition(n, world().size()));
  for (const index_t k : {1, 3}) {
    std::vector<Progress> told;
    LanczosOptions options{.k = k, .distinct = k > 1, .keep_bytes = 0};
    options.progress = [&](const Progress& p) { told.push_back(p); };

    const auto r = lanczos<T>(map, options);

    ASSERT_TRUE(r.converged) << r.reason;
    ASSERT_FALSE(told.empty());
    EXPECT_GT(double(told.back().products), 0.8 * double(r.products));
    EXPECT_TRUE(told.back().remaining_seconds.has_value());
    EXPECT_NEAR(told.back().best_value, r.eigenvalues.back(), 1e-6);
  }
}

TYPED_TEST(Lanczos, energy_only_gives_the_bound_and_no_vector) {
  using T = TypeParam;
  Random random(6);
  const index_t n = 150;
  const Matrix<T> a = random.hermitian<T>(n, 30, 3);
  const DenseMap<T> map(world(), a, RowPartition(n, world().size()));

  const auto r = lanczos<T>(map, {.vectors = Eigenvectors::skip});

  EXPECT_EQ(r.residual_kind, ResidualKind::bound);
  EXPECT_EQ(r.vectors.count(), 0);
  EXPECT_TRUE(r.converged);
  const Eigen::SelfAdjointEigenSolver<Matrix<T>> exact(a);
  EXPECT_NEAR(r.eigenvalues[0], exact.eigenvalues()(0), value_tolerance);
}

TYPED_TEST(Lanczos, norms_far_from_one_are_scaled_without_changing_digits) {
  using T = TypeParam;
  // Powers of 2^40 grow beyond the range of double within 26 steps, those of 2^-40 below it.
  Random random(8);
  const index_t n = 120;
  const Matrix<T> a = random.hermitian<T>(n, 4, 0);
  const RowPartition rows(n, world().size());
  const DenseMap<T> plain(world(), a, rows), large(world(), Matrix<T>(0x1p40 * a), rows);

  const auto x =
      lanczos<T>(plain, {.tol = 1e-12, .max_iterations = 60, .vectors = Eigenvectors::skip});
  const auto y =
      lanczos<T>(large, {.tol = 1e-12, .max_iterations = 60, .vectors = Eigenvectors::skip});

  EXPECT_NEAR(x.eigenvalues[0], y.eigenvalues[0] * 0x1p-40, 1e-13);
}

TYPED_TEST(Lanczos, too_few_steps_are_never_called_converged) {
  using T = TypeParam;
  Random random(9);
  const index_t n = 300;
  const DenseMap<T> map(world(), random.hermitian<T>(n, 10, 0), RowPartition(n, world().size()));

  const auto r = lanczos<T>(map, {.k = 2, .max_iterations = 6});

  EXPECT_FALSE(r.converged);
  EXPECT_LT(r.converged_pairs, 2);
  EXPECT_GT(r.residuals[0], 1e-10);
  EXPECT_NE(r.reason.find("above the tolerance"), std::string::npos);
}

TYPED_TEST(Lanczos, trivial_operators_end_at_once) {
  using T = TypeParam;
  for (const index_t n : {1, 2, 7}) {
    const RowPartition rows(n, world().size());
    const DenseMap<T> zero(world(), Matrix<T>::Zero(n, n), rows);
    const DenseMap<T> identity(world(), Matrix<T>(3.0 * Matrix<T>::Identity(n, n)), rows);

    EXPECT_EQ(lanczos<T>(zero).eigenvalues[0], 0);
    const auto all = lanczos<T>(identity, {.k = n});
    EXPECT_TRUE(all.converged);
    for (const double value : all.eigenvalues) EXPECT_NEAR(value, 3, 1e-13);
  }
}

TYPED_TEST(Lanczos, bad_requests_are_refused) {
  using T = TypeParam;
  const DenseMap<T> map(world(), Matrix<T>::Identity(4, 4), RowPartition(4, world().size()));

  EXPECT_ERROR((void)lanczos<T>(map, {.k = 5}), InvalidArgument, "[1, 4]");
  EXPECT_ERROR((void)lanczos<T>(map, {.which = Which::LM}), InvalidArgument, "SA or LA");
  EXPECT_ERROR((void)lanczos<T>(map, {.tol = 0}), InvalidArgument, "tol");
}

}  // namespace
}  // namespace kronsolve
