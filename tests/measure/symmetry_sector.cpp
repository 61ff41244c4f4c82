// Quantities of states that are kept in symmetry sectors: the same as of the states written out.

#include <cmath>

#include <Eigen/Eigenvalues>

#include <kronsolve/measure/entanglement.hpp>
#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/operators/expand.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/rows.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/operators/states.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using Complex = std::complex<double>;
using test::world;

constexpr double rounding = 1e-11;

/// Energy and owned amplitudes of the lowest state of an operator in a sector.
template <Scalar T>
std::pair<double, Buffer<T>> lowest(const SectorOperator& alone, const SectorOperator& spread) {
  const auto rows = build_rows<T>(alone.op, *alone.basis, {0, alone.basis->size()});
  Eigen::Matrix<T, -1, -1> m = Eigen::Matrix<T, -1, -1>::Zero(rows.cols, rows.cols);
  for (index_t i = 0; i < rows.cols; ++i)
    for (std::size_t e = 0; e < rows.row_columns(i).size(); ++e)
      m(i, rows.row_columns(i)[e]) = rows.row_values(i)[e];
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix<T, -1, -1>> solver(m);
  const RowRange mine = spread.basis->partition(world().size()).range(world().rank());
  Buffer<T> owned(mine.size());
  for (index_t i = mine.begin; i < mine.end; ++i)
    owned[i - mine.begin] = solver.eigenvectors()(i, 0);
  return {solver.eigenvalues()(0), std::move(owned)};
}

template <Scalar T>
void expect_same_physics(const Model& model, const std::vector<std::string>& conditions) {
  const Comm serial;
  const auto sector = parse_sector(model.op.spaces(), model.lattice, conditions);
  const auto h = in_sector(world(), model.op, sector);
  const auto [energy, owned] = lowest<T>(in_sector(serial, model.op, sector), h);
  const StateView<T> psi(world(), *h.basis, owned);
  const auto wide = expand(psi);
  ASSERT_TRUE(wide.has_value());
  const auto plain = wide->view();

  // Written out it is a normalised eigenstate of the whole operator ...
  EXPECT_NEAR(norm(plain), 1, rounding);
  EXPECT_NEAR(expectation(plain, model.op).real(), energy, rounding);
  EXPECT_NEAR(variance(plain, model.op), 0, rounding);
  // ... and all quantities are those of the state written out, for operators inside the sector and
  // outside.
  EXPECT_NEAR(expectation(psi, model.op).real(), energy, rounding);
  EXPECT_NEAR(variance(psi, model.op), 0, rounding);
  const std::string name = model.op.spaces()[0].has_electrons() ? "N" : "Sz";
  const auto a = site_profile(psi, name), b = site_profile(plain, name);
  const auto c = correlation_matrix(psi, name, name), d = correlation_matrix(plain, name, name);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(std::abs(a[i] - b[i]), 0, rounding);
  for (std::size_t i = 0; i < c.size(); ++i) EXPECT_NEAR(std::abs(c[i] - d[i]), 0, rounding);
  EXPECT_NEAR(entanglement_entropy(psi, {0, 1, 2}, {}), entanglement_entropy(plain, {0, 1, 2}, {}),
              rounding);
}

TEST(SymmetrySector, quantities_are_those_of_the_state_written_out) {
  const Model spins = make_model("heisenberg", {.sites = 8, .cyclic = Cyclic::all});
  expect_same_physics<double>(spins, {"sz=0", "momentum=0", "reflection=1", "spinflip=1"});
  expect_same_physics<double>(spins, {"momentum=4"});
  expect_same_physics<Complex>(spins, {"sz=1", "momentum=3"});
  expect_same_physics<Complex>(make_model("hubbard", {.sites = 4, .cyclic = Cyclic::all}),
                               {"nup=2", "ndown=1", "momentum=1"});
  expect_same_physics<double>(make_model("hubbard", {.sites = 4, .cyclic = Cyclic::all}),
                              {"n=4", "momentum=0", "spinflip=-1"});
}

