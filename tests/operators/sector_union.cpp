// The union of sectors is the full spectrum, for every model that has symmetries, at every size up
// to 10 sites and 4096 states. Charge by charge: the spectrum of a charge sector against those of
// all symmetry sectors in it.

#include <algorithm>
#include <cmath>

#include <Eigen/Eigenvalues>

#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/rows.hpp>
#include <kronsolve/operators/sectors.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using Complex = std::complex<double>;
using Values = std::vector<double>;
using Conditions = std::vector<std::string>;

template <Scalar T>
Values eigenvalues(const SectorOperator& h) {
  const index_t n = h.basis->size();
  const auto rows = build_rows<T>(h.op, *h.basis, {0, n});
  Eigen::Matrix<T, -1, -1> m = Eigen::Matrix<T, -1, -1>::Zero(n, n);
  for (index_t row = 0; row < n; ++row)
    for (std::size_t e = 0; e < rows.row_columns(row).size(); ++e)
      m(row, rows.row_columns(row)[e]) = rows.row_values(row)[e];
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix<T, -1, -1>> solver(m, Eigen::EigenvaluesOnly);
  return {solver.eigenvalues().begin(), solver.eigenvalues().end()};
}

Values spectrum(const Model& model, const Conditions& conditions) {
  const Comm serial;
  const auto h =
      in_sector(serial, model.op, parse_sector(model.op.spaces(), model.lattice, conditions));
  return h.scalar() == ScalarKind::real ? eigenvalues<double>(h) : eigenvalues<Complex>(h);
}

/// Conditions of all charge sectors with states.
std::vector<Conditions> charge_sectors(const Model& model) {
  const auto conserved = conserved_charges(model.op);
  const auto has = [&](const char* name) {
    return std::find(conserved.begin(), conserved.end(), name) != conserved.end();
  };
  std::vector<Conditions> candidates;
  const int n = model.op.sites(), most = model.op.spaces()[0].dim() - 1;
  if (has("nup")) {
    for (int up = 0; up <= n; ++up)
      for (int down = 0; down <= n; ++down)
        candidates.push_back({"nup=" + std::to_string(up), "ndown=" + std::to_string(down)});
  } else if (has("sz")) {
    for (int twice = -n * most; twice <= n * most; ++twice)
      candidates.push_back({twice % 2 == 0 ? "sz=" + std::to_string(twice / 2)
                                           : "sz=" + std::to_string(twice) + "/2"});
  } else if (has("n")) {
    for (int number = 0; number <= n * most; ++number)
      candidates.push_back({"n=" + std::to_string(number)});
  } else {
    candidates.push_back({});
  }
  std::erase_if(candidates, [&](const Conditions& c) {
    return sector_size(parse_sector(model.op.spaces(), model.lattice, c)) == 0;
  });
  return candidates;
}

/// Adds every value of a symmetry to every combination, as far as the values agree with each other
/// and have states. Sectors that a spin flip leads out of stay as they are.
std::vector<Conditions> with_symmetry(const Model& model, const std::vector<Conditions>& old,
                                      const Conditions& values) {
  std::vector<Conditions> all;
  for (const auto& conditions : old) {
    bool taken = false;
    for (const auto& value : values) {
      auto more = conditions;
      more.push_back(value);
      try {
        if (sector_size(parse_sector(model.op.spaces(), model.lattice, more)) > 0)
          all.push_back(more);
        taken = true;
      } catch (const InvalidArgument& refused) {
        const std::string text = refused.what();
        EXPECT_TRUE(text.find("there is no such state") != text.npos ||
                    text.find("the flip leads to") != text.npos)
            << text;
      }
    }
    if (!taken) all.push_back(conditions);
  }
  return all;
}

void expect_union(const char* name, const ModelOptions& options,
                  const std::vector<Conditions>& symmetries) {
  const Model model = make_model(name, options);
  if (model.op.dimension() > 4096) return;
  index_t states = 0;
  for (const auto& charges : charge_sectors(model)) {
    std::vector<Conditions> sectors = {charges};
    for (const auto& values : symmetries) sectors = with_symmetry(model, sectors, values);
    Values parts;
    for (const auto& sector : sectors) {
      const auto values = spectrum(model, sector);
      parts.insert(parts.end(), values.begin(), values.end());
    }
    std::sort(parts.begin(), parts.end());
    const auto whole = spectrum(model, charges);
    states += static_cast<index_t>(whole.size());
    ASSERT_EQ(parts.size(), whole.size()) << name << model.op.sites();
    for (std::size_t i = 0; i < whole.size(); ++i)
      ASSERT_NEAR(whole[i], parts[i], 1e-11) << name << model.op.sites();
  }
  EXPECT_EQ(states, model.op.dimension()) << name << model.op.sites();
}

Conditions momenta(int n, const std::string& name = "momentum") {
  Conditions all;
  for (int m = 0; m < n; ++m) all.push_back(name + "=" + std::to_string(m));
  return all;
}
Conditions signs(const std::string& name) { return {name + "=1", name + "=-1"}; }

