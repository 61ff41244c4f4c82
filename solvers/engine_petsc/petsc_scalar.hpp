#pragma once
// The only place that asks which scalar this PETSc has. Everything else is written for `Scalar`.

#include <complex>
#include <type_traits>

#include <slepc.h>

#include <kronsolve/core/scalar.hpp>

namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE {

#ifdef PETSC_USE_COMPLEX
using Scalar = std::complex<double>;
#else
using Scalar = double;
#endif
static_assert(std::is_same_v<Scalar, PetscScalar>,
              "PETSc must be built in double precision, with C++ complex numbers");

inline constexpr int index_bits = 8 * static_cast<int>(sizeof(PetscInt));

}  // namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE
