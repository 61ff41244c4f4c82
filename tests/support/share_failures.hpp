#pragma once

#include <iostream>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <kronsolve/core/comm.hpp>

namespace kronsolve::test {

/// After each test: failures of other ranks are shown by rank 0 and count there.
class ShareFailures : public ::testing::EmptyTestEventListener {
 public:
  explicit ShareFailures(const Comm& comm) : comm_(&comm) {}
  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (!result.failed() || comm_->is_root()) return;
    messages_ +=
        detail::concat("[rank ", comm_->rank(), "] ", result.file_name() ? result.file_name() : "?",
                       ":", result.line_number(), "\n", result.message(), "\n");
  }
  void OnTestEnd(const ::testing::TestInfo& info) override {
    const auto mine = std::exchange(messages_, {});
    const auto all = comm_->gather_v(std::span<const char>(mine.data(), mine.size()));
    const bool failed = !comm_->all(!info.result()->Failed());
    if (comm_->is_root() && !all.empty())
      std::cout << std::string(all.begin(), all.end()) << std::flush;
    any_failed_ = any_failed_ || failed;
  }

  /// Runs all tests, rank 0 prints. The exit code.
  static int run_all_tests(const Comm& comm) {
    auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
    if (!comm.is_root()) delete listeners.Release(listeners.default_result_printer());
    auto* share = new ShareFailures(comm);
    listeners.Append(share);  // googletest owns it
    const int status = RUN_ALL_TESTS();
    if (status == 0 && !share->any_failed_) return 0;
    if (comm.is_root() && status == 0) std::cout << "[  FAILED  ] on another rank\n";
    return 1;
  }

 private:
  const Comm* comm_;
  std::string messages_;
  bool any_failed_ = false;
};

}  // namespace kronsolve::test
