// The product of PETSc with the stored matrix beside ours without one, in one run on the same
// ranks: what "faster than the assembled product" means. Checks one against the other first; one
// JSON line a case.
//
//   mpirun -n 2 petsc_product CASE N SECTOR [CASE N SECTOR ...]
// Compiled for each PETSc there is; cases of the other scalar are left out.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <petscmat.h>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/random.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/matrix_free.hpp>
#include <kronsolve/operators/rows.hpp>

#include "cases.hpp"

namespace {

using namespace kronsolve;

using T = PetscScalar;

/// The owned rows as a PETSc matrix.
Mat petsc_matrix(const SectorOperator& h, RowRange owned) {
  const auto rows = build_rows<T>(h.op, *h.basis, owned);
  const std::vector<PetscInt> offsets(rows.offsets.begin(), rows.offsets.end());
  const std::vector<PetscInt> columns(rows.columns.begin(), rows.columns.end());
  Mat matrix = nullptr;
  MatCreateMPIAIJWithArrays(PETSC_COMM_WORLD, static_cast<PetscInt>(owned.size()),
                            static_cast<PetscInt>(owned.size()), PETSC_DETERMINE, PETSC_DETERMINE,
                            offsets.data(), columns.data(), rows.values.data(), &matrix);
  return matrix;
}

/// Best time of a few repetitions, the slowest rank's.
template <class F>
double best_seconds(const Comm& comm, const F& f) {
  double best = 1e300;
  for (int repeat = 0; repeat < 8; ++repeat) {
    comm.barrier();
    const auto begin = std::chrono::steady_clock::now();
    f();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    best = std::min(best, comm.all_reduce(took.count(), Reduce::max));
  }
  return best;
}

/// False if the products differ.
bool measure(const Comm& comm, const bench::Case& c) {
  const RowRange owned = c.h.basis->partition(comm.size()).range(comm.rank());
  const auto map = make_matrix_free<T>(comm, c.h);
  Mat matrix = petsc_matrix(c.h, owned);
  Vec x = nullptr, y = nullptr;
  MatCreateVecs(matrix, &x, &y);
  Buffer<T> in(owned.size(), vector_placement(comm)), out(owned.size());
  fill_normal(in.span(), owned, 1);
  PetscScalar* values = nullptr;
  VecGetArray(x, &values);
  std::copy(in.data(), in.data() + in.size(), values);
  VecRestoreArray(x, &values);

  const double ours = best_seconds(comm, [&] { map->apply(in.span(), out.span()); });
  const double petsc = best_seconds(comm, [&] { MatMult(matrix, x, y); });

  const PetscScalar* theirs = nullptr;
  VecGetArrayRead(y, &theirs);
  double difference = 0, size = 0;
  for (index_t i = 0; i < out.size(); ++i) {
    difference += norm_squared(out[i] - theirs[i]);
    size += norm_squared(theirs[i]);
  }
  VecRestoreArrayRead(y, &theirs);
  difference = std::sqrt(comm.all_reduce(difference) / comm.all_reduce(size));
  if (comm.is_root()) {
    std::printf(
        "{\"case\":\"%s\",\"dimension\":%lld,\"scalar\":\"%s\",\"ranks\":%d,\"threads\":%d,"
        "\"product\":%.6f,\"petsc\":%.6f,\"faster_than_petsc\":%.2f,\"difference\":%.1e}\n",
        c.name.c_str(), static_cast<long long>(map->rows()),
        std::string(to_string(scalar_kind<T>)).c_str(), comm.size(), num_threads(), ours, petsc,
        petsc / ours, difference);
    std::fflush(stdout);
  }
  VecDestroy(&x);
  VecDestroy(&y);
  MatDestroy(&matrix);
  return difference < 1e-12;
}

int run(int argc, char** argv) {
  const Comm comm = Comm::world();
  bool right = true;
  for (int at = 1; at + 2 < argc; at += 3) {
    const bench::Case c = bench::make_case(comm, argv[at], std::atoi(argv[at + 1]), argv[at + 2]);
    if (c.h.op.scalar() != scalar_kind<T>) continue;
    right = measure(comm, c) && right;
  }
  return right ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  kronsolve::Environment environment;
  PetscInitialize(nullptr, nullptr, nullptr, nullptr);
  int status = 1;
  try {
    status = run(argc, argv);
  } catch (const kronsolve::Error& error) {
    std::fprintf(stderr, "petsc_product: %s\n", error.what());
    kronsolve::Environment::abort(1);
  }
  PetscFinalize();
  return status;
}
