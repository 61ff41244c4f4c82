// The bridge to Eigen: views share memory, Eigen's matrices are operators for every solver.

#include <random>

#include <Eigen/Dense>
#include <Eigen/Eigenvalues>
#include <Eigen/SVD>

#include <kronsolve/eigen.hpp>
#include <kronsolve/kronsolve.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

constexpr double tolerance = 1e-9;  // residuals of 1e-10, norms of a few

template <class T>
struct EigenBridge : testing::Test {
  using Dense = Eigen::MatrixX<T>;
  using Sparse = Eigen::SparseMatrix<T>;

  /// About one entry in three, the same on every rank.
  static Dense random(index_t rows, index_t cols, unsigned seed) {
    std::mt19937 engine(seed);
    std::uniform_real_distribution<double> uniform(-1, 1);
    Dense a = Dense::Zero(rows, cols);
    for (index_t i = 0; i < rows; ++i)
      for (index_t j = 0; j < cols; ++j) {
        if (uniform(engine) < 0.3) continue;
        if constexpr (is_complex<T>)
          a(i, j) = {uniform(engine), uniform(engine)};
        else
          a(i, j) = uniform(engine);
      }
    return a;
  }
  static Dense hermitian(index_t n, unsigned seed) {
    const Dense a = random(n, n, seed);
    return a + a.adjoint();
  }
  static Eigen::VectorXd levels(const Dense& h) {
    return Eigen::SelfAdjointEigenSolver<Dense>(h).eigenvalues();
  }
};
using Scalars = testing::Types<double, std::complex<double>>;
TYPED_TEST_SUITE(EigenBridge, Scalars);

TYPED_TEST(EigenBridge, views_share_memory_when_made) {
  using T = TypeParam;
  DenseMatrix<T> ours(3, 2);
  as_eigen(ours)(2, 1) = T(5);
  Eigen::VectorX<T> theirs = Eigen::VectorX<T>::Zero(4);
  as_span(theirs)[3] = T(7);
  DistributedVectors<T> vectors(RowPartition(4, 1), 0, 2);
  as_eigen(vectors, 1)[2] = T(9);

  EXPECT_EQ(ours(2, 1), T(5));
  EXPECT_EQ(as_eigen(std::as_const(ours)).data(), ours.data());
  EXPECT_EQ(theirs[3], T(7));
  EXPECT_EQ(vectors.column(1)[2], T(9));
  EXPECT_EQ(to_eigen(vectors)(2, 1), T(9));
  EXPECT_EQ(as_eigen(std::span<const T>(vectors.column(0))).size(), 4);
}

TYPED_TEST(EigenBridge, rows_are_those_of_the_matrix_in_any_storage) {
  using Rows = Eigen::SparseMatrix<TypeParam, Eigen::RowMajor, long>;
  const auto dense = TestFixture::random(9, 7, 1);
  const typename TestFixture::Sparse by_columns = dense.sparseView();
  const Rows by_rows = by_columns;
  const Eigen::Matrix<TypeParam, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> dense_rows =
      dense;

  for (const RowRange range : {RowRange{0, 9}, RowRange{2, 5}, RowRange{4, 4}}) {
    const auto expected = to_rows(dense, range);
    EXPECT_EQ(expected.range, range);
    EXPECT_EQ(lazy(by_columns).build(range), expected);
    EXPECT_EQ(lazy(by_rows).build(range), expected);
    EXPECT_EQ(lazy(dense_rows).build(range), expected);
    EXPECT_EQ((Eigen::MatrixX<TypeParam>(as_eigen(expected))),
              dense.middleRows(range.begin, range.size()));
  }
}

TYPED_TEST(EigenBridge, a_temporary_is_kept_by_its_operator) {
  const auto dense = TestFixture::random(5, 5, 2);
  auto copy = std::make_unique<typename TestFixture::Dense>(dense);
  const auto kept = lazy(std::move(*copy));
  copy.reset();

  EXPECT_EQ(kept.build({0, 5}), to_rows(dense, {0, 5}));
}

TYPED_TEST(EigenBridge, eigenpairs_are_those_of_eigen) {
  const Comm& comm = test::world();
  const auto h = TestFixture::hermitian(60, 3);
  const typename TestFixture::Sparse sparse = h.sparseView();
  const auto exact = TestFixture::levels(h);

  const auto stored = eigh(comm, lazy(sparse), {.k = 3});
  const auto all = eigh(to_dense_matrix(h));

  ASSERT_EQ(stored.eigenvalues.size(), 3u);
  EXPECT_LT((as_eigen(stored.eigenvalues) - exact.head(3)).norm(), tolerance);
  EXPECT_LT((as_eigen(all.values) - exact).norm(), tolerance);
  EXPECT_LT((h * as_eigen(all.vectors) - as_eigen(all.vectors) * exact.asDiagonal()).norm(),
            tolerance);
}

TYPED_TEST(EigenBridge, maps_multiply_as_eigen_does_on_any_ranks) {
  using T = TypeParam;
  const Comm& comm = test::world();
  const auto dense = TestFixture::random(11, 6, 4);
  const typename TestFixture::Sparse by_columns = dense.sparseView();
  const Eigen::SparseMatrix<T, Eigen::RowMajor> by_rows = by_columns;
  const Eigen::VectorX<T> x = TestFixture::random(6, 1, 5), u = TestFixture::random(11, 1, 6);
  const auto check = [&](const auto& matrix) {
    const EigenMap map(comm, matrix);
    const auto rows = map.row_range(), cols = map.col_range();
    const Eigen::VectorX<T> own_x = x.segment(cols.begin, cols.size());
    const Eigen::VectorX<T> own_u = u.segment(rows.begin, rows.size());
    Eigen::VectorX<T> y(rows.size()), v(cols.size());
    map.apply(as_span(own_x), as_span(y));
    map.apply_adjoint(as_span(own_u), as_span(v));

    const Eigen::VectorX<T> ax = dense * x, au = dense.adjoint() * u;
    EXPECT_LT((y - ax.segment(rows.begin, rows.size())).norm(), tolerance);
    EXPECT_LT((v - au.segment(cols.begin, cols.size())).norm(), tolerance);
  };

  check(dense);
  check(by_columns);
  check(by_rows);
}

TYPED_TEST(EigenBridge, every_kind_of_solver_takes_an_eigen_matrix) {
  using T = TypeParam;
  const Comm& comm = test::world();
  const auto a = TestFixture::random(24, 16, 7);
  const auto h = TestFixture::hermitian(16, 8);
  const EigenMap rectangular(comm, a), square(comm, h);
  const auto own = square.row_range();
  const Eigen::VectorX<T> b = TestFixture::random(16, 1, 9);
  const Eigen::VectorX<T> own_b = b.segment(own.begin, own.size());
  const typename TestFixture::Dense definite = h * h + TestFixture::Dense::Identity(16, 16);
  const EigenMap positive(comm, definite);

  const auto triplets = svds(rectangular, {.k = 2});
  const auto general = eig(comm, lazy(a.topRows(16).eval()), {.k = EigOptions::all});
  const auto solution = solve(positive, as_span(own_b));
  const auto evolved = expm_multiply(square, -0.5, as_span(own_b));

  const Eigen::VectorXd sigma = Eigen::JacobiSVD<typename TestFixture::Dense>(a).singularValues();
  EXPECT_LT((as_eigen(triplets.singular_values) - sigma.head(2)).norm(), tolerance);
  EXPECT_EQ(general.eigenvalues.size(), 16u);
  const Eigen::VectorX<T> x = definite.ldlt().solve(b);
  EXPECT_LT((as_eigen(solution.x, 0) - x.segment(own.begin, own.size())).norm(), 1e-6);
  const Eigen::SelfAdjointEigenSolver<typename TestFixture::Dense> pairs(h);
  const Eigen::VectorX<T> w = pairs.eigenvectors() *
                              (-0.5 * pairs.eigenvalues().array()).exp().matrix().asDiagonal() *
                              pairs.eigenvectors().adjoint() * b;
  EXPECT_LT((as_eigen(evolved.vectors, 0) - w.segment(own.begin, own.size())).norm(), 1e-7);
}

TEST(EigenBridgeErrors, a_range_outside_the_rows_is_refused) {
  const Eigen::MatrixXd a = Eigen::MatrixXd::Zero(3, 3);

  EXPECT_ERROR((void)to_rows(a, {2, 4}), DimensionError, "[2, 4)");
}

TEST(EigenBridgeErrors, a_matrix_that_is_not_hermitian_is_refused) {
  Eigen::MatrixXd a = Eigen::MatrixXd::Identity(4, 4);
  a(0, 1) = 1;

  EXPECT_ERROR((void)eigh(test::world(), lazy(a)), InvalidArgument, "Hermitian");
}

}  // namespace
}  // namespace kronsolve
