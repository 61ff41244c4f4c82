// A distributed vector in one file, written by all ranks together: the file does not depend on how
// many they are, and any number of ranks reads it.
//
//   mpirun -n 3 ./vector_file psi.bin && mpirun -n 2 ./vector_file psi.bin && ./vector_file psi.bin
//
// (the first run writes it) prints
//   read    1000003 entries, sum 500002500003

#include <cstdio>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include <kronsolve/core/comm_windows.hpp>
#include <kronsolve/core/error.hpp>

namespace {

using namespace kronsolve;

void read_or_write(const Comm& comm, const std::string& path) {
  constexpr index_t n = 1'000'003;
  const RowRange mine = RowPartition(n, comm.size()).range(comm.rank());
  std::vector<double> owned(static_cast<std::size_t>(mine.size()));
  int there = comm.is_root() && std::filesystem::exists(path) ? 1 : 0;
  comm.broadcast(std::span(&there, 1), 0);
  if (there != 0) {
    read_distributed(comm, path, std::span(owned));
  } else {
    std::iota(owned.begin(), owned.end(), double(mine.begin));
    write_distributed<double>(comm, path, owned);
  }
  const double sum = comm.all_reduce(std::accumulate(owned.begin(), owned.end(), 0.0));
  if (comm.is_root())
    std::printf("%s %lld entries, sum %.0f\n", there != 0 ? "read   " : "written",
                static_cast<long long>(n), sum);
}

}  // namespace

int main(int argc, char** argv) {
  const Comm comm = launched_by_mpi() ? Comm::world() : Comm::serial();
  if (argc != 2) {
    if (comm.is_root()) std::fprintf(stderr, "usage: vector_file FILE\n");
    return 2;
  }
  try {
    read_or_write(comm, argv[1]);
  } catch (const Error& error) {  // the same on every rank
    if (comm.is_root()) std::fprintf(stderr, "vector_file: %s\n", error.what());
    return 1;
  }
  return 0;
}
