// What a pool costs: start, round trip of a small task, tasks per second, 64 MB there and back. One
// JSON line per case. Run plainly (workers are started) or under mpirun (ranks serve).

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <ranges>
#include <vector>

#include <mpi.h>

#include <kronsolve/session.hpp>

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void print(const char* name, double value, const char* unit) {
  std::printf("{\"case\": \"%s\", \"value\": %.6g, \"unit\": \"%s\"}\n", name, value, unit);
  std::fflush(stdout);
}

void require(bool right) {
  if (right) return;
  std::fputs("wrong answer\n", stderr);
  std::exit(1);
}

constexpr std::size_t large = std::size_t{8} << 20;  // doubles: 64 MB

/// 64 MB there and back between two ranks by plain MPI into fresh memory: what the pool is compared
/// with. Seconds.
double raw_echo(const kronsolve::Comm& comm) {
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    std::vector<double> data(large, 1.0);
    comm.barrier();
    const auto start = Clock::now();
    if (comm.rank() == 0) {
      MPI_Send(data.data(), int(large), MPI_DOUBLE, 1, 0, comm.handle());
      std::vector<double> back(large);
      MPI_Recv(back.data(), int(large), MPI_DOUBLE, 1, 0, comm.handle(), MPI_STATUS_IGNORE);
    } else {
      std::vector<double> got(large);
      MPI_Recv(got.data(), int(large), MPI_DOUBLE, 0, 0, comm.handle(), MPI_STATUS_IGNORE);
      MPI_Send(got.data(), int(large), MPI_DOUBLE, 0, 0, comm.handle());
    }
    best = std::min(best, seconds_since(start));
  }
  return best;
}

}  // namespace

int main() {
  using namespace kronsolve;
  Session session;
  auto start = Clock::now();
  Pool& pool = session.pool(2);
  pool.boot();
  print("pool start", seconds_since(start), "s");

  constexpr int rounds = 2000;
  start = Clock::now();
  for (int i = 0; i < rounds; ++i)
    require(pool.submit([](int x) { return x + 1; }, i).get() == i + 1);
  print("round trip of a small task", seconds_since(start) / rounds * 1e6, "us");

  constexpr int tasks = 20000;
  for (const index_t chunk : {1, 50}) {
    start = Clock::now();
    const auto values = pool.map(
                                {.chunk_size = chunk, .max_in_flight = 1000},
                                [](int x) { return 2 * x; }, std::views::iota(0, tasks))
                            .get();
    require(values.back() == 2 * (tasks - 1));
    print(chunk == 1 ? "tasks, one at a time" : "tasks, fifty at a time",
          tasks / seconds_since(start), "1/s");
  }

  double best = 1e9;
  std::vector<double> data(large);
  std::iota(data.begin(), data.end(), 0.0);
  for (int round = 0; round < 5; ++round) {
    auto copy = data;
    start = Clock::now();
    const auto back =
        pool.submit([](std::vector<double>& v) { return std::move(v); }, std::move(copy)).get();
    best = std::min(best, seconds_since(start));
    require(back.size() == large && back.back() == data.back());
  }
  print("64 MB there and back", 2 * 64 / best / 1024, "GiB/s");
  if (pool.has_gangs() && pool.num_workers() >= 2) {
    const double raw = pool.submit_spmd(2, task<raw_echo>).get();
    print("64 MB there and back, plain MPI between two workers", 2 * 64 / raw / 1024, "GiB/s");
    print("pool against plain MPI", raw / best, "");
  }
  return 0;
}
