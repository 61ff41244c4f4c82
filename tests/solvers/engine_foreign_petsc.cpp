// A process into which somebody has loaded a real PETSc for all to see: the complex engine would
// silently call it.
#include <dlfcn.h>

#include <kronsolve/solvers/eigh.hpp>
#include <kronsolve/solvers/engine.hpp>

#include "support/chains.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

TEST(ForeignPetsc, the_engine_of_the_other_scalar_is_refused) {
  ASSERT_NE(dlopen(KRONSOLVE_REAL_PETSC, RTLD_NOW | RTLD_GLOBAL), nullptr) << dlerror();
  OpSum h = test::heisenberg(8, true);
  h.add(0.5, {{"Sy", 3}});

  EXPECT_ERROR(load_engine<std::complex<double>>(), NotSupported, "has taken over");
  EXPECT_ERROR(eigh(Comm::serial(), h, {.method = Method::slepc}), NotSupported,
               KRONSOLVE_REAL_PETSC_NAME);
  // Its own kind is the same library, and of use.
  EXPECT_NEAR(
      eigh(Comm::serial(), test::heisenberg(8, true), {.method = Method::slepc}).eigenvalues[0],
      -3.6510934089371753, 1e-10);
}

}  // namespace
}  // namespace kronsolve
