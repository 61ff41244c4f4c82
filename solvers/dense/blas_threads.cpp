#include "solvers/dense/blas_threads.hpp"

#include <kronsolve/solvers/blas.hpp>

// OpenBLAS's own controls; declared here because its cblas.h clashes with LAPACKE's complex types.
extern "C" {
int openblas_get_num_threads(void);
void openblas_set_num_threads(int);
char* openblas_get_config(void);
}

namespace kronsolve {

std::string blas_version() { return openblas_get_config(); }
int blas_threads() { return openblas_get_num_threads(); }

}  // namespace kronsolve

namespace kronsolve::dense {

int BlasThreads::current() { return openblas_get_num_threads(); }

// A call that changes nothing still wakes the thread pool, so it is left out.
BlasThreads::BlasThreads(int threads) : before_(current()) {
  if (threads != before_) openblas_set_num_threads(threads);
}

BlasThreads::~BlasThreads() {
  if (current() != before_) openblas_set_num_threads(before_);
}

}  // namespace kronsolve::dense
