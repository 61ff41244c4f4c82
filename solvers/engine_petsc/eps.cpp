#include "solvers/engine_petsc/eps.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "solvers/engine_petsc/eps_setup.hpp"
#include "solvers/engine_petsc/matrices.hpp"
#include "solvers/engine_petsc/petsc_call.hpp"

namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE {

namespace {

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
      residuals.push_back(estimates[i] * problem.scale);
    }
    problem.monitor(iterations, converged, shown, residuals);
  });
}

/// At the end of a restart the first columns of the basis are the eigenvectors that have converged,
/// those that follow are Ritz vectors, the best first.
EngineRestart<Scalar> state_of(EPS eps, const EngineEigh<Scalar>& problem, PetscInt converged) {
  const auto& map = *problem.map;
  BV basis = nullptr;
  DS projected = nullptr;
  PetscInt kept = 0;
  KRONSOLVE_PETSC(EPSGetBV(eps, &basis));
  KRONSOLVE_PETSC(EPSGetDS(eps, &projected));
  KRONSOLVE_PETSC(DSGetDimensions(projected, &kept, nullptr, nullptr, nullptr));
  const auto wanted = static_cast<PetscInt>(problem.k);
  converged = std::min(converged, wanted);
  const VecHandle x = vector(map.comm(), map.row_range(), map.rows());
  EngineRestart<Scalar> state{.converged = {map.row_partition(), map.comm().rank(), converged},
                              .start = std::vector<Scalar>(problem.start.size()),
                              .solves = problem.sigma ? count_solves(eps) : 0};
  for (PetscInt j = 0; j < converged; ++j) {
    KRONSOLVE_PETSC(BVCopyVec(basis, j, x.get()));
    copy_from(x.get(), state.converged.column(j));
  }
  std::vector<Scalar> ritz(state.start.size());
  for (PetscInt j = converged; j < std::min(wanted, kept); ++j) {
    KRONSOLVE_PETSC(BVCopyVec(basis, j, x.get()));
    copy_from(x.get(), std::span(ritz));
    for (std::size_t i = 0; i < ritz.size(); ++i) state.start[i] += ritz[i];
  }
  return state;
}

PetscErrorCode restarted(EPS eps, PetscInt iterations, PetscInt converged, PetscScalar*,
                         PetscScalar*, PetscReal*, PetscInt, void* context) noexcept {
  return guarded([&] {
    const auto& problem = *static_cast<const EngineEigh<Scalar>*>(context);
    problem.restarted(iterations, [&] { return state_of(eps, problem, converged); });
  });
}

/// What the preconditioner of a Davidson method is made of; nothing where there is none.
MatHandle preconditioner_matrix(const EngineEigh<Scalar>& problem) {
  const auto& map = *problem.map;
  if (problem.preconditioner == Preconditioner::none) return {};
  if (problem.preconditioner == Preconditioner::jacobi)
    return diagonal(map.comm(), map.row_partition(), problem.diagonal);
  MatHandle matrix = stored(map.comm(), *problem.rows, map.row_partition(), Symmetry::hermitian);
  KRONSOLVE_PETSC(MatShift(matrix.get(), -problem.shift));
  return matrix;
}

/// Davidson methods ask for a preconditioner; a product alone gives none.
void set_preconditioner(EPS eps, Preconditioner kind, Mat matrix) {
  ST transformation = nullptr;
  KSP solver = nullptr;
  PC preconditioner = nullptr;
  KRONSOLVE_PETSC(EPSGetST(eps, &transformation));
  KRONSOLVE_PETSC(STSetType(transformation, STPRECOND));
  if (matrix != nullptr) KRONSOLVE_PETSC(STSetPreconditionerMat(transformation, matrix));
  KRONSOLVE_PETSC(STGetKSP(transformation, &solver));
  KRONSOLVE_PETSC(KSPGetPC(solver, &preconditioner));
  KRONSOLVE_PETSC(PCSetType(preconditioner, pc_type(kind)));
}

/// Orders by value: ascending, or descending.
PetscErrorCode by_value(PetscScalar a, PetscScalar, PetscScalar b, PetscScalar, PetscInt* order,
                        void* context) noexcept {
  const double first = PetscRealPart(a), second = PetscRealPart(b);
  const bool lowest = *static_cast<const Which*>(context) == Which::SA;
  *order = first == second ? 0 : (first < second) == lowest ? -1 : 1;
  return 0;
}

/// Until a pair is near, Jacobi-Davidson corrects with H - target: for an end of the spectrum SLEPc
/// takes the target 0, which lies inside (a Heisenberg ring of 14 sites took 500 000 products).
/// With an order of ours it takes the shift.
void aim_at_end(EPS eps, const EngineEigh<Scalar>& problem) {
  if (problem.solver != EngineSolver::jd || problem.which == Which::LM) return;
  ST transformation = nullptr;
  KRONSOLVE_PETSC(EPSGetST(eps, &transformation));
  KRONSOLVE_PETSC(STSetShift(transformation, Scalar(problem.shift)));
  KRONSOLVE_PETSC(EPSSetWhichEigenpairs(eps, EPS_WHICH_USER));
  KRONSOLVE_PETSC(EPSSetEigenvalueComparison(eps, by_value, const_cast<Which*>(&problem.which)));
}

