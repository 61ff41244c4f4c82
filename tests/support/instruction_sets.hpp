#pragma once
// The instruction sets that kernels are compiled for, and which of them this machine has.

#include <cstdlib>
#include <string>

namespace kronsolve::test {

inline constexpr const char* instruction_sets[] = {"baseline", "avx2", "avx512"};

inline bool machine_has(const std::string& set) {
#if defined(__x86_64__)
  if (set == "avx2") return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (set == "avx512")
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
#endif
  return set == "baseline";
}

/// Asks for a set while it lives; "" is the best one.
class InstructionSet {
 public:
  explicit InstructionSet(const char* set) { setenv("KRONSOLVE_SIMD", set, 1); }
  ~InstructionSet() { unsetenv("KRONSOLVE_SIMD"); }
  InstructionSet(const InstructionSet&) = delete;
  InstructionSet& operator=(const InstructionSet&) = delete;
};

}  // namespace kronsolve::test
