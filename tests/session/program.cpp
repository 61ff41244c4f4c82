// A program as users write them, for programs.py: its first argument says what it does.

#include <chrono>
#include <cstdio>
#include <iostream>
#include <numeric>
#include <ranges>
#include <string>
#include <thread>

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/serialize.hpp>
#include <kronsolve/session.hpp>

using namespace kronsolve;

namespace {

SectorOperator chain(int sites, double delta) {
  OpSum h(sites);
  for (int i = 0; i < sites; ++i) {
    h.add(1.0, {{"Sx", i}, {"Sx", (i + 1) % sites}});
    h.add(1.0, {{"Sy", i}, {"Sy", (i + 1) % sites}});
    h.add(delta, {{"Sz", i}, {"Sz", (i + 1) % sites}});
  }
  auto basis =
      std::make_shared<const ChargeBasis>(h.spaces(), std::vector{Charge::sz(h.spaces(), 0)});
  return {std::move(h), std::move(basis)};
}

int energies(Session& session) {
  auto results = session.pool().map(
      [](double delta) { return eigh(Comm::serial(), chain(8, delta)).eigenvalues.at(0); },
      std::vector{0.0, 0.5, 1.0});
  std::vector<double> all = results.get();
  all.push_back(session.eigh(chain(10, 1.0)).result.eigenvalues.at(0));
  if (session.is_root())
    for (const double e : all) std::printf("%.9f\n", e);
  return 0;
}

int work(Session& session) {  // tells who it is, then keeps its workers busy
  Pool& pool = session.pool();
  const auto pids = pool.broadcast([] { return static_cast<int>(::getpid()); });
  if (session.is_root()) {
    for (const int pid : pids) std::printf("worker %d\n", pid);
    std::printf("main %d\n", static_cast<int>(::getpid()));
    std::fflush(stdout);
  }
  for (const int x : pool.map(
           {.max_in_flight = 30},
           [](int i) {
             std::this_thread::sleep_for(std::chrono::milliseconds(20));
             return i;
           },
           std::views::iota(0, 100'000))) {
    if (x < 3 && session.is_root()) std::printf("result %d\n", x);
    std::fflush(stdout);
  }
  return 0;
}

int pending(Session& session) {  // nobody asks for the results
  for (int i = 0; i < 6; ++i)
    session.pool().submit(
        [](int n) {
          std::this_thread::sleep_for(std::chrono::milliseconds(50));
          std::printf("task%d\n", n);
          std::fflush(stdout);
        },
        i);
  return 0;
}

/// Cores that this thread may run on once OpenMP has had it in a loop.
int cores_in_loops() {
  int cores = 0;
#pragma omp parallel num_threads(1)
  {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(0, sizeof set, &set) == 0) cores = CPU_COUNT(&set);
  }
  return cores;
}

int cores(Session& session) {
  const auto workers = session.pool().broadcast([] { return cores_in_loops(); });
  if (!session.is_root()) return 0;
  std::printf("threads %d of %d\nworkers", num_threads(), available_cores());
  for (const int n : workers) std::printf(" %d", n);
  std::printf("\n");
  return 0;
}

void print_processes(Pool& pool) {
  for (const int pid : pool.broadcast([] { return static_cast<int>(::getpid()); }))
    std::printf("worker %d\n", pid);
  std::printf("main %d\n", static_cast<int>(::getpid()));
  std::fflush(stdout);
}

/// Many more workers than cores: small tasks, then a gang of all of them, then nothing to do.
int crowd(Session& session) {
  Pool& pool = session.pool();
  long sum = 0;
  for (const long x : pool.map(
           [](int i) {
             const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(2);
             while (std::chrono::steady_clock::now() < end) continue;
             return static_cast<long>(i) * i;
           },
           std::views::iota(0, 800)))
    sum += x;
  const int together = pool.submit_spmd(pool.num_workers(),
                                        [](const Comm& comm) {
                                          int ranks = 0;
                                          for (int i = 0; i < 20; ++i) ranks += comm.all_reduce(1);
                                          return ranks / 20;
                                        })
                           .get();
  std::printf("sum %ld gang %d\n", sum, together);
  print_processes(pool);
  std::this_thread::sleep_for(std::chrono::seconds(8));
  return 0;
}

int idle(Session& session) {
  print_processes(session.pool());
  std::this_thread::sleep_for(std::chrono::seconds(4));
  return 0;
}

/// Makes its pool, and uses it when it is told to.
int late(Session& session) {
  (void)session.pool();
  std::printf("main %d\n", static_cast<int>(::getpid()));
  std::fflush(stdout);
  std::string line;
  std::getline(std::cin, line);
  return energies(session);
}

/// MPI in a process that nobody launched.
int alone() {
  const Comm comm = Comm::world();
  std::printf("main %d\n", static_cast<int>(::getpid()));
  std::fflush(stdout);
  std::this_thread::sleep_for(std::chrono::seconds(4));
  return comm.size() - 1;
}

int fail(Session& session, const std::string& where) {
  if (where == "main") throw InvalidArgument("of main");
  if (where == "task") session.pool().submit([] { throw std::range_error("of a task"); }).get();
  if (where == "poison") session.pool().submit({.label = "poison"}, [] { ::raise(SIGKILL); }).get();
  if (where == "callback") {
    auto task =
        session.pool().submit([] { std::this_thread::sleep_for(std::chrono::milliseconds(50)); });
    task.on_done([](const auto&) { throw std::domain_error("of a callback"); });
    task.get();
    std::this_thread::sleep_for(std::chrono::seconds(5));
  }
  if (where == "waiting") {
    auto task =
        session.pool().submit([] { std::this_thread::sleep_for(std::chrono::milliseconds(50)); });
    auto other =
        session.pool().submit([] { std::this_thread::sleep_for(std::chrono::seconds(1)); });
    task.on_done([=](const auto&) { other.get(); });
    other.get();
    std::this_thread::sleep_for(std::chrono::seconds(5));
  }
  if (where == "task exits") session.pool().submit([] { std::exit(3); }).get();
  if (where == "child exits") {
    session.pool().submit([] { return 1; }).get();
    const pid_t child = ::fork();
    if (child == 0) std::exit(3);
    int status = 0;
    ::waitpid(child, &status, 0);
    return session.pool().submit([](int n) { return n; }, WEXITSTATUS(status)).get();
  }
  if (where == "rank1" && session.comm().rank() == 1) throw std::domain_error("of rank 1");
  if (where == "exit") {
    session.pool().submit([] { return 1; }).get();
    std::exit(3);
  }
  session.comm().barrier();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Session session;
  const std::string what = argc > 1 ? argv[1] : "energies";
  if (what == "energies") return energies(session);
  if (what == "work") return work(session);
  if (what == "pending") return pending(session);
  if (what == "cores") return cores(session);
  if (what == "crowd") return crowd(session);
  if (what == "idle") return idle(session);
  if (what == "late") return late(session);
  if (what == "alone") return alone();
  if (what == "fail") return fail(session, argc > 2 ? argv[2] : "main");
  std::cerr << "unknown argument\n";
  return 2;
}
