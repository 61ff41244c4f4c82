#define KRONSOLVE_KERNELS avx2_kernels
#define KRONSOLVE_KERNELS_NAME "avx2"
#include "operators/matrix_free/kernels_impl.hpp"
