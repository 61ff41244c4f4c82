#include <cmath>

#include <kronsolve/solvers/expm.hpp>

#include "support/dense_map.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::DenseMap;
using test::Matrix;
using test::owned;
using test::Random;
using test::Vector;
using test::whole;
using test::world;
using Complex = std::complex<double>;

template <class T>
class Expm : public ::testing::Test {};
using Scalars = ::testing::Types<double, Complex>;
TYPED_TEST_SUITE(Expm, Scalars);

/// Ranks share two cores and wait for each other, so several of them take fewer cases.
std::vector<int> sizes() {
  if (world().size() > 1) return {1, 3, 61};
  return {1, 2, 3, 7, 40, 163, 300};
}

template <Scalar T>
std::span<const T> view(const std::vector<T>& v) {
  return v;
}

TYPED_TEST(Expm, agrees_with_eigenvectors_and_its_bound_at_all_times) {
  using T = TypeParam;
  const Complex times[] = {{0, -1e-9}, {0, -1e-3}, {0, 0.7},    {0, -40},  {0, 300},
                           {-2, 0},    {0.5, 0},   {-0.3, 1.5}, {0.2, -6}, {0, 0}};
  for (const int n : sizes()) {
    const auto seed = static_cast<unsigned>(n + 2000);
    Random random(seed);
    const DenseMap<T> a(world(), random.hermitian<T>(n, 8, random.uniform(-5, 5)),
                        random.partition(n, world().size()));
    const Vector<Complex> v = random.vector<Complex>(n);
    const test::SpectralOracle<T> oracle(a.matrix());
    for (const double tol : {1e-4, 1e-11})
      for (const Complex t : times) {
        SCOPED_TRACE(detail::concat("seed ", seed, " n ", n, " t ", t, " tol ", tol));
        const Vector<Complex> exact = oracle.apply([t](double x) { return std::exp(t * x); }, v);
        const auto result =
            expm_multiply<T>(a, t, view(owned<Complex>(v, a.row_range())), {.tol = tol});
        const double error = (whole<Complex>(world(), result.vectors.column(0)) - exact).norm();

        EXPECT_TRUE(result.converged) << result.reason;
        EXPECT_LE(error, tol * exact.norm());
        // the oracle has rounding of its own
        EXPECT_LE(error, result.error + 1e-14 * (1 + std::abs(t) * 10) * exact.norm());
      }
  }
}

TYPED_TEST(Expm, long_times_are_as_good) {
  using T = TypeParam;
  Random random(17);
  const DenseMap<T> a(world(), random.hermitian<T>(50, 8, 1), random.partition(50, world().size()));
  const Vector<Complex> v = random.vector<Complex>(50);
  const Vector<Complex> exact =
      test::SpectralOracle<T>(a.matrix())
          .apply([](double x) { return std::exp(Complex(0, -300) * x); }, v);
  const auto result =
      expm_multiply<T>(a, Complex(0, -300), view(owned<Complex>(v, a.row_range())), {.tol = 1e-11});

  EXPECT_TRUE(result.converged) << result.reason;
  EXPECT_LE((whole<Complex>(world(), result.vectors.column(0)) - exact).norm(), 1e-11 * v.norm());
}

TYPED_TEST(Expm, real_exponents_keep_the_scalar) {
  using T = TypeParam;
  for (const int n : sizes()) {
    Random random(static_cast<unsigned>(n + 3000));
    SCOPED_TRACE(detail::concat("seed ", n + 3000));
    const DenseMap<T> a(world(), random.hermitian<T>(n, 6, 1), random.partition(n, world().size()));
    const Vector<T> v = random.vector<T>(n);
    const test::SpectralOracle<T> oracle(a.matrix());
    for (const double t : {-20.0, -1e-6, 3.0}) {
      const Vector<Complex> exact = oracle.apply([t](double x) { return std::exp(t * x); }, v);
      const auto result = expm_multiply<T>(a, t, view(owned<T>(v, a.row_range())), {.tol = 1e-9});

      EXPECT_TRUE(result.converged) << result.reason;
      EXPECT_LE(
          (whole<T>(world(), result.vectors.column(0)).template cast<Complex>() - exact).norm(),
          1e-9 * exact.norm());
    }
  }
}

