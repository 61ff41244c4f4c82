// main() of tests of pools: the same tests in every mode. In syncro mode all ranks run them and
// rank 0 reports for all.

#include "support/session_test.hpp"
#include "support/share_failures.hpp"

namespace kronsolve::test {

namespace {

Session* the_session = nullptr;

}  // namespace

Session& session() { return *the_session; }
const Comm& world() { return the_session->comm(); }

}  // namespace kronsolve::test

int main(int argc, char** argv) {
  using namespace kronsolve;
  Session session;
  test::the_session = &session;
  ::testing::InitGoogleTest(&argc, argv);
  return test::ShareFailures::run_all_tests(session.comm());
}
