// Models whose ground states are known exactly, on any number of ranks.

#include <cmath>
#include <limits>
#include <numbers>

#include <Eigen/Dense>

#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/solvers/eigh.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using std::numbers::pi;
using test::world;

/// Residuals of 1e-10 leave errors of their squares over the gap.
constexpr double same_energy = 1e-9;

double ground(const Model& model, const std::vector<std::string>& conditions = {}) {
  const auto h =
      in_sector(world(), model.op, parse_sector(model.op.spaces(), model.lattice, conditions));
  const auto found = eigh(world(), h);
  EXPECT_TRUE(found.converged) << found.reason;
  return found.eigenvalues.at(0);
}

/// Singular values of the hopping between A and B sites in which Majorana fermions see the bonds of
/// a honeycomb lattice without fluxes; those that go round along x and y carry these signs.
Eigen::VectorXd without_fluxes(int lx, int ly, int sign_x, int sign_y) {
  Eigen::MatrixXd m = Eigen::MatrixXd::Zero(lx * ly, lx * ly);
  for (int x = 0; x < lx; ++x)
    for (int y = 0; y < ly; ++y) {
      const int a = x * ly + y;
      m(a, a) += 1;
      if (x > 0 || sign_x != 0) m(a, (x + lx - 1) % lx * ly + y) += x > 0 ? 1 : sign_x;
      if (y > 0 || sign_y != 0) m(a, x * ly + (y + ly - 1) % ly) += y > 0 ? 1 : sign_y;
    }
  return Eigen::JacobiSVD<Eigen::MatrixXd>(m).singularValues();
}

TEST(ExactModels, open_kitaev_is_flux_free) {
  // Sites at the border have a Majorana fermion to spare: each parity is allowed.
  for (const auto& [lx, ly] : {std::pair{2, 3}, std::pair{3, 3}})
    for (const char* k : {"1", "-2"}) {
      const Model model = make_model("kitaev", {.size = {lx, ly}, .params = {{"K", k}}});
      const double energy = -std::abs(std::stod(k)) / 4 * without_fluxes(lx, ly, 0, 0).sum();

      EXPECT_NEAR(ground(model), energy, same_energy) << lx << "x" << ly << " K=" << k;
    }
}

TEST(ExactModels, closed_kitaev_is_one_of_four_flux_free_states) {
  // On a torus a boundary of either sign, and the parity that the spins allow: the vacuum, or one
  // fermion more, at |K| s/2.
  const Model model = make_model("kitaev", {.size = {3, 3}, .cyclic = Cyclic::all});
  const double energy = ground(model);

  double nearest = std::numeric_limits<double>::infinity();
  for (const int x : {1, -1})
    for (const int y : {1, -1}) {
      const auto s = without_fluxes(3, 3, x, y);
      for (const double state : {-s.sum() / 4, -s.sum() / 4 + s.minCoeff() / 2})
        nearest = std::min(nearest, std::abs(state - energy));
    }
  EXPECT_LT(nearest, same_energy) << energy;
}

TEST(ExactModels, stiffness_of_free_fermions) {
  // An odd number n fills the levels -2t cos((2 pi m + phi)/N) around m = 0:
  // E = -2t cos(phi/N) sin(pi n/N) / sin(pi/N).
  const int sites = 12, n = 5;
  const auto energy = [&](double phi) {
    const Model ring = make_model("t-v", {.sites = sites,
                                          .cyclic = Cyclic::x,
                                          .params = {{"V", "0"}, {"twist", detail::concat(phi)}}});
    return ground(ring, {"n=5", "momentum=0"});
  };
  const double whole = 2 * std::sin(pi * n / sites) / std::sin(pi / sites);
  for (const double phi : {-0.3, 0.0, 0.3, 1.5})
    EXPECT_NEAR(energy(phi), -whole * std::cos(phi / sites), same_energy);
  // D = N/2 d2E/dphi2 = whole/(2N), from differences of second order in phi.
  const double step = 0.3;
  const double stiffness =
      sites / 2.0 * (energy(step) + energy(-step) - 2 * energy(0)) / (step * step);
  const double exact =
      whole / (2.0 * sites) * 2 * (1 - std::cos(step / sites)) / std::pow(step / sites, 2);
  EXPECT_NEAR(stiffness, exact, 1e-6);
}

TEST(ExactModels, twisted_planes_have_the_levels_of_shifted_momenta) {
  const int lx = 4, ly = 3;
  const Model plane = make_model(
      "hubbard",
      {.size = {lx, ly}, .cyclic = Cyclic::all, .params = {{"U", "0"}, {"twist", "0.4,-0.9"}}});
  double least = std::numeric_limits<double>::infinity();
  for (int mx = 0; mx < lx; ++mx)
    for (int my = 0; my < ly; ++my)
      least = std::min(
          least, -2 * std::cos((2 * pi * mx + 0.4) / lx) - 2 * std::cos((2 * pi * my - 0.9) / ly));
  EXPECT_NEAR(ground(plane, {"nup=1", "ndown=0"}), least, same_energy);
  EXPECT_NEAR(ground(plane, {"nup=1", "ndown=1"}), 2 * least, same_energy);
}

TEST(ExactModels, heisenberg_on_tilted_squares) {
  // Digits from a program of its own: bits, positions modulo the vectors, plain Lanczos.
  struct Cluster {
    ClusterVectors vectors;
    double energy;
  };
  for (const Cluster& of :
       {Cluster{{{{2, 2}, {-2, 2}}}, -6}, Cluster{{{{3, 1}, {-1, 3}}}, -7.3000680720579},
        Cluster{{{{4, 0}, {0, 4}}}, -11.2284832084289},
        Cluster{{{{3, 3}, {-3, 3}}}, -12.4917476974405},
        Cluster{{{{4, 2}, {-2, 4}}}, -13.8161577927604}}) {
    const Model model = make_model("heisenberg", {.cluster = of.vectors});
    const auto n = model.op.sites();
    EXPECT_NEAR(ground(model, {"sz=0"}), of.energy, same_energy) << n;
    // Of an even number of pairs the ground state has no sign under translations and turns, of an
    // odd number one under each that exchanges the sublattices.
    if (n % 4 == 0) {
      EXPECT_NEAR(ground(model, {"sz=0", "momentum=0,0", "rotation=0", "spinflip=1"}), of.energy,
                  same_energy)
          << n;
    }
  }
  const Model triangles = make_model("triangular", {.cluster = ClusterVectors{{{2, 2}, {-2, 4}}}});
  EXPECT_NEAR(ground(triangles, {"sz=0"}), -7.1174231818142, same_energy);
}

TEST(ExactModels, all_to_all_exchange) {
  // (S(S+1) - 3N/4)/2 with S = 0.
  EXPECT_NEAR(ground(make_model("heisenberg", {.sites = 10, .lattice = "complete"}), {"sz=0"}),
              -3.75, same_energy);
  // A star: the centre against all others together, J (S (S+1) - L (L+1) - 3/4)/2, L = 9/2, S = 4.
  EXPECT_NEAR(ground(make_model("heisenberg", {.sites = 10, .lattice = "star"}), {"sz=4"}), -2.75,
              same_energy);
}

}  // namespace
}  // namespace kronsolve
