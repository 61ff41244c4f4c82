// Thermodynamics: exact curves against the dense spectrum, random vectors against their error bars.

#include <cmath>

#include <Eigen/Dense>

#include <kronsolve/core/error.hpp>
#include <kronsolve/measure/thermodynamics.hpp>
#include <kronsolve/operators/models.hpp>

#include "support/dense_oracle.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::world;

const std::vector<double> temperatures = {0.05, 0.2, 0.5, 1, 3, 50};

/// The same from every eigenvalue of the dense matrix, and the magnetisation of its states.
struct Oracle {
  Eigen::VectorXd values;
  Eigen::VectorXd sz, sz_squared;  // in each eigenstate

  Oracle(const OpSum& op, bool magnetic) {
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd> solver(test::dense(op));
    values = solver.eigenvalues();
    if (!magnetic) return;
    OpSum m(op.spaces());
    for (int i = 0; i < op.sites(); ++i) m.add(1, {{"Sz", i}});
    const Eigen::MatrixXcd dense = test::dense(m);
    const auto& v = solver.eigenvectors();
    sz = (v.adjoint() * dense * v).diagonal().real();
    sz_squared = (v.adjoint() * dense * dense * v).diagonal().real();
  }
  Eigen::VectorXd weights(double t) const {
    Eigen::VectorXd w = (-(values.array() - values(0)) / t).exp();
    return w / w.sum();
  }
  double energy(double t) const { return weights(t).dot(values); }
  double heat_capacity(double t) const {
    const Eigen::VectorXd from = values.array() - energy(t);
    return weights(t).dot(from.cwiseAbs2()) / (t * t);
  }
  double free_energy(double t) const {
    return values(0) - t * std::log((-(values.array() - values(0)) / t).exp().sum());
  }
  double susceptibility(double t) const {
    const double mean = weights(t).dot(sz);
    return (weights(t).dot(sz_squared) - mean * mean) / t;
  }
};

TEST(Thermodynamics, exact_curves_are_those_of_the_dense_spectrum) {
  constexpr Cyclic ring = Cyclic::all;
  const std::vector<Model> models = {
      make_model("heisenberg", {.sites = 8, .cyclic = ring}),
      make_model("heisenberg", {.sites = 7, .params = {{"b", "0.4"}}}),
      make_model("ising", {.sites = 7, .cyclic = ring}),
      make_model("heisenberg", {.sites = 4, .cyclic = ring, .spin = "1"}),
      make_model("hubbard", {.sites = 4, .cyclic = ring, .params = {{"mu", "0.3"}}}),
      make_model("mbl", {.sites = 6, .params = {{"axes", "xz"}}})};
  for (const auto& model : models) {
    SCOPED_TRACE(model.name);
    const auto r = thermodynamics(world(), model.op, model.lattice, temperatures);
    const bool magnetic = !r.susceptibility.empty();
    EXPECT_EQ(magnetic, model.name != "ising" && model.name != "mbl");
    const Oracle oracle(model.op, magnetic);
    EXPECT_EQ(r.method, ThermodynamicsMethod::exact);
    for (std::size_t i = 0; i < temperatures.size(); ++i) {
      const double t = temperatures[i];
      EXPECT_NEAR(r.energy[i].value, oracle.energy(t), 1e-10);
      EXPECT_NEAR(r.heat_capacity[i].value, oracle.heat_capacity(t), 1e-9);
      EXPECT_NEAR(r.free_energy[i].value, oracle.free_energy(t), 1e-9);
      EXPECT_NEAR(r.entropy[i].value, (oracle.energy(t) - oracle.free_energy(t)) / t, 1e-8);
      EXPECT_EQ(r.energy[i].error, 0);
      if (magnetic) {
        EXPECT_NEAR(r.susceptibility[i].value, oracle.susceptibility(t), 1e-9);
      }
    }
  }
}

TEST(Thermodynamics, random_vectors_are_the_same_on_any_number_of_ranks) {
  const auto model = make_model("xxz", {.sites = 8, .params = {{"bz", "0.3"}}});
  for (const auto method : {ThermodynamicsMethod::ftlm, ThermodynamicsMethod::typical}) {
    const ThermodynamicsOptions options{.method = method, .samples = 3, .seed = 5};
    const auto here = thermodynamics(world(), model.op, model.lattice, temperatures, options);
    const auto alone =
        thermodynamics(Comm::serial(), model.op, model.lattice, temperatures, options);
    for (std::size_t i = 0; i < temperatures.size(); ++i) {
      EXPECT_NEAR(here.energy[i].value, alone.energy[i].value, 1e-8);
      EXPECT_NEAR(here.susceptibility[i].value, alone.susceptibility[i].value, 1e-8);
    }
  }
}

TEST(Thermodynamics, error_bars_cover_the_exact_curves) {
  if (world().size() > 1) GTEST_SKIP() << "the same numbers as on one rank";
  const auto model = make_model("heisenberg", {.sites = 8, .cyclic = Cyclic::all});
  const Oracle oracle(model.op, true);
  for (const auto method : {ThermodynamicsMethod::ftlm, ThermodynamicsMethod::typical}) {
    int within_one = 0, within_two = 0, all = 0;
    const auto count = [&](const Estimate& estimate, double exact) {
      const double off = std::abs(estimate.value - exact);
      within_one += off <= estimate.error;
      within_two += off <= 2 * estimate.error;
      ++all;
    };
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      const auto r = thermodynamics(world(), model.op, model.lattice, temperatures,
                                    {.method = method, .samples = 16, .seed = seed});
      for (std::size_t i = 1; i < temperatures.size(); ++i) {  // at 0.05 nothing is left to chance
        const double t = temperatures[i];
        count(r.energy[i], oracle.energy(t));
        count(r.heat_capacity[i], oracle.heat_capacity(t));
        count(r.free_energy[i], oracle.free_energy(t));
        count(r.susceptibility[i], oracle.susceptibility(t));
      }
    }
    SCOPED_TRACE(
        detail::concat(to_string(method), ": ", within_one, " and ", within_two, " of ", all));
    EXPECT_NEAR(within_one / double(all), 0.68, 0.10);
    EXPECT_NEAR(within_two / double(all), 0.95, 0.05);
  }
}

TEST(Thermodynamics, refusals) {
  const auto model = make_model("heisenberg", {.sites = 4});
  const auto at = [&](std::vector<double> t, ThermodynamicsOptions options = {}) {
    (void)thermodynamics(world(), model.op, model.lattice, t, options);
  };
  EXPECT_ERROR(at({}), InvalidArgument, "at least one");
  EXPECT_ERROR(at({1, 0}), InvalidArgument, "positive");
  EXPECT_ERROR(at({std::nan("")}), InvalidArgument, "positive");
  EXPECT_ERROR(at({1}, {.samples = 1}), InvalidArgument, "2 samples");
}

}  // namespace
}  // namespace kronsolve
