// What somebody writes who has PETSc and SLEPc and an afternoon: the ground state of the periodic
// Heisenberg chain by plain loops over bits, MatSetValues and EPSSolve. The yardstick of
// engine_comparison.
//
// mpirun -n 2 handwritten_slepc 20
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <slepceps.h>

int main(int argc, char** argv) {
  PetscCall(SlepcInitialize(&argc, &argv, nullptr, nullptr));
  const int sites = argc > 1 ? std::atoi(argv[1]) : 20;
  const PetscInt n = PetscInt{1} << sites;
  Mat h;
  PetscInt begin = 0, end = 0;
  const double started = MPI_Wtime();
  PetscCall(MatCreate(PETSC_COMM_WORLD, &h));
  PetscCall(MatSetSizes(h, PETSC_DECIDE, PETSC_DECIDE, n, n));
  PetscCall(MatSetType(h, MATAIJ));
  PetscCall(MatMPIAIJSetPreallocation(h, sites + 1, nullptr, sites + 1, nullptr));
  PetscCall(MatSeqAIJSetPreallocation(h, sites + 1, nullptr));
  PetscCall(MatGetOwnershipRange(h, &begin, &end));
  for (PetscInt row = begin; row < end; ++row) {
    PetscScalar diagonal = 0;
    for (int i = 0; i < sites; ++i) {
      const int j = (i + 1) % sites;
      const PetscInt a = row >> i & 1, b = row >> j & 1;
      if (a == b) {
        diagonal += 0.25;
      } else {
        diagonal -= 0.25;
        PetscCall(
            MatSetValue(h, row, row ^ (PetscInt{1} << i | PetscInt{1} << j), 0.5, INSERT_VALUES));
      }
    }
    PetscCall(MatSetValue(h, row, row, diagonal, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(h, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(h, MAT_FINAL_ASSEMBLY));
  const double built = MPI_Wtime();

  EPS eps;
  PetscCall(EPSCreate(PETSC_COMM_WORLD, &eps));
  PetscCall(EPSSetOperators(eps, h, nullptr));
  PetscCall(EPSSetProblemType(eps, EPS_HEP));
  PetscCall(EPSSetWhichEigenpairs(eps, EPS_SMALLEST_REAL));
  PetscCall(EPSSetTolerances(eps, 1e-10, PETSC_DEFAULT));
  PetscCall(EPSSetFromOptions(eps));
  PetscCall(EPSSolve(eps));
  PetscScalar value = 0;
  PetscReal residual = 0;
  PetscInt iterations = 0;
  PetscCall(EPSGetEigenvalue(eps, 0, &value, nullptr));
  PetscCall(EPSComputeError(eps, 0, EPS_ERROR_ABSOLUTE, &residual));
  PetscCall(EPSGetIterationNumber(eps, &iterations));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                        "{\"case\": \"handwritten\", \"sites\": %d, \"energy\": %.14f, "
                        "\"residual\": %.1e, \"iterations\": "
                        "%d, \"seconds\": {\"setup\": %.3f, \"solve\": %.3f}}\n",
                        sites, double(PetscRealPart(value)), double(residual), int(iterations),
                        built - started, MPI_Wtime() - built));
  PetscCall(EPSDestroy(&eps));
  PetscCall(MatDestroy(&h));
  PetscCall(SlepcFinalize());
  return 0;
}
