#pragma once

#include <kronsolve/export.hpp>

namespace kronsolve {

/// Cores this process may use: its affinity mask (with OMP_PROC_BIND or OMP_PLACES all cores of
/// OpenMP's places), lowered by a control group's quota. Local, at least 1.
KRONSOLVE_EXPORT int available_cores();

/// Threads that loops of this process use: set_threads, else `KRONSOLVE_NUM_THREADS`, else
/// available_cores().
/// @throws InvalidArgument  KRONSOLVE_NUM_THREADS is set and is not a number from 1 to 1024
KRONSOLVE_EXPORT int num_threads();

/// Sets the number of threads of this process's loops (1 to 1024).
/// @throws InvalidArgument  outside that range
KRONSOLVE_EXPORT void set_threads(int threads);

/// While it lives, num_threads() is `threads` on this thread: the share of one of several tasks
/// that run side by side.
class KRONSOLVE_EXPORT ThreadShare {
 public:
  /// threads: 1 to 1024. What was before is back when this object ends.
  explicit ThreadShare(int threads);
  ~ThreadShare();
  ThreadShare(const ThreadShare&) = delete;
  ThreadShare& operator=(const ThreadShare&) = delete;

 private:
  int before_, omp_before_;
};

}  // namespace kronsolve
