// Rows held in little memory come out as they went in.

#include "operators/rows/packed_rows.hpp"

#include <random>

#include "support/mpi_test.hpp"
#include "support/rows_from.hpp"

namespace kronsolve {
namespace {

/// Random rows, values drawn from so many numbers.
template <Scalar T>
CsrRows<T> random_rows(RowRange range, index_t cols, int values, unsigned seed) {
  std::mt19937 random(seed);
  return test::rows_from<T>(range, cols, [&](index_t, const auto& add) {
    for (index_t column = random() % 7; column < cols; column += 1 + random() % (cols / 4 + 1))
      add(column, T(double(random() % static_cast<unsigned>(values)) + 0.25));
  });
}

/// Appends rows in steps of the given sizes.
template <Scalar T>
void append(detail::PackedRows<T>& packed, const CsrRows<T>& rows, index_t step) {
  for (index_t begin = rows.range.begin; begin < rows.range.end; begin += step) {
    std::vector<index_t> counts, columns;
    std::vector<T> values;
    for (index_t row = begin; row < std::min(rows.range.end, begin + step); ++row) {
      counts.push_back(static_cast<index_t>(rows.row_columns(row).size()));
      columns.insert(columns.end(), rows.row_columns(row).begin(), rows.row_columns(row).end());
      values.insert(values.end(), rows.row_values(row).begin(), rows.row_values(row).end());
    }
    packed.append(counts, columns, values);
  }
}

template <Scalar T>
void expect_same(const CsrRows<T>& rows, index_t step) {
  detail::PackedRows<T> packed(rows.range.begin, rows.cols);
  append(packed, rows, step);

  EXPECT_EQ(packed.range(), rows.range);
  EXPECT_EQ(packed.rows(rows.range), rows);
  for (index_t begin = rows.range.begin; begin <= rows.range.end; begin += 3)
    for (index_t end = begin; end <= rows.range.end; end += 5) {
      const auto piece = packed.rows({begin, end});
      require_valid(piece, "piece");
      for (index_t row = begin; row < end; ++row) {
        EXPECT_TRUE(std::ranges::equal(piece.row_columns(row), rows.row_columns(row)));
        EXPECT_TRUE(std::ranges::equal(piece.row_values(row), rows.row_values(row)));
      }
    }
}

TEST(PackedRows, come_out_as_they_went_in) {
  for (const index_t step : {1, 4, 100})
    for (const index_t cols : {1, 40, 1000}) {
      expect_same(random_rows<double>({7, 40}, cols, 5, 1), step);
      expect_same(random_rows<std::complex<double>>({0, 33}, cols, 3, 2), step);
    }
  expect_same(random_rows<double>({3, 3}, 10, 5, 3), 1);
}

TEST(PackedRows, columns_beyond_32_bits) {
  const index_t cols = index_t{1} << 40;
  expect_same(random_rows<double>({cols - 20, cols}, cols, 5, 4), 6);
}

TEST(PackedRows, values_beyond_16_bits) {
  // All values differ: the first parts have codes, later ones hold their values.
  const index_t n = 20000, each = 4;
  const auto rows = test::rows_from<double>({0, n}, each, [](index_t row, const auto& add) {
    for (index_t column = 0; column < each; ++column) add(column, double(row * each + column));
  });
  detail::PackedRows<double> packed(0, each);
  append(packed, rows, 1000);

  EXPECT_EQ(packed.rows({0, n}), rows);
  EXPECT_GT(packed.memory_bytes(), 4 * n * each + 2 * 65536 + 8 * (n * each - 65536 - 4000));
}

TEST(PackedRows, take_six_bytes_an_entry) {
  const auto rows = random_rows<double>({0, 5000}, 64, 30, 5);
  detail::PackedRows<double> packed(0, 64);
  append(packed, rows, 1000);

  EXPECT_EQ(packed.memory_bytes(), 6 * rows.entries() + 4 * (5000 + 5));
}

}  // namespace
}  // namespace kronsolve
