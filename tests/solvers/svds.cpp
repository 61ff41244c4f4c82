// Singular triplets against LAPACK-size dense decompositions, by every method, on any cut of rows.

#include <cmath>

#include <kronsolve/operators/op_sum.hpp>
#include <kronsolve/operators/rows.hpp>
#include <kronsolve/solvers/svds.hpp>

#include "support/dense_map.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::DenseMap;
using test::Matrix;
using test::Random;
using test::Vector;
using test::world;

/// Residuals of 1e-10 move singular values by less than that; norms here are below 100.
constexpr double value_tolerance = 1e-9;

template <class T>
class Svds : public ::testing::Test {};
using Scalars = ::testing::Types<double, std::complex<double>>;
TYPED_TEST_SUITE(Svds, Scalars);

/// m x n with the given singular values (as many as the shorter side).
template <Scalar T>
Matrix<T> with_values(Random& random, index_t m, index_t n, const std::vector<double>& values) {
  const auto r = static_cast<index_t>(values.size());
  const Matrix<T> p =
      random.matrix<T>(m, r).householderQr().householderQ() * Matrix<T>::Identity(m, r);
  const Matrix<T> q =
      random.matrix<T>(n, r).householderQr().householderQ() * Matrix<T>::Identity(n, r);
  Vector<T> d(r);
  for (index_t i = 0; i < r; ++i) d(i) = values[static_cast<std::size_t>(i)];
  return p * d.asDiagonal() * q.adjoint();
}

/// From the eigenvalues +s, -s of [0 A; A^H 0], which are as exact as those of LAPACK's SVD.
template <Scalar T>
std::vector<double> exact_values(const Matrix<T>& a) {
  const index_t m = a.rows(), n = a.cols();
  Matrix<T> both = Matrix<T>::Zero(m + n, m + n);
  both.topRightCorner(m, n) = a;
  both.bottomLeftCorner(n, m) = a.adjoint();
  const Eigen::SelfAdjointEigenSolver<Matrix<T>> eigen(both, Eigen::EigenvaluesOnly);
  std::vector<double> values;
  for (index_t i = 0; i < std::min(m, n); ++i)
    values.push_back(std::max(0.0, eigen.eigenvalues()(m + n - 1 - i)));
  return values;
}

/// Values against the exact ones, residuals as stated, orthonormal vectors, phases.
template <Scalar T>
void expect_triplets(const Matrix<T>& a, const SvdsResult<T>& r, index_t k, SingularEnd which,
                     double vectors_tolerance = 1e-9) {
  const auto exact = exact_values(a);
  ASSERT_EQ(static_cast<index_t>(r.singular_values.size()), k);
  EXPECT_TRUE(r.converged) << r.reason;
  const std::size_t first =
      which == SingularEnd::largest ? 0 : exact.size() - static_cast<std::size_t>(k);
  Matrix<T> u(a.rows(), k), v(a.cols(), k);
  for (index_t j = 0; j < k; ++j) {
    const auto at = static_cast<std::size_t>(j);
    EXPECT_NEAR(r.singular_values[at], exact[first + at], value_tolerance);
    u.col(j) = test::whole<T>(world(), r.left.column(j));
    v.col(j) = test::whole<T>(world(), r.right.column(j));
    const double s = r.singular_values[at];
    const double residual = std::hypot((a * v.col(j) - s * u.col(j)).norm(),
                                       (a.adjoint() * u.col(j) - s * v.col(j)).norm());
    EXPECT_NEAR(residual, r.residuals[at], 1e-11);
    EXPECT_LE(r.residuals[at], 1e-10 * std::max(1.0, s));
    if (j > 0) {
      EXPECT_GE(r.singular_values[at - 1], s);
    }
  }
  EXPECT_LE((u.adjoint() * u - Matrix<T>::Identity(k, k)).norm(), vectors_tolerance);
  EXPECT_LE((v.adjoint() * v - Matrix<T>::Identity(k, k)).norm(), vectors_tolerance);
}

TYPED_TEST(Svds, agrees_with_dense_on_random_matrices) {
  using T = TypeParam;
  constexpr unsigned seed = 1;
  Random random(seed);
  for (int round = 0; round < 18; ++round) {
    const index_t m = random.integer(1, round < 15 ? 50 : 300),
                  n = random.integer(1, round < 15 ? 50 : 300);
    const index_t k = std::min<index_t>({m, n, random.integer(1, 6)});
    const Matrix<T> a = random.matrix<T>(m, n);
    const DenseMap<T> map(world(), a, random.partition(m, world().size()),
                          random.partition(n, world().size()));
    const auto which = random.integer(0, 1) == 0 ? SingularEnd::largest : SingularEnd::smallest;
    const auto method = random.integer(0, 3) == 0                         ? SvdMethod::dense
                        : round % 2 == 0 && which == SingularEnd::largest ? SvdMethod::restarted
                                                                          : SvdMethod::bidiagonal;

    const auto r = svds<T>(map, {.k = k, .which = which, .seed = 5, .method = method});

    SCOPED_TRACE(detail::concat("seed ", seed, " round ", round, " ", m, " x ", n, " k ", k, " ",
                                to_string(which), " ", to_string(method)));
    expect_triplets<T>(a, r, k, which);
    EXPECT_TRUE(r.certified) << r.certificate;
    EXPECT_EQ(r.rows, m);
    EXPECT_EQ(r.cols, n);
  }
}

TYPED_TEST(Svds, finds_every_copy_of_equal_values) {
  using T = TypeParam;
  Random random(2);
  std::vector<double> values = {5, 5, 5, 3, 3, 3, 3};
  for (int i = 0; i < 43; ++i) values.push_back(2.5 - 0.05 * i);
  for (const auto& [m, n] : {std::pair{50, 80}, std::pair{70, 50}}) {
    const Matrix<T> a = with_values<T>(random, m, n, values);
    const DenseMap<T> map(world(), a, RowPartition(m, world().size()),
                          RowPartition(n, world().size()));
    for (const index_t k : {2, 6})
      for (const auto method : {SvdMethod::bidiagonal, SvdMethod::restarted}) {
        const auto r = svds<T>(map, {.k = k, .seed = 1, .method = method});

        SCOPED_TRACE(detail::concat(m, " x ", n, " k ", k, " ", to_string(method)));
        expect_triplets<T>(a, r, k, SingularEnd::largest);
        EXPECT_TRUE(r.certified) << r.certificate;
      }
  }
}

/// Few distinct values: the Krylov space of any single start vector is exhausted after as many
/// steps, so that all copies but one must come from fresh vectors.
TYPED_TEST(Svds, finds_copies_when_the_krylov_space_is_exhausted) {
  using T = TypeParam;
  Random random(3);
  std::vector<double> values(40, 1.0);
  std::fill_n(values.begin(), 3, 2.0);
  std::fill_n(values.end() - 5, 5, 0.0);
  const Matrix<T> a = with_values<T>(random, 40, 55, values);
  const DenseMap<T> map(world(), a, RowPartition(40, world().size()),
                        RowPartition(55, world().size()));

  for (const index_t k : {3, 5}) {
    for (const auto method : {SvdMethod::bidiagonal, SvdMethod::restarted})
      expect_triplets<T>(a, svds<T>(map, {.k = k, .ncv = 12, .method = method}), k,
                         SingularEnd::largest);
    expect_triplets<T>(
        a,
        svds<T>(
            map,
            {.k = k, .which = SingularEnd::smallest, .ncv = 12, .method = SvdMethod::bidiagonal}),
        k, SingularEnd::smallest);
  }
}

