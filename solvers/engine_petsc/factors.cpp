#include "solvers/engine_petsc/factors.hpp"

#include "solvers/engine_petsc/eps_setup.hpp"
#include "solvers/engine_petsc/matrices.hpp"
#include "solvers/engine_petsc/petsc_call.hpp"

namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE {

namespace {

/// A solver that is a factorisation and nothing else.
KspHandle factorisation(const Comm& comm, Mat matrix, PCType kind, Factors package) {
  KspHandle solver;
  PC factors = nullptr;
  KRONSOLVE_PETSC(KSPCreate(comm.handle(), solver.out()));
  KRONSOLVE_PETSC(KSPSetOperators(solver.get(), matrix, matrix));
  KRONSOLVE_PETSC(KSPSetType(solver.get(), KSPPREONLY));
  KRONSOLVE_PETSC(KSPSetErrorIfNotConverged(solver.get(), PETSC_TRUE));
  KRONSOLVE_PETSC(KSPGetPC(solver.get(), &factors));
  KRONSOLVE_PETSC(PCSetType(factors, kind));
  KRONSOLVE_PETSC(PCFactorSetMatSolverType(factors, petsc_name(package)));
  return solver;
}

}  // namespace

std::vector<index_t> count_by_inertia(const Comm& comm, const Lazy<Scalar>& rows,
                                      const RowPartition& partition,
                                      std::span<const double> shifts) {
  if (is_complex<Scalar>)
    throw NotSupported(
        "inertia: MUMPS counts signs of real symmetric factors only; embed the matrix as a real "
        "one");
  std::vector<index_t> counts;
  for (const double shift : shifts) {
    const MatHandle matrix = stored(comm, rows, partition, Symmetry::hermitian);
    KRONSOLVE_PETSC(MatShift(matrix.get(), -shift));
    const KspHandle solver = factorisation(comm, matrix.get(), PCCHOLESKY, Factors::mumps);
    PC factors = nullptr;
    Mat factored = nullptr;
    KRONSOLVE_PETSC(KSPGetPC(solver.get(), &factors));
    KRONSOLVE_PETSC(PCFactorSetUpMatSolverType(factors));
    KRONSOLVE_PETSC(PCFactorGetMatrix(factors, &factored));
    KRONSOLVE_PETSC(
        MatMumpsSetIcntl(factored, 13, 1));  // the last block is counted too: no ScaLAPACK there
    // Pivots this small (relative to the matrix) are zero and not negative; without the detection
    // there is no count.
    KRONSOLVE_PETSC(MatMumpsSetIcntl(factored, 24, 1));
    KRONSOLVE_PETSC(MatMumpsSetCntl(factored, 3, 1e-13));
    KRONSOLVE_PETSC(KSPSetUp(solver.get()));
    PetscInt negative = 0, zero = 0, positive = 0;
    KRONSOLVE_PETSC(MatGetInertia(factored, &negative, &zero, &positive));
    counts.push_back(negative);
  }
  return counts;
}

DistributedVectors<Scalar> solve_direct(const Comm& comm, const Lazy<Scalar>& rows,
                                        const DistributedVectors<Scalar>& b, Factors factors) {
  const auto& partition = b.partition();
  const MatHandle matrix = stored(comm, rows, partition, Symmetry::none);
  const KspHandle solver = factorisation(comm, matrix.get(), PCLU, factors);
  const RowRange owned = partition.range(comm.rank());
  const VecHandle right = vector(comm, owned, partition.rows()),
                  left = vector(comm, owned, partition.rows());
  DistributedVectors<Scalar> x(partition, comm.rank(), b.count());
  for (index_t j = 0; j < b.count(); ++j) {
    copy_to(right.get(), b.column(j));
    KRONSOLVE_PETSC(KSPSolve(solver.get(), right.get(), left.get()));
    copy_from(left.get(), x.column(j));
  }
  return x;
}

EngineExponential<Scalar> exponentiate(const LinearMap<Scalar>& map, Scalar t,
                                       std::span<const Scalar> v, double tol,
                                       index_t max_products) {
  const MatHandle matrix = shell(map, Symmetry::none);
  const VecHandle from = vector(map.comm(), map.row_range(), map.rows());
  const VecHandle to = vector(map.comm(), map.row_range(), map.rows());
  copy_to(from.get(), v);
  MfnHandle mfn;
  FN function = nullptr;
  KRONSOLVE_PETSC(MFNCreate(map.comm().handle(), mfn.out()));
  KRONSOLVE_PETSC(MFNSetOperator(mfn.get(), matrix.get()));
  KRONSOLVE_PETSC(MFNGetFN(mfn.get(), &function));
  KRONSOLVE_PETSC(FNSetType(function, FNEXP));
  KRONSOLVE_PETSC(FNSetScale(function, t, 1.0));
  KRONSOLVE_PETSC(MFNSetType(mfn.get(), MFNKRYLOV));
  // A restart makes as many products as the space has vectors; 30 are SLEPc's choice.
  constexpr index_t space = 30, most_restarts = 10000;
  const index_t ncv = std::min({space, map.rows(), max_products});
  const index_t restarts = std::min(most_restarts, max_products / ncv);
  KRONSOLVE_PETSC(MFNSetDimensions(mfn.get(), narrow<PetscInt>(ncv, "ncv")));
  KRONSOLVE_PETSC(MFNSetTolerances(mfn.get(), tol, narrow<PetscInt>(restarts, "restarts")));
  KRONSOLVE_PETSC(MFNSolve(mfn.get(), from.get(), to.get()));
  MFNConvergedReason reason = MFN_CONVERGED_ITERATING;
  KRONSOLVE_PETSC(MFNGetConvergedReason(mfn.get(), &reason));
  if (reason < 0 && reason != MFN_DIVERGED_ITS)
    throw EngineError(static_cast<int>(reason),
                      detail::concat("MFNSolve: ", MFNConvergedReasons[reason]));
  EngineExponential<Scalar> result{.w = std::vector<Scalar>(v.size()), .converged = reason > 0};
  copy_from(to.get(), result.w);
  return result;
}

}  // namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE
