// Correlations at a temperature against Lehmann sums over dense eigenvectors, and the errors of random vectors.

#include <cmath>
#include <numbers>

#include <Eigen/Dense>

#include <kronsolve/core/error.hpp>
#include <kronsolve/measure/dynamical_correlations.hpp>
#include <kronsolve/operators/models.hpp>

#include "support/dense_oracle.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using Complex = std::complex<double>;
using test::world;

/// sum_nm p_n <n|A|m><m|B|n> delta(w - E_m + E_n) of the dense matrices.
class Lehmann {
 public:
  Lehmann(const OpSum& h, double t) : solver_(test::dense(h)), t_(t) {
    const auto& e = solver_.eigenvalues();
    weights_ = (-(e.array() - e(0)) / t).exp();
    weights_ /= weights_.sum();
  }
  double energy() const { return weights_.dot(solver_.eigenvalues()); }

  std::vector<double> lines(const OpSum& a, const OpSum& b, std::span<const double> at,
                            double width) const {
    const auto& v = solver_.eigenvectors();
    const auto& e = solver_.eigenvalues();
    const Eigen::MatrixXcd in_a = v.adjoint() * test::dense(a) * v,
                           in_b = v.adjoint() * test::dense(b) * v;
    std::vector<double> values(at.size());
    for (Eigen::Index n = 0; n < v.cols(); ++n)
      for (Eigen::Index m = 0; m < v.cols(); ++m) {
        const double weight = weights_(n) * (in_a(n, m) * in_b(m, n)).real();
        if (std::abs(weight) < 1e-16) continue;
        for (std::size_t i = 0; i < at.size(); ++i) {
          const double x = at[i] - (e(m) - e(n));
          values[i] += weight * width / std::numbers::pi / (x * x + width * width);
        }
      }
    return values;
  }

 private:
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd> solver_;
  Eigen::VectorXd weights_;
  double t_;
};

std::vector<double> grid() {
  std::vector<double> energies;
  for (int i = -25; i <= 25; ++i) energies.push_back(0.2 * i);
  return energies;
}

DynamicalCorrelations at(const Model& m, std::span<const OperatorPair> pairs,
                         DynamicalOptions options, const Comm& comm = world()) {
  return dynamical_correlations(comm, m.op, m.lattice, {}, pairs, options);
}

void expect_lehmann(const Model& m, std::span<const OperatorPair> pairs, double t) {
  const Lehmann oracle(m.op, t);
  const auto found = at(m, pairs, {.temperature = t, .method = ThermodynamicsMethod::exact});
  EXPECT_EQ(found.temperature, t);
  EXPECT_NEAR(found.energy.value, oracle.energy(), 1e-10);
  const auto energies = grid();
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    SCOPED_TRACE(detail::concat("pair ", p));
    const auto& is = found.correlations[p];
    EXPECT_EQ(is.momentum, pairs[p].momentum);
    const auto values = broadened(is, energies, 0.1, LineShape::lorentzian);
    const auto expected = oracle.lines(pairs[p].a, pairs[p].b, energies, 0.1);
    for (std::size_t i = 0; i < energies.size(); ++i) ASSERT_NEAR(values[i], expected[i], 1e-9);
    EXPECT_LT(is.total_error, 1e-11);
    EXPECT_LT(is.first_moment_error, 1e-10);
    EXPECT_LT(is.reversed_error, 1e-11);
  }
}

struct Case {
  std::string model;
  ModelOptions options;
  std::string a, b;
  double t;
};

TEST(ThermalCorrelations, of_plane_waves_are_the_lehmann_sums) {
  const std::vector<Case> cases = {
      {"heisenberg", {.sites = 8, .cyclic = Cyclic::all}, "Sz", "Sz", 0.5},
      {"heisenberg", {.sites = 7, .cyclic = Cyclic::all}, "S-", "S+", 0.05},
      {"heisenberg", {.sites = 6, .params = {{"b", "0.4"}}}, "Sz", "Sz", 2},
      {"ising", {.sites = 6, .cyclic = Cyclic::all, .params = {{"bx", "0.7"}}}, "Sz", "Sx", 1},
      {"hubbard", {.sites = 4, .cyclic = Cyclic::all, .params = {{"mu", "2"}}}, "Cup+", "Cup-", 1},
      {"hubbard", {.sites = 4, .cyclic = Cyclic::all, .params = {{"mu", "2"}}}, "Cdn-", "Cdn+", 1}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.model + " " + c.a + "," + c.b);
    const Model m = make_model(c.model, c.options);
    expect_lehmann(m, plane_waves(m.op.spaces(), m.lattice, c.a, c.b), c.t);
  }
}

