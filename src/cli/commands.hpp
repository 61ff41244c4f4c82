#pragma once

#include <chrono>

#include <kronsolve/core/comm.hpp>

#include "cli/arguments.hpp"

namespace kronsolve::cli {

using Clock = std::chrono::steady_clock;
inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The commands: collective on `comm`, print on rank 0, return the exit code.
int run_eigh(const Comm& comm, const Arguments& arguments, Clock::time_point start);
int run_svds(const Comm& comm, const Arguments& arguments, Clock::time_point start);
int run_evolve(const Comm& comm, const Arguments& arguments, Clock::time_point start);
int run_measure(const Comm& comm, const Arguments& arguments, Clock::time_point start);
int run_plan(const Comm& comm, const Arguments& arguments);
int run_info(const Comm& comm, const Arguments& arguments);

}  // namespace kronsolve::cli
