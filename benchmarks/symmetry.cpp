// What a symmetry sector costs: listing it and building its rows, for the periodic Heisenberg
// chain.
//
//     benchmark_symmetry [SITES [THREADS [CONDITION ...]]]      default: 24 sites, sz=0 momentum=0
//     reflection=1 spinflip=1
//
// One JSON line. The number of states is checked against Burnside's formula by the library itself.

#include <cstdio>
#include <cstdlib>
#include <exception>

#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/rows.hpp>
#include <kronsolve/operators/sectors.hpp>

#include "clock.hpp"

namespace {

using namespace kronsolve;
using bench::now;

int run(int argc, char** argv) {
  const int sites = argc > 1 ? std::atoi(argv[1]) : 24;
  if (argc > 2) set_threads(std::atoi(argv[2]));
  std::vector<std::string> conditions = {"sz=0", "momentum=0", "reflection=1", "spinflip=1"};
  if (argc > 3) conditions.assign(argv + 3, argv + argc);
  const Model model = make_model("heisenberg", {.sites = sites, .cyclic = Cyclic::all});

  const double begin = now();
  const Sector sector = parse_sector(model.op.spaces(), model.lattice, conditions);
  const index_t size = sector_size(sector);
  const double counted = now();
  const Comm comm;
  const SectorOperator h = in_sector(comm, model.op, sector);
  const double listed = now();
  index_t entries = 0;
  if (h.scalar() == ScalarKind::real)
    entries = build_rows<double>(h.op, *h.basis, {0, size}).entries();
  else
    entries = build_rows<std::complex<double>>(h.op, *h.basis, {0, size}).entries();
  const double built = now();
  std::printf(
      "{\"benchmark\": \"symmetry\", \"sites\": %d, \"n\": %lld, \"nnz\": %lld, \"threads\": %d, "
      "\"size_seconds\": %.4g, "
      "\"basis_seconds\": %.4g, \"rows_seconds\": %.4g, \"peak_rss_bytes\": %lld}\n",
      sites, static_cast<long long>(size), static_cast<long long>(entries), num_threads(),
      counted - begin, listed - counted, built - listed,
      static_cast<long long>(peak_resident_memory()));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
