#include "solvers/engine_petsc/matrices.hpp"

#include <algorithm>
#include <vector>

namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE {

namespace {

PetscErrorCode shell_product(Mat matrix, Vec x, Vec y) noexcept {
  return guarded([&] {
    void* context = nullptr;
    KRONSOLVE_PETSC(MatShellGetContext(matrix, &context));
    const ReadArray in(x);
    WriteArray out(y);
    static_cast<const LinearMap<Scalar>*>(context)->apply(in.span(), out.span());
  });
}

/// Rows handed over at a time.
constexpr index_t piece_rows = 1 << 14;

template <class F>
void for_each_piece(const Lazy<Scalar>& rows, RowRange owned, F&& f) {
  for (index_t begin = owned.begin; begin < owned.end; begin += piece_rows)
    f(rows.build({begin, std::min(owned.end, begin + piece_rows)}));
}

void declare(Mat matrix, Symmetry symmetry) {
  if (symmetry == Symmetry::none) return;
  KRONSOLVE_PETSC(MatSetOption(matrix, MAT_HERMITIAN, PETSC_TRUE));
  if constexpr (!is_complex<Scalar>)
    KRONSOLVE_PETSC(MatSetOption(matrix, MAT_SYMMETRIC, PETSC_TRUE));
}

}  // namespace

MatHandle shell(const LinearMap<Scalar>& map, Symmetry symmetry) {
  const auto local = narrow<PetscInt>(map.row_range().size(), "rows of one rank for PETSc");
  const auto n = narrow<PetscInt>(map.rows(), "rows for PETSc");
  MatHandle matrix;
  // PETSc gives contexts back as void*; shell_product takes it as const again.
  KRONSOLVE_PETSC(MatCreateShell(map.comm().handle(), local, local, n, n,
                                 const_cast<LinearMap<Scalar>*>(&map), matrix.out()));
  KRONSOLVE_PETSC(
      MatShellSetOperation(matrix.get(), MATOP_MULT, reinterpret_cast<void (*)()>(shell_product)));
  declare(matrix.get(), symmetry);
  return matrix;
}

MatHandle stored(const Comm& comm, const Lazy<Scalar>& rows, const RowPartition& partition,
                 Symmetry symmetry) {
  const RowRange owned = partition.range(comm.rank());
  const auto local = narrow<PetscInt>(owned.size(), "rows of one rank for PETSc");
  const auto n = narrow<PetscInt>(rows.rows(), "rows for PETSc");
  std::vector<PetscInt> diagonal(static_cast<std::size_t>(local)),
      off(static_cast<std::size_t>(local));
  index_t entries = 0;
  comm.agree([&] {
    for_each_piece(rows, owned, [&](const CsrRows<Scalar>& piece) {
      for (index_t i = piece.range.begin; i < piece.range.end; ++i) {
        const auto at = static_cast<std::size_t>(i - owned.begin);
        bool has_diagonal = false;
        for (const index_t j : piece.row_columns(i)) {
          ++(owned.contains(j) ? diagonal : off)[at];
          has_diagonal = has_diagonal || i == j;
        }
        if (!has_diagonal) ++diagonal[at];  // a shift needs a place on the diagonal
      }
      entries += piece.entries() + piece.range.size();
    });
    (void)narrow<PetscInt>(entries, "entries of one rank for PETSc");
  });
  MatHandle matrix;
  KRONSOLVE_PETSC(MatCreate(comm.handle(), matrix.out()));
  KRONSOLVE_PETSC(MatSetSizes(matrix.get(), local, local, n, n));
  KRONSOLVE_PETSC(MatSetType(matrix.get(), MATAIJ));
  KRONSOLVE_PETSC(MatSeqAIJSetPreallocation(matrix.get(), 0, diagonal.data()));
  KRONSOLVE_PETSC(MatMPIAIJSetPreallocation(matrix.get(), 0, diagonal.data(), 0, off.data()));
  KRONSOLVE_PETSC(MatSetOption(matrix.get(), MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_TRUE));
  std::vector<PetscInt> columns;
  comm.agree([&] {
    for_each_piece(rows, owned, [&](const CsrRows<Scalar>& piece) {
      for (index_t i = piece.range.begin; i < piece.range.end; ++i) {
        const auto row = static_cast<PetscInt>(i);
        const auto from = piece.row_columns(i);
        columns.assign(from.begin(), from.end());
        const Scalar zero = 0;  // the place on the diagonal; the row's own value comes after
        KRONSOLVE_PETSC(MatSetValues(matrix.get(), 1, &row, 1, &row, &zero, INSERT_VALUES));
        KRONSOLVE_PETSC(MatSetValues(matrix.get(), 1, &row, static_cast<PetscInt>(columns.size()),
                                     columns.data(), piece.row_values(i).data(), INSERT_VALUES));
      }
    });
  });
  KRONSOLVE_PETSC(MatAssemblyBegin(matrix.get(), MAT_FINAL_ASSEMBLY));
  KRONSOLVE_PETSC(MatAssemblyEnd(matrix.get(), MAT_FINAL_ASSEMBLY));
  declare(matrix.get(), symmetry);
  return matrix;
}

MatHandle diagonal(const Comm& comm, const RowPartition& partition,
                   std::span<const Scalar> entries) {
  const RowRange owned = partition.range(comm.rank());
  const auto local = narrow<PetscInt>(owned.size(), "rows of one rank for PETSc");
  const auto n = narrow<PetscInt>(partition.rows(), "rows for PETSc");
  KRONSOLVE_ASSERT(static_cast<index_t>(entries.size()) == owned.size());
  MatHandle matrix;
  KRONSOLVE_PETSC(
      MatCreateAIJ(comm.handle(), local, local, n, n, 1, nullptr, 0, nullptr, matrix.out()));
  for (PetscInt i = 0; i < local; ++i)
    KRONSOLVE_PETSC(MatSetValue(matrix.get(), static_cast<PetscInt>(owned.begin) + i,
                                static_cast<PetscInt>(owned.begin) + i,
                                entries[static_cast<std::size_t>(i)], INSERT_VALUES));
  KRONSOLVE_PETSC(MatAssemblyBegin(matrix.get(), MAT_FINAL_ASSEMBLY));
  KRONSOLVE_PETSC(MatAssemblyEnd(matrix.get(), MAT_FINAL_ASSEMBLY));
  return matrix;
}

PCType pc_type(Preconditioner preconditioner) {
  switch (preconditioner) {
    case Preconditioner::jacobi:
      return PCJACOBI;
    case Preconditioner::block_jacobi:
      return PCBJACOBI;
    case Preconditioner::multigrid:
      return PCGAMG;
    default:
      return PCNONE;
  }
}

VecHandle vector(const Comm& comm, RowRange owned, index_t rows) {
  VecHandle vec;
  KRONSOLVE_PETSC(VecCreateMPI(comm.handle(),
                               narrow<PetscInt>(owned.size(), "rows of one rank for PETSc"),
                               narrow<PetscInt>(rows, "rows for PETSc"), vec.out()));
  return vec;
}

void copy_to(Vec to, std::span<const Scalar> from) {
  WriteArray out(to);
  std::copy(from.begin(), from.end(), out.span().begin());
}

void copy_from(Vec from, std::span<Scalar> to) {
  const ReadArray in(from);
  std::copy(in.span().begin(), in.span().end(), to.begin());
}

}  // namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE
