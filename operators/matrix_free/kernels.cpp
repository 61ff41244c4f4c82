#include "operators/matrix_free/kernels.hpp"

#include <cstdlib>
#include <string_view>

#include <kronsolve/core/error.hpp>

namespace kronsolve::detail {

int available_kernels(const KernelTable** tables, int most) {
  int n = 0;
  const auto add = [&](const KernelTable& table) {
    if (n < most) tables[n++] = &table;
  };
  add(baseline_kernels);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) add(avx2_kernels);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
    add(avx512_kernels);
#endif
  return n;
}

const KernelTable& kernels() {
  const KernelTable* tables[3] = {};
  const int n = available_kernels(tables, 3);
  const char* wanted = std::getenv("KRONSOLVE_SIMD");
  if (wanted == nullptr || *wanted == '\0') return *tables[n - 1];
  for (int i = 0; i < n; ++i)
    if (std::string_view(wanted) == tables[i]->name) return *tables[i];
  throw InvalidArgument(
      concat("KRONSOLVE_SIMD must be baseline, avx2 or avx512 and known to this machine (up to ",
             tables[n - 1]->name, "), got '", wanted, "'"));
}

}  // namespace kronsolve::detail
