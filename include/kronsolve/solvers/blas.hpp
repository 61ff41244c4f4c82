#pragma once

#include <string>

#include <kronsolve/export.hpp>

namespace kronsolve {

/// What the BLAS library that dense solves use says about itself: name, version, options, kernels.
/// Local.
KRONSOLVE_EXPORT std::string blas_version();

/// Threads that it keeps, each with a buffer of 128 MiB of address space. Local.
KRONSOLVE_EXPORT int blas_threads();

}  // namespace kronsolve
