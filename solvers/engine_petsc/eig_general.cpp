#include "solvers/engine_petsc/eig_general.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "solvers/engine_petsc/eps_setup.hpp"
#include "solvers/engine_petsc/matrices.hpp"
#include "solvers/engine_petsc/petsc_call.hpp"

namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE {

namespace {

/// Larger (or smaller) modulus of the imaginary part first; SLEPc's own orders take its sign in
/// complex builds.
template <int Sign>
PetscErrorCode by_imaginary_part(PetscScalar a, PetscScalar a_imaginary, PetscScalar b,
                                 PetscScalar b_imaginary, PetscInt* result, void*) noexcept {
  const auto size = []([[maybe_unused]] PetscScalar real, [[maybe_unused]] PetscScalar imaginary) {
    return is_complex<Scalar> ? std::abs(PetscImaginaryPart(real))
                              : std::abs(PetscRealPart(imaginary));
  };
  const double x = size(a, a_imaginary), y = size(b, b_imaginary);
  *result = x == y ? 0 : (x > y) == (Sign > 0) ? -1 : 1;
  return 0;
}

EPSWhich slepc_which(EigWhich which) {
  switch (which) {
    case EigWhich::SM:
      return EPS_SMALLEST_MAGNITUDE;
    case EigWhich::LR:
      return EPS_LARGEST_REAL;
    case EigWhich::SR:
      return EPS_SMALLEST_REAL;
    case EigWhich::LI:
    case EigWhich::SI:
      return EPS_WHICH_USER;
    case EigWhich::TM:
      return EPS_TARGET_MAGNITUDE;
    case EigWhich::LM:
      break;
  }
  return EPS_LARGEST_MAGNITUDE;
}

void set_which(EPS eps, EigWhich which) {
  if (which == EigWhich::LI)
    KRONSOLVE_PETSC(EPSSetEigenvalueComparison(eps, by_imaginary_part<1>, nullptr));
  if (which == EigWhich::SI)
    KRONSOLVE_PETSC(EPSSetEigenvalueComparison(eps, by_imaginary_part<-1>, nullptr));
  KRONSOLVE_PETSC(EPSSetWhichEigenpairs(eps, slepc_which(which)));
}

/// Column j as complex numbers, norm 1. In a real build x is given as two real vectors.
void join(std::span<const Scalar> real, std::span<const Scalar> imaginary,
          std::span<std::complex<double>> x) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    if constexpr (is_complex<Scalar>)
      x[i] = real[i];
    else
      x[i] = std::complex<double>(real_part(real[i]), real_part(imaginary[i]));
  }
}

EngineGeneralPairs collect(EPS eps, const EngineEig<Scalar>& problem) {
  const auto& map = *problem.map;
  PetscInt converged = 0, iterations = 0;
  EPSConvergedReason reason{};
  KRONSOLVE_PETSC(EPSGetConverged(eps, &converged));
  KRONSOLVE_PETSC(EPSGetIterationNumber(eps, &iterations));
  KRONSOLVE_PETSC(EPSGetConvergedReason(eps, &reason));
  const auto count = std::min<index_t>(problem.k, converged);
  EngineGeneralPairs found;
  found.vectors =
      DistributedVectors<std::complex<double>>(map.row_partition(), map.comm().rank(), count);
  found.iterations = iterations;
  found.reason = converged >= problem.k ? "all pairs within tolerance" : reason_text(reason);
  if (problem.sigma) found.solves = count_solves(eps);
  const VecHandle xr = vector(map.comm(), map.row_range(), map.rows());
  const VecHandle xi = vector(map.comm(), map.row_range(), map.rows());
  for (index_t i = 0; i < count; ++i) {
    Scalar real{}, imaginary{};
    KRONSOLVE_PETSC(
        EPSGetEigenpair(eps, static_cast<PetscInt>(i), &real, &imaginary, xr.get(), xi.get()));
    if constexpr (is_complex<Scalar>)
      found.values.push_back(real);
    else
      found.values.emplace_back(real, imaginary);
    const ReadArray a(xr.get()), b(xi.get());
    join(a.span(), b.span(), found.vectors.column(i));
  }
  return found;
}

}  // namespace

EngineGeneralPairs solve_general(const EngineEig<Scalar>& problem) {
  const auto& map = *problem.map;
  const OptionsScope options(problem.petsc_options);
  const MatHandle matrix =
      problem.sigma ? stored(map.comm(), *problem.rows, map.row_partition(), Symmetry::none)
                    : shell(map, Symmetry::none);
  const VecHandle start = vector(map.comm(), map.row_range(), map.rows());
  copy_to(start.get(), problem.start);
  EpsHandle eps;
  KRONSOLVE_PETSC(EPSCreate(map.comm().handle(), eps.out()));
  KRONSOLVE_PETSC(EPSSetOperators(eps.get(), matrix.get(), nullptr));
  KRONSOLVE_PETSC(EPSSetProblemType(eps.get(), EPS_NHEP));
  KRONSOLVE_PETSC(EPSSetType(eps.get(), EPSKRYLOVSCHUR));
  if (problem.sigma)
    use_factorisation(eps.get(), from_complex<Scalar>(*problem.sigma), false, Factors::automatic);
  else
    set_which(eps.get(), problem.which);
  EpsTest test;
  set_limits(eps.get(),
             {problem.k, problem.ncv, problem.max_iterations, problem.tol, problem.scale},
             start.get(), test);
  KRONSOLVE_PETSC(EPSSetFromOptions(eps.get()));
  KRONSOLVE_PETSC(EPSSolve(eps.get()));
  auto found = collect(eps.get(), problem);
  note_limit(test, found);
  return found;
}

}  // namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE
