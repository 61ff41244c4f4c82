#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>

#include <omp.h>

namespace kronsolve::bench {

/// Nanoseconds that a cache line takes from one thread's core to another's and to be written there:
/// 20 to 60 where they share a cache, 100 and more where they do not (parts of an EPYC, sockets).
/// Products and steps depend on it, and a virtual machine may come to lie otherwise from one minute
/// to the next. 0: one thread.
inline double handover_ns(int threads) {
  if (threads < 2) return 0;
  using Clock = std::chrono::steady_clock;
  constexpr int turns = 20000;
  alignas(128) std::atomic<int> turn{0};
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    Clock::time_point began;
    turn = 0;
#pragma omp parallel num_threads(2)
    {
      const int me = omp_get_thread_num(), others = omp_get_num_threads() - 1;
#pragma omp barrier
      if (me == 0) began = Clock::now();
      for (int k = 0; k < turns && others == 1; ++k) {
        while (turn.load(std::memory_order_acquire) != me) {
        }
        turn.store(1 - me, std::memory_order_release);
      }
    }
    const std::chrono::duration<double, std::nano> spent = Clock::now() - began;
    best = std::min(best, spent.count() / (2 * turns));
  }
  return best;
}

}  // namespace kronsolve::bench
