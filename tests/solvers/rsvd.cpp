// Random projection against exact matrices: the stated error bound must hold, ranks and norms
// agree.

#include <cmath>

#include <kronsolve/solvers/rsvd.hpp>

#include "support/dense_map.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::DenseMap;
using test::Matrix;
using test::Random;
using test::world;

template <class T>
class Rsvd : public ::testing::Test {};
using Scalars = ::testing::Types<double, std::complex<double>>;
TYPED_TEST_SUITE(Rsvd, Scalars);

template <Scalar T>
Matrix<T> orthonormal(Random& random, index_t m, index_t r) {
  return random.matrix<T>(m, r).householderQr().householderQ() * Matrix<T>::Identity(m, r);
}

/// m x n with singular values f(0), f(1), ...
template <Scalar T, class F>
Matrix<T> with_values(Random& random, index_t m, index_t n, F&& f) {
  const index_t r = std::min(m, n);
  const Matrix<T> p = orthonormal<T>(random, m, r), q = orthonormal<T>(random, n, r);
  Matrix<T> scaled = p;
  for (index_t i = 0; i < r; ++i) scaled.col(i) *= f(i);
  return scaled * q.adjoint();
}

/// |a|_2 by the largest eigenvalue of a^H a: enough digits for a largest one.
template <Scalar T>
double two_norm(const Matrix<T>& a) {
  const Matrix<T> square = a.adjoint() * a;
  const Eigen::SelfAdjointEigenSolver<Matrix<T>> eigen(square, Eigen::EigenvaluesOnly);
  return std::sqrt(std::max(0.0, eigen.eigenvalues().maxCoeff()));
}

template <Scalar T>
Matrix<T> product(const RsvdResult<T>& r, index_t m, index_t n) {
  Matrix<T> sum = Matrix<T>::Zero(m, n);
  for (index_t j = 0; j < r.left.count(); ++j)
    sum += r.singular_values[static_cast<std::size_t>(j)] *
           test::whole<T>(world(), r.left.column(j)) *
           test::whole<T>(world(), r.right.column(j)).adjoint();
  return sum;
}

TYPED_TEST(Rsvd, keeps_the_error_it_states_at_given_ranks) {
  using T = TypeParam;
  Random random(1);
  for (const auto& [m, n, k] :
       {std::tuple{30, 45, 5}, std::tuple{40, 30, 8}, std::tuple{7, 5, 5}, std::tuple{1, 8, 1}}) {
    const auto decay = [](index_t i) { return 3 * std::pow(0.8, static_cast<double>(i)); };
    const Matrix<T> a = with_values<T>(random, m, n, decay);
    const DenseMap<T> map(world(), a, random.partition(m, world().size()),
                          random.partition(n, world().size()));

    const auto r = rsvd<T>(map, {.rank = k});

    SCOPED_TRACE(detail::concat(m, " x ", n, " rank ", k));
    ASSERT_EQ(static_cast<index_t>(r.singular_values.size()), k);
    const double error = two_norm<T>(a - product(r, m, n));
    EXPECT_LE(error, r.error_bound + 1e-13);
    const double best = k < std::min(m, n) ? decay(k) : 0;
    EXPECT_LE(error, 1.05 * best + 1e-13);
    for (index_t i = 0; i < k / 2; ++i)
      EXPECT_NEAR(r.singular_values[static_cast<std::size_t>(i)], decay(i), 1e-3 * decay(i));
  }
}

TYPED_TEST(Rsvd, reaches_a_tolerance_with_the_columns_it_needs) {
  using T = TypeParam;
  Random random(2);
  const auto decay = [](index_t i) { return 50 * std::pow(0.5, static_cast<double>(i)); };
  const Matrix<T> a = with_values<T>(random, 90, 60, decay);
  const DenseMap<T> map(world(), a, RowPartition(90, world().size()),
                        RowPartition(60, world().size()));
  for (const double tol : {1e-2, 1e-8}) {
    const auto r = rsvd<T>(map, {.tol = tol});

    EXPECT_TRUE(r.converged) << r.reason;
    const double error = two_norm<T>(a - product(r, 90, 60));
    EXPECT_LE(error, r.error_bound + 1e-13);
    EXPECT_LE(error, tol * 50);
    const auto needed = static_cast<std::size_t>(std::ceil(std::log2(2 / tol))) + 1;
    EXPECT_LE(r.singular_values.size(), needed);
    EXPECT_GT(r.products, 0);
  }
}

TYPED_TEST(Rsvd, a_small_basis_is_not_called_good_enough) {
  using T = TypeParam;
  Random random(3);
  const DenseMap<T> map(world(), random.matrix<T>(40, 40), RowPartition(40, world().size()),
                        RowPartition(40, world().size()));

  const auto r = rsvd<T>(map, {.tol = 1e-6, .max_rank = 15});

  EXPECT_FALSE(r.converged);
  EXPECT_LE(r.singular_values.size(), 15u);
  EXPECT_ERROR((void)r.require_converged(), NotConverged, "max_rank");
}

TYPED_TEST(Rsvd, ranks_are_exact_where_the_spectrum_has_a_gap) {
  using T = TypeParam;
  Random random(4);
  for (const auto& [m, n, rank] :
       {std::tuple{30, 50, 7}, std::tuple{14, 14, 14}, std::tuple{30, 13, 12},
        std::tuple{20, 20, 1}, std::tuple{1, 1, 1}}) {
    const Matrix<T> a = random.matrix<T>(m, rank) * random.matrix<T>(rank, n);
    const DenseMap<T> map(world(), a, random.partition(m, world().size()),
                          random.partition(n, world().size()));
    EXPECT_EQ(estimate_rank<T>(map), rank) << m << " x " << n;
  }
  const DenseMap<T> zero(world(), Matrix<T>::Zero(9, 12), RowPartition(9, world().size()),
                         RowPartition(12, world().size()));
  EXPECT_EQ(estimate_rank<T>(zero), 0);
}

TYPED_TEST(Rsvd, norms_agree_with_the_singular_values) {
  using T = TypeParam;
  Random random(5);
  for (const auto& [m, n] : {std::pair{30, 50}, std::pair{45, 40}, std::pair{1, 1}}) {
    const auto values = [](index_t i) { return 4 / (1.0 + static_cast<double>(i)); };
    const Matrix<T> a = with_values<T>(random, m, n, values);
    const DenseMap<T> map(world(), a, random.partition(m, world().size()),
                          random.partition(n, world().size()));
    double sum = 0, squares = 0;
    for (index_t i = 0; i < std::min(m, n); ++i) {
      sum += values(i);
      squares += values(i) * values(i);
    }
    EXPECT_NEAR(norm<T>(map), 4, 1e-9);
    EXPECT_NEAR(norm<T>(map, NormKind::frobenius), std::sqrt(squares), 1e-11);
    EXPECT_NEAR(norm<T>(map, NormKind::trace), sum, 1e-11);
  }
}

TYPED_TEST(Rsvd, rows_built_on_demand_give_the_same) {
  using T = TypeParam;
  Random random(6);
  const Matrix<T> a = random.matrix<T>(40, 6) * random.matrix<T>(6, 25);
  const auto lazy = test::lazy(a);

  EXPECT_EQ(estimate_rank<T>(world(), lazy), 6);
  EXPECT_NEAR(norm<T>(world(), lazy, NormKind::frobenius), a.norm(), 1e-10);
  EXPECT_NEAR(norm<T>(world(), lazy), two_norm<T>(a), 1e-9);
  const auto r = rsvd<T>(world(), lazy, {.rank = 6});
  EXPECT_LE(two_norm<T>(a - product(r, 40, 25)), 1e-11);
}

TYPED_TEST(Rsvd, bad_requests_are_refused) {
  using T = TypeParam;
  const DenseMap<T> map(world(), Matrix<T>::Identity(4, 6), RowPartition(4, world().size()),
                        RowPartition(6, world().size()));

  EXPECT_ERROR((void)rsvd<T>(map, {.rank = 5}), InvalidArgument, "[0, 4]");
  EXPECT_ERROR((void)rsvd<T>(map, {.tol = 0}), InvalidArgument, "tol");
  EXPECT_ERROR((void)rsvd<T>(map, {.oversample = -1}), InvalidArgument, "oversample");
}

}  // namespace
}  // namespace kronsolve
