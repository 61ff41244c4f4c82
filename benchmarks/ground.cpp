// Ground states by the Lanczos solver on the Kronecker-block product; one JSON line a case.
//
//   benchmark_ground [--energy-only] [--tol T] [--expect E] CASE N SECTOR [CASE N SECTOR ...]
// under mpirun as well. Exit code 1 if a case does not converge or misses --expect by more than
// 1e-9. Threads: KRONSOLVE_NUM_THREADS.

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/matrix_free.hpp>
#include <kronsolve/solvers/lanczos.hpp>

#include "cases.hpp"
#include "clock.hpp"

namespace kronsolve::bench {
namespace {

template <Scalar T>
bool measure(const Comm& comm, const Case& c, const LanczosOptions& options,
             std::optional<double> expected) {
  const double start = now();
  const auto map = make_matrix_free<T>(comm, c.h);
  const double setup = now() - start;
  const auto result = lanczos(*map, options);
  const double seconds = now() - start;
  const double energy = result.eigenvalues.empty() ? std::nan("") : result.eigenvalues[0];
  const double residual = result.residuals.empty() ? std::nan("") : result.residuals[0];
  const index_t peak = comm.all_reduce(peak_resident_memory());
  const double vector = double(map->rows()) * sizeof(T);
  constexpr double close = 1e-9;
  const bool right = !expected || std::abs(energy - *expected) <= close;
  if (comm.is_root()) {
    std::printf(
        "{\"case\":\"%s\",\"dimension\":%lld,\"scalar\":\"%s\",\"ranks\":%d,\"threads\":%d,"
        "\"energy\":%.15g,"
        "\"residual\":%.3e,\"residual_kind\":\"%s\",\"converged\":%s,\"products\":%lld,\"setup\":%."
        "4f,\"seconds\":%.4f,"
        "\"peak_rss_bytes\":%lld,\"peak_over_vector\":%.3f}\n",
        c.name.c_str(), static_cast<long long>(map->rows()),
        std::string(to_string(scalar_kind<T>)).c_str(), comm.size(), num_threads(), energy,
        residual, std::string(to_string(result.residual_kind)).c_str(),
        result.converged ? "true" : "false", static_cast<long long>(result.products), setup,
        seconds, static_cast<long long>(peak), double(peak) / vector);
    std::fflush(stdout);
    if (!right)
      std::fprintf(stderr, "%s: energy %.15g, expected %.15g\n", c.name.c_str(), energy, *expected);
  }
  return right && result.converged;
}

int run(int argc, char** argv) {
  std::unique_ptr<Environment> environment;
  if (launched_by_mpi()) environment = std::make_unique<Environment>();
  const Comm comm = environment ? Comm::world() : Comm::serial();
  LanczosOptions options;
  std::optional<double> expected;
  int at = 1;
  for (; at < argc && argv[at][0] == '-'; ++at) {
    if (std::strcmp(argv[at], "--energy-only") == 0) options.vectors = Eigenvectors::skip;
    if (std::strcmp(argv[at], "--tol") == 0 && at + 1 < argc) options.tol = std::atof(argv[++at]);
    if (std::strcmp(argv[at], "--expect") == 0 && at + 1 < argc) expected = std::atof(argv[++at]);
  }
  bool fine = true;
  for (; at + 2 < argc; at += 3) {
    const Case c = make_case(comm, argv[at], std::atoi(argv[at + 1]), argv[at + 2]);
    visit_scalar(c.h.op.scalar(),
                 [&]<Scalar T>() { fine = measure<T>(comm, c, options, expected) && fine; });
  }
  return fine ? 0 : 1;
}

}  // namespace
}  // namespace kronsolve::bench

int main(int argc, char** argv) {
  try {
    return kronsolve::bench::run(argc, argv);
  } catch (const kronsolve::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
