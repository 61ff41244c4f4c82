// Thermodynamics: exact curves against the dense spectrum, random vectors against their error bars.

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

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
using Complex = std::complex<double>;

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

// ---- sectors ------------------------------------------------------------------------------------

/// Configurations of spins 1/2 as digit strings, site 0 first.
using Digits = std::vector<int>;

Digits digits_of(Eigen::Index row, int sites) {
  Digits digits(static_cast<std::size_t>(sites));
  for (int i = sites - 1; i >= 0; --i, row /= 2)
    digits[static_cast<std::size_t>(i)] = static_cast<int>(row % 2);
  return digits;
}

Eigen::Index row_of(const Digits& digits) {
  Eigen::Index row = 0;
  for (const int digit : digits) row = 2 * row + digit;
  return row;
}

/// The map of configurations as a matrix.
template <class Map>
Eigen::MatrixXcd moved(int sites, Map&& map) {
  const Eigen::Index n = Eigen::Index(1) << sites;
  Eigen::MatrixXcd result = Eigen::MatrixXcd::Zero(n, n);
  for (Eigen::Index row = 0; row < n; ++row) result(row_of(map(digits_of(row, sites))), row) = 1;
  return result;
}

/// T |psi> = exp(-ik) |psi>, k = 2 pi m/N.
Eigen::MatrixXcd of_momentum(int sites, int m) {
  const auto translation = moved(sites, [](Digits d) {
    std::rotate(d.begin(), d.end() - 1, d.end());
    return d;
  });
  const auto n = translation.rows();
  Eigen::MatrixXcd power = Eigen::MatrixXcd::Identity(n, n), sum = Eigen::MatrixXcd::Zero(n, n);
  for (int i = 0; i < sites; ++i) {
    sum += std::polar(1.0 / sites, 2 * std::numbers::pi * m * i / sites) * power;
    power = translation * power;
  }
  return sum;
}

/// P = (1 + character * map) / 2.
template <class Map>
Eigen::MatrixXcd of_parity(int sites, double character, Map&& map) {
  const Eigen::Index n = Eigen::Index(1) << sites;
  return (Eigen::MatrixXcd::Identity(n, n) + character * moved(sites, map)) / 2;
}

Eigen::MatrixXcd of_reflection(int sites, double character) {
  return of_parity(sites, character, [](Digits d) {
    std::reverse(d.begin(), d.end());
    return d;
  });
}

Eigen::MatrixXcd of_spinflip(int sites, double character) {
  return of_parity(sites, character, [](Digits d) {
    for (int& digit : d) digit = 1 - digit;
    return d;
  });
}

/// States in which the diagonal operator lies from low to high.
Eigen::MatrixXcd of_charge(const OpSum& op, double low, double high) {
  const Eigen::VectorXcd diagonal = test::dense(op).diagonal();
  return diagonal
      .unaryExpr(
          [&](Complex x) { return Complex(x.real() > low - 0.1 && x.real() < high + 0.1 ? 1 : 0); })
      .asDiagonal();
}

OpSum total(const OpSum& h, const std::string& op) {
  OpSum sum(h.spaces());
  for (int i = 0; i < h.sites(); ++i) sum.add(1, {{op, i}});
  return sum;
}

/// Traces over the states of a projector that commutes with H.
class Projected {
 public:
  Projected(const OpSum& h, const Eigen::MatrixXcd& projector)
      : solver_(test::dense(h)), states_(std::lround(projector.trace().real())) {
    const Eigen::MatrixXcd dense = test::dense(h);
    EXPECT_LT(test::max_difference(projector * projector, projector), 1e-12);
    EXPECT_LT(test::max_difference(projector * dense, dense * projector), 1e-12);
    inside_ = projector * solver_.eigenvectors();
    const Eigen::VectorXd part = inside_.colwise().squaredNorm();
    for (Eigen::Index i = part.size() - 1; i >= 0; --i)
      if (part(i) > 1e-9) lowest_ = solver_.eigenvalues()(i);
  }
  index_t states() const { return states_; }
  /// log Tr P exp(-H/T).
  double log_z(double t) const {
    return std::log(weights(t).dot(inside_.colwise().squaredNorm())) - lowest_ / t;
  }
  Complex mean(const Eigen::MatrixXcd& op, double t) const {
    const Eigen::VectorXcd values = inside_.conjugate().cwiseProduct(op * inside_).colwise().sum();
    const Eigen::VectorXd w = weights(t);
    return w.cast<Complex>().dot(values) / w.dot(inside_.colwise().squaredNorm());
  }

