// Heat in a ring, each rank with a piece of it: the borders are sent and received while the inside,
// which needs no neighbour, is computed.
//
//   ./halo_exchange     mpirun -n 4 ./halo_exchange
//
// prints
//   heat     1.0000000000
//   at start 0.0282165537
//   opposite 0.0000000000

#include <cstdio>
#include <vector>

#include <kronsolve/core/comm_points.hpp>
#include <kronsolve/core/row_range.hpp>

int main() {
  using namespace kronsolve;
  const Comm comm = launched_by_mpi() ? Comm::world() : Comm::serial();
  constexpr index_t cells = 240;
  constexpr int steps = 1000;
  constexpr double rate = 0.1;
  const int ranks = comm.size(), rank = comm.rank();
  const int left = (rank + ranks - 1) % ranks, right = (rank + 1) % ranks;
  const RowRange mine = RowPartition(cells, ranks).range(rank);
  const auto n = static_cast<std::size_t>(mine.size());

  // Own cells at 1 ... n, the neighbours' borders at 0 and n+1.
  std::vector<double> heat(n + 2, 0.0), next(heat);
  if (mine.contains(0)) heat[1] = 1;
  const auto update = [&](std::size_t i) {
    next[i] = heat[i] + rate * (heat[i - 1] - 2 * heat[i] + heat[i + 1]);
  };
  for (int step = 0; step < steps; ++step) {
    if (ranks == 1) {
      heat[0] = heat[n];
      heat[n + 1] = heat[1];
    }
    std::vector<InFlight<double>> coming, going;
    if (ranks > 1) {
      coming.push_back(start_receive<double>(comm, 1, left, 1));
      coming.push_back(start_receive<double>(comm, 1, right, 2));
      going.push_back(start_send(comm, std::vector{heat[n]}, right, 1));
      going.push_back(start_send(comm, std::vector{heat[1]}, left, 2));
    }
    for (std::size_t i = 2; i < n; ++i) update(i);  // the messages are under way
    if (ranks > 1) {
      heat[0] = std::move(coming[0]).wait()[0];
      heat[n + 1] = std::move(coming[1]).wait()[0];
      for (auto& message : going) (void)std::move(message).wait();
    }
    update(1);
    if (n > 1) update(n);
    std::swap(heat, next);
  }

  double sum = 0;
  for (std::size_t i = 1; i <= n; ++i) sum += heat[i];
  const auto at = [&](index_t cell) {
    return comm.all_reduce(
        mine.contains(cell) ? heat[static_cast<std::size_t>(cell - mine.begin) + 1] : 0.0);
  };
  sum = comm.all_reduce(sum);
  const double start = at(0), opposite = at(cells / 2);
  if (rank == 0)
    std::printf("heat     %.10f\nat start %.10f\nopposite %.10f\n", sum, start, opposite);
  return 0;
}
