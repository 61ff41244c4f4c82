#include "solvers/engine_petsc/eps_setup.hpp"

#include <kronsolve/core/error.hpp>

namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE {

namespace {

/// |Ax - lx| <= tol scale: whoever asks knows the scale of the levels.
PetscErrorCode by_residual(EPS eps, PetscScalar, PetscScalar, PetscReal residual,
                           PetscReal* estimate, void* context) noexcept {
  auto& test = *static_cast<EpsTest*>(context);
  *estimate = residual / test.scale;
  return guarded([&] {
    PetscInt steps = 0, most = 0;
    PetscReal tol = 0;
    KRONSOLVE_PETSC(EPSGetIterationNumber(eps, &steps));
    KRONSOLVE_PETSC(EPSGetTolerances(eps, &tol, &most));
    // Davidson methods test before they count the step.
    PetscBool davidson = PETSC_FALSE;
    KRONSOLVE_PETSC(
        PetscObjectTypeCompareAny(reinterpret_cast<PetscObject>(eps), &davidson, EPSGD, EPSJD, ""));
    if (steps + (davidson ? 1 : 0) < most || *estimate <= tol) return;
    test.limit_reached = true;
    *estimate = 0;
  });
}

}  // namespace

KSP solver_of(EPS eps) {
  ST transformation = nullptr;
  KSP solver = nullptr;
  KRONSOLVE_PETSC(EPSGetST(eps, &transformation));
  KRONSOLVE_PETSC(STGetKSP(transformation, &solver));
  return solver;
}

void set_limits(EPS eps, const EpsLimits& limits, Vec start, EpsTest& test) {
  test.scale = limits.scale;
  const PetscInt ncv = limits.ncv > 0 ? narrow<PetscInt>(limits.ncv, "ncv") : PETSC_DEFAULT;
  KRONSOLVE_PETSC(EPSSetDimensions(eps, narrow<PetscInt>(limits.k, "k"), ncv, PETSC_DEFAULT));
  const PetscInt steps = limits.max_iterations > 0
                             ? narrow<PetscInt>(limits.max_iterations, "max_iterations")
                             : PETSC_DEFAULT;
  KRONSOLVE_PETSC(EPSSetTolerances(eps, limits.tol, steps));
  KRONSOLVE_PETSC(EPSSetConvergenceTestFunction(eps, by_residual, &test, nullptr));
  KRONSOLVE_PETSC(EPSSetInitialSpace(eps, 1, &start));
}

MatSolverType petsc_name(Factors factors) {
  return factors == Factors::superlu_dist ? MATSOLVERSUPERLU_DIST : MATSOLVERMUMPS;
}

void use_factorisation(EPS eps, std::optional<Scalar> sigma, bool hermitian, Factors factors) {
  if (sigma) {
    ST transformation = nullptr;
    KRONSOLVE_PETSC(EPSSetTarget(eps, *sigma));
    KRONSOLVE_PETSC(EPSSetWhichEigenpairs(eps, EPS_TARGET_MAGNITUDE));
    KRONSOLVE_PETSC(EPSGetST(eps, &transformation));
    KRONSOLVE_PETSC(STSetType(transformation, STSINVERT));
  }
  set_factors(solver_of(eps), hermitian, factors);
  // The estimate of the transformed problem says little about |Ax - lx|: candidates are checked
  // with one product each.
  KRONSOLVE_PETSC(EPSSetTrueResidual(eps, PETSC_TRUE));
}

void set_factors(KSP solver, bool hermitian, Factors factors) {
  const bool symmetric = hermitian && !is_complex<Scalar> && factors != Factors::superlu_dist;
  PC kept = nullptr;
  KRONSOLVE_PETSC(KSPSetType(solver, KSPPREONLY));
  KRONSOLVE_PETSC(KSPGetPC(solver, &kept));
  KRONSOLVE_PETSC(PCSetType(kept, symmetric ? PCCHOLESKY : PCLU));
  KRONSOLVE_PETSC(PCFactorSetMatSolverType(kept, petsc_name(factors)));
}

index_t count_solves(EPS eps) {
  PetscInt solves = 0;
  KRONSOLVE_PETSC(KSPGetTotalIterations(solver_of(eps), &solves));
  return solves;
}

std::string reason_text(EPSConvergedReason reason) {
  switch (reason) {
    case EPS_CONVERGED_TOL:
      return "all pairs within tolerance";
    case EPS_CONVERGED_USER:
      return "stopped on request";
    case EPS_DIVERGED_ITS:
      return "iteration limit reached";
    case EPS_DIVERGED_BREAKDOWN:
      return "breakdown of the Krylov space";
    case EPS_DIVERGED_SYMMETRY_LOST:
      return "symmetry lost";
    default:
      return detail::concat("SLEPc stopped with reason ", static_cast<int>(reason));
  }
}

}  // namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE
