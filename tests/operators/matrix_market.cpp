#include <cstdio>
#include <fstream>
#include <random>

#include <kronsolve/core/memory.hpp>
#include <kronsolve/operators/matrix_market.hpp>

#include "support/dense_oracle.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::world;
using Complex = std::complex<double>;
using test::DenseMatrix;

/// A file that lives as long as the test, written by rank 0.
class File {
 public:
  explicit File(const std::string& text) {
    path_ = detail::concat("matrix_market_np", world().size(), ".mtx");
    if (world().is_root()) std::ofstream(path_, std::ios::binary) << text;
    world().barrier();
  }
  ~File() {
    world().barrier();
    if (world().is_root()) std::remove(path_.c_str());
    world().barrier();
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

template <Scalar T>
DenseMatrix gathered(const MatrixMarketRows<T>& m) {
  DenseMatrix mine = DenseMatrix::Zero(m.partition.rows(), m.rows.cols);
  for (index_t row = m.rows.range.begin; row < m.rows.range.end; ++row)
    for (std::size_t e = 0; e < m.rows.row_columns(row).size(); ++e)
      mine(row, m.rows.row_columns(row)[e]) = m.rows.row_values(row)[e];
  world().all_reduce(std::span<Complex>(mine.data(), static_cast<std::size_t>(mine.size())));
  return mine;
}

DenseMatrix read(const std::string& text) {
  const File file(text);
  return std::visit(
      [](const auto& m) {
        require_valid(m.rows, "test");
        EXPECT_EQ(m.rows.range, m.partition.range(world().rank()));
        return gathered(m);
      },
      read_matrix_market(world(), file.path()));
}

DenseMatrix matrix(std::initializer_list<std::initializer_list<Complex>> rows) {
  DenseMatrix m(static_cast<Eigen::Index>(rows.size()),
                static_cast<Eigen::Index>(rows.begin()->size()));
  Eigen::Index i = 0;
  for (const auto& row : rows) {
    Eigen::Index j = 0;
    for (const Complex value : row) m(i, j++) = value;
    ++i;
  }
  return m;
}

const std::string real_banner = "%%MatrixMarket matrix coordinate real ";

TEST(MatrixMarket, reads_every_kind) {
  const Complex i(0, 1);
  EXPECT_EQ(read(real_banner + "general\n% comment\n\n2 3 3\n1 1 +1.5\n2 3 -2e1\n 1\t2   3 \n"),
            matrix({{1.5, 3, 0}, {0, 0, -20}}));
  EXPECT_EQ(read(real_banner + "symmetric\r\n2 2 2\r\n2 1 4\r\n2 2 1\r\n"),
            matrix({{0, 4}, {4, 1}}));
  EXPECT_EQ(read(real_banner + "skew-symmetric\n2 2 1\n2 1 4"), matrix({{0, -4}, {4, 0}}));
  EXPECT_EQ(read("%%MatrixMarket MATRIX Coordinate complex Hermitian\n2 2 2\n1 1 3 0\n2 1 1 2\n"),
            matrix({{3, 1.0 - 2.0 * i}, {1.0 + 2.0 * i, 0}}));
  EXPECT_EQ(read("%%MatrixMarket matrix coordinate pattern symmetric\n2 2 1\n2 1\n"),
            matrix({{0, 1}, {1, 0}}));
  EXPECT_EQ(read("%%MatrixMarket matrix coordinate integer general\n1 1 1\n1 1 7\n"),
            matrix({{7}}));
}

TEST(MatrixMarket, reads_blank_and_indented_lines_and_a_byte_order_mark) {
  const auto expected = matrix({{2, 0}, {0, 3}});
  for (const char* before : {"   \n", "\t\n", "  % indented\n", "% a comment\n\t\n \n"})
    EXPECT_EQ(read(real_banner + "general\n" + before + "2 2 2\n1 1 2\n2 2 3\n"), expected);
  EXPECT_EQ(read("\xEF\xBB\xBF" + real_banner + "general\n2 2 2\n1 1 2\n\n2 2 3\n"), expected);
}

TEST(MatrixMarket, numbers_below_the_range_are_zero) {
  EXPECT_EQ(read(real_banner + "general\n1 2 2\n1 1 1e-400\n1 2 -2.5e-310\n"),
            matrix({{0, -2.5e-310}}));
}

TEST(MatrixMarket, a_few_bytes_do_not_announce_gigabytes) {
  const File few(real_banner + "general\n500000000 500000000 1\n1 1 1\n");
  EXPECT_ERROR(read_matrix_market(world(), few.path()), InvalidArgument,
               ":2: most of the 500000000 rows are empty with 1 entries");
  EXPECT_LT(peak_resident_memory(), index_t{1} << 30);
}

TEST(MatrixMarket, adds_up_entries_given_twice) {
  EXPECT_EQ(read(real_banner + "general\n2 2 4\n2 2 1\n1 1 5\n2 2 2\n2 1 3\n"),
            matrix({{5, 0}, {3, 3}}));
}

TEST(MatrixMarket, complex_file_without_imaginary_part_is_real) {
  const File file("%%MatrixMarket matrix coordinate complex general\n2 2 2\n1 1 1 0\n2 2 2 0\n");

  const auto m = read_matrix_market(world(), file.path());

  EXPECT_TRUE(std::holds_alternative<MatrixMarketRows<double>>(m));
}

TEST(MatrixMarket, random_matrix_survives_any_number_of_ranks) {
  const unsigned seed = 20240601;
  std::mt19937 random(seed);
  const index_t n = 137;
  DenseMatrix expected = DenseMatrix::Zero(n, n);
  std::string lines;
  const index_t entries = 3000;
  for (index_t e = 0; e < entries; ++e) {
    const auto row = static_cast<index_t>(random() % n), col = static_cast<index_t>(random() % n);
    const double re = static_cast<double>(random() % 1000) / 8,
                 im = static_cast<double>(random() % 1000) / 8;
    expected(row, col) += Complex(re, im);
    lines += detail::concat(row + 1, " ", col + 1, " ", re, " ", im, e % 3 == 0 ? "\r\n" : "\n");
  }
  const File file(detail::concat("%%MatrixMarket matrix coordinate complex general\n", n, " ", n,
                                 " ", entries, "\n", lines));

  const auto m = std::get<MatrixMarketRows<Complex>>(read_matrix_market(world(), file.path()));
  const DenseMatrix got = gathered(m);
  EXPECT_EQ(got, expected) << "seed " << seed;
}

TEST(MatrixMarket, says_where_and_what_is_wrong) {
  const auto fails = [](const std::string& text, const std::string& word) {
    const File file(text);
    try {
      (void)read_matrix_market(world(), file.path());
      ADD_FAILURE() << "accepted: " << text;
    } catch (const InvalidArgument& error) {
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
    }
  };
  fails("", "empty");
  fails("1 1 1\n", ":1: not a Matrix Market file");
  fails("%%MatrixMarket matrix array real general\n1 1\n1\n", "'coordinate'");
  fails("%%MatrixMarket matrix coordinate quaternion general\n1 1 1\n", "the field must be");
  fails("%%MatrixMarket matrix coordinate real lopsided\n1 1 1\n", "the symmetry must be");
  fails(real_banner + "general\n% only comments\n", "ends before");
  fails(real_banner + "general\n3 3\n", ":2: ");
  fails(real_banner + "general\n0 0 0\n", "at least one row");
  fails(real_banner + "general\n99999999999999999999 1 1\n1 1 1\n", "below 2^63");
  fails(real_banner + "symmetric\n2 3 1\n1 1 1\n", "square");
  const std::string general = real_banner + "general\n2 2 2\n1 1 1\n";
  fails(general, ":2: the file is truncated: 2 entries are announced and only 6 bytes follow");
  fails(real_banner + "general\n2 2 3\n1 1 1.25\n2 2 1.25\n", ":4: the file is truncated: 3");
  fails(general + "1 2 +-2\n", ":4: a number is expected, got '+-2'");
  fails(general + "+-1 2 2\n", ":4: a row number is expected, got '+-1'");
  const std::string whole = "%%MatrixMarket matrix coordinate integer general\n2 2 1\n";
  fails(whole + "1 1 2.5\n", ":3: a whole number below 2^63 is expected in a file of integers");
  fails(whole + "1 1 1e2\n", "got '1e2'");
  fails(general + "2 2 1\n1 2 3\n", "2 entries are announced and 3 follow");
  fails(general + "3 1 1\n", ":4: the row must be in [1, 2], got 3");
  fails(general + "1 0 1\n", ":4: the column must be in [1, 2], got 0");
  fails(general + "1 x 1\n", ":4: a column number is expected, got 'x'");
  fails(general + "1 2 nan\n", ":4: the entry must be finite, got nan");
  fails(general + "1 2 1e999\n", ":4: ");
  fails(general + "1 2\n\n\n", ":4: the value is missing");
  fails(general + "1 2 3 4\n", ":4: nothing may follow");
  fails(real_banner + "symmetric\n2 2 1\n1 2 1.5\n", "above the diagonal");
  fails(real_banner + "skew-symmetric\n2 2 1\n2 2 1.5\n", "on the diagonal");
  fails("%%MatrixMarket matrix coordinate complex hermitian\n2 2 1\n2 2 1 1\n", "must be real");
  fails("%%MatrixMarket matrix coordinate real general\n2 2 1000000000\n1 1 1\n", "truncated");
  EXPECT_ERROR(read_matrix_market(world(), "no/such.mtx"), IoError, "no/such.mtx");
}

TEST(MatrixMarket, names_the_bad_line_of_a_long_file_on_every_rank) {
  std::string lines;
  for (int i = 1; i <= 1000; ++i)
    lines += detail::concat(i, " ", i, i == 777 ? " one\n" : " 1.0\n");
  const File file(real_banner + "general\n1000 1000 1000\n" + lines);

  EXPECT_ERROR(read_matrix_market(world(), file.path()), InvalidArgument,
               ":779: a number is expected, got 'one'");
}

}  // namespace
}  // namespace kronsolve
