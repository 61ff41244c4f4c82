// Pools on the ranks of a communicator, or on a part of them: each rank runs this program.

#include <chrono>
#include <numeric>
#include <thread>

#include <kronsolve/exec/pool.hpp>

#include "support/mpi_test.hpp"
#include "support/own_process.hpp"

namespace kronsolve {
namespace {

using test::world;

int square(int x) { return x * x; }

TEST(WithPool, root_has_a_pool_and_the_others_work_for_it) {
  for (int root = 0; root < world().size(); ++root) {
    int calls = 0, sum = 0;
    with_pool(world(), root, [&](Pool& pool) {
      ++calls;
      EXPECT_EQ(pool.num_workers(), std::max(1, world().size() - 1));
      for (const int x : pool.map(square, std::views::iota(0, 20))) sum += x;
      EXPECT_EQ(pool.submit([](std::string a) { return a + "b"; }, std::string("a")).get(), "ab");
      std::vector<double> large(200'000);
      std::iota(large.begin(), large.end(), 0.0);
      EXPECT_EQ(pool.submit([](const std::vector<double>& v) { return v; }, large).get(), large);
    });
    EXPECT_EQ(calls, world().rank() == root ? 1 : 0);
    EXPECT_EQ(world().all_reduce(sum), 2470);  // all ranks are back and can compute together
  }
}

TEST(WithPool, gangs_state_and_pieces_work_as_elsewhere) {
  with_pool(world(), 0, [](Pool& pool) {
    const int n = pool.num_workers();
    EXPECT_EQ(pool.submit_spmd(n, [](const Comm& c) { return c.all_reduce(c.rank() + 1); }).get(),
              n * (n + 1) / 2);
    std::vector<int> values(11);
    std::iota(values.begin(), values.end(), 1);
    const auto pieces = pool.scatter(values);
    const auto sums = pool.broadcast(
        [](const Pool::Scattered<int>& v) {
          return std::accumulate(v.local().begin(), v.local().end(), 0);
        },
        pieces);
    EXPECT_EQ(std::accumulate(sums.begin(), sums.end(), 0), 66);
    EXPECT_EQ(pool.submit(square, 3).then([](int x) { return x + 1; }).get(), 10);
  });
}

TEST(WithPool, parts_of_a_job_have_pools_side_by_side) {
  const Comm part = world().split(world().rank() % 2);
  int sum = 0;
  with_pool(part, part.size() - 1, [&](Pool& pool) {
    for (const int x : pool.map([](int a, int b) { return a * b; }, std::vector{1, 2, 3},
                                std::vector(3, world().rank() + 1)))
      sum += x;
  });
  EXPECT_EQ(sum, part.rank() == part.size() - 1 ? 6 * (world().rank() + 1) : 0);
}

TEST(WithPool, what_is_still_queued_is_done_before_all_go_on) {
  std::vector<Future<int>> kept;
  with_pool(world(), 0, [&](Pool& pool) {
    for (int i = 0; i < 30; ++i) kept.push_back(pool.submit(square, i));
  });
  for (std::size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(kept[i].get(), static_cast<int>(i * i));
}

TEST(WithPool, exceptions_reach_every_rank_and_the_next_pool_works) {
  EXPECT_ERROR(
      with_pool(world(), 0,
                [](Pool& pool) { pool.submit([] { throw std::range_error("of a task"); }).get(); }),
      std::range_error, "of a task");
  EXPECT_ERROR(
      with_pool(world(), world().size() - 1, [](Pool&) { throw DimensionError("of the owner"); }),
      DimensionError, "of the owner");
  with_pool(world(), 0, [](Pool& pool) { EXPECT_EQ(pool.submit(square, 4).get(), 16); });
}

TEST(WithPool, refuses_roots_that_are_none) {
  const auto nothing = [](Pool&) {};
  EXPECT_ERROR(with_pool(world(), -1, nothing), InvalidArgument, "root must be in");
  EXPECT_ERROR(with_pool(world(), world().size(), nothing), InvalidArgument, "root must be in");
  with_pool(world(), 0, [](Pool& pool) {
    auto nested = pool.submit([] { with_pool(Comm(), 0, [](Pool&) {}); });
    EXPECT_ERROR(nested.get(), InvalidArgument, "a task cannot have a pool");
  });
}

TEST(WithPool, forty_of_them_leave_nothing_behind) {
  with_pool(world(), 0, [](Pool& pool) { pool.broadcast([] {}); });
  // A thread that has been joined may stand there a moment longer.
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const auto descriptors = test::open_descriptors(), threads = test::threads_of_this_process();
  for (int i = 0; i < 40; ++i)
    with_pool(world(), i % world().size(),
              [i](Pool& pool) { EXPECT_EQ(pool.submit(square, i).get(), i * i); });
  EXPECT_EQ(test::open_descriptors(), descriptors);
  for (int i = 0; i < 100 && test::threads_of_this_process() > threads; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_LE(test::threads_of_this_process(), threads);
}

}  // namespace
}  // namespace kronsolve
