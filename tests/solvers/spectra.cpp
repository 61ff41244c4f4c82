// Traces, thermal averages, spectral functions: what is said of spectra without diagonalising.

#include <cmath>

#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/solvers/spectral_function.hpp>
#include <kronsolve/solvers/stochastic.hpp>

#include "support/dense_map.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::DenseMap;
using test::distributed;
using test::Matrix;
using test::owned;
using test::Random;
using test::SpectralOracle;
using test::Vector;
using test::whole;
using test::world;
using Complex = std::complex<double>;

template <class T>
class Spectra : public ::testing::Test {};
using Scalars = ::testing::Types<double, Complex>;
TYPED_TEST_SUITE(Spectra, Scalars);

TYPED_TEST(Spectra, traces_are_within_their_error) {
  using T = TypeParam;
  const int n = world().size() > 1 ? 60 : 120;
  const double tol = world().size() > 1 ? 3e-2 : 1e-2;
  Random random(1);
  const DenseMap<T> a(world(), random.hermitian<T>(n, 4, 4), random.partition(n, world().size()));
  const auto values = SpectralOracle<T>(a.matrix()).values().eval();
  const std::pair<const char*, std::function<double(double)>> functions[] = {
      {"sqrt", [](double x) { return std::sqrt(x); }},
      {"exp", [](double x) { return std::exp(-x); }},
      {"x log x", [](double x) { return x * std::log(x); }},
      {"one", [](double) { return 1.0; }}};
  for (const auto& [name, f] : functions) {
    SCOPED_TRACE(name);
    double exact = 0;
    for (const double value : values) exact += f(value);
    const auto r = trace_function<T>(a, f, {.tol = tol, .seed = 3});

    EXPECT_TRUE(r.converged);
    EXPECT_LE(r.error, tol * std::abs(r.trace));
    EXPECT_NEAR(r.trace, exact, 4 * r.error + 1e-9 * std::abs(exact));
    EXPECT_EQ(static_cast<index_t>(r.values.size()), r.samples);
  }
}

TEST(SpectraErrors, of_traces_are_honest) {
  if (world().size() > 1) return;
  Random random(2);
  const DenseMap<double> a(world(), random.hermitian<double>(40, 4, 0), RowPartition(40, 1));
  double exact = 0;
  const SpectralOracle<double> oracle(a.matrix());
  for (const double value : oracle.values()) exact += std::exp(-value);
  int outside = 0;
  const int runs = 100;
  for (int seed = 0; seed < runs; ++seed) {
    const auto r = trace_function<double>(a, [](double x) { return std::exp(-x); },
                                          {.tol = 1e-9,
                                           .min_samples = 30,
                                           .max_samples = 30,
                                           .seed = static_cast<std::uint64_t>(seed)});
    outside += std::abs(r.trace - exact) > 2 * r.error;
  }
  // two standard errors leave out 5 % (a little more with 30 samples); 100 runs scatter by 2.2 %
  EXPECT_LE(outside, 14);
  EXPECT_GE(outside, 1) << "errors are far too large";
}

TYPED_TEST(Spectra, thermal_averages_are_within_their_errors) {
  using T = TypeParam;
  const int n = world().size() > 1 ? 40 : 100;
  Random random(4);
  const auto rows = random.partition(n, world().size());
  const DenseMap<T> h(world(), random.hermitian<T>(n, 6, -2), rows),
      a(world(), random.hermitian<T>(n, 2, 1), rows);
  const SpectralOracle<T> oracle(h.matrix());
  const auto energies = oracle.values().eval();
  const Matrix<T> a_in_h = oracle.vectors().adjoint() * a.matrix() * oracle.vectors();
  const double betas[] = {2, 0, 0.5, 20};
  const LinearMap<T>* const observables[] = {&a};
  for (const auto method : {ThermalMethod::typical, ThermalMethod::ftlm}) {
    const auto points =
        thermal_averages<T>(h, betas, observables, {.method = method, .samples = 25, .seed = 1});

    ASSERT_EQ(points.size(), 4u);
    for (std::size_t i = 0; i < 4; ++i) {
      const double beta = betas[i];
      SCOPED_TRACE(detail::concat("beta ", beta, method == ThermalMethod::ftlm ? " ftlm" : ""));
      double z = 0, e = 0, e2 = 0, value = 0;
      for (int j = 0; j < n; ++j) {
        const double w = std::exp(-beta * (energies(j) - energies(0)));
        z += w;
        e += w * energies(j);
        e2 += w * energies(j) * energies(j);
        value += w * real_part(a_in_h(j, j));
      }
      const auto expect_near = [](const Estimate& is, double exact) {
        EXPECT_NEAR(is.value, exact, 4 * is.error + 1e-7 * (1 + std::abs(exact)));
      };
      EXPECT_EQ(points[i].beta, beta);
      expect_near(points[i].energy, e / z);
      expect_near(points[i].heat_capacity, beta * beta * (e2 / z - e * e / z / z));
      expect_near(points[i].log_partition, std::log(z) - beta * energies(0));
      expect_near(points[i].entropy, beta * e / z + std::log(z) - beta * energies(0));
      expect_near(points[i].observables[0], value / z);
      EXPECT_LT(points[i].energy.error, 0.5);
    }
    EXPECT_NEAR(points[1].log_partition.value, std::log(n), 1e-12) << "beta = 0 counts states";
  }
}

