#pragma once

#include <string_view>

#include <kronsolve/export.hpp>

namespace kronsolve {

/// Packages that factorise in parallel. mumps: L D L^T of real symmetric matrices, L U of others,
/// and inertia; superlu_dist: L U of every matrix. automatic: MUMPS where PETSc has it.
enum class Factors { automatic, mumps, superlu_dist };

KRONSOLVE_EXPORT std::string_view to_string(Factors);

}  // namespace kronsolve
