#include <cmath>
#include <random>

#include <unsupported/Eigen/MatrixFunctions>

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

template <class T>
class Evolve : public ::testing::Test {};
using Scalars = ::testing::Types<double, Complex>;
TYPED_TEST_SUITE(Evolve, Scalars);

constexpr EvolutionMethod constant_methods[] = {EvolutionMethod::solve, EvolutionMethod::expm,
                                                EvolutionMethod::integrate};

template <Scalar T, Scalar V>
void agrees_with_eigenvectors(int n, unsigned seed) {
  Random random(seed);
  const DenseMap<T> h(world(), random.hermitian<T>(n, 6, random.uniform(-4, 4)),
                      random.partition(n, world().size()));
  const Vector<V> start = 3 * random.vector<V>(n);
  const auto psi = distributed<V>(world(), h.row_partition(), start);
  const test::SpectralOracle<T> oracle(h.matrix());
  for (const TimeAxis axis : {TimeAxis::real, TimeAxis::imaginary})
    for (const auto method : constant_methods) {
      SCOPED_TRACE(detail::concat("seed ", seed, " n ", n, " method ", to_string(method), " axis ",
                                  axis == TimeAxis::real ? "real" : "imaginary"));
      // the state is given at time 1; imaginary time has no way back
      const std::vector<double> times = axis == TimeAxis::real
                                            ? std::vector{1.001, 1 + 1e-7, 4.0, -2.5, 1.0}
                                            : std::vector{1 + 1e-7, 1.001, 4.0};
      std::size_t seen = 0;
      const index_t before = h.products();
      const auto result = evolve(
          h, psi, times, {.method = method, .axis = axis, .start = 1, .tol = 1e-10},
          [&](const EvolutionPoint& point) {
            const double t = point.time - 1;
            Vector<Complex> exact = oracle.apply(
                [&](double e) {
                  return axis == TimeAxis::real ? std::exp(Complex(0, -t) * e)
                                                : Complex(std::exp(-t * e));
                },
                start);
            const double log_norm = std::log(exact.norm() / start.norm());
            if (axis == TimeAxis::imaginary) {
              EXPECT_NEAR(point.log_norm, log_norm, 1e-9 * std::max(1.0, std::abs(log_norm)));
              exact *= start.norm() / exact.norm();
            }
            const Vector<Complex> h_exact = h.matrix() * exact;
            const double energy = exact.dot(h_exact).real() / exact.squaredNorm();
            const Vector<Complex> is = complete(point.state);
            const double tol = axis == TimeAxis::real ? 1e-10 : 1e-9;
            EXPECT_LE((is - exact).norm(), tol * start.norm()) << "t " << t;
            EXPECT_NEAR(point.energy, energy, 10 * tol * (1 + std::abs(energy)));
            EXPECT_NEAR(point.norm, start.norm(), 1e-9 * start.norm());
            ++seen;
            return Continue::yes;
          });
      EXPECT_EQ(seen, times.size());
      EXPECT_EQ(result.times, times);
      EXPECT_TRUE(result.converged) << result.reason;
      EXPECT_EQ(result.products, h.products() - before) << "products are counted";
      EXPECT_LE(result.norm_drift, method == EvolutionMethod::integrate ? 1e-9 : 1e-12);
      EXPECT_LE(result.energy_drift, 1e-8);
      EXPECT_EQ(result.state.index(),
                is_complex<T> || is_complex<V> || axis == TimeAxis::real ? 1u : 0u);
      EXPECT_EQ(result.log_norms.size(), axis == TimeAxis::real ? 0u : 3u);
    }
}

TYPED_TEST(Evolve, all_methods_agree_with_eigenvectors) {
  using T = TypeParam;
  for (const int n : world().size() > 1 ? std::vector{1, 11} : std::vector{1, 2, 3, 17, 60, 150}) {
    agrees_with_eigenvectors<T, double>(n, static_cast<unsigned>(n) + 100);
    agrees_with_eigenvectors<T, Complex>(n, static_cast<unsigned>(n) + 200);
  }
}

