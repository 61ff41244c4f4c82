#pragma once

#include <string>

#include <gtest/gtest.h>

#include <kronsolve/core/comm.hpp>

namespace kronsolve::test {

/// All ranks of the test run; one process without mpirun.
const Comm& world();

/// Leaves the test on every rank if `condition` fails on any: a rank that left alone would hang the
/// others.
#define ASSERT_ON_ALL(comm, condition) \
  ASSERT_TRUE((comm).all(condition)) << #condition << " does not hold on every rank"

/// Expects `statement` to throw `type` with `word` in its text.
#define EXPECT_ERROR(statement, type, word)                              \
  do {                                                                   \
    try {                                                                \
      statement;                                                         \
      ADD_FAILURE() << #statement " did not throw " #type;               \
    } catch (const type& error) {                                        \
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos) \
          << "text: " << error.what();                                   \
    }                                                                    \
  } while (false)

}  // namespace kronsolve::test
