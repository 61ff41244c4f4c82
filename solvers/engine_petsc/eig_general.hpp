#pragma once

#include <kronsolve/solvers/engine.hpp>

#include "solvers/engine_petsc/petsc_scalar.hpp"

namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE {

/// Right eigenpairs of a general matrix by SLEPc's Krylov-Schur. Collective.
EngineGeneralPairs solve_general(const EngineEig<Scalar>& problem);

}  // namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE
