#define KRONSOLVE_IMAGE_KERNELS image_kernels_avx512
#include "operators/bases/image_kernels_impl.hpp"