TYPED_TEST(Expm, long_imaginary_times_keep_their_digits) {
  using T = TypeParam;
  Random random(18);
  const DenseMap<T> a(world(), random.hermitian<T>(50, 8, 0), random.partition(50, world().size()));
  const test::SpectralOracle<T> oracle(a.matrix());
  const double low = oracle.values()(0), t = -75;
  const Vector<T> v = random.vector<T>(50);
  Vector<Complex> exact = oracle.apply([&](double x) { return std::exp(t * (x - low)); }, v);
  const auto result = expm_multiply<T>(a, t, view(owned<T>(v, a.row_range())), {.tol = 1e-10});
  const Vector<Complex> w = whole<T>(world(), result.vectors.column(0)).template cast<Complex>();

  EXPECT_TRUE(result.converged) << result.reason;
  EXPECT_LE((w.normalized() - exact.normalized()).norm(), 1e-10);
  EXPECT_NEAR(std::log(w.norm()), std::log(exact.norm()) + t * low, 1e-9);
}

TYPED_TEST(Expm, is_unitary_and_returns) {
  using T = TypeParam;
  Random random(11);
  const DenseMap<T> a(world(), random.hermitian<T>(120, 10, 2),
                      random.partition(120, world().size()));
  Vector<Complex> v = random.vector<Complex>(120);
  v.normalize();
  const auto there =
      expm_multiply<T>(a, Complex(0, -50), view(owned<Complex>(v, a.row_range())), {.tol = 1e-13});
  const auto back = expm_multiply<T>(a, Complex(0, 50), there.vectors.column(0),
                                     {.tol = 1e-13, .bounds = there.bounds});

  EXPECT_NEAR(whole<Complex>(world(), there.vectors.column(0)).norm(), 1, 1e-12);
  EXPECT_LE((whole<Complex>(world(), back.vectors.column(0)) - v).norm(), 1e-12);
  EXPECT_EQ(back.products, (is_complex<T> ? 1 : 2) * back.degree)
      << "known bounds are not looked for again";
}

TEST(ExpmReal, a_real_state_costs_one_real_recurrence) {
  Random random(12);
  const DenseMap<double> a(world(), random.hermitian<double>(60, 10, 0),
                           random.partition(60, world().size()));
  const Vector<Complex> v = random.vector<double>(60).cast<Complex>();
  const auto result =
      expm_multiply<double>(a, Complex(0, -5), view(owned<Complex>(v, a.row_range())),
                            {.bounds = SpectralBounds{-6, 6, 0}});

  EXPECT_EQ(result.products, result.degree);
}

TYPED_TEST(Expm, bounds_too_narrow_are_noticed_and_widened) {
  using T = TypeParam;
  Random random(13);
  const DenseMap<T> a(world(), random.hermitian<T>(100, 10, 0),
                      random.partition(100, world().size()));
  const Vector<Complex> v = random.vector<Complex>(100);
  const Vector<Complex> exact =
      test::SpectralOracle<T>(a.matrix())
          .apply([](double x) { return std::exp(Complex(0, -30) * x); }, v);
  const auto result = expm_multiply<T>(a, Complex(0, -30), view(owned<Complex>(v, a.row_range())),
                                       {.tol = 1e-10, .bounds = SpectralBounds{-3, 3, 0}});

  EXPECT_LE((whole<Complex>(world(), result.vectors.column(0)) - exact).norm(),
            1e-10 * exact.norm());
  EXPECT_LT(result.bounds.lower, -4);
}

TYPED_TEST(Expm, bounds_hold_the_spectrum) {
  using T = TypeParam;
  for (unsigned seed = 0; seed < (world().size() > 1 ? 4 : 30); ++seed) {
    SCOPED_TRACE(detail::concat("seed ", seed));
    Random random(seed);
    const index_t n = random.integer(1, 200);
    const DenseMap<T> a(world(), random.hermitian<T>(n, 10, random.uniform(-20, 20)),
                        random.partition(n, world().size()));
    const auto values = Eigen::SelfAdjointEigenSolver<Matrix<T>>(a.matrix()).eigenvalues().eval();
    const auto bounds = spectral_bounds(a, {.seed = seed});
    const double width = values(n - 1) - values(0);

    EXPECT_LE(bounds.lower, values(0));
    EXPECT_GE(bounds.upper, values(n - 1));
    EXPECT_LE(bounds.half_width(), 0.55 * width + 1e-9);
  }
}

