// The optical conductivity against dense Lehmann sums, energies in a field, and free fermions.

#include <cmath>
#include <limits>
#include <numbers>

#include <Eigen/Dense>

#include <kronsolve/core/error.hpp>
#include <kronsolve/measure/conductivity.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/rows.hpp>
#include <kronsolve/operators/sectors.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using Complex = std::complex<double>;
using test::world;

Conductivity of(const Model& m, int direction, const std::vector<std::string>& sector = {},
                DynamicalOptions options = {}) {
  const auto pairs = conductivity_pairs(current_operator(m.op, m.lattice, direction));
  return conductivity(dynamical_correlations(world(), m.op, m.lattice, sector, pairs, options),
                      m.op.sites());
}

/// The operator among the states of a sector of charges.
Eigen::MatrixXcd among(const OpSum& op, const Basis& basis) {
  const auto rows = build_rows<Complex>(op, basis, {0, basis.size()});
  Eigen::MatrixXcd matrix = Eigen::MatrixXcd::Zero(basis.size(), basis.size());
  for (index_t row = 0; row < basis.size(); ++row)
    for (std::size_t at = 0; at < rows.row_columns(row).size(); ++at)
      matrix(row, rows.row_columns(row)[at]) += rows.row_values(row)[at];
  return matrix;
}

/// All of a Hubbard ring in one sector.
struct Dense {
  Eigen::VectorXd e;
  Eigen::MatrixXcd current, kinetic;  ///< among the eigenvectors
  Dense(const Model& m, const std::vector<std::string>& sector);
};

/// sum_i over sites of c^+_{i+1} c_i with its own coefficient, spin by spin: written out by hand.
OpSum hopping(const Model& m, Complex factor) {
  OpSum sum(m.op.spaces());
  const int n = m.op.sites();
  const bool open = !m.lattice.is_cyclic(0);
  for (int i = 0; i + (open ? 1 : 0) < n; ++i)
    for (const char* spin : {"up", "dn"}) {
      const std::string c = std::string("C") + spin;
      sum.add(factor, {{c + "+", (i + 1) % n}, {c + "-", i}});
      sum.add(std::conj(factor), {{c + "+", i}, {c + "-", (i + 1) % n}});
    }
  return sum;
}

Dense::Dense(const Model& m, const std::vector<std::string>& sector) {
  const auto basis = make_basis(world(), parse_sector(m.op.spaces(), m.lattice, sector));
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd> solver(among(m.op, *basis));
  e = solver.eigenvalues();
  const auto& v = solver.eigenvectors();
  current = v.adjoint() * among(hopping(m, Complex(0, 1)), *basis) * v;
  kinetic = v.adjoint() * among(hopping(m, -1), *basis) * v;
}

TEST(Conductivity, current_and_kinetic_term_are_the_derivatives_in_a_field) {
  const Model m = make_model("hubbard", {.sites = 6, .cyclic = Cyclic::all});
  const auto of_model = current_operator(m.op, m.lattice, 0);
  EXPECT_EQ(of_model.charge, "n");
  EXPECT_TRUE(equal(of_model.current, hopping(m, Complex(0, 1))));
  EXPECT_TRUE(equal(of_model.kinetic, hopping(m, -1)));
}

TEST(Conductivity, of_a_hubbard_ring_is_the_dense_lehmann_sum) {
  const Model m = make_model(
      "hubbard", {.sites = 6, .cyclic = Cyclic::all, .params = {{"U", "4"}, {"mu", "2"}}});
  const std::vector<std::string> sector = {"nup=3", "ndown=3"};
  const auto found = of(m, 0, sector);
  const Dense dense(m, sector);
  ASSERT_GT(dense.e(1) - dense.e(0), 1e-6);
  const double kinetic = dense.kinetic(0, 0).real() / 6;
  EXPECT_NEAR(found.kinetic.value, kinetic, 1e-9);
  double regular = 0;
  std::vector<double> at, expected;
  for (int i = 0; i < 60; ++i) at.push_back(0.2 * i);
  expected.assign(at.size(), 0);
  constexpr double width = 0.1;
  for (Eigen::Index n = 1; n < dense.e.size(); ++n) {
    const double w = dense.e(n) - dense.e(0),
                 weight = std::numbers::pi / 6 * std::norm(dense.current(n, 0)) / w;
    regular += weight;
    for (std::size_t i = 0; i < at.size(); ++i)
      for (const double x : {at[i] - w, at[i] + w})
        expected[i] += weight * width / std::numbers::pi / (x * x + width * width);
  }
  EXPECT_NEAR(found.regular.value, regular, 1e-8);
  EXPECT_NEAR(found.drude_weight.value, -kinetic / 2 - regular / std::numbers::pi, 1e-8);
  const auto values = broadened(found.lines, at, width, LineShape::lorentzian);
  for (std::size_t i = 0; i < at.size(); ++i) EXPECT_NEAR(values[i], expected[i], 1e-7);
}