TYPED_TEST(Evolve, imaginary_time_runs_backwards_from_the_start) {
  using T = TypeParam;
  Random random(8);
  const DenseMap<T> h(world(), random.hermitian<T>(25, 6, 3), random.partition(25, world().size()));
  const Vector<T> start = random.vector<T>(25);
  Vector<Complex> exact =
      test::SpectralOracle<T>(h.matrix()).apply([](double e) { return std::exp(5 * e); }, start);
  for (const auto method : constant_methods) {
    SCOPED_TRACE(to_string(method));
    Evolution<T> evolution(h, distributed<T>(world(), h.row_partition(), start),
                           {.method = method, .axis = TimeAxis::imaginary});
    evolution.update_to(-5);

    EXPECT_NEAR(evolution.log_norm(), std::log(exact.norm() / start.norm()), 1e-9);
    EXPECT_LE((complete(evolution.state()) / start.norm() - exact.normalized()).norm(), 1e-9);
  }
}

TYPED_TEST(Evolve, long_times_stay_unitary) {
  using T = TypeParam;
  Random random(5);
  const DenseMap<T> h(world(), random.hermitian<T>(40, 6, 1), random.partition(40, world().size()));
  Vector<Complex> start = random.vector<Complex>(40);
  start.normalize();
  for (const auto method : {EvolutionMethod::solve, EvolutionMethod::expm}) {
    Evolution<T> evolution(h, distributed<Complex>(world(), h.row_partition(), start),
                           {.method = method, .tol = 1e-11});
    for (const double t : {100.0, 200.0, -50.0, 0.0}) evolution.update_to(t);

    EXPECT_LE(evolution.norm_drift(), 1e-12);
    EXPECT_LE((complete(evolution.state()) - start).norm(), 1e-11);
    EXPECT_LE(evolution.error(), 1e-11);
  }
}

TYPED_TEST(Evolve, observers_stop_it_and_states_can_be_taken) {
  using T = TypeParam;
  Random random(4);
  const DenseMap<T> h(world(), random.hermitian<T>(10, 2, 0), RowPartition(10, world().size()));
  const auto psi = distributed<double>(world(), h.row_partition(), random.vector<double>(10));
  const double times[] = {1, 2, 3};
  const auto result = evolve(h, psi, times, {}, [](const EvolutionPoint& p) {
    return p.time < 2 ? Continue::yes : Continue::no;
  });

  EXPECT_TRUE(result.stopped);
  EXPECT_EQ(result.times, (std::vector<double>{1, 2}));
  Evolution<T> evolution(h, psi);
  evolution.update_to(2);
  Evolution<T> moved = std::move(evolution);
  EXPECT_EQ(moved.time(), 2);
  EXPECT_LE((complete(moved.state()) - complete(result.state)).norm(), 1e-9);
}

/// One spin under a pulse along x: <Sz> after it, whatever the method.
double after_pulse(const std::function<double(double)>& pulse, EvolutionMethod method, double end,
                   double max_step = 0) {
  Matrix<double> sx(2, 2);
  sx << 0, 0.5, 0.5, 0;
  const DenseMap<double> h(world(), sx, RowPartition(2, world().size()));
  Vector<double> up(2);
  up << 1, 0;
  const double times[] = {end};
  const auto r = evolve(TimeDependentOperator<double>{{{pulse, &h}}},
                        distributed<double>(world(), h.row_partition(), up), times,
                        {.method = method, .tol = 1e-8, .max_step = max_step});
  EXPECT_TRUE(r.converged) << r.reason;
  const auto state = complete(r.state);
  return 0.5 * (std::norm(state(0)) - std::norm(state(1)));
}

constexpr EvolutionMethod driven_methods[] = {EvolutionMethod::magnus, EvolutionMethod::integrate};
/// Of an angle that is wrong by 1e-8 and a step or two.
constexpr double pulse_tolerance = 1e-6;

TEST(EvolvePulses, a_pulse_is_seen_with_a_step_no_longer_than_it) {
  const auto pulse = [](double t) {
    const double x = (t - 315) / 2;
    return std::exp(-x * x / 2) * std::sqrt(std::acos(-1.0) / 2) / 2;
  };
  for (const auto method : driven_methods)
    EXPECT_NEAR(after_pulse(pulse, method, 1000, 2), -0.5, pulse_tolerance) << to_string(method);
}

/// A square pulse of `frequency` with a detuning, and how far it turns a spin that is up
/// (Rabi's formula).
struct SquarePulse {
  double begin = 0, width = 1, frequency = 1, detuning = 0;
  double operator()(double t) const { return t >= begin && t < begin + width ? frequency : 0; }
  double sz_after() const {
    const double turn = std::hypot(frequency, detuning);
    const double s = std::sin(turn * width / 2) * frequency / turn;
    return 0.5 - s * s;
  }
};

TEST(EvolvePulses, pulses_anywhere_are_seen) {
  // Long idle times invite steps that pass over everything.
  constexpr unsigned seed = 20261130;
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  const int pulses = world().size() == 1 ? 15 : 2;  // 50 and more have passed
  for (int i = 0; i < pulses; ++i) {
    const double width = std::exp(std::log(0.2) + uniform(random) * std::log(250));
    const double begin = uniform(random) * (1000 - width), angle = 0.1 + 6 * uniform(random);
    const double pi = std::acos(-1.0);
    const auto inside = [=](double t) { return t > begin && t < begin + width; };
    const auto bump = [=](double t) {
      const double s = std::sin(pi * (t - begin) / width);
      return inside(t) ? 2 * angle / width * s * s : 0;
    };
    const auto square = SquarePulse{begin, width, angle / width, 0};
    // There and back again, with nothing left in the integral.
    const auto lobes = [=](double t) {
      return inside(t) ? 10 / width * std::sin(2 * pi * (t - begin) / width) : 0;
    };
    for (const auto method : driven_methods) {
      SCOPED_TRACE(detail::concat("seed ", seed, ", pulse ", i, " of ", width, " at ", begin, ", ",
                                  to_string(method)));
      EXPECT_NEAR(after_pulse(bump, method, 1000), std::cos(angle) / 2, pulse_tolerance);
      EXPECT_NEAR(after_pulse(square, method, 1000), std::cos(angle) / 2, pulse_tolerance);
      EXPECT_NEAR(after_pulse(lobes, method, 1000), 0.5, pulse_tolerance);
    }
  }
}

TEST(EvolvePulses, what_a_detuned_pulse_does_is_what_the_formula_says) {
  Matrix<double> sx(2, 2), sz(2, 2);
  sx << 0, 0.5, 0.5, 0;
  sz << 0.5, 0, 0, -0.5;
  const RowPartition rows(2, world().size());
  const DenseMap<double> x(world(), sx, rows), z(world(), sz, rows);
  Vector<double> up(2);
  up << 1, 0;
  const double times[] = {100};
  for (const double detuning : {0.1, 2.0})
    for (const auto method : driven_methods) {
      const SquarePulse pulse{61.7, 0.9, 3, detuning};
      const auto r = evolve(
          TimeDependentOperator<double>{{{pulse, &x}, {[=](double) { return detuning; }, &z}}},
          distributed<double>(world(), rows, up), times, {.method = method, .tol = 1e-8});
      EXPECT_TRUE(r.converged) << r.reason;
      const auto state = complete(r.state);
      EXPECT_NEAR(0.5 * (std::norm(state(0)) - std::norm(state(1))), pulse.sz_after(), 1e-7);
    }
}

TEST(EvolveShort, the_shortest_times_are_exact_to_rounding) {
  Matrix<double> sx(2, 2);
  sx << 0, 0.5, 0.5, 0;
  const DenseMap<double> h(world(), sx, RowPartition(2, world().size()));
  Vector<double> up(2);
  up << 1, 0;
  for (const double t : {1e-8, 1e-7, 1.5e-6, 3e-6, 1e-4}) {
    const double times[] = {t};
    const auto r = evolve(h, distributed<double>(world(), h.row_partition(), up), times,
                          {.method = EvolutionMethod::expm, .tol = 1e-15});
    const auto state = complete(r.state);
    EXPECT_NEAR(1 - state(0).real(), 1 - std::cos(t / 2), 3e-16) << t;
    EXPECT_NEAR(state(1).imag(), -std::sin(t / 2), 1e-11 * t) << t;
  }
}

TEST(EvolvePulses, progress_is_told_between_output_times) {
  std::vector<double> reached;
  Matrix<double> sx(2, 2);
  sx << 0, 0.5, 0.5, 0;
  const DenseMap<double> h(world(), sx, RowPartition(2, world().size()));
  Vector<double> up(2);
  up << 1, 0;
  const double times[] = {100};

  (void)evolve(h, distributed<double>(world(), h.row_partition(), up), times,
               {.method = EvolutionMethod::integrate,
                .progress = [&](double time) { reached.push_back(time); }});

  ASSERT_GT(reached.size(), 5u);
  EXPECT_TRUE(std::is_sorted(reached.begin(), reached.end()));
  EXPECT_EQ(reached.back(), 100);
}

TYPED_TEST(Evolve, huge_and_tiny_units_give_the_same_state) {
  using T = TypeParam;
  Random random(6);
  const Matrix<T> matrix = random.hermitian<T>(20, 6, 1);
  const RowPartition rows = random.partition(20, world().size());
  const Vector<double> start = random.vector<double>(20);
  const double times[] = {1};
  const DenseMap<T> h(world(), matrix, rows);
  const auto psi = distributed<double>(world(), rows, start);
  for (const double unit : {1e-250, 1e-200, 1e155, 1e200}) {
    const DenseMap<T> scaled(world(), Matrix<T>(unit * matrix), rows);
    for (const auto method : constant_methods)
      for (const TimeAxis axis : {TimeAxis::real, TimeAxis::imaginary}) {
        SCOPED_TRACE(detail::concat(unit, " ", to_string(method)));
        const double later[] = {1 / unit};
        const auto r = evolve(scaled, psi, later, {.method = method, .axis = axis});
        const auto plain = evolve(h, psi, times, {.method = method, .axis = axis});

        EXPECT_TRUE(r.converged) << r.reason;
        EXPECT_LE((complete(r.state) - complete(plain.state)).norm(), 1e-9 * start.norm());
        EXPECT_NEAR(r.energies[0] / unit, plain.energies[0], 1e-9);
      }
  }
}

TYPED_TEST(Evolve, times_that_no_integrator_reaches_are_refused_at_once) {
  using T = TypeParam;
  Random random(6);
  const DenseMap<T> h(world(), random.hermitian<T>(10, 6, 1), RowPartition(10, world().size()));
  const auto psi = distributed<double>(world(), h.row_partition(), random.vector<double>(10));
  const double never[] = {1e300};

  EXPECT_ERROR((void)evolve(h, psi, never, {.method = EvolutionMethod::integrate}), InvalidArgument,
               "use method expm");
  EXPECT_LE(h.products(), 200);
}

TYPED_TEST(Evolve, bad_input_is_refused_by_all_ranks) {
  using T = TypeParam;
  Random random(4);
  const int ranks = world().size();
  const DenseMap<T> h(world(), random.hermitian<T>(10, 2, 0), RowPartition(10, ranks));
  const DenseMap<T> crooked(world(), random.matrix<T>(10, 10), RowPartition(10, ranks));
  const auto psi = distributed<double>(world(), h.row_partition(), random.vector<double>(10));
  const auto zero = distributed<double>(world(), h.row_partition(), Vector<double>::Zero(10));
  const auto other = distributed<double>(world(), RowPartition(9, ranks), random.vector<double>(9));
  const double times[] = {1}, sick[] = {1, std::nan("")};

  EXPECT_ERROR((void)evolve(h, psi, times, {.tol = 2}), InvalidArgument, "(0, 1)");
  EXPECT_ERROR((void)evolve(h, psi, times, {.max_step = -1}), InvalidArgument, "max_step");
  EXPECT_ERROR((void)evolve(h, psi, sick, {}), InvalidArgument, "finite");
  EXPECT_ERROR((void)evolve(h, zero, times, {}), InvalidArgument, "zero");
  EXPECT_ERROR((void)evolve(h, other, times, {}), DimensionError, "10 rows");
  EXPECT_ERROR((void)evolve(h, psi, times, {.method = EvolutionMethod::magnus}), InvalidArgument,
               "expm");
  for (const auto method : constant_methods)
    EXPECT_ERROR((void)evolve(crooked, psi, times, {.method = method}), InvalidArgument,
                 "not Hermitian");
  const TimeDependentOperator<T> none, moving{{{[](double t) { return t; }, &h}}};
  EXPECT_ERROR((void)evolve(none, psi, times, {}), InvalidArgument, "at least one term");
  EXPECT_ERROR((void)evolve(moving, psi, times, {.method = EvolutionMethod::solve}),
               InvalidArgument, "depend on time");
  EXPECT_ERROR((void)evolve(moving, psi, times, {.axis = TimeAxis::imaginary}), InvalidArgument,
               "imaginary");
  EXPECT_ERROR(
      (void)evolve(h, psi, times, {.method = EvolutionMethod::integrate, .max_products = 5}),
      InvalidArgument, "max_products");
}

// ---- operators that are not Hermitian ----------------------------------------------------------

/// An interval around the spectrum of a Hermitian matrix.
template <class M>
SpectralBounds ends(const M& matrix) {
  const auto values = Eigen::SelfAdjointEigenSolver<M>(matrix).eigenvalues();
  return {values(0), values(values.size() - 1)};
}

