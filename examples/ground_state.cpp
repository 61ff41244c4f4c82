// The ground state of a spin chain and what it is made of, in one process or on any number of
// ranks.
//
//   ./ground_state     mpirun -n 2 ./ground_state
//
// prints
//   energy      -7.1422963606
//   <Sz0 Sz1>   -0.1487978408
//   entropy      1.2796494539

#include <cstdio>

#include <kronsolve/kronsolve.hpp>

int main() {
  using namespace kronsolve;
  const Comm comm = launched_by_mpi() ? Comm::world() : Comm::serial();
  const auto model = make_model("heisenberg", {.sites = 16, .cyclic = Cyclic::all});
  const auto h = on_full_space(model.op);

  const auto result = eigh(comm, h, {.k = 1, .which = Which::SA});
  result.require_converged();

  const StateView<double> psi(comm, *h.basis, result.vectors_as<double>().column(0));
  OpSum bond(16);
  bond.add(1, {{"Sz", 0}, {"Sz", 1}});
  const double zz = expectation(psi, bond).real();
  const double entropy = entanglement_entropy(psi, {0, 1, 2, 3, 4, 5, 6, 7});
  if (comm.is_root())
    std::printf("energy      %.10f\n<Sz0 Sz1>   %.10f\nentropy      %.10f\n",
                result.eigenvalues.front(), zz, entropy);
  return 0;
}
