#define KRONSOLVE_IMAGE_KERNELS image_kernels_avx2
#include "operators/bases/image_kernels_impl.hpp"
