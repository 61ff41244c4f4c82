// Behaviours of pools that users of other executors rely on and pool.cpp and map.cpp do not show:
// the index in docs/reliability.md names the test of each. The same in every mode where it applies.

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <numeric>
#include <optional>
#include <thread>

#include <kronsolve/exec/pool.hpp>

#include "support/session_test.hpp"

namespace kronsolve {
namespace {

using test::own_processes;
using test::session;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

int square(int x) { return x * x; }

void nap(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

struct Unwritable {
  int value = 0;
  template <class Archive>
  void save(Archive& archive) const {
    if (value < 0) throw std::domain_error("Unwritable: negative");
    archive(value);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(value);
  }
};

/// A function object with a table of its own.
struct Table {
  std::vector<double> entries;
  double operator()(std::size_t i) const { return entries.at(i); }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(entries);
  }
};

TEST(Checklist, nothing_is_started_before_it_is_needed) {
  const int before = test::child_processes(), threads = test::threads_of_this_process();
  {
    Pool pool = session().make_pool({.workers = 2});
    EXPECT_EQ(test::child_processes(), before);
    EXPECT_EQ(test::threads_of_this_process(), threads);
    EXPECT_EQ(pool.submit(square, 3).get(), 9);
    EXPECT_EQ(test::child_processes(), before + (own_processes() ? 1 : 0));
  }
  EXPECT_EQ(test::child_processes(), before);
}

TEST(Checklist, boot_without_waiting_returns_at_once) {
  Pool pool = session().make_pool({.workers = 2});
  const auto start = Clock::now();
  pool.boot(Waiting::no_wait);
  if (own_processes()) {
    EXPECT_LT(seconds_since(start), 0.2);
  }
  pool.boot();
  pool.boot(Waiting::no_wait);
  EXPECT_EQ(pool.submit(square, 3).get(), 9);
}

TEST(Checklist, a_map_in_order_of_completion_keeps_to_its_time_limit) {
  SKIP_IN(serial, "tasks run when they are submitted");
  SKIP_IN(syncro, "maps have no time limit");
  Pool& pool = session().pool(1);
  pool.boot();
  std::vector<int> seen;
  {
    auto results = pool.map(
        {.order = ResultOrder::completion, .timeout_seconds = 0.4},
        [](int x) {
          if (x > 0) nap(1500);
          return x;
        },
        std::views::iota(0, 3 * pool.num_workers()));
    EXPECT_ERROR(for (const int x : results) seen.push_back(x), TimeoutError, "0.4");
  }
  EXPECT_EQ(seen, std::vector{0});
}

TEST(Checklist, after_an_exception_in_a_map_the_rest_is_cancelled) {
  SKIP_IN(serial, "tasks run when they are submitted");
  SKIP_IN(syncro, "tasks run when they are submitted");
  Pool& pool = session().pool(1);
  pool.boot();
  const auto start = Clock::now();
  {
    auto results = pool.map(
        [](int x) {
          if (x == 0) throw std::runtime_error("the first");
          nap(1000);
        },
        std::views::iota(0, 40 * pool.num_workers()));
    EXPECT_ERROR(results.get(), std::runtime_error, "the first");
  }
  EXPECT_EQ(pool.submit(square, 3).get(), 9);
  EXPECT_LT(seconds_since(start), 20.0);  // not 40 s: what had not begun was cancelled
}

TEST(Checklist, waiting_is_bounded_and_takes_what_is_there) {
  SKIP_IN(serial, "tasks run when they are submitted");
  SKIP_IN(syncro, "waiting is collective and has no limit");
  Pool& pool = session().pool(1);
  auto quick = pool.submit(square, 2);
  quick.wait();
  auto slow = pool.submit([] {
    nap(500);
    return 7;
  });
  const std::vector futures = {quick, slow, quick};

  EXPECT_EQ(wait(futures, WaitFor::all, 0.0), 2u);
  EXPECT_EQ(wait(futures, WaitFor::first_completed, 0.0), 1u);
  EXPECT_EQ(wait(std::vector{slow}, WaitFor::all, 0.01), 0u);
  EXPECT_EQ(wait(std::vector<Future<int>>{}), 0u);
  std::vector<int> seen;
  EXPECT_ERROR(as_completed(
                   futures, [&](const Future<int>& f) { seen.push_back(f.get()); }, 0.05),
               TimeoutError, "1 of 2 tasks");
  EXPECT_EQ(seen, std::vector{4});
  EXPECT_EQ(slow.get(), 7);
}

TEST(Checklist, a_shutdown_lets_the_running_task_finish_and_cancels_the_queued) {
  SKIP_IN(serial, "tasks run when they are submitted");
  SKIP_IN(syncro, "tasks run when they are submitted");
  Pool pool = session().make_pool({.workers = 1});
  const int workers = pool.num_workers();
  std::vector<Future<int>> running, queued;
  for (int w = 0; w < workers; ++w)
    running.push_back(pool.submit([] {
      nap(300);
      return 5;
    }));
  for (int i = 0; i < 3; ++i) queued.push_back(pool.submit(square, i));
  for (const auto& f : running)
    while (!f.running()) nap(1);

  pool.shutdown(Waiting::no_wait, Pending::cancel);
  pool.shutdown(Waiting::wait, Pending::finish);

  for (const auto& f : running) EXPECT_EQ(f.get(), 5);
  for (const auto& f : queued) {
    EXPECT_TRUE(f.cancelled());
    EXPECT_ERROR(f.get(), Cancelled, "cancelled");
  }
}

TEST(Checklist, a_pool_whose_initializer_failed_ends_in_every_way) {
  for (const Waiting waiting : {Waiting::wait, Waiting::no_wait}) {
    std::vector<Future<int>> accepted;
    {
      Pool pool = session().make_pool(
          {.workers = 2, .initializer = initializer([] { throw std::runtime_error("no disk"); })});
      try {
        for (int i = 0; i < 5; ++i) accepted.push_back(pool.submit(square, i));
      } catch (const BrokenPool&) {  // known already
      }
      if (waiting == Waiting::no_wait) pool.shutdown(Waiting::no_wait, Pending::cancel);
    }
    for (const auto& f : accepted) EXPECT_NE(f.error(), nullptr);
  }
}

TEST(Checklist, the_number_of_workers_comes_from_the_argument_then_the_environment) {
  EXPECT_ERROR(session().make_pool({.workers = -1}), InvalidArgument, "workers");
  if (session().mode() != Mode::dynamic && session().mode() != Mode::threads) return;
  if (test::world().size() > 1 || std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr) return;
  ::setenv("KRONSOLVE_NUM_WORKERS", "3", 1);
  EXPECT_EQ(session().default_workers(), 3);
  EXPECT_EQ(session().make_pool().num_workers(), 3);
  EXPECT_EQ(session().make_pool({.workers = 1}).num_workers(), 1);
  ::setenv("KRONSOLVE_NUM_WORKERS", "none", 1);
  EXPECT_ERROR(session().default_workers(), InvalidArgument, "KRONSOLVE_NUM_WORKERS");
  ::unsetenv("KRONSOLVE_NUM_WORKERS");
  EXPECT_GE(session().default_workers(), 1);
}

TEST(Checklist, what_cannot_be_written_fails_its_own_task_only) {
  Pool& pool = session().pool(2);

  EXPECT_ERROR(pool.submit([](const Unwritable& u) { return u.value; }, Unwritable{-1}),
               std::domain_error, "negative");
  auto result = pool.submit([] { return Unwritable{-2}; });
  auto fine =
      pool.submit([](const Unwritable& u) { return Unwritable{u.value + 1}; }, Unwritable{1});

  EXPECT_ERROR(result.get(), std::domain_error, "negative");
  EXPECT_EQ(fine.get().value, 2);
}

TEST(Checklist, workers_know_each_other) {
  Pool& pool = session().pool(3);
  if (!pool.has_gangs() || session().mode() == Mode::syncro) return;
  std::vector<Future<std::pair<int, int>>> all;
  for (int w = 0; w < pool.num_workers(); ++w)
    all.push_back(pool.submit({.worker = w}, [] {
      const Comm& comm = this_worker::comm();
      return std::pair(comm.all_reduce(comm.rank()), comm.size());
    }));

  const int n = pool.num_workers();
  for (const auto& f : all) EXPECT_EQ(f.get(), std::pair(n * (n - 1) / 2, n));
}

TEST(Checklist, sixteen_pools_share_the_workers_of_a_job) {
  const int count = own_processes() ? 3 : 16;
  std::vector<Pool> pools;
  std::vector<Future<int>> futures;
  for (int p = 0; p < count; ++p) pools.push_back(session().make_pool({.workers = 1}));
  for (int i = 0; i < 128; ++i)
    for (Pool& pool : pools) futures.push_back(pool.submit(square, i));

  for (std::size_t i = 0; i < futures.size(); ++i) {
    const int n = static_cast<int>(i) / count;
    ASSERT_EQ(futures[i].get(), n * n);
  }
}

TEST(Checklist, a_task_cannot_submit_tasks) {
  SKIP_IN(dynamic, "a task in another process has no pool to submit to");
  SKIP_IN(futures, "a task in another process has no pool to submit to");
  static Pool* outer = nullptr;
  outer = &session().pool(2);
  auto nested = outer->submit([] { return outer->submit(square, 2).get(); });
  EXPECT_ERROR(nested.get(), InvalidArgument, "a task cannot submit tasks");

  static Future<int> done;
  done = outer->submit(square, 2);
  done.get();
  auto chained = outer->submit([] { return done.then(square).get(); });
  EXPECT_ERROR(chained.get(), InvalidArgument, "a task cannot submit tasks");
  done = {};
}

TEST(Checklist, tasks_begin_in_the_order_of_their_submission_one_at_a_time) {
  Pool& pool = session().pool(2);
  const int last = pool.num_workers() - 1;
  pool.broadcast([] { this_worker::state<std::vector<int>>().clear(); });
  std::vector<Future<void>> all;
  for (int i = 0; i < 50; ++i)
    all.push_back(pool.submit(
        {.worker = last}, [](int n) { this_worker::state<std::vector<int>>().push_back(n); }, i));
  for (const auto& f : all) f.get();

  const auto seen =
      pool.submit({.worker = last}, [] { return this_worker::state<std::vector<int>>(); }).get();

  std::vector<int> expected(50);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(seen, expected);
}

TEST(Checklist, a_busy_worker_holds_no_other_task_back) {
  SKIP_IN(serial, "tasks run when they are submitted");
  SKIP_IN(syncro, "each rank runs its own tasks in their order");
  Pool& pool = session().pool(2);
  if (pool.num_workers() < 2) GTEST_SKIP() << "needs two workers";
  pool.boot();
  auto busy = pool.submit([] { nap(1500); });
  while (!busy.running()) nap(1);
  std::vector<Future<int>> others;
  for (int i = 0; i < 20; ++i) others.push_back(pool.submit(square, i));

  for (int i = 0; i < 20; ++i) EXPECT_EQ(others[static_cast<std::size_t>(i)].get(), i * i);

  EXPECT_FALSE(busy.done());
  busy.get();
}

TEST(Checklist, function_objects_may_have_a_large_state) {
  Pool& pool = session().pool(2);
  Table table;
  table.entries.resize(100'000);
  std::iota(table.entries.begin(), table.entries.end(), 0.5);

  auto once = pool.submit(table, std::size_t{99'999});
  const auto many = pool.map(table, std::vector<std::size_t>{0, 1, 50'000}).get();
  const auto next = pool.submit([] { return std::size_t{7}; }).then(table);
  const PortableFunction<double(std::size_t)> portable(table);
  auto sent = pool.submit(
      [](const PortableFunction<double(std::size_t)>& f, std::size_t i) { return f(i); }, portable,
      std::size_t{12'345});

  EXPECT_EQ(once.get(), 99'999.5);
  EXPECT_EQ(many, (std::vector{0.5, 1.5, 50'000.5}));
  EXPECT_EQ(next.get(), 7.5);
  EXPECT_EQ(sent.get(), 12'345.5);
}

TEST(Checklist, a_gang_reports_while_it_runs) {
  Pool& pool = session().pool(3);
  std::mutex mutex;
  std::vector<std::pair<int, double>> seen;
  const auto listener = on_report<std::pair<int, double>>([&](const std::pair<int, double>& r) {
    const std::lock_guard lock(mutex);
    seen.push_back(r);
  });
  const auto body = [](const Comm& comm, int steps) {
    double sum = 0;
    for (int i = 0; i < steps; ++i) {
      sum += comm.all_reduce(1.0) / comm.size();
      if (comm.is_root()) this_worker::report(std::pair(i, sum));
      if (comm.is_root()) this_worker::report(std::string("of another type"));
    }
    return sum;
  };
  auto heard = pool.submit_spmd({.on_report = listener}, std::min(2, pool.num_workers()), body, 5);
  auto unheard = pool.submit_spmd(1, body, 5);

  EXPECT_EQ(heard.get(), 5.0);
  EXPECT_EQ(unheard.get(), 5.0);
  // In syncro mode the rank that ran it has heard it.
  EXPECT_EQ(test::world().all_reduce(static_cast<int>(seen.size())), 5);
  for (std::size_t i = 0; i < seen.size(); ++i)
    EXPECT_EQ(seen[i], std::pair(static_cast<int>(i), static_cast<double>(i + 1)));
  auto large = pool.submit({.on_report = listener},
                           [] { this_worker::report(std::vector<double>(100'000)); });
  EXPECT_ERROR(large.get(), InvalidArgument, "above 64 KiB");
}

TEST(Checklist, arrays_come_through_sockets_as_well_as_out_of_memory) {
  std::vector<double> numbers(1'000'000);
  std::iota(numbers.begin(), numbers.end(), 0.25);
  std::vector<std::complex<double>> others(70'000, {1, -1});
  for (const char* choice : {"on", "off"}) {
    ::setenv("KRONSOLVE_DIRECT_MEMORY", choice, 1);
    Pool pool = session().make_pool({.workers = 2});
    std::vector<Future<std::pair<std::vector<double>, std::vector<std::complex<double>>>>> all;
    for (int i = 0; i < 6; ++i)
      all.push_back(pool.submit(
          [](std::vector<double> x, const std::vector<std::complex<double>>& z, int by) {
            for (double& v : x) v *= by;
            return std::pair(std::move(x), z);
          },
          numbers, others, i));
    // A gang reads the same memory from several sides.
    auto gang = pool.submit_spmd(
        pool.num_workers(),
        [](const Comm& comm, const std::vector<double>& x) {
          return comm.all_reduce(std::accumulate(x.begin(), x.end(), 0.0)) / comm.size();
        },
        numbers);

    for (int i = 0; i < 6; ++i) {
      const auto [x, z] = all[static_cast<std::size_t>(i)].get();
      ASSERT_EQ(x.size(), numbers.size());
      bool equal = true;
      for (std::size_t j = 0; j < x.size(); ++j) equal = equal && x[j] == i * numbers[j];
      EXPECT_TRUE(equal) << choice;
      EXPECT_EQ(z, others);
    }
    EXPECT_EQ(gang.get(), std::accumulate(numbers.begin(), numbers.end(), 0.0));
  }
  ::unsetenv("KRONSOLVE_DIRECT_MEMORY");
}

}  // namespace
}  // namespace kronsolve
