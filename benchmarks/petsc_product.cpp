// The product of PETSc with the stored matrix of the periodic Heisenberg chain, beside ours without
// one, in one run on the same ranks: what "faster than the assembled product" means.
//
// usage: mpirun -n 2 petsc_product SITES full|sz=0

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
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/matrix_free.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/rows.hpp>

namespace {

using namespace kronsolve;

SectorOperator heisenberg_ring(int sites, bool full) {
  ModelOptions options;
  options.sites = sites;
  options.cyclic = Cyclic::all;
  OpSum op = make_model("heisenberg", options).op;
  if (full) return on_full_space(std::move(op));
  auto basis =
      std::make_shared<const ChargeBasis>(op.spaces(), std::vector{Charge::sz(op.spaces(), 0)});
  return {std::move(op), std::move(basis)};
}

/// The owned rows as a PETSc matrix.
Mat petsc_matrix(const SectorOperator& h, RowRange owned) {
  const auto rows = build_rows<double>(h.op, *h.basis, owned);
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

int run(int sites, bool full) {
  const Comm comm = Comm::world();
  const auto h = heisenberg_ring(sites, full);
  const RowRange owned = h.basis->partition(comm.size()).range(comm.rank());
  const auto map = make_matrix_free<double>(comm, h);
  Mat matrix = petsc_matrix(h, owned);
  Vec x = nullptr, y = nullptr;
  MatCreateVecs(matrix, &x, &y);
  Buffer<double> in(owned.size(), Placement::node), out(owned.size());
  fill_normal(in.span(), owned, 1);
  PetscScalar* values = nullptr;
  VecGetArray(x, &values);
  std::copy(in.data(), in.data() + in.size(), values);
  VecRestoreArray(x, &values);

  const double ours = best_seconds(comm, [&] { map->apply(in.span(), out.span()); });
  const double petsc = best_seconds(comm, [&] { MatMult(matrix, x, y); });

  const PetscScalar* theirs = nullptr;
  VecGetArrayRead(y, &theirs);
  double worst = 0;
  for (index_t i = 0; i < out.size(); ++i) worst = std::max(worst, std::abs(out[i] - theirs[i]));
  VecRestoreArrayRead(y, &theirs);
  worst = comm.all_reduce(worst, Reduce::max);
  if (comm.is_root())
    std::printf(
        "{\"case\":\"heisenberg N=%d "
        "%s\",\"ranks\":%d,\"product\":%.6f,\"petsc\":%.6f,\"faster_than_petsc\":%.2f,"
        "\"difference\":%.1e}\n",
        sites, full ? "full" : "sz=0", comm.size(), ours, petsc, petsc / ours, worst);
  VecDestroy(&x);
  VecDestroy(&y);
  MatDestroy(&matrix);
  return worst < 1e-11 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: petsc_product SITES full|sz=0\n", stderr);
    return 2;
  }
  kronsolve::Environment environment;
  PetscInitialize(nullptr, nullptr, nullptr, nullptr);
  kronsolve::set_threads(1);
  const int status = run(std::atoi(argv[1]), std::string(argv[2]) == "full");
  PetscFinalize();
  return status;
}
