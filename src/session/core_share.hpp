#pragma once

#include <kronsolve/core/comm.hpp>

namespace kronsolve::detail {

/// Gives the threads of a rank their number: `KRONSOLVE_NUM_THREADS`, else the cores that mpirun or
/// srun bound it to, else its share of what the ranks of this machine may use together. The root
/// warns if it is bound to fewer cores than it was told to have threads. Collective.
void choose_threads_of_rank(const Comm& comm);

}  // namespace kronsolve::detail
