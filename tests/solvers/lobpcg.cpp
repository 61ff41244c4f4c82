// Blocks of eigenpairs against dense spectra: copies, clusters, deflation, both ends.

#include <cmath>

#include <kronsolve/solvers/lobpcg.hpp>

#include "support/dense_map.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::DenseMap;
using test::Matrix;
using test::Random;
using test::Vector;
using test::world;

/// Residuals of 1e-10 move values by less.
constexpr double value_tolerance = 1e-9;

template <class T>
class Lobpcg : public ::testing::Test {};
using Scalars = ::testing::Types<double, std::complex<double>>;
TYPED_TEST_SUITE(Lobpcg, Scalars);

/// Values against sorted exact ones, residuals as stated, orthonormal vectors.
template <Scalar T>
void expect_pairs(const Matrix<T>& a, const Pairs<T>& r, index_t k, bool lowest) {
  const Eigen::SelfAdjointEigenSolver<Matrix<T>> exact(a, Eigen::EigenvaluesOnly);
  const double width = exact.eigenvalues()(a.rows() - 1) - exact.eigenvalues()(0);
  EXPECT_TRUE(r.converged) << r.reason;
  ASSERT_EQ(static_cast<index_t>(r.eigenvalues.size()), k);
  Matrix<T> x(a.rows(), k);
  for (index_t j = 0; j < k; ++j) {
    const auto at = static_cast<std::size_t>(j);
    EXPECT_NEAR(r.eigenvalues[at], exact.eigenvalues()(lowest ? j : a.rows() - k + j),
                value_tolerance);
    x.col(j) = test::whole<T>(world(), r.vectors.column(j));
    const double residual = (a * x.col(j) - r.eigenvalues[at] * x.col(j)).norm();
    EXPECT_NEAR(residual, r.residuals[at], 1e-11);
    EXPECT_LE(residual, 1.01e-10 * width + 1e-14 * a.norm());
  }
  EXPECT_LE((x.adjoint() * x - Matrix<T>::Identity(k, k)).norm(), 1e-11);
}

TYPED_TEST(Lobpcg, agrees_with_the_dense_spectrum_on_random_matrices) {
  using T = TypeParam;
  constexpr unsigned seed = 1;
  Random random(seed);
  for (int round = 0; round < 16; ++round) {
    const index_t n = random.integer(1, round < 14 ? 60 : 200);
    const index_t k = std::min<index_t>(n, random.integer(1, 6));
    const Matrix<T> a = random.hermitian<T>(n, random.uniform(0.5, 40), random.uniform(-5, 5));
    const DenseMap<T> map(world(), a, random.partition(n, world().size()));
    const bool lowest = random.integer(0, 1) == 0;

    const auto r = lobpcg<T>(map, {.k = k, .which = lowest ? Which::SA : Which::LA, .seed = 3});

    SCOPED_TRACE(detail::concat("seed ", seed, " round ", round, " n ", n, " k ", k));
    expect_pairs<T>(a, r, k, lowest);
  }
}

TYPED_TEST(Lobpcg, finds_copies_and_clusters_within_the_block) {
  using T = TypeParam;
  Random random(2);
  std::vector<double> values = {-2, -2, -2, -1.5, -1.5, -1.4999999999};
  for (int i = 0; i < 60; ++i) values.push_back(-1 + 0.05 * i);
  const Matrix<T> a = random.with_spectrum<T>(values);
  const DenseMap<T> map(world(), a, RowPartition(66, world().size()));
  for (const index_t k : {2, 3, 6}) expect_pairs<T>(a, lobpcg<T>(map, {.k = k}), k, true);
}

TYPED_TEST(Lobpcg, whole_spectra_and_trivial_maps) {
  using T = TypeParam;
  Random random(3);
  for (const index_t n : {1, 2, 5, 9}) {
    const RowPartition rows(n, world().size());
    const DenseMap<T> map(world(), random.hermitian<T>(n, 4, 1), rows);
    expect_pairs<T>(map.matrix(), lobpcg<T>(map, {.k = n}), n, true);
    const DenseMap<T> zero(world(), Matrix<T>::Zero(n, n), rows);
    expect_pairs<T>(zero.matrix(), lobpcg<T>(zero, {.k = 1}), 1, true);
    const DenseMap<T> identity(world(), Matrix<T>::Identity(n, n), rows);
    expect_pairs<T>(identity.matrix(),
                    lobpcg<T>(identity, {.k = 1, .which = Which::LA, .block = 1}), 1, false);
  }
}

TYPED_TEST(Lobpcg, stays_out_of_what_is_deflated) {
  using T = TypeParam;
  Random random(4);
  const index_t n = 50;
  const Matrix<T> a = random.hermitian<T>(n, 8, 0);
  const DenseMap<T> map(world(), a, random.partition(n, world().size()));
  const auto first = lobpcg<T>(map, {.k = 3, .tol = 1e-12});

  const auto next = lobpcg<T>(map, {.k = 2}, first.vectors);

  const Eigen::SelfAdjointEigenSolver<Matrix<T>> exact(a, Eigen::EigenvaluesOnly);
  ASSERT_TRUE(next.converged) << next.reason;
  for (index_t j = 0; j < 2; ++j)
    EXPECT_NEAR(next.eigenvalues[static_cast<std::size_t>(j)], exact.eigenvalues()(3 + j),
                value_tolerance);
}

TYPED_TEST(Lobpcg, a_preconditioner_saves_steps) {
  using T = TypeParam;
  const index_t n = 120;
  Matrix<T> a = Matrix<T>::Zero(n, n);
  for (index_t i = 0; i < n; ++i) {
    a(i, i) = T(1.0 + static_cast<double>(i * i));
    if (i > 0) a(i, i - 1) = a(i - 1, i) = T(0.3);
  }
  const RowPartition rows(n, world().size());
  const DenseMap<T> map(world(), a, rows);
  LobpcgOptions<T> options{.k = 3};
  const auto plain = lobpcg<T>(map, options);
  options.precondition = [&](std::span<const T> r, std::span<T> w) {
    for (std::size_t i = 0; i < r.size(); ++i) {
      const auto row =
          static_cast<double>(rows.range(world().rank()).begin) + static_cast<double>(i);
      w[i] = r[i] / (1 + row * row);
    }
  };

  const auto helped = lobpcg<T>(map, options);

  expect_pairs<T>(a, plain, 3, true);
  expect_pairs<T>(a, helped, 3, true);
  EXPECT_LT(2 * helped.iterations, plain.iterations);
}

TYPED_TEST(Lobpcg, too_few_steps_are_never_called_converged) {
  using T = TypeParam;
  Random random(5);
  const DenseMap<T> map(world(), random.hermitian<T>(150, 10, 0),
                        RowPartition(150, world().size()));

  const auto r = lobpcg<T>(map, {.k = 2, .max_iterations = 3});

  EXPECT_FALSE(r.converged);
  EXPECT_EQ(r.iterations, 3);
  EXPECT_NE(r.reason.find("above the tolerance"), std::string::npos);
}

TYPED_TEST(Lobpcg, bad_requests_are_refused) {
  using T = TypeParam;
  const DenseMap<T> map(world(), Matrix<T>::Identity(4, 4), RowPartition(4, world().size()));

  EXPECT_ERROR((void)lobpcg<T>(map, {.k = 5}), InvalidArgument, "[1, 4]");
  EXPECT_ERROR((void)lobpcg<T>(map, {.which = Which::LM}), InvalidArgument, "SA or LA");
  EXPECT_ERROR((void)lobpcg<T>(map, {.tol = 0}), InvalidArgument, "tol");
  EXPECT_ERROR((void)lobpcg<T>(map, {.k = 3, .block = 2}), InvalidArgument, "block");
}

}  // namespace
}  // namespace kronsolve