TEST(SymmetrySector, entropy_is_the_exact_one) {
  // Heisenberg ring of 8 sites, half of it, in nats.
  const Model model = make_model("heisenberg", {.sites = 8, .cyclic = Cyclic::all});
  const Comm serial;
  const auto sector =
      parse_sector(model.op.spaces(), model.lattice, {"sz=0", "momentum=0", "spinflip=1"});
  const auto h = in_sector(world(), model.op, sector);
  const auto [energy, owned] = lowest<double>(in_sector(serial, model.op, sector), h);

  EXPECT_NEAR(energy, -3.6510934089371753, rounding);
  EXPECT_NEAR(entanglement_entropy(StateView<double>(world(), *h.basis, owned), {0, 1, 2, 3}, {}),
              1.051165876615, 1e-11);
}

TEST(SymmetrySector, states_made_in_it) {
  const Model model = make_model("heisenberg", {.sites = 6, .cyclic = Cyclic::all});
  const auto sector = parse_sector(model.op.spaces(), model.lattice, {"sz=0", "momentum=0"});
  const auto basis = make_basis(world(), sector);
  // W states are symmetric: one magnon of momentum 0.
  const auto magnon =
      make_basis(world(), parse_sector(model.op.spaces(), model.lattice, {"sz=2", "momentum=0"}));
  const auto w = make_state<double>(world(), *magnon, w_state(model.op.spaces()));
  const auto wide = expand(StateView<double>(world(), *magnon, w));
  for (const double x : wide->owned.span()) EXPECT_NEAR(x, 1 / std::sqrt(6.0), rounding);

  EXPECT_ERROR(make_state<double>(world(), *basis, neel_state(model.op.spaces())), InvalidArgument,
               "not entirely in the sector");
  // Products are projected: all spins along x are in every symmetric sector, and only there.
  const auto symmetric = make_basis(
      world(),
      parse_sector(model.op.spaces(), model.lattice, {"momentum=0", "reflection=1", "spinflip=1"}));
  const auto plus = make_state<double>(world(), *symmetric, plus_state(model.op.spaces()));
  const auto plus_wide = expand(StateView<double>(world(), *symmetric, plus));
  for (const double x : plus_wide->owned.span()) EXPECT_NEAR(x, 0.125, rounding);
  const auto odd =
      make_basis(world(), parse_sector(model.op.spaces(), model.lattice, {"momentum=1"}));
  EXPECT_ERROR(make_state<Complex>(world(), *odd, plus_state(model.op.spaces())), InvalidArgument,
               "norm squared there 0");
}

TEST(SymmetrySector, a_function_of_the_configuration_is_projected) {
  const Model model = make_model("hubbard", {.sites = 3, .cyclic = Cyclic::all});
  const auto basis_of = [&](std::vector<std::string> conditions) {
    return make_basis(world(), parse_sector(model.op.spaces(), model.lattice, conditions));
  };
  const std::function<Complex(std::span<const int>)> f = [](std::span<const int> digits) {
    return Complex(1.0 + digits[0], 0.5 * digits[1] - digits[2]);
  };
  const auto plain = basis_of({"nup=1", "ndown=1"});
  const auto whole = make_state<Complex>(world(), *plain, f);

  // The states made in the sectors have the directions of the projections: their weights in the
  // whole add up to one.
  double weights = 0;
  for (int m = 0; m < 3; ++m) {
    const auto basis = basis_of({"nup=1", "ndown=1", "momentum=" + std::to_string(m)});
    const auto part = make_state<Complex>(world(), *basis, f);
    const auto written = expand(StateView<Complex>(world(), *basis, part));
    weights += std::norm(overlap(written->view(), StateView<Complex>(world(), *plain, whole)));
  }
  EXPECT_NEAR(weights, 1, rounding);
}

}  // namespace
}  // namespace kronsolve