constexpr Cyclic ring = Cyclic::all;

TEST(SectorUnion, every_chain_up_to_ten_sites) {
  for (int n = 1; n <= 10; ++n) {
    for (const char* model : {"heisenberg", "xxz", "j1j2", "ising", "xy"}) {
      expect_union(model, {.sites = n, .cyclic = ring}, {momenta(n), signs("spinflip")});
      expect_union(model, {.sites = n}, {signs("reflection"), signs("spinflip")});
    }
    expect_union("heisenberg", {.sites = n, .cyclic = ring, .spin = "1"},
                 {momenta(n), signs("spinflip")});
    expect_union("heisenberg", {.sites = n, .spin = "1"}, {signs("reflection")});
    expect_union("bose-hubbard", {.sites = n, .cyclic = ring}, {momenta(n)});
    expect_union("bose-hubbard", {.sites = n, .params = {{"nmax", "2"}}}, {signs("reflection")});
    for (const char* model : {"hubbard", "tj"}) {
      expect_union(model, {.sites = n, .cyclic = ring}, {momenta(n), signs("spinflip")});
      expect_union(model, {.sites = n}, {signs("reflection"), signs("spinflip")});
    }
  }
}

TEST(SectorUnion, two_rows) {
  for (int l = 1; l <= 5; ++l) {
    const ModelOptions torus{.size = {2, l}, .cyclic = ring};
    const std::vector<Conditions> momentum = {momenta(2, "momentum-x"), momenta(l, "momentum-y")};
    for (const char* model : {"heisenberg2d", "j1j2", "xxz", "ising", "hubbard", "tj"}) {
      auto options = torus;
      options.lattice = "square";
      expect_union(model, options, momentum);
    }
    auto spin_1 = torus;
    spin_1.spin = "1";
    expect_union("heisenberg2d", spin_1, momentum);
    auto bosons = torus;
    bosons.params = {{"nmax", l <= 2 ? "3" : "2"}};
    expect_union("bose-hubbard", bosons, momentum);
    expect_union("ladder", {.size = {2, l}, .cyclic = Cyclic::y, .params = {{"jr", "0.3"}}},
                 {signs("reflection-x"), momenta(l, "momentum-y"), signs("spinflip")});
  }
}

TEST(SectorUnion, nine_sites_in_a_square) {
  for (const char* model : {"heisenberg2d", "j1j2", "xxz", "ising"}) {
    expect_union(model, {.size = {3, 3}, .cyclic = ring, .lattice = "square"},
                 {momenta(3, "momentum-x"), momenta(3, "momentum-y")});
    expect_union(model, {.size = {3, 3}, .lattice = "square"},
                 {signs("reflection-x"), signs("reflection-y"), signs("reflection-d")});
    for (const Cyclic cyclic : {Cyclic::none, ring})
      expect_union(model, {.size = {3, 3}, .cyclic = cyclic, .lattice = "square"},
                   {momenta(4, "rotation"), signs("spinflip")});
  }
  expect_union("triangular", {.size = {3, 3}, .cyclic = ring},
               {momenta(3, "momentum-x"), momenta(3, "momentum-y")});
}

TEST(SectorUnion, rotations_and_mirrors_of_every_lattice) {
  const auto rotations = [](int order) { return momenta(order, "rotation"); };
  const Conditions mirror = signs("reflection-d");
  expect_union("triangular", {.size = {3, 3}, .cyclic = ring}, {rotations(6)});
  expect_union("triangular", {.size = {3, 3}}, {rotations(2), mirror});
  expect_union("triangular", {.size = {2, 4}, .cyclic = Cyclic::y}, {rotations(2)});
  for (const int l : {1, 2}) {
    const ModelOptions honeycomb{.size = {l, l}, .cyclic = ring, .lattice = "honeycomb"};
    expect_union("heisenberg", honeycomb, {rotations(6)});
    expect_union("heisenberg", honeycomb, {mirror, signs("spinflip")});
  }
  expect_union("xxz", {.size = {2, 2}, .lattice = "honeycomb"}, {rotations(2), mirror});
  expect_union("tj", {.size = {1, 3}, .cyclic = Cyclic::y, .lattice = "honeycomb"}, {rotations(2)});
  expect_union("kagome", {.size = {2, 2}, .cyclic = ring}, {rotations(6)});
  expect_union("kagome", {.size = {2, 2}}, {mirror, signs("spinflip")});
  expect_union("kagome", {.size = {3, 1}, .cyclic = ring}, {momenta(3, "momentum-x")});
  expect_union("hubbard", {.size = {2, 2}, .cyclic = ring}, {rotations(4), signs("spinflip")});
  expect_union("hubbard", {.size = {2, 3}}, {rotations(2), signs("spinflip")});
  expect_union("hubbard", {.size = {1, 2}, .lattice = "honeycomb"}, {rotations(2)});
  expect_union("tj", {.size = {2, 2}}, {rotations(4)});
  expect_union("bose-hubbard", {.size = {2, 2}}, {rotations(4)});
}

