#include <cmath>

#include <kronsolve/core/random.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/vector_operations.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::world;

template <class T>
class VectorTest : public ::testing::Test {};
using Scalars = ::testing::Types<double, std::complex<double>>;
TYPED_TEST_SUITE(VectorTest, Scalars);

/// Entries of one size: rounding errors of a running sum all point the same way.
constexpr index_t many = index_t{1} << 24;
constexpr double kept = 1e-15;  ///< relative error of a sum that keeps its digits
constexpr double lost = 1e-13;  ///< what a running sum is off by, at least

template <Scalar T>
T constant(double x) {
  if constexpr (is_complex<T>)
    return {x, -x / 2};
  else
    return x;
}

template <Scalar T>
DistributedVectors<T> constants(index_t n, std::initializer_list<T> values,
                                ColumnStorage storage = ColumnStorage::apart) {
  DistributedVectors<T> v(RowPartition(n, world().size()), world().rank(),
                          static_cast<index_t>(values.size()), storage);
  index_t j = 0;
  for (const T value : values) {
    const auto x = v.column(j++);
    std::fill(x.begin(), x.end(), value);
  }
  return v;
}

template <Scalar T>
DistributedVectors<T> random_columns(index_t n, index_t count, ColumnStorage storage) {
  DistributedVectors<T> v(RowPartition(n, world().size()), world().rank(), count, storage);
  for (index_t j = 0; j < count; ++j)
    fill_normal(v.column(j), v.row_range(), 3, static_cast<std::uint32_t>(j));
  return v;
}

double running_sum(index_t n, double term) {
  double sum = 0;
  for (index_t i = 0; i < n; ++i) sum += term;
  return sum;
}

/// The vectors of one test, made so that each check may spoil what it has.
template <Scalar T>
struct Case {
  index_t n = is_complex<T> ? many / 4 : many;
  T a = constant<T>(0.1), b = constant<T>(0.3);
  DistributedVectors<T> v = constants<T>(n, {a, b});
  double size = static_cast<double>(n);
};

TYPED_TEST(VectorTest, sums_of_many_entries_keep_their_digits) {
  using T = TypeParam;
  Case<T> c;
  auto& v = c.v;
  const double square = norm_squared(c.a);
  ASSERT_GT(std::abs(running_sum(c.n, square) / (c.size * square) - 1), lost) << "no test at all";

  const T product = conj(c.a) * c.b;
  EXPECT_NEAR(std::abs(vec::dot<T>(world(), v.column(0), v.column(1)) / (c.size * product) - T(1)),
              0, kept);
  EXPECT_NEAR(vec::norm_squared<T>(world(), v.column(0)) / (c.size * square), 1, kept);
  EXPECT_NEAR(vec::norm<T>(world(), v.column(0)) / std::sqrt(c.size * square), 1, kept);
  // |b - a| with a residual's sizes: what is left is as long as what was taken away.
  const double rest = std::sqrt(c.size * norm_squared(c.b - c.a));
  EXPECT_NEAR(vec::distance<T>(world(), T(1), v.column(0), v.column(1)) / rest, 1, kept);
  EXPECT_NEAR(vec::subtract<T>(world(), T(1), v.column(0), v.column(1)) / rest, 1, kept);
}

TYPED_TEST(VectorTest, inner_products_of_blocks_keep_their_digits) {
  using T = TypeParam;
  // BLAS adds up a block of rows; the blocks are added with compensation.
  constexpr double blas = 2e-14;
  Case<T> c;
  const double square = norm_squared(c.a);

  const auto gram = vec::inner<T>(world(), c.v, c.v);
  const auto once = vec::inner<T>(world(), c.v, c.v.column(0));
  const auto projection = vec::project_out<T>(world(), {c.v, 0, 0}, c.v.column(0));

  EXPECT_NEAR(real_part(gram[0]) / (c.size * square), 1, blas);
  EXPECT_NEAR(std::abs(gram[2] / (c.size * conj(c.a) * c.b) - T(1)), 0, blas);
  EXPECT_NEAR(real_part(once[0]) / (c.size * square), 1, blas);
  EXPECT_NEAR(projection.norm / std::sqrt(c.size * square), 1, kept);
}

