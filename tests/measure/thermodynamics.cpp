// Thermodynamics: exact curves against the dense spectrum, random vectors against their error bars.

#include <cmath>

#include <Eigen/Dense>

#include <kronsolve/core/error.hpp>
#include <kronsolve/measure/thermodynamics.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/sectors.hpp>

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

// ---- observables --------------------------------------------------------------------------------

std::vector<Observable> observables(const Model& model, const std::vector<std::string>& texts) {
  const auto basis = make_basis(world(), parse_sector(model.op.spaces(), model.lattice, {}));
  std::vector<Observable> result;
  for (const auto& text : texts)
    result.push_back(Observable::parse(world(), text, *basis, model.lattice));
  return result;
}

/// Tr rho op of the dense matrices.
class Mean {
 public:
  explicit Mean(const OpSum& h) : solver_(test::dense(h)) {}
  std::complex<double> operator()(const OpSum& op, double t) const {
    const auto& e = solver_.eigenvalues();
    const Eigen::VectorXd w = (-(e.array() - e(0)) / t).exp();
    const Eigen::MatrixXcd& v = solver_.eigenvectors();
    const Eigen::VectorXcd means = (v.adjoint() * test::dense(op) * v).diagonal();
    return (means.array() * w.array()).sum() / w.sum();
  }

 private:
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd> solver_;
};

struct Asked {
  std::string text;  ///< of an observable, entry `at` of which is <op>
  std::size_t at;
  std::string op;
  double factor = 1;  ///< of <op>
};

void expect_means(const Model& model, const std::vector<Asked>& asked) {
  std::vector<std::string> texts;
  for (const auto& one : asked) texts.push_back(one.text);
  const auto found =
      thermodynamics(world(), model.op, model.lattice, temperatures,
                     {.method = ThermodynamicsMethod::exact, .observe = observables(model, texts)});
  const Mean mean(model.op);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    SCOPED_TRACE(model.name + " " + asked[i].text);
    const auto& is = found.observables[i];
    EXPECT_EQ(is.text, asked[i].text);
    EXPECT_TRUE(is.errors.empty());
    for (std::size_t t = 0; t < temperatures.size(); ++t) {
      const auto expected = mean(OpSum::parse(asked[i].op, model.op.spaces()), temperatures[t]);
      EXPECT_NEAR(std::abs(is.values[t].values.at(asked[i].at) - asked[i].factor * expected), 0,
                  1e-10);
    }
  }
}

TEST(Thermodynamics, observables_are_those_of_the_dense_density_matrix) {
  constexpr Cyclic ring = Cyclic::all;
  const std::string exchange = "Sz 0 Sz 1 + 0.5 S+ 0 S- 1 + 0.5 S- 0 S+ 1";
  // Momentum sectors, images under spin flip, reflection and conjugation.
  expect_means(make_model("heisenberg", {.sites = 7, .cyclic = ring}),
               {{"sz", 2, "Sz 2"},
                {"corr:Sz,Sz", 2, "Sz 0 Sz 2"},
                {"corr:S+,S-", 1, "S+ 0 S- 1"},
                {"distance:Sz,Sz", 1, "Sz 0 Sz 1"},
                {"bonds", 0, exchange},
                {"op:Sz 0 Sz 3 + 0.5 S+ 0 S- 1", 0, "Sz 0 Sz 3 + 0.5 S+ 0 S- 1"}});
  // A field: states of Sz and -Sz differ. No translations: one site differs from the other.
  expect_means(make_model("xxz", {.sites = 6, .params = {{"bz", "0.7"}, {"delta", "0.4"}}}),
               {{"sz", 0, "Sz 0"},
                {"sz", 5, "Sz 5"},
                {"magnetisation", 0, "Sz 0 + Sz 1 + Sz 2 + Sz 3 + Sz 4 + Sz 5", 1.0 / 6},
                {"imbalance", 0, "Sz 0 - Sz 1 + Sz 2 - Sz 3 + Sz 4 - Sz 5", 1.0 / 3},
                {"op:(0+1i) S+ 0 S- 2", 0, "(0+1i) S+ 0 S- 2"}});
  expect_means(make_model("hubbard", {.sites = 3, .cyclic = ring, .params = {{"mu", "0.8"}}}),
               {{"n", 1, "N 1"},
                {"double-occupancy", 0, "Nup 0 Ndn 0"},
                {"corr:Cup+,Cup-", 1, "Cup+ 0 Cup- 1"}});
}