TEST(ThermalCorrelations, of_any_operators_are_the_lehmann_sums) {
  const Model m = make_model("heisenberg", {.sites = 6, .params = {{"jz", "0.6"}, {"bz", "0.3"}}});
  const auto op = [&](const char* text) { return OpSum::parse(text, m.op.spaces()); };
  const std::vector<OperatorPair> pairs = {{op("Sz 0"), op("Sz 0")},
                                           {op("S- 2"), op("S+ 3")},
                                           {op("Sx 1 Sx 2 + 0.3 Sz 4"), op("Sy 3 Sy 4 + Sx 0")},
                                           {op("Sz 1"), op("S+ 1")}};
  expect_lehmann(m, pairs, 0.4);
}

TEST(ThermalCorrelations, go_over_into_those_of_the_ground_state) {
  const Model m = make_model("heisenberg", {.sites = 8, .cyclic = Cyclic::all});
  const auto pairs = plane_waves(m.op.spaces(), m.lattice, "Sz", "Sz");
  const auto cold = at(m, pairs, {.temperature = 0.01}), ground = at(m, pairs, {});
  EXPECT_EQ(cold.method, ThermodynamicsMethod::exact);
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    const auto x = broadened(cold.correlations[p], grid(), 0.1, LineShape::gaussian),
               y = broadened(ground.correlations[p], grid(), 0.1, LineShape::gaussian);
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], y[i], 1e-9);
  }
}

TEST(ThermalCorrelations, detailed_balance_holds_line_by_line) {
  const Model m = make_model("heisenberg", {.sites = 6, .cyclic = Cyclic::all});
  const auto pairs = plane_waves(m.op.spaces(), m.lattice, "Sz", "Sz");
  constexpr double t = 0.7;
  const auto found = at(m, pairs, {.temperature = t});
  for (std::size_t q = 0; q < 6; ++q) {
    const auto &here = found.correlations[q], &back = found.correlations[(6 - q) % 6];
    for (const double w : {0.3, 1.0, 1.7}) {
      // Narrow lines, so that exp(-w/T) is one number across them.
      const std::vector<double> up = {w}, down = {-w};
      constexpr double width = 1e-3;
      const double there = broadened(here, up, width, LineShape::gaussian)[0];
      const double other = broadened(back, down, width, LineShape::gaussian)[0];
      EXPECT_NEAR(other, std::exp(-w / t) * there, 0.01 * std::abs(there) + 1e-9);
    }
  }
}

TEST(ThermalCorrelations, in_a_given_sector) {
  // One electron more than the trace holds: no detailed balance within it.
  const Model m = make_model("hubbard", {.sites = 4, .cyclic = Cyclic::all});
  const auto pairs = plane_waves(m.op.spaces(), m.lattice, "Cup-", "Cup+");
  const std::vector<std::string> sector = {"nup=1", "ndown=1"};
  for (const auto method : {ThermodynamicsMethod::exact, ThermodynamicsMethod::ftlm}) {
    const auto found = dynamical_correlations(world(), m.op, m.lattice, sector, pairs,
                                              {.temperature = 0.8, .method = method, .samples = 4});
    double holes = 0;
    for (const auto& one : found.correlations) {
      holes += one.total.real();
      EXPECT_LT(one.total_error, 1e-10);
      EXPECT_TRUE(std::isnan(one.reversed_error));
    }
    // Random vectors: q and -q share one answer, so that the sum has an error.
    EXPECT_NEAR(holes, 3, method == ThermodynamicsMethod::exact ? 1e-10 : 0.2);
  }
  const auto spins = plane_waves(m.op.spaces(), m.lattice, "Sz", "Sz");
  const auto closed =
      dynamical_correlations(world(), m.op, m.lattice, sector, spins, {.temperature = 0.8});
  for (const auto& one : closed.correlations) EXPECT_LT(one.reversed_error, 1e-12);
}

TEST(ThermalCorrelations, of_random_vectors_lie_within_their_errors) {
  if (world().size() > 1) GTEST_SKIP() << "the same numbers as on one rank";
  const Model m = make_model("heisenberg", {.sites = 8, .cyclic = Cyclic::all});
  const auto all = plane_waves(m.op.spaces(), m.lattice, "Sz", "Sz");
  const std::vector<OperatorPair> pairs = {all[3]};
  constexpr double t = 0.8, width = 0.3;
  const Lehmann oracle(m.op, t);
  const std::vector<double> energies = {-1, -0.3, 0, 0.4, 0.8, 1.3, 2, 3};
  std::vector<std::vector<double>> exact;
  for (const auto& pair : pairs) exact.push_back(oracle.lines(pair.a, pair.b, energies, width));
  int within_one = 0, within_two = 0, count = 0;
  for (std::uint64_t seed = 0; seed < 24; ++seed) {
    const auto found =
        at(m, pairs,
           {.temperature = t, .method = ThermodynamicsMethod::ftlm, .samples = 12, .seed = seed});
    EXPECT_EQ(found.samples, 12);
    EXPECT_LT(std::abs(found.energy.value - oracle.energy()), 6 * found.energy.error);
    for (std::size_t p = 0; p < pairs.size(); ++p) {
      const auto& is = found.correlations[p];
      EXPECT_LT(is.total_error, 1e-10);
      EXPECT_LT(is.first_moment_error, 6 * is.first_moment_deviation);
      EXPECT_LT(is.reversed_error, 6 * is.reversed_deviation);
      const auto values = broadened(is, energies, width, LineShape::lorentzian),
                 errors = broadened_errors(is, energies, width, LineShape::lorentzian);
      for (std::size_t i = 0; i < energies.size(); ++i) {
        const double off = std::abs(values[i] - exact[p][i]);
        within_one += off <= errors[i];
        within_two += off <= 2 * errors[i];
        ++count;
      }
    }
  }
  SCOPED_TRACE(detail::concat(within_one, " and ", within_two, " of ", count));
  EXPECT_NEAR(within_one / double(count), 0.68, 0.10);
  EXPECT_NEAR(within_two / double(count), 0.95, 0.05);
}

