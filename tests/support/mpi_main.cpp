// main() of every test: under mpirun all ranks run the same tests in the same order; rank 0 prints,
// reports of failures on other ranks are gathered to it, and a failure anywhere fails all.

#include <memory>

#include "support/mpi_test.hpp"
#include "support/share_failures.hpp"

namespace kronsolve::test {

namespace {

const Comm* test_world = nullptr;

}  // namespace

const Comm& world() { return *test_world; }

}  // namespace kronsolve::test

int main(int argc, char** argv) {
  using namespace kronsolve;
  std::unique_ptr<Environment> environment;
  if (launched_by_mpi()) environment = std::make_unique<Environment>();
  ::testing::InitGoogleTest(&argc, argv);
  const Comm comm = environment ? Comm::world() : Comm::serial();
  test::test_world = &comm;
  return test::ShareFailures::run_all_tests(comm);
}
