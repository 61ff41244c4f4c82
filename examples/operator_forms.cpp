// One Hamiltonian in the five forms that an operator can have, and what each is for.
//
//   ./operator_forms     mpirun -n 3 ./operator_forms
//
// prints
//   sum in the full space   -4.1177361608
//   sum in a sector         -4.1177361608
//   rows on demand          -4.1177361608
//   twice the rows          -8.2354723216
//   exp(-H/10) of a vector  12.6451620306

#include <cstdio>

#include <kronsolve/kronsolve.hpp>

using namespace kronsolve;

int main() {
  const Comm comm = launched_by_mpi() ? Comm::world() : Comm::serial();
  const auto print = [&](const char* what, double value) {
    if (comm.is_root()) std::printf("%-22s %14.10f\n", what, value);
  };

  // A sum of products of local operators: how the operator is written.
  const Model model = make_model("xxz", {.sites = 10, .params = {{"delta", 0.9}}});
  const OpSum& sum = model.op;
  print("sum in the full space", eigh(comm, sum).eigenvalues.front());

  // The sum and the states it acts on.
  const SectorOperator sector =
      in_sector(comm, sum, parse_sector(sum.spaces(), model.lattice, {"sz=0"}));
  print("sum in a sector", eigh(comm, sector).eigenvalues.front());

  // A matrix that builds any range of its rows when it is asked: for what is not a sum.
  const Lazy<double> rows = make_lazy<double>(sector);
  print("rows on demand", eigh(comm, rows).eigenvalues.front());
  print("twice the rows", eigh(comm, 2.0 * rows).eigenvalues.front());

  // The product y = H x on these ranks: what solvers are given.
  const auto map = make_operator_map<double>(comm, sector);
  const std::vector<double> ones(static_cast<std::size_t>(map->row_range().size()), 1.0);
  const auto w = expm_multiply(*map, -0.1, ones);
  print("exp(-H/10) of a vector", norm(StateView(comm, *sector.basis, w.vectors.column(0))));
  return 0;
}