EPSType slepc_type(EngineSolver solver) {
  switch (solver) {
    case EngineSolver::jd:
      return EPSJD;
    case EngineSolver::gd:
      return EPSGD;
    case EngineSolver::ciss:
      return EPSCISS;
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

/// Rayleigh-Ritz in what rational functions with poles at Chebyshev points of the interval leave of
/// random vectors; a factorisation for each pole.
void use_contour(EPS eps, const EngineEigh<Scalar>& problem) {
  constexpr index_t most_points = 32, most_moments = 8;
  const auto [low, high] = problem.interval;
  const index_t n = problem.map->rows();
  const index_t moments = std::clamp<index_t>(n / 8, 1, most_moments);
  const index_t largest = std::max<index_t>(1, n / moments);
  // Twice the vectors that the pairs need; as many again where SLEPc finds that they are too few.
  const index_t block = std::min(largest, (2 * problem.k + 16 + moments - 1) / moments);
  RG region = nullptr;
  ST transformation = nullptr;
  KRONSOLVE_PETSC(EPSGetRG(eps, &region));
  KRONSOLVE_PETSC(RGSetType(region, RGINTERVAL));
  KRONSOLVE_PETSC(RGIntervalSetEndpoints(region, low, high, 0, 0));
  KRONSOLVE_PETSC(EPSSetWhichEigenpairs(eps, EPS_ALL));
  KRONSOLVE_PETSC(EPSCISSSetSizes(eps, narrow<PetscInt>(most_points, "points"),
                                  narrow<PetscInt>(block, "block"),
                                  narrow<PetscInt>(moments, "moments"), 1,
                                  narrow<PetscInt>(std::min(largest, 2 * block), "block"),
                                  is_complex<Scalar> ? PETSC_FALSE : PETSC_TRUE));
  KRONSOLVE_PETSC(EPSGetST(eps, &transformation));
  KRONSOLVE_PETSC(STSetType(transformation, STSINVERT));
  // The matrix is factorised at the shift as well, which is 0 unless set, often a level. The golden
  // section of the interval hardly ever is one.
  KRONSOLVE_PETSC(STSetShift(transformation, Scalar(low + 0.3819660112501051 * (high - low))));
  set_factors(solver_of(eps), true, problem.factors);
  const PetscInt rounds = problem.max_iterations > 0
                              ? narrow<PetscInt>(problem.max_iterations, "max_iterations")
                              : PETSC_DEFAULT;
  KRONSOLVE_PETSC(EPSSetTolerances(eps, problem.tol * problem.scale, rounds));
  KRONSOLVE_PETSC(EPSSetConvergenceTest(eps, EPS_CONV_ABS));
}

/// A column below this is empty: SLEPc leaves some after a breakdown.
constexpr double least_norm = 1e-6;

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
  // A contour may hold more than it should: who asked looks at all of them.
  const bool contour = problem.solver == EngineSolver::ciss;
  const auto most = contour ? converged : std::min<index_t>(problem.k, converged);
  EnginePairs<Scalar> found;
  found.vectors = DistributedVectors<Scalar>(map.row_partition(), map.comm().rank(), most);
  found.iterations = iterations;
  found.subspace = ncv;
  found.reason = reason_text(reason);
  if (problem.sigma || contour) found.solves = count_solves(eps);
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
  const bool contour = problem.solver == EngineSolver::ciss;
  const bool stored_form = problem.sigma || contour || problem.b_rows != nullptr;
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
  if (contour) {
    use_contour(eps.get(), problem);
    KRONSOLVE_PETSC(EPSSetFromOptions(eps.get()));
    try {
      KRONSOLVE_PETSC(EPSSolve(eps.get()));
    } catch (...) {
      // After a failure SLEPc's own clean-up of contours uses what it has freed: it is left alone.
      (void)new EpsHandle(std::move(eps));
      throw;
    }
    return collect(eps.get(), problem);
  }
  if (problem.sigma)
    use_factorisation(eps.get(), Scalar(*problem.sigma), true, problem.factors);
  else
    KRONSOLVE_PETSC(EPSSetWhichEigenpairs(eps.get(), slepc_which(problem.which)));
  if (!problem.sigma && problem.b_rows != nullptr)
    use_factorisation(eps.get(), std::nullopt, true,
                      Factors::automatic);  // of B, which must be positive definite
  MatHandle other;
  if (problem.solver != EngineSolver::krylov_schur) {
    other = preconditioner_matrix(problem);
    set_preconditioner(eps.get(), problem.preconditioner, other.get());
    aim_at_end(eps.get(), problem);
  }
  EpsTest test;
  set_limits(eps.get(),
             {problem.k, problem.ncv, problem.max_iterations, problem.tol, problem.scale},
             start.get(), test);
  const Deflation deflation(eps.get(), problem);
  if (problem.monitor)
    KRONSOLVE_PETSC(
        EPSMonitorSet(eps.get(), monitor, const_cast<EngineEigh<Scalar>*>(&problem), nullptr));
  if (problem.restarted && problem.solver == EngineSolver::krylov_schur)
    KRONSOLVE_PETSC(
        EPSMonitorSet(eps.get(), restarted, const_cast<EngineEigh<Scalar>*>(&problem), nullptr));
  KRONSOLVE_PETSC(EPSSetFromOptions(eps.get()));
  KRONSOLVE_PETSC(EPSSolve(eps.get()));
  auto found = collect(eps.get(), problem);
  note_limit(test, found);
  return found;
}

}  // namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE
