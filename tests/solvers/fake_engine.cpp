// Modules that look like engines and must be refused; which one is a matter of definitions.
#include <kronsolve/solvers/engine.hpp>

#ifndef FAKE_NO_FACTORY
extern "C" __attribute__((visibility("default"))) const kronsolve::EngineModule*
kronsolve_engine_module() {
  static const kronsolve::EngineModule module = {
      .abi = FAKE_ABI,
      .scalar = FAKE_SCALAR,
      .variant = "fake",
      .index_bits = FAKE_BITS,
      .petsc_version = "0",
      .slepc_version = "0",
      .has_mumps = false,
      .has_superlu_dist = false,
      .start = [](const kronsolve::EngineInfo&) -> void* { return nullptr; },
  };
  return &module;
}
#endif
