#include "solvers/engine_petsc/eps.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "solvers/engine_petsc/matrices.hpp"
#include "solvers/engine_petsc/petsc_call.hpp"

namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE {

namespace {

/// |Hx - lx| <= tol max(1, |l|): the promise of the options, in SLEPc's form.
PetscErrorCode relative_above_one(EPS, PetscScalar value, PetscScalar, PetscReal residual,
                                  PetscReal* estimate, void*) noexcept {
  *estimate = residual / std::max(1.0, std::abs(value));
  return 0;
}

PetscErrorCode monitor(EPS eps, PetscInt iterations, PetscInt converged, PetscScalar* values,
                       PetscScalar* imaginary, PetscReal* estimates, PetscInt count,
                       void* context) noexcept {
  return guarded([&] {
    const auto& problem = *static_cast<const EngineEigh<Scalar>*>(context);
    ST transformation = nullptr;
    KRONSOLVE_PETSC(EPSGetST(eps, &transformation));
    std::vector<double> shown, residuals;
    for (PetscInt i = 0; i < std::min<PetscInt>(count, static_cast<PetscInt>(problem.k)); ++i) {
      PetscScalar value = values[i], other = imaginary != nullptr ? imaginary[i] : 0;
      KRONSOLVE_PETSC(STBackTransform(transformation, 1, &value, &other));
      shown.push_back(PetscRealPart(value));
      residuals.push_back(estimates[i] * std::max(1.0, std::abs(shown.back())));
    }
    problem.monitor(iterations, converged, shown, residuals);
  });
}

/// Factors of H - sigma by MUMPS: L D L^H where it can (real), else L U.
void use_factorisation(EPS eps, double sigma) {
  ST transformation = nullptr;
  KSP solver = nullptr;
  PC factors = nullptr;
  KRONSOLVE_PETSC(EPSSetTarget(eps, sigma));
  KRONSOLVE_PETSC(EPSSetWhichEigenpairs(eps, EPS_TARGET_MAGNITUDE));
  KRONSOLVE_PETSC(EPSGetST(eps, &transformation));
  KRONSOLVE_PETSC(STSetType(transformation, STSINVERT));
  KRONSOLVE_PETSC(STGetKSP(transformation, &solver));
  KRONSOLVE_PETSC(KSPSetType(solver, KSPPREONLY));
  KRONSOLVE_PETSC(KSPGetPC(solver, &factors));
  KRONSOLVE_PETSC(PCSetType(factors, is_complex<Scalar> ? PCLU : PCCHOLESKY));
  KRONSOLVE_PETSC(PCFactorSetMatSolverType(factors, MATSOLVERMUMPS));
  // The estimate of the inverted problem says little about |Hx - lx|: candidates are checked with
  // one product each.
  KRONSOLVE_PETSC(EPSSetTrueResidual(eps, PETSC_TRUE));
}

/// Factors of B, which must be positive definite.
void factorise_b(EPS eps) {
  ST transformation = nullptr;
  KSP solver = nullptr;
  PC factors = nullptr;
  KRONSOLVE_PETSC(EPSGetST(eps, &transformation));
  KRONSOLVE_PETSC(STGetKSP(transformation, &solver));
  KRONSOLVE_PETSC(KSPSetType(solver, KSPPREONLY));
  KRONSOLVE_PETSC(KSPGetPC(solver, &factors));
  KRONSOLVE_PETSC(PCSetType(factors, is_complex<Scalar> ? PCLU : PCCHOLESKY));
  KRONSOLVE_PETSC(PCFactorSetMatSolverType(factors, MATSOLVERMUMPS));
  KRONSOLVE_PETSC(EPSSetTrueResidual(eps, PETSC_TRUE));
}

/// Davidson methods ask for a preconditioner; a product alone gives none.
void without_preconditioner(EPS eps) {
  ST transformation = nullptr;
  KSP solver = nullptr;
  PC preconditioner = nullptr;
  KRONSOLVE_PETSC(EPSGetST(eps, &transformation));
  KRONSOLVE_PETSC(STSetType(transformation, STPRECOND));
  KRONSOLVE_PETSC(STGetKSP(transformation, &solver));
  KRONSOLVE_PETSC(KSPGetPC(solver, &preconditioner));
  KRONSOLVE_PETSC(PCSetType(preconditioner, PCNONE));
}

EPSType slepc_type(EngineSolver solver) {
  switch (solver) {
    case EngineSolver::jd:
      return EPSJD;
    case EngineSolver::gd:
      return EPSGD;
    case EngineSolver::krylov_schur:
      break;
  }
  return EPSKRYLOVSCHUR;
}

EPSWhich slepc_which(Which which) {
  switch (which) {
    case Which::SA:
      return EPS_SMALLEST_REAL;
    case Which::LA:
      return EPS_LARGEST_REAL;
    case Which::LM:
      return EPS_LARGEST_MAGNITUDE;
    default:
      break;
  }
  throw InvalidArgument(detail::concat("engine: which = ", to_string(which), " needs a target"));
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

/// A column below this is empty: SLEPc leaves some after a breakdown.
constexpr double least_norm = 1e-6;

index_t count_solves(EPS eps) {
  ST transformation = nullptr;
  KSP solver = nullptr;
  PetscInt iterations = 0;
  KRONSOLVE_PETSC(EPSGetST(eps, &transformation));
  KRONSOLVE_PETSC(STGetKSP(transformation, &solver));
  KRONSOLVE_PETSC(KSPGetTotalIterations(solver, &iterations));
  return iterations;
}

/// Vectors that a solve stays orthogonal to, for as long as it runs.
class Deflation {
 public:
  Deflation(EPS eps, const EngineEigh<Scalar>& problem) {
    if (problem.deflate == nullptr || problem.deflate->count() == 0) return;
    const auto& map = *problem.map;
    for (index_t j = 0; j < problem.deflate->count(); ++j) {
      owners_.push_back(vector(map.comm(), map.row_range(), map.rows()));
      copy_to(owners_.back().get(), problem.deflate->column(j));
    }
    std::vector<Vec> raw;
    for (const auto& owner : owners_) raw.push_back(owner.get());
    KRONSOLVE_PETSC(EPSSetDeflationSpace(eps, static_cast<PetscInt>(raw.size()), raw.data()));
  }

 private:
  std::vector<VecHandle> owners_;
};

EnginePairs<Scalar> collect(EPS eps, const EngineEigh<Scalar>& problem) {
  const auto& map = *problem.map;
  PetscInt converged = 0, iterations = 0, ncv = 0;
  EPSConvergedReason reason{};
  KRONSOLVE_PETSC(EPSGetConverged(eps, &converged));
  KRONSOLVE_PETSC(EPSGetIterationNumber(eps, &iterations));
  KRONSOLVE_PETSC(EPSGetConvergedReason(eps, &reason));
  KRONSOLVE_PETSC(EPSGetDimensions(eps, nullptr, &ncv, nullptr));
  const auto most = std::min<index_t>(problem.k, converged);
  EnginePairs<Scalar> found;
  found.vectors = DistributedVectors<Scalar>(map.row_partition(), map.comm().rank(), most);
  found.iterations = iterations;
  found.subspace = ncv;
  found.reason = reason_text(reason);
  if (problem.sigma) found.solves = count_solves(eps);
  const VecHandle x = vector(map.comm(), map.row_range(), map.rows());
  std::vector<std::pair<double, index_t>> order;
  for (index_t i = 0; i < most; ++i) {
    Scalar value{};
    PetscReal norm = 0;
    KRONSOLVE_PETSC(
        EPSGetEigenpair(eps, static_cast<PetscInt>(i), &value, nullptr, x.get(), nullptr));
    KRONSOLVE_PETSC(VecNorm(x.get(), NORM_2, &norm));
    copy_from(x.get(), found.vectors.column(i));
    if (norm > least_norm)
      order.emplace_back(real_part(value), i);  // after a breakdown a column may be empty
  }
  std::sort(order.begin(), order.end());
  std::vector<index_t> positions;
  for (const auto& [value, position] : order) {
    found.values.push_back(value);
    positions.push_back(position);
  }
  found.vectors.keep(positions);
  return found;
}

}  // namespace

EnginePairs<Scalar> solve_hermitian(const EngineEigh<Scalar>& problem) {
  const auto& map = *problem.map;
  const OptionsScope options(problem.petsc_options);
  const bool stored_form = problem.sigma || problem.b_rows != nullptr;
  const MatHandle matrix =
      stored_form ? stored(map.comm(), *problem.rows, map.row_partition(), Symmetry::hermitian)
                  : shell(map, Symmetry::hermitian);
  MatHandle b;
  if (problem.b_rows != nullptr)
    b = stored(map.comm(), *problem.b_rows, map.row_partition(), Symmetry::hermitian);
  const VecHandle start = vector(map.comm(), map.row_range(), map.rows());
  copy_to(start.get(), problem.start);

  EpsHandle eps;
  KRONSOLVE_PETSC(EPSCreate(map.comm().handle(), eps.out()));
  KRONSOLVE_PETSC(EPSSetOperators(eps.get(), matrix.get(), b.get()));
  KRONSOLVE_PETSC(EPSSetProblemType(eps.get(), problem.b_rows != nullptr ? EPS_GHEP : EPS_HEP));
  KRONSOLVE_PETSC(EPSSetType(eps.get(), slepc_type(problem.solver)));
  if (problem.sigma)
    use_factorisation(eps.get(), *problem.sigma);
  else
    KRONSOLVE_PETSC(EPSSetWhichEigenpairs(eps.get(), slepc_which(problem.which)));
  if (!problem.sigma && problem.b_rows != nullptr) factorise_b(eps.get());
  if (problem.solver != EngineSolver::krylov_schur) without_preconditioner(eps.get());
  const PetscInt ncv = problem.ncv > 0 ? narrow<PetscInt>(problem.ncv, "ncv") : PETSC_DEFAULT;
  KRONSOLVE_PETSC(
      EPSSetDimensions(eps.get(), narrow<PetscInt>(problem.k, "k"), ncv, PETSC_DEFAULT));
  const PetscInt limit = problem.max_iterations > 0
                             ? narrow<PetscInt>(problem.max_iterations, "max_iterations")
                             : PETSC_DEFAULT;
  KRONSOLVE_PETSC(EPSSetTolerances(eps.get(), problem.tol, limit));
  KRONSOLVE_PETSC(EPSSetConvergenceTestFunction(eps.get(), relative_above_one, nullptr, nullptr));
  Vec space = start.get();
  KRONSOLVE_PETSC(EPSSetInitialSpace(eps.get(), 1, &space));
  const Deflation deflation(eps.get(), problem);
  if (problem.monitor)
    KRONSOLVE_PETSC(
        EPSMonitorSet(eps.get(), monitor, const_cast<EngineEigh<Scalar>*>(&problem), nullptr));
  KRONSOLVE_PETSC(EPSSetFromOptions(eps.get()));
  KRONSOLVE_PETSC(EPSSolve(eps.get()));
  return collect(eps.get(), problem);
}

}  // namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE
