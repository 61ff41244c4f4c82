// Workers that die, hang or never come: what a pool that starts its own workers does about it.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kronsolve/core/threads.hpp>
#include <kronsolve/exec/pool.hpp>

#include "support/session_test.hpp"

namespace kronsolve {
namespace {

using test::session;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Bytes of addresses that this process uses.
rlim_t address_space() {
  rlim_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
}

/// Collects what a pool reports.
struct Events {
  std::mutex mutex;
  std::vector<WorkerEvent> all;
  std::function<void(const WorkerEvent&)> listener() {
    return [this](const WorkerEvent& e) {
      const std::lock_guard lock(mutex);
      if (e.kind != WorkerEvent::Kind::started) all.push_back(e);
    };
  }
  std::size_t count() {
    const std::lock_guard lock(mutex);
    return all.size();
  }
};

/// A file that counts over processes and deaths: how often a task was tried.
class Counter {
 public:
  Counter() : path_(concat_path()) { std::ofstream(path_).close(); }
  ~Counter() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }
  static int count(const std::string& path) {
    std::ifstream in(path, std::ios::ate);
    return static_cast<int>(in.tellg());
  }
  static int add(const std::string& path) {
    std::ofstream(path, std::ios::app) << 'x';
    return count(path);
  }

 private:
  static std::string concat_path() {
    static int n = 0;
    return detail::concat(std::getenv("TMPDIR") ? std::getenv("TMPDIR") : "/tmp",
                          "/kronsolve_deaths_", ::getpid(), "_", n++);
  }
  std::string path_;
};

enum class Way {
  kill,
  segfault,
  abort,
  exit_now,
  exit_properly,
  mpi_abort,
  terminate,
  through_c  // an exception in a function that C code calls and that may not throw
};

void fail_to_compare() { throw std::logic_error("in a comparison"); }
extern "C" int compares_and_throws(const void*, const void*) noexcept {
  fail_to_compare();
  return 0;
}

void die(Way way) {
  switch (way) {
    case Way::kill:
      ::raise(SIGKILL);
      break;
    case Way::segfault:
      ::signal(SIGSEGV, SIG_DFL);
      ::raise(SIGSEGV);
      break;
    case Way::abort:
      ::signal(SIGABRT, SIG_DFL);
      ::abort();
    case Way::exit_now:
      ::_exit(3);
    case Way::exit_properly:
      std::exit(0);
    case Way::mpi_abort:
      Environment::abort(4);
    case Way::terminate:
      std::terminate();
    case Way::through_c:
      std::array<int, 2> values = {2, 1};
      std::qsort(values.data(), values.size(), sizeof(int), &compares_and_throws);
  }
}

/// What an isolated worker's end says of its cause.
std::string cause(Way way) {
  switch (way) {
    case Way::kill:
      return "killed by signal 9";
    case Way::segfault:
      return "killed by signal 11";
    case Way::abort:
      return "killed by signal 6";
    case Way::exit_now:
      return "exit status 3";
    default:
      return " died: ";
  }
}

class Deaths : public ::testing::TestWithParam<Isolation> {};

TEST_P(Deaths, every_way_to_die_is_survived_and_the_task_run_again) {
  for (const Way way : {Way::kill, Way::segfault, Way::abort, Way::exit_now, Way::exit_properly,
                        Way::mpi_abort, Way::terminate, Way::through_c}) {
    Events events;
    Counter counter;
    Pool pool =
        session().make_pool({.workers = 2, .isolation = GetParam(), .on_event = events.listener()});

    auto risky = pool.submit(
        [](const std::string& file, Way how) {
          if (Counter::add(file) == 1) die(how);
          return this_worker::size();
        },
        counter.path(), way);
    std::vector<Future<int>> others;
    for (int i = 0; i < 6; ++i) others.push_back(pool.submit([](int x) { return x; }, i));

    EXPECT_EQ(risky.get(), 2) << "way " << int(way);
    for (int i = 0; i < 6; ++i) EXPECT_EQ(others[static_cast<std::size_t>(i)].get(), i);
    EXPECT_EQ(Counter::count(counter.path()), 2);
    ASSERT_EQ(events.count(), 1u);
    if (GetParam() == Isolation::worker) {
      EXPECT_NE(events.all[0].text.find(cause(way)), std::string::npos) << events.all[0].text;
    }
  }
}

TEST_P(Deaths, a_death_is_reported_within_a_second) {
  Events events;
  Pool pool =
      session().make_pool({.workers = 2, .isolation = GetParam(), .on_event = events.listener()});
  const auto pids = pool.broadcast([] { return static_cast<int>(::getpid()); });
  auto busy = pool.submit({.label = "busy"},
                          [] { std::this_thread::sleep_for(std::chrono::milliseconds(100)); });

  const auto start = Clock::now();
  ::kill(pids[1], SIGKILL);
  while (events.count() == 0 && seconds_since(start) < 5)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));

  EXPECT_LT(seconds_since(start), test::slowness * 1.0);
  ASSERT_EQ(events.count(), 1u);
  EXPECT_NE(events.all[0].text.find(std::to_string(pids[1])), std::string::npos)
      << events.all[0].text;
  busy.get();
}

