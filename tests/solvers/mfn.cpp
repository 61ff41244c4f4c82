#include <cmath>

#include <unsupported/Eigen/MatrixFunctions>

#include <kronsolve/solvers/evolution.hpp>
#include <kronsolve/solvers/expm.hpp>

#include "support/dense_map.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::DenseMap;
using test::distributed;
using test::Matrix;
using test::owned;
using test::Random;
using test::Vector;
using test::whole;
using test::world;
using Complex = std::complex<double>;

template <class T>
class Mfn : public ::testing::Test {};
using Scalars = ::testing::Types<double, Complex>;
TYPED_TEST_SUITE(Mfn, Scalars);

/// SLEPc estimates its error, it does not bound it.
constexpr double estimate_slack = 20;

TYPED_TEST(Mfn, exponentials_of_any_square_map_agree_with_dense_ones) {
  using T = TypeParam;
  for (const int n : {1, 3, 40, 90}) {
    const auto seed = static_cast<unsigned>(n + 31);
    Random random(seed);
    const Matrix<T> m = 2 / std::sqrt(double(n)) * random.matrix<T>(n, n);
    const DenseMap<T> a(world(), m, random.partition(n, world().size()));
    const Vector<Complex> v = random.vector<Complex>(n);
    for (const Complex t : {Complex(0, -1e-6), Complex(0, -0.7), Complex(0, 5), Complex(-2, 0),
                            Complex(0.3, -1), Complex(0, 0)}) {
      SCOPED_TRACE(detail::concat("seed ", seed, " n ", n, " t ", t));
      const Matrix<Complex> exponent = t * m.template cast<Complex>();
      const Vector<Complex> exact = exponent.exp() * v;
      const auto mine = owned<Complex>(v, a.row_range());
      const index_t before = a.products();
      const auto result = expm_multiply<T>(a, t, std::span<const Complex>(mine),
                                           {.method = ExpmMethod::mfn, .tol = 1e-11});

      EXPECT_TRUE(result.converged);
      EXPECT_EQ(result.products, a.products() - before);
      EXPECT_LE((whole<Complex>(world(), result.vectors.column(0)) - exact).norm(),
                estimate_slack * 1e-11 * exact.norm());
    }
  }
}

TYPED_TEST(Mfn, real_exponents_keep_the_scalar_and_zero_stays_zero) {
  using T = TypeParam;
  Random random(4);
  const DenseMap<T> a(world(), random.hermitian<T>(50, 6, 1), random.partition(50, world().size()));
  const Vector<T> v = random.vector<T>(50);
  const auto mine = owned<T>(v, a.row_range());
  for (const double t : {-3.0, -1e-3, 0.5, 4.0}) {
    const auto series = expm_multiply<T>(a, t, std::span<const T>(mine), {.tol = 1e-12});
    const auto krylov =
        expm_multiply<T>(a, t, std::span<const T>(mine), {.method = ExpmMethod::mfn, .tol = 1e-11});
    const Vector<T> expected = whole<T>(world(), series.vectors.column(0));
    EXPECT_LE((whole<T>(world(), krylov.vectors.column(0)) - expected).norm(),
              estimate_slack * 1e-11 * expected.norm());
  }
  const std::vector<T> zero(mine.size());
  const auto nothing =
      expm_multiply<T>(a, 1.0, std::span<const T>(zero), {.method = ExpmMethod::mfn});
  EXPECT_EQ((whole<T>(world(), nothing.vectors.column(0)).norm()), 0);
  EXPECT_ERROR(
      (void)expm_multiply<T>(a, 400.0, std::span<const T>(mine), {.method = ExpmMethod::mfn}),
      InvalidArgument, "range of doubles");
}

TYPED_TEST(Mfn, evolves_like_the_other_methods) {
  using T = TypeParam;
  Random random(11);
  const DenseMap<T> h(world(), random.hermitian<T>(70, 6, -1),
                      random.partition(70, world().size()));
  for (const TimeAxis axis : {TimeAxis::real, TimeAxis::imaginary}) {
    // Imaginary time has no way back: what it has damped is lost in rounding.
    const std::vector<double> times =
        axis == TimeAxis::real ? std::vector{0.5, 6.0, -2.0} : std::vector{0.5, 6.0};
    const auto psi = distributed<T>(world(), h.row_partition(), random.vector<T>(70));
    const auto states = [&](EvolutionMethod method) {
      std::vector<Vector<Complex>> found;
      const auto result =
          evolve(h, psi, times, {.method = method, .axis = axis}, [&](const EvolutionPoint& p) {
            found.push_back(std::visit(
                [](const auto& s) -> Vector<Complex> {
                  return whole(world(), s.column(0)).template cast<Complex>();
                },
                p.state));
            return Continue::yes;
          });
      EXPECT_TRUE(result.converged) << result.reason;
      EXPECT_EQ(result.method, method);
      return std::pair(std::move(found), result.log_norms);
    };
    const auto [exact, exact_norms] = states(EvolutionMethod::solve);
    const auto [mfn, norms] = states(EvolutionMethod::mfn);
    for (std::size_t i = 0; i < times.size(); ++i) {
      EXPECT_LE((mfn[i] - exact[i]).norm(), 1e-9 * exact[i].norm()) << "time " << times[i];
      if (axis == TimeAxis::imaginary) {
        EXPECT_NEAR(norms[i], exact_norms[i], 1e-9);
      }
    }
  }
}

/// One call of SLEPc would be at it for hours (the cost grows with the third power of the time), or
/// give up; what it gives has to be right, not only of norm 1.
TYPED_TEST(Mfn, long_real_times_are_split_and_right) {
  using T = TypeParam;
  Random random(13);
  const DenseMap<T> h(world(), random.hermitian<T>(60, 8, 1), random.partition(60, world().size()));
  const Vector<Complex> v = random.vector<Complex>(60).normalized();
  const Vector<Complex> exact =
      test::SpectralOracle<T>(h.matrix())
          .apply([](double e) { return std::exp(Complex(0, -400) * e); }, v);

  const auto once = expm_multiply<T>(h, Complex(0, -400),
                                     std::span<const Complex>(owned<Complex>(v, h.row_range())),
                                     {.method = ExpmMethod::mfn, .tol = 1e-10});
  const std::vector<double> times = {400};
  const auto moved = evolve(h, distributed<Complex>(world(), h.row_partition(), v), times,
                            {.method = EvolutionMethod::mfn});

  EXPECT_LE((whole<Complex>(world(), once.vectors.column(0)) - exact).norm(), 1e-9);
  EXPECT_NE(once.reason.find(" pieces"), std::string::npos) << once.reason;
  const auto& state = std::get<DistributedVectors<Complex>>(moved.state);
  EXPECT_LE((whole<Complex>(world(), state.column(0)) - exact).norm(), 1e-9);
  EXPECT_LE(moved.norm_drift, 1e-9);
  EXPECT_ERROR((void)evolve(h, distributed<Complex>(world(), h.row_partition(), v),
                            std::vector{1e200}, {.method = EvolutionMethod::mfn}),
               InvalidArgument, "shorter time");
}

/// However many products are allowed: not one more is made, and what did not suffice is not called
/// converged.
TYPED_TEST(Mfn, stops_where_max_products_says_and_says_so) {
  using T = TypeParam;
  Random random(17);
  const DenseMap<T> h(world(), random.hermitian<T>(80, 8, 1), random.partition(80, world().size()));
  const Vector<Complex> v = random.vector<Complex>(80).normalized();
  const auto mine = owned<Complex>(v, h.row_range());
  const auto go = [&](double t, index_t most) {
    return expm_multiply<T>(h, Complex(0, -t), std::span<const Complex>(mine),
                            {.method = ExpmMethod::mfn, .tol = 1e-11, .max_products = most});
  };
  for (const double t : {3.0, 60.0}) {
    const auto whole_way = go(t, 10'000'000);
    ASSERT_TRUE(whole_way.converged) << whole_way.reason;
    for (const index_t most : {index_t{1}, index_t{7}, index_t{45}, whole_way.products / 2}) {
      SCOPED_TRACE(detail::concat("t ", t, ", max_products ", most));
      const index_t before = h.products();
      const auto result = go(t, most);

      EXPECT_FALSE(result.converged) << result.reason;
      EXPECT_EQ(result.products, h.products() - before);
      EXPECT_LE(result.products, std::max<index_t>(most, 5));  // 5 look at the size of A
      EXPECT_TRUE(std::isinf(result.error));
      EXPECT_ERROR((void)result.require_converged(), NotConverged, "max_products");
    }
    // As many as were needed, and room for one restart.
    const auto enough = go(t, whole_way.products + 60);
    EXPECT_TRUE(enough.converged) << enough.reason;
    EXPECT_EQ(enough.products, whole_way.products);
  }
}

TYPED_TEST(Mfn, a_state_that_max_products_hold_back_stays_where_it_is) {
  using T = TypeParam;
  Random random(18);
  const DenseMap<T> h(world(), random.hermitian<T>(60, 8, 1), random.partition(60, world().size()));
  const auto psi = distributed<T>(world(), h.row_partition(), random.vector<T>(60).normalized());
  for (const TimeAxis axis : {TimeAxis::real, TimeAxis::imaginary}) {
    Evolution<T> evolution(h, psi,
                           {.method = EvolutionMethod::mfn, .axis = axis, .max_products = 400});
    evolution.update_to(0.5);
    const auto state = [&] {
      return std::visit(
          [](const auto& s) -> Vector<Complex> {
            return whole(world(), s.column(0)).template cast<Complex>();
          },
          evolution.state());
    };
    const Vector<Complex> before = state();

    EXPECT_ERROR(evolution.update_to(2000), InvalidArgument, "max_products is 400");
    EXPECT_EQ(evolution.time(), 0.5);
    EXPECT_EQ((state() - before).norm(), 0);
    evolution.update_to(0.75);
    EXPECT_LE(evolution.error(), 1e-9);
  }
}

TYPED_TEST(Mfn, long_imaginary_times_stay_in_the_range_of_doubles) {
  using T = TypeParam;
  Random random(12);
  const DenseMap<T> h(world(), random.hermitian<T>(30, 6, -8),
                      random.partition(30, world().size()));
  const auto psi = distributed<T>(world(), h.row_partition(), random.vector<T>(30));
  const double lowest =
      Eigen::SelfAdjointEigenSolver<Matrix<T>>(h.matrix()).eigenvalues().minCoeff();
  const std::vector<double> times = {300};

  const auto result =
      evolve(h, psi, times, {.method = EvolutionMethod::mfn, .axis = TimeAxis::imaginary});

  EXPECT_NEAR(result.energies.at(0), lowest, 1e-9);
  EXPECT_NEAR(result.log_norms.at(0) / -300, lowest, 0.05);
}

}  // namespace
}  // namespace kronsolve
