#pragma once

#include <kronsolve/solvers/engine.hpp>

#include "solvers/engine_petsc/petsc_scalar.hpp"

namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE {

/// Eigenvalues below each shift, by the inertia of L D L^T factors. Collective; real builds only.
std::vector<index_t> count_by_inertia(const Comm& comm, const Lazy<Scalar>& rows,
                                      const RowPartition& partition,
                                      std::span<const double> shifts);
/// A x = b by LU. Collective.
DistributedVectors<Scalar> solve_direct(const Comm& comm, const Lazy<Scalar>& rows,
                                        const DistributedVectors<Scalar>& b, Factors factors);
/// exp(t A) v by SLEPc's MFN. Collective.
EngineExponential<Scalar> exponentiate(const LinearMap<Scalar>& map, Scalar t,
                                       std::span<const Scalar> v, double tol, index_t max_products);

}  // namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE
