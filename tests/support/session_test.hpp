#pragma once

#include <kronsolve/session.hpp>

#include "support/mpi_test.hpp"
#include "support/own_process.hpp"

namespace kronsolve::test {

/// The session of the test run, in the mode that the environment asks for.
Session& session();

/// Worker counts above 0 that this mode can serve; {0} where it has no workers.
inline std::vector<int> worker_counts() {
  switch (session().mode()) {
    case Mode::dynamic:
      return {1, 2, 3};
    case Mode::futures:
      return {1, session().default_workers()};
    default:
      return {0};
  }
}

/// The same and 0: here.
inline std::vector<int> places() {
  auto counts = worker_counts();
  if (counts.front() != 0) counts.insert(counts.begin(), 0);
  return counts;
}

/// What limits of time are multiplied by: sanitizers slow everything down.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr double slowness = 10;
#else
inline constexpr double slowness = 1;
#endif

/// Skips a test in modes where what it tests cannot be.
#define SKIP_IN(mode_, reason) \
  if (::kronsolve::test::session().mode() == ::kronsolve::Mode::mode_) GTEST_SKIP() << (reason)

/// True where workers are processes that the pool itself starts.
inline bool own_processes() { return session().mode() == Mode::dynamic; }

}  // namespace kronsolve::test
