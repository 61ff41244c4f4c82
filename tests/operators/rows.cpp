#include <algorithm>
#include <random>

#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/rows.hpp>

#include "support/dense_oracle.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::dense;
using test::DenseMatrix;
using Complex = std::complex<double>;

/// Elements are sums of a few products of numbers of order one.
constexpr double rounding = 1e-13;

template <Scalar T>
DenseMatrix to_dense(const CsrRows<T>& rows) {
  DenseMatrix m = DenseMatrix::Zero(rows.range.size(), rows.cols);
  for (index_t row = rows.range.begin; row < rows.range.end; ++row)
    for (std::size_t e = 0; e < rows.row_columns(row).size(); ++e)
      m(row - rows.range.begin, rows.row_columns(row)[e]) = rows.row_values(row)[e];
  return m;
}

class RandomOperators {
 public:
  explicit RandomOperators(unsigned seed) : engine_(seed) {}

  int pick(int n) { return std::uniform_int_distribution<int>(0, n - 1)(engine_); }
  double real() { return std::uniform_real_distribution<double>(-1, 1)(engine_); }

  std::vector<LocalSpace> spaces() {
    std::vector<LocalSpace> result;
    index_t dimension = 1;
    const int sites = 1 + pick(8);
    for (int i = 0; i < sites; ++i) {
      const LocalSpace choices[] = {
          LocalSpace(),           LocalSpace(),         LocalSpace::spin(2),
          LocalSpace::spin(3),    LocalSpace::boson(5), LocalSpace::fermion(),
          LocalSpace::electron(), LocalSpace::plain(3), LocalSpace::plain(1)};
      const LocalSpace space = choices[pick(9)];
      if (dimension * space.dim() > 600) break;
      dimension *= space.dim();
      result.push_back(space);
    }
    if (result.empty()) result.emplace_back();
    return result;
  }

  OpSum operator_on(const std::vector<LocalSpace>& spaces, bool real_only) {
    OpSum op(spaces);
    const int terms = pick(9);
    for (int t = 0; t < terms; ++t) {
      std::vector<OpFactor> factors;
      const int length = pick(4);
      for (int f = 0; f < length; ++f) {
        const int site = pick(op.sites());
        auto names = spaces[static_cast<std::size_t>(site)].operator_names();
        if (real_only)
          std::erase_if(names, [](const auto& n) { return n == "Sy" || n == "Y" || n == "My"; });
        factors.push_back(
            {names[static_cast<std::size_t>(pick(static_cast<int>(names.size())))], site});
      }
      op.add(real_only ? Complex(real()) : Complex(real(), real()), factors);
    }
    return op;
  }

 private:
  std::mt19937 engine_;
};

template <class T>
class Rows : public ::testing::Test {};
using Scalars = ::testing::Types<double, Complex>;
TYPED_TEST_SUITE(Rows, Scalars);

TYPED_TEST(Rows, equal_the_dense_operator_however_they_are_cut) {
  using T = TypeParam;
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    RandomOperators random(seed);
    const auto spaces = random.spaces();
    const OpSum op = random.operator_on(spaces, !is_complex<T>);
    const FullBasis basis(spaces);

    const auto whole = build_rows<T>(op, basis, {0, basis.size()});
    ASSERT_NO_THROW(require_valid(whole, "whole"));
    EXPECT_LT((to_dense(whole) - dense(op)).cwiseAbs().maxCoeff(), rounding);
    EXPECT_EQ(std::count(whole.values.begin(), whole.values.end(), T{}), 0);
    EXPECT_EQ(count_entries(op, basis, {0, basis.size()}), whole.entries());
    EXPECT_EQ(whole.columns.capacity(), whole.columns.size());

    index_t begin = 0;
    while (begin < basis.size()) {
      const index_t end =
          std::min<index_t>(basis.size(), begin + random.pick(static_cast<int>(basis.size()) + 1));
      const auto part = build_rows<T>(op, basis, {begin, end});
      ASSERT_EQ(part.range, (RowRange{begin, end}));
      const auto from = whole.offsets[static_cast<std::size_t>(begin)];
      ASSERT_EQ(part.entries(), whole.offsets[static_cast<std::size_t>(end)] - from);
      EXPECT_TRUE(
          std::equal(part.columns.begin(), part.columns.end(), whole.columns.begin() + from));
      EXPECT_TRUE(std::equal(part.values.begin(), part.values.end(), whole.values.begin() + from));
      if (end == begin) ++begin;
      begin = std::max(begin, end);
    }
  }
}

