// SuperLU_DIST in place of MUMPS, and contour integration, against dense spectra and solutions.

#include <algorithm>
#include <cmath>

#include <kronsolve/solvers/eigh_interval.hpp>
#include <kronsolve/solvers/engine.hpp>
#include <kronsolve/solvers/solve.hpp>

#include "support/dense_map.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::Matrix;
using test::Random;
using test::world;

template <class T>
class FactorsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto engines = list_engines();
    const bool there = std::any_of(engines.begin(), engines.end(), [](const EngineInfo& e) {
      return e.scalar == scalar_kind<T> && e.problem.empty() && e.has_superlu_dist;
    });
    if (!there) GTEST_SKIP() << "the PETSc of this scalar has no SuperLU_DIST";
  }
};
using Scalars = ::testing::Types<double, std::complex<double>>;
TYPED_TEST_SUITE(FactorsTest, Scalars);

template <class T>
class Contour : public ::testing::Test {};
TYPED_TEST_SUITE(Contour, Scalars);

template <Scalar T>
void expect_sound(const Matrix<T>& a, const EighResult& r) {
  const auto& vectors = r.template vectors_as<T>();
  const auto levels = test::SpectralOracle<T>(a).values().eval();
  const double width = levels(levels.size() - 1) - levels(0);
  for (std::size_t j = 0; j < r.eigenvalues.size(); ++j) {
    const test::Vector<T> x = test::whole<T>(world(), vectors.column(static_cast<index_t>(j)));
    EXPECT_NEAR(x.norm(), 1, 1e-10);
    EXPECT_LE((a * x - r.eigenvalues[j] * x).norm(), 1.01e-10 * width);
  }
}

TYPED_TEST(FactorsTest, superlu_dist_finds_the_pairs_nearest_to_a_target) {
  using T = TypeParam;
  for (unsigned seed = 0; seed < (world().size() > 1 ? 2u : 4u); ++seed) {
    Random random(seed);
    const int n = random.integer(10, 150);
    const index_t k = random.integer(1, 6);
    const double sigma = random.uniform(-2, 2);
    SCOPED_TRACE(detail::concat("seed ", seed, " n ", n, " k ", k, " sigma ", sigma));
    const Matrix<T> a = random.hermitian<T>(n, 8, 0);
    const auto all = test::SpectralOracle<T>(a).values().eval();
    std::vector<double> values(all.begin(), all.end());
    std::sort(values.begin(), values.end(),
              [&](double x, double y) { return std::abs(x - sigma) < std::abs(y - sigma); });
    values.resize(static_cast<std::size_t>(k));
    std::sort(values.begin(), values.end());
    const auto r = eigh(world(), test::lazy<T>(a),
                        {.k = k,
                         .which = Which::TM,
                         .sigma = sigma,
                         .method = Method::slepc,
                         .factors = Factors::superlu_dist});

    EXPECT_TRUE(r.converged) << r.reason;
    ASSERT_EQ(r.eigenvalues.size(), values.size());
    for (std::size_t j = 0; j < values.size(); ++j) EXPECT_NEAR(r.eigenvalues[j], values[j], 1e-10);
    if (k > 1) {
      EXPECT_TRUE(r.certified.value_or(false)) << r.certificate;
    }
    expect_sound(a, r);
  }
}

TYPED_TEST(FactorsTest, superlu_dist_solves_linear_systems) {
  using T = TypeParam;
  Random random(3);
  for (const int n : {1, 17, 150}) {
    SCOPED_TRACE(n);
    const Matrix<T> a = random.matrix<T>(n, n), b = random.matrix<T>(n, 2);
    const RowPartition rows(n, world().size());
    DistributedVectors<T> right(rows, world().rank(), 2);
    const RowRange mine = rows.range(world().rank());
    for (index_t j = 0; j < 2; ++j)
      for (index_t i = 0; i < mine.size(); ++i)
        right.column(j)[static_cast<std::size_t>(i)] = b(mine.begin + i, j);
    const auto r =
        solve<T>(world(), test::lazy<T>(a), right,
                 {.method = SolveMethod::direct, .tol = 1e-11, .factors = Factors::superlu_dist});

    EXPECT_TRUE(r.converged) << r.reason;
    EXPECT_NE(r.reason.find("SuperLU_DIST"), std::string::npos) << r.reason;
    for (index_t j = 0; j < 2; ++j) {
      const test::Vector<T> x = test::whole<T>(world(), r.x.column(j));
      EXPECT_LE((b.col(j) - a * x).norm(), 1e-11 * b.col(j).norm() + 1e-14);
    }
  }
}