TEST_P(Deaths, a_task_that_always_kills_is_given_up_and_the_rest_goes_on) {
  Events events;
  Counter counter;
  Pool pool =
      session().make_pool({.workers = 2, .isolation = GetParam(), .on_event = events.listener()});
  std::vector<Future<int>> all;
  for (int i = 0; i < 40; ++i)
    all.push_back(pool.submit(
        {.label = "point " + std::to_string(i)},
        [](int x, const std::string& file) {
          if (x == 4) {
            Counter::add(file);
            ::raise(SIGKILL);
          }
          return x;
        },
        i, counter.path()));

  for (int i = 0; i < 40; ++i) {
    if (i == 4) {
      try {
        all[4].get();
        ADD_FAILURE() << "no exception";
      } catch (const WorkerDied& e) {
        EXPECT_NE(std::string(e.what()).find("'point 4' lost its worker in each of 3 attempts"),
                  std::string::npos)
            << e.what();
        EXPECT_GT(e.pid(), 0);
      }
    } else {
      EXPECT_EQ(all[static_cast<std::size_t>(i)].get(), i);
    }
  }
  EXPECT_EQ(Counter::count(counter.path()), 3);
  EXPECT_EQ(pool.submit([] { return 1; }).get(), 1);
}

TEST_P(Deaths, a_process_that_a_task_left_behind_hides_no_death) {
  Events events;
  Pool pool =
      session().make_pool({.workers = 1, .isolation = GetParam(), .on_event = events.listener()});
  pool.boot();
  const auto start = Clock::now();
  EXPECT_ERROR(pool.submit({.retries = 0},
                           [] {
                             if (::fork() == 0) {
                               ::sleep(5);
                               ::_exit(0);
                             }
                             ::raise(SIGKILL);
                           })
                   .get(),
               WorkerDied, "lost its worker");
  EXPECT_LT(seconds_since(start), test::slowness * 2.0);
}

TEST_P(Deaths, an_exception_is_not_tried_again) {
  Counter counter;
  Pool pool = session().make_pool({.workers = 1, .isolation = GetParam()});
  auto f = pool.submit(
      [](const std::string& file) {
        Counter::add(file);
        throw std::runtime_error("deterministic");
      },
      counter.path());

  EXPECT_ERROR(f.get(), std::runtime_error, "deterministic");
  EXPECT_EQ(Counter::count(counter.path()), 1);
}

TEST_P(Deaths, a_stuck_task_runs_into_its_limit_and_its_worker_is_replaced) {
  for (const bool stopped : {false, true}) {
    Events events;
    Pool pool =
        session().make_pool({.workers = 2, .isolation = GetParam(), .on_event = events.listener()});
    pool.boot();
    auto stuck = pool.submit(
        {.label = "stuck", .retries = 0, .timeout_seconds = 0.3},
        [](bool stop) {
          if (stop) ::raise(SIGSTOP);
          for (std::atomic<std::uint64_t> i{0};;) i.fetch_add(1, std::memory_order_relaxed);
        },
        stopped);
    const auto start = Clock::now();

    EXPECT_ERROR(stuck.get(), TaskTimeout, "'stuck' was not done after 0.3 s");

    EXPECT_LT(seconds_since(start), test::slowness * (0.3 + 1.0));
    EXPECT_EQ(pool.broadcast([] { return 1; }).size(), 2u);
    EXPECT_EQ(events.count(), 1u);
  }
}

INSTANTIATE_TEST_SUITE_P(Isolations, Deaths, ::testing::Values(Isolation::pool, Isolation::worker),
                         [](const auto& i) {
                           return i.param == Isolation::pool ? "pool" : "worker";
                         });

TEST(Gangs, the_death_of_a_member_in_a_collective_ends_the_gang_and_the_next_works) {
  Events events;
  Pool pool = session().make_pool({.workers = 3, .on_event = events.listener()});
  pool.boot();
  const auto pids = pool.broadcast([] { return static_cast<int>(::getpid()); });
  const auto start = Clock::now();
  auto gang = pool.submit_spmd({.retries = 0}, 3, [](const Comm& comm) {
    if (comm.rank() == 1) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      ::raise(SIGKILL);
    }
    return comm.all_reduce(1);
  });

  EXPECT_ERROR(gang.get(), BrokenPool, "lost its worker");
  EXPECT_LT(seconds_since(start), test::slowness * 2.0);
  EXPECT_EQ(pool.submit_spmd(3, [](const Comm& comm) { return comm.all_reduce(1); }).get(), 3);
  for (const int pid : pids)
    while (::kill(pid, 0) == 0 && seconds_since(start) < 5)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
  for (const int pid : pids) EXPECT_NE(::kill(pid, 0), 0) << "process " << pid << " is still there";
}

TEST(Gangs, a_member_that_throws_alone_does_not_hang_the_others) {
  Events events;
  Pool pool =
      session().make_pool({.workers = 2, .straggler_seconds = 0.3, .on_event = events.listener()});
  auto gang = pool.submit_spmd(2, [](const Comm& comm) {
    if (comm.rank() == 1) throw std::length_error("only here");
    comm.barrier();
  });

  EXPECT_ERROR(gang.get(), std::length_error, "only here");
  EXPECT_EQ(pool.submit_spmd(2, [](const Comm& comm) { return comm.all_reduce(1); }).get(), 2);
}

TEST(Gangs, isolated_workers_refuse_them) {
  Pool pool = session().make_pool({.workers = 2, .isolation = Isolation::worker});
  EXPECT_FALSE(pool.has_gangs());
  EXPECT_ERROR(pool.submit_spmd(2, [](const Comm&) {}), NotSupported, "isolated");
  EXPECT_EQ(pool.submit_spmd(1, [](const Comm& comm) { return comm.size(); }).get(), 1);
}

/// Lowers a limit of this process for a while; workers that are there already do not notice.
class Limit {
 public:
  Limit(__rlimit_resource what, rlim_t most) : what_(what) {
    ::getrlimit(what_, &before_);
    const rlimit now{most, before_.rlim_max};
    ::setrlimit(what_, &now);
  }
  ~Limit() { ::setrlimit(what_, &before_); }
  Limit(const Limit&) = delete;
  Limit& operator=(const Limit&) = delete;

 private:
  __rlimit_resource what_;
  rlimit before_{};
};

TEST(Memory, a_result_that_does_not_fit_here_fails_its_task_only) {
  if (test::slowness > 1) GTEST_SKIP() << "sanitizers need address space";
  Events events;
  Pool pool = session().make_pool({.workers = 1, .on_event = events.listener()});
  pool.boot();
  {
    const Limit limit(RLIMIT_AS, address_space() + (rlim_t{100} << 20));
    EXPECT_ERROR(pool.submit([] { return std::vector<double>(40'000'000); }).get(), std::bad_alloc,
                 "bad_alloc");
  }
  EXPECT_EQ(pool.submit([] { return 5; }).get(), 5);
  ASSERT_EQ(events.count(), 1u);
  EXPECT_NE(events.all[0].text.find("does not fit"), std::string::npos) << events.all[0].text;
}

TEST(Start, too_many_workers_for_the_open_files_are_refused) {
  Pool pool = session().make_pool({.workers = 12, .isolation = Isolation::worker});
  const Limit limit(RLIMIT_NOFILE, 16);
  EXPECT_ERROR(pool.boot(), BrokenPool, "ulimit -n");
}

TEST(Start, a_folder_that_is_none_is_named) {
  Pool pool = session().make_pool({.workers = 2, .working_directory = "/no/such/folder"});
  EXPECT_ERROR(pool.boot(), BrokenPool, "/no/such/folder");
}

TEST(Start, a_program_that_cannot_be_run_breaks_the_pool_at_once) {
  for (const Isolation isolation : {Isolation::pool, Isolation::worker}) {
    Pool missing =
        session().make_pool({.workers = 2, .isolation = isolation, .program = "/no/such/program"});
    EXPECT_ERROR(missing.submit([] {}).get(), BrokenPool, "/no/such/program");
    EXPECT_ERROR(missing.boot(), BrokenPool, "can be executed");
    EXPECT_EQ(missing.num_workers(), 0);
  }
}

TEST(Start, a_program_that_is_no_worker_breaks_the_pool) {
  Pool pool = session().make_pool({.workers = 2, .program = "/bin/true"});
  const auto start = Clock::now();
  EXPECT_ERROR(pool.submit([] {}).get(), BrokenPool, "before they were ready");
  EXPECT_LT(seconds_since(start), test::slowness * 30.0);
}

TEST(Start, a_program_that_never_reports_is_given_up_in_time) {
  const Counter file;
  std::ofstream(file.path()) << "#!/bin/sh\nexec sleep 60\n";
  ::chmod(file.path().c_str(), 0700);
  Pool pool = session().make_pool({.workers = 2, .spawn_seconds = 0.5, .program = file.path()});
  const auto start = Clock::now();
  EXPECT_ERROR(pool.submit([] {}).get(), BrokenPool, "did not come up within 0.5 s");
  EXPECT_LT(seconds_since(start), test::slowness * 5.0);
}

TEST(Start, more_workers_than_slots_break_the_pool_if_the_user_forbids_it) {
  Pool pool = session().make_pool(
      {.workers = 200, .environment = {{"OMPI_MCA_rmaps_base_oversubscribe", "0"}}});
  const auto start = Clock::now();
  EXPECT_ERROR(pool.submit([] {}).get(), BrokenPool, "can mpirun start 200 processes here?");
  EXPECT_LT(seconds_since(start), test::slowness * 30.0);
}

TEST(Start, mpirun_gets_the_arguments_of_the_user) {
  Pool pool = session().make_pool(
      {.workers = 2, .launcher_arguments = {"-x", "KRONSOLVE_TEST_WORD=from mpirun"}});
  const auto words = pool.broadcast([] { return std::string(std::getenv("KRONSOLVE_TEST_WORD")); });
  EXPECT_EQ(words, std::vector<std::string>(2, "from mpirun"));
}

TEST(Start, workers_get_their_environment_and_folder) {
  for (const Isolation isolation : {Isolation::pool, Isolation::worker}) {
    Pool pool =
        session().make_pool({.workers = 1,
                             .threads = 2,
                             .isolation = isolation,
                             .environment = {{"KRONSOLVE_TEST_WORD", "two words; and more"}},
                             .working_directory = "/usr"});
    const auto [word, folder, threads] =
        pool.submit([] {
              return std::tuple(std::string(std::getenv("KRONSOLVE_TEST_WORD")),
                                std::filesystem::current_path().string(), num_threads());
            })
            .get();
    EXPECT_EQ(word, "two words; and more");
    EXPECT_EQ(folder, "/usr");
    EXPECT_EQ(threads, 2);
  }
}

}  // namespace
}  // namespace kronsolve
