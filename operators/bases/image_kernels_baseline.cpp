#define KRONSOLVE_IMAGE_KERNELS image_kernels_baseline
#include "operators/bases/image_kernels_impl.hpp"