TEST(SpectraThermal, one_lanczos_run_serves_all_temperatures_and_agrees_with_typical_states) {
  Random random(6);
  const DenseMap<double> h(world(), random.hermitian<double>(60, 6, 1),
                           random.partition(60, world().size()));
  const double betas[] = {0, 0.3, 3};
  const index_t before = h.products();
  const auto ftlm = thermal_averages<double>(
      h, betas, {}, {.method = ThermalMethod::ftlm, .steps = 60, .samples = 4, .seed = 2});
  EXPECT_LE(h.products() - before, 4 * 60);

  // The same random vectors: energies differ by the rounding of both only.
  const auto typical =
      thermal_averages<double>(h, betas, {}, {.samples = 4, .tol = 1e-12, .seed = 2});
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(ftlm[i].energy.value, typical[i].energy.value, 1e-9);
    EXPECT_NEAR(ftlm[i].energy.error, typical[i].energy.error, 1e-9);
    EXPECT_NEAR(ftlm[i].log_partition.value, typical[i].log_partition.value, 1e-9);
  }
  EXPECT_ERROR(
      (void)thermal_averages<double>(h, betas, {}, {.method = ThermalMethod::ftlm, .steps = 0}),
      InvalidArgument, "step");
}

TYPED_TEST(Spectra, spectral_functions_agree_with_eigenvectors) {
  using T = TypeParam;
  const int n = 50;
  Random random(5);
  const DenseMap<T> h(world(), random.hermitian<T>(n, 6, 0), random.partition(n, world().size()));
  const SpectralOracle<T> oracle(h.matrix());
  const Vector<T> a = random.vector<T>(n), b = random.vector<T>(n);
  const auto mine_a = owned<T>(a, h.row_range()), mine_b = owned<T>(b, h.row_range());
  const auto one = spectral_function<T>(h, std::span<const T>(mine_a), {.steps = 300});
  const auto two = cross_spectral_function<T>(h, std::span<const T>(mine_a),
                                              std::span<const T>(mine_b), {.steps = 300});

  for (const Complex z : {Complex(0.3, 0.1), Complex(-1, 0.02), Complex(7, 0)}) {
    const auto resolvent = [z](double e) { return 1.0 / (z - e); };
    const Complex exact = a.template cast<Complex>().dot(oracle.apply(resolvent, a));
    const Complex cross = a.template cast<Complex>().dot(oracle.apply(resolvent, b));
    EXPECT_LE(std::abs(one.green(z) - exact), 1e-9 * std::abs(exact));
    EXPECT_LE(std::abs(two.green(z) - cross), 1e-9 * (1 + std::abs(exact)));
    Complex by_poles = 0;
    for (std::size_t j = 0; j < one.poles.size(); ++j)
      by_poles += one.weights[j] / (z - one.poles[j]);
    EXPECT_LE(std::abs(by_poles - exact), 1e-9 * std::abs(exact));
  }
  for (int p = 0; p < 4; ++p) {
    const auto power = [p](double e) { return std::pow(e, p); };
    const double exact = a.template cast<Complex>().dot(oracle.apply(power, a)).real();
    EXPECT_NEAR(one.moment(p), exact, 1e-10 * n * std::pow(3, p));
    const Complex cross = a.template cast<Complex>().dot(oracle.apply(power, b));
    EXPECT_LE(std::abs(two.moment(p) - cross), 1e-10 * n * std::pow(3, p));
  }
  EXPECT_EQ(
      spectral_function<T>(h, std::span<const T>(std::vector<T>(mine_a.size(), T(0)))).poles.size(),
      0u);
}

