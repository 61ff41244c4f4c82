// Pairs orthogonal to given vectors: eigenvectors that are deflated, and any vectors at all.

#include <cmath>

#include <kronsolve/solvers/eigh.hpp>

#include "support/chains.hpp"
#include "support/mpi_test.hpp"
#include "support/random_matrix.hpp"

namespace kronsolve {
namespace {

using test::Dense;
using test::world;
using Complex = std::complex<double>;

template <class T>
class EighAgainst : public ::testing::Test {};
using Scalars = ::testing::Types<double, Complex>;
TYPED_TEST_SUITE(EighAgainst, Scalars);

template <Scalar T>
DistributedVectors<T> deal(const Dense<T>& columns) {
  const RowPartition rows(columns.rows(), world().size());
  DistributedVectors<T> v(rows, world().rank(), columns.cols());
  const RowRange mine = rows.range(world().rank());
  for (index_t j = 0; j < columns.cols(); ++j)
    for (index_t i = 0; i < mine.size(); ++i)
      v.column(j)[static_cast<std::size_t>(i)] = columns(mine.begin + i, j);
  return v;
}

template <Scalar T>
Dense<T> gathered(const EighResult& result, index_t n) {
  const auto& vectors = result.vectors_as<T>();
  Dense<T> x(n, vectors.count());
  for (index_t j = 0; j < vectors.count(); ++j) {
    const auto whole = vectors.gather_to_all(world(), j);
    for (index_t i = 0; i < n; ++i) x(i, j) = whole[static_cast<std::size_t>(i)];
  }
  return x;
}

/// Orthonormal columns first, the rest of the space after them.
template <Scalar T>
Dense<T> random_unitary(index_t n, std::uint64_t seed) {
  return Eigen::HouseholderQR<Dense<T>>(test::random_matrix<T>(n, n, 1, seed)).householderQ();
}

std::vector<double> nearest(const Eigen::VectorXd& all, Which which, double sigma, index_t k) {
  std::vector<double> values(all.begin(), all.end());
  const auto key = [&](double v) {
    return which == Which::SA   ? v
           : which == Which::LA ? -v
           : which == Which::LM ? -std::abs(v)
                                : std::abs(v - sigma);
  };
  std::sort(values.begin(), values.end(), [&](double a, double b) { return key(a) < key(b); });
  values.resize(static_cast<std::size_t>(k));
  std::sort(values.begin(), values.end());
  return values;
}

template <Scalar T>
void expect_complement(const Dense<T>& a, const Dense<T>& v, const EighResult& result,
                       const std::vector<double>& expected) {
  EXPECT_TRUE(result.converged) << result.reason;
  ASSERT_EQ(result.eigenvalues.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(result.eigenvalues[i], expected[i], 1e-9);
  const Dense<T> x = gathered<T>(result, a.rows());
  EXPECT_LT((v.adjoint() * x).norm(), 1e-8);
  const Dense<T> p = Dense<T>::Identity(a.rows(), a.rows()) - v * v.adjoint();
  for (index_t j = 0; j < x.cols(); ++j)
    EXPECT_LT((p * (a * x.col(j)) - expected[static_cast<std::size_t>(j)] * x.col(j)).norm(), 1e-8);
}

TYPED_TEST(EighAgainst, any_vectors_give_the_projected_problem) {
  using T = TypeParam;
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    const index_t n = 50 + 9 * static_cast<index_t>(seed), m = 1 + 2 * static_cast<index_t>(seed);
    const auto a = test::random_hermitian<T>(n, 0.3, seed);
    const auto unitary = random_unitary<T>(n, seed + 30);
    const Dense<T> v = unitary.leftCols(m), rest = unitary.rightCols(n - m);
    const Eigen::VectorXd all =
        Eigen::SelfAdjointEigenSolver<Dense<T>>(rest.adjoint() * a * rest).eigenvalues();
    const auto given = deal<T>(v);
    for (const Method method :
         {Method::dense, Method::slepc, Method::lanczos, Method::lobpcg, Method::filter})
      for (const Which which : {Which::SA, Which::LA, Which::LM, Which::TM}) {
        const bool ends = method == Method::lanczos || method == Method::lobpcg;
        if ((ends && (which == Which::LM || which == Which::TM)) ||
            (method == Method::filter && which != Which::TM) ||
            (method == Method::slepc && which == Which::TM))
          continue;
        SCOPED_TRACE(detail::concat("seed ", seed, " ", to_string(method), " ", to_string(which)));
        const double sigma = 0.3;
        EighOptions options{.k = 3, .which = which, .seed = seed, .method = method};
        if (which == Which::TM) options.sigma = sigma;
        options.against = &given;

        const auto result = eigh(world(), test::lazy<T>(a), options);

        expect_complement<T>(a, v, result, nearest(all, which, sigma, 3));
      }
  }
}

TYPED_TEST(EighAgainst, nothing_but_rounding_may_be_left) {
  using T = TypeParam;
  const index_t n = 20;
  const auto unitary = random_unitary<T>(n, 3);
  const Dense<T> v = unitary.leftCols(5), a = -2 * unitary.col(2) * unitary.col(2).adjoint();
  const auto given = deal<T>(v);
  for (const Method method : {Method::dense, Method::slepc, Method::lanczos, Method::lobpcg}) {
    SCOPED_TRACE(to_string(method));
    const auto result = eigh(world(), test::lazy<T>(Dense<T>((a + a.adjoint()) / 2)),
                             {.k = 3, .which = Which::LA, .method = method, .against = &given});
    ASSERT_EQ(result.eigenvalues.size(), 3u);
    for (const double value : result.eigenvalues) EXPECT_NEAR(value, 0, 1e-12);
  }
}

TYPED_TEST(EighAgainst, eigenvectors_are_deflated) {
  using T = TypeParam;
  const index_t n = 70;
  const auto a = test::random_hermitian<T>(n, 0.3, 5);
  const Eigen::SelfAdjointEigenSolver<Dense<T>> solved(a);
  const Dense<T> v = solved.eigenvectors().leftCols(4);
  const auto given = deal<T>(v);
  const Eigen::VectorXd rest = solved.eigenvalues().tail(n - 4);

  for (const Method method :
       {Method::automatic, Method::dense, Method::slepc, Method::lanczos, Method::lobpcg}) {
    const auto low = eigh(world(), test::lazy<T>(a), {.k = 2, .method = method, .against = &given});
    expect_complement<T>(a, v, low, nearest(rest, Which::SA, 0, 2));
  }
  // Shift-and-invert next to a deflated level.
  const double sigma = solved.eigenvalues()(2) + 1e-3;
  const auto near = eigh(
      world(), test::lazy<T>(a),
      {.k = 3, .which = Which::TM, .sigma = sigma, .method = Method::slepc, .against = &given});
  expect_complement<T>(a, v, near, nearest(rest, Which::TM, sigma, 3));
}

TYPED_TEST(EighAgainst, the_whole_rest_and_intervals) {
  using T = TypeParam;
  const index_t n = 40, m = 3;
  const auto a = test::random_hermitian<T>(n, 0.4, 8);
  const auto unitary = random_unitary<T>(n, 9);
  const Dense<T> v = unitary.leftCols(m), rest = unitary.rightCols(n - m);
  const Eigen::VectorXd all =
      Eigen::SelfAdjointEigenSolver<Dense<T>>(rest.adjoint() * a * rest).eigenvalues();
  const auto given = deal<T>(v);

  const auto whole = eigh(world(), test::lazy<T>(a), {.k = EighOptions::all, .against = &given});
  expect_complement<T>(a, v, whole, {all.begin(), all.end()});

  std::vector<double> inside;
  for (const double value : all)
    if (value >= -1 && value <= 1) inside.push_back(value);
  for (const Method method : {Method::dense, Method::filter}) {
    const auto some = eigh(world(), test::lazy<T>(a),
                           {.interval = std::pair(-1.0, 1.0), .method = method, .against = &given});
    expect_complement<T>(a, v, some, inside);
    EXPECT_TRUE(some.certified.value_or(false)) << some.certificate;
  }
}

TYPED_TEST(EighAgainst, bad_vectors_are_refused) {
  using T = TypeParam;
  using Other = std::conditional_t<is_complex<T>, double, Complex>;
  const index_t n = 20;
  const auto a = test::random_hermitian<T>(n, 0.4, 2);
  const auto unitary = random_unitary<T>(n, 3);
  const auto skew = deal<T>(Dense<T>(2.0 * unitary.leftCols(2)));
  const auto good = deal<T>(Dense<T>(unitary.leftCols(2)));
  const auto all = deal<T>(unitary);
  const auto other = deal<Other>(Dense<Other>(random_unitary<Other>(n, 3).leftCols(2)));
  const auto solve = [&](EighOptions options) { return eigh(world(), test::lazy<T>(a), options); };

  EXPECT_ERROR(solve({.against = &skew}), InvalidArgument, "orthonormal");
  EXPECT_ERROR(solve({.k = 1, .against = &all}), InvalidArgument, "nothing is left");
  EXPECT_ERROR(solve({.k = 19, .against = &good}), InvalidArgument, "[1, 18]");
  EXPECT_ERROR(solve({.k = 1, .against = &other}), InvalidArgument, "as the operator is");
  EXPECT_ERROR(
      solve({.k = 2, .which = Which::TM, .sigma = 0.1, .method = Method::slepc, .against = &good}),
      InvalidArgument, "eigenvectors of the operator");
  EXPECT_ERROR(solve({.interval = std::pair(0.0, 1.0), .method = Method::slepc, .against = &good}),
               InvalidArgument, "dense and filter");
}

TEST(EighAgainstChain, excited_states_one_after_the_other) {
  const OpSum h = test::heisenberg(10, true);
  const auto all = eigh(world(), h, {.k = 6, .method = Method::slepc});
  auto found = eigh(world(), h, {.form = OperatorForm::matrix_free});
  auto states = std::move(std::get<DistributedVectors<double>>(found.vectors));
  for (std::size_t level = 1; level < 6; ++level) {
    auto next =
        eigh(world(), h,
             {.method = Method::lanczos, .form = OperatorForm::matrix_free, .against = &states});
    EXPECT_NEAR(next.eigenvalues[0], all.eigenvalues[level], 1e-9) << level;
    states.append(std::move(std::get<DistributedVectors<double>>(next.vectors)));
  }
}

}  // namespace
}  // namespace kronsolve