 private:
  /// What lies below the lowest level of the sector has no part in it, however large its factor.
  Eigen::VectorXd weights(double t) const {
    return (-(solver_.eigenvalues().array() - lowest_) / t).exp().min(1.0);
  }

  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd> solver_;
  Eigen::MatrixXcd inside_;  // P |n>
  double lowest_ = 0;
  index_t states_ = 0;
};

struct InSector {
  std::string model;
  ModelOptions options;
  std::vector<std::string> sector;
  std::function<Eigen::MatrixXcd(const OpSum& h)> projector;
  std::vector<Asked> asked = {};
};

std::vector<InSector> sector_cases() {
  constexpr Cyclic ring = Cyclic::all;
  const auto chain = [](int sites, Cyclic cyclic) {
    return ModelOptions{.sites = sites, .cyclic = cyclic};
  };
  const auto charge = [](const char* op, double low, double high) {
    return [=](const OpSum& h) { return of_charge(total(h, op), low, high); };
  };
  const std::string current = "(0+1i) S+ 0 S- 1 + (0-1i) S- 0 S+ 1";
  return {
      {"heisenberg",
       chain(7, ring),
       {"sz=1/2"},
       charge("Sz", 0.5, 0.5),
       {{"corr:Sz,Sz", 2, "Sz 0 Sz 2"}}},
      {"heisenberg", chain(6, ring), {"sz=1..2"}, charge("Sz", 1, 2), {{"sz", 3, "Sz 3"}}},
      {"heisenberg", chain(6, ring), {"sz=all"}, charge("Sz", -9, 9), {{"sz", 3, "Sz 3"}}},
      {"heisenberg",
       chain(5, ring),
       {"momentum=2"},
       [](const OpSum&) { return of_momentum(5, 2); },
       {{"op:" + current, 0, current}, {"corr:S+,S-", 1, "S+ 0 S- 1"}}},
      {"heisenberg",
       chain(6, ring),
       {"momentum=1..3", "sz=0"},
       [](const OpSum& h) -> Eigen::MatrixXcd {
         return (of_momentum(6, 1) + of_momentum(6, 2) + of_momentum(6, 3)) *
                of_charge(total(h, "Sz"), 0, 0);
       },
       {{"op:" + current, 0, current}, {"bonds", 0, "Sz 0 Sz 1 + 0.5 S+ 0 S- 1 + 0.5 S- 0 S+ 1"}}},
      // Sectors that momenta would cut: k and -k are mixed.
      {"heisenberg",
       chain(6, ring),
       {"reflection=-1"},
       [](const OpSum&) { return of_reflection(6, -1); },
       {{"corr:Sz,Sz", 2, "Sz 0 Sz 2"}}},
      {"heisenberg",
       chain(6, ring),
       {"reflection=all"},
       [](const OpSum& h) { return of_charge(total(h, "Sz"), -9, 9); }},
      {"heisenberg",
       chain(6, ring),
       {"momentum=all", "reflection=1"},
       [](const OpSum&) -> Eigen::MatrixXcd {
         return of_reflection(6, 1) * (of_momentum(6, 0) + of_momentum(6, 3));
       }},
      // Sz is not the same in all states, and no charge of theirs.
      {"heisenberg",
       chain(6, Cyclic::none),
       {"spinflip=-1"},
       [](const OpSum&) { return of_spinflip(6, -1); },
       {{"corr:Sz,Sz", 2, "Sz 0 Sz 2"}}},
      {"ising",
       {.sites = 6, .cyclic = ring, .params = {{"bx", "0.7"}}},
       {"momentum=0", "reflection=1"},
       [](const OpSum&) -> Eigen::MatrixXcd { return of_momentum(6, 0) * of_reflection(6, 1); },
       {{"corr:Sz,Sz", 2, "Sz 0 Sz 2"}}},
      {"xxz",
       {.sites = 6, .params = {{"bz", "0.4"}, {"delta", "0.6"}}},
       {"sz=-1..1"},
       charge("Sz", -1, 1),
       {{"sz", 0, "Sz 0"}}},
      {"hubbard",
       {.sites = 3, .cyclic = ring, .params = {{"mu", "0.3"}}},
       {"n=3"},
       charge("N", 3, 3),
       {{"double-occupancy", 0, "Nup 0 Ndn 0"}}},
      {"hubbard",
       {.sites = 3, .cyclic = ring},
       {"nup=1..2", "ndown=1"},
       [](const OpSum& h) -> Eigen::MatrixXcd {
         return of_charge(total(h, "Nup"), 1, 2) * of_charge(total(h, "Ndn"), 1, 1);
       },
       {{"corr:Cup+,Cup-", 1, "Cup+ 0 Cup- 1"}}}};
}

