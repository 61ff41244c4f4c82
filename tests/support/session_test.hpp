#pragma once

#include <kronsolve/session.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve::test {

/// The session of the test run, in the mode that the environment asks for.
Session& session();

/// Skips a test in modes where what it tests cannot be.
#define SKIP_IN(mode_, reason) \
  if (::kronsolve::test::session().mode() == ::kronsolve::Mode::mode_) GTEST_SKIP() << (reason)

/// True where workers are processes that the pool itself starts.
inline bool own_processes() { return session().mode() == Mode::dynamic; }

}  // namespace kronsolve::test
