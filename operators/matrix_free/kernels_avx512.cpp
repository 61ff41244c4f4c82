#define KRONSOLVE_KERNELS avx512_kernels
#define KRONSOLVE_KERNELS_NAME "avx512"
#include "operators/matrix_free/kernels_impl.hpp"