TEST(ThermalCorrelations, of_random_vectors_in_sectors_of_momenta) {
  if (world().size() > 1) GTEST_SKIP() << "the same numbers as on one rank";
  const Model m = make_model("heisenberg", {.sites = 10, .cyclic = Cyclic::all});
  const std::vector<OperatorPair> pairs = {plane_waves(m.op.spaces(), m.lattice, "Sz", "Sz")[3]};
  constexpr double t = 0.8, width = 0.4;
  const std::vector<double> energies = {-1, 0, 0.6, 1.3, 2};
  int within_one = 0, within_two = 0, count = 0;
  for (const std::vector<std::string>& sector :
       {std::vector<std::string>{"sz=0", "momentum=all"}, {"sz=1", "momentum=2"}}) {
    const auto found = [&](DynamicalOptions options) {
      options.temperature = t;
      auto all = dynamical_correlations(world(), m.op, m.lattice, sector, pairs, options);
      return std::pair(all.correlations[0], all.energy);
    };
    const auto [exact, energy] = found({.method = ThermodynamicsMethod::exact});
    const auto expected = broadened(exact, energies, width, LineShape::lorentzian);
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const auto [is, mean] =
          found({.method = ThermodynamicsMethod::ftlm, .samples = 10, .seed = seed});
      EXPECT_LT(std::abs(mean.value - energy.value), 6 * mean.error);
      EXPECT_LT(is.total_error, 1e-10);
      EXPECT_LT(is.first_moment_error, 6 * is.first_moment_deviation);
      EXPECT_EQ(std::isnan(is.reversed_error), sector.back() == "momentum=2");
      const auto values = broadened(is, energies, width, LineShape::lorentzian),
                 errors = broadened_errors(is, energies, width, LineShape::lorentzian);
      for (std::size_t i = 0; i < energies.size(); ++i) {
        within_one += std::abs(values[i] - expected[i]) <= errors[i];
        within_two += std::abs(values[i] - expected[i]) <= 2 * errors[i];
        ++count;
      }
    }
  }
  SCOPED_TRACE(detail::concat(within_one, " and ", within_two, " of ", count));
  EXPECT_NEAR(within_one / double(count), 0.68, 0.12);
  EXPECT_NEAR(within_two / double(count), 0.95, 0.06);
}

TEST(ThermalCorrelations, are_the_same_on_any_number_of_ranks) {
  const Model m =
      make_model("hubbard", {.sites = 4, .cyclic = Cyclic::all, .params = {{"mu", "2"}}});
  const auto pairs = plane_waves(m.op.spaces(), m.lattice, "Cup+", "Cup-");
  for (const auto method : {ThermodynamicsMethod::exact, ThermodynamicsMethod::ftlm}) {
    const DynamicalOptions options{.temperature = 0.5, .method = method, .samples = 3};
    const auto here = at(m, pairs, options), alone = at(m, pairs, options, Comm::serial());
    for (std::size_t p = 0; p < pairs.size(); ++p) {
      const auto x = broadened(here.correlations[p], grid(), 0.2, LineShape::lorentzian),
                 y = broadened(alone.correlations[p], grid(), 0.2, LineShape::lorentzian);
      for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], y[i], 1e-6);
    }
  }
}

TEST(ThermalCorrelations, refusals) {
  const Model m = make_model("heisenberg", {.sites = 4, .cyclic = Cyclic::all});
  const auto pairs = plane_waves(m.op.spaces(), m.lattice, "Sz", "Sz");
  EXPECT_ERROR((void)at(m, pairs, {.temperature = 0.0}), InvalidArgument, "positive");
  EXPECT_ERROR((void)at(m, pairs, {.temperature = 1.0, .samples = 1}), InvalidArgument, "samples");
  EXPECT_ERROR((void)at(m, pairs, {.temperature = 1.0, .method = ThermodynamicsMethod::typical}),
               InvalidArgument, "auto, exact or ftlm");
}

}  // namespace
}  // namespace kronsolve