TYPED_TEST(Svds, rank_deficient_matrices_give_zeros_at_the_small_end) {
  using T = TypeParam;
  Random random(4);
  for (const auto& [m, n, rank] :
       {std::tuple{50, 70, 8}, std::tuple{80, 30, 3}, std::tuple{30, 30, 28}}) {
    const Matrix<T> a = random.matrix<T>(m, rank) * random.matrix<T>(rank, n) * 0.1;
    const DenseMap<T> map(world(), a, random.partition(m, world().size()),
                          random.partition(n, world().size()));
    SCOPED_TRACE(detail::concat(m, " x ", n, " rank ", rank));
    const index_t k = std::min<index_t>(rank + 2, 12);
    for (const auto method : {SvdMethod::bidiagonal, SvdMethod::restarted}) {
      const auto high = svds<T>(map, {.k = k, .method = method});
      expect_triplets<T>(a, high, k, SingularEnd::largest);
      // Zeros are too small for A^H A.
      if (k > rank) {
        EXPECT_EQ(high.method, SvdMethod::bidiagonal) << high.reason;
      }
    }
    const auto low =
        svds<T>(map, {.k = 2, .which = SingularEnd::smallest, .method = SvdMethod::bidiagonal});
    expect_triplets<T>(a, low, 2, SingularEnd::smallest);
  }
}

TYPED_TEST(Svds, clustered_values_are_told_apart) {
  using T = TypeParam;
  Random random(5);
  std::vector<double> values = {4, 4 - 1e-10, 4 - 2e-10, 3.5, 3.5 - 1e-7};
  for (int i = 0; i < 75; ++i) values.push_back(3 - 0.03 * i);
  const Matrix<T> a = with_values<T>(random, 80, 100, values);
  const DenseMap<T> map(world(), a, random.partition(80, world().size()),
                        random.partition(100, world().size()));

  for (const auto method : {SvdMethod::bidiagonal, SvdMethod::restarted}) {
    const auto r = svds<T>(map, {.k = 5, .method = method});

    SCOPED_TRACE(to_string(method));
    expect_triplets<T>(a, r, 5, SingularEnd::largest);
    EXPECT_EQ(r.method, method) << r.reason;
    EXPECT_TRUE(r.certified) << r.certificate;
  }
}

/// A^H A squares what the triplets have: where that costs digits or range, restarted says so and
/// goes over, with the same accuracy in the end.
TYPED_TEST(Svds, restarted_goes_over_where_squares_would_cost_digits) {
  using T = TypeParam;
  Random random(12);
  std::vector<double> steep;
  for (int i = 0; i < 60; ++i) steep.push_back(10 * std::pow(0.1, 0.5 * i));
  const Matrix<T> decaying = with_values<T>(random, 70, 60, steep);
  const DenseMap<T> map(world(), decaying, random.partition(70, world().size()),
                        random.partition(60, world().size()));
  const auto few = svds<T>(map, {.k = 2, .method = SvdMethod::restarted});
  expect_triplets<T>(decaying, few, 2, SingularEnd::largest);
  EXPECT_EQ(few.method, SvdMethod::restarted) << few.reason;
  const auto many = svds<T>(map, {.k = 9, .method = SvdMethod::restarted});
  expect_triplets<T>(decaying, many, 9, SingularEnd::largest);
  EXPECT_EQ(many.method, SvdMethod::bidiagonal) << many.reason;

  const Matrix<T> plain = random.matrix<T>(40, 50);
  const auto exact = exact_values(plain);
  for (const double scale : {1e-120, 1e120}) {
    const DenseMap<T> scaled(world(), Matrix<T>(scale * plain), RowPartition(40, world().size()),
                             RowPartition(50, world().size()));
    const auto r =
        svds<T>(scaled, {.k = 2, .method = SvdMethod::restarted, .certify = Certification::off});
    EXPECT_TRUE(r.converged) << r.reason;
    EXPECT_EQ(r.method, SvdMethod::restarted);  // squares are taken in a unit of the matrix
    for (std::size_t i = 0; i < 2; ++i)
      EXPECT_NEAR(r.singular_values[i] / scale, exact[i], value_tolerance);
  }
}

TYPED_TEST(Svds, the_check_puts_in_what_a_search_without_it_missed) {
  using T = TypeParam;
  // A start vector in a subspace where the third copy is dark cannot be made through the options,
  // so the search is starved instead: loose, and with pairs of values that converge late.
  Random random(6);
  std::vector<double> values = {3, 3, 3, 3};
  for (int i = 0; i < 200; ++i) values.push_back(2.9 - 0.01 * i);
  const Matrix<T> a = with_values<T>(random, 204, 210, values);
  const DenseMap<T> map(world(), a, RowPartition(204, world().size()),
                        RowPartition(210, world().size()));
  index_t missed = 0;
  for (std::uint64_t seed = 0; seed < 2; ++seed) {
    const SvdsOptions loose{.k = 4, .tol = 1e-4, .seed = seed, .method = SvdMethod::bidiagonal};
    SvdsOptions unchecked = loose;
    unchecked.certify = Certification::off;

    const auto without = svds<T>(map, unchecked);
    const auto with = svds<T>(map, loose);

    missed += without.singular_values.back() < 2.95 ? 1 : 0;
    EXPECT_FALSE(without.certified);
    EXPECT_EQ(without.certify_products, 0);
    EXPECT_TRUE(with.certified) << with.certificate;
    EXPECT_NEAR(with.singular_values.back(), 3, 1e-3);
    EXPECT_EQ(with.inserted > 0, without.singular_values.back() < 2.95);
    EXPECT_GT(with.certify_products, 0);
  }
  EXPECT_GT(missed, 0) << "the case no longer shows that single-vector searches miss copies";
}

TYPED_TEST(Svds, huge_and_tiny_units_give_the_same_digits) {
  using T = TypeParam;
  Random random(31);
  const Matrix<T> a = with_values<T>(random, 40, 30, [] {
    std::vector<double> values;
    for (int i = 0; i < 30; ++i) values.push_back(3.0 - 0.09 * i);
    return values;
  }());
  for (const double unit : {1e-250, 1e-160, 1e160, 1e200, 1e300}) {
    const DenseMap<T> map(world(), Matrix<T>(unit * a), RowPartition(40, world().size()),
                          RowPartition(30, world().size()));
    for (const auto method : {SvdMethod::dense, SvdMethod::bidiagonal, SvdMethod::cross,
                              SvdMethod::restarted, SvdMethod::automatic}) {
      SCOPED_TRACE(detail::concat(unit, " ", to_string(method)));
      const auto r = svds<T>(map, {.k = 2, .method = method});

      EXPECT_TRUE(r.converged) << r.reason;
      EXPECT_NEAR(r.singular_values[0] / unit, 3, 1e-9);
      EXPECT_NEAR(r.singular_values[1] / unit, 2.91, 1e-9);
      EXPECT_LE(r.residuals[0] / unit, 3e-10);
    }
  }
}

TYPED_TEST(Svds, zeros_at_the_small_end_have_left_vectors_by_every_method) {
  using T = TypeParam;
  Random random(32);
  for (const index_t m : {12, 8}) {
    const Matrix<T> a = with_values<T>(random, m, 8, {3, 2.5, 2, 1.5, 1, 0.5, 0.25, 0});
    const DenseMap<T> map(world(), a, RowPartition(m, world().size()),
                          RowPartition(8, world().size()));
    for (const auto method : {SvdMethod::dense, SvdMethod::bidiagonal, SvdMethod::cross}) {
      SCOPED_TRACE(detail::concat(m, " rows, ", to_string(method)));
      const auto r = svds<T>(map, {.k = 1, .which = SingularEnd::smallest, .method = method});

      expect_triplets<T>(a, r, 1, SingularEnd::smallest);
      EXPECT_FALSE(std::signbit(r.singular_values[0]));
    }
  }
  // Rows without entries: any unit vector there is a left vector of 0, and one alone must not serve twice.
  Matrix<T> sparse = Matrix<T>::Zero(12, 8);
  sparse.block(2, 0, 7, 5) = with_values<T>(random, 7, 5, {3, 2, 1, 0, 0});
  for (const Matrix<T>& a :
       {sparse, Matrix<T>(sparse.adjoint()), Matrix<T>(Matrix<T>::Zero(9, 6))}) {
    const DenseMap<T> map(world(), a, RowPartition(a.rows(), world().size()),
                          RowPartition(a.cols(), world().size()));
    for (const auto method : {SvdMethod::dense, SvdMethod::bidiagonal, SvdMethod::cross})
      for (const index_t k : {2, 4}) {
        SCOPED_TRACE(detail::concat(a.rows(), " rows, k = ", k, ", ", to_string(method)));
        expect_triplets<T>(a,
                           svds<T>(map, {.k = k, .which = SingularEnd::smallest, .method = method}),
                           k, SingularEnd::smallest);
      }
  }
  const Matrix<T> skew{{0, 1, 0}, {-1, 0, 0}, {0, 0, 0}};
  const DenseMap<T> map(world(), skew, RowPartition(3, world().size()));
  for (const double s : svds<T>(map, {.k = 3, .method = SvdMethod::dense}).singular_values)
    EXPECT_FALSE(std::signbit(s));
}

TEST(SvdsCheck, of_zeros_beside_a_crowded_small_end_leaves_nothing_worse_than_it_was) {
  // Six zeros below 7e-4 beside 6: to squares they are nearly the same.
  using Complex = std::complex<double>;
  OpSum op(std::vector<LocalSpace>(3, LocalSpace::spin(3)));
  op.add(-0.047918555563266629, {{"S+", 1}, {"P2", 1}});
  op.add(-0.41482801395493496, {{"P3", 1}, {"Sy", 1}, {"S-", 1}});
  op.add(Complex(-0.11217817491329707, -0.63161603157626578), {{"Sz", 0}, {"Sx", 2}, {"S+", 2}});
  op.add(Complex(0.56055613507725455, -0.88997296122038216), {{"S+", 2}, {"S+", 1}, {"Sz", 2}});
  const auto whole = make_lazy<Complex>(on_full_space(op));
  const Lazy<Complex> part(56, 64, [whole](RowRange range) {
    auto rows = whole.build({range.begin + 8, range.end + 8});
    rows.range = range;
    return rows;
  });
  for (const auto method : {SvdMethod::bidiagonal, SvdMethod::cross}) {
    const auto r =
        svds<Complex>(world(), part, {.k = 4, .which = SingularEnd::smallest, .method = method});

    EXPECT_TRUE(r.converged) << r.reason << "; " << r.certificate;
    for (const double residual : r.residuals) EXPECT_LT(residual, 1e-9);
    EXPECT_NEAR(r.singular_values.back(), 0, 1e-9);
    if (r.certified) {
      EXPECT_NEAR(r.singular_values.front(), 0, 1e-9);
    }
  }
}

TYPED_TEST(Svds, cross_product_finds_the_largest_in_little_memory) {
  using T = TypeParam;
  Random random(7);
  for (const auto& [m, n, scale] : {std::tuple{70, 40, 1.0}, std::tuple{40, 70, 0.01}}) {
    const Matrix<T> a = scale * random.matrix<T>(m, n);
    const DenseMap<T> map(world(), a, RowPartition(m, world().size()),
                          RowPartition(n, world().size()));

    const auto r = svds<T>(map, {.k = 3, .method = SvdMethod::cross});

    expect_triplets<T>(a, r, 3, SingularEnd::largest);
    EXPECT_TRUE(r.certified) << r.certificate;
  }
}

TYPED_TEST(Svds, values_alone_come_with_a_bound_and_without_vectors) {
  using T = TypeParam;
  Random random(8);
  const Matrix<T> a = random.matrix<T>(60, 80);
  const DenseMap<T> map(world(), a, RowPartition(60, world().size()),
                        RowPartition(80, world().size()));
  for (const auto method : {SvdMethod::dense, SvdMethod::bidiagonal, SvdMethod::restarted}) {
    const auto r = svds<T>(map, {.k = 4, .method = method, .vectors = SingularVectors::skip});

    EXPECT_EQ(r.residual_kind, ResidualKind::bound);
    EXPECT_TRUE(r.certified) << r.certificate;
    EXPECT_EQ(r.left.count() + r.right.count(), 0);
    EXPECT_TRUE(r.converged);
    const auto exact = exact_values(a);
    for (std::size_t i = 0; i < 4; ++i)
      EXPECT_NEAR(r.singular_values[i], exact[i], value_tolerance);
  }
}

