// Solves that begin where neighbours ended give what solves alone give.

#include <random>

#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/solvers/engine.hpp>
#include <kronsolve/solvers/neighbours.hpp>

#include "support/chains.hpp"
#include "support/dense_oracle.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::world;

constexpr int sites = 11;  // more rows than are solved densely

OpSum ising(int n, double field) {
  OpSum h(n);
  for (int i = 0; i + 1 < n; ++i) h.add(1, {{"Sz", i}, {"Sz", i + 1}});
  for (int i = 0; i < n; ++i) h.add(-field, {{"Sx", i}});
  return h;
}

OpSum in_field(double field) {
  OpSum h = test::heisenberg(sites, false);
  for (int i = 0; i < sites; ++i) h.add(-field, {{"Sz", i}});
  return h;
}

index_t all_products(const EighResult& result) { return result.products + result.certify_products; }

TEST(NeighboursTest, the_lower_bound_is_one) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> number(-1, 1);
  const std::vector<std::string> names = {"Sx", "Sy", "Sz"};
  const auto name = [&] { return names[random() % 3]; };
  for (int trial = 0; trial < 40; ++trial) {
    OpSum h(4);
    for (int term = 0; term < 6; ++term) {
      const int a = static_cast<int>(random() % 3);
      h.add(number(random), {{name(), a}, {name(), a + 1}});
      h.add(number(random), {{name(), a}});
      h.add(number(random), {});
    }
    const auto lowest = test::dense(h).selfadjointView<Eigen::Lower>().eigenvalues()[0];
    EXPECT_LE(lower_bound(h), lowest) << "trial " << trial;
  }
  OpSum field(sites);
  for (int i = 0; i < sites; ++i) field.add(0.25, {{"Sx", i}});
  EXPECT_NEAR(lower_bound(field), -0.125 * sites, 1e-12);  // such parts commute: no less
  EXPECT_NEAR(lower_bound(-1.0 * field), -0.125 * sites, 1e-12);
}

TEST(NeighboursTest, a_line_takes_fewer_products_and_gives_the_same) {
  for (const index_t k : {1, 2}) {
    Neighbours neighbours;
    index_t products = 0, alone = 0, concluded = 0;
    for (int i = 0; i < 24; ++i) {
      const auto h = on_full_space(ising(sites, 0.8 + 0.02 * i));
      const auto found = neighbours.eigh(world(), h, {.k = k});
      const auto expected = eigh(world(), h, {.k = k});
      ASSERT_TRUE(found.converged);
      ASSERT_EQ(found.eigenvalues.size(), static_cast<std::size_t>(k));
      ASSERT_EQ(found.vectors_as<double>().count(), k);
      for (std::size_t j = 0; j < found.eigenvalues.size(); ++j) {
        EXPECT_NEAR(found.eigenvalues[j], expected.eigenvalues[j], 1e-10) << "field " << i;
        EXPECT_LT(found.residuals[j], 1e-9);
      }
      concluded += found.certificate.find("neighbour") != std::string::npos ? 1 : 0;
      products += all_products(found);
      alone += all_products(expected);
    }
    EXPECT_GT(concluded, 12) << "k " << k;
    EXPECT_LT(3 * products, 2 * alone) << "k " << k;
  }
}

/// Each ground state lies in another sector than the last one: its overlap with the start is exactly
/// zero.
TEST(NeighboursTest, levels_that_cross_are_found) {
  std::vector<double> lowest;  // of each number of spins up, without a field
  for (int up = 0; up <= sites; ++up)
    lowest.push_back(eigh(world(),
                          in_sector(world(), test::heisenberg(sites, false),
                                    parse_sector(std::vector<LocalSpace>(sites),
                                                 Lattice::from_edges(sites, {{0, 1}}),
                                                 {detail::concat("sz=", 2 * up - sites, "/2")})),
                          {.k = 1, .method = Method::dense})
                         .eigenvalues[0]);
  for (const index_t k : {1, 2}) {
    Neighbours neighbours;
    for (int i = 0; i <= 40; ++i) {
      const double field = 0.07 * i;
      double expected = lowest[0] + field * sites / 2;
      for (int up = 0; up <= sites; ++up)
        expected =
            std::min(expected, lowest[static_cast<std::size_t>(up)] - field * (up - 0.5 * sites));
      const auto found = neighbours.eigh(world(), on_full_space(in_field(field)), {.k = k});
      ASSERT_TRUE(found.converged);
      EXPECT_NEAR(found.eigenvalues[0], expected, 1e-9) << "field " << field << ", k " << k;
    }
  }
}

/// A start that is an eigenvector, and orthogonal to what is sought.
TEST(NeighboursTest, a_start_in_another_sector_is_seen_through) {
  const auto h = on_full_space(test::heisenberg(sites, false));
  const auto range = h.basis->partition(world().size()).range(world().rank());
  std::vector<double> start(static_cast<std::size_t>(range.size()), 0);
  if (range.begin == 0) start[0] = 1;  // all up: the highest level
  const auto expected = eigh(world(), h, {.k = 1});
  for (const auto method : {Method::automatic, Method::lanczos, Method::slepc}) {
    if (method == Method::slepc && !world().all(engine_installed(ScalarKind::real))) continue;
    const auto found = eigh(world(), h, {.k = 1, .start = start, .method = method});
    EXPECT_NEAR(found.eigenvalues[0], expected.eigenvalues[0], 1e-9) << to_string(method);
    EXPECT_TRUE(found.certified.value_or(false)) << found.certificate;
  }
}

TEST(NeighboursTest, other_operators_begin_anew) {
  Neighbours neighbours(1);  // room for nothing
  for (const int n : {sites, sites + 1, sites}) {
    const auto h = on_full_space(ising(n, 0.9));
    EXPECT_NEAR(neighbours.eigh(world(), h, {.k = 2}).eigenvalues[1],
                eigh(world(), h, {.k = 2}).eigenvalues[1], 1e-10);
  }
  // The same operator twice, and one that differs by a constant.
  Neighbours others;
  for (const double constant : {0.0, 0.0, 3.0}) {
    OpSum h = ising(sites, 1.1);
    if (constant != 0) h.add(constant, {});
    const auto found = others.eigh(world(), on_full_space(h), {.k = 1});
    EXPECT_NEAR(found.eigenvalues[0],
                eigh(world(), on_full_space(ising(sites, 1.1)), {.k = 1}).eigenvalues[0] + constant,
                1e-10);
  }
}

}  // namespace
}  // namespace kronsolve