TYPED_TEST(Spectra, no_pole_comes_twice_when_the_space_is_exhausted) {
  using T = TypeParam;
  Random random(9);
  // Levels far from the others converge first and would come up again.
  std::vector<double> levels = {-30, -20};
  for (int i = 0; i < 20; ++i) levels.push_back(0.1 * i);
  levels.insert(levels.end(), {20, 40});
  const auto n = static_cast<index_t>(levels.size());
  const DenseMap<T> h(world(), random.with_spectrum<T>(levels),
                      random.partition(n, world().size()));
  const SpectralOracle<T> oracle(h.matrix());
  const Vector<T> a = random.vector<T>(n);
  const auto mine = owned<T>(a, h.row_range());

  const auto r = spectral_function<T>(h, std::span<const T>(mine), {.steps = 200});

  ASSERT_EQ(static_cast<index_t>(r.poles.size()), n);
  for (index_t j = 0; j < n; ++j) {
    const auto at = static_cast<std::size_t>(j);
    EXPECT_NEAR(r.poles[at], levels[at], 1e-11);
    EXPECT_NEAR(r.weights[at], std::norm(oracle.vectors().col(j).dot(a)), 1e-9);
  }
}

/// Levels in turn on the diagonal: many rows, few poles.
template <Scalar T>
class FewLevels final : public LinearMap<T> {
 public:
  FewLevels(const Comm& comm, index_t rows, std::vector<double> levels)
      : LinearMap<T>(comm, RowPartition(rows, comm.size()), RowPartition(rows, comm.size())),
        levels_(std::move(levels)) {}
  index_t memory_bytes() const noexcept override { return 0; }

 protected:
  void apply_impl(std::span<const T> x, std::span<T> y) const override {
    const auto first = static_cast<std::size_t>(this->row_range().begin);
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = levels_[(first + i) % levels_.size()] * x[i];
  }
  void apply_adjoint_impl(std::span<const T> x, std::span<T> y) const override { apply_impl(x, y); }

 private:
  std::vector<double> levels_;
};

TYPED_TEST(Spectra, few_levels_are_few_poles_where_vectors_are_not_kept) {
  using T = TypeParam;
  constexpr index_t n = 60'000;  // too many to keep 200 vectors
  const std::vector<double> levels = {-7, -1.5, -1.4, 0, 0.3, 2, 11};
  const FewLevels<T> h(world(), n, levels);
  const auto range = h.row_range();
  std::vector<T> phi;
  for (index_t i = range.begin; i < range.end; ++i)
    phi.push_back(T(1 + std::sin(double(i * i % 1009))));
  std::vector<double> weights(levels.size(), 0.0);
  for (index_t i = 0; i < n; ++i)
    weights[static_cast<std::size_t>(i) % levels.size()] +=
        std::pow(1 + std::sin(double(i * i % 1009)), 2);

  const auto r = spectral_function<T>(h, std::span<const T>(phi), {.steps = 200});

  ASSERT_EQ(r.poles.size(), levels.size());
  for (std::size_t j = 0; j < levels.size(); ++j) {
    EXPECT_NEAR(r.poles[j], levels[j], 1e-10);
    EXPECT_NEAR(r.weights[j] / weights[j], 1, 1e-8);
  }
}

/// Heisenberg ring.
OpSum ring(int sites) {
  OpSum h(sites);
  for (int i = 0; i < sites; ++i)
    h.add(1, {{"Sx", i}, {"Sx", (i + 1) % sites}})
        .add(1, {{"Sy", i}, {"Sy", (i + 1) % sites}})
        .add(1, {{"Sz", i}, {"Sz", (i + 1) % sites}});
  return h;
}

