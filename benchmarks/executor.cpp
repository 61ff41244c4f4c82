// What a pool costs: start, round trip of a small task, tasks per second against a plain MPI loop,
// 64 MB there and back against a plain MPI send, idle workers. One JSON line per case. Run plainly
// (workers are started) or under mpirun (ranks serve).

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <numeric>
#include <ranges>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <mpi.h>
#include <unistd.h>

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
constexpr int rounds_of_large = 10;

/// 64 MB there and back between two ranks by plain MPI into new vectors (Open MPI keeps malloc from
/// giving memory back, so from the second round on their pages are there): what the pool is
/// compared with. Seconds.
double raw_echo(const kronsolve::Comm& comm) {
  double best = 1e9;
  for (int round = 0; round < rounds_of_large; ++round) {
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

using Payload = std::array<char, 128>;
constexpr int loop_tasks = 20000;

/// Rank 0 deals payloads to the others, one at a time each, as a master in plain MPI does. Tasks
/// per second.
double raw_loop(const kronsolve::Comm& comm) {
  Payload payload{};
  const auto bytes = static_cast<int>(payload.size());
  const MPI_Comm c = comm.handle();
  comm.barrier();
  const auto start = Clock::now();
  if (comm.is_root()) {
    int sent = 0;
    for (int r = 1; r < comm.size(); ++r, ++sent)
      MPI_Send(payload.data(), bytes, MPI_CHAR, r, 1, c);
    for (int received = 0; received < loop_tasks; ++received) {
      MPI_Status status;
      MPI_Recv(payload.data(), bytes, MPI_CHAR, MPI_ANY_SOURCE, 1, c, &status);
      const bool more = sent < loop_tasks;
      sent += more;
      MPI_Send(payload.data(), bytes, MPI_CHAR, status.MPI_SOURCE, more ? 1 : 0, c);
    }
  } else {
    for (;;) {
      MPI_Status status;
      MPI_Recv(payload.data(), bytes, MPI_CHAR, 0, MPI_ANY_TAG, c, &status);
      if (status.MPI_TAG == 0) break;
      payload.front() = static_cast<char>(payload.front() + 1);
      MPI_Send(payload.data(), bytes, MPI_CHAR, 0, 1, c);
    }
  }
  return loop_tasks / seconds_since(start);
}

/// Processor seconds that a process has used.
double processor_seconds(int pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(in)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string word;
  double ticks = 0;
  for (int i = 3; i <= 15 && fields >> word; ++i)
    if (i >= 14) ticks += std::stod(word);
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

void measure_idle(kronsolve::Session& session) {
  kronsolve::Pool& pool = session.pool(8);
  const auto pids = pool.broadcast([] { return static_cast<int>(getpid()); });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const auto used = [&] {
    double sum = processor_seconds(getpid());
    for (const int pid : pids) sum += processor_seconds(pid);
    return sum;
  };
  const double before = used();
  const auto start = Clock::now();
  std::this_thread::sleep_for(std::chrono::seconds(2));
  print("idle workers with their owner", static_cast<double>(pids.size()), "");
  print("share of a core they use", (used() - before) / seconds_since(start), "");
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

  // A worker that sleeps is woken by the task itself: there is no back-off whose pause is waited
  // for.
  double woken = 0;
  for (int i = 0; i < 50; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    const auto one = Clock::now();
    require(pool.submit([](int x) { return x + 1; }, i).get() == i + 1);
    woken += seconds_since(one);
  }
  print("round trip of a small task after 10 ms of nothing", woken / 50 * 1e6, "us");

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

  if (session.mode() == Mode::dynamic) {
    Pool& three = session.pool(3);  // a master and two workers
    const double raw = three.submit_spmd(3, task<raw_loop>).get();
    start = Clock::now();
    const auto values = pool.map(
                                {.max_in_flight = 1000},
                                [](Payload p) {
                                  p.front() = static_cast<char>(p.front() + 1);
                                  return p;
                                },
                                std::views::iota(0, loop_tasks) |
                                    std::views::transform([](int) { return Payload{}; }))
                            .get();
    require(values.back().front() == 1);
    const double ours = loop_tasks / seconds_since(start);
    print("tasks of 128 bytes on two workers", ours, "1/s");
    print("the same by a plain MPI loop of a master and two workers", raw, "1/s");
    print("pool against plain MPI loop", ours / raw, "");
  }

  double best = 1e9;
  std::vector<double> data(large);
  std::iota(data.begin(), data.end(), 0.0);
  for (int round = 0; round < rounds_of_large; ++round) {
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
  if (session.mode() == Mode::dynamic) measure_idle(session);
  return 0;
}