TEST(SectorUnion, clusters_with_all_their_symmetries) {
  const auto on = [](ClusterVectors vectors) { return ModelOptions{.cluster = vectors}; };
  const auto labels = [](const ModelOptions& options, const char* lattice) {
    Conditions all;
    for (const auto& [x, y] : Lattice::make_cluster(lattice, *options.cluster).momenta())
      all.push_back(detail::concat("momentum=", x, ",", y));
    return all;
  };
  const auto ten = on({{{3, 1}, {-1, 3}}}), eight = on({{{2, 2}, {-2, 2}}});
  const auto tilted = on({{{2, 1}, {-1, 3}}});  // 7 sites, no mirror, no quarter turn
  for (const char* model : {"heisenberg", "ising"}) {
    expect_union(model, ten, {labels(ten, "square"), momenta(4, "rotation")});
    expect_union(model, tilted, {labels(tilted, "square"), momenta(2, "rotation")});
  }
  expect_union("heisenberg", eight,
               {labels(eight, "square"), momenta(4, "rotation"), signs("reflection-x"),
                signs("reflection-y"), signs("reflection-d")});
  expect_union("hubbard", on({{{2, 1}, {-1, 2}}}), {labels(on({{{2, 1}, {-1, 2}}}), "square")});
  for (const char* lattice : {"triangular", "honeycomb", "kagome"}) {
    auto options = std::string(lattice) == "triangular"  ? on({{{3, 1}, {-1, 2}}})  // 7
                   : std::string(lattice) == "honeycomb" ? on({{{1, 1}, {-1, 2}}})  // 3 cells
                                                         : on({{{1, 1}, {-1, 2}}});
    options.lattice = lattice;
    const int order = Lattice::make_cluster(lattice, *options.cluster).rotation().value().order;
    EXPECT_GE(order, 2) << lattice;
    expect_union("xxz", options, {labels(options, lattice), momenta(order, "rotation")});
  }
}

TEST(SectorUnion, momenta_of_twisted_boundaries) {
  for (int n = 3; n <= 7; ++n) {
    const ModelOptions twisted{.sites = n, .cyclic = ring, .params = {{"twist", "0.7"}}};
    for (const char* model : {"xxz", "t-v"}) expect_union(model, twisted, {momenta(n)});
  }
  const ModelOptions plane{.size = {3, 3}, .cyclic = ring, .params = {{"twist", "0.7,-0.2"}}};
  expect_union("triangular", plane, {momenta(3, "momentum-x"), momenta(3, "momentum-y")});
  for (const char* model : {"kondo", "holstein"})
    expect_union(
        model,
        {.sites = 6,
         .cyclic = ring,
         .params = {{"twist", "0.3"}, {std::string(model) == "kondo" ? "J" : "nmax", "1"}}},
        {momenta(3)});
}

TEST(SectorUnion, permutations_given_as_such) {
  // A star: its three arms may be exchanged in any way.
  const ModelOptions star{
      .sites = 7, .lattice = "edges", .edges = {{0, 1}, {1, 2}, {0, 3}, {3, 4}, {0, 5}, {5, 6}}};
  const std::string turn = "permutation=0,3,4,5,6,1,2", swap = "permutation=0,3,4,1,2,5,6";
  for (const char* model : {"heisenberg", "ising"}) {
    expect_union(model, star, {{turn, turn + ":1/3", turn + ":2/3"}});
    expect_union(model, star, {{swap, swap + ":1/2"}, signs("spinflip")});
  }
  auto arms = star;
  arms.sites = 5;
  arms.edges = {{0, 1}, {0, 2}, {0, 3}, {0, 4}};
  expect_union("hubbard", arms,
               {{"permutation=0,2,3,4,1", "permutation=0,2,3,4,1:1/4", "permutation=0,2,3,4,1:1/2",
                 "permutation=0,2,3,4,1:-1/4"}});
}

TEST(SectorUnion, parity_with_symmetries) {
  // Pairs are made and lost: only the parity of the number is left.
  for (int n = 3; n <= 7; ++n) {
    Model model = make_model("hubbard-hardcore", {.sites = n, .cyclic = ring});
    for (const Bond& bond : model.lattice.bonds()) {
      model.op.add(0.3, {{"B+", bond.a}, {"B+", bond.b}});
      model.op.add(0.3, {{"B-", bond.b}, {"B-", bond.a}});
    }
    Values parts, whole = spectrum(model, {});
    for (const auto& sector : with_symmetry(model, {{"parity=0"}, {"parity=1"}}, momenta(n))) {
      const auto values = spectrum(model, sector);
      parts.insert(parts.end(), values.begin(), values.end());
    }
    std::sort(parts.begin(), parts.end());
    ASSERT_EQ(parts.size(), whole.size());
    for (std::size_t i = 0; i < whole.size(); ++i) ASSERT_NEAR(whole[i], parts[i], 1e-11) << n;
  }
}

}  // namespace
}  // namespace kronsolve
