// Entropies and correlations of ground states that are known exactly.
#include <cmath>

#include <Eigen/Dense>

#include <kronsolve/measure/entanglement.hpp>
#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/states.hpp>
#include <kronsolve/solvers/lanczos.hpp>

#include "support/gathering_map.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::world;
using Sites = std::vector<int>;

// Ground states have residuals of 1e-11 and gaps above 0.1; entropies are first order in the
// amplitudes' errors.
constexpr double tolerance = 1e-9;
const double ln2 = std::log(2.0);

Sites first_sites(int n) {
  Sites sites(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) sites[static_cast<std::size_t>(i)] = i;
  return sites;
}

struct Ground {
  std::shared_ptr<const Basis> basis;
  double energy = 0;
  DistributedVectors<double> vectors;
  StateView<double> view() const { return {world(), *basis, vectors.column(0)}; }
};

enum class Sector { full, sz0 };

Ground ground(const OpSum& h, Sector sector) {
  Ground g;
  if (sector == Sector::sz0)
    g.basis = std::make_shared<const ChargeBasis>(h.spaces(),
                                                  std::vector<Charge>{Charge::sz(h.spaces(), 0)});
  else
    g.basis = std::make_shared<const FullBasis>(h.spaces());
  auto result = lanczos(test::GatheringMap<double>(world(), h, *g.basis), {.tol = 1e-11});
  EXPECT_TRUE(result.converged) << result.reason;
  g.energy = result.eigenvalues.at(0);
  g.vectors = std::move(result.vectors);
  return g;
}

OpSum chain(const std::string& model, int sites, Cyclic cyclic = Cyclic::none,
            std::map<std::string, ModelValue> params = {}) {
  return make_model(model, {.sites = sites, .cyclic = cyclic, .params = std::move(params)}).op;
}

double binary_entropy(double p) {
  return p <= 0 || p >= 1 ? 0 : -p * std::log(p) - (1 - p) * std::log(1 - p);
}

/// Entropy of a set of modes with correlation matrix <c+_i c_j>.
double mode_entropy(const Eigen::MatrixXd& correlations) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(correlations);
  double sum = 0;
  for (const double p : solver.eigenvalues()) sum += binary_entropy(p);
  return sum;
}

/// Half-chain entropy of H = sum c+_i c_{i+1} + h.c. /2 at half filling: modes of the correlation
/// matrix of the half (Peschel 2003, doi:10.1088/0305-4470/36/14/101).
double free_fermion_entropy(int n) {
  Eigen::MatrixXd h = Eigen::MatrixXd::Zero(n, n);
  for (int i = 0; i + 1 < n; ++i) h(i, i + 1) = h(i + 1, i) = 0.5;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> modes(h);
  const Eigen::MatrixXd filled = modes.eigenvectors().leftCols(n / 2);
  return mode_entropy((filled * filled.transpose()).topLeftCorner(n / 2, n / 2));
}

TEST(GroundStates, xx_chain_has_the_entropy_of_free_fermions) {
  EXPECT_NEAR(free_fermion_entropy(8), 0.569748484422, 1e-12);
  EXPECT_NEAR(free_fermion_entropy(16), 0.714322770168, 1e-12);
  for (const int n : {8, 16}) {
    const auto g = ground(chain("xy", n), Sector::sz0);

    EXPECT_NEAR(entanglement_entropy(g.view(), first_sites(n / 2)), free_fermion_entropy(n),
                tolerance)
        << n;
  }
}

TEST(GroundStates, fermions_of_the_xx_chain_have_the_same_entropy_and_their_correlation_matrix) {
  constexpr int n = 10;
  OpSum h(n, LocalSpace::fermion());
  for (int i = 0; i + 1 < n; ++i)
    h.add(0.5, {{"C+", i}, {"C-", i + 1}}).add(0.5, {{"C+", i + 1}, {"C-", i}});
  Ground g;
  g.basis = std::make_shared<const ChargeBasis>(
      h.spaces(), std::vector<Charge>{Charge::particles(h.spaces(), n / 2)});
  g.vectors = lanczos(test::GatheringMap<double>(world(), h, *g.basis), {.tol = 1e-11}).vectors;

  EXPECT_NEAR(entanglement_entropy(g.view(), first_sites(n / 2)), free_fermion_entropy(n),
              tolerance);
  // Sites that are not neighbours: their modes' entropies follow from their own correlation matrix,
  // if all signs are right.
  const Sites odd = {1, 4, 5, 8};
  const auto all = correlation_matrix(g.view(), "C+", "C-");
  Eigen::MatrixXd part(4, 4);
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j)
      part(i, j) = all[static_cast<std::size_t>(odd[static_cast<std::size_t>(i)] * n +
                                                odd[static_cast<std::size_t>(j)])]
                       .real();
  EXPECT_NEAR(entanglement_entropy(g.view(), odd), mode_entropy(part), tolerance);
}

TEST(GroundStates, critical_ising_chain_has_the_entropy_of_free_majoranas) {
  for (const auto& [n, known] : {std::pair(8, 0.357161385084), std::pair(16, 0.423409317353)}) {
    const auto g =
        ground(chain("ising", n, Cyclic::none, {{"jz", "4"}, {"bx", "2"}}), Sector::full);

    EXPECT_NEAR(g.energy, 1 - 1 / std::sin(M_PI / (4 * n + 2)), tolerance);
    EXPECT_NEAR(entanglement_entropy(g.view(), first_sites(n / 2)), known, tolerance);
  }
}

TEST(GroundStates, heisenberg_chain_has_its_known_entropy_energy_and_correlations) {
  const auto open = ground(chain("heisenberg", 8), Sector::sz0),
             ring = ground(chain("heisenberg", 8, Cyclic::all), Sector::sz0);

  EXPECT_NEAR(entanglement_entropy(open.view(), first_sites(4)), 0.456975773113, tolerance);
  EXPECT_NEAR(entanglement_entropy(ring.view(), first_sites(4)), 1.051165876615, tolerance);
  EXPECT_NEAR(expectation(ring.view(), chain("heisenberg", 8, Cyclic::all)).real(),
              -3.6510934089371753, tolerance);
  EXPECT_LT(variance(ring.view(), chain("heisenberg", 8, Cyclic::all)), 1e-18);
  const auto zz = correlation_matrix(ring.view(), "Sz", "Sz");
  EXPECT_NEAR(zz[1].real(), -3.6510934089371753 / 24,
              tolerance);  // a singlet on a ring: a third of the energy per bond
  double sum = 0;
  for (const auto& value : zz) sum += value.real();
  EXPECT_NEAR(sum, 0, 1e-12);
}

TEST(GroundStates, majumdar_ghosh_chain_is_made_of_dimers) {
  const auto g = ground(chain("j1j2", 12), Sector::sz0);

  EXPECT_NEAR(g.energy, -3.0 * 12 / 8, tolerance);
  for (int cut = 1; cut < 12; ++cut)
    EXPECT_NEAR(entanglement_entropy(g.view(), first_sites(cut)), cut % 2 == 0 ? 0 : ln2, tolerance)
        << cut;
  const auto spaces = g.basis->spaces();
  const auto dimers = make_state<double>(world(), *g.basis, singlet_pairs(spaces));
  EXPECT_NEAR(fidelity(g.view(), StateView<double>(world(), *g.basis, dimers)), 1, tolerance);
  EXPECT_NEAR(mutual_information(g.view(), {2}, {3}), 2 * ln2, tolerance);
  EXPECT_NEAR(logarithmic_negativity(g.view(), {2}, {3}), ln2, tolerance);
  EXPECT_NEAR(logarithmic_negativity(g.view(), {1}, {2}), 0, tolerance);
}

}  // namespace
}  // namespace kronsolve
