// main() of every test: under mpirun all ranks run the same tests in the same order; rank 0 prints, reports of failures on
// other ranks are gathered to it, and a failure anywhere fails all.

#include <gtest/gtest.h>

#include <iostream>
#include <memory>
#include <sstream>

#include <kronsolve/core/comm.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve::test {

namespace {

const Comm* test_world = nullptr;

/// After each test: failures of other ranks are shown by rank 0 and count there.
class ShareFailures : public ::testing::EmptyTestEventListener {
 public:
  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (!result.failed() || test_world->is_root()) return;
    messages_ += detail::concat("[rank ", test_world->rank(), "] ",
                                result.file_name() ? result.file_name() : "?", ":", result.line_number(),
                                "\n", result.message(), "\n");
  }
  void OnTestEnd(const ::testing::TestInfo& info) override {
    const auto mine = std::exchange(messages_, {});
    const auto all = test_world->gather_v(std::span<const char>(mine.data(), mine.size()));
    const bool failed = !test_world->all(!info.result()->Failed());
    if (test_world->is_root() && !all.empty()) std::cout << std::string(all.begin(), all.end()) << std::flush;
    any_failed_ = any_failed_ || failed;
  }
  bool any_failed() const { return any_failed_; }

 private:
  std::string messages_;
  bool any_failed_ = false;
};

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
  auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
  if (!comm.is_root()) delete listeners.Release(listeners.default_result_printer());
  auto* share = new test::ShareFailures;
  listeners.Append(share);  // googletest owns it
  const int status = RUN_ALL_TESTS();
  if (status != 0 || share->any_failed()) {
    if (comm.is_root() && status == 0) std::cout << "[  FAILED  ] on another rank\n";
    return 1;
  }
  return 0;
}