TEST(Conductivity, drude_weight_is_the_curvature_of_the_energy_in_a_field) {
  // E0 of the ring with exp(i phi) on each hop: D = E0''(0) / (2 N).
  const Model m =
      make_model("hubbard", {.sites = 6, .cyclic = Cyclic::all, .params = {{"U", "3"}}});
  const std::vector<std::string> sector = {"nup=3", "ndown=3"};
  const auto found = of(m, 0, sector);
  const auto energy = [&](double phi) {
    const Model turned =
        make_model("hubbard", {.sites = 6,
                               .cyclic = Cyclic::all,
                               .params = {{"U", "3"}, {"twist", detail::concat(6 * phi)}}});
    return ground_level(world(), turned.op, turned.lattice, {"nup=3", "ndown=3"}).energy;
  };
  constexpr double step = 0.02;
  const double second =
      (-energy(2 * step) + 16 * energy(step) - 15 * energy(0)) / (6 * step * step);
  EXPECT_NEAR(found.drude_weight.value, second / 12, 1e-5);
  EXPECT_GT(found.regular.value, 1e-3);
}

TEST(Conductivity, of_free_fermions_is_all_drude) {
  for (const int sites : {6, 7}) {
    // A closed shell of one spin: an odd number, sum of 2 cos k = sin(pi n/N) / sin(pi/N).
    const Model m =
        make_model("hubbard", {.sites = sites, .cyclic = Cyclic::all, .params = {{"U", "0"}}});
    const auto found = of(m, 0, {"nup=3", "ndown=0"});
    const double exact =
        std::sin(3 * std::numbers::pi / sites) / (sites * std::sin(std::numbers::pi / sites));
    EXPECT_NEAR(found.drude_weight.value, exact, 1e-10);
    EXPECT_NEAR(found.kinetic.value, -2 * exact, 1e-10);
    EXPECT_NEAR(found.regular.value, 0, 1e-10);
  }
}

TEST(Conductivity, open_ends_carry_no_drude_weight) {
  const std::vector<Model> models = {
      make_model("hubbard", {.sites = 5, .params = {{"U", "4"}, {"mu", "1"}}}),
      make_model("xxz", {.sites = 8, .params = {{"delta", "0.5"}}}),
      make_model("j1j2", {.sites = 8}),
      make_model("heisenberg", {.size = {2, 4}, .lattice = "square"})};
  for (const auto& m : models) {
    SCOPED_TRACE(m.name);
    for (const std::optional<double> t : {std::optional<double>(), std::optional<double>(0.6)}) {
      const auto found = of(m, 0, {}, {.temperature = t, .method = ThermodynamicsMethod::exact});
      EXPECT_LT(found.kinetic.value, -1e-2);
      EXPECT_NEAR(found.drude_weight.value, 0, 1e-9);
    }
  }
}

TEST(Conductivity, of_spins_and_along_y) {
  const Model m = make_model("xxz", {.sites = 6, .cyclic = Cyclic::all});
  const auto current = current_operator(m.op, m.lattice, 0);
  EXPECT_EQ(current.charge, "sz");
  // XX chain of 6 sites: free fermions with t = 1/2.
  const Model xx =
      make_model("xxz", {.sites = 6, .cyclic = Cyclic::all, .params = {{"delta", "0"}}});
  const auto found = of(xx, 0, {"sz=0"});
  EXPECT_NEAR(found.drude_weight.value, 0.5 / (6 * std::sin(std::numbers::pi / 6)), 1e-10);
  // The same ladder laid along x and along y.
  const auto flat = make_model("heisenberg",
                               {.size = {2, 4}, .cyclic = Cyclic::y, .lattice = "square"}),
             upright = make_model("heisenberg",
                                  {.size = {4, 2}, .cyclic = Cyclic::x, .lattice = "square"});
  const auto y = of(flat, 1), x = of(upright, 0);
  EXPECT_NEAR(x.drude_weight.value, y.drude_weight.value, 1e-9);
  EXPECT_NEAR(x.regular.value, y.regular.value, 1e-9);
}

