#pragma once

#include <string>

#include <kronsolve/solvers/solve.hpp>

namespace kronsolve::linear {

/// What is wrong with the combination of method, source and preconditioner, if anything. Local.
/// @param has_rows  the matrix can be built, not only multiplied with
/// @throws InvalidArgument
void check_krylov(const SolveOptions& options, bool has_rows);

/// True if PETSc's methods are to be taken.
bool wants_petsc(const SolveOptions& options);

/// A x = b by cg, minres or gmres of PETSc; the true residual decides, what is left of an equation
/// is solved again while that gains. Arguments are checked. Collective.
/// @param rows  of the matrix, where they can be built
template <Scalar T>
SolveResult<T> solve_by_petsc(const LinearMap<T>& a, const Lazy<T>* rows,
                              const DistributedVectors<T>& b, const SolveOptions& options,
                              SolveMethod method, const std::string& why);

}  // namespace kronsolve::linear
