// What a pool does, the same in every mode: submit, futures, gangs, exceptions, shutdown.

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <mutex>
#include <numeric>
#include <thread>

#include <unistd.h>

#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/warning.hpp>
#include <kronsolve/exec/pool.hpp>

#include "support/session_test.hpp"

namespace kronsolve {
namespace {

using test::own_processes;
using test::session;

int square(int x) { return x * x; }
template <class T>
T twice(const T& x) {
  return x + x;
}

struct Line {  // a function object with state
  double slope = 0, offset = 0;
  double operator()(double x) const { return slope * x + offset; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(slope, offset);
  }
};

struct Picky {  // refuses to be read
  int value = 0;
  template <class Archive>
  void save(Archive& archive) const {
    archive(value);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(value);
    if (value < 0) throw std::domain_error("Picky: negative");
  }
};

struct OddError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

TEST(Pool, runs_lambdas_functions_and_function_objects) {
  Pool& pool = session().pool(2);

  auto a = pool.submit([](int x, double y) { return x + y; }, 2, 0.5);
  auto b = pool.submit(square, 7);
  auto c = pool.submit(task<square>, 8);
  auto d = pool.submit(Line{2, 1}, 20.0);
  auto e = pool.submit(task<&twice<std::string>>, std::string("ab"));
  auto f = pool.submit([] {});

  EXPECT_EQ(a.get(), 2.5);
  EXPECT_EQ(b.get(), 49);
  EXPECT_EQ(c.get(), 64);
  EXPECT_EQ(d.get(), 41);
  EXPECT_EQ(e.get(), "abab");
  f.get();
  EXPECT_TRUE(f.done());
  EXPECT_FALSE(f.cancelled());
}

TEST(Pool, arguments_and_results_of_every_kind_come_back_equal) {
  Pool& pool = session().pool(2);
  using Value = std::tuple<std::vector<std::complex<double>>, std::map<std::string, int>,
                           std::optional<double>, std::variant<int, std::string>, std::vector<bool>,
                           std::array<float, 3>>;
  const Value value{{{1, 2}, {3, -4}}, {{"a", 1}, {"b", 2}}, 0.1, "text", {true, false, true},
                    {1, 2, 3}};

  const auto back = pool.submit([](const Value& v) { return v; }, value).get();

  EXPECT_EQ(back, value);
}

TEST(Pool, large_arrays_travel_whole) {
  Pool& pool = session().pool(2);
  std::vector<double> numbers(3'000'000);
  std::iota(numbers.begin(), numbers.end(), 0.5);
  std::vector<std::complex<double>> complex_numbers(200'000, {1, -1});

  auto both = pool.submit(
      [](const std::vector<double>& x, std::vector<std::complex<double>> z) {
        std::vector<double> y(x.rbegin(), x.rend());
        for (auto& c : z) c *= 2.0;
        return std::pair(y, z);
      },
      numbers, complex_numbers);
  const auto [reversed, doubled] = both.get();

  std::reverse(numbers.begin(), numbers.end());
  EXPECT_EQ(reversed, numbers);
  EXPECT_EQ(doubled, std::vector<std::complex<double>>(200'000, {2, -2}));
}

TEST(Pool, exceptions_keep_class_and_text_and_say_where_they_come_from) {
  Pool& pool = session().pool(2);

  auto known = pool.submit([]() -> int { throw std::out_of_range("index 7"); });
  auto ours = pool.submit([](int) { throw IoError("file.h5", "file.h5: no space"); }, 1);
  auto unknown = pool.submit([] { throw OddError("odd"); });
  auto number = pool.submit([] { throw 42; });
  auto memory = pool.submit([] { throw std::bad_alloc(); });

  EXPECT_ERROR(known.get(), std::out_of_range, "index 7");
  EXPECT_ERROR(unknown.get(), RemoteError, "odd");
  EXPECT_ERROR(number.get(), RemoteError, "int");
  EXPECT_THROW(memory.get(), std::bad_alloc);
  try {
    ours.get();
    ADD_FAILURE() << "no exception";
  } catch (const IoError& e) {
    EXPECT_EQ(e.path(), "file.h5");
    const RemoteOrigin* origin = remote_origin(e);
    ASSERT_NE(origin, nullptr);
    EXPECT_EQ(origin->type(), "kronsolve::IoError");
    EXPECT_GE(origin->worker(), 0);
    EXPECT_LT(origin->worker(), pool.num_workers());
    EXPECT_FALSE(origin->host().empty());
  }
  try {
    unknown.get();
  } catch (const RemoteError& e) {
    EXPECT_NE(e.type().find("OddError"), std::string::npos);
  }
  EXPECT_EQ(pool.submit(square, 3).get(), 9);  // the pool is as good as before
}

TEST(Pool, what_cannot_be_read_fails_its_own_task_only) {
  Pool& pool = session().pool(2);

  auto argument = pool.submit([](const Picky& p) { return p.value; }, Picky{-1});
  auto result = pool.submit([] { return Picky{-2}; });
  auto fine = pool.submit([](const Picky& p) { return Picky{p.value + 1}; }, Picky{1});

  EXPECT_ERROR(argument.get(), std::domain_error, "negative");
  EXPECT_ERROR(result.get(), std::domain_error, "negative");
  EXPECT_EQ(fine.get().value, 2);
}

TEST(Pool, a_future_gives_its_value_again_and_moves_it_out) {
  Pool& pool = session().pool(2);
  auto future = pool.submit([] { return std::vector<int>{1, 2, 3}; });

  EXPECT_EQ(&future.get(), &future.get());
  const std::vector<int> moved = std::move(future).get();

  EXPECT_EQ(moved, (std::vector<int>{1, 2, 3}));
}

TEST(Pool, move_only_results_work) {
  auto future = session().pool(2).submit([] { return std::make_unique<int>(5); });
  EXPECT_EQ(*std::move(future).get(), 5);
}

TEST(Pool, then_chains_tasks_and_passes_exceptions_on) {
  Pool& pool = session().pool(2);

  auto start = pool.submit(
      [](int n) { return std::vector<double>(static_cast<std::size_t>(n), 1.5); }, 100'000);
  auto sum = start.then(
      [](const std::vector<double>& v) { return std::accumulate(v.begin(), v.end(), 0.0); });
  auto shifted = sum.then([](double s, double by) { return s + by; }, 0.25);
  auto failed =
      start.then([](const std::vector<double>&) -> int { throw std::range_error("stage two"); });
  auto never = failed.then([](int x) { return x; });

  EXPECT_EQ(shifted.get(), 150'000.25);
  EXPECT_ERROR(never.get(), std::range_error, "stage two");
  EXPECT_EQ(start.get().size(), 100'000u);
}

TEST(Pool, gangs_compute_together_and_do_not_interleave) {
  Pool& pool = session().pool(3);
  const int ranks = std::min(2, pool.num_workers());
  std::vector<Future<std::pair<int, double>>> gangs;
  for (int i = 0; i < 6; ++i)
    gangs.push_back(pool.submit_spmd(
        ranks,
        [](const Comm& comm, int n) {
          double sum = 0;
          for (int k = 0; k < 20; ++k) sum += comm.all_reduce(double(n * (comm.rank() + 1)));
          return std::pair(comm.size(), sum / (comm.size() * (comm.size() + 1) / 2));
        },
        i));

  for (int i = 0; i < 6; ++i) {
    const auto [size, value] = gangs[static_cast<std::size_t>(i)].get();
    EXPECT_EQ(size, pool.has_gangs() ? ranks : 1);
    EXPECT_EQ(value, 20.0 * i);
  }
}

TEST(Pool, gangs_of_several_sizes_run_between_ordinary_tasks) {
  Pool& pool = session().pool(3);
  const int workers = pool.num_workers();
  std::vector<Future<int>> all;
  for (int i = 0; i < 30; ++i) {
    if (i % 3 == 0)
      all.push_back(pool.submit_spmd(
          1 + i % workers,
          [](const Comm& comm, int n) { return n + comm.all_reduce(1) - comm.size(); }, i));
    else
      all.push_back(pool.submit([](int n) { return n; }, i));
  }

  for (int i = 0; i < 30; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)].get(), i);
}

TEST(Pool, a_failure_that_a_gang_agrees_on_is_its_future_s) {
  Pool& pool = session().pool(2);
  auto gang = pool.submit_spmd(std::min(2, pool.num_workers()), [](const Comm& comm) {
    comm.agree([&] {
      if (comm.rank() == comm.size() - 1) throw DimensionError("the last rank fails");
    });
  });

  EXPECT_ERROR(gang.get(), DimensionError, "last rank");
  EXPECT_EQ(pool.submit(square, 2).get(), 4);
}

TEST(Pool, refuses_what_cannot_be) {
  Pool& pool = session().pool(2);
  const auto body = [](const Comm& comm) { return comm.rank(); };
  const int workers = pool.num_workers();

  EXPECT_ERROR(pool.submit_spmd(0, body), InvalidArgument, "at least one rank");
  if (pool.has_gangs()) {
    EXPECT_ERROR(pool.submit_spmd(workers + 1, body), InvalidArgument, "gang");
  }
  EXPECT_ERROR(pool.submit({.worker = workers}, square, 1), InvalidArgument, "worker must be in");
  EXPECT_ERROR(pool.submit({.retries = -1}, square, 1), InvalidArgument, "retries");
  EXPECT_ERROR(session().pool(-1), InvalidArgument, "workers must be from 1");
  EXPECT_ERROR(session().make_pool({.threads = 0}), InvalidArgument, "threads");
  EXPECT_ERROR(Session(), InvalidArgument, "one per process");
}

Pool* pool_of_main = nullptr;  // null in workers that are other processes

TEST(Pool, a_task_cannot_use_pools) {
  Pool& pool = session().pool(2);
  pool_of_main = &pool;
  EXPECT_ERROR(pool.submit([] {
                     if (pool_of_main == nullptr) throw InvalidArgument("a task cannot submit");
                     pool_of_main->broadcast([] {});
                   })
                   .get(),
               InvalidArgument, "a task cannot submit");
  pool_of_main = nullptr;
  EXPECT_ERROR(pool.submit([] { Session inner; }).get(), InvalidArgument, "one per process");
}

TEST(Pool, broadcast_runs_once_on_every_worker_and_state_stays) {
  Pool& pool = session().pool(3);
  const int workers = pool.num_workers();

  const auto ranks =
      pool.broadcast([] { return std::pair(this_worker::rank(), this_worker::size()); });
  pool.broadcast([](int by) { this_worker::state<int>() = by * this_worker::rank(); }, 10);
  pool.broadcast([] { this_worker::state<int>() += 1; });
  const auto kept = pool.broadcast([] { return this_worker::state<int>(); });

  ASSERT_EQ(ranks.size(), static_cast<std::size_t>(workers));
  for (int w = 0; w < workers; ++w) {
    EXPECT_EQ(ranks[static_cast<std::size_t>(w)], std::pair(w, workers));
    EXPECT_EQ(kept[static_cast<std::size_t>(w)], 10 * w + 1);
  }
}

TEST(Pool, scatters_a_vector_works_on_it_and_gathers_it) {
  Pool& pool = session().pool(3);
  std::vector<double> values(17);
  std::iota(values.begin(), values.end(), 0.0);

  const auto pieces = pool.scatter(values);
  const auto sums = pool.broadcast(
      [](const Pool::Scattered<double>& v) {
        for (double& x : v.local()) x = x * x;
        return std::accumulate(v.local().begin(), v.local().end(), 0.0);
      },
      pieces);
  const auto back = pool.gather(pieces);

  for (double& x : values) x = x * x;
  EXPECT_EQ(back, values);
  EXPECT_EQ(std::accumulate(sums.begin(), sums.end(), 0.0),
            std::accumulate(values.begin(), values.end(), 0.0));
}

TEST(Pool, some_workers_are_talked_to_alone) {
  Pool& pool = session().pool();
  const int last = pool.num_workers() - 1;
  std::vector<int> some = {last};
  if (last > 0) some.push_back(0);
  const auto view = pool.workers(some);
  std::vector<double> values(101);
  std::iota(values.begin(), values.end(), 0.0);

  const auto pieces = view.scatter(values);
  view.broadcast([](const Pool::Scattered<double>& p) { p.local().front() += 1; }, pieces);

  EXPECT_EQ(view.broadcast([] { return this_worker::rank(); }), some);
  auto expected = values;
  const RowPartition cut(101, static_cast<int>(some.size()));
  for (int i = 0; i < cut.ranks(); ++i) expected[std::size_t(cut.range(i).begin)] += 1;
  EXPECT_EQ(view.gather(pieces), expected);
  for (const auto& wrong : {std::vector<int>{}, {0, 0}, {-1}, {last + 1}})
    EXPECT_ERROR(pool.workers(wrong), InvalidArgument, "none twice");
  if (last > 1) EXPECT_ERROR(pool.gather(pieces), InvalidArgument, "no piece");
}

TEST(Pool, a_cancelling_end_cancels_all_that_wait_before_it_waits) {
  if (session().mode() != Mode::dynamic && session().mode() != Mode::threads &&
      session().mode() != Mode::futures)
    GTEST_SKIP() << "tasks run at once";
  const std::string gate = ::testing::TempDir() + "kronsolve_gate_" + std::to_string(::getpid());
  Pool pool = session().make_pool({.workers = 2});
  const int workers = pool.num_workers();
  std::vector<Future<void>> futures;
  for (int i = 0; i < 22; ++i)
    futures.push_back(pool.submit(
        [](const std::string& name) {
          while (!std::filesystem::exists(name))
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        },
        gate));
  // The tasks that have begun end when the last one is cancelled, or nobody has done that.
  std::thread opener([&] {
    (void)futures.back().wait_for(5.0);
    std::ofstream{gate};
  });

  pool.shutdown(Waiting::wait, Pending::cancel);
  opener.join();

  const auto ran = std::count_if(futures.begin(), futures.end(),
                                 [](const auto& f) { return f.status() == TaskStatus::done; });
  EXPECT_LE(ran, workers);
  for (const auto& f : futures) EXPECT_TRUE(f.done());
  std::filesystem::remove(gate);
}

TEST(Pool, says_to_the_program_that_a_worker_died) {
  if (!own_processes()) GTEST_SKIP() << "its death would end the job";
  std::mutex mutex;
  std::string said;
  set_warning_handler([&](const std::string& text) {
    const std::lock_guard lock(mutex);
    said += text;
  });
  Pool pool = session().make_pool({.workers = 1});

  EXPECT_ERROR(pool.submit({.retries = 0}, [] { ::_exit(9); }).get(), WorkerDied,
               "lost its worker");

  pool.shutdown();
  set_warning_handler({});
  EXPECT_NE(said.find("died"), std::string::npos) << said;
}

TEST(Pool, ends_in_every_order) {
  for (const Pending pending : {Pending::finish, Pending::cancel}) {
    Pool pool = session().make_pool({.workers = 1});
    auto first = pool.submit(square, 4);
    if (pending == Pending::finish) {
      auto second = pool.submit(square, 5);
      pool.shutdown(Waiting::no_wait, pending);
      EXPECT_EQ(second.get(), 25);
      EXPECT_EQ(first.get(), 16);
    }
    pool.shutdown(Waiting::wait, pending);
    pool.shutdown(Waiting::wait, Pending::finish);
    EXPECT_FALSE(pool.is_open());
    EXPECT_EQ(pool.num_workers(), 0);
    EXPECT_ERROR(pool.submit(square, 1), InvalidArgument, "shut down");
    EXPECT_ERROR(pool.boot(), InvalidArgument, "shut down");
    EXPECT_ERROR(pool.broadcast(square, 1), InvalidArgument, "shut down");
    EXPECT_ERROR(pool.scatter(std::vector{1}), InvalidArgument, "shut down");
    const bool shared = session().mode() == Mode::futures || session().mode() == Mode::syncro;
    if (pending == Pending::finish && !shared) {  // shared workers serve on
      EXPECT_ERROR(first.then(square), InvalidArgument, "shut down");
    }
  }
}

TEST(Pool, a_worker_has_one_task_at_a_time_whoever_submits) {
  SKIP_IN(syncro, "one thread of each rank submits");
  Pool pool = session().make_pool({.workers = 1});
  const auto add = [](int x) {
    int& sum = this_worker::state<int>();
    const int before = sum;
    std::this_thread::yield();
    return sum = before + x;
  };
  const auto chains = [&] {
    for (int i = 0; i < 100; ++i) pool.submit(square, 1).then(add).get();
  };
  pool.broadcast([] { this_worker::state<int>() = 0; });
  std::thread other(chains);
  chains();
  other.join();
  int sum = 0;
  for (const int s : pool.broadcast([] { return this_worker::state<int>(); })) sum += s;
  EXPECT_EQ(sum, 200);
}

TEST(Pool, two_threads_may_end_it_at_once) {
  SKIP_IN(syncro, "one thread of each rank submits");
  Pool pool = session().make_pool({.workers = 1});
  auto task = pool.submit([] { std::this_thread::sleep_for(std::chrono::milliseconds(100)); });
  std::thread other([&] { pool.shutdown(); });
  pool.shutdown();
  other.join();
  EXPECT_TRUE(task.done());
}

TEST(Pool, a_cancelling_end_cancels_what_was_to_follow) {
  if (session().mode() != Mode::dynamic && session().mode() != Mode::threads)
    GTEST_SKIP() << "tasks run at once, or the workers serve on";
  Pool pool = session().make_pool({.workers = 1});
  pool.boot();
  auto first = pool.submit([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return 3;
  });
  auto second = first.then(square);
  while (!first.running()) std::this_thread::yield();
  pool.shutdown(Waiting::wait, Pending::cancel);
  EXPECT_EQ(first.get(), 3);
  EXPECT_ERROR(second.get(), Cancelled, "cancelled");
}

TEST(Pool, a_pool_that_was_never_used_ends_at_once) {
  Pool unused = session().make_pool({.workers = 2});
  EXPECT_TRUE(unused.is_open());
}

TEST(Pool, an_initializer_runs_first_and_its_failure_breaks_the_pool) {
  {
    Pool pool = session().make_pool(
        {.workers = 2,
         .initializer = initializer([](double x) { this_worker::state<double>() = x; }, 2.5)});
    EXPECT_EQ(pool.submit([] { return this_worker::state<double>(); }).get(), 2.5);
  }
  Pool broken = session().make_pool(
      {.workers = 2, .initializer = initializer([] { throw std::runtime_error("no licence"); })});
  try {
    const auto future = broken.submit(square, 1);  // may be accepted before the failure is known
    EXPECT_ERROR(future.get(), BrokenPool, "no licence");
  } catch (const BrokenPool& e) {
    EXPECT_NE(std::string(e.what()).find("no licence"), std::string::npos);
  }
  EXPECT_EQ(broken.num_workers(), 0);
  EXPECT_ERROR(broken.submit(square, 1).get(), BrokenPool, "no licence");
  EXPECT_ERROR(broken.boot(), BrokenPool, "no licence");
}

TEST(Pool, several_pools_work_at_once) {
  std::vector<Pool> pools;
  for (int i = 0; i < 3; ++i) pools.push_back(session().make_pool({.workers = 1 + i % 2}));
  std::vector<Future<int>> futures;
  for (int i = 0; i < 60; ++i)
    futures.push_back(pools[static_cast<std::size_t>(i % 3)].submit(square, i));

  for (int i = 0; i < 60; ++i) EXPECT_EQ(futures[static_cast<std::size_t>(i)].get(), i * i);
}

TEST(Pool, the_session_keeps_one_pool_per_size) {
  Pool& a = session().pool(2);
  EXPECT_EQ(&a, &session().pool(2));
  if (session().mode() == Mode::dynamic) {
    EXPECT_EQ(a.num_workers(), 2);
    EXPECT_NE(&a, &session().pool(1));
  }
}

TEST(Pool, queued_tasks_can_be_cancelled_and_running_ones_not) {
  SKIP_IN(serial, "tasks run when they are submitted");
  if (session().mode() == Mode::syncro) {
    auto f = session().pool().submit(square, 2);
    EXPECT_ERROR(f.cancel(), NotSupported, "syncro");
    EXPECT_EQ(f.get(), 4);
    return;
  }
  Pool& pool = session().pool(1);
  const int workers = pool.num_workers();
  std::vector<Future<void>> running;
  for (int w = 0; w < workers; ++w)
    running.push_back(
        pool.submit([] { std::this_thread::sleep_for(std::chrono::milliseconds(300)); }));
  auto queued = pool.submit(square, 1);
  while (!running[0].running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));

  EXPECT_FALSE(running[0].cancel());
  EXPECT_TRUE(queued.cancel());
  EXPECT_TRUE(queued.cancel());
  EXPECT_TRUE(queued.cancelled());
  EXPECT_ERROR(queued.get(), Cancelled, "cancelled");
  running[0].get();
  EXPECT_FALSE(running[0].cancel());
}

TEST(Pool, callbacks_are_called_once_before_or_after_the_end) {
  SKIP_IN(syncro, "results are known when they are asked for");
  Pool& pool = session().pool(2);
  std::atomic<int> calls{0};
  auto f = pool.submit(square, 6);

  f.on_done([&](const Future<int>& done) { calls += done.get(); });
  f.get();
  while (calls == 0) std::this_thread::yield();
  f.on_done([&](const Future<int>& done) { calls += done.get(); });

  EXPECT_EQ(calls, 72);
}

TEST(Waiting, waits_for_all_the_first_or_the_first_exception) {
  Pool& pool = session().pool(2);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 4; ++i)
    futures.push_back(pool.submit(
        [](int n) {
          if (n == 1) throw std::runtime_error("one");
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
          return n;
        },
        i));

  EXPECT_GE(wait(futures, WaitFor::first_completed), 1u);
  EXPECT_GE(wait(futures, WaitFor::first_exception), 1u);
  EXPECT_EQ(wait(futures), 4u);
  EXPECT_NE(futures[1].error(), nullptr);
  EXPECT_EQ(futures[2].error(), nullptr);
}

TEST(Waiting, as_completed_gives_each_once) {
  Pool& pool = session().pool(2);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 5; ++i) futures.push_back(pool.submit(square, i));
  futures.push_back(futures[0]);
  int sum = 0, count = 0;

  as_completed(futures, [&](const Future<int>& f) {
    sum += f.get();
    ++count;
  });

  EXPECT_EQ(count, 5);
  EXPECT_EQ(sum, 30);
}

TEST(Waiting, time_limits_hold) {
  SKIP_IN(serial, "tasks run when they are submitted");
  SKIP_IN(syncro, "waiting is collective and has no limit");
  Pool& pool = session().pool(1);
  pool.boot();
  auto slow = pool.submit([] { std::this_thread::sleep_for(std::chrono::milliseconds(400)); });

  EXPECT_FALSE(slow.wait_for(0.0));
  EXPECT_FALSE(slow.wait_for(0.02));
  EXPECT_ERROR(slow.wait(0.01), TimeoutError, "not over");
  EXPECT_ERROR(as_completed(
                   std::vector{slow}, [](const auto&) {}, 0.01),
               TimeoutError, "not over");
  EXPECT_TRUE(slow.wait_for(30.0));
  slow.get();
}

TEST(Waiting, an_infinite_limit_is_none) {
  Pool& pool = session().pool(1);
  constexpr double forever = std::numeric_limits<double>::infinity();
  const auto nap = [](int n) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return n;
  };
  auto slow = pool.submit({.retries = 0, .timeout_seconds = forever}, nap, 1);
  EXPECT_TRUE(slow.wait_for(forever));
  EXPECT_EQ(slow.get(), 1);
  if (session().mode() != Mode::syncro) {
    EXPECT_EQ(pool.map({.timeout_seconds = 1e300}, nap, std::vector{1, 2}).get().size(), 2u);
  }
}

TEST(Waiting, again_and_again_costs_no_memory) {
  SKIP_IN(syncro, "waiting is collective and has no limit");
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer keeps what was freed";
#endif
  Pool& pool = session().pool(1);
  pool.boot();
  std::vector<Future<void>> futures;
  for (int i = 0; i < 100; ++i)
    futures.push_back(
        pool.submit([] { std::this_thread::sleep_for(std::chrono::milliseconds(10)); }));
  const index_t before = peak_resident_memory();
  for (int i = 0; i < 3000; ++i) wait(futures, WaitFor::all, 0.0);
  EXPECT_LT(peak_resident_memory() - before, 8 << 20);
  for (const auto& f : futures) (void)f.cancel();
  wait(futures);
}

TEST(Waiting, refuses_futures_that_are_none) {
  const std::vector<Future<int>> none(1);
  EXPECT_ERROR(wait(none), InvalidArgument, "empty");
  EXPECT_ERROR(as_completed(none, [](const auto&) {}), InvalidArgument, "empty");
  EXPECT_EQ(wait(std::vector<Future<int>>()), 0u);
}

TEST(Syncro, different_orders_are_noticed) {
  if (session().mode() != Mode::syncro || test::world().size() == 1)
    GTEST_SKIP() << "needs several ranks that run main";
  Pool pool = session().make_pool();
  auto a = pool.submit(square, 1), b = pool.submit(square, 2);

  EXPECT_ERROR(test::world().is_root() ? a.get() : b.get(), InvalidArgument, "same order");
  EXPECT_EQ(a.get() + b.get(), 5);
}

TEST(Syncro, different_workers_and_predecessors_are_noticed) {
  if (session().mode() != Mode::syncro || test::world().size() == 1)
    GTEST_SKIP() << "needs several ranks that run main";
  Pool pinned = session().make_pool();
  EXPECT_ERROR(pinned.submit({.worker = test::world().rank()}, square, 1).get(), InvalidArgument,
               "different tasks");
  Pool chained = session().make_pool();
  auto a = chained.submit(square, 2), b = chained.submit(square, 3);
  EXPECT_ERROR((test::world().is_root() ? a : b).then(square).get(), InvalidArgument,
               "different tasks");
}

}  // namespace
}  // namespace kronsolve