void expect_curves(const ThermalCurves& is, std::size_t at, const Projected& oracle, const OpSum& h,
                   double t) {
  const Eigen::MatrixXcd dense = test::dense(h);
  const double energy = oracle.mean(dense, t).real();
  EXPECT_NEAR(is.energy[at].value, energy, 1e-9);
  EXPECT_NEAR(is.heat_capacity[at].value,
              (oracle.mean(dense * dense, t).real() - energy * energy) / (t * t), 1e-7);
  EXPECT_NEAR(is.free_energy[at].value, -t * oracle.log_z(t), 1e-9);
  EXPECT_NEAR(is.entropy[at].value, energy / t + oracle.log_z(t), 1e-8);
  if (is.susceptibility.empty()) return;
  const Eigen::MatrixXcd sz = test::dense(total(h, "Sz"));
  const double mean = oracle.mean(sz, t).real();
  EXPECT_NEAR(is.susceptibility[at].value, (oracle.mean(sz * sz, t).real() - mean * mean) / t,
              1e-8);
}

TEST(Thermodynamics, sectors_are_traces_over_their_states) {
  const std::vector<double> at = {0.2, 0.7, 4};
  for (const auto& c : sector_cases()) {
    const Model model = make_model(c.model, c.options);
    SCOPED_TRACE(model.name + " " + detail::concat(c.sector.front(), " ", c.sector.back()));
    std::vector<std::string> texts;
    for (const auto& one : c.asked) texts.push_back(one.text);
    const Projected oracle(model.op, c.projector(model.op));
    const auto found = thermodynamics(world(), model.op, model.lattice, at,
                                      {.sector = c.sector,
                                       .method = ThermodynamicsMethod::exact,
                                       .observe = observables(model, texts)});
    EXPECT_EQ(found.states, oracle.states());
    const bool one_sz = c.sector == std::vector<std::string>{"sz=1/2"} ||
                        c.sector.back() == "sz=0" || c.model == "ising";
    EXPECT_EQ(found.susceptibility.empty(), one_sz);
    for (std::size_t t = 0; t < at.size(); ++t) {
      expect_curves(found, t, oracle, model.op, at[t]);
      for (std::size_t i = 0; i < texts.size(); ++i) {
        const auto& asked = c.asked[i];
        const auto expected =
            asked.factor *
            oracle.mean(test::dense(OpSum::parse(asked.op, model.op.spaces())), at[t]);
        EXPECT_NEAR(std::abs(found.observables[i].values[t].values.at(asked.at) - expected), 0,
                    1e-10)
            << asked.text;
      }
    }
  }
}

TEST(Thermodynamics, each_sector_of_several_has_curves_of_its_own) {
  const auto model = make_model("xxz", {.sites = 6, .params = {{"bz", "0.4"}, {"delta", "0.6"}}});
  const std::vector<double> at = {0.05, 1};
  const auto wanted = observables(model, {"corr:Sz,Sz:0,1"});
  const auto op = test::dense(OpSum::parse("Sz 0 Sz 1", model.op.spaces()));
  const Projected all(model.op, of_charge(total(model.op, "Sz"), -9, 9));
  for (const auto method : {ThermodynamicsMethod::exact, ThermodynamicsMethod::ftlm}) {
    // The numbers of random vectors are the same on any ranks.
    if (method == ThermodynamicsMethod::ftlm && world().size() > 1) continue;
    const auto found =
        thermodynamics(world(), model.op, model.lattice, at,
                       {.sector = {"sz=all"}, .method = method, .samples = 60, .observe = wanted});
    ASSERT_EQ(found.parts.size(), 7U);
    for (std::size_t t = 0; t < at.size(); ++t) {
      double sum = 0;
      for (const auto& part : found.parts) {
        sum += part.weight[t].value;
        EXPECT_TRUE(part.curves.susceptibility.empty());
        const double sz = Charge::parse(model.op.spaces(), part.conditions[0])->rule.target / 2.0;
        const Projected oracle(model.op, of_charge(total(model.op, "Sz"), sz, sz));
        EXPECT_EQ(part.states, oracle.states());
        const double weight = std::exp(oracle.log_z(at[t]) - all.log_z(at[t]));
        if (method == ThermodynamicsMethod::exact) {
          expect_curves(part.curves, t, oracle, model.op, at[t]);
          EXPECT_NEAR(part.weight[t].value, weight, 1e-12);
          EXPECT_NEAR(
              std::abs(part.curves.observables[0].values[t].values[0] - oracle.mean(op, at[t])), 0,
              1e-11);
        } else {
          EXPECT_NEAR(part.weight[t].value, weight, 6 * part.weight[t].error + 1e-12);
          EXPECT_NEAR(part.curves.energy[t].value, oracle.mean(test::dense(model.op), at[t]).real(),
                      6 * part.curves.energy[t].error + 1e-10);
        }
      }
      EXPECT_NEAR(sum, 1, 1e-12);
    }
  }
}

