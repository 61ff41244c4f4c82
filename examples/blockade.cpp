// Atoms of which no two neighbours are excited: the PXP chain returns to where it began, as a chain
// that thermalises would not.
//
//   ./blockade     mpirun -n 3 ./blockade
//
// prints
//   time 0.00   return 1.0000
//   time 1.19   return 0.0000
//   time 2.38   return 0.0000
//   time 3.56   return 0.0001
//   time 4.75   return 0.7919
//   a run of two at most   17155 states

#include <cstdio>

#include <kronsolve/kronsolve.hpp>

using namespace kronsolve;

int main() {
  const Comm comm = launched_by_mpi() ? Comm::world() : Comm::serial();
  const Model model = make_model("pxp", {.sites = 16, .cyclic = Cyclic::all});
  const Sector allowed = parse_sector(model.op.spaces(), model.lattice, {"blockade"});
  const SectorOperator h = in_sector(comm, model.op, allowed);

  // The Neel state, every second atom excited, and how much of it is there at a time.
  using Complex = std::complex<double>;
  const auto start = make_state<Complex>(comm, *h.basis, parse_state("neel", model.op.spaces()));
  const auto map = make_operator_map<Complex>(comm, h);
  for (int step = 0; step <= 4; ++step) {
    const double time = 4.75 * step / 4;
    const auto later = expm_multiply(*map, Complex(0, -time), start);
    const double returned = fidelity(StateView<Complex>(comm, *h.basis, start),
                                     StateView<Complex>(comm, *h.basis, later.vectors.column(0)));
    if (comm.is_root()) std::printf("time %.2f   return %.4f\n", time, returned);
  }

  // A rule of one's own: of three neighbours at most two are excited.
  std::vector<std::vector<int>> triples;
  for (int i = 0; i < 16; ++i) triples.push_back({i, (i + 1) % 16, (i + 2) % 16});
  const LocalRule rule = LocalRule::make(
      model.op.spaces(), triples, [](std::span<const int> n) { return n[0] + n[1] + n[2] < 3; });
  const Sector runs = with_rule(parse_sector(model.op.spaces(), model.lattice, {}), rule);
  if (comm.is_root())
    std::printf("a run of two at most   %lld states\n", static_cast<long long>(sector_size(runs)));
  return 0;
}
