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
  double tol = 1e-10, scale = 1;  ///< a pair has converged when |Ax-lx| <= tol scale
};

/// What the convergence test of a solve knows, and what became of the iteration limit.
struct EpsTest {
  double scale = 1;
  bool limit_reached = false;
};

/// Sets the limits and the promise of the options as SLEPc's convergence test. At the iteration
/// limit the test lets every pair pass, so that the best ones so far are handed out, and says so.
/// The start vector and `test` must live until the solve.
void set_limits(EPS eps, const EpsLimits& limits, Vec start, EpsTest& test);

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

/// What let pairs pass was the limit, not their convergence.
template <class Pairs>
void note_limit(const EpsTest& test, Pairs& found) {
  if (!test.limit_reached) return;
  found.limit_reached = true;
  found.reason = reason_text(EPS_DIVERGED_ITS);
}

}  // namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE
