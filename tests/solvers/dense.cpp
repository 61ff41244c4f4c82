#include <cmath>
#include <set>

#include <dlfcn.h>

#include <kronsolve/core/threads.hpp>
#include <kronsolve/solvers/dense.hpp>

#include "support/dense_map.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::Matrix;
using test::Random;
using test::Vector;
using Complex = std::complex<double>;

template <Scalar T>
DenseMatrix<T> ours(const Matrix<T>& m) {
  return {m.rows(), m.cols(), std::vector<T>(m.data(), m.data() + m.size())};
}
template <Scalar T>
Matrix<T> eigen(const DenseMatrix<T>& m) {
  return Eigen::Map<const Matrix<T>>(m.data(), m.rows(), m.cols());
}
template <Scalar T>
double difference(const Matrix<T>& a, const Matrix<T>& b) {
  return a.size() == 0 ? 0 : (a - b).norm();
}

template <class T>
class Dense : public ::testing::Test {};
using Scalars = ::testing::Types<double, Complex>;
TYPED_TEST_SUITE(Dense, Scalars);

constexpr int sizes[] = {1, 2, 5, 40, 120, 300};

TYPED_TEST(Dense, eigenpairs_solve_hermitian_problems) {
  using T = TypeParam;
  for (const int n : sizes) {
    SCOPED_TRACE(detail::concat("n ", n));
    Random random(static_cast<unsigned>(n));
    const Matrix<T> a = random.hermitian<T>(n, 8, 1);
    const auto pairs = eigh(ours(a));
    const Matrix<T> x = eigen(pairs.vectors);
    const Eigen::VectorXd values = Eigen::Map<const Eigen::VectorXd>(pairs.values.data(), n);

    EXPECT_LE(difference<T>(a * x, x * values.template cast<T>().asDiagonal()), 1e-13 * n);
    EXPECT_LE(difference<T>(x.adjoint() * x, Matrix<T>::Identity(n, n)), 1e-13 * n);
    EXPECT_TRUE(std::is_sorted(pairs.values.begin(), pairs.values.end()));
  }
}

TYPED_TEST(Dense, blocks_are_found_and_give_the_same_spectrum) {
  using T = TypeParam;
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE(detail::concat("seed ", seed));
    Random random(seed);
    const int n = random.integer(1, 80), groups = random.integer(1, 6);
    std::vector<int> group;
    for (int i = 0; i < n; ++i) group.push_back(random.integer(0, groups - 1));
    Matrix<T> a = random.hermitian<T>(n, 8, 0);
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j)
        if (group[i] != group[j]) a(i, j) = 0;
    const auto blocks = diagonal_blocks(ours(a));
    const auto pairs = eigh(ours(a), Blocks::find);
    const auto whole = eigh(ours(a));
    const Matrix<T> x = eigen(pairs.vectors);

    EXPECT_EQ(blocks.size(), std::set<int>(group.begin(), group.end()).size());
    for (const auto& block : blocks)
      for (const index_t i : block) EXPECT_EQ(group[i], group[block[0]]);
    for (int j = 0; j < n; ++j) EXPECT_NEAR(pairs.values[j], whole.values[j], 1e-12);
    const Eigen::VectorXd values = Eigen::Map<const Eigen::VectorXd>(pairs.values.data(), n);
    EXPECT_LE(difference<T>(a * x, x * values.template cast<T>().asDiagonal()), 1e-12);
    EXPECT_LE(difference<T>(x.adjoint() * x, Matrix<T>::Identity(n, n)), 1e-12);
  }
}

TYPED_TEST(Dense, generalised_pairs_are_orthonormal_in_b) {
  using T = TypeParam;
  for (const int n : sizes) {
    SCOPED_TRACE(detail::concat("n ", n));
    Random random(static_cast<unsigned>(n) + 10);
    const Matrix<T> a = random.hermitian<T>(n, 8, 1), b = random.hermitian<T>(n, 2, 4);
    const auto pairs = eigh(ours(a), ours(b));
    const Matrix<T> x = eigen(pairs.vectors);
    const Eigen::VectorXd values = Eigen::Map<const Eigen::VectorXd>(pairs.values.data(), n);

    EXPECT_LE(difference<T>(a * x, b * x * values.template cast<T>().asDiagonal()), 1e-12 * n);
    EXPECT_LE(difference<T>(x.adjoint() * b * x, Matrix<T>::Identity(n, n)), 1e-12 * n);
  }
}

