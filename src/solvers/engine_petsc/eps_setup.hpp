#pragma once
// What Hermitian and general eigenproblems set up alike.

#include <optional>
#include <string>

#include <kronsolve/core/index.hpp>
#include <kronsolve/solvers/factors.hpp>

#include "solvers/engine_petsc/petsc_call.hpp"

namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE {

/// How far a solve goes and where it begins; 0 leaves a number to SLEPc.
struct EpsLimits {
  index_t k = 1, ncv = 0, max_iterations = 0;
  double tol = 1e-10;  ///< of |Ax-lx| / max(1,|l|)
};

/// Sets the limits and the promise of the options as SLEPc's convergence test. The start vector
/// must live until the solve.
void set_limits(EPS eps, const EpsLimits& limits, Vec start);

/// What PETSc calls them.
MatSolverType petsc_name(Factors factors);

/// Solves with factors: of A - sigma B for the pairs nearest to sigma, of B where there is
/// no sigma.
/// @param hermitian  L D L^T where the package has it (MUMPS, real), else L U
void use_factorisation(EPS eps, std::optional<Scalar> sigma, bool hermitian, Factors factors);
/// The factors of a KSP, as above.
void set_factors(KSP solver, bool hermitian, Factors factors);

/// What solves the shifted systems.
KSP solver_of(EPS eps);

/// Systems solved with the factors.
index_t count_solves(EPS eps);

std::string reason_text(EPSConvergedReason reason);

}  // namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE
