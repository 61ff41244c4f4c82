#include "solvers/engine_petsc/krylov_solve.hpp"

#include "solvers/engine_petsc/matrices.hpp"
#include "solvers/engine_petsc/petsc_call.hpp"

namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE {

namespace {

KSPType ksp_type(SolveMethod method) {
  return method == SolveMethod::cg ? KSPCG : method == SolveMethod::minres ? KSPMINRES : KSPGMRES;
}

/// The matrix that the preconditioner is made of; nothing where there is none.
MatHandle preconditioner_matrix(const EngineKrylov<Scalar>& problem) {
  const auto& map = *problem.map;
  switch (problem.preconditioner) {
    case Preconditioner::jacobi:
      return diagonal(map.comm(), map.row_partition(), problem.diagonal);
    case Preconditioner::block_jacobi:
    case Preconditioner::multigrid:
      return stored(map.comm(), *problem.rows, map.row_partition(),
                    problem.method == SolveMethod::gmres ? Symmetry::none : Symmetry::hermitian);
    default:
      return {};
  }
}

std::string reason_text(KSP solver, KSPConvergedReason reason) {
  switch (reason) {
    case KSP_DIVERGED_ITS:
      return "out of iterations";
    case KSP_DIVERGED_INDEFINITE_MAT:
      return "the operator is not positive definite; use minres";
    case KSP_DIVERGED_INDEFINITE_PC:
      return "the preconditioner is not positive definite; use another one, or gmres";
    case KSP_DIVERGED_PC_FAILED:
      return "the preconditioner cannot be made of this matrix; use another one";
    default:
      break;
  }
  const char* words = nullptr;
  KRONSOLVE_PETSC(KSPGetConvergedReasonString(solver, &words));
  return detail::concat("PETSc stopped with ", words);
}

/// Residuals as they are rather than preconditioned, where the method can; gmres then takes the
/// preconditioner on its right.
void use_true_norms(KSP solver, SolveMethod method) {
  if (method == SolveMethod::minres) return;  // it knows the preconditioned norm only
  if (method == SolveMethod::gmres) KRONSOLVE_PETSC(KSPSetPCSide(solver, PC_RIGHT));
  KRONSOLVE_PETSC(KSPSetNormType(solver, KSP_NORM_UNPRECONDITIONED));
}

}  // namespace

EngineSolutions<Scalar> solve_krylov(const EngineKrylov<Scalar>& problem,
                                     const DistributedVectors<Scalar>& b) {
  const auto& map = *problem.map;
  const Comm& comm = map.comm();
  const OptionsScope options(problem.petsc_options);
  const bool hermitian = problem.method != SolveMethod::gmres;
  const MatHandle product = shell(map, hermitian ? Symmetry::hermitian : Symmetry::none);
  const MatHandle other = preconditioner_matrix(problem);
  KspHandle solver;
  PC preconditioner = nullptr;
  KRONSOLVE_PETSC(KSPCreate(comm.handle(), solver.out()));
  KRONSOLVE_PETSC(KSPSetOperators(solver.get(), product.get(),
                                  other.get() != nullptr ? other.get() : product.get()));
  KRONSOLVE_PETSC(KSPSetType(solver.get(), ksp_type(problem.method)));
  if (problem.method == SolveMethod::gmres)
    KRONSOLVE_PETSC(KSPGMRESSetRestart(solver.get(), narrow<PetscInt>(problem.restart, "restart")));
  use_true_norms(solver.get(), problem.method);
  KRONSOLVE_PETSC(KSPGetPC(solver.get(), &preconditioner));
  KRONSOLVE_PETSC(PCSetType(preconditioner, pc_type(problem.preconditioner)));
  if (problem.preconditioner == Preconditioner::jacobi && hermitian)
    KRONSOLVE_PETSC(PCJacobiSetUseAbs(preconditioner, PETSC_TRUE));  // must be positive definite
  KRONSOLVE_PETSC(KSPSetFromOptions(solver.get()));

  constexpr double never = 1e-250;  // absolute residual; PETSc's own default would end early
  EngineSolutions<Scalar> found;
  found.x = DistributedVectors<Scalar>(b.partition(), comm.rank(), b.count());
  const VecHandle right = vector(comm, map.row_range(), map.rows()),
                  left = vector(comm, map.row_range(), map.rows());
  for (index_t j = 0; j < b.count(); ++j) {
    const auto& limits = problem.limits[static_cast<std::size_t>(j)];
    copy_to(right.get(), b.column(j));
    KRONSOLVE_PETSC(KSPSetTolerances(solver.get(), limits.relative, never, 1e30,
                                     narrow<PetscInt>(limits.steps, "max_iterations")));
    KRONSOLVE_PETSC(KSPSolve(solver.get(), right.get(), left.get()));
    copy_from(left.get(), found.x.column(j));
    PetscInt steps = 0;
    KSPConvergedReason reason{};
    KRONSOLVE_PETSC(KSPGetIterationNumber(solver.get(), &steps));
    KRONSOLVE_PETSC(KSPGetConvergedReason(solver.get(), &reason));
    found.steps.push_back(steps);
    found.notes.push_back(reason > 0 ? "" : reason_text(solver.get(), reason));
  }
  return found;
}

}  // namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE
