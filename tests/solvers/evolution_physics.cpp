// Evolution against exact results of physics, and the order of its methods. One process: ranks are
// evolution.cpp's business.

#include <cmath>

#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/solvers/evolution.hpp>

#include "support/dense_map.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::DenseMap;
using test::distributed;
using test::Matrix;
using test::Random;
using test::Vector;
using test::whole;
using test::world;
using Complex = std::complex<double>;

Vector<Complex> complete(const EvolutionState& state) {
  return std::visit(
      [](const auto& v) -> Vector<Complex> {
        return whole(world(), v.column(0)).template cast<Complex>();
      },
      state);
}

constexpr EvolutionMethod constant_methods[] = {EvolutionMethod::solve, EvolutionMethod::expm,
                                                EvolutionMethod::integrate};

template <class T>
class EvolveRandom : public ::testing::Test {};
using Scalars = ::testing::Types<double, Complex>;
TYPED_TEST_SUITE(EvolveRandom, Scalars);

/// Bonds jxy (SxSx + SySy) + jz SzSz of a chain.
OpSum chain(int sites, bool cyclic, double jxy, double jz) {
  OpSum h(sites);
  for (int i = 0; i + 1 < sites + (cyclic ? 1 : 0); ++i) {
    const int j = (i + 1) % sites;
    h.add(jxy / 2, {{"S+", i}, {"S-", j}})
        .add(jxy / 2, {{"S-", i}, {"S+", j}})
        .add(jz, {{"Sz", i}, {"Sz", j}});
  }
  return h;
}

TEST(EvolveChain, one_magnon_spreads_as_a_bessel_function) {
  constexpr int sites = 60;
  const OpSum op = chain(sites, true, 1, 1);
  const ChargeBasis basis(op.spaces(), {Charge::sz(op.spaces(), sites - 2)});
  ASSERT_EQ(basis.size(), sites);
  const DenseMap<double> h(world(), test::matrix_of<double>(op, basis),
                           basis.partition(world().size()));
  const auto row_of = [&](int site) { return basis.index(basis.code().stride(site)); };
  Vector<double> start = Vector<double>::Zero(sites);
  start(row_of(20)) = 1;
  const double times[] = {0.5, 3, 10};
  for (const auto method : constant_methods) {
    SCOPED_TRACE(to_string(method));
    const auto result =
        evolve(h, distributed<double>(world(), h.row_partition(), start), times, {.method = method},
               [&](const EvolutionPoint& point) {
                 const auto psi = complete(point.state);
                 for (int site = 0; site < sites; ++site) {
                   const int n = std::min(std::abs(site - 20), sites - std::abs(site - 20));
                   // the images around the ring are below 1e-20
                   const double j = std::cyl_bessel_j(n, point.time);
                   EXPECT_NEAR(std::abs(psi(row_of(site))), std::abs(j), 1e-10) << "site " << site;
                 }
                 return Continue::yes;
               });
    EXPECT_TRUE(result.converged);
  }
}

TEST(EvolveChain, quench_of_the_xx_chain_is_that_of_free_fermions) {
  constexpr int sites = 8;
  const OpSum op = chain(sites, false, 1, 0);
  const FullBasis basis(op.spaces());
  const DenseMap<double> h(world(), test::matrix_of<double>(op, basis),
                           basis.partition(world().size()));
  state_t neel = 0;
  for (int i = 1; i < sites; i += 2) neel += basis.code().stride(i);
  Vector<double> start = Vector<double>::Zero(basis.size());
  start(basis.index(neel)) = 1;
  Matrix<double> hopping = Matrix<double>::Zero(sites, sites);
  for (int i = 0; i + 1 < sites; ++i) hopping(i, i + 1) = hopping(i + 1, i) = 0.5;
  const test::SpectralOracle<double> fermions(hopping);
  const double times[] = {0.3, 2, 25, -7};
  const auto result =
      evolve(h, distributed<double>(world(), h.row_partition(), start), times, {},
             [&](const EvolutionPoint& point) {
               const auto psi = complete(point.state);
               for (int site = 0; site < sites; ++site) {
                 double occupied = 0;
                 for (int l = 0; l < sites; l += 2) {
                   Vector<double> at = Vector<double>::Zero(sites);
                   at(l) = 1;
                   occupied += std::norm(fermions.apply(
                       [&](double e) { return std::exp(Complex(0, -point.time) * e); }, at)(site));
                 }
                 double up = 0;
                 for (index_t i = 0; i < basis.size(); ++i)
                   if (basis.code().digit(basis.state(i), site) == 0) up += std::norm(psi(i));
                 EXPECT_NEAR(up, occupied, 1e-10) << "site " << site << " time " << point.time;
               }
               return Continue::yes;
             });
  EXPECT_EQ(result.method, EvolutionMethod::expm);
  EXPECT_LE(result.energy_drift, 1e-11);
}

TEST(EvolveInTime, rotating_field_gives_rabi_oscillations) {
  // H = w0 Sz + w1 (Sx cos wt + Sy sin wt); in the rotating frame it is constant
  const double w0 = 1.3, w1 = 0.4, w = 1.1;
  Matrix<Complex> sz(2, 2), sx(2, 2), sy(2, 2);
  sz << 0.5, 0, 0, -0.5;
  sx << 0, 0.5, 0.5, 0;
  sy << 0, Complex(0, -0.5), Complex(0, 0.5), 0;
  const RowPartition rows(2, world().size());
  const DenseMap<Complex> mz(world(), sz, rows), mx(world(), sx, rows), my(world(), sy, rows);
  const TimeDependentOperator<Complex> h{{{[=](double) { return w0; }, &mz},
                                          {[=](double t) { return w1 * std::cos(w * t); }, &mx},
                                          {[=](double t) { return w1 * std::sin(w * t); }, &my}}};
  Vector<Complex> start(2);
  start << 1, 0;
  const test::SpectralOracle<Complex> frame(Matrix<Complex>((w0 - w) * sz + w1 * sx)), turn(sz);
  const double times[] = {0.5, 7, 30, -3};
  for (const auto method : {EvolutionMethod::integrate, EvolutionMethod::magnus}) {
    SCOPED_TRACE(to_string(method));
    const auto result =
        evolve(h, distributed<Complex>(world(), rows, start), times,
               {.method = method, .tol = 1e-8}, [&](const EvolutionPoint& point) {
                 const double t = point.time;
                 const Vector<Complex> turned =
                     frame.apply([&](double e) { return std::exp(Complex(0, -t) * e); }, start);
                 const Vector<Complex> exact =
                     turn.apply([&](double e) { return std::exp(Complex(0, -w * t) * e); }, turned);
                 EXPECT_LE((complete(point.state) - exact).norm(), 1e-8) << "t " << t;
                 return Continue::yes;
               });
    EXPECT_TRUE(result.converged) << result.reason;
  }
}

TYPED_TEST(EvolveRandom, integrate_and_magnus_agree_on_random_ramps) {
  using T = TypeParam;
  const int n = 20;
  for (unsigned seed = 0; seed < 3; ++seed) {
    SCOPED_TRACE(detail::concat("seed ", seed));
    Random random(seed);
    const auto rows = random.partition(n, world().size());
    const DenseMap<T> a(world(), random.hermitian<T>(n, 4, 0), rows),
        b(world(), random.hermitian<T>(n, 4, 1), rows);
    const TimeDependentOperator<T> h{
        {{[](double t) { return 1 - t / 3; }, &a}, {[](double t) { return std::sin(2 * t); }, &b}}};
    const Vector<Complex> start = random.vector<Complex>(n).normalized();
    const auto psi = distributed<Complex>(world(), rows, start);
    const double times[] = {0.01, 3};
    const auto one = evolve(h, psi, times, {.method = EvolutionMethod::integrate, .tol = 1e-9});
    const auto two = evolve(h, psi, times, {.method = EvolutionMethod::magnus, .tol = 1e-7});

    EXPECT_LE((complete(one.state) - complete(two.state)).norm(), 1e-7);
    EXPECT_NEAR(one.energies[1], two.energies[1], 1e-6);
    EXPECT_LE(two.norm_drift, 1e-11) << "Magnus is unitary";
  }
}

/// Steps follow the norm of the operator: 1e4 H for a time of 1e-4 t is the same problem.
TYPED_TEST(EvolveRandom, steps_do_not_depend_on_the_unit_of_energy) {
  using T = TypeParam;
  Random random(6);
  const Matrix<T> m = random.hermitian<T>(30, 6, 0);
  const RowPartition rows(30, world().size());
  const auto psi = distributed<Complex>(world(), rows, random.vector<Complex>(30).normalized());
  index_t products[2];
  int i = 0;
  for (const double unit : {1.0, 1e4}) {
    const DenseMap<T> h(world(), Matrix<T>(unit * m), rows);
    const double times[] = {0.5 / unit};
    products[i++] = evolve(h, psi, times, {.method = EvolutionMethod::integrate}).products;
  }
  EXPECT_NEAR(static_cast<double>(products[1]), static_cast<double>(products[0]),
              0.1 * static_cast<double>(products[0]));
}

TYPED_TEST(EvolveRandom, runge_kutta_has_order_eight) {
  using T = TypeParam;
  Random random(3);
  const DenseMap<T> h(world(), random.hermitian<T>(30, 6, 0), RowPartition(30, world().size()));
  const auto psi =
      distributed<Complex>(world(), h.row_partition(), random.vector<Complex>(30).normalized());
  const double times[] = {10};
  index_t steps[2];
  int i = 0;
  for (const double tol : {1e-5, 1e-12})
    steps[i++] = evolve(h, psi, times, {.method = EvolutionMethod::integrate, .tol = tol}).steps;
  // error per unit step ~ h^7: seven digits cost a factor of 10; a wrong coefficient makes it 100
  // and more
  EXPECT_LE(static_cast<double>(steps[1]), 20.0 * static_cast<double>(steps[0]));
  EXPECT_GE(static_cast<double>(steps[1]), 4.0 * static_cast<double>(steps[0]));
}

}  // namespace
}  // namespace kronsolve
