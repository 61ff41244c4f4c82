#pragma once

#include <kronsolve/solvers/engine.hpp>

#include "solvers/engine_petsc/petsc_scalar.hpp"

namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE {

/// A x = b by KSP, column by column with one preconditioner. Collective.
EngineSolutions<Scalar> solve_krylov(const EngineKrylov<Scalar>& problem,
                                     const DistributedVectors<Scalar>& b);

}  // namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE
