// Scans of sectors: together, counted with their images, they are the whole spectrum; each image
// has the levels of the sector that stands for it.

#include <algorithm>
#include <cmath>

#include <Eigen/Dense>

#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/rows.hpp>
#include <kronsolve/operators/sector_scan.hpp>

#include "support/dense_oracle.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using Complex = std::complex<double>;
using Values = std::vector<double>;
using Conditions = std::vector<std::string>;

Values eigenvalues(const Eigen::MatrixXcd& m) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd> solver(m, Eigen::EigenvaluesOnly);
  return {solver.eigenvalues().begin(), solver.eigenvalues().end()};
}

Values eigenvalues(const OpSum& op, const Sector& sector) {
  const Comm serial;
  const auto h = in_sector(serial, op, sector);
  const index_t n = h.basis->size();
  const auto rows = build_rows<Complex>(op, *h.basis, {0, n});
  Eigen::MatrixXcd m = Eigen::MatrixXcd::Zero(n, n);
  for (index_t row = 0; row < n; ++row)
    for (std::size_t e = 0; e < rows.row_columns(row).size(); ++e)
      m(row, rows.row_columns(row)[e]) = rows.row_values(row)[e];
  return eigenvalues(m);
}

double distance(const Values& a, const Values& b) {
  EXPECT_EQ(a.size(), b.size());
  double most = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    most = std::max(most, std::abs(a[i] - b[i]));
  return most;
}

/// All levels of a scan, those of images counted; images are checked on the way.
Values levels(const Model& model, const Conditions& conditions) {
  Values all;
  for (const auto& scanned : scan_sectors(model.op, model.lattice, conditions)) {
    const auto values = eigenvalues(model.op, scanned.sector);
    EXPECT_EQ(std::ssize(values), scanned.dimension);
    for (const auto& image : scanned.images)
      EXPECT_LT(distance(values, eigenvalues(model.op, parse_sector(model.op.spaces(),
                                                                    model.lattice, image))),
                1e-11)
          << image.back();
    for (int copy = 0; copy < scanned.copies(); ++copy)
      all.insert(all.end(), values.begin(), values.end());
  }
  std::sort(all.begin(), all.end());
  return all;
}

void expect_whole(const Model& model, const Conditions& conditions) {
  SCOPED_TRACE(::testing::Message() << model.name << " on " << model.op.sites() << " sites");
  EXPECT_LT(distance(levels(model, conditions), eigenvalues(test::dense(model.op))), 1e-10);
}

constexpr Cyclic ring = Cyclic::all;

TEST(SectorScan, all_values_of_all_symmetries_are_the_whole_spectrum) {
  const Conditions line = {"spinflip=all", "reflection=all", "momentum=all"};
  for (const int n : {3, 4, 6, 7, 8}) {
    expect_whole(make_model("heisenberg", {.sites = n, .cyclic = ring}),
                 {"sz=all", "momentum=all", "reflection=all", "spinflip=all"});
    expect_whole(make_model("heisenberg", {.sites = n}), {"sz=all", "reflection=all"});
    // The order in which they are given is no matter.
    expect_whole(make_model("ising", {.sites = n, .cyclic = ring}), {line[1], line[2]});
    expect_whole(make_model("xyz", {.sites = n, .cyclic = ring, .params = {{"jz", "0.3"}}}), line);
  }
  expect_whole(make_model("heisenberg", {.sites = 4, .cyclic = ring, .spin = "1"}),
               {"sz=all", "momentum=all", "reflection=all", "spinflip=all"});
  expect_whole(make_model("hubbard", {.sites = 4, .cyclic = ring}),
               {"nup=all", "ndown=all", "momentum=all", "reflection=all", "spinflip=all"});
}

TEST(SectorScan, lattices_in_two_dimensions) {
  const Conditions plane = {"sz=all", "momentum=all", "rotation=all", "reflection-d=all",
                            "spinflip=all"};
  expect_whole(make_model("heisenberg", {.size = {3, 3}, .cyclic = ring, .lattice = "square"}),
               plane);
  expect_whole(make_model("heisenberg", {.size = {3, 3}, .cyclic = ring, .lattice = "triangular"}),
               plane);
  expect_whole(make_model("heisenberg", {.size = {2, 4}, .cyclic = ring, .lattice = "square"}),
               {"sz=all", "momentum=all", "reflection-x=all", "reflection-y=all"});
}

TEST(SectorScan, complex_operators_are_not_conjugated) {
  // A current that runs around: momentum m and -m differ.
  Model model = make_model("heisenberg", {.sites = 6, .cyclic = ring});
  for (int i = 0; i < 6; ++i) {
    model.op.add({0, 0.3}, {{"S+", i}, {"S-", (i + 1) % 6}});
    model.op.add({0, -0.3}, {{"S-", i}, {"S+", (i + 1) % 6}});
  }
  expect_whole(model, {"sz=all", "momentum=all"});
}

TEST(SectorScan, symmetries_found_reach_every_level) {
  for (const int n : {5, 6, 8})
    for (const char* name : {"heisenberg", "xxz", "ising", "xyz", "j1j2"}) {
      const auto model = make_model(name, {.sites = n, .cyclic = ring});
      const auto conditions = all_sectors(model.op, model.lattice);
      if (!conserves_total_spin(model.op)) {
        expect_whole(model, conditions);
        continue;
      }
      // One state of each multiplet: as many as in the sector of least |Sz|, the lowest among them.
      const auto found = levels(model, conditions);
      const auto sector =
          parse_sector(model.op.spaces(), model.lattice, {n % 2 == 0 ? "sz=0" : "sz=1/2"});
      EXPECT_LT(distance(found, eigenvalues(model.op, sector)), 1e-11) << name << n;
    }
  const auto electrons = make_model("hubbard", {.sites = 3, .cyclic = ring});
  const auto found = levels(electrons, all_sectors(electrons.op, electrons.lattice));
  EXPECT_NEAR(found.front(), eigenvalues(test::dense(electrons.op)).front(), 1e-12);
}

TEST(SectorScan, what_is_given_loses_nothing) {
  const auto nearest = [](const Values& levels, double level) {
    double least = 1e300;
    for (const double other : levels) least = std::min(least, std::abs(other - level));
    return least;
  };
  const std::vector<Conditions> given = {{},
                                         {"reflection=1"},
                                         {"reflection=-1"},
                                         {"spinflip=-1"},
                                         {"momentum=2"},
                                         {"momentum=1..3", "sz=0..1"},
                                         {"reflection=all"},
                                         {"spinflip=all", "sz=0"}};
  for (const char* name : {"heisenberg", "xxz", "ising"}) {
    const auto model = make_model(name, {.sites = 6, .cyclic = ring});
    for (const auto& conditions : given) {
      if (conditions.size() == 2 && std::string(name) == "ising") continue;  // Sz is not kept
      SCOPED_TRACE(detail::concat(name, " ", conditions.empty() ? "" : conditions[0]));
      const auto asked = levels(model, conditions);
      EXPECT_LT(distance(levels(model, split_sectors(model.op, model.lattice, conditions)), asked),
                1e-11);
      const auto reached = levels(model, all_sectors(model.op, model.lattice, conditions));
      for (const double level : asked) EXPECT_LT(nearest(reached, level), 1e-11);
      for (const double level : reached) EXPECT_LT(nearest(asked, level), 1e-11);
    }
  }
  // Each part belongs to one of the sectors asked for.
  const auto model = make_model("heisenberg", {.sites = 6, .cyclic = ring});
  const Conditions asked = {"reflection=all"};
  const auto wholes = scan_every_sector(model.op, model.lattice, asked);
  for (const auto& part :
       scan_every_sector(model.op, model.lattice, split_sectors(model.op, model.lattice, asked)))
    EXPECT_EQ(
        std::count_if(wholes.begin(), wholes.end(),
                      [&](const auto& whole) { return is_part_of(part.sector, whole.sector); }),
        1);
}