TEST(Thermodynamics, error_bars_of_observables_cover_the_exact_means) {
  if (world().size() > 1) GTEST_SKIP() << "the same numbers as on one rank";
  const auto model = make_model(
      "xxz", {.sites = 8, .cyclic = Cyclic::all, .params = {{"bz", "0.3"}, {"delta", "0.5"}}});
  const std::vector<double> at = {0.3, 1, 4};
  const auto wanted = observables(model, {"sz:0", "corr:Sz,Sz:0,1", "sq:Sz,Sz", "staggered:2"});
  const auto exact = thermodynamics(world(), model.op, model.lattice, at,
                                    {.method = ThermodynamicsMethod::exact, .observe = wanted});
  for (const auto method : {ThermodynamicsMethod::ftlm, ThermodynamicsMethod::typical}) {
    int within_one = 0, within_two = 0, all = 0;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      const auto found =
          thermodynamics(world(), model.op, model.lattice, at,
                         {.method = method, .samples = 16, .seed = seed, .observe = wanted});
      for (std::size_t o = 0; o < wanted.size(); ++o)
        for (std::size_t t = 0; t < at.size(); ++t) {
          const auto place = o == 2 ? 3U : 0U;  // one momentum: the others are not independent
          const double off = std::abs(found.observables[o].values[t].values[place] -
                                      exact.observables[o].values[t].values[place]);
          const double error = found.observables[o].errors[t].values[place].real();
          within_one += off <= error;
          within_two += off <= 2 * error;
          ++all;
        }
    }
    SCOPED_TRACE(
        detail::concat(to_string(method), ": ", within_one, " and ", within_two, " of ", all));
    EXPECT_NEAR(within_one / double(all), 0.68, 0.10);
    EXPECT_NEAR(within_two / double(all), 0.95, 0.05);
  }
}

TEST(Thermodynamics, observables_are_the_same_on_any_number_of_ranks) {
  const auto model = make_model("heisenberg", {.sites = 6, .cyclic = Cyclic::all});
  const auto wanted = observables(model, {"energy", "sq:Sz,Sz"});
  for (const auto method :
       {ThermodynamicsMethod::exact, ThermodynamicsMethod::ftlm, ThermodynamicsMethod::typical}) {
    const ThermodynamicsOptions options{.method = method, .samples = 3, .observe = wanted};
    const auto here = thermodynamics(world(), model.op, model.lattice, temperatures, options);
    const auto alone =
        thermodynamics(Comm::serial(), model.op, model.lattice, temperatures, options);
    for (std::size_t t = 0; t < temperatures.size(); ++t) {
      EXPECT_NEAR(here.observables[0].values[t].values[0].real(), here.energy[t].value, 1e-8);
      for (std::size_t q = 0; q < 6; ++q)
        EXPECT_NEAR(std::abs(here.observables[1].values[t].values[q] -
                             alone.observables[1].values[t].values[q]),
                    0, 1e-8);
    }
  }
}

TEST(Thermodynamics, refuses_what_is_no_expectation_value) {
  const auto model = make_model("hubbard", {.sites = 3});
  for (const char* text : {"entropy:half", "variance", "norm", "participation", "spin",
                           "staggered:binder", "imbalance", "amplitude:012"})
    EXPECT_ERROR((void)thermodynamics(world(), model.op, model.lattice, temperatures,
                                      {.observe = observables(model, {text})}),
                 InvalidArgument, "no expectation value");
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
