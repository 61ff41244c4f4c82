// Ground-state energies of the XXZ ring for several anisotropies, one task each, and of a larger
// ring as one distributed solve: a sweep with `map`. Written once, it prints the same as a plain
// process, as ranks of a job with one master, and with every rank running main:
//
//   ./sweep
//   mpirun -n 3 ./sweep
//   KRONSOLVE_MODE=syncro mpirun -n 3 ./sweep
//   srun --mpi=pmix -n 3 ./sweep
//
// prints
//   delta -1.0  energy -3.0000000000
//   delta -0.5  energy -3.3226934940
//   delta  0.0  energy -3.8637033052
//   delta  0.5  energy -4.5572724408
//   delta  1.0  energy -5.3873909174
//   16 sites    energy -7.1422963606

#include <cstdio>
#include <vector>

#include <kronsolve/operators/models.hpp>
#include <kronsolve/session.hpp>

int main() {
  using namespace kronsolve;
  Session session;
  const std::vector<double> deltas = {-1.0, -0.5, 0.0, 0.5, 1.0};

  auto energies = session.pool().map(
      [](double delta) {
        const auto model =
            make_model("xxz", {.sites = 12, .cyclic = Cyclic::all, .params = {{"delta", delta}}});
        return eigh(Comm::serial(), model.op).eigenvalues.front();
      },
      deltas);
  std::size_t i = 0;
  for (const double e : energies) {
    if (session.is_root()) std::printf("delta %4.1f  energy %.10f\n", deltas[i], e);
    ++i;
  }

  const auto ring = make_model("heisenberg", {.sites = 16, .cyclic = Cyclic::all});
  const auto large = session.eigh(ring.op, {}, {.workers = session.default_workers()});
  if (session.is_root())
    std::printf("16 sites    energy %.10f\n", large.result.require_converged().eigenvalues.front());
  return 0;
}