TYPED_TEST(Dense, eig_solves_general_problems) {
  using T = TypeParam;
  for (const int n : sizes) {
    SCOPED_TRACE(detail::concat("n ", n));
    Random random(static_cast<unsigned>(n) + 20);
    const Matrix<T> a = random.matrix<T>(n, n);
    const auto pairs = eig(ours(a));
    const Matrix<Complex> x = eigen(pairs.vectors);
    Vector<Complex> values(n);
    for (int j = 0; j < n; ++j) values(j) = pairs.values[j];

    EXPECT_LE(difference<Complex>(a.template cast<Complex>() * x, x * values.asDiagonal()),
              1e-12 * n);
    EXPECT_NEAR(std::abs(values.sum() - Complex(a.trace())), 0, 1e-11 * n);
    for (int j = 0; j < n; ++j) EXPECT_NEAR(x.col(j).norm(), 1, 1e-12);
    for (int j = 1; j < n; ++j) EXPECT_LE(pairs.values[j - 1].real(), pairs.values[j].real());
  }
}

TYPED_TEST(Dense, svd_rebuilds_both_shapes_and_low_ranks) {
  using T = TypeParam;
  const std::pair<int, int> shapes[] = {{1, 1}, {7, 3}, {3, 7}, {120, 40}, {40, 200}};
  for (const auto& [m, n] : shapes) {
    SCOPED_TRACE(detail::concat(m, " x ", n));
    Random random(static_cast<unsigned>(m * n));
    const int rank = std::max(1, std::min(m, n) / 2);
    for (const Matrix<T>& a : {random.matrix<T>(m, n),
                               Matrix<T>(random.matrix<T>(m, rank) * random.matrix<T>(rank, n))}) {
      const auto s = svd(ours(a));
      const Matrix<T> u = eigen(s.u), v = eigen(s.v);
      const Eigen::VectorXd values =
          Eigen::Map<const Eigen::VectorXd>(s.values.data(), std::min(m, n));

      EXPECT_LE(difference<T>(u * values.template cast<T>().asDiagonal() * v.adjoint(), a),
                1e-13 * a.norm() * 10);
      EXPECT_LE(difference<T>(u.adjoint() * u, Matrix<T>::Identity(u.cols(), u.cols())), 1e-12);
      EXPECT_LE(difference<T>(v.adjoint() * v, Matrix<T>::Identity(v.cols(), v.cols())), 1e-12);
      EXPECT_TRUE(std::is_sorted(s.values.rbegin(), s.values.rend()));
      EXPECT_NEAR(norm(ours(a), NormKind::two), values(0), 1e-12 * values(0));
      EXPECT_NEAR(norm(ours(a), NormKind::frobenius), a.norm(), 1e-12 * a.norm());
      EXPECT_NEAR(norm(ours(a), NormKind::trace), values.sum(), 1e-12 * values.sum());
    }
  }
}

TYPED_TEST(Dense, exponentials_agree_and_invert) {
  using T = TypeParam;
  for (const int n : {1, 2, 5, 40, 120})
    for (const double size : {1e-9, 1e-2, 0.1, 1.0, 5.0, 60.0}) {
      SCOPED_TRACE(detail::concat("n ", n, " size ", size));
      Random random(static_cast<unsigned>(n) + 30);
      const Matrix<T> h = random.hermitian<T>(n, size, 0);
      const Matrix<T> exact = eigen(expm(ours(h), MatrixKind::hermitian)),
                      general = eigen(expm(ours(h)));
      EXPECT_LE(difference<T>(exact, general), 1e-12 * std::max(1.0, size) * exact.norm());
      const Matrix<T> a = random.matrix<T>(n, n) * (std::min(size, 5.0) / n);
      const Matrix<T> there = eigen(expm(ours(a))), back = eigen(expm(ours(Matrix<T>(-a))));
      EXPECT_LE(difference<T>(there * back, Matrix<T>::Identity(n, n)),
                1e-12 * there.norm() * back.norm());
    }
  // a Jordan block: exp has 1, 1, 1/2, 1/6 on its diagonals
  Matrix<T> jordan = Matrix<T>::Zero(4, 4);
  for (int i = 0; i < 3; ++i) jordan(i, i + 1) = 1;
  const Matrix<T> e = eigen(expm(ours(jordan)));
  EXPECT_NEAR(std::abs(e(0, 3) - T(1.0 / 6)), 0, 1e-15);
  EXPECT_NEAR(std::abs(e(0, 2) - T(0.5)), 0, 1e-15);
  EXPECT_NEAR(std::abs(eigen(expm(ours(Matrix<T>(Matrix<T>::Zero(3, 3)))))(1, 1) - T(1)), 0, 0);
}

TYPED_TEST(Dense, roots_and_logarithms_undo_powers_and_exponentials) {
  using T = TypeParam;
  for (const int n : {1, 2, 5, 40, 100}) {
    SCOPED_TRACE(detail::concat("n ", n));
    Random random(static_cast<unsigned>(n) + 40);
    const Matrix<T> h = random.hermitian<T>(n, 4, 0.3),
                    a = random.matrix<T>(n, n) / std::sqrt(n) + 3 * Matrix<T>::Identity(n, n);
    for (const auto& [m, kind] :
         {std::pair(h, MatrixKind::hermitian), std::pair(a, MatrixKind::general)}) {
      const Matrix<Complex> root = eigen(sqrtm(ours<T>(m), kind)),
                            log = eigen(logm(ours<T>(m), kind));
      const Matrix<Complex> square = root * root, power = eigen(expm(ours(log)));
      EXPECT_LE(difference<Complex>(square, m.template cast<Complex>()), 1e-12 * n * m.norm());
      EXPECT_LE(difference<Complex>(power, m.template cast<Complex>()), 1e-11 * n * m.norm());
    }
    const Matrix<Complex> by_schur = eigen(logm(ours(h))),
                          by_eigen = eigen(logm(ours(h), MatrixKind::hermitian));
    EXPECT_LE(difference<Complex>(by_schur, by_eigen), 1e-9 * n);
  }
  Matrix<T> negative(1, 1);
  negative << -4;
  EXPECT_NEAR(std::abs(eigen(sqrtm(ours(negative)))(0, 0) - Complex(0, 2)), 0, 1e-15);
  EXPECT_NEAR(std::abs(eigen(sqrtm(ours(negative), MatrixKind::hermitian))(0, 0) - Complex(0, 2)),
              0, 1e-15);
}

/// Found in the BLAS that the library has loaded; the test does not link it.
template <class F>
F blas(const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_DEFAULT, name));
}

TYPED_TEST(Dense, the_number_of_blas_threads_is_as_it_was_afterwards) {
  using T = TypeParam;
  const auto get = blas<int (*)()>("openblas_get_num_threads");
  const auto set = blas<void (*)(int)>("openblas_set_num_threads");
  if (get == nullptr || set == nullptr) GTEST_SKIP() << "the BLAS is not OpenBLAS";
  const int before = get(), threads = num_threads();
  const auto a = DenseMatrix<T>::identity(20);
  for (const int outside : {1, 2}) {
    set(outside);
    set_threads(3 - outside);
    (void)eigh(a);
    (void)svd(a);
    (void)expm(a);
    (void)multiply(a, a);
    EXPECT_EQ(get(), outside);
    EXPECT_EQ(num_threads(), 3 - outside);
  }
  set_threads(threads);
  set(before);
}

TYPED_TEST(Dense, bad_input_is_refused_by_name) {
  using T = TypeParam;
  Random random(1);
  const auto rectangle = ours<T>(random.matrix<T>(2, 3));
  const auto crooked = ours<T>(random.matrix<T>(3, 3));
  auto sick = DenseMatrix<T>::identity(3);
  sick(2, 1) = std::nan("");
  auto indefinite = DenseMatrix<T>::identity(3);
  indefinite(1, 1) = -1;
  DenseMatrix<T> nilpotent(2, 2);
  nilpotent(0, 1) = 1;

  EXPECT_ERROR((void)eigh(crooked), InvalidArgument, "not Hermitian: entry (");
  EXPECT_ERROR((void)eigh(rectangle), DimensionError, "2 x 3");
  EXPECT_ERROR((void)eig(rectangle), DimensionError, "2 x 3");
  EXPECT_ERROR((void)expm(sick), InvalidArgument, "(2, 1) is not finite");
  EXPECT_ERROR((void)eigh(DenseMatrix<T>::identity(3), indefinite), InvalidArgument, "minor 2");
  EXPECT_ERROR((void)logm(nilpotent), InvalidArgument, "singular");
  EXPECT_ERROR((void)sqrtm(nilpotent), InvalidArgument, "no square root");
  EXPECT_ERROR((void)multiply(rectangle, rectangle), DimensionError, "2 x 3 times 2 x 3");
}

}  // namespace
}  // namespace kronsolve
