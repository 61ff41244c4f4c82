#pragma once

#include <kronsolve/solvers/engine.hpp>

#include "solvers/engine_petsc/petsc_scalar.hpp"

namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE {

/// Hermitian eigenpairs by SLEPc's EPS. Collective.
EnginePairs<Scalar> solve_hermitian(const EngineEigh<Scalar>& problem);

}  // namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE
