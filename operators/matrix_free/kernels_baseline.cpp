#define KRONSOLVE_KERNELS baseline_kernels
#define KRONSOLVE_KERNELS_NAME "baseline"
#include "operators/matrix_free/kernels_impl.hpp"
