#pragma once
// Our maps and rows as PETSc matrices.

#include <kronsolve/operators/lazy.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/solvers/preconditioner.hpp>

#include "solvers/engine_petsc/petsc_call.hpp"

namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE {

enum class Symmetry { none, hermitian };

/// A square matrix whose product is `map`'s. The map must outlive it.
MatHandle shell(const LinearMap<Scalar>& map, Symmetry symmetry);

/// A matrix stored by PETSc, for factorisations: rows dealt by `partition`, every array allocated
/// at its exact size (the rows are built twice, the first time to be counted). Collective.
MatHandle stored(const Comm& comm, const Lazy<Scalar>& rows, const RowPartition& partition,
                 Symmetry symmetry);

/// A stored diagonal matrix.
/// @param entries  owned ones
MatHandle diagonal(const Comm& comm, const RowPartition& partition,
                   std::span<const Scalar> entries);

/// PETSc's name of a preconditioner.
PCType pc_type(Preconditioner preconditioner);

/// A vector dealt as `rows`; zero.
VecHandle vector(const Comm& comm, RowRange owned, index_t rows);
void copy_to(Vec to, std::span<const Scalar> from);
void copy_from(Vec from, std::span<Scalar> to);

}  // namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE
