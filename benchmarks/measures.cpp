// Seconds of the measures of one random state in the Sz = 0 sector of a spin-1/2 chain.
//
//     [mpirun -n R] benchmark_measures [SITES]
//
// Checks sum rules first (sum of <Sz_i Sz_j> is 0, the trace of a density matrix is 1, entropies
// from squares and from triangles agree), then prints one JSON line a measure.

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/measure/entanglement.hpp>
#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/states.hpp>

namespace {

using namespace kronsolve;

void require(bool ok, const char* what) {
  if (!ok) throw Error(detail::concat("wrong: ", what));
}

class Bench {
 public:
  Bench(const Comm& comm, const Basis& basis) : comm_(comm), basis_(basis) {}
  void operator()(const char* measure, const std::function<void()>& f) const {
    comm_.barrier();
    const auto start = std::chrono::steady_clock::now();
    f();
    comm_.barrier();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    if (comm_.is_root())
      std::printf(
          R"({"measure": "%s", "sites": %d, "rows": %lld, "ranks": %d, "threads": %d, "seconds": %.4f})"
          "\n",
          measure, basis_.sites(), static_cast<long long>(basis_.size()), comm_.size(),
          num_threads(), took.count());
  }

 private:
  const Comm& comm_;
  const Basis& basis_;
};

void run(const Comm& comm, int sites) {
  const OpSum h = make_model("heisenberg", {.sites = sites, .cyclic = Cyclic::all}).op;
  const ChargeBasis basis(h.spaces(), {Charge::sz(h.spaces(), 0)});
  const auto owned = make_state<double>(comm, basis, random_state(h.spaces(), 1));
  const StateView<double> psi(comm, basis, owned);
  std::vector<int> half;
  for (int i = 0; i < sites / 2; ++i) half.push_back(i);
  const Bench bench(comm, basis);

  double energy = 0, spread = 0, squares = 0, triangles = 0;
  std::vector<std::complex<double>> zz, flips;
  DensityMatrix<double> rho;
  bench("energy", [&] { energy = expectation(psi, h).real(); });
  bench("variance", [&] { spread = variance(psi, h); });
  bench("corr Sz,Sz", [&] { zz = correlation_matrix(psi, "Sz", "Sz"); });
  bench("corr S+,S-", [&] { flips = correlation_matrix(psi, "S+", "S-"); });
  bench("density matrix of 4 sites", [&] { rho = reduced_density_matrix(psi, {0, 5, 6, 11}); });
  bench("entropy of half", [&] { squares = entanglement_entropy(psi, half); });
  std::vector<double> weights;
  bench("Schmidt values of half", [&] { weights = schmidt_values(psi, half); });

  for (auto& w : weights) w *= w;
  triangles = entropy(weights);
  double sum = 0, trace = 0;
  for (const auto& value : zz) sum += value.real();
  for (index_t i = 0; i < rho.dim; ++i) trace += rho(i, i);
  require(std::abs(sum) < 1e-10, "sum of <Sz_i Sz_j>");
  require(std::abs(trace - 1) < 1e-12, "trace of the density matrix");
  require(std::abs(squares - triangles) < 1e-10, "entropy from squares and triangles");
  double bonds = 0;
  for (int i = 0; i < sites; ++i) {
    const auto at = static_cast<std::size_t>(i * sites + (i + 1) % sites);
    bonds += zz[at].real() + flips[at].real();  // a real state: <S+S-> = <SxSx + SySy> on a bond
  }
  require(std::abs(bonds - energy) < 1e-12, "energy from correlations");
  require(spread > 0, "variance");
}

}  // namespace

int main(int argc, char** argv) {
  std::unique_ptr<Environment> environment;
  if (launched_by_mpi()) environment = std::make_unique<Environment>();
  const Comm comm = environment ? Comm::world() : Comm::serial();
  try {
    run(comm, argc > 1 ? std::atoi(argv[1]) : 24);
  } catch (const Error& error) {
    if (comm.is_root()) std::fprintf(stderr, "benchmark_measures: %s\n", error.what());
    return 1;
  }
  return 0;
}