/// What `automatic` takes depends on the shorter side, on k and on the end, not on which side is
/// the short one.
TYPED_TEST(Svds, automatic_chooses_alike_for_tall_and_wide_maps) {
  using T = TypeParam;
  struct Case {
    index_t longer, shorter, k;
    SingularEnd which;
    SvdMethod expected;
  };
  const Case cases[] = {
      {520, 90, 3, SingularEnd::largest, SvdMethod::dense},
      {520, 90, 3, SingularEnd::smallest, SvdMethod::dense},
      {410, 402, 201, SingularEnd::largest, SvdMethod::dense},  // half of all
      {520, 410, 3, SingularEnd::largest, SvdMethod::restarted},
      {520, 410, 3, SingularEnd::smallest, SvdMethod::bidiagonal},
      {50001, 80, 3, SingularEnd::largest, SvdMethod::restarted},  // short, but 4 million entries
  };
  for (const auto& c : cases)
    for (const bool wide : {false, true}) {
      SCOPED_TRACE(detail::concat(c.longer, " x ", c.shorter, wide ? " wide, " : " tall, ",
                                  to_string(c.which)));
      // Singular values 1, 2, 3, about 10, and the largest three.
      const auto value = [n = c.shorter](index_t i) {
        return i < 3 ? double(i + 1) : i < n - 3 ? 10 + std::sin(double(i)) : double(23 + i - n);
      };
      const index_t rows = wide ? c.shorter : c.longer, cols = wide ? c.longer : c.shorter;
      const Lazy<T> a(rows, cols, [&](RowRange range) {
        return test::rows_from<T>(range, cols, [&](index_t i, const auto& add) {
          if (i >= c.shorter) return;
          if constexpr (is_complex<T>)
            add(i, std::polar(value(i), double(i)));
          else
            add(i, i % 2 == 0 ? value(i) : -value(i));
        });
      });
      const auto r = svds<T>(world(), a, {.k = c.k, .which = c.which});

      EXPECT_EQ(r.method, c.expected) << r.reason;
      EXPECT_TRUE(r.converged && r.certified) << r.reason;
      const auto first = c.which == SingularEnd::largest ? 22.0 : 3.0;
      for (index_t j = 0; j < 3; ++j)
        EXPECT_NEAR(r.singular_values.at(static_cast<std::size_t>(j)), first - double(j),
                    value_tolerance);
    }
}

TYPED_TEST(Svds, trivial_maps_end_at_once) {
  using T = TypeParam;
  for (const auto& [m, n] : {std::pair{1, 1}, std::pair{1, 9}, std::pair{9, 1}, std::pair{5, 4}}) {
    const RowPartition rows(m, world().size()), cols(n, world().size());
    const DenseMap<T> zero(world(), Matrix<T>::Zero(m, n), rows, cols);
    const DenseMap<T> identity(world(), Matrix<T>(3.0 * Matrix<T>::Identity(m, n)), rows, cols);
    const index_t r = std::min(m, n);
    for (const auto method : {SvdMethod::automatic, SvdMethod::bidiagonal, SvdMethod::restarted}) {
      const auto none = svds<T>(zero, {.k = r, .method = method});
      EXPECT_TRUE(none.converged && none.certified);
      for (const double s : none.singular_values) EXPECT_EQ(s, 0);
      expect_triplets<T>(identity.matrix(),
                         svds<T>(identity, {.k = SvdsOptions::all, .method = method}), r,
                         SingularEnd::largest);
    }
  }
}

TYPED_TEST(Svds, results_do_not_depend_on_how_rows_are_dealt) {
  using T = TypeParam;
  Random random(9);
  const Matrix<T> a = random.matrix<T>(90, 64);
  const DenseMap<T> even(world(), a, RowPartition(90, world().size()),
                         RowPartition(64, world().size()));
  const DenseMap<T> ragged(world(), a, random.partition(90, world().size()),
                           random.partition(64, world().size()));

  for (const auto method : {SvdMethod::bidiagonal, SvdMethod::restarted}) {
    const SvdsOptions options{.k = 3, .method = method};
    const auto x = svds<T>(even, options), y = svds<T>(ragged, options);

    EXPECT_EQ(x.iterations, y.iterations);
    for (index_t j = 0; j < 3; ++j) {
      EXPECT_NEAR(x.singular_values[static_cast<std::size_t>(j)],
                  y.singular_values[static_cast<std::size_t>(j)], 1e-12);
      EXPECT_LE(
          (test::whole<T>(world(), x.right.column(j)) - test::whole<T>(world(), y.right.column(j)))
              .norm(),
          1e-8);
    }
  }
}

/// About `per_row` entries in each row, the others zero.
template <Scalar T>
Matrix<T> sparse(Random& random, index_t m, index_t n, int per_row) {
  Matrix<T> a = Matrix<T>::Zero(m, n);
  for (index_t e = 0; e < m * per_row; ++e)
    a(e / per_row, random.integer(0, static_cast<int>(n) - 1)) = random.scalar<T>();
  return a;
}

TYPED_TEST(Svds, rows_built_on_demand_give_the_same) {
  using T = TypeParam;
  Random random(11);
  for (const auto& [m, n] : {std::pair{60, 95}, std::pair{95, 60}, std::pair{2, 30}}) {
    const Matrix<T> a = sparse<T>(random, m, n, 4);
    for (const auto method : {SvdMethod::dense, SvdMethod::bidiagonal, SvdMethod::restarted}) {
      const auto r = svds<T>(world(), test::lazy(a), {.k = 2, .method = method});
      SCOPED_TRACE(detail::concat(m, " x ", n, " ", to_string(method)));
      expect_triplets<T>(a, r, 2, SingularEnd::largest);
    }
  }
}

TYPED_TEST(Svds, too_few_steps_are_never_called_converged) {
  using T = TypeParam;
  Random random(10);
  const DenseMap<T> map(world(), random.matrix<T>(150, 150), RowPartition(150, world().size()),
                        RowPartition(150, world().size()));

  const auto r = svds<T>(map, {.k = 2,
                               .which = SingularEnd::smallest,
                               .max_iterations = 20,
                               .method = SvdMethod::bidiagonal,
                               .certify = Certification::off});

  EXPECT_FALSE(r.converged);
  EXPECT_LT(r.converged_triplets, 2);
  EXPECT_ERROR((void)r.require_converged(), NotConverged, "residuals");
}

TYPED_TEST(Svds, bad_requests_are_refused) {
  using T = TypeParam;
  const DenseMap<T> map(world(), Matrix<T>::Identity(4, 6), RowPartition(4, world().size()),
                        RowPartition(6, world().size()));

  EXPECT_ERROR((void)svds<T>(map, {.k = 5}), InvalidArgument, "[1, 4]");
  EXPECT_ERROR((void)svds<T>(map, {.k = 0}), InvalidArgument, "[1, 4]");
  EXPECT_ERROR((void)svds<T>(map, {.tol = 1}), InvalidArgument, "tol");
  EXPECT_ERROR((void)svds<T>(map, {.k = 2, .ncv = 2}), InvalidArgument, "ncv");
  EXPECT_ERROR((void)svds<T>(map, {.which = SingularEnd::smallest, .method = SvdMethod::restarted}),
               InvalidArgument, "bidiagonal");
  EXPECT_ERROR((void)svds<T>(map, {.max_iterations = -1}), InvalidArgument, "max_iterations");
  Matrix<T> bad = Matrix<T>::Ones(4, 6);
  bad(2, 3) = std::nan("");
  const DenseMap<T> broken(world(), bad, RowPartition(4, world().size()),
                           RowPartition(6, world().size()));
  EXPECT_ERROR((void)svds<T>(broken, {.method = SvdMethod::dense}), InvalidArgument, "NaN");
  EXPECT_ERROR((void)svds<T>(broken, {.method = SvdMethod::bidiagonal}), InvalidArgument, "NaN");
  EXPECT_ERROR((void)svds<T>(broken, {.method = SvdMethod::restarted}), InvalidArgument, "NaN");
}

}  // namespace
}  // namespace kronsolve
