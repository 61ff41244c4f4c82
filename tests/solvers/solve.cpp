// Solutions of random systems against a dense factorisation, every method, many right-hand sides.

#include <cmath>

#include <kronsolve/solvers/solve.hpp>

#include "support/dense_map.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::DenseMap;
using test::Matrix;
using test::Random;
using test::Vector;
using test::world;

template <class T>
class Solve : public ::testing::Test {};
using Scalars = ::testing::Types<double, std::complex<double>>;
TYPED_TEST_SUITE(Solve, Scalars);

/// Hermitian with eigenvalues between the two numbers; a gap around zero if they differ in sign.
template <Scalar T>
Matrix<T> hermitian(Random& random, index_t n, double low, double high) {
  const Matrix<T> q = random.matrix<T>(n, n).householderQr().householderQ();
  Vector<T> d(n);
  for (index_t i = 0; i < n; ++i) {
    double value = random.uniform(low, high);
    if (low < 0 && std::abs(value) < 0.3) value += value < 0 ? -0.3 : 0.3;
    d(i) = value;
  }
  return q * d.asDiagonal() * q.adjoint();
}

template <Scalar T>
void expect_solution(const Matrix<T>& a, const Matrix<T>& b, const SolveResult<T>& r, double tol) {
  EXPECT_TRUE(r.converged) << r.reason;
  ASSERT_EQ(r.x.count(), b.cols());
  for (index_t j = 0; j < b.cols(); ++j) {
    const Vector<T> x = test::whole<T>(world(), r.x.column(j));
    const double residual = (b.col(j) - a * x).norm();
    EXPECT_LE(residual, tol * b.col(j).norm() + 1e-13);
    EXPECT_NEAR(residual, r.residuals[static_cast<std::size_t>(j)], 1e-12 * (1 + b.col(j).norm()));
  }
}

TYPED_TEST(Solve, agrees_with_dense_for_every_kind_of_operator) {
  using T = TypeParam;
  constexpr unsigned seed = 1;
  Random random(seed);
  for (int round = 0; round < 24; ++round) {
    const index_t n = random.integer(1, 70), count = random.integer(1, 3);
    const int kind = round % 3;
    const Matrix<T> a = kind == 0 ? hermitian<T>(random, n, 0.2, 9)
                        : kind == 1
                            ? hermitian<T>(random, n, -5, 7)
                            : Matrix<T>(random.matrix<T>(n, n) + 3.0 * Matrix<T>::Identity(n, n));
    const Matrix<T> b = random.matrix<T>(n, count);
    const RowPartition rows = random.partition(n, world().size());
    const DenseMap<T> map(world(), a, rows);
    const bool told = random.integer(0, 1) == 1;
    const OperatorKind kinds[] = {OperatorKind::hermitian_positive, OperatorKind::hermitian,
                                  OperatorKind::general};

    const auto r =
        solve<T>(map, test::columns<T>(world(), b, rows),
                 {.kind = told ? kinds[kind] : OperatorKind::unknown, .tol = 1e-11, .restart = 80});

    SCOPED_TRACE(
        detail::concat("seed ", seed, " round ", round, " n ", n, " ", to_string(r.method)));
    expect_solution<T>(a, b, r, 1e-11);
    if (n > 1) {
      EXPECT_EQ(r.method, kind == 2           ? SolveMethod::gmres
                          : kind == 0 && told ? SolveMethod::cg
                                              : SolveMethod::minres);
    }
    const Matrix<T> exact = a.partialPivLu().solve(b);
    EXPECT_LE((test::whole<T>(world(), r.x.column(0)) - exact.col(0)).norm(),
              1e-7 * exact.col(0).norm());
  }
}

TYPED_TEST(Solve, gmres_restarts_until_it_is_there) {
  using T = TypeParam;
  Random random(2);
  const index_t n = 120;
  const Matrix<T> a = random.matrix<T>(n, n) * 0.1 + 3.0 * Matrix<T>::Identity(n, n);
  const Matrix<T> b = random.matrix<T>(n, 1);
  const RowPartition rows(n, world().size());
  const DenseMap<T> map(world(), a, rows);

  const auto r = solve<T>(map, test::columns<T>(world(), b, rows), {.restart = 6});

  expect_solution<T>(a, b, r, 1e-10);
  EXPECT_GT(r.iterations, 6);
}

TYPED_TEST(Solve, ill_conditioned_systems_reach_the_true_residual) {
  using T = TypeParam;
  Random random(3);
  const index_t n = 60;
  const Matrix<T> q = random.matrix<T>(n, n).householderQr().householderQ();
  Vector<T> d(n);
  for (index_t i = 0; i < n; ++i) d(i) = std::pow(10, -6.0 * static_cast<double>(i) / (n - 1));
  const Matrix<T> a = q * d.asDiagonal() * q.adjoint(), b = random.matrix<T>(n, 1);
  const RowPartition rows(n, world().size());
  const DenseMap<T> map(world(), a, rows);
  for (const auto method : {SolveMethod::cg, SolveMethod::minres})
    expect_solution<T>(
        a, b, solve<T>(map, test::columns<T>(world(), b, rows), {.method = method, .tol = 1e-8}),
        1e-8);
}

TYPED_TEST(Solve, trivial_systems_end_at_once) {
  using T = TypeParam;
  for (const index_t n : {1, 2, 9}) {
    const RowPartition rows(n, world().size());
    const DenseMap<T> map(world(), Matrix<T>(2.0 * Matrix<T>::Identity(n, n)), rows);
    for (const auto method : {SolveMethod::cg, SolveMethod::minres, SolveMethod::gmres}) {
      const auto r =
          solve<T>(map, test::columns<T>(world(), Matrix<T>::Ones(n, 2), rows), {.method = method});
      expect_solution<T>(map.matrix(), Matrix<T>::Ones(n, 2), r, 1e-10);
      EXPECT_LE(r.iterations, 2);
      const auto zero =
          solve<T>(map, test::columns<T>(world(), Matrix<T>::Zero(n, 1), rows), {.method = method});
      EXPECT_TRUE(zero.converged);
      EXPECT_EQ(zero.residuals[0], 0);
    }
  }
}

TYPED_TEST(Solve, singular_systems_converge_only_if_b_is_in_the_range) {
  using T = TypeParam;
  Random random(4);
  const index_t n = 30;
  const Matrix<T> q = random.matrix<T>(n, n).householderQr().householderQ();
  Vector<T> d(n);
  for (index_t i = 0; i < n; ++i) d(i) = i < 3 ? 0.0 : random.uniform(1, 2) * (i % 2 ? 1 : -1);
  const Matrix<T> a = q * d.asDiagonal() * q.adjoint();
  const RowPartition rows(n, world().size());
  const DenseMap<T> map(world(), a, rows);
  const Matrix<T> inside = a * random.matrix<T>(n, 1), outside = inside + 0.5 * q.col(1);
  for (const auto method : {SolveMethod::minres, SolveMethod::gmres}) {
    expect_solution<T>(a, inside,
                       solve<T>(map, test::columns<T>(world(), inside, rows), {.method = method}),
                       1e-10);
    const auto r = solve<T>(map, test::columns<T>(world(), outside, rows),
                            {.method = method, .max_iterations = 500});
    EXPECT_FALSE(r.converged);
    EXPECT_GE(r.residuals[0], 0.49);
    EXPECT_ERROR((void)r.require_converged(), NotConverged, "right-hand side 0");
  }
}

TYPED_TEST(Solve, cg_says_when_the_operator_is_indefinite) {
  using T = TypeParam;
  Random random(5);
  const RowPartition rows(40, world().size());
  const DenseMap<T> map(world(), hermitian<T>(random, 40, -5, 5), rows);

  const auto r = solve<T>(map, test::columns<T>(world(), random.matrix<T>(40, 1), rows),
                          {.method = SolveMethod::cg});

  EXPECT_FALSE(r.converged);
  EXPECT_NE(r.reason.find("not positive definite"), std::string::npos) << r.reason;
}

TYPED_TEST(Solve, too_few_iterations_are_never_called_converged) {
  using T = TypeParam;
  Random random(6);
  const RowPartition rows(80, world().size());
  const DenseMap<T> map(world(), hermitian<T>(random, 80, 0.001, 10), rows);

  const auto r = solve<T>(map, test::columns<T>(world(), random.matrix<T>(80, 2), rows),
                          {.max_iterations = 5});

  EXPECT_FALSE(r.converged);
  EXPECT_NE(r.reason.find("out of iterations"), std::string::npos);
}

TYPED_TEST(Solve, rows_built_on_demand_give_the_same) {
  using T = TypeParam;
  Random random(7);
  const Matrix<T> a = hermitian<T>(random, 33, 1, 4), b = random.matrix<T>(33, 2);

  const auto r = solve<T>(world(), test::lazy(a),
                          test::columns<T>(world(), b, RowPartition(33, world().size())));

  expect_solution<T>(a, b, r, 1e-10);
  EXPECT_ERROR((void)solve<T>(world(), test::lazy<T>(Matrix<T>::Ones(3, 4)),
                              test::columns<T>(world(), Matrix<T>::Ones(3, 1),
                                               RowPartition(3, world().size()))),
               DimensionError, "3 x 4");
}

TYPED_TEST(Solve, bad_requests_are_refused) {
  using T = TypeParam;
  const RowPartition rows(4, world().size()), other(5, world().size());
  const DenseMap<T> map(world(), Matrix<T>::Identity(4, 4), rows);
  const DenseMap<T> wide(world(), Matrix<T>::Identity(4, 5), rows, other);
  const auto b = test::columns<T>(world(), Matrix<T>::Ones(4, 1), rows);

  EXPECT_ERROR((void)solve<T>(wide, b), DimensionError, "4 x 5");
  EXPECT_ERROR((void)solve<T>(map, test::columns<T>(world(), Matrix<T>::Ones(5, 1), other)),
               DimensionError, "5 rows");
  EXPECT_ERROR((void)solve<T>(map, b, {.tol = 0}), InvalidArgument, "tol");
  EXPECT_ERROR((void)solve<T>(map, b, {.restart = 0}), InvalidArgument, "restart");
  Matrix<T> bad = Matrix<T>::Ones(4, 1);
  bad(2, 0) = std::nan("");
  EXPECT_ERROR((void)solve<T>(map, test::columns<T>(world(), bad, rows)), InvalidArgument, "NaN");
}

}  // namespace
}  // namespace kronsolve
