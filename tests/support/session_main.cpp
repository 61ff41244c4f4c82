// main() of tests of pools: the same tests in every mode. In syncro mode all ranks run them and
// rank 0 reports for all.

#include <iostream>
#include <utility>

#include <gtest/gtest.h>

#include "support/session_test.hpp"

namespace kronsolve::test {

namespace {

Session* the_session = nullptr;

class ShareFailures : public ::testing::EmptyTestEventListener {
 public:
  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (!result.failed() || the_session->is_root()) return;
    messages_ += detail::concat("[rank ", the_session->comm().rank(), "] ",
                                result.file_name() ? result.file_name() : "?", ":",
                                result.line_number(), "\n", result.message(), "\n");
  }
  void OnTestEnd(const ::testing::TestInfo& info) override {
    const Comm& comm = the_session->comm();
    const auto mine = std::exchange(messages_, {});
    const auto all = comm.gather_v(std::span<const char>(mine.data(), mine.size()));
    const bool failed = !comm.all(!info.result()->Failed());
    if (comm.is_root() && !all.empty())
      std::cout << std::string(all.begin(), all.end()) << std::flush;
    any_failed_ = any_failed_ || failed;
  }
  bool any_failed() const { return any_failed_; }

 private:
  std::string messages_;
  bool any_failed_ = false;
};

}  // namespace

Session& session() { return *the_session; }
const Comm& world() { return the_session->comm(); }

}  // namespace kronsolve::test

int main(int argc, char** argv) {
  using namespace kronsolve;
  Session session;
  test::the_session = &session;
  ::testing::InitGoogleTest(&argc, argv);
  auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
  if (!session.is_root()) delete listeners.Release(listeners.default_result_printer());
  auto* share = new test::ShareFailures;
  listeners.Append(share);  // googletest owns it
  const int status = RUN_ALL_TESTS();
  if (status == 0 && !share->any_failed()) return 0;
  if (session.is_root() && status == 0) std::cout << "[  FAILED  ] on another rank\n";
  return 1;
}
