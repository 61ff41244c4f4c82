#include "session/core_share.hpp"

#include <algorithm>
#include <cstdlib>

#include <mpi.h>
#include <unistd.h>

#include <kronsolve/core/comm_windows.hpp>
#include <kronsolve/core/error.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/core/warning.hpp>

#include "core/binding.hpp"

namespace kronsolve::detail {

namespace {

int share_of_cores(const Comm& comm) {
  const cpu_set_t mine = allowed_cores();
  cpu_set_t machine = mine;
  int ranks = 1;
  if (comm.size() > 1) {
    const Comm node = same_machine(comm);
    ranks = node.size();
    check_mpi(MPI_Allreduce(&mine, &machine, sizeof mine, MPI_BYTE, MPI_BOR, node.handle()),
              "MPI_Allreduce");
  }
  return std::clamp(limited_by_quota(CPU_COUNT(&machine)) / ranks, 1,
                    std::max(1, CPU_COUNT(&mine)));
}

}  // namespace

void choose_threads_of_rank(const Comm& comm) {
  const char* chosen = std::getenv("KRONSOLVE_NUM_THREADS");
  if (chosen == nullptr || *chosen == '\0') {
    set_threads(share_of_cores(comm));
    return;
  }
  // Nonsense is refused by the first who asks for the number.
  const cpu_set_t set = allowed_cores();
  const int cores = CPU_COUNT(&set), threads = std::atoi(chosen);
  if (comm.is_root() && threads > cores && cores < sysconf(_SC_NPROCESSORS_ONLN))
    warn(concat(threads, " threads of rank 0 share the ", cores, cores == 1 ? " core" : " cores",
                " that it is bound to; start it with scripts/kronsolve-mpi or mpirun "
                "--bind-to none"));
}

}  // namespace kronsolve::detail