/// Both bounds that an operator needs which is not Hermitian.
template <Scalar T>
EvolutionOptions non_hermitian(const Matrix<T>& g, EvolutionOptions options) {
  const Matrix<T> hermitian = (g + g.adjoint()) / 2;
  const Matrix<Complex> other = Complex(0, -0.5) * (g - g.adjoint()).template cast<Complex>();
  options.bounds = ends(hermitian);
  options.growth = ends(other);
  return options;
}

template <Scalar T>
void agrees_with_exponential(const Matrix<T>& g, const Vector<T>& start, RowPartition rows) {
  const DenseMap<T> map(world(), g, rows);
  const auto psi = distributed<T>(world(), map.row_partition(), start);
  for (const TimeAxis axis : {TimeAxis::real, TimeAxis::imaginary}) {
    const Complex factor = axis == TimeAxis::real ? Complex(0, -1) : Complex(-1);
    const auto options = non_hermitian(g, {.axis = axis, .start = 1, .tol = 1e-8});
    const auto result =
        evolve(map, psi, std::vector{1.1, 3.0, 0.5}, options, [&](const EvolutionPoint& point) {
          const Matrix<Complex> moved =
              (factor * (point.time - 1) * g.template cast<Complex>()).eval().exp();
          const Vector<Complex> exact = moved * start.template cast<Complex>();
          const double norm = exact.norm() / start.norm();
          EXPECT_NEAR(point.log_norm, std::log(norm), 2 * point.error + 1e-12) << point.time;
          EXPECT_NEAR(point.norm, start.norm(), 1e-10 * start.norm());
          // Relative to the norm that was divided out, the error is within what is said of it; and
          // that is not said for lack of a bound.
          const double missed = (complete(point.state) - exact / norm).norm() / start.norm();
          EXPECT_LE(missed, 2 * point.error + 1e-12) << point.time;
          EXPECT_LE(point.error, 1e-8) << point.time;
          return Continue::yes;
        });
    EXPECT_TRUE(result.converged) << result.reason;
    EXPECT_EQ(result.method, EvolutionMethod::integrate);
    EXPECT_EQ(result.log_norms.size(), 3u);
    EXPECT_EQ(result.norm_drift, 0);
  }
}

TYPED_TEST(Evolve, operators_that_are_not_hermitian_agree_with_dense_exponentials) {
  using T = TypeParam;
  for (const int n : {1, 7, 24}) {
    const auto seed = static_cast<unsigned>(n) + 300;
    SCOPED_TRACE(detail::concat("seed ", seed));
    Random random(seed);
    Matrix<T> g(n, n);
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) g(i, j) = random.scalar<T>() / std::sqrt(n);
    agrees_with_exponential<T>(g, 3 * random.vector<T>(n), random.partition(n, world().size()));
  }
}

TYPED_TEST(Evolve, a_jordan_block_moves_as_its_polynomial) {
  // As far from normal as a matrix can be: one eigenvalue, one eigenvector.
  using T = TypeParam;
  constexpr int n = 6;
  Matrix<T> g = 0.3 * Matrix<T>::Identity(n, n);
  for (int i = 0; i + 1 < n; ++i) g(i, i + 1) = 2;
  Vector<T> start = Vector<T>::Zero(n);
  start(n - 1) = 1;
  agrees_with_exponential<T>(g, start, RowPartition(n, world().size()));
}

TYPED_TEST(Evolve, what_is_not_hermitian_must_be_said_to_be_so) {
  using T = TypeParam;
  Random random(9);
  Matrix<T> g(8, 8);
  for (int i = 0; i < 8; ++i)
    for (int j = 0; j < 8; ++j) g(i, j) = random.scalar<T>();
  const DenseMap<T> map(world(), g, RowPartition(8, world().size()));
  const auto psi = distributed<T>(world(), map.row_partition(), random.vector<T>(8));
  const auto refused = [&](EvolutionOptions options, const std::string& word) {
    try {
      (void)evolve(map, psi, std::vector{1.0}, options);
      ADD_FAILURE() << "not refused: " << word;
    } catch (const InvalidArgument& error) {
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
    }
  };
  refused({}, "Hermitian");
  refused(non_hermitian(g, {.method = EvolutionMethod::expm}), "needs a Hermitian operator");
  auto half = non_hermitian(g, {});
  half.bounds.reset();
  refused(half, "growth without bounds");
}

}  // namespace
}  // namespace kronsolve
