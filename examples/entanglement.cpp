// The ground state of an open Heisenberg chain and what can be asked of it. Runs under mpirun too.
//
//   ./entanglement 12     mpirun -n 3 ./entanglement 12
//
// prints
//   energy        -5.1420906328
//   variance      0.0000000000
//   <Sz_0 Sz_1>   -0.2187591958
//   entropy        0.6931 0.4140 0.7293 0.5114 0.7481 0.5368 0.7481 0.5114 0.7293 0.4140 0.6931
//
// The last line is the entropy (nats) of the first 1, 2, ... 11 sites.

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/measure/entanglement.hpp>
#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/solvers/eigh.hpp>

namespace {

using namespace kronsolve;

void show(const Comm& comm, int sites) {
  const OpSum h = make_model("heisenberg", {.sites = sites}).op;
  const auto basis = std::make_shared<const ChargeBasis>(
      h.spaces(), std::vector<Charge>{Charge::sz(h.spaces(), 0)});
  const EighResult ground = ground_state(comm, {h, basis});
  ground.require_converged();
  const StateView<double> psi(comm, *basis, ground.vectors_as<double>().column(0));

  const double energy = expectation(psi, h).real();
  const double spread = variance(psi, h);
  const auto correlations = correlation_matrix(psi, "Sz", "Sz");
  std::vector<double> entropies;
  std::vector<int> left;
  for (int site = 0; site + 1 < sites; ++site) {
    left.push_back(site);
    entropies.push_back(entanglement_entropy(psi, left));
  }

  if (!comm.is_root()) return;
  std::printf("energy        %.10f\n", energy);
  std::printf("variance      %.10f\n", spread);
  std::printf("<Sz_0 Sz_1>   %.10f\n", correlations[1].real());
  std::printf("entropy       ");
  for (const double s : entropies) std::printf(" %.4f", s);
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  std::unique_ptr<Environment> environment;
  if (launched_by_mpi()) environment = std::make_unique<Environment>();
  const Comm comm = environment ? Comm::world() : Comm::serial();
  try {
    show(comm, argc > 1 ? std::atoi(argv[1]) : 12);
  } catch (const Error& error) {
    if (comm.is_root()) std::fprintf(stderr, "entanglement: %s\n", error.what());
    return 1;
  }
  return 0;
}
