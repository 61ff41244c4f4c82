// Small values of the core: row ranges, narrowing, random numbers by position, sizes, buffers.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/csr_rows.hpp>
#include <kronsolve/core/matrix_entries.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/number.hpp>
#include <kronsolve/core/random.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/core/threads.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

TEST(RowPartition, deals_rows_evenly_with_the_first_ranks_one_longer) {
  const RowPartition p(10, 4);

  EXPECT_EQ(p.range(0), (RowRange{0, 3}));
  EXPECT_EQ(p.range(1), (RowRange{3, 6}));
  EXPECT_EQ(p.range(3), (RowRange{8, 10}));
  EXPECT_EQ(p.max_local_rows(), 3);
}

TEST(RowPartition, finds_the_owner_of_every_row_past_empty_ranks) {
  const RowPartition p(std::vector<index_t>{0, 0, 2, 2, 5});
  const std::vector<int> owners = {1, 1, 3, 3, 3};

  for (index_t row = 0; row < 5; ++row)
    EXPECT_EQ(p.owner(row), owners[static_cast<std::size_t>(row)]);
  EXPECT_ERROR((void)p.owner(5), DimensionError, "5");
}

TEST(RowPartition, more_ranks_than_rows_leaves_ranks_empty) {
  const RowPartition p(2, 5);

  EXPECT_EQ(p.range(1).size(), 1);
  EXPECT_TRUE(p.range(4).empty());
}

TEST(Index, narrowing_and_overflow_are_refused_with_the_numbers) {
  EXPECT_EQ(narrow<int>(index_t{5}, "rows"), 5);
  EXPECT_ERROR((void)narrow<int>(index_t{1} << 31, "rows"), NotSupported, "2147483648");
  EXPECT_ERROR((void)checked_multiply(index_t{1} << 32, index_t{1} << 31, "dimension"),
               InvalidArgument, "dimension overflows 64 bits");
  EXPECT_ERROR((void)checked_add(std::numeric_limits<index_t>::max(), 1, "rows"), InvalidArgument,
               "overflows");
}

TEST(Random, philox_matches_the_published_vector) {
  // Known answer of Philox4x32-10 for counter 0 and key 0 (Random123, kat_vectors).
  const auto w = CounterRandom(0).words(0);

  EXPECT_EQ(static_cast<std::uint32_t>(w.first), 0x6627e8d5u);
  EXPECT_EQ(static_cast<std::uint32_t>(w.first >> 32), 0xe169c58du);
  EXPECT_EQ(static_cast<std::uint32_t>(w.second), 0xbc57ac4cu);
  EXPECT_EQ(static_cast<std::uint32_t>(w.second >> 32), 0x9b00dbd8u);
}

TEST(Random, normal_numbers_have_mean_zero_and_variance_one) {
  const CounterRandom random(7);
  constexpr int samples = 200000;
  double mean = 0, square = 0;
  for (int i = 0; i < samples; ++i) {
    const double x = random.normal(static_cast<std::uint64_t>(i));
    mean += x / samples;
    square += x * x / samples;
  }

  EXPECT_NEAR(mean, 0, 5 / std::sqrt(double(samples)));
  EXPECT_NEAR(square, 1, 5 * std::sqrt(2.0 / samples));
}

TEST(Random, uniform_numbers_have_mean_zero_and_variance_one) {
  constexpr index_t n = 200000;
  std::vector<std::complex<double>> v(n), part(30);
  fill_uniform(std::span(v), {0, n}, 5);
  fill_uniform(std::span(part), {50, 80}, 5);
  std::complex<double> mean = 0;
  double square = 0;
  for (const auto& x : v) {
    mean += x / double(n);
    square += norm_squared(x) / double(n);
  }
  constexpr double five_deviations = 0.012;
  EXPECT_LT(std::abs(mean), 1.5 * five_deviations);
  EXPECT_NEAR(square, 2, five_deviations);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), v.begin() + 50));
}

TEST(Buffer, on_the_node_is_zero_filled_and_moves) {
  constexpr index_t n = 100000;
  Buffer<double> a(n, Placement::node);
  EXPECT_EQ(std::count(a.data(), a.data() + n, 0.0), n);
  a[n - 1] = 3;
  Buffer<double> b(std::move(a));
  EXPECT_EQ(b[n - 1], 3);
  b = Buffer<double>(n);  // of the other kind: each goes back where it came from
  EXPECT_EQ(b[n - 1], 0);
  // More than there are descriptors for: the rest lies elsewhere and works the same.
  std::vector<Buffer<double>> many;
  for (int i = 0; i < 200; ++i) many.emplace_back(1000, Placement::node)[999] = i;
  for (int i = 0; i < 200; ++i) EXPECT_EQ(many[std::size_t(i)][999], i);
}

TEST(Random, a_slice_equals_the_slice_of_the_whole) {
  std::vector<double> whole(100), part(30);

  fill_normal(std::span(whole), {0, 100}, 3);
  fill_normal(std::span(part), {50, 80}, 3);

  EXPECT_EQ(part, std::vector<double>(whole.begin() + 50, whole.begin() + 80));
}

