// The kronsolve program: parse, call the library, print.

#include <algorithm>
#include <cstdlib>
#include <optional>

#include <unistd.h>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/threads.hpp>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/guard.hpp"
#include "cli/progress_line.hpp"
#include "cli/report.hpp"

namespace kronsolve::cli {

namespace {

/// Ranks of this job on this machine. Collective.
int ranks_here(const Comm& comm) {
  if (comm.size() == 1) return 1;
  MPI_Comm node = MPI_COMM_NULL;
  check_mpi(
      MPI_Comm_split_type(comm.handle(), MPI_COMM_TYPE_SHARED, comm.rank(), MPI_INFO_NULL, &node),
      "MPI_Comm_split_type");
  int ranks = 1;
  check_mpi(MPI_Comm_size(node, &ranks), "MPI_Comm_size");
  MPI_Comm_free(&node);
  return ranks;
}

/// --threads, else KRONSOLVE_NUM_THREADS, else the cores of this process: all it may use, shared
/// with the ranks beside it unless mpirun has bound each to its own.
void choose_threads(const Comm& comm, const std::optional<int>& asked) {
  const int ranks = ranks_here(comm);
  const char* environment = std::getenv("KRONSOLVE_NUM_THREADS");
  if (asked) {
    set_threads(*asked);
  } else if (environment != nullptr && *environment != '\0') {
    (void)num_threads();  // checks and takes it
  } else {
    const int machine = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
    set_threads(std::max(1, std::min(available_cores(), std::max(1, machine / ranks))));
  }
}

int run(const Comm& comm, int argc, char** argv, Clock::time_point start) {
  const Arguments arguments = parse_arguments(argc, argv);
  if (!arguments.message.empty()) {
    if (comm.is_root()) print_result(arguments.message);
    return exit_fine;
  }
  choose_threads(comm, arguments.threads);
  if (arguments.command == "info") return run_info(comm, arguments);
  if (arguments.command == "plan") return run_plan(comm, arguments);
  return run_eigh(comm, arguments, start);
}

}  // namespace

}  // namespace kronsolve::cli

int main(int argc, char** argv) {
  using namespace kronsolve;
  const auto start = cli::Clock::now();
  std::optional<Environment> environment;
  int status = cli::exit_engine_or_mpi;
  const bool job = launched_by_mpi();
  const int started = job ? cli::guarded(Comm::serial(),
                                         [&] {
                                           environment.emplace();
                                           return 0;
                                         })
                          : 0;
  if (started != 0) return started;
  {
    const Comm comm = job ? Comm::world() : Comm::serial();
    cli::handle_interrupts(comm.is_root());
    status = cli::guarded(comm, [&] { return cli::run(comm, argc, argv, start); });
  }
  return status;
}
