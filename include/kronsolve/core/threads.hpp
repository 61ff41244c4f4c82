#pragma once

#include <kronsolve/export.hpp>

namespace kronsolve {

/// Cores this process may use: its affinity mask, lowered by a control group's quota. Local, at least 1.
KRONSOLVE_EXPORT int available_cores();

/// Threads that loops of this process use: set_threads, else `KRONSOLVE_NUM_THREADS`, else available_cores().
/// @throws InvalidArgument  KRONSOLVE_NUM_THREADS is set and is not a number from 1 to 1024
KRONSOLVE_EXPORT int num_threads();

/// Sets the number of threads of this process's loops (1 to 1024).
/// @throws InvalidArgument  outside that range
KRONSOLVE_EXPORT void set_threads(int threads);

}  // namespace kronsolve