TEST(SpectraChain, structure_factor_crosses_sectors_and_keeps_its_sum_rules) {
  constexpr int sites = 8;
  const OpSum op = ring(sites);
  const ChargeBasis zero(op.spaces(), {Charge::sz(op.spaces(), 0)}),
      down(op.spaces(), {Charge::sz(op.spaces(), -2)});
  const int ranks = world().size();
  const DenseMap<Complex> h0(world(), test::matrix_of<Complex>(op, zero), zero.partition(ranks)),
      h1(world(), test::matrix_of<Complex>(op, down), down.partition(ranks));
  const SpectralOracle<Complex> even(h0.matrix());
  const Vector<Complex> ground = even.vectors().col(0);
  double total = 0, total_z = 0;
  for (int m = 0; m < sites; ++m) {
    SCOPED_TRACE(detail::concat("q = 2 pi ", m, "/", sites));
    OpSum lower(sites), along(sites);
    for (int i = 0; i < sites; ++i) {
      const Complex phase = std::polar(1 / std::sqrt(double(sites)), 2 * M_PI * m * i / sites);
      lower.add(phase, {{"S-", i}});
      along.add(phase, {{"Sz", i}});
    }
    const auto psi = owned<Complex>(ground, h0.row_range());
    const auto phi = apply_operator<Complex>(world(), lower, zero, psi, down);
    const auto phi_z = apply_operator<Complex>(world(), along, zero, psi, zero);
    const auto s = spectral_function<Complex>(h1, phi.column(0)),
               z = spectral_function<Complex>(h0, phi_z.column(0));
    // S-+(q) = 2 Szz(q) in a singlet, pole by pole: total weight, first and second moment about the
    // ground state
    const double e0 = even.values()(0);
    const auto about = [e0](const SpectralFunction& f, int power) {
      double sum = 0;
      for (std::size_t j = 0; j < f.poles.size(); ++j)
        sum += f.weights[j] * std::pow(f.poles[j] - e0, power);
      return sum;
    };
    for (int power = 0; power < 3; ++power)
      EXPECT_NEAR(about(s, power), 2 * about(z, power), 1e-10);
    // f-sum rule of Szz: sum_w w S(q,w) = -(1 - cos q) (2/3) e0 / N
    EXPECT_NEAR(about(z, 1), -(1 - std::cos(2 * M_PI * m / sites)) * 2.0 / 3 * e0 / sites, 1e-10);
    total += s.moment(0);
    total_z += z.moment(0);
  }
  EXPECT_NEAR(total, sites * 0.5, 1e-10) << "sum over q of <S+ S->";
  EXPECT_NEAR(total_z, sites * 0.25, 1e-10) << "sum over q of <Sz Sz>";
}

TEST(SpectraChain, operators_that_leave_the_sector_are_refused) {
  const OpSum op = ring(4);
  const ChargeBasis zero(op.spaces(), {Charge::sz(op.spaces(), 0)});
  const std::vector<double> psi(
      static_cast<std::size_t>(zero.partition(world().size()).range(world().rank()).size()), 1);
  OpSum lower(4), other(5), turn(4);
  lower.add(1, {{"S-", 0}});
  turn.add(Complex(0, 1), {{"Sz", 0}});

  EXPECT_ERROR((void)apply_operator<double>(world(), lower, zero, psi, zero), InvalidArgument,
               "not in the target sector");
  EXPECT_ERROR((void)apply_operator<double>(world(), other, zero, psi, zero), DimensionError,
               "same sites");
  EXPECT_ERROR((void)apply_operator<double>(world(), turn, zero, psi, zero), InvalidArgument,
               "complex");
  // the ring itself stays, though each of its SxSx does not
  EXPECT_EQ(apply_operator<double>(world(), op, zero, psi, zero).count(), 1);
}

TYPED_TEST(Spectra, bad_input_is_refused) {
  using T = TypeParam;
  Random random(1);
  const int ranks = world().size();
  const DenseMap<T> h(world(), random.hermitian<T>(10, 2, 0), RowPartition(10, ranks));
  const DenseMap<T> wide(world(), random.matrix<T>(4, 6), RowPartition(4, ranks),
                         RowPartition(6, ranks));
  const double cold[] = {-1}, fine[] = {1};
  const LinearMap<T>* const misfit[] = {&wide};

  EXPECT_ERROR((void)trace_function<T>(h, [](double x) { return std::log(x); }), InvalidArgument,
               "not finite at -");
  EXPECT_ERROR((void)trace_function<T>(wide, [](double x) { return x; }), DimensionError, "4 x 6");
  EXPECT_ERROR((void)trace_function<T>(h, [](double x) { return x; }, {.tol = 0}), InvalidArgument,
               "tol");
  EXPECT_ERROR((void)thermal_averages<T>(h, cold), InvalidArgument, "got -1");
  EXPECT_ERROR((void)thermal_averages<T>(h, fine, {}, {.samples = 1}), InvalidArgument,
               "at least 2");
  EXPECT_ERROR((void)thermal_averages<T>(h, fine, misfit), DimensionError, "observables");
}

}  // namespace
}  // namespace kronsolve
