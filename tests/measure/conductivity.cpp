// The optical conductivity against dense Lehmann sums, energies in a field, and free fermions.

#include <cmath>
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
  EXPECT_NEAR(found.kinetic, kinetic, 1e-9);
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
  EXPECT_NEAR(found.regular, regular, 1e-8);
  EXPECT_NEAR(found.drude_weight, -kinetic / 2 - regular / std::numbers::pi, 1e-8);
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
  EXPECT_NEAR(found.drude_weight, second / 12, 1e-5);
  EXPECT_GT(found.regular, 1e-3);
}

TEST(Conductivity, of_free_fermions_is_all_drude) {
  for (const int sites : {6, 7}) {
    // A closed shell of one spin: an odd number, sum of 2 cos k = sin(pi n/N) / sin(pi/N).
    const Model m =
        make_model("hubbard", {.sites = sites, .cyclic = Cyclic::all, .params = {{"U", "0"}}});
    const auto found = of(m, 0, {"nup=3", "ndown=0"});
    const double exact =
        std::sin(3 * std::numbers::pi / sites) / (sites * std::sin(std::numbers::pi / sites));
    EXPECT_NEAR(found.drude_weight, exact, 1e-10);
    EXPECT_NEAR(found.kinetic, -2 * exact, 1e-10);
    EXPECT_NEAR(found.regular, 0, 1e-10);
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
      EXPECT_LT(found.kinetic, -1e-2);
      EXPECT_NEAR(found.drude_weight, 0, 1e-9);
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
  EXPECT_NEAR(found.drude_weight, 0.5 / (6 * std::sin(std::numbers::pi / 6)), 1e-10);
  // The same ladder laid along x and along y.
  const auto flat = make_model("heisenberg",
                               {.size = {2, 4}, .cyclic = Cyclic::y, .lattice = "square"}),
             upright = make_model("heisenberg",
                                  {.size = {4, 2}, .cyclic = Cyclic::x, .lattice = "square"});
  const auto y = of(flat, 1), x = of(upright, 0);
  EXPECT_NEAR(x.drude_weight, y.drude_weight, 1e-9);
  EXPECT_NEAR(x.regular, y.regular, 1e-9);
}

TEST(Conductivity, at_a_temperature_is_the_dense_sum) {
  const Model m = make_model(
      "hubbard", {.sites = 4, .cyclic = Cyclic::all, .params = {{"U", "3"}, {"mu", "1"}}});
  constexpr double t = 0.7;
  const auto found = of(m, 0, {}, {.temperature = t});
  const Dense dense(m, {});
  Eigen::VectorXd p = (-(dense.e.array() - dense.e(0)) / t).exp();
  p /= p.sum();
  double regular = 0;
  for (Eigen::Index n = 0; n < p.size(); ++n)
    for (Eigen::Index l = 0; l < p.size(); ++l) {
      const double w = dense.e(l) - dense.e(n);
      if (w > 1e-9)
        regular += std::numbers::pi / 4 * (p(n) - p(l)) * std::norm(dense.current(l, n)) / w;
    }
  EXPECT_NEAR(found.regular, regular, 1e-9);
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
  EXPECT_ERROR((void)of(m, 0, {}, {.temperature = 1.0, .method = ThermodynamicsMethod::ftlm}),
               InvalidArgument, "Drude weight");
}

}  // namespace
}  // namespace kronsolve
