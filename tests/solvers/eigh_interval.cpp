#include <unsupported/Eigen/MatrixFunctions>

#include <kronsolve/operators/assembled_map.hpp>
#include <kronsolve/solvers/eigh_interval.hpp>
#include <kronsolve/solvers/engine.hpp>

#include "support/chains.hpp"
#include "support/dense_oracle.hpp"
#include "support/mpi_test.hpp"
#include "support/random_matrix.hpp"

namespace kronsolve {
namespace {

using test::heisenberg;
using test::world;
using Complex = std::complex<double>;

/// An open chain in random fields, along z (real) or also along y (complex).
OpSum disordered(int sites, std::uint64_t seed, bool complex) {
  OpSum h = heisenberg(sites, false);
  const CounterRandom random(seed);
  for (int i = 0; i < sites; ++i) {
    h.add(2 * random.uniform(static_cast<std::uint64_t>(i)) - 1, {{"Sz", i}});
    if (complex) h.add(random.uniform(static_cast<std::uint64_t>(100 + i)), {{"Sy", i}});
  }
  return h;
}

Eigen::VectorXd spectrum(const OpSum& h) {
  return Eigen::SelfAdjointEigenSolver<test::DenseMatrix>(test::dense(h), Eigen::EigenvaluesOnly)
      .eigenvalues();
}

void expect_all_of(const Eigen::VectorXd& all, double low, double high, const EighResult& result) {
  std::vector<double> expected;
  for (const double v : all)
    if (v >= low && v <= high) expected.push_back(v);
  ASSERT_EQ(result.eigenvalues.size(), expected.size()) << result.certificate;
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(result.eigenvalues[i], expected[i], 1e-10);
  EXPECT_TRUE(result.certified.value_or(false)) << result.certificate;
  EXPECT_TRUE(result.converged) << result.reason;
}

TEST(EighInterval, every_pair_of_a_disordered_chain_real_and_complex) {
  for (const bool complex : {false, true}) {
    const int sites = complex ? 7 : 8;
    const OpSum h = disordered(sites, 3, complex);
    const auto all = spectrum(h);
    for (const Method method : {Method::dense, Method::slepc, Method::filter}) {
      SCOPED_TRACE(detail::concat(complex ? "complex " : "real ", to_string(method)));
      const auto result = eigh_interval(world(), on_full_space(h), -0.4, 0.3, {.method = method});
      expect_all_of(all, -0.4, 0.3, result);
      EXPECT_EQ(result.method, method);
      EXPECT_EQ(result.scalar, complex ? ScalarKind::complex : ScalarKind::real);
      EXPECT_EQ(count_eigenvalues(world(), on_full_space(h), -0.4, 0.3),
                static_cast<index_t>(result.eigenvalues.size()));
    }
  }
}

TEST(EighInterval, multiplets_are_complete) {
  const OpSum h = heisenberg(8, true);
  const auto all = spectrum(h);
  const auto result =
      eigh_interval(world(), on_full_space(h), -2.2, -1.4, {.method = Method::slepc});
  expect_all_of(all, -2.2, -1.4, result);
  EXPECT_GT(result.eigenvalues.size(), 10u);
}

template <Scalar T>
double farthest_from_orthonormal(const DistributedVectors<T>& x) {
  double worst = 0;
  for (index_t i = 0; i < x.count(); ++i) {
    const auto a = x.gather_to_all(world(), i);
    for (index_t j = 0; j <= i; ++j) {
      const auto b = x.gather_to_all(world(), j);
      T dot{};
      for (std::size_t k = 0; k < a.size(); ++k) dot += kronsolve::conj(a[k]) * b[k];
      worst = std::max(worst, std::abs(dot - T(i == j ? 1 : 0)));
    }
  }
  return worst;
}

/// Shift-and-invert among copies may give one of them again and again.
TEST(EighInterval, copies_are_orthonormal_and_none_comes_twice) {
  if (!engine_installed(ScalarKind::real)) GTEST_SKIP() << "no real engine";
  OpSum constant(6), half(6), two(2);
  constant.add(3.2, {});
  half.add(1, {{"P0", 1}, {"Sx", 4}, {"P1", 3}});
  two.add(-0.153, {{"S-", 0}, {"S+", 1}, {"P0", 1}}).add(-0.153, {{"P0", 1}, {"S-", 1}, {"S+", 0}});
  for (const auto& [h, low, high, count] :
       {std::tuple(constant, 2.9, 3.5, index_t{64}), std::tuple(half, -0.2, 0.2, index_t{48})}) {
    const auto r = eigh(world(), h, {.interval = {{low, high}}, .method = Method::slepc});
    EXPECT_EQ(static_cast<index_t>(r.eigenvalues.size()), count);
    EXPECT_TRUE(r.converged && r.certified.value_or(false)) << r.reason;
    EXPECT_LT(farthest_from_orthonormal(r.vectors_as<double>()), 1e-8);
  }
  const auto exact = eigh(world(), two, {.k = EighOptions::all});
  for (std::uint64_t seed = 240; seed < 250; ++seed) {
    const auto r =
        eigh(world(), two,
             {.k = 4, .which = Which::TM, .sigma = 0.0765, .seed = seed, .method = Method::slepc});
    if (!r.converged) continue;  // said so
    for (std::size_t i = 0; i < 4; ++i)
      EXPECT_NEAR(r.eigenvalues.at(i), exact.eigenvalues[i], 1e-9) << seed;
    EXPECT_LT(farthest_from_orthonormal(r.vectors_as<double>()), 1e-8);
  }
}

TEST(EighInterval, an_empty_interval_is_an_answer) {
  for (const Method method : {Method::dense, Method::slepc, Method::filter, Method::ciss}) {
    const auto result =
        eigh_interval(world(), on_full_space(heisenberg(6, true)), -9, -8, {.method = method});
    EXPECT_TRUE(result.eigenvalues.empty());
    EXPECT_TRUE(result.converged) << to_string(method) << " " << result.reason;
    EXPECT_TRUE(result.certified.value_or(false)) << to_string(method) << result.certificate;
  }
}

TEST(EighInterval, intervals_that_make_no_sense_are_refused) {
  const OpSum h = heisenberg(4, true);
  const auto solve = [&](EighOptions options) { return eigh(world(), h, options); };
  EXPECT_ERROR(solve({.interval = std::pair(1.0, 0.0)}), InvalidArgument, "ascending");
  EXPECT_ERROR(solve({.interval = std::pair(0.0, std::nan(""))}), InvalidArgument, "finite");
  EXPECT_ERROR(solve({.k = 3, .interval = std::pair(0.0, 1.0)}), InvalidArgument, "leave out k");
  EXPECT_ERROR(solve({.interval = std::pair(0.0, 1.0), .method = Method::lanczos}), InvalidArgument,
               "ciss, got lanczos");
  EXPECT_ERROR(solve({.interval = std::pair(0.0, 1.0),
                      .method = Method::slepc,
                      .form = OperatorForm::matrix_free}),
               InvalidArgument, "filter");
}

TEST(EighInterval, a_target_without_factors_goes_to_the_filter) {
  const OpSum h = disordered(8, 4, false);
  const auto all = spectrum(h);
  const auto result = eigh(
      world(), h, {.k = 4, .which = Which::TM, .sigma = 0.1, .form = OperatorForm::matrix_free});
  EXPECT_EQ(result.method, Method::filter);
  EXPECT_NE(result.reason.find("without factors"), std::string::npos) << result.reason;
  EXPECT_TRUE(result.certified.value_or(false)) << result.certificate;
  double farthest = 0;
  for (const double v : result.eigenvalues) farthest = std::max(farthest, std::abs(v - 0.1));
  EXPECT_EQ(std::count_if(all.begin(), all.end(),
                          [&](double v) { return std::abs(v - 0.1) <= farthest + 1e-10; }),
            4);
}

TEST(EighInterval, pairs_nearest_to_a_target_are_certified_by_inertia) {
  const OpSum h = heisenberg(8, true);
  const auto all = spectrum(h);
  const double sigma = -1.55;
  for (const index_t k : {2, 6, 9}) {
    const auto result =
        eigh(world(), h, {.k = k, .which = Which::TM, .sigma = sigma, .method = Method::slepc});
    std::vector<double> distances;
    for (const double v : all) distances.push_back(std::abs(v - sigma));
    std::sort(distances.begin(), distances.end());
    std::vector<double> got;
    for (const double v : result.eigenvalues) got.push_back(std::abs(v - sigma));
    std::sort(got.begin(), got.end());
    ASSERT_EQ(got.size(), static_cast<std::size_t>(k));
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], distances[i], 1e-10) << k;
    EXPECT_TRUE(result.certified.value_or(false)) << result.certificate;
  }
}

TEST(EighInterval, ends_and_windows_of_the_spectrum) {
  const OpSum h = disordered(8, 5, false);
  const auto all = spectrum(h);
  const double width = all[255] - all[0];

  const auto ends = bound_spectrum(world(), on_full_space(h));

  EXPECT_NEAR(ends.lowest, all[0], 1e-10);
  EXPECT_NEAR(ends.highest, all[255], 1e-10);
  const double middle = all[0] + 0.5 * width;
  for (const Method method : {Method::automatic, Method::dense, Method::slepc, Method::filter}) {
    SCOPED_TRACE(to_string(method));
    const auto window = eigh_window(world(), on_full_space(h), 0.5, 5, {.method = method});
    EXPECT_EQ(window.eigenvalues.size(), 5u);
    index_t nearer = 0;
    double farthest = 0;
    for (const double v : window.eigenvalues) farthest = std::max(farthest, std::abs(v - middle));
    for (const double v : all) nearer += std::abs(v - middle) <= farthest + 1e-10;
    EXPECT_EQ(nearer, 5);
  }
  EXPECT_ERROR(eigh_window(world(), on_full_space(h), 1.5, 2), InvalidArgument,
               "position must be in [0, 1]");
  EXPECT_ERROR(eigh_interval(world(), on_full_space(h), 1, 0), InvalidArgument, "ascending");
}

TEST(EighInterval, factors_of_another_package_serve_as_well) {
  const OpSum h = disordered(8, 7, false);
  const auto all = spectrum(h);
  const auto result = eigh(world(), h,
                           {.k = 1,
                            .which = Which::TM,
                            .sigma = 0.05,
                            .petsc_options = "-st_pc_type lu -st_pc_factor_mat_solver_type "
                                             "superlu_dist"});
  EXPECT_TRUE(result.converged) << result.reason;
  double nearest = 1e9;
  for (const double v : all) nearest = std::min(nearest, std::abs(v - 0.05));
  EXPECT_NEAR(std::abs(result.eigenvalues.at(0) - 0.05), nearest, 1e-10);
}

TEST(EighInterval, lobpcg_finds_the_lowest_pairs) {
  const OpSum h = disordered(8, 6, true);
  const auto all = spectrum(h);
  const auto result = eigh(world(), h, {.k = 4, .method = Method::lobpcg});
  EXPECT_EQ(result.method, Method::lobpcg);
  EXPECT_TRUE(result.converged) << result.reason;
  for (index_t i = 0; i < 4; ++i)
    EXPECT_NEAR(result.eigenvalues[static_cast<std::size_t>(i)], all[i], 1e-10);
}

template <class T>
class Generalised : public ::testing::Test {};
using Scalars = ::testing::Types<double, Complex>;
TYPED_TEST_SUITE(Generalised, Scalars);

TYPED_TEST(Generalised, random_problems_agree_with_dense) {
  using T = TypeParam;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const index_t n = 40 + 7 * static_cast<index_t>(seed);
    const auto a = test::random_hermitian<T>(n, 0.3, seed);
    const auto m = test::random_matrix<T>(n, n, 0.1, seed + 50);
    const test::Dense<T> b = m * m.adjoint() + test::Dense<T>::Identity(n, n);
    const Eigen::VectorXd all =
        Eigen::GeneralizedSelfAdjointEigenSolver<test::Dense<T>>(a, b).eigenvalues();
    for (const Method method : {Method::dense, Method::slepc})
      for (const Which which : {Which::SA, Which::LA, Which::TM}) {
        SCOPED_TRACE(detail::concat("seed ", seed, " ", to_string(which), " ", to_string(method)));
        const EighResult result =
            eigh_generalised(world(), test::lazy<T>(a), test::lazy<T>(b),
                             {.k = 3,
                              .which = which,
                              .sigma = which == Which::TM ? std::optional(0.05) : std::nullopt,
                              .method = method});
        EXPECT_TRUE(result.converged) << result.reason;
        std::vector<double> expected(all.data(), all.data() + n);
        std::sort(expected.begin(), expected.end(), [&](double x, double y) {
          return which == Which::SA   ? x < y
                 : which == Which::LA ? x > y
                                      : std::abs(x - 0.05) < std::abs(y - 0.05);
        });
        expected.resize(3);
        std::sort(expected.begin(), expected.end());
        ASSERT_EQ(result.eigenvalues.size(), 3u);
        for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(result.eigenvalues[i], expected[i], 1e-9);
        test::Dense<T> x(n, 3);
        for (index_t j = 0; j < 3; ++j) {
          const auto whole =
              std::get<DistributedVectors<T>>(result.vectors).gather_to_all(world(), j);
          for (index_t i = 0; i < n; ++i) x(i, j) = whole[static_cast<std::size_t>(i)];
        }
        EXPECT_LT((x.adjoint() * b * x - test::Dense<T>::Identity(3, 3)).norm(), 1e-8);
      }
  }
  const auto unit = test::lazy<T>(test::Dense<T>(test::Dense<T>::Identity(9, 9)));
  const auto alone = eigh_generalised(world(), test::lazy<T>(test::random_hermitian<T>(9, 1, 2)),
                                      unit, {.k = 3, .vectors = Eigenvectors::skip});
  EXPECT_EQ(alone.eigenvalues.size(), 3u);
  EXPECT_EQ(alone.template vectors_as<T>().count(), 0);
  test::Dense<T> indefinite = test::Dense<T>::Identity(9, 9);
  indefinite(4, 4) = -1;
  const auto a = test::lazy<T>(test::random_hermitian<T>(9, 1, 1));
  EXPECT_ERROR(eigh_generalised(world(), a, test::lazy<T>(indefinite)), InvalidArgument,
               "not positive definite");
  EXPECT_ERROR(eigh_generalised(world(), a, a, {.method = Method::jd}), InvalidArgument,
               "methods dense and slepc");
  EXPECT_ERROR(eigh_generalised(world(), a, test::lazy<T>(test::random_hermitian<T>(8, 1, 1))),
               DimensionError, "one shape");
}

TYPED_TEST(Generalised, engines_solve_linear_systems_and_exponentiate) {
  using T = TypeParam;
  const index_t n = 60;
  const test::Dense<T> a =
      test::random_matrix<T>(n, n, 0.2, 9) + 3.0 * test::Dense<T>::Identity(n, n);
  const RowPartition partition(n, world().size());
  DistributedVectors<T> b(partition, world().rank(), 2);
  for (index_t j = 0; j < 2; ++j)
    fill_normal(b.column(j), partition.range(world().rank()), 7, static_cast<std::uint32_t>(j));
  auto& engine = load_engine<T>();

  const auto x = engine.solve(world(), test::lazy<T>(a), b, Factors::automatic);

  const AssembledMap<T> map(world(), test::lazy<T>(a), partition);
  for (index_t j = 0; j < 2; ++j) {
    std::vector<T> product(b.column(j).size());
    map.apply(x.column(j), product);
    double square = 0;
    for (std::size_t i = 0; i < product.size(); ++i)
      square += norm_squared(product[i] - b.column(j)[i]);
    EXPECT_LT(std::sqrt(world().all_reduce(square)), 1e-10);
  }
  const auto w = engine.expm_multiply(map, T(0.3), b.column(0), 1e-12, 10000).w;
  const auto whole = b.gather_to_all(world(), 0);
  const Eigen::Map<const test::Dense<T>> v(whole.data(), n, 1);
  const test::Dense<T> exact = (test::Dense<T>(0.3 * a)).exp() * v;
  double off = 0;
  for (std::size_t i = 0; i < w.size(); ++i)
    off = std::max(
        off,
        std::abs(w[i] - exact(partition.range(world().rank()).begin + static_cast<index_t>(i), 0)));
  EXPECT_LT(off, 1e-9 * exact.norm());
}

}  // namespace
}  // namespace kronsolve