/// Kubo's sums over all levels of a sector at a temperature, what is below `drude_below` left to D.
struct Kubo {
  double kinetic = 0, regular = 0;
  std::vector<double> spectrum;  ///< regular part at energies, Lorentzian lines
  double drude_weight() const { return -kinetic / 2 - regular / std::numbers::pi; }

  Kubo(const Dense& dense, int sites, double t, double drude_below,
       const std::vector<double>& energies = {}, double width = 1)
      : spectrum(energies.size()) {
    const Eigen::VectorXd p = boltzmann(dense.e, t);
    for (Eigen::Index n = 0; n < p.size(); ++n) {
      kinetic += p(n) * dense.kinetic(n, n).real() / sites;
      for (Eigen::Index l = n + 1; l < p.size(); ++l) {
        const double w = dense.e(l) - dense.e(n);
        if (w < std::max(1e-9, drude_below)) continue;
        const double weight =
            std::numbers::pi / sites * (p(n) - p(l)) * std::norm(dense.current(l, n)) / w;
        regular += weight;
        for (std::size_t i = 0; i < energies.size(); ++i)
          for (const double x : {energies[i] - w, energies[i] + w})
            spectrum[i] += weight * width / std::numbers::pi / (x * x + width * width);
      }
    }
  }
  static Eigen::VectorXd boltzmann(const Eigen::VectorXd& e, double t) {
    const Eigen::VectorXd p = (-(e.array() - e(0)) / t).exp();
    return p / p.sum();
  }
};

TEST(Conductivity, at_a_temperature_is_the_dense_sum) {
  const Model m = make_model(
      "hubbard", {.sites = 4, .cyclic = Cyclic::all, .params = {{"U", "3"}, {"mu", "1"}}});
  constexpr double t = 0.7, width = 0.1;
  const std::vector<double> energies = {0, 0.5, 1, 2, 3.3, 5};
  const Dense dense(m, {});
  const auto pairs = conductivity_pairs(current_operator(m.op, m.lattice, 0));
  const auto correlations =
      dynamical_correlations(world(), m.op, m.lattice, {}, pairs, {.temperature = t});
  for (const double below : {0.0, 0.9}) {
    const auto found = conductivity(correlations, 4, below);
    const Kubo kubo(dense, 4, t, below, energies, width);
    EXPECT_NEAR(found.kinetic.value, kubo.kinetic, 1e-10);
    EXPECT_NEAR(found.regular.value, kubo.regular, 1e-9);
    EXPECT_NEAR(found.drude_weight.value, kubo.drude_weight(), 1e-9);
    EXPECT_EQ(found.regular.error, 0);
    const auto values = broadened(found.lines, energies, width, LineShape::lorentzian);
    for (std::size_t i = 0; i < energies.size(); ++i)
      EXPECT_NEAR(values[i], kubo.spectrum[i], 1e-8);
  }
}

TEST(Conductivity, drude_weight_at_a_temperature_follows_from_the_free_energy_in_a_field) {
  if (world().size() > 1) GTEST_SKIP() << "the same numbers as on one rank";
  // 2 N D = F''(phi) + sum over equal levels of p |J|^2 / T.
  constexpr double t = 0.7, step = 0.02;
  const auto in_field = [&](double phi) {
    return make_model(
        "hubbard",
        {.sites = 4, .cyclic = Cyclic::all, .params = {{"U", 3}, {"mu", 1}, {"twist", 4 * phi}}});
  };
  const auto free_energy = [&](double phi) {
    const Dense dense(in_field(phi), {});
    return dense.e(0) - t * std::log((-(dense.e.array() - dense.e(0)) / t).exp().sum());
  };
  const double second =
      (-free_energy(2 * step) + 16 * free_energy(step) - 15 * free_energy(0)) / (6 * step * step);
  const Dense dense(in_field(0), {});
  const Eigen::VectorXd p = Kubo::boltzmann(dense.e, t);
  double equal = 0;
  for (Eigen::Index n = 0; n < p.size(); ++n)
    for (Eigen::Index l = 0; l < p.size(); ++l)
      if (std::abs(dense.e(l) - dense.e(n)) < 1e-9) equal += p(n) * std::norm(dense.current(l, n));

  const auto found = of(in_field(0), 0, {}, {.temperature = t});
  EXPECT_NEAR(found.drude_weight.value, (second + equal / t) / 8, 1e-5);
}

