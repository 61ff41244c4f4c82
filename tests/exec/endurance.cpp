// Long: many tasks, many pools, messages above 2 GiB. Nothing hangs, nothing leaks.

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <numeric>
#include <string>
#include <thread>

#include <unistd.h>

#include <kronsolve/exec/pool.hpp>

#include "support/session_test.hpp"

namespace kronsolve {
namespace {

using test::own_processes;
using test::session;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double available_gib() {
  std::ifstream in("/proc/meminfo");
  for (std::string word; in >> word;)
    if (word == "MemAvailable:") {
      double kib = 0;
      in >> kib;
      return kib / (1 << 20);
    }
  return 0;
}

TEST(Endurance, ten_thousand_empty_tasks) {
  Pool& pool = session().pool(2);
  pool.boot();
  const auto descriptors = test::open_descriptors();
  for (int round = 0; round < 10; ++round) {
    std::vector<Future<void>> all;
    for (int i = 0; i < 1000; ++i) all.push_back(pool.submit([] {}));
    for (const auto& f : all) f.get();
  }
  EXPECT_EQ(test::open_descriptors(), descriptors);
}

TEST(Endurance, a_gang_does_not_wait_for_a_stuck_rank_for_ever) {
  if (session().mode() != Mode::futures) GTEST_SKIP() << "workers that get stuck are replaced";
  Pool& pool = session().pool();
  const int all = pool.num_workers();
  const auto ranks = [](const Comm& comm) { return comm.all_reduce(1); };
  auto stuck = pool.submit({.timeout_seconds = 0.3, .worker = 0},
                           [] { std::this_thread::sleep_for(std::chrono::seconds(13)); });
  EXPECT_ERROR(stuck.get(), TaskTimeout, "not done after 0.3 s");
  EXPECT_ERROR(pool.submit_spmd(all, ranks).get(), BrokenPool, "stuck in a task");
  EXPECT_EQ(pool.submit({.worker = all - 1}, [] { return 4; }).get(), 4);
  EXPECT_EQ(pool.submit_spmd(all, ranks).get(), all);  // it came back in time
}

TEST(Endurance, a_thousand_pools) {
  if (!own_processes()) GTEST_SKIP() << "pools of other modes start nothing";
  const char* chosen = std::getenv("KRONSOLVE_TEST_POOLS");
  const int cycles = chosen ? std::atoi(chosen) : 1000;
  session().make_pool({.workers = 1}).submit([] {}).get();  // what is made once
  const auto descriptors = test::open_descriptors();
  const auto threads = test::threads_of_this_process();
  const int processes = test::child_processes();  // of the session's own pool
  const auto start = Clock::now();
  double slowest = 0;
  for (int i = 0; i < cycles; ++i) {
    const auto one = Clock::now();
    const Isolation isolation = i % 4 == 3 ? Isolation::worker : Isolation::pool;
    Pool pool = session().make_pool({.workers = 1 + i % 3, .isolation = isolation});
    ASSERT_EQ(pool.submit([](int x) { return x + 1; }, i).get(), i + 1);
    slowest = std::max(slowest, seconds_since(one));
    if (i % 100 == 99)
      std::cout << i + 1 << " pools, " << seconds_since(start) << " s, slowest start " << slowest
                << " s" << std::endl;
  }
  EXPECT_EQ(test::open_descriptors(), descriptors);
  for (int i = 0; i < 100 && test::threads_of_this_process() > threads; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(test::threads_of_this_process(), threads);
  EXPECT_EQ(test::child_processes(), processes);
}

/// Bytes that differ from place to place, cheap to make and to check.
std::uint64_t checksum(const std::vector<std::uint64_t>& words) {
  std::uint64_t sum = 0;
  for (const std::uint64_t w : words) sum = sum * 31 + w;
  return sum;
}

TEST(Endurance, messages_above_two_gib) {
  constexpr std::size_t words = (std::size_t{1} << 28) + (std::size_t{1} << 24);  // 2.125 GiB
  // Argument, its copy in the worker, the result on its way and at its end, a message between.
  if (available_gib() < 12) GTEST_SKIP() << "needs 12 GiB, there are " << available_gib();
  for (const char* choice : {"on", "off"}) {
    ::setenv("KRONSOLVE_DIRECT_MEMORY", choice, 1);
    Pool pool = session().make_pool({.workers = 1});
    std::vector<std::uint64_t> numbers(words);
    for (std::size_t i = 0; i < words; ++i) numbers[i] = i * 0x9e3779b97f4a7c15u;
    const std::uint64_t sent = checksum(numbers);
    const auto start = Clock::now();

    auto [received, back] = pool.submit(
                                    [](std::vector<std::uint64_t>& v) {
                                      const std::uint64_t sum = checksum(v);
                                      v.front() = sum;
                                      return std::pair(sum, std::move(v));
                                    },
                                    std::move(numbers))
                                .get();

    EXPECT_EQ(received, sent);
    ASSERT_EQ(back.size(), words);
    EXPECT_EQ(back.front(), sent);
    back.front() = 0;
    EXPECT_EQ(checksum(back), sent);
    std::cout << "2.1 GiB there and back, direct memory " << choice << ": " << seconds_since(start)
              << " s" << std::endl;
  }
  ::unsetenv("KRONSOLVE_DIRECT_MEMORY");
}

}  // namespace
}  // namespace kronsolve