TEST(Thermodynamics, error_bars_cover_in_sectors_and_in_several) {
  if (world().size() > 1) GTEST_SKIP() << "the same numbers as on one rank";
  const std::vector<double> at = {0.3, 1, 4};
  const auto model = make_model(
      "xxz", {.sites = 8, .cyclic = Cyclic::all, .params = {{"bz", "0.3"}, {"delta", "0.5"}}});
  const auto wanted = observables(model, {"corr:Sz,Sz:0,1"});
  int within_one = 0, within_two = 0, all = 0;
  const auto count = [&](double value, double error, double exact) {
    within_one += std::abs(value - exact) <= error;
    within_two += std::abs(value - exact) <= 2 * error;
    ++all;
  };
  const auto count_all = [&](const Thermodynamics& found, const Thermodynamics& exact) {
    for (std::size_t t = 0; t < at.size(); ++t) {
      count(found.energy[t].value, found.energy[t].error, exact.energy[t].value);
      count(found.free_energy[t].value, found.free_energy[t].error, exact.free_energy[t].value);
      count(found.observables[0].values[t].values[0].real(),
            found.observables[0].errors[t].values[0].real(),
            exact.observables[0].values[t].values[0].real());
      if (!exact.susceptibility.empty())
        count(found.susceptibility[t].value, found.susceptibility[t].error,
              exact.susceptibility[t].value);
    }
  };
  using enum ThermodynamicsMethod;
  const std::vector<std::pair<std::vector<std::string>, ThermodynamicsMethod>> cases = {
      {{"sz=0"}, ftlm}, {{"sz=-1..1"}, ftlm}, {{"momentum=1..2"}, ftlm}, {{"sz=0..1"}, typical}};
  for (const auto& [sector, method] : cases) {
    ThermodynamicsOptions options{.sector = sector, .method = exact, .observe = wanted};
    const auto from_levels = thermodynamics(world(), model.op, model.lattice, at, options);
    options.method = method;
    options.samples = 12;
    options.steps = 40;
    for (options.seed = 0; options.seed < 20; ++options.seed)
      count_all(thermodynamics(world(), model.op, model.lattice, at, options), from_levels);
  }
  SCOPED_TRACE(detail::concat(within_one, " and ", within_two, " of ", all));
  EXPECT_NEAR(within_one / double(all), 0.68, 0.08);
  EXPECT_NEAR(within_two / double(all), 0.95, 0.04);
}

TEST(Thermodynamics, sectors_are_the_same_on_any_number_of_ranks) {
  const auto model = make_model("heisenberg", {.sites = 6, .cyclic = Cyclic::all});
  const auto wanted = observables(model, {"corr:Sz,Sz:0,1"});
  const std::vector<double> at = {0.2, 3};
  for (const auto method :
       {ThermodynamicsMethod::exact, ThermodynamicsMethod::ftlm, ThermodynamicsMethod::typical}) {
    const ThermodynamicsOptions options{
        .sector = {"momentum=1", "sz=0..1"}, .method = method, .samples = 2, .observe = wanted};
    const auto here = thermodynamics(world(), model.op, model.lattice, at, options);
    const auto alone = thermodynamics(Comm::serial(), model.op, model.lattice, at, options);
    ASSERT_EQ(here.parts.size(), alone.parts.size());
    for (std::size_t t = 0; t < at.size(); ++t) {
      EXPECT_NEAR(here.energy[t].value, alone.energy[t].value, 1e-8);
      EXPECT_NEAR(here.susceptibility[t].value, alone.susceptibility[t].value, 1e-8);
      EXPECT_NEAR(std::abs(here.observables[0].values[t].values[0] -
                           alone.observables[0].values[t].values[0]),
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
  EXPECT_ERROR(at({1}, {.sector = {"sz=5"}}), InvalidArgument, "sz");
  EXPECT_ERROR(at({1}, {.sector = {"sz=2..1"}}), InvalidArgument, "range");
  EXPECT_ERROR(at({1}, {.sector = {"momentum=0"}}), InvalidArgument, "momentum");
  EXPECT_ERROR(at({1}, {.sector = {"sz=0", "sz=1"}}), InvalidArgument, "sz");
}

}  // namespace
}  // namespace kronsolve
