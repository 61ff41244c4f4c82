// Labelled spectra: energies and total spins of all sectors against the dense spectrum, on any
// number of ranks; what is left out is said.

#include <algorithm>
#include <cmath>
#include <map>

#include <Eigen/Dense>

#include <kronsolve/core/error.hpp>
#include <kronsolve/measure/sector_levels.hpp>
#include <kronsolve/operators/models.hpp>

#include "support/checkpoint_test.hpp"
#include "support/dense_oracle.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::CheckpointTest;
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

/// A scan, and a solve that follows it in the sector of the lowest level.
struct Scanned {
  SectorLevels levels;
  std::vector<double> lowest;
};

Scanned scan_and_solve(const Comm& comm, const Model& model, Checkpoint* checkpoint) {
  EighOptions solve{.k = 2, .method = Method::lanczos, .checkpoint = checkpoint};
  SectorScan scan(comm, model.op,
                  scan_sectors(model.op, model.lattice, all_sectors(model.op, model.lattice)),
                  {.solve = solve});
  Scanned found{scan.run(), {}};
  const auto& lowest = found.levels.sectors[found.levels.levels.front().sector].sector;
  found.lowest = eigh(comm, in_sector(comm, model.op, lowest), solve).eigenvalues;
  return found;
}

void expect_same(const Scanned& now, const Scanned& undisturbed, double most) {
  ASSERT_EQ(now.levels.levels.size(), undisturbed.levels.levels.size());
  for (std::size_t i = 0; i < now.levels.levels.size(); ++i) {
    const auto &a = now.levels.levels[i], &b = undisturbed.levels.levels[i];
    EXPECT_EQ(a.sector, b.sector);
    EXPECT_NEAR(a.energy, b.energy, most);
    EXPECT_EQ(a.spin(), b.spin());
    if (most == 0) {
      EXPECT_EQ(a.residual, b.residual);
    }
  }
  for (std::size_t i = 0; i < now.levels.solves.size(); ++i) {
    const auto &a = now.levels.solves[i], &b = undisturbed.levels.solves[i];
    EXPECT_EQ(a.converged, b.converged);
    EXPECT_EQ(a.complete, b.complete);
    EXPECT_EQ(a.certified, b.certified);
    EXPECT_EQ(a.method, b.method);
    if (most == 0) {
      EXPECT_EQ(a.products, b.products);
    }
  }
  EXPECT_EQ(now.levels.complete_below.has_value(), undisturbed.levels.complete_below.has_value());
  expect_same(now.lowest, undisturbed.lowest, most);
}

TEST_F(CheckpointTest, sectors_that_are_done_are_kept_and_the_one_under_way_goes_on) {
  const auto model = make_model("heisenberg", {.sites = 8, .cyclic = ring});
  const auto undisturbed = scan_and_solve(world(), model, nullptr);

  const int stops = stop_everywhere(
      1000, world().size() == 1 ? 23 : 5,
      [&](Checkpoint& checkpoint) { return scan_and_solve(world(), model, &checkpoint); },
      [&](const Scanned& now) { expect_same(now, undisturbed, 0); });

  EXPECT_GT(stops, 3);
}

TEST_F(CheckpointTest, sectors_begun_by_one_process_go_on_on_several) {
  const auto model = make_model("heisenberg", {.sites = 8, .cyclic = ring});
  const auto undisturbed = scan_and_solve(world(), model, nullptr);
  const Comm one = Comm::serial();
  for (const int last : {1, 20, 47, 90}) {
    clear();
    world().agree([&] {
      if (!world().is_root()) return;
      int asked = 0;
      Checkpoint checkpoint(one, {.path = path(), .stop = [&] { return ++asked == last; }});
      EXPECT_THROW((void)scan_and_solve(one, model, &checkpoint), Stopped);
    });
    Checkpoint checkpoint(world(), {.path = path()});
    expect_same(scan_and_solve(world(), model, &checkpoint), undisturbed, 1e-12);
  }
}

TEST_F(CheckpointTest, of_other_sectors_is_refused) {
  const auto model = make_model("heisenberg", {.sites = 8, .cyclic = ring});
  {
    int asked = 0;
    Checkpoint checkpoint(world(), {.path = path(), .stop = [&] { return ++asked == 3; }});
    EXPECT_THROW((void)scan_and_solve(world(), model, &checkpoint), Stopped);
  }
  const auto refused = [&](SectorLevelsOptions options, const char* words) {
    Checkpoint checkpoint(world(), {.path = path()});
    options.solve.checkpoint = &checkpoint;
    EXPECT_ERROR((void)sector_levels(world(), model.op, model.lattice, {"sz=0..1"}, options),
                 InvalidArgument, words);
  };
  refused({.solve = {.k = 2, .method = Method::lanczos}}, "of another problem");
  refused({.measure = [](const auto&...) { return std::vector<double>{}; }}, "in no checkpoint");
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
