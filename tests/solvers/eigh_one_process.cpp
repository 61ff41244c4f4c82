#include <kronsolve/solvers/eigh.hpp>

#include "support/chains.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

TEST(EighOneProcess, dense_and_lanczos_start_neither_mpi_nor_engine) {
  for (const Method method : {Method::automatic, Method::dense, Method::lanczos}) {
    const auto result = eigh(Comm::serial(), test::heisenberg(8, true), {.method = method});
    EXPECT_NEAR(result.eigenvalues[0], -3.6510934089371753, 1e-10);
  }
  EXPECT_FALSE(Environment::running());
}

TEST(EighOneProcess, an_engine_starts_mpi_by_itself) {
  const auto result =
      eigh(Comm::serial(), test::heisenberg(8, true), {.k = 2, .method = Method::slepc});
  EXPECT_NEAR(result.eigenvalues[0], -3.6510934089371753, 1e-10);
  EXPECT_TRUE(Environment::running());
}

}  // namespace
}  // namespace kronsolve
