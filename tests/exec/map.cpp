// Maps over ranges: order, chunks, bounds, time limits, exceptions; the same in every mode.

#include <atomic>
#include <numeric>
#include <sstream>
#include <thread>

#include <kronsolve/exec/pool.hpp>

#include "support/session_test.hpp"

namespace kronsolve {
namespace {

using test::session;

int square(int x) { return x * x; }

std::vector<int> numbers(int n) {
  std::vector<int> all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), 0);
  return all;
}
std::vector<int> squares(int n) {
  auto all = numbers(n);
  for (int& x : all) x *= x;
  return all;
}

TEST(Map, gives_results_in_the_order_of_the_input) {
  Pool& pool = session().pool(2);

  for (const index_t chunk : {1, 3, 100})
    for (const index_t in_flight : {0, 1, 7})
      EXPECT_EQ(
          pool.map({.chunk_size = chunk, .max_in_flight = in_flight}, square, numbers(20)).get(),
          squares(20));
  EXPECT_TRUE(pool.map(square, std::vector<int>{}).get().empty());
}

TEST(Map, takes_several_ranges_to_the_end_of_the_shortest) {
  Pool& pool = session().pool(2);

  EXPECT_EQ(
      pool.map([](int a, double b) { return a + b; }, numbers(2), std::vector{0.5, 0.5}).get(),
      (std::vector{0.5, 1.5}));
  auto three = pool.map(
      [](int a, double b, const std::string& c) { return a + b + double(c.size()); }, numbers(5),
      std::vector<double>{0.5, 0.25, 0.125}, std::vector<std::string>{"", "a", "ab", "abc"});
  EXPECT_EQ(three.get(), (std::vector{0.5, 2.25, 4.125}));
}

TEST(Map, takes_one_pass_input_and_does_not_run_ahead_of_its_bound) {
  Pool& pool = session().pool(2);
  std::istringstream text("1 2 3 4 5 6 7");
  int produced = 0;
  auto endless = std::views::iota(0) | std::views::transform([&produced](int i) {
                   ++produced;
                   return i;
                 });

  EXPECT_EQ(pool.map({.chunk_size = 2}, square, std::ranges::istream_view<int>(text)).get(),
            (std::vector{1, 4, 9, 16, 25, 36, 49}));
  auto results = pool.map({.max_in_flight = 4}, square, endless);
  int taken = 0;
  for (const int value : results) {
    EXPECT_EQ(value, taken * taken);
    EXPECT_LE(produced, taken + 1 + 4);
    if (++taken == 25) break;
  }
}

TEST(Map, starmap_takes_tuples) {
  Pool& pool = session().pool(2);
  const std::vector<std::tuple<int, std::string>> rows = {{2, "ab"}, {1, "c"}, {0, "d"}};
  const auto repeat = [](int n, const std::string& s) {
    std::string all;
    for (int i = 0; i < n; ++i) all += s;
    return all;
  };

  EXPECT_EQ(pool.starmap(repeat, rows).get(), (std::vector<std::string>{"abab", "c", ""}));
  EXPECT_EQ(pool.starmap({.chunk_size = 2}, repeat, rows).get(),
            (std::vector<std::string>{"abab", "c", ""}));
  std::istringstream text("2 ab 1 c 0 d");
  auto one_pass = std::views::iota(0, 3) | std::views::transform([&text](int) {
                    std::tuple<int, std::string> row;
                    text >> std::get<0>(row) >> std::get<1>(row);
                    return row;
                  });
  EXPECT_EQ(pool.starmap({.max_in_flight = 2}, repeat, one_pass).get(),
            (std::vector<std::string>{"abab", "c", ""}));
}

TEST(Map, in_order_of_completion_nothing_is_missing) {
  Pool& pool = session().pool(3);

  for (const index_t chunk : {1, 4}) {
    auto values =
        pool.map({.order = ResultOrder::completion, .chunk_size = chunk, .max_in_flight = 8},
                 square, numbers(40))
            .get();
    std::sort(values.begin(), values.end());
    EXPECT_EQ(values, squares(40));
  }
}

TEST(Map, in_order_of_completion_a_slow_element_holds_no_other_back) {
  SKIP_IN(serial, "tasks run when they are submitted");
  SKIP_IN(syncro, "tasks run when they are submitted");
  Pool& pool = session().pool(2);
  if (pool.num_workers() < 2) GTEST_SKIP() << "needs two workers";
  pool.boot();

  const auto values = pool.map(
                              {.order = ResultOrder::completion},
                              [](int x) {
                                if (x == 0)
                                  std::this_thread::sleep_for(std::chrono::milliseconds(1000));
                                return x;
                              },
                              numbers(6))
                          .get();

  ASSERT_EQ(values.size(), 6u);
  EXPECT_EQ(values.back(), 0);
}

TEST(Map, an_exception_surfaces_at_its_element) {
  Pool& pool = session().pool(2);
  const auto picky = [](int x) {
    if (x == 5) throw std::invalid_argument("five");
    return x;
  };

  for (const index_t chunk : {1, 3, 100}) {
    auto results = pool.map({.chunk_size = chunk}, picky, numbers(9));
    std::vector<int> seen;
    EXPECT_ERROR(for (const int x : results) seen.push_back(x), std::invalid_argument, "five");
    EXPECT_EQ(seen, numbers(5)) << "chunk " << chunk;
  }
}

TEST(Map, goes_on_after_an_exception_also_with_a_bound) {
  Pool& pool = session().pool(2);
  for (const index_t bound : {0, 1, 2}) {
    std::vector<int> seen;
    auto results = pool.map(
        {.max_in_flight = bound},
        [](int i) {
          if (i == 1) throw std::range_error("one");
          return i;
        },
        numbers(5));
    auto at = results.begin();
    while (at != results.end()) {
      seen.push_back(*at);
      try {
        ++at;
      } catch (const std::range_error&) {
        ++at;
      }
    }
    EXPECT_EQ(seen, (std::vector{0, 2, 3, 4})) << bound;
  }
}

TEST(Map, void_functions_are_counted) {
  Pool& pool = session().pool(2);
  EXPECT_EQ(pool.map([](int) {}, numbers(7)).get().size(), 7u);
  EXPECT_EQ(pool.map(
                    {.chunk_size = 3}, [](int) {}, numbers(7))
                .get()
                .size(),
            7u);
}

TEST(Map, gangs_take_an_element_each) {
  Pool& pool = session().pool(3);
  const int ranks = std::min(2, pool.num_workers());

  const auto values = pool.map_spmd(
                              {.ranks_per_task = ranks},
                              [](const Comm& comm, int x) {
                                return comm.all_reduce(x) / comm.size() + 0 * comm.rank();
                              },
                              numbers(9))
                          .get();

  EXPECT_EQ(values, numbers(9));
}

TEST(Map, its_time_limit_keeps_what_is_there_and_cancels_the_rest) {
  SKIP_IN(serial, "tasks run when they are submitted");
  Pool& pool = session().pool(1);
  if (session().mode() == Mode::syncro) {
    EXPECT_ERROR(pool.map({.timeout_seconds = 1}, square, numbers(3)), NotSupported, "syncro");
    return;
  }
  pool.boot();
  std::vector<int> seen;
  {
    auto results = pool.map(
        {.timeout_seconds = 0.4},
        [](int x) {
          if (x > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1500));
          return x;
        },
        numbers(6));
    EXPECT_ERROR(for (const int x : results) seen.push_back(x), TimeoutError, "0.4");
  }
  EXPECT_EQ(seen, numbers(1));
  EXPECT_EQ(pool.submit(square, 3).get(), 9);  // not after five more sleeps: they were cancelled
}

TEST(Map, refuses_options_that_mean_nothing) {
  Pool& pool = session().pool(2);
  EXPECT_ERROR(pool.map({.chunk_size = 0}, square, numbers(3)), InvalidArgument, "chunk_size");
  EXPECT_ERROR(pool.map({.max_in_flight = -1}, square, numbers(3)), InvalidArgument,
               "max_in_flight");
  EXPECT_ERROR(pool.map({.chunk_size = 2, .ranks_per_task = 2}, square, numbers(3)),
               InvalidArgument, "exclude");
  EXPECT_ERROR(pool.map({.ranks_per_task = 2}, square, numbers(3)), InvalidArgument, "map_spmd");
  EXPECT_ERROR(pool.map_spmd(
                   {}, [](const Comm&, int x) { return x; }, numbers(3)),
               InvalidArgument, "at least one rank");
}

}  // namespace
}  // namespace kronsolve
