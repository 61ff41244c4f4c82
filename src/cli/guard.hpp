#pragma once

#include <functional>

#include <kronsolve/core/comm.hpp>

namespace kronsolve::cli {

/// Exit codes of the program; scripts rely on them.
enum ExitCode : int {
  exit_fine = 0,
  exit_other = 1,
  exit_bad_input = 2,
  exit_not_converged = 3,
  exit_engine_or_mpi = 4,
  exit_file = 5,
  exit_run_again =
      75,  ///< stopped before the end of a job; what is left is done by running it again
};

/// Runs the program's work on this rank and turns what it throws into one line on stderr, printed
/// once, and an exit code.
///
/// Collective on `comm`. Ranks that fail together leave together. A rank that failed alone (the
/// others are somewhere in a collective that it will never join) waits a moment for them and then
/// ends the whole job with its message.
/// @return what `work` returned, or the exit code of the error; the same on every rank
int guarded(const Comm& comm, const std::function<int()>& work);

/// Where MPI has not started every rank fails by itself, mostly of the same: the first one ends the job
/// before the others have said it again. They wait a second, no longer.
void let_first_rank_speak();

/// OpenBLAS waits for ever for what a limit of the address space (ulimit -v) does not give it.
/// @throws InvalidArgument  the limit is too low for its buffers
void require_address_space();

/// Ends the process; where the address space is limited without OpenBLAS's exit handler, which joins
/// threads that may still wait for memory.
[[noreturn]] void end_process(int status);

}  // namespace kronsolve::cli
