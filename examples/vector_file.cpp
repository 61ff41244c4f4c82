// A distributed vector in one file, written by all ranks together: the file does not depend on how
// many they are, and any number of ranks reads it.
//
//   mpirun -n 3 ./vector_file psi.bin && mpirun -n 2 ./vector_file psi.bin && ./vector_file psi.bin
//
// (the first run writes it) prints
//   read    1000003 entries, sum 500002500003

#include <cstdio>
#include <numeric>
#include <vector>

#include <kronsolve/core/comm_windows.hpp>
#include <kronsolve/core/error.hpp>

int main(int argc, char** argv) {
  using namespace kronsolve;
  const Comm comm = launched_by_mpi() ? Comm::world() : Comm::serial();
  if (argc != 2) {
    if (comm.is_root()) std::fprintf(stderr, "usage: vector_file FILE\n");
    return 2;
  }
  constexpr index_t n = 1'000'003;
  const RowRange mine = RowPartition(n, comm.size()).range(comm.rank());
  std::vector<double> owned(static_cast<std::size_t>(mine.size()));
  const char* what = "read   ";
  try {
    read_distributed(comm, argv[1], std::span(owned));
  } catch (const IoError&) {  // on every rank: there is no such file yet
    std::iota(owned.begin(), owned.end(), double(mine.begin));
    write_distributed(comm, argv[1], std::span<const double>(owned));
    what = "written";
  }
  const double sum = comm.all_reduce(std::accumulate(owned.begin(), owned.end(), 0.0));
  if (comm.is_root())
    std::printf("%s %lld entries, sum %.0f\n", what, static_cast<long long>(n), sum);
  return 0;
}
