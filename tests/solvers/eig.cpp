#include <Eigen/Eigenvalues>

#include <kronsolve/solvers/eig.hpp>

#include "support/mpi_test.hpp"
#include "support/random_matrix.hpp"

namespace kronsolve {
namespace {

using test::world;
using Complex = std::complex<double>;

template <class T>
class EigTest : public ::testing::Test {};
using Scalars = ::testing::Types<double, Complex>;
TYPED_TEST_SUITE(EigTest, Scalars);

double key(Complex v, EigWhich which, Complex sigma) {
  switch (which) {
    case EigWhich::LM:
      return -std::abs(v);
    case EigWhich::SM:
      return std::abs(v);
    case EigWhich::LR:
      return -v.real();
    case EigWhich::SR:
      return v.real();
    case EigWhich::LI:
      return -std::abs(v.imag());
    case EigWhich::SI:
      return std::abs(v.imag());
    case EigWhich::TM:
      break;
  }
  return std::abs(v - sigma);
}

template <Scalar T>
void expect_pairs_of(const test::Dense<T>& a, const EigResult& result) {
  const Eigen::MatrixXcd m = a.template cast<Complex>();
  for (index_t j = 0; j < result.vectors.count(); ++j) {
    const auto whole = result.vectors.gather_to_all(world(), j);
    const Eigen::Map<const Eigen::VectorXcd> x(whole.data(), a.rows());
    const auto at = static_cast<std::size_t>(j);
    EXPECT_NEAR(x.norm(), 1, 1e-12);
    EXPECT_NEAR((m * x - result.eigenvalues[at] * x).norm(), result.residuals[at],
                1e-11 * (1 + a.norm()));
    EXPECT_LE(result.residuals[at], 1.01e-10 * 2 * a.norm());
  }
}

TYPED_TEST(EigTest, random_matrices_agree_with_dense_for_every_which) {
  using T = TypeParam;
  const std::uint64_t seeds = world().size() <= 2 ? 6 : 2;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    const CounterRandom random(seed, 3);
    const auto n = 4 + static_cast<index_t>(random.uniform(0) * 80);
    const auto k = std::min(n - 2, 1 + static_cast<index_t>(random.uniform(1) * 4));
    const auto a = test::random_matrix<T>(n, n, 0.3, seed);
    const Eigen::VectorXcd all =
        Eigen::ComplexEigenSolver<Eigen::MatrixXcd>(a.template cast<Complex>()).eigenvalues();
    for (const EigWhich which :
         {EigWhich::LM, EigWhich::LR, EigWhich::SR, EigWhich::LI, EigWhich::TM})
      for (const EigMethod method : {EigMethod::dense, EigMethod::slepc}) {
        const Complex sigma = seed % 2 == 0 ? Complex(0.4, 0) : Complex(0.4, 0.7);
        SCOPED_TRACE(detail::concat("seed ", seed, " n ", n, " k ", k, " ", to_string(which), " ",
                                    to_string(method)));

        const EigResult result =
            eig(world(), test::lazy<T>(a),
                {.k = k,
                 .which = which,
                 .sigma = which == EigWhich::TM ? std::optional(sigma) : std::nullopt,
                 .seed = seed,
                 .method = method});

        EXPECT_TRUE(result.converged) << result.reason;
        std::vector<double> expected;
        for (const Complex v : all) expected.push_back(key(v, which, sigma));
        std::sort(expected.begin(), expected.end());
        ASSERT_EQ(static_cast<index_t>(result.eigenvalues.size()), k);
        for (index_t i = 0; i < k; ++i) {
          const Complex value = result.eigenvalues[static_cast<std::size_t>(i)];
          EXPECT_NEAR(key(value, which, sigma), expected[static_cast<std::size_t>(i)], 1e-8);
          EXPECT_LT((all.array() - value).abs().minCoeff(), 1e-8);
        }
        expect_pairs_of<T>(a, result);
      }
  }
}

TYPED_TEST(EigTest, whole_spectra) {
  using T = TypeParam;
  for (const index_t n : {1, 2, 40}) {
    const auto a = test::random_matrix<T>(n, n, 0.6, 11);
    const EigResult result = eig(world(), test::lazy<T>(a), {.k = EigOptions::all});
    ASSERT_EQ(static_cast<index_t>(result.eigenvalues.size()), n);
    expect_pairs_of<T>(a, result);
    Complex trace = 0;
    for (const Complex v : result.eigenvalues) trace += v;
    EXPECT_LT(std::abs(trace - Complex(a.trace())), 1e-10);
  }
}

TEST(Eig, a_target_on_an_eigenvalue_is_moved_and_said_so) {
  test::Dense<double> a = Eigen::VectorXd::LinSpaced(40, -20, 19).asDiagonal();
  a(3, 4) = 0.5;
  const EigResult result = eig(world(), test::lazy<double>(a),
                               {.which = EigWhich::TM, .sigma = 5.0, .method = EigMethod::slepc});
  EXPECT_LT(std::abs(result.eigenvalues[0] - 5.0), 1e-9);
  EXPECT_TRUE(result.converged);
}

TEST(Eig, bad_arguments_are_refused) {
  const auto a = test::lazy<double>(test::random_matrix<double>(9, 9, 1, 2));
  EXPECT_ERROR(eig(world(), test::lazy<double>(test::Dense<double>::Ones(3, 4))), DimensionError,
               "3 x 4");
  EXPECT_ERROR(eig(world(), a, {.k = 0}), InvalidArgument, "[1, 9]");
  EXPECT_ERROR(eig(world(), a, {.k = 10}), InvalidArgument, "got 10");
  EXPECT_ERROR(eig(world(), a, {.which = EigWhich::TM}), InvalidArgument, "without sigma");
  EXPECT_ERROR(eig(world(), a, {.sigma = 1.0}), InvalidArgument, "belong together");
  EXPECT_ERROR(eig(world(), a, {.tol = 1}), InvalidArgument, "tol");
  EXPECT_ERROR(eig(world(), a, {.k = 3, .ncv = 4}), InvalidArgument, "ncv must be in [5, 9]");
  EXPECT_ERROR(eig(world(), a, {.k = EigOptions::all, .method = EigMethod::slepc}), InvalidArgument,
               "k = all");
}

}  // namespace
}  // namespace kronsolve
