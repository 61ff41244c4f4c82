// All pairs in a window in the middle of the spectrum of a chain in random fields: by factors with
// inertia counts, by the filter with its certificate, and by LAPACK where that is possible.
//
// usage of the long form: KRONSOLVE_MID_SPECTRUM_SITES=18 prints the memory of both
#include <cstdlib>
#include <iostream>

#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/random.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/solvers/eigh_interval.hpp>

#include "support/chains.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::world;

/// Heisenberg ring in fields along z from [-strength, strength], Sz = 0.
SectorOperator ring_in_random_fields(int sites, double strength, std::uint64_t seed) {
  OpSum h = test::heisenberg(sites, true);
  const CounterRandom random(seed);
  for (int i = 0; i < sites; ++i)
    h.add(strength * (2 * random.uniform(static_cast<std::uint64_t>(i)) - 1), {{"Sz", i}});
  auto basis = std::make_shared<ChargeBasis>(h.spaces(), std::vector{Charge::sz(h.spaces(), 0)});
  return {std::move(h), std::move(basis)};
}

void expect_same(const EighResult& a, const EighResult& b) {
  ASSERT_EQ(a.eigenvalues.size(), b.eigenvalues.size()) << a.certificate << " / " << b.certificate;
  for (std::size_t i = 0; i < a.eigenvalues.size(); ++i)
    EXPECT_NEAR(a.eigenvalues[i], b.eigenvalues[i], 1e-9);
}

void expect_sound(const EighResult& r) {
  EXPECT_TRUE(r.converged) << r.reason;
  EXPECT_TRUE(r.certified.value_or(false)) << r.certificate;
  for (const double residual : r.residuals) EXPECT_LE(residual, 1e-10 * 10);
}

TEST(MidSpectrum, twelve_sites_have_the_dense_count) {
  const auto h = ring_in_random_fields(12, 3, 1);
  for (const auto& [low, high] : {std::pair(-0.25, 0.15), std::pair(1.0, 1.4)}) {
    const auto dense = eigh_interval(world(), h, low, high, {.method = Method::dense});
    const auto factors = eigh_interval(world(), h, low, high, {.method = Method::slepc});
    const auto filter = eigh_interval(world(), h, low, high, {.method = Method::filter});

    EXPECT_GT(dense.eigenvalues.size(), 20u);
    EXPECT_EQ(count_eigenvalues(world(), h, low, high),
              static_cast<index_t>(dense.eigenvalues.size()));
    expect_same(factors, dense);
    expect_same(filter, dense);
    for (const auto* r : {&dense, &factors, &filter}) expect_sound(*r);
  }
}

class LargeRing : public ::testing::Test {};

TEST_F(LargeRing, all_pairs_of_a_window_by_factors_and_by_the_filter) {
  const char* asked = std::getenv("KRONSOLVE_MID_SPECTRUM_SITES");
  const int sites = asked != nullptr ? std::atoi(asked) : 16;
  const auto h = ring_in_random_fields(sites, 3, 1);
  const double half = sites <= 16 ? 0.04 : 0.01;

  const index_t before = peak_resident_memory();
  const auto filter = eigh_interval(world(), h, -half, half, {.method = Method::filter});
  const index_t with_filter = peak_resident_memory();
  const auto factors = eigh_interval(world(), h, -half, half, {.method = Method::slepc});
  const index_t with_factors = peak_resident_memory();

  expect_sound(filter);
  expect_sound(factors);
  expect_same(filter, factors);
  EXPECT_GT(filter.eigenvalues.size(), 50u);
  if (world().is_root())
    std::cout << sites << " sites, dimension " << h.dimension() << ", " << filter.eigenvalues.size()
              << " pairs: filter " << filter.solve_seconds << " s, peak "
              << format_bytes(double(with_filter)) << " (" << format_bytes(double(before))
              << " before); factors " << factors.solve_seconds << " s, peak "
              << format_bytes(double(with_factors)) << "\n  " << filter.reason << "\n  "
              << filter.certificate << "\n  " << factors.certificate << "\n";
}

}  // namespace
}  // namespace kronsolve