TYPED_TEST(Expm, functions_by_krylov_agree_with_eigenvectors) {
  using T = TypeParam;
  for (const int n : sizes()) {
    const auto seed = static_cast<unsigned>(n + 4000);
    SCOPED_TRACE(detail::concat("seed ", seed));
    Random random(seed);
    const Matrix<T> positive = random.hermitian<T>(n, 4, 4);
    const test::SpectralOracle<T> oracle(positive);
    const DenseMap<T> a(world(), positive, random.partition(n, world().size()));
    const Vector<T> v = random.vector<T>(n);
    const std::pair<const char*, std::function<double(double)>> functions[] = {
        {"sqrt", [](double x) { return std::sqrt(x); }},
        {"inverse", [](double x) { return 1 / x; }},
        {"exp", [](double x) { return std::exp(-3 * x); }},
        {"own", [](double x) { return x * x * std::log(x); }}};
    for (const auto& [name, f] : functions) {
      SCOPED_TRACE(name);
      const Vector<Complex> exact = oracle.apply(f, v);
      // two stored vectors: the second pass is used
      for (const index_t stored : {2, 400}) {
        const auto result = apply_function<T>(a, f, view(owned<T>(v, a.row_range())),
                                              {.tol = 1e-10, .stored = stored});

        EXPECT_TRUE(result.converged) << result.reason;
        EXPECT_LE(
            (whole<T>(world(), result.vectors.column(0)).template cast<Complex>() - exact).norm(),
            2e-10 * exact.norm());
      }
    }
  }
}

TYPED_TEST(Expm, complex_functions_of_complex_vectors) {
  using T = TypeParam;
  for (const int n : sizes()) {
    Random random(static_cast<unsigned>(n + 5000));
    SCOPED_TRACE(detail::concat("seed ", n + 5000));
    const DenseMap<T> a(world(), random.hermitian<T>(n, 6, -1),
                        random.partition(n, world().size()));
    const Vector<Complex> v = random.vector<Complex>(n);
    const std::function<Complex(double)> f = [](double x) {
      return std::exp(Complex(0, -4) * x) / Complex(x, 2);
    };
    const Vector<Complex> exact = test::SpectralOracle<T>(a.matrix()).apply(f, v);
    const auto result =
        apply_complex_function<T>(a, f, view(owned<Complex>(v, a.row_range())), {.tol = 1e-11});

    EXPECT_TRUE(result.converged) << result.reason;
    EXPECT_LE((whole<Complex>(world(), result.vectors.column(0)) - exact).norm(),
              1e-10 * exact.norm());
  }
}

TYPED_TEST(Expm, bad_input_is_refused_by_all_ranks) {
  using T = TypeParam;
  Random random(1);
  const int ranks = world().size();
  const DenseMap<T> a(world(), random.hermitian<T>(10, 2, 0), RowPartition(10, ranks));
  const DenseMap<T> wide(world(), random.matrix<T>(4, 6), RowPartition(4, ranks),
                         RowPartition(6, ranks));
  Matrix<T> lopsided = random.matrix<T>(10, 10);
  const DenseMap<T> crooked(world(), lopsided, RowPartition(10, ranks));
  std::vector<T> v(static_cast<std::size_t>(a.row_range().size()), T(1));
  std::vector<T> longer = v;
  if (world().rank() == ranks - 1) longer.push_back(1);
  std::vector<T> sick = v;
  if (world().is_root() && !sick.empty()) sick[0] = std::nan("");

  EXPECT_ERROR((void)expm_multiply<T>(a, std::nan(""), view(v)), InvalidArgument, "finite");
  EXPECT_ERROR((void)expm_multiply<T>(a, 1.0, view(v), {.tol = 0}), InvalidArgument, "(0, 1)");
  EXPECT_ERROR((void)expm_multiply<T>(a, 1.0, view(longer)), DimensionError, "owned length");
  EXPECT_ERROR((void)expm_multiply<T>(a, 1.0, view(sick)), InvalidArgument, "NaN");
  EXPECT_ERROR((void)expm_multiply<T>(wide, 1.0, view(v)), DimensionError, "4 x 6");
  EXPECT_ERROR((void)expm_multiply<T>(crooked, 1.0, view(v)), InvalidArgument, "not Hermitian");
  EXPECT_ERROR((void)expm_multiply<T>(a, 1e9, view(v)), InvalidArgument, "max_products");
  EXPECT_ERROR((void)expm_multiply<T>(a, 2000.0, view(v)), InvalidArgument, "largest double");
  EXPECT_ERROR((void)apply_function<T>(
                   a, [](double x) { return std::sqrt(x); }, view(v)),
               InvalidArgument, "not finite at -");
  const auto unfinished =
      apply_function<T>(a, [](double x) { return std::abs(x); }, view(v), {.max_steps = 3});
  EXPECT_FALSE(unfinished.converged);
  EXPECT_ERROR((void)unfinished.require_converged(), NotConverged, "max_steps");
}

}  // namespace
}  // namespace kronsolve