TEST(Memory, sizes_read_and_print) {
  EXPECT_EQ(parse_bytes("8G", "limit"), index_t{8} << 30);
  EXPECT_EQ(parse_bytes("1.5 GiB", "limit"), index_t{3} << 29);
  EXPECT_ERROR((void)parse_bytes("much", "limit"), InvalidArgument, "limit");
  EXPECT_EQ(format_bytes(3.0 * (1 << 29)), "1.5 GiB");
  EXPECT_GT(available_memory(), 0);
  EXPECT_GT(peak_resident_memory(), 0);
}

TEST(Memory, what_cannot_fit_is_refused_before_it_is_allocated) {
  EXPECT_ERROR(require_memory(index_t{1} << 55, "a test"), InvalidArgument, "a test needs 32 PiB");
  EXPECT_ERROR(Buffer<double>(index_t{1} << 52), InvalidArgument, "PiB");
  EXPECT_ERROR(Buffer<double>(index_t{1} << 61), InvalidArgument, "overflows");
}

TEST(Buffer, is_zero_and_moves) {
  Buffer<double> a(1000);
  a[3] = 5;

  const Buffer<double> b = std::move(a);

  EXPECT_EQ(b[3], 5);
  EXPECT_EQ(std::accumulate(b.span().begin(), b.span().end(), 0.0), 5);
  EXPECT_EQ(a.size(), 0);  // NOLINT: the moved-from state is what is tested
}

TEST(Csr, broken_rows_are_named) {
  CsrRows<double> rows{{4, 6}, 10, {0, 2, 3}, {1, 7, 2}, {1.0, 2.0, 3.0}};
  require_valid(rows, "test");

  rows.columns[1] = 1;
  EXPECT_ERROR(require_valid(rows, "test"), InvalidArgument, "row 4");
  rows.columns[1] = 10;
  EXPECT_ERROR(require_valid(rows, "test"), InvalidArgument, "column 10");
  rows.columns[1] = 7;
  rows.values[2] = std::nan("");
  EXPECT_ERROR(require_valid(rows, "test"), InvalidArgument, "row 5");
}

TEST(MatrixEntries, in_any_order_are_the_same_rows_and_equal_places_add_up) {
  const std::uint64_t seed = 7;
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    const auto draw = [&](index_t most) {
      return static_cast<index_t>(random() % std::uint64_t(most));
    };
    const index_t first = draw(5), rows = draw(6), cols = 1 + draw(6);
    std::vector<double> dense(static_cast<std::size_t>(rows * cols));
    MatrixEntries<double> entries;
    for (index_t e = rows > 0 ? draw(20) : 0; e > 0; --e) {
      const index_t i = draw(rows), j = draw(cols);
      const double value = double(1 + draw(9));
      entries.add(first + i, j, value);
      dense[static_cast<std::size_t>(i * cols + j)] += value;
    }

    const auto got = entries.csr_rows({first, first + rows}, cols);

    require_valid(got, "test");
    index_t nonzero = 0;
    for (index_t i = 0; i < rows; ++i)
      for (index_t j = 0; j < cols; ++j) {
        const auto columns = got.row_columns(first + i);
        const auto at = std::find(columns.begin(), columns.end(), j);
        const double value = dense[static_cast<std::size_t>(i * cols + j)];
        nonzero += value != 0;
        EXPECT_EQ(
            at == columns.end() ? 0 : got.row_values(first + i)[std::size_t(at - columns.begin())],
            value)
            << "seed " << seed;
      }
    EXPECT_EQ(got.entries(), nonzero) << "seed " << seed;
  }
}

TEST(MatrixEntries, outside_the_rows_or_columns_are_refused) {
  MatrixEntries<double> entries;
  entries.add(4, 2, 1.0);
  EXPECT_ERROR((void)entries.csr_rows({0, 4}, 9), DimensionError, "row 4, column 2");
  EXPECT_ERROR((void)entries.csr_rows({5, 9}, 9), DimensionError, "rows [5, 9)");
  EXPECT_ERROR((void)entries.csr_rows({4, 5}, 2), DimensionError, "of 2 columns");
}

TEST(Numbers, shortest_text_is_read_as_the_same_number) {
  std::mt19937_64 random(8);
  for (int round = 0; round < 1000; ++round) {
    const double value = std::ldexp(double(random()), int(random() % 200) - 150);
    EXPECT_EQ(read_number<double>(shortest_text(value)), value);
  }
  EXPECT_EQ(shortest_text(0.1), "0.1");
  EXPECT_EQ(shortest_text(std::uint64_t{18446744073709551615U}), "18446744073709551615");
}

TEST(Threads, are_counted_and_bounded) {
  EXPECT_GE(available_cores(), 1);
  EXPECT_ERROR(set_threads(0), InvalidArgument, "1024");
}

}  // namespace
}  // namespace kronsolve
