#pragma once

// Which cores threads of this process may run on. OpenMP binds the thread that starts the program
// to the first of its places when OMP_PROC_BIND or OMP_PLACES is set; threads and programs started
// from it would inherit that one place.

#include <sched.h>

namespace kronsolve::detail {

/// Cores that this thread may use, those that OpenMP gave to its other threads included.
cpu_set_t allowed_cores();

/// Lets this thread, and what it starts, run on all of them.
void unbind_thread();

/// `cores`, or fewer if a control group allows fewer on average. At least 1.
int limited_by_quota(int cores);

}  // namespace kronsolve::detail
