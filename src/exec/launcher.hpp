#pragma once
// Starts worker processes: an MPI world of them through mpirun, or single ones.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace kronsolve::detail {

/// Variable that tells a process that it is a worker, and whose.
inline constexpr const char* worker_variable = "KRONSOLVE_WORKER";

/// What a worker must know to find its pool; travels in worker_variable.
struct WorkerTicket {
  std::string address;  ///< of the pool's listener
  std::string secret;   ///< proves that it belongs there, see Secret
  int world = 0;        ///< which start of workers this is
  bool mpi = false;     ///< one rank of an MPI world, or a process of its own
  std::string text() const;
  static WorkerTicket parse(const std::string& text);
};

struct LaunchRequest {
  WorkerTicket ticket;
  int count = 1;
  int threads = 1;
  std::string program;  ///< empty: this executable
  std::vector<std::string> program_arguments;
  std::string working_directory;
  std::map<std::string, std::string> environment;
  std::vector<std::string> launcher_arguments;
};

/// Remembers the environment as it is before MPI starts: what is launched later must not believe to
/// be a rank of this job.
void remember_environment();

/// Starts the processes. Returns the process to wait for: a shell that watches over mpirun, or the
/// worker itself; it leads a process group. mpirun does not outlive this process by more than a few
/// seconds.
/// @throws BrokenPool  the program or mpirun cannot be executed
pid_t launch(const LaunchRequest& request);

/// How a process ended, "exit status 3", "killed by signal 9 (Killed)"; nothing while it runs.
std::optional<std::string> how_it_ended(pid_t pid);

}  // namespace kronsolve::detail
