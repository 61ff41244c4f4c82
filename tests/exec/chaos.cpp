// Random kills in the middle of a sweep: the results are those of a run without faults.

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <random>
#include <thread>

#include <signal.h>
#include <unistd.h>

#include <kronsolve/exec/pool.hpp>

#include "support/session_test.hpp"

namespace kronsolve {
namespace {

using Clock = std::chrono::steady_clock;

class Chaos : public ::testing::TestWithParam<Isolation> {};

TEST_P(Chaos, ten_kills_cost_no_result) {
  const char* chosen = std::getenv("KRONSOLVE_TEST_SEED");
  const unsigned seed = chosen ? static_cast<unsigned>(std::atoi(chosen)) : std::random_device{}();
  std::cout << "seed " << seed << '\n';
  std::mt19937 random(seed);
  std::mutex mutex;
  int deaths = 0;
  Pool pool = test::session().make_pool(
      {.workers = 4, .isolation = GetParam(), .on_event = [&](const WorkerEvent& e) {
         const std::lock_guard lock(mutex);
         deaths += e.kind == WorkerEvent::Kind::died;
       }});
  pool.boot();
  const auto start = Clock::now();
  auto results = pool.map(
      {.task = {.retries = 12}},
      [](int i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(60));
        return std::pair(i * i, static_cast<int>(::getpid()));
      },
      std::views::iota(0, 40));
  // Victims are workers that have just given a result: alive, and most likely in the next task.
  std::vector<int> squares, victims;
  for (const auto& [square, pid] : results) {
    squares.push_back(square);
    if (victims.size() < 10 && random() % 2 == 0 && ::kill(pid, SIGKILL) == 0)
      victims.push_back(pid);
  }

  ASSERT_EQ(squares.size(), 40u);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(squares[static_cast<std::size_t>(i)], i * i);
  EXPECT_GT(deaths, 0);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  EXPECT_LT(seconds, test::slowness * (40 * 0.06 / 4 +
                                       10 * (0.06 + 1.0)));  // without faults, and a second a kill
  std::cout << victims.size() << " kills, " << deaths << " deaths reported, " << seconds << " s\n";
}

INSTANTIATE_TEST_SUITE_P(Isolations, Chaos, ::testing::Values(Isolation::pool, Isolation::worker),
                         [](const auto& i) {
                           return i.param == Isolation::pool ? "pool" : "worker";
                         });

}  // namespace
}  // namespace kronsolve