TEST(Conductivity, of_random_vectors_lies_within_its_errors) {
  if (world().size() > 1) GTEST_SKIP() << "the same numbers as on one rank";
  const Model m =
      make_model("hubbard", {.sites = 6, .cyclic = Cyclic::all, .params = {{"U", "4"}}});
  const std::vector<std::string> sector = {"nup=3", "ndown=2"};
  constexpr double t = 1.2, width = 0.3, below = 0.25;
  const std::vector<double> energies = {0.6, 1.5, 2.5, 4, 6};
  const Kubo kubo(Dense(m, sector), 6, t, below, energies, width);
  const auto pairs = conductivity_pairs(current_operator(m.op, m.lattice, 0));
  int within_one = 0, within_two = 0, count = 0;
  const auto see = [&](const Estimate& is, double exact) {
    EXPECT_GT(is.error, 0);
    within_one += std::abs(is.value - exact) <= is.error;
    within_two += std::abs(is.value - exact) <= 2 * is.error;
    ++count;
  };
  for (std::uint64_t seed = 0; seed < 24; ++seed) {
    const auto found = conductivity(dynamical_correlations(world(), m.op, m.lattice, sector, pairs,
                                                           {.steps = 70,
                                                            .temperature = t,
                                                            .method = ThermodynamicsMethod::ftlm,
                                                            .samples = 12,
                                                            .seed = seed}),
                                    6, below);
    see(found.kinetic, kubo.kinetic);
    see(found.regular, kubo.regular);
    see(found.drude_weight, kubo.drude_weight());
    EXPECT_NEAR(found.drude_weight.value,
                -found.kinetic.value / 2 - found.regular.value / std::numbers::pi, 1e-12);
    const auto values = broadened(found.lines, energies, width, LineShape::lorentzian),
               errors = broadened_errors(found.lines, energies, width, LineShape::lorentzian);
    for (std::size_t i = 0; i < energies.size(); ++i) see({values[i], errors[i]}, kubo.spectrum[i]);
  }
  SCOPED_TRACE(detail::concat(within_one, " and ", within_two, " of ", count));
  EXPECT_NEAR(within_one / double(count), 0.68, 0.10);
  EXPECT_NEAR(within_two / double(count), 0.95, 0.05);
}

TEST(Conductivity, of_random_vectors_is_that_of_all_levels_where_nothing_is_random) {
  // One state in each of these sectors: a random vector is the state.
  const Model m = make_model("xxz", {.sites = 6, .cyclic = Cyclic::all});
  for (const std::vector<std::string>& sector :
       {std::vector<std::string>{"sz=2", "momentum=1"}, {"sz=3", "momentum=0"}}) {
    const auto by = [&](ThermodynamicsMethod method) {
      return of(m, 0, sector, {.temperature = 0.5, .method = method, .samples = 2});
    };
    const auto random = by(ThermodynamicsMethod::ftlm), exact = by(ThermodynamicsMethod::exact);
    EXPECT_NEAR(random.kinetic.value, exact.kinetic.value, 1e-12);
    EXPECT_NEAR(random.drude_weight.value, exact.drude_weight.value, 1e-9);
    EXPECT_LT(random.drude_weight.error, 1e-9);
  }
}

TEST(Conductivity, refusals) {
  const auto current = [](const char* name, ModelOptions options, int direction = 0) {
    const Model m = make_model(name, options);
    (void)current_operator(m.op, m.lattice, direction);
  };
  EXPECT_ERROR(current("ising", {.sites = 4}), InvalidArgument, "does not conserve Sz");
  EXPECT_ERROR(current("xxz", {.sites = 4}, 1), InvalidArgument, "one direction, x");
  EXPECT_ERROR(current("j1j2", {.sites = 4, .cyclic = Cyclic::all}), InvalidArgument,
               "over half of the lattice");
  EXPECT_ERROR(current("ising", {.sites = 4, .params = {{"bx", "0"}}}), InvalidArgument,
               "no term moves charge");
  const Model m = make_model("xxz", {.sites = 4, .cyclic = Cyclic::all});
  const auto pairs = conductivity_pairs(current_operator(m.op, m.lattice, 0));
  const auto found = dynamical_correlations(world(), m.op, m.lattice, {}, pairs, {});
  for (const double below : {-1.0, std::nan(""), std::numeric_limits<double>::infinity()})
    EXPECT_ERROR((void)conductivity(found, 4, below), InvalidArgument, "drude_below");
}

}  // namespace
}  // namespace kronsolve