TYPED_TEST(Rows, of_a_large_chain_are_the_same_on_any_number_of_threads_and_cuts) {
  using T = TypeParam;
  OpSum h(18);
  for (int i = 0; i < 18; ++i)
    for (const char* axis : {"Sx", "Sy", "Sz"}) h.add(1, {{axis, i}, {axis, (i + 5) % 18}});
  const FullBasis basis(h.spaces());
  const RowRange range{100001, 120003};

  set_threads(1);
  const auto one = build_rows<T>(h, basis, range);
  set_threads(4);
  const auto four = build_rows<T>(h, basis, range);
  set_threads(1);

  EXPECT_EQ(one, four);
  for (const index_t row : {range.begin, index_t{110592}, range.end - 1}) {
    const auto single = build_rows<T>(h, basis, {row, row + 1});
    EXPECT_TRUE(std::ranges::equal(single.columns, one.row_columns(row)));
    EXPECT_TRUE(std::ranges::equal(single.values, one.row_values(row)));
  }
}

TYPED_TEST(Rows, of_an_empty_range_or_a_zero_operator_are_empty) {
  using T = TypeParam;
  OpSum h(3);
  const FullBasis basis(h.spaces());

  EXPECT_EQ(build_rows<T>(h, basis, {0, 8}).entries(), 0);
  h.add(1, {{"Sx", 0}});
  const auto empty = build_rows<T>(h, basis, {5, 5});
  EXPECT_EQ(empty.entries(), 0);
  EXPECT_EQ(empty.cols, 8);
}

TEST(RowsOfSites, beyond_64_bits_of_packed_digits_are_right) {
  // 27 sites of dimension 5 have 62.7 bits of states and 81 bits of packed digits.
  std::vector<LocalSpace> spaces(27, LocalSpace::boson(5));
  OpSum h(spaces);
  h.add(2, {{"B+", 0}, {"B-", 26}}).add(3, {{"N", 0}, {"N", 13}});
  const FullBasis basis(spaces);
  const state_t stride0 = basis.code().stride(0), stride13 = basis.code().stride(13);
  const auto row = static_cast<index_t>(2 * stride0 + 4 * stride13);

  const auto rows = build_rows<double>(h, basis, {row, row + 1});

  ASSERT_EQ(rows.entries(), 2);
  EXPECT_EQ(rows.columns[0], static_cast<index_t>(stride0 + 4 * stride13 + 1));
  EXPECT_NEAR(rows.values[0], 2 * std::sqrt(2.0), rounding);
  EXPECT_EQ(rows.columns[1], row);
  EXPECT_NEAR(rows.values[1], 24, 100 * rounding);
}

TEST(Lazy, scaled_and_added_are_the_scaled_and_added_matrix) {
  const unsigned seed = 20;
  RandomOperators random(seed);
  for (int round = 0; round < 50; ++round) {
    const auto spaces = random.spaces();
    const OpSum one = random.operator_on(spaces, false), two = random.operator_on(spaces, false);
    const Complex factor(random.real(), random.real());
    const index_t n = FullBasis(spaces).size(), first = random.pick(int(n));
    const auto a = make_lazy<Complex>(on_full_space(one)),
               b = make_lazy<Complex>(on_full_space(two));

    const auto rows = (factor * a + b).build({first, n});

    const DenseMatrix expected = factor * dense(one) + dense(two);
    EXPECT_LT((to_dense(rows) - expected.bottomRows(n - first)).norm(), rounding * double(n))
        << "seed " << seed << ", round " << round;
  }
  const auto small = make_lazy<double>(on_full_space(OpSum(2)));
  EXPECT_ERROR(small + make_lazy<double>(on_full_space(OpSum(3))), DimensionError,
               "4 x 4 and 8 x 8");
}

TEST(Lazy, builds_the_rows_of_an_operator) {
  OpSum h(4);
  h.add(1, {{"S+", 0}, {"S-", 3}}).add(1, {{"S-", 0}, {"S+", 3}});
  const auto lazy = make_lazy<double>(on_full_space(h));

  EXPECT_EQ(lazy.build({3, 9}), build_rows<double>(h, FullBasis(h.spaces()), {3, 9}));
}

TEST(EntriesPerRow, counts_moves_and_the_diagonal) {
  OpSum h(6);
  for (int i = 0; i < 6; ++i)
    for (const char* axis : {"Sx", "Sy", "Sz"}) h.add(1, {{axis, i}, {axis, (i + 1) % 6}});
  const FullBasis basis(h.spaces());
  const auto rows = build_rows<double>(h, basis, {0, 64});
  index_t most = 0;
  for (index_t row = 0; row < 64; ++row)
    most = std::max(most, static_cast<index_t>(rows.row_columns(row).size()));

  const auto fill = entries_per_row(h);

  EXPECT_DOUBLE_EQ(fill.mean, 4);  // six bonds flip half of the rows; the diagonal
  EXPECT_EQ(fill.most, 7);
  EXPECT_EQ(most, 7);
}

/// States with an even number of set digits, in descending order: a basis whose order is not that
/// of the states.
class EvenDescending final : public Basis {
 public:
  explicit EvenDescending(int sites)
      : Basis(std::vector<LocalSpace>(static_cast<std::size_t>(sites))) {
    for (state_t s = state_t{1} << sites; s-- > 0;)
      if (std::popcount(static_cast<unsigned>(s)) % 2 == 0) states_.push_back(s);
  }
  index_t size() const override { return static_cast<index_t>(states_.size()); }
  state_t state(index_t i) const override { return states_[static_cast<std::size_t>(i)]; }
  index_t index(state_t state) const override {
    const auto at = std::find(states_.begin(), states_.end(), state);
    return at == states_.end() ? -1 : at - states_.begin();
  }
  std::vector<std::string> sector() const override { return {"parity=0"}; }

 private:
  std::vector<state_t> states_;
};

TEST(RowsInASector, equal_the_block_of_the_full_matrix) {
  OpSum h(5);
  for (int i = 0; i < 4; ++i) h.add(i + 1, {{"Sx", i}, {"Sx", i + 1}}).add(0.5, {{"Sz", i}});
  const EvenDescending basis(5);
  const DenseMatrix full = dense(h);

  const auto rows = to_dense(build_rows<double>(h, basis, {0, 16}));

  for (index_t i = 0; i < 16; ++i)
    for (index_t j = 0; j < 16; ++j)
      EXPECT_NEAR(std::abs(rows(i, j) - full(static_cast<index_t>(basis.state(i)),
                                             static_cast<index_t>(basis.state(j)))),
                  0, rounding);
}

TEST(RowsInASector, of_charges_equal_the_block_of_the_full_matrix_however_they_are_cut) {
  // More sites than the tables of low digits hold, so that moves cross them.
  for (const char* sector : {"sz=0", "sz=1", "sz=-6", "sz=7", "parity=1"}) {
    OpSum h(14);
    for (int i = 0; i < 14; ++i) {
      h.add(0.5 + i, {{"S+", i}, {"S-", (i + 1) % 14}})
          .add(0.5 + i, {{"S-", i}, {"S+", (i + 1) % 14}});
      h.add(1, {{"Sz", i}, {"Sz", (i + 3) % 14}})
          .add(0.25, {{"S+", i}, {"Sz", (i + 2) % 14}, {"S-", (i + 5) % 14}});
      if (std::string(sector) == "parity=1") h.add(0.1, {{"S+", i}, {"S+", (i + 9) % 14}});
    }
    const ChargeBasis basis(h.spaces(), {*Charge::parse(h.spaces(), sector)});
    const FullBasis all(h.spaces());

    const auto rows = build_rows<double>(h, basis, {0, basis.size()});
    ASSERT_NO_THROW(require_valid(rows, sector));
    EXPECT_EQ(count_entries(h, basis, {0, basis.size()}), rows.entries());
    for (index_t i = 0; i < basis.size(); i += 1 + basis.size() / 200) {
      const auto state = static_cast<index_t>(basis.state(i));
      const auto whole = build_rows<double>(h, all, {state, state + 1});
      std::vector<index_t> columns;
      for (const index_t c : whole.columns) columns.push_back(basis.index(static_cast<state_t>(c)));
      EXPECT_TRUE(std::ranges::equal(columns, rows.row_columns(i))) << sector << " row " << i;
      EXPECT_TRUE(std::ranges::equal(whole.values, rows.row_values(i)));
      const auto single = build_rows<double>(h, basis, {i, i + 1});
      EXPECT_TRUE(std::ranges::equal(single.columns, rows.row_columns(i)));
      EXPECT_TRUE(std::ranges::equal(single.values, rows.row_values(i)));
    }
  }
  const std::vector<LocalSpace> mixed = {LocalSpace::electron(), LocalSpace::boson(3),
                                         LocalSpace::electron(), LocalSpace::tj(),
                                         LocalSpace::boson(5),   LocalSpace::electron(),
                                         LocalSpace::fermion(),  LocalSpace::electron()};
  OpSum hop(mixed);
  for (const int i : {0, 2, 3, 5, 7})
    for (const int j : {0, 2, 3, 5, 7})
      if (i != j)
        hop.add(1.0 + i * j, {{"Cup+", i}, {"Cup-", j}})
            .add(0.3, {{"Cdn+", i}, {"Nup", j}, {"Cdn-", j}});
  hop.add(2, {{"B+", 1}, {"B-", 4}}).add(0.5, {{"N", 6}, {"N", 4}});
  const ChargeBasis basis(mixed, {Charge::up(mixed, 2), Charge::down(mixed, 2)});
  const FullBasis all(mixed);
  for (index_t i = 0; i < basis.size(); i += 17) {
    const auto state = static_cast<index_t>(basis.state(i));
    const auto whole = build_rows<double>(hop, all, {state, state + 1});
    const auto part = build_rows<double>(hop, basis, {i, i + 1});
    std::vector<index_t> columns;
    for (const index_t c : whole.columns) columns.push_back(basis.index(static_cast<state_t>(c)));
    EXPECT_TRUE(std::ranges::equal(columns, part.columns));
    EXPECT_TRUE(std::ranges::equal(whole.values, part.values));
  }
}

TEST(RowsInASector, of_charges_refuse_an_operator_that_leads_out) {
  OpSum h(14);
  h.add(1, {{"Sz", 0}}).add(1, {{"Sx", 2}});
  const ChargeBasis basis(h.spaces(), {Charge::sz(h.spaces(), 0)});

  EXPECT_ERROR(build_rows<double>(h, basis, {0, basis.size()}), InvalidArgument,
               "out of the sector sz=0");
}

TEST(RowsInASector, refuse_an_operator_that_leads_out_of_it) {
  OpSum h(3);
  h.add(1, {{"Sz", 0}}).add(1, {{"Sx", 2}});

  EXPECT_ERROR(build_rows<double>(h, EvenDescending(3), {0, 4}), InvalidArgument,
               "sector parity=0");
  EXPECT_ERROR(build_rows<double>(h, EvenDescending(3), {0, 4}), InvalidArgument, "110 with 111");
}

TEST(RowsErrors, name_what_is_wrong) {
  OpSum h(3);
  h.add(1, {{"Sy", 0}});
  const FullBasis basis(h.spaces());

  EXPECT_ERROR(build_rows<double>(h, basis, {0, 8}), InvalidArgument, "not real");
  EXPECT_ERROR(build_rows<Complex>(h, basis, {0, 9}), DimensionError, "8 states");
  EXPECT_ERROR(build_rows<Complex>(h, FullBasis(std::vector<LocalSpace>(4)), {0, 8}),
               DimensionError, "sites");
}

}  // namespace
}  // namespace kronsolve