TEST(SectorScan, total_spin) {
  EXPECT_TRUE(conserves_total_spin(make_model("heisenberg", {.sites = 5}).op));
  EXPECT_TRUE(conserves_total_spin(make_model("heisenberg", {.sites = 5, .spin = "1"}).op));
  EXPECT_TRUE(conserves_total_spin(make_model("hubbard", {.sites = 3}).op));
  EXPECT_TRUE(conserves_total_spin(make_model("aklt", {.sites = 4}).op));
  EXPECT_FALSE(
      conserves_total_spin(make_model("heisenberg", {.sites = 5, .params = {{"b", "1"}}}).op));
  EXPECT_FALSE(
      conserves_total_spin(make_model("xxz", {.sites = 5, .params = {{"delta", "1.0001"}}}).op));
  EXPECT_FALSE(conserves_total_spin(make_model("hubbard-hardcore", {.sites = 5}).op));
}

TEST(SectorScan, sectors_that_symmetries_join_stand_once) {
  const auto ring6 = make_model("heisenberg", {.sites = 6, .cyclic = ring});
  const auto sectors = scan_sectors(ring6.op, ring6.lattice, {"sz=all", "momentum=all"});
  // |Sz| and |m| from 0 to 3; the ferromagnet, Sz = 3, is at m = 0 alone.
  EXPECT_EQ(sectors.size(), 13u);
  for (std::size_t i = 1; i < sectors.size(); ++i)
    EXPECT_LE(sectors[i - 1].dimension, sectors[i].dimension);
}

TEST(SectorScan, ranges) {
  const auto model = make_model("heisenberg", {.sites = 6, .cyclic = ring});
  EXPECT_EQ(scan_sectors(model.op, model.lattice, {"sz=0..2"}).size(), 3u);
  EXPECT_EQ(scan_sectors(model.op, model.lattice, {"sz=-1..1"}).size(), 2u);
  EXPECT_EQ(scan_sectors(model.op, model.lattice, {"sz=0", "momentum=1..2"}).size(), 2u);
  EXPECT_EQ(scan_sectors(model.op, model.lattice, {"sz=0"}).size(), 1u);
  const auto odd = make_model("heisenberg", {.sites = 5});
  EXPECT_EQ(scan_sectors(odd.op, odd.lattice, {"sz=1/2..5/2"}).size(), 3u);
  EXPECT_TRUE(is_scan({"sz=0..2"}));
  EXPECT_TRUE(is_scan({"sz=0", "momentum=all"}));
  EXPECT_FALSE(is_scan({"sz=0", "momentum=1"}));
}

TEST(SectorScan, refusals) {
  const auto open = make_model("heisenberg", {.sites = 6});
  const auto scan = [](const Model& m, const Conditions& c) { scan_sectors(m.op, m.lattice, c); };
  EXPECT_ERROR(scan(open, {"momentum=all"}), InvalidArgument, "needs a cyclic direction");
  EXPECT_ERROR(scan(open, {"sz=2..1"}), InvalidArgument, "range");
  EXPECT_ERROR(scan(open, {"reflection=-1..1"}), InvalidArgument, "range");
  EXPECT_ERROR(scan(open, {"sy=all"}), InvalidArgument, "sy");
  EXPECT_ERROR(scan(open, {"sz=all", "sz=0"}), InvalidArgument, "given twice");
  EXPECT_ERROR(scan(open, {"n=all"}), InvalidArgument, "no site");
  EXPECT_ERROR(scan(open, {"sz=5"}), InvalidArgument, "sz can be -3, -2");
  const auto field = make_model("ising", {.sites = 6});
  EXPECT_ERROR(scan(field, {"sz=all"}), InvalidArgument, "changes sz");
  EXPECT_ERROR(scan(open, {"sz=0", "permutation=all"}), InvalidArgument, "permutation");
}

}  // namespace
}  // namespace kronsolve
