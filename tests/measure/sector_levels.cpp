// Labelled spectra: energies and total spins of all sectors against the dense spectrum, on any
// number of ranks; what is left out is said.

#include <algorithm>
#include <cmath>
#include <map>

#include <Eigen/Dense>

#include <kronsolve/core/error.hpp>
#include <kronsolve/measure/sector_levels.hpp>
#include <kronsolve/operators/models.hpp>

#include "support/dense_oracle.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::world;

constexpr Cyclic ring = Cyclic::all;

std::vector<double> whole_spectrum(const OpSum& op) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd> solver(test::dense(op),
                                                               Eigen::EigenvaluesOnly);
  return {solver.eigenvalues().begin(), solver.eigenvalues().end()};
}

/// Every level as often as its multiplet and the images of its sector say.
std::vector<double> unfolded(const SectorLevels& found, bool multiplets) {
  std::vector<double> all;
  for (const auto& level : found.levels) {
    const double copies =
        found.sectors[level.sector].copies() * (multiplets ? 2 * level.spin().value() + 1 : 1);
    EXPECT_NEAR(copies, std::round(copies), 1e-6);
    for (int i = 0; i < std::lround(copies); ++i) all.push_back(level.energy);
  }
  std::sort(all.begin(), all.end());
  return all;
}

void expect_same(const std::vector<double>& a, const std::vector<double>& b, double most) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], most) << i;
}

TEST(SectorLevels, multiplets_of_all_symmetries_are_the_whole_spectrum) {
  // Whether S is right decides how often each level counts.
  for (const auto& model :
       {make_model("heisenberg", {.sites = 8, .cyclic = ring}),
        make_model("heisenberg", {.sites = 7}),
        make_model("j1j2", {.sites = 8, .cyclic = ring}),  // accidental degeneracies
        make_model("heisenberg", {.sites = 4, .cyclic = ring, .spin = "1"}),
        make_model("heisenberg", {.size = {3, 3}, .cyclic = ring, .lattice = "triangular"}),
        make_model("hubbard", {.sites = 3, .cyclic = ring})}) {
    SCOPED_TRACE(model.name + " on " + std::to_string(model.op.sites()));
    const auto found =
        sector_levels(world(), model.op, model.lattice, all_sectors(model.op, model.lattice),
                      {.solve = {.k = EighOptions::all}});
    EXPECT_TRUE(found.converged());
    EXPECT_FALSE(found.complete_below);
    expect_same(unfolded(found, true), whole_spectrum(model.op), 1e-10);
  }
}

TEST(SectorLevels, spins_where_levels_of_one_sector_agree) {
  // Without lattice symmetries singlets and triplets share levels at the Majumdar-Ghosh point.
  const auto model = make_model("j1j2", {.sites = 6, .cyclic = ring});
  const auto found =
      sector_levels(world(), model.op, model.lattice, {"sz=0"}, {.solve = {.k = EighOptions::all}});
  expect_same(unfolded(found, true), whole_spectrum(model.op), 1e-10);
}

TEST(SectorLevels, without_total_spin_there_is_none) {
  const auto model = make_model("xxz", {.sites = 6, .cyclic = ring, .params = {{"delta", "0.4"}}});
  const auto found =
      sector_levels(world(), model.op, model.lattice, all_sectors(model.op, model.lattice),
                    {.solve = {.k = EighOptions::all}});
  for (const auto& level : found.levels) EXPECT_FALSE(level.spin());
  expect_same(unfolded(found, false), whole_spectrum(model.op), 1e-11);
}

TEST(SectorLevels, up_to_the_energy_said_nothing_is_missing) {
  const auto model = make_model("heisenberg", {.sites = 8, .cyclic = ring});
  index_t told = 0;
  const auto found = sector_levels(world(), model.op, model.lattice, {"sz=all", "momentum=all"},
                                   {.solve = {.k = 2}, .progress = [&](index_t done, index_t all) {
                                      EXPECT_LT(done, all);
                                      ++told;
                                    }});
  ASSERT_TRUE(found.complete_below);
  EXPECT_TRUE(found.certified().value_or(true));
  const auto limit = *found.complete_below + 1e-9;
  auto got = unfolded(found, false);
  auto whole = whole_spectrum(model.op);
  std::erase_if(got, [&](double e) { return e > limit; });
  std::erase_if(whole, [&](double e) { return e > limit; });
  EXPECT_GT(whole.size(), 3u);
  expect_same(got, whole, 1e-9);
  EXPECT_NEAR(found.levels.front().energy, -3.651093408937, 1e-9);
  EXPECT_NEAR(found.levels.front().spin().value(), 0, 1e-8);
  if (world().is_root()) {
    EXPECT_GT(told, 0);
  }
}

TEST(SectorLevels, refusals) {
  const auto model = make_model("heisenberg", {.sites = 4});
  EXPECT_ERROR(
      sector_levels(world(), model.op, model.lattice, {"sz=all"}, {.solve = {.which = Which::LA}}),
      InvalidArgument, "lowest");
  EXPECT_ERROR(sector_levels(world(), model.op, model.lattice, {"momentum=all"}), InvalidArgument,
               "cyclic direction");
  EXPECT_ERROR(total_spin_squared({LocalSpace::fermion()}), InvalidArgument, "no site has a spin");
}

}  // namespace
}  // namespace kronsolve
