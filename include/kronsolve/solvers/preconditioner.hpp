#pragma once

#include <string_view>

#include <kronsolve/export.hpp>

namespace kronsolve {

/// What PETSc's Krylov methods multiply residuals with. jacobi: the inverse of the diagonal;
/// block_jacobi: incomplete factors, ILU(0), of each rank's own diagonal block; multigrid:
/// smoothed aggregation (GAMG). The last two store the matrix a second time, as PETSc does.
/// automatic: chosen by the call, which says what.
enum class Preconditioner { automatic, none, jacobi, block_jacobi, multigrid };

KRONSOLVE_EXPORT std::string_view to_string(Preconditioner);

}  // namespace kronsolve
