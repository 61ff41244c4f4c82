#pragma once
// The one place that includes LAPACKE: its complex type is ours, its integers are checked, its
// failures are EngineError.

#include <complex>
#define lapack_complex_double std::complex<double>
#define lapack_complex_float std::complex<float>
#include <lapacke.h>

#include <kronsolve/core/index.hpp>

namespace kronsolve::dense {

/// @throws EngineError  info != 0; the text names the routine and the code
inline void check_lapack(lapack_int info, const char* routine) {
  if (info != 0)
    throw EngineError(static_cast<int>(info),
                      detail::concat("LAPACK ", routine, " failed with info = ", info,
                                     info < 0 ? " (argument)" : " (no convergence)"));
}

}  // namespace kronsolve::dense