TYPED_TEST(VectorTest, sums_do_not_depend_on_the_number_of_threads) {
  using T = TypeParam;
  constexpr index_t n = 100'003;
  const auto v = random_columns<T>(n, 3, ColumnStorage::together);
  const auto sums = [&](int threads) {
    const ThreadShare share(threads);
    auto result = vec::inner<T>(world(), v, v);
    result.push_back(vec::dot<T>(world(), v.column(0), v.column(1)));
    result.push_back(vec::norm<T>(world(), v.column(2)));
    result.push_back(vec::distance<T>(world(), T(2), v.column(0), v.column(1)));
    return result;
  };

  const auto one = sums(1);

  EXPECT_EQ(sums(2), one);
  EXPECT_EQ(sums(5), one);
}

TYPED_TEST(VectorTest, norms_neither_overflow_nor_underflow) {
  using T = TypeParam;
  constexpr index_t n = 1000;
  for (const double size : {1e-320, 1e-200, 1e-160, 1.0, 1e160, 1e200, 1e304}) {
    const double tolerance = size < 1e-300 ? 1e-3 : 1e-15;  // subnormal numbers have few digits
    auto v = constants<T>(n, {T(size), T(2 * size)});
    const double expected = std::sqrt(1000.0) * size;

    EXPECT_NEAR(vec::norm<T>(world(), v.column(0)) / expected, 1, tolerance) << size;
    EXPECT_NEAR(vec::distance<T>(world(), T(1), v.column(0), v.column(1)) / expected, 1, tolerance)
        << size;
    EXPECT_NEAR(vec::project_out<T>(world(), {v, 0, 0}, v.column(0)).norm / expected, 1, tolerance)
        << size;
  }
  auto v = constants<T>(n, {T(0)});
  EXPECT_EQ(vec::norm<T>(world(), v.column(0)), 0);
  if (v.row_range().contains(7)) v.column(0)[0] = std::nan("");
  EXPECT_TRUE(std::isnan(vec::norm<T>(world(), v.column(0))));
  EXPECT_ERROR(vec::project_out<T>(world(), {v, 0, 0}, v.column(0)), InvalidArgument, "NaN");
}

TYPED_TEST(VectorTest, a_projection_of_huge_and_tiny_vectors_is_that_of_others_scaled) {
  using T = TypeParam;
  constexpr index_t n = 300;
  auto basis = random_columns<T>(n, 2, ColumnStorage::together);
  for (index_t j = 0; j < 2; ++j)
    vec::orthonormalise<T>(world(), {basis, 0, j}, basis.column(j), 0, [](std::span<T>) {});
  const auto plain =
      vec::project_out<T>(world(), basis, random_columns<T>(n, 3, ColumnStorage::apart).column(2));
  for (const int power : {-900, 900}) {
    const double factor = std::ldexp(1.0, power);
    auto v = random_columns<T>(n, 3, ColumnStorage::apart);
    vec::scale<T>(factor, v.column(2));

    const auto found = vec::project_out<T>(world(), basis, v.column(2));

    EXPECT_NEAR(found.norm / factor / plain.norm, 1, 1e-14);
    for (std::size_t i = 0; i < 2; ++i)
      EXPECT_NEAR(std::abs(found.coefficients[i] / factor - plain.coefficients[i]), 0, 1e-13);
    EXPECT_NEAR(std::abs(vec::dot<T>(world(), basis.column(0), v.column(2))) / factor, 0, 1e-13);
  }
}

TYPED_TEST(VectorTest, blocks_stored_apart_and_together_give_the_same) {
  using T = TypeParam;
  constexpr index_t n = 5000;
  const auto together = random_columns<T>(n, 4, ColumnStorage::together);
  const auto apart = random_columns<T>(n, 4, ColumnStorage::apart);
  const auto c = vec::inner<T>(world(), together, together);
  auto sum = constants<T>(n, {T(0), T(0), T(0), T(0)}, ColumnStorage::together);
  auto other = constants<T>(n, {T(0), T(0), T(0), T(0)});

  vec::add_combinations<T>(1, together, c, sum, 0, 4);
  vec::add_combinations<T>(1, apart, c, other, 0, 4);
  auto turned = random_columns<T>(n, 4, ColumnStorage::together);
  vec::rotate<T, T>(turned, 4, 4, c);

  for (index_t j = 0; j < 4; ++j) {
    EXPECT_NEAR(vec::distance<T>(world(), T(1), sum.column(j), other.column(j)), 0, 1e-8);
    EXPECT_NEAR(vec::distance<T>(world(), T(1), sum.column(j), turned.column(j)), 0, 1e-8);
  }
}

TYPED_TEST(VectorTest, columns_are_added_dropped_kept_and_put_in_order) {
  using T = TypeParam;
  for (const auto storage : {ColumnStorage::apart, ColumnStorage::together}) {
    DistributedVectors<T> v(RowPartition(7, world().size()), world().rank(), 0, storage);
    for (int j = 0; j < 70; ++j) {  // more than come at once
      const auto x = v.add_column();
      EXPECT_TRUE(std::all_of(x.begin(), x.end(), [](T value) { return value == T{}; }));
      std::fill(x.begin(), x.end(), T(j));
    }
    v.drop_last();
    const auto fresh = v.add_column();
    EXPECT_TRUE(std::all_of(fresh.begin(), fresh.end(), [](T value) { return value == T{}; }));
    const index_t positions[] = {68, 3, 65};
    v.keep(positions);
    const std::size_t order[] = {2, 0, 1};
    v.permute(order);

    ASSERT_EQ(v.count(), 3);
    const double expected[] = {65, 68, 3};
    for (index_t j = 0; j < 3; ++j)
      for (const T value : v.column(j)) EXPECT_EQ(value, T(expected[j]));
  }
}

TYPED_TEST(VectorTest, whole_vectors_on_every_rank_are_gathered_as_they_are) {
  using T = TypeParam;
  constexpr index_t n = 6;
  DistributedVectors<T> whole(RowPartition(n, 1), 0, 1);
  for (index_t i = 0; i < n; ++i) whole.column(0)[static_cast<std::size_t>(i)] = T(double(i));
  const std::vector<T> expected(whole.column(0).begin(), whole.column(0).end());

  EXPECT_EQ(whole.gather_to_all(world(), 0), expected);
  EXPECT_EQ(whole.gather_to_root(world(), 0), world().is_root() ? expected : std::vector<T>());
  DistributedVectors<T> other(RowPartition(n, world().size() + 1), 0, 1);
  EXPECT_ERROR(other.gather_to_all(world(), 0), DimensionError, "ranks");
}

TYPED_TEST(VectorTest, phases_make_the_largest_component_real_and_positive) {
  using T = TypeParam;
  auto v = random_columns<T>(50, 2, ColumnStorage::apart);
  auto along = random_columns<T>(50, 2, ColumnStorage::apart);
  const T before = vec::dot<T>(world(), along.column(0), v.column(0));

  vec::fix_phases(world(), v, &along);

  const auto all = v.gather_to_all(world(), 0);
  const auto largest =
      *std::max_element(all.begin(), all.end(), [](T a, T b) { return std::abs(a) < std::abs(b); });
  EXPECT_GT(real_part(largest), 0);
  EXPECT_NEAR(std::abs(largest - T(std::abs(largest))), 0, 1e-15);
  EXPECT_NEAR(std::abs(vec::dot<T>(world(), along.column(0), v.column(0)) - before), 0, 1e-12);
}

TYPED_TEST(VectorTest, columns_of_the_first_rank_are_dealt_to_the_owners) {
  using T = TypeParam;
  constexpr index_t n = 11;
  std::vector<T> matrix;
  for (index_t i = 0; world().is_root() && i < 3 * n; ++i) matrix.push_back(T(double(i)));

  const auto v = vec::deal<T>(world(), RowPartition(n, world().size()), matrix, 1, 2);

  for (index_t j = 0; j < 2; ++j)
    for (index_t i = 0; i < v.row_range().size(); ++i)
      EXPECT_EQ(v.column(j)[static_cast<std::size_t>(i)],
                T(double((j + 1) * n + v.row_range().begin + i)));
}

}  // namespace
}  // namespace kronsolve