TYPED_TEST(Contour, finds_every_pair_of_an_interval) {
  using T = TypeParam;
  // A factorisation for each of 32 poles: many messages.
  for (unsigned seed = 0; seed < (world().size() > 1 ? 1u : 6u); ++seed) {
    Random random(seed + 30);
    const int n = world().size() > 1 ? 70 : random.integer(1, 140);
    const Matrix<T> a = random.hermitian<T>(n, 8, random.uniform(-2, 2));
    const auto all = test::SpectralOracle<T>(a).values().eval();
    const double low = random.uniform(all(0) - 0.5, all(n - 1)),
                 high = low + random.uniform(0.05, 2);
    SCOPED_TRACE(detail::concat("seed ", seed, " n ", n, " [", low, ", ", high, "]"));
    std::vector<double> inside;
    for (const double v : all)
      if (v >= low && v <= high) inside.push_back(v);
    const auto factors = seed % 2 == 1 && world().size() == 1 ? Factors::mumps : Factors::automatic;
    EighOptions options{
        .interval = std::pair(low, high), .method = Method::ciss, .factors = factors};
    // Several ranks take other random vectors, and one round may leave residuals above tol.
    if (world().size() > 1) options.max_iterations = 1;
    const auto r = eigh(world(), test::lazy<T>(a), options);

    constexpr int few = 64;  // rows that LAPACK takes over
    EXPECT_EQ(r.method, n <= few ? Method::dense : Method::ciss);
    EXPECT_EQ(r.certified.value_or(false), r.converged) << r.certificate;
    if (world().size() == 1) {
      EXPECT_TRUE(r.converged) << r.reason;
    }
    for (const double l : r.eigenvalues)
      EXPECT_LT(std::abs(*std::min_element(all.begin(), all.end(),
                                           [&](double x, double y) {
                                             return std::abs(x - l) < std::abs(y - l);
                                           }) -
                         l),
                1e-5);
    if (!r.converged) continue;
    ASSERT_EQ(r.eigenvalues.size(), inside.size()) << r.reason;
    for (std::size_t j = 0; j < inside.size(); ++j) EXPECT_NEAR(r.eigenvalues[j], inside[j], 1e-9);
    expect_sound(a, r);
  }
}

TYPED_TEST(Contour, what_does_not_converge_says_so) {
  using T = TypeParam;
  Random random(8);
  const Matrix<T> a = random.hermitian<T>(90, 8, 0);
  // Far too few points and vectors for what the interval holds.
  const auto r = eigh(world(), test::lazy<T>(a),
                      {.interval = std::pair(-3.0, 3.0),
                       .max_iterations = 1,
                       .method = Method::ciss,
                       .petsc_options = "-eps_ciss_integration_points 4 -eps_ciss_blocksize 2 "
                                        "-eps_ciss_moments 2 -eps_ciss_maxblocksize 2"});
  EXPECT_FALSE(r.converged) << r.reason;
  EXPECT_FALSE(r.certified.value_or(true)) << r.certificate;
}

TYPED_TEST(Contour, bad_input_is_refused) {
  using T = TypeParam;
  Random random(1);
  const auto a = test::lazy<T>(random.hermitian<T>(20, 2, 0));
  const auto run = [&](EighOptions o) { (void)eigh(world(), a, o); };
  EXPECT_ERROR(run({.method = Method::ciss}), InvalidArgument, "give an interval");
  EXPECT_ERROR(run({.interval = std::pair(0.0, 1.0),
                    .method = Method::ciss,
                    .form = OperatorForm::matrix_free}),
               InvalidArgument, "factorises");
  EXPECT_ERROR(run({.method = Method::lanczos, .factors = Factors::mumps}), InvalidArgument,
               "factors mumps are of use to");
  EXPECT_ERROR(run({.factors = Factors::superlu_dist}), InvalidArgument, "without a target");
  EngineInfo bare;
  bare.variant = "real";
  EXPECT_ERROR(require_factors("eigh", bare, Factors::superlu_dist), NotSupported,
               "built without SuperLU_DIST; install one with it");
  bare.has_mumps = true;
  EXPECT_ERROR(require_factors("solve", bare, Factors::superlu_dist), NotSupported,
               "ask for factors mumps");
}

}  // namespace
}  // namespace kronsolve
