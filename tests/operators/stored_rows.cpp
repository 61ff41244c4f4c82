// Rows stored in little memory come out as they went in, owned columns and ghosts, square or not.

#include "operators/assembled/stored_rows.hpp"

#include <random>

#include "support/mpi_test.hpp"
#include "support/rows_from.hpp"

namespace kronsolve {
namespace {

using Complex = std::complex<double>;

/// Random rows, values drawn from so many numbers.
template <Scalar T>
CsrRows<T> random_rows(RowRange range, index_t cols, unsigned values, unsigned seed) {
  std::mt19937 random(seed);
  return test::rows_from<T>(range, cols, [&](index_t, const auto& add) {
    for (index_t column = random() % 7; column < cols; column += 1 + random() % (cols / 4 + 1))
      add(column, T(double(random() % values) + 0.25));
  });
}

template <Scalar T>
CsrRows<T> piece_of(const CsrRows<T>& rows, RowRange range) {
  return test::rows_from<T>(range, rows.cols, [&](index_t row, const auto& add) {
    for (std::size_t e = 0; e < rows.row_columns(row).size(); ++e)
      add(rows.row_columns(row)[e], rows.row_values(row)[e]);
  });
}

/// Rows of rank 1 of 3, appended in steps of the given size.
template <Scalar T>
detail::StoredRows<T> stored(const CsrRows<T>& rows, const RowPartition& cols, bool square,
                             index_t step) {
  detail::StoredRows<T> result(rows.range, cols, 1, square);
  for (index_t begin = rows.range.begin; begin < rows.range.end; begin += step)
    result.append(piece_of(rows, {begin, std::min(rows.range.end, begin + step)}));
  result.number_ghosts();
  return result;
}

template <Scalar T>
void expect_same(index_t n, unsigned values) {
  const RowPartition cols(n, 3);
  for (const bool square : {true, false})
    for (const index_t step : {1, 4, 1000}) {
      const RowRange range = square ? cols.range(1) : RowRange{5, 5 + n};
      const auto rows = random_rows<T>(range, n, values, static_cast<unsigned>(n));
      const auto held = stored(rows, cols, square, step);

      EXPECT_EQ(held.is_coded(), values <= 256);
      EXPECT_EQ(held.rows(range), rows);
      const index_t third = range.size() / 3;
      for (index_t begin = range.begin; begin <= range.end;
           begin += std::max<index_t>(1, third / 4))
        for (index_t end = begin; end <= range.end; end += std::max<index_t>(1, third / 2))
          EXPECT_EQ(held.rows({begin, end}), piece_of(rows, {begin, end}));
    }
}

TEST(StoredRows, come_out_as_they_went_in) {
  for (const index_t n : {3, 40, 1000}) {
    expect_same<double>(n, 5);
    expect_same<Complex>(n, 200);
  }
}

TEST(StoredRows, more_values_than_codes_are_stored_as_they_are) {
  expect_same<double>(3000, 1000000);
  expect_same<Complex>(3000, 1000000);
}

TEST(StoredRows, take_five_bytes_an_entry) {
  const RowPartition cols(600, 3);
  const auto rows = random_rows<double>(cols.range(1), 600, 200, 1);
  const auto held = stored(rows, cols, true, 1000);
  const auto overhead =
      rows.range.size() * (4 + 8) + static_cast<index_t>(held.ghosts().size()) * 8;

  EXPECT_LE(held.bytes(), 5 * rows.entries() + overhead + 8 * rows.range.size() + 64);
}

}  // namespace
}  // namespace kronsolve
