// The periodic Heisenberg chain through this library, whole process, for engine_comparison; and the
// building blocks of it: rows against products, memory a rank.
//
// mpirun -n 2 engine_heisenberg 20 ground slepc assembled    one solve
// mpirun -n 2 engine_heisenberg 20 rows                      rows generated, in products with the
// stored matrix mpirun -n 4 engine_heisenberg 20 memory                    what the largest rank
// holds, in quarters of the matrix
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/random.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/assembled_map.hpp>
#include <kronsolve/operators/rows.hpp>
#include <kronsolve/solvers/eigh.hpp>

#include "clock.hpp"

namespace {

using namespace kronsolve;
using bench::now;

OpSum chain(int sites) {
  OpSum h(sites);
  for (int i = 0; i < sites; ++i) {
    const int j = (i + 1) % sites;
    h.add(1, {{"Sz", i}, {"Sz", j}})
        .add(0.5, {{"S+", i}, {"S-", j}})
        .add(0.5, {{"S-", i}, {"S+", j}});
  }
  return h;
}

/// Ends the run if an answer is wrong: what is fast and wrong is not measured.
void require(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "engine_heisenberg: %s is wrong\n", what);
  Environment::abort(1);
}

const std::map<int, double> exact = {{12, -5.3873909174452059},
                                     {16, -7.1422963606167799},
                                     {18, -8.0227490870337570},
                                     {20, -8.9043865298764423},
                                     {24, -10.670014516537236}};

void ground(const Comm& comm, int sites, const std::string& method, const std::string& form) {
  EighOptions options;
  for (const Method m : {Method::automatic, Method::slepc, Method::lanczos})
    if (to_string(m) == method) options.method = m;
  for (const OperatorForm f :
       {OperatorForm::automatic, OperatorForm::assembled, OperatorForm::matrix_free})
    if (to_string(f) == form) options.form = f;
  const auto result = eigh(comm, chain(sites), options);
  if (const auto known = exact.find(sites); known != exact.end())
    require(std::abs(result.eigenvalues[0] - known->second) < 1e-10, "the energy");
  require(result.converged, "the residual");
  const auto peak = comm.all_reduce(peak_resident_memory(), Reduce::max);
  const auto total = comm.all_reduce(peak_resident_memory());
  if (comm.is_root())
    std::printf(
        "{\"case\": \"kronsolve\", \"sites\": %d, \"ranks\": %d, \"threads\": %d, \"method\": "
        "\"%s\", \"operator\": "
        "\"%s\", \"energy\": %.14f, \"residual\": %.1e, \"products\": %ld, \"seconds\": "
        "{\"setup\": %.3f, \"solve\": "
        "%.3f}, \"peak_rss_rank_bytes\": %ld, \"peak_rss_bytes\": %ld, \"memory_estimate_bytes\": "
        "%ld}\n",
        sites, comm.size(), num_threads(), std::string(to_string(result.method)).c_str(),
        std::string(to_string(result.form)).c_str(), result.eigenvalues[0], result.residuals[0],
        long(result.products), result.setup_seconds, result.solve_seconds, long(peak), long(total),
        long(result.memory_estimate_bytes));
}

/// Seconds of the fastest of a few runs, of the slowest rank.
template <class F>
double fastest(const Comm& comm, int runs, F&& f) {
  double best = 1e300;
  for (int r = 0; r < runs; ++r) {
    comm.barrier();
    const double began = now();
    f();
    best = std::min(best, comm.all_reduce(now() - began, Reduce::max));
  }
  return best;
}

void rows(const Comm& comm, int sites) {
  const auto h = on_full_space(chain(sites));
  const auto lazy = make_lazy<double>(h);
  const RowPartition partition = h.basis->partition(comm.size());
  const RowRange owned = partition.range(comm.rank());
  const AssembledMap<double> map(comm, lazy, partition);
  std::vector<double> x(static_cast<std::size_t>(owned.size())), y(x.size());
  // The sum of the couplings on the fully polarised state checks matrix and product: H |up ... up>
  // = N/4 |up ... up>.
  if (owned.contains(0)) x[0] = 1;
  map.apply(x, y);
  double off = 0;
  for (std::size_t i = 0; i < x.size(); ++i) off += std::abs(y[i] - 0.25 * sites * x[i]);
  require(comm.all_reduce(off) < 1e-12, "the product");
  fill_normal(std::span(x), owned, 1);
  const double product = fastest(comm, 10, [&] { map.apply(x, y); });
  const double generation = fastest(comm, 3, [&] { (void)lazy.build(owned); });
  const double stored =
      fastest(comm, 2, [&] { const AssembledMap<double> again(comm, lazy, partition); });
  const index_t entries = comm.all_reduce(map.local_entries());
  if (comm.is_root())
    std::printf(
        "{\"case\": \"rows\", \"sites\": %d, \"ranks\": %d, \"threads\": %d, \"nnz\": %ld, "
        "\"seconds\": {\"product\": "
        "%.5f, \"rows\": %.4f, \"stored\": %.4f}, \"rows_in_products\": %.2f, "
        "\"stored_in_products\": %.2f}\n",
        sites, comm.size(), num_threads(), long(entries), product, generation, stored,
        generation / product, stored / product);
}

void memory(const Comm& comm, int sites) {
  const auto h = on_full_space(chain(sites));
  const index_t before = peak_resident_memory();
  const AssembledMap<double> map(comm, make_lazy<double>(h), h.basis->partition(comm.size()));
  const index_t grown = peak_resident_memory() - before;
  const index_t all = comm.all_reduce(map.memory_bytes()),
                most = comm.all_reduce(map.memory_bytes(), Reduce::max);
  const index_t most_grown = comm.all_reduce(grown, Reduce::max);
  const index_t entries = comm.all_reduce(map.local_entries());
  // Half of all states are antiparallel on a bond; the diagonal is stored whole.
  require(entries == h.dimension() * (1 + sites / 2), "the number of entries");
  if (comm.is_root())
    std::printf(
        "{\"case\": \"memory\", \"sites\": %d, \"ranks\": %d, \"nnz\": %ld, \"matrix_bytes\": %ld, "
        "\"largest_rank_bytes\": %ld, \"largest_rank_share\": %.4f, \"peak_growth_rank_bytes\": "
        "%ld, "
        "\"bytes_per_entry\": %.2f}\n",
        sites, comm.size(), long(entries), long(all), long(most), double(most) / double(all),
        long(most_grown), double(all) / double(entries));
}

}  // namespace

int main(int argc, char** argv) {
  const int sites = argc > 1 ? std::atoi(argv[1]) : 20;
  const std::string what = argc > 2 ? argv[2] : "ground";
  std::unique_ptr<Environment> environment;
  if (launched_by_mpi()) environment = std::make_unique<Environment>();
  const Comm comm = environment ? Comm::world() : Comm::serial();
  if (what == "ground")
    ground(comm, sites, argc > 3 ? argv[3] : "auto", argc > 4 ? argv[4] : "auto");
  else if (what == "rows")
    rows(comm, sites);
  else if (what == "memory")
    memory(comm, sites);
  else
    require(false, "the second argument");
  return 0;
}
