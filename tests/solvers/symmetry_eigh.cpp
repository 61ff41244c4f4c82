// Eigenpairs in symmetry sectors, end to end, on any number of ranks.

#include <cmath>

#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/solvers/eigh.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using Complex = std::complex<double>;
using test::world;

EighResult solve(const Model& model, const std::vector<std::string>& conditions,
                 const EighOptions& options) {
  const auto sector = parse_sector(model.op.spaces(), model.lattice, conditions);
  return eigh(world(), in_sector(world(), model.op, sector), options);
}

TEST(SymmetryEigh, finds_the_exact_ground_state) {
  const Model ring = make_model("heisenberg", {.sites = 16, .cyclic = Cyclic::all});
  for (const Method method : {Method::automatic, Method::lanczos, Method::dense}) {
    const auto result =
        solve(ring, {"sz=0", "momentum=0", "reflection=1", "spinflip=1"}, {.method = method});
    ASSERT_TRUE(result.converged);
    EXPECT_NEAR(result.eigenvalues[0], -7.1422963606167799, 1e-10);
    EXPECT_EQ(result.dimension, 257);
    EXPECT_EQ(result.scalar, ScalarKind::real);
    EXPECT_LT(result.residuals[0], 1e-9);
  }
}

TEST(SymmetryEigh, the_triplet_is_at_momentum_pi) {
  const Model ring = make_model("heisenberg", {.sites = 16, .cyclic = Cyclic::all});
  const auto triplet = solve(ring, {"sz=1", "momentum=8"}, {.k = 2});
  ASSERT_TRUE(triplet.converged);
  EXPECT_NEAR(triplet.eigenvalues[0] + 7.1422963606167799, 0.270189682250, 1e-10);
}

TEST(SymmetryEigh, complex_characters_make_complex_problems) {
  const Model ring = make_model("heisenberg", {.sites = 12, .cyclic = Cyclic::all});
  const auto forward = solve(ring, {"sz=0", "momentum=2"}, {.k = 3}),
             back = solve(ring, {"sz=0", "momentum=-2"}, {.k = 3});
  ASSERT_TRUE(forward.converged && back.converged);
  EXPECT_EQ(forward.scalar, ScalarKind::complex);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_NEAR(forward.eigenvalues[i], back.eigenvalues[i], 1e-9);
}

TEST(SymmetryEigh, majumdar_and_ghosh_have_one_state_at_each_of_two_momenta) {
  const Model ring = make_model("j1j2", {.sites = 12, .cyclic = Cyclic::all});
  int found = 0;
  for (int m = 0; m < 12; ++m) {
    const auto result = solve(ring, {"sz=0", "momentum=" + std::to_string(m)}, {.k = 2});
    ASSERT_TRUE(result.converged);
    for (const double e : result.eigenvalues)
      if (std::abs(e + 3 * 12 / 8.0) < 1e-9) {
        ++found;
        EXPECT_TRUE(m == 0 || m == 6) << m;
      }
  }
  EXPECT_EQ(found, 2);
}

TEST(SymmetryEigh, the_square_of_16_sites) {
  const Model square = make_model("heisenberg2d", {.size = {4, 4}, .cyclic = Cyclic::all});
  const auto ground =
      solve(square, {"sz=0", "momentum=0,0", "reflection-x=1", "reflection-y=1", "spinflip=1"}, {});
  const auto triplet = solve(square, {"sz=1", "momentum=2,2"}, {});
  ASSERT_TRUE(ground.converged && triplet.converged);
  EXPECT_NEAR(ground.eigenvalues[0], -11.2284832084289, 1e-9);
  EXPECT_NEAR(triplet.eigenvalues[0] - ground.eigenvalues[0], 0.578598335765, 1e-9);
}

TEST(SymmetryEigh, more_ranks_than_states) {
  const Model ring = make_model("heisenberg", {.sites = 4, .cyclic = Cyclic::all});
  const auto result = solve(ring, {"sz=0", "momentum=0", "spinflip=1"}, {.k = EighOptions::all});
  ASSERT_TRUE(result.converged);
  EXPECT_NEAR(result.eigenvalues[0], -2, 1e-12);
}

}  // namespace
}  // namespace kronsolve
