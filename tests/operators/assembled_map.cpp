#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/assembled_map.hpp>
#include <kronsolve/operators/hermitian_check.hpp>

#include "support/instruction_sets.hpp"
#include "support/mpi_test.hpp"
#include "support/random_matrix.hpp"

namespace kronsolve {
namespace {

using test::world;

template <class T>
class AssembledMapTest : public ::testing::Test {};
using Scalars = ::testing::Types<double, std::complex<double>>;
TYPED_TEST_SUITE(AssembledMapTest, Scalars);

/// Sums of a few hundred products of numbers near 1.
constexpr double rounding = 1e-12;

/// A ragged split: rank r of R gets a share by a random number, possibly nothing.
RowPartition ragged(index_t rows, int ranks, std::uint64_t seed) {
  const CounterRandom random(seed, 9);
  std::vector<index_t> offsets = {0};
  for (int r = 1; r < ranks; ++r)
    offsets.push_back(
        static_cast<index_t>(random.uniform(static_cast<std::uint64_t>(r)) * double(rows + 1)));
  std::sort(offsets.begin(), offsets.end());
  offsets.push_back(rows);
  return RowPartition(offsets);
}

template <Scalar T>
std::vector<T> random_vector(index_t n, std::uint64_t seed) {
  std::vector<T> x(static_cast<std::size_t>(n));
  fill_normal(std::span(x), RowRange{0, n}, seed);
  return x;
}

template <Scalar T>
std::span<const T> owned(const std::vector<T>& x, RowRange range) {
  return std::span(x).subspan(static_cast<std::size_t>(range.begin),
                              static_cast<std::size_t>(range.size()));
}

template <Scalar T>
double distance(const test::Dense<T>& expected, const std::vector<T>& got, index_t begin) {
  double most = 0;
  for (std::size_t i = 0; i < got.size(); ++i)
    most = std::max(most, std::abs(expected(begin + static_cast<index_t>(i), 0) - got[i]));
  return most;
}

TYPED_TEST(AssembledMapTest, products_agree_with_dense_for_random_shapes_and_partitions) {
  using T = TypeParam;
  const Comm& comm = world();
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(detail::concat("seed ", seed));
    const CounterRandom random(seed, 5);
    const auto m = 1 + static_cast<index_t>(random.uniform(0) * 90);
    const bool square = seed % 2 == 0;
    const auto n = square ? m : 1 + static_cast<index_t>(random.uniform(1) * 90);
    test::Dense<T> a = test::random_matrix<T>(m, n, random.uniform(2), seed);
    if (seed % 4 < 2)
      a = a.unaryExpr([](const T& v) { return T(std::round(real_part(v))); });  // few values: coded
    const RowPartition rows = ragged(m, comm.size(), seed),
                       cols = square ? rows : ragged(n, comm.size(), seed + 1000);

    const AssembledMap<T> map(comm, test::lazy<T>(a), rows, cols);
    const auto x = random_vector<T>(n, seed), z = random_vector<T>(m, seed + 1);
    std::vector<T> y(static_cast<std::size_t>(map.row_range().size()), T(7));
    std::vector<T> w(static_cast<std::size_t>(map.col_range().size()), T(7));
    map.apply(owned(x, map.col_range()), y);
    map.apply_adjoint(owned(z, map.row_range()), w);

    const Eigen::Map<const test::Dense<T>> xs(x.data(), n, 1), zs(z.data(), m, 1);
    EXPECT_LT(distance<T>(a * xs, y, map.row_range().begin), rounding);
    EXPECT_LT(distance<T>(a.adjoint() * zs, w, map.col_range().begin), rounding);
    EXPECT_EQ(map.products(), 2);
    const double norm2 = map.apply_cross(owned(x, map.col_range()), w);
    EXPECT_LT(distance<T>(a.adjoint() * (a * xs), w, map.col_range().begin), 100 * rounding);
    EXPECT_NEAR(norm2, (a * xs).squaredNorm(), 1e-13 * norm2);
    EXPECT_EQ(map.products(), 4);
    if (square) {
      auto v = random_vector<T>(m, seed + 2);
      const test::Dense<T> next = a * xs - 0.75 * Eigen::Map<const test::Dense<T>>(v.data(), m, 1);
      const auto mine = owned(v, map.row_range());
      std::vector<T> recurrence(mine.begin(), mine.end());
      const T overlap = map.apply_recurrence(owned(x, map.row_range()), 0.75, recurrence);
      EXPECT_LT(distance<T>(next, recurrence, map.row_range().begin), rounding);
      EXPECT_LT(std::abs(overlap - (xs.adjoint() * next)(0, 0)), 10 * rounding * double(m));
    }
  }
}

TYPED_TEST(AssembledMapTest, block_steps_agree_with_dense) {
  using T = TypeParam;
  const Comm& comm = world();
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const char* set = test::instruction_sets[seed / 3 % 3];
    if (!test::machine_has(set)) continue;
    const test::InstructionSet asked(set);
    SCOPED_TRACE(detail::concat("seed ", seed, ", ", set));
    const CounterRandom random(seed, 6);
    const auto n = 1 + static_cast<index_t>(random.uniform(0) * 90);
    test::Dense<T> a = test::random_matrix<T>(n, n, random.uniform(2), seed);
    // values of their own, few of them, or a single one
    if (seed % 3 > 0)
      a = a.unaryExpr([&](const T& v) {
        return seed % 3 == 1 ? T(std::round(real_part(v)))
               : v == T{}    ? T{}
                             : from_complex<T>({0.5, 0.25});
      });
    const RowPartition rows = ragged(n, comm.size(), seed);
    const AssembledMap<T> map(comm, test::lazy<T>(a), rows);
    const RowRange mine = map.row_range();
    const RecurrenceStep step{.scale = 0.75, .center = -0.5, .beta = 1.25, .weight = 0.125};
    ASSERT_EQ(map.block_width(), is_complex<T> ? 4 : 8);
    for (const index_t width : {map.block_width(), map.block_width() / 2}) {
      const auto part = [&](std::uint64_t which) {
        test::Dense<T> whole(n, width);
        for (index_t j = 0; j < width; ++j) {
          const auto v = random_vector<T>(n, 100 * which + static_cast<std::uint64_t>(j));
          for (index_t i = 0; i < n; ++i) whole(i, j) = v[static_cast<std::size_t>(i)];
        }
        return whole;
      };
      const auto side_by_side = [&](const test::Dense<T>& whole) {
        std::vector<T> block;
        for (index_t i = mine.begin; i < mine.end; ++i)
          for (index_t j = 0; j < width; ++j) block.push_back(whole(i, j));
        return block;
      };
      const test::Dense<T> x = part(1), y = part(2), sum = part(3);
      auto got_y = side_by_side(y), got_sum = side_by_side(sum);
      const index_t before = map.products();
      map.apply_block_step(width, width - 1, side_by_side(x), step, got_y, got_sum);

      EXPECT_EQ(map.products() - before, width - 1);
      const test::Dense<T> next = step.scale * (a * x - step.center * x) - step.beta * y;
      const auto want_y = side_by_side(next), want_sum = side_by_side(sum + step.weight * next);
      for (std::size_t i = 0; i < want_y.size(); ++i) {
        EXPECT_LT(std::abs(got_y[i] - want_y[i]), rounding);
        EXPECT_LT(std::abs(got_sum[i] - want_sum[i]), rounding);
      }
    }
    std::vector<T> none;
    EXPECT_THROW(map.apply_block_step(3, 3, none, step, none, none), DimensionError);
  }
}

/// Rows enough for several threads, in memory that begins with a line: written past the caches.
TYPED_TEST(AssembledMapTest, block_steps_of_several_threads_are_those_of_one) {
  using T = TypeParam;
  const Comm& comm = world();
  const index_t n = 5000 * comm.size();
  const Lazy<T> band(n, n, [n](RowRange range) {
    return test::rows_from<T>(range, n, [&](index_t i, const auto& add) {
      for (const index_t j : {i - 70, i - 1, i, i + 2, i + 300})
        if (j >= 0 && j < n) add(j, T(double(1 + (i + j) % 11)));
    });
  });
  // A block for each rank, so that no entry of another one is needed.
  const Lazy<T> own(n, n, [n](RowRange range) {
    return test::rows_from<T>(range, n, [&](index_t i, const auto& add) {
      for (const index_t j : {i - 70, i - 1, i, i + 2})
        if (j >= 0 && j / 5000 == i / 5000) add(j, T(double(1 + (i + j) % 11)));
    });
  });
  const int before = num_threads();
  for (const auto& a : {band, own}) {
    const AssembledMap<T> map(comm, a, RowPartition(n, comm.size()));
    const RecurrenceStep step{.scale = 0.75, .center = -0.5, .beta = 1.25, .weight = 0.125};
    const auto stepped = [&](int threads, index_t width) {
      set_threads(threads);
      const index_t size = width * map.row_range().size();
      Buffer<T> x(size), y(size), sum(size);
      for (auto* v : {&x, &y, &sum})
        fill_normal(v->span(), RowRange{0, size}, v == &x ? 1 : v == &y ? 2 : 3);
      map.apply_block_step(width, width, x.span(), step, y.span(), sum.span());
      map.apply_block_step(width, width, y.span(), step, x.span(), sum.span());
      std::vector<T> result(x.span().begin(), x.span().end());
      result.insert(result.end(), sum.span().begin(), sum.span().end());
      return result;
    };
    for (const index_t width : {map.block_width(), map.block_width() / 2})
      for (const int threads : {2, 3}) EXPECT_EQ(stepped(1, width), stepped(threads, width));
  }
  set_threads(before);
}

TYPED_TEST(AssembledMapTest, few_values_take_one_byte_and_many_do_not) {
  using T = TypeParam;
  const Comm& comm = world();
  const index_t n = 1600;
  // The 257th value comes late: what is coded by then must be decoded rightly.
  const auto tridiagonal = [n](index_t different) {
    return Lazy<T>(n, n, [n, different](RowRange range) {
      return test::rows_from<T>(range, n, [&](index_t i, const auto& add) {
        for (index_t j = std::max<index_t>(0, i - 1); j < std::min(n, i + 2); ++j)
          add(j, T(i == j ? double(i) : double(1 + (i + j) % different)));
      });
    });
  };
  const RowPartition partition(n, comm.size());

  for (const index_t different : {3, 3200}) {
    const AssembledMap<T> map(comm, tridiagonal(different), partition);
    const auto x = random_vector<T>(n, 3);
    std::vector<T> y(static_cast<std::size_t>(map.row_range().size()));
    map.apply(owned(x, map.row_range()), y);

    const auto a = test::dense(tridiagonal(different));
    const Eigen::Map<const test::Dense<T>> xs(x.data(), n, 1);
    EXPECT_LT(distance<T>(a * xs, y, map.row_range().begin), 1e-9);
    EXPECT_NEAR(map.row_sum_norm(), a.cwiseAbs().rowwise().sum().maxCoeff(), 1e-9);
    EXPECT_EQ(comm.all_reduce(map.local_entries()), 3 * n - 2);
    // 3200 values in all; a rank of four sees 400 of them and more.
    EXPECT_EQ(map.is_coded(), different == 3);
  }
}

TYPED_TEST(AssembledMapTest, threads_do_not_change_the_product) {
  using T = TypeParam;
  const Comm& comm = world();
  const index_t n = 3000;
  const auto a = test::lazy<T>(test::random_matrix<T>(n, n, 0.01, 8));
  const RowPartition partition(n, comm.size());
  const auto x = random_vector<T>(n, 3);
  std::vector<std::vector<T>> results;
  const int before = num_threads();
  for (const int threads : {1, 3}) {
    set_threads(threads);
    const AssembledMap<T> map(comm, a, partition);
    results.emplace_back(static_cast<std::size_t>(map.row_range().size()));
    map.apply(owned(x, map.row_range()), results.back());
    results.emplace_back(static_cast<std::size_t>(map.row_range().size()));
    map.apply_adjoint(owned(x, map.row_range()), results.back());
    results.emplace_back(static_cast<std::size_t>(map.row_range().size()));
    map.apply_cross(owned(x, map.row_range()), results.back());
  }
  set_threads(before);
  EXPECT_EQ(results[0], results[3]);
  for (const std::size_t product : {1, 2})
    for (std::size_t i = 0; i < results[product].size(); ++i)
      EXPECT_LT(std::abs(results[product][i] - results[product + 3][i]), 1e3 * rounding);
}

TEST(AssembledMap, every_rank_throws_what_the_builder_threw_on_one) {
  const Comm& comm = world();
  const Lazy<double> broken(40, 40, [](RowRange range) -> CsrRows<double> {
    if (range.end == 40) throw InvalidArgument("builder: row 39 is not there");
    CsrRows<double> rows;
    rows.range = range;
    rows.cols = 40;
    rows.offsets.assign(static_cast<std::size_t>(range.size()) + 1, 0);
    return rows;
  });
  EXPECT_ERROR(AssembledMap<double>(comm, broken, RowPartition(40, comm.size())), InvalidArgument,
               "row 39");
}

TYPED_TEST(AssembledMapTest, hermitian_check_finds_a_defect_on_either_side_of_the_threshold) {
  using T = TypeParam;
  const Comm& comm = world();
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    test::Dense<T> a = test::random_hermitian<T>(50, 0.2, seed);
    a(41, 3) = T(a.cwiseAbs().maxCoeff());
    a(3, 41) = a(41, 3);
    const double scale = a.cwiseAbs().maxCoeff();
    const auto check = [&](const test::Dense<T>& m) {
      const RowPartition partition = ragged(50, comm.size(), seed);
      require_hermitian(comm, test::lazy<T>(m).build(partition.range(comm.rank())), partition,
                        "file");
    };
    check(a);
    a(41, 3) *= 1 - 0.5e-12;
    check(a);
    EXPECT_NO_THROW(require_hermitian_sampled(comm, test::lazy<T>(a), "builder"));
    a(41, 3) -= T(3e-12 * scale);
    EXPECT_ERROR(check(a), InvalidArgument, "file: the matrix is not Hermitian: entry (");
    EXPECT_ERROR(require_hermitian_sampled(comm, test::lazy<T>(a), "builder"), InvalidArgument,
                 "41");
  }
}

TEST(HermitianCheck, names_an_entry_without_partner_and_samples_large_matrices) {
  const Comm& comm = world();
  const index_t n = 100000;
  const Lazy<double> upper(n, n, [n](RowRange range) {
    return test::rows_from<double>(range, n,
                                   [n](index_t i, const auto& add) { add((i + 1) % n, 1); });
  });
  EXPECT_ERROR(require_hermitian_sampled(comm, upper, "eigh"), InvalidArgument, "is not Hermitian");
  const Lazy<double> wide(3, 4, [](RowRange) { return CsrRows<double>(); });
  EXPECT_ERROR(require_hermitian_sampled(comm, wide, "eigh"), DimensionError, "3 x 4");
}

}  // namespace
}  // namespace kronsolve
