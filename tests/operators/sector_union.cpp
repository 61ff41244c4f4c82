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
/// and have states.
std::vector<Conditions> with_symmetry(const Model& model, const std::vector<Conditions>& old,
                                      const Conditions& values) {
  std::vector<Conditions> all;
  for (const auto& conditions : old)
    for (const auto& value : values) {
      auto more = conditions;
      more.push_back(value);
      try {
        if (sector_size(parse_sector(model.op.spaces(), model.lattice, more)) > 0)
          all.push_back(more);
      } catch (const InvalidArgument&) {  // contradicting characters
      }
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
      expect_union(model, {.sites = n, .cyclic = ring}, {momenta(n)});
      expect_union(model, {.sites = n}, {signs("reflection")});
    }
    expect_union("heisenberg", {.sites = n, .cyclic = ring, .spin = "1"}, {momenta(n)});
    expect_union("bose-hubbard", {.sites = n, .cyclic = ring}, {momenta(n)});
    expect_union("bose-hubbard", {.sites = n, .params = {{"nmax", "2"}}}, {signs("reflection")});
    expect_union("hubbard", {.sites = n, .cyclic = ring}, {momenta(n)});
    expect_union("hubbard", {.sites = n}, {signs("reflection")});
    expect_union("tj", {.sites = n, .cyclic = ring}, {momenta(n)});
    expect_union("tj", {.sites = n}, {signs("reflection")});
  }
}

TEST(SectorUnion, ladders_and_squares) {
  for (int l = 1; l <= 5; ++l) {
    expect_union("heisenberg2d", {.size = {2, l}, .cyclic = ring},
                 {momenta(2, "momentum-x"), momenta(l, "momentum-y")});
    expect_union("ladder", {.size = {2, l}, .cyclic = Cyclic::y, .params = {{"jr", "0.3"}}},
                 {signs("reflection-x"), momenta(l, "momentum-y")});
    expect_union("hubbard", {.size = {2, l}, .cyclic = ring},
                 {momenta(2, "momentum-x"), momenta(l, "momentum-y")});
    expect_union("tj", {.size = {2, l}, .cyclic = ring},
                 {momenta(2, "momentum-x"), momenta(l, "momentum-y")});
  }
  expect_union("heisenberg2d", {.size = {3, 3}, .cyclic = ring},
               {momenta(3, "momentum-x"), momenta(3, "momentum-y")});
  expect_union("heisenberg2d", {.size = {3, 3}}, {signs("reflection-x"), signs("reflection-y")});
  expect_union("triangular", {.size = {3, 3}, .cyclic = ring},
               {momenta(3, "momentum-x"), momenta(3, "momentum-y")});
  expect_union("kagome", {.size = {3, 1}, .cyclic = ring}, {momenta(3, "momentum-x")});
  expect_union("bose-hubbard", {.size = {2, 3}, .cyclic = ring},
               {momenta(2, "momentum-x"), momenta(3, "momentum-y")});
}

}  // namespace
}  // namespace kronsolve
