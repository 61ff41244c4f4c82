#include "operators/bases/image_kernels.hpp"

#include <string_view>

#include "operators/matrix_free/kernels.hpp"

namespace kronsolve::detail {

const ImageKernels& image_kernels() {
#if defined(__x86_64__)
  const std::string_view set = kernels().name;
  if (set == "avx512") return image_kernels_avx512;
  if (set == "avx2") return image_kernels_avx2;
#endif
  return image_kernels_baseline;
}

}  // namespace kronsolve::detail
