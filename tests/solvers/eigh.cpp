#include <cmath>
#include <numbers>

#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/eigh.hpp>
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

/// What the exact values promise.
constexpr double exact = 1e-10;

/// Residuals, orthogonality and phases of a result, with the matrix as oracle; every rank has the
/// whole vectors.
template <Scalar T>
void expect_pairs_of(const test::Dense<T>& a, const EighResult& result) {
  const auto& vectors = result.vectors_as<T>();
  const index_t n = a.rows(), k = vectors.count();
  ASSERT_EQ(k, static_cast<index_t>(result.eigenvalues.size()));
  test::Dense<T> x(n, k);
  for (index_t j = 0; j < k; ++j) {
    const auto whole = vectors.gather_to_all(world(), j);
    for (index_t i = 0; i < n; ++i) x(i, j) = whole[static_cast<std::size_t>(i)];
    index_t largest = 0;
    while (std::abs(x(largest, j)) < (1 - 1e-7) * x.col(j).cwiseAbs().maxCoeff()) ++largest;
    EXPECT_GT(real_part(x(largest, j)), 0);
    EXPECT_LT(std::abs(x(largest, j) - T(std::abs(x(largest, j)))), 1e-12);
    const double residual =
        (a * x.col(j) - result.eigenvalues[static_cast<std::size_t>(j)] * x.col(j)).norm();
    EXPECT_NEAR(residual, result.residuals[static_cast<std::size_t>(j)], 1e-11 * (1 + a.norm()));
  }
  EXPECT_LT((x.adjoint() * x - test::Dense<T>::Identity(k, k)).norm(), 1e-8);
}

template <Scalar T>
test::Dense<T> dense_of(const OpSum& h) {
  const test::DenseMatrix complex = test::dense(h);
  if constexpr (is_complex<T>)
    return complex;
  else
    return complex.real();
}

std::vector<double> wanted_values(const Eigen::VectorXd& all, Which which, double sigma,
                                  index_t k) {
  std::vector<double> values(all.data(), all.data() + all.size());
  const auto key = [&](double v) {
    switch (which) {
      case Which::SA:
        return v;
      case Which::LA:
        return -v;
      case Which::LM:
        return -std::abs(v);
      case Which::SM:
        return std::abs(v);
      default:
        return std::abs(v - sigma);
    }
  };
  std::sort(values.begin(), values.end(), [&](double a, double b) { return key(a) < key(b); });
  values.resize(static_cast<std::size_t>(k));
  std::sort(values.begin(), values.end());
  return values;
}

TEST(Eigh, energies_of_heisenberg_chains_are_exact) {
  const std::vector<std::pair<double, double>> energies = {
      {-2, -1.6160254037844386},
      {-2.8027756377319946, -2.4935771338879261},
      {-3.6510934089371753, -3.3749325986878902},
      {-4.5154463544920429, -4.2580352072828812},
      {-5.3873909174452059, -5.1420906328405305},
      {-6.2635495335470370, -6.0267246618621705}};
  for (std::size_t i = 0; i < energies.size(); ++i) {
    const int n = 4 + 2 * static_cast<int>(i);
    for (const bool cyclic : {true, false})
      for (const Method method : {Method::automatic, Method::slepc, Method::lanczos}) {
        const auto result = eigh(world(), heisenberg(n, cyclic), {.method = method});

        EXPECT_NEAR(result.eigenvalues[0], cyclic ? energies[i].first : energies[i].second, exact)
            << n << (cyclic ? " cyclic " : " open ") << to_string(result.method);
        EXPECT_TRUE(result.converged) << result.reason << " " << result.residuals[0];
        EXPECT_EQ(result.scalar, ScalarKind::real);
        EXPECT_EQ(result.dimension, index_t{1} << n);
      }
  }
}

TEST(Eigh, ising_xx_and_spin_one_chains_are_exact) {
  for (const int n : {4, 6, 8, 10}) {
    OpSum ising(n), xx(n);
    for (int i = 0; i < n; ++i) {
      const int j = (i + 1) % n;
      ising.add(-4, {{"Sz", i}, {"Sz", j}}).add(-2, {{"Sx", i}});
      xx.add(1, {{"Sx", i}, {"Sx", j}}).add(1, {{"Sy", i}, {"Sy", j}});
    }
    for (const Method method : {Method::dense, Method::slepc}) {
      EXPECT_NEAR(eigh(world(), ising, {.method = method}).eigenvalues[0],
                  -2 / std::sin(std::numbers::pi / (2 * n)), exact);
      EXPECT_NEAR(eigh(world(), xx, {.method = method}).eigenvalues[0],
                  -1 / std::sin(std::numbers::pi / n), exact);
    }
  }
  EXPECT_NEAR(eigh(world(), heisenberg(6, true, 2), {.method = Method::slepc}).eigenvalues[0],
              -8.617423181814, 1e-10);
  EXPECT_NEAR(eigh(world(), heisenberg(6, false, 2)).eigenvalues[0], -7.370274969425, 1e-10);
}

TEST(Eigh, real_and_complex_problems_follow_each_other_in_one_process) {
  OpSum field = heisenberg(8, true);
  for (int i = 0; i < 8; ++i) field.add(0.3, {{"Sy", i}});
  const EighOptions slepc{.method = Method::slepc};

  const auto real = eigh(world(), heisenberg(8, true), slepc);
  const auto complex = eigh(world(), field, slepc);
  const auto again = eigh(world(), heisenberg(8, true), slepc);

  EXPECT_EQ(real.scalar, ScalarKind::real);
  EXPECT_EQ(complex.scalar, ScalarKind::complex);
  EXPECT_NEAR(complex.eigenvalues[0],
              test::dense(field).selfadjointView<Eigen::Lower>().eigenvalues()[0], exact);
  EXPECT_NEAR(real.eigenvalues[0], again.eigenvalues[0], 1e-12);
  EXPECT_ERROR((void)complex.vectors_as<double>(), InvalidArgument, "complex");
}

template <class T>
class EighTest : public ::testing::Test {};
using Scalars = ::testing::Types<double, Complex>;
TYPED_TEST_SUITE(EighTest, Scalars);

TYPED_TEST(EighTest, random_matrices_agree_with_dense_for_every_which) {
  using T = TypeParam;
  const auto world_size = static_cast<std::uint64_t>(world().size());
  // Ranks beyond the cores are slow, not different.
  const std::uint64_t seeds = world_size <= 2 ? 16 : 5;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    const CounterRandom random(seed, 3);
    const auto n = 1 + static_cast<index_t>(random.uniform(0) * (seed % 3 == 0 ? 8 : 120));
    const auto k = std::min(n, 1 + static_cast<index_t>(random.uniform(1) * 6));
    const double sigma = 2 * random.uniform(2) - 1;
    const auto a = test::random_hermitian<T>(n, 0.15, seed);
    const Eigen::VectorXd all = Eigen::SelfAdjointEigenSolver<test::Dense<T>>(a).eigenvalues();
    for (const Which which : {Which::SA, Which::LA, Which::LM, Which::SM, Which::TM, Which::TR})
      for (const Method method : {Method::dense, Method::slepc}) {
        SCOPED_TRACE(detail::concat("seed ", seed, " n ", n, " k ", k, " ", to_string(which), " ",
                                    to_string(method), " ranks ", world_size));
        const bool targeted = which == Which::TM || which == Which::TR;

        const auto result = eigh(world(), test::lazy<T>(a),
                                 {.k = k,
                                  .which = which,
                                  .sigma = targeted ? std::optional(sigma) : std::nullopt,
                                  .seed = seed,
                                  .method = method});

        EXPECT_TRUE(result.converged) << result.reason;
        const auto expected = wanted_values(all, which, sigma, k);
        ASSERT_EQ(result.eigenvalues.size(), expected.size());
        for (std::size_t i = 0; i < expected.size(); ++i)
          EXPECT_NEAR(result.eigenvalues[i], expected[i], 1e-9);
        expect_pairs_of<T>(a, result);
      }
  }
}

TYPED_TEST(EighTest, whole_spectra_and_values_alone) {
  using T = TypeParam;
  for (const index_t n : {1, 2, 5, world().size() <= 2 ? 350 : 60}) {
    const auto a = test::random_hermitian<T>(n, 0.5, 77);
    const Eigen::VectorXd all = Eigen::SelfAdjointEigenSolver<test::Dense<T>>(a).eigenvalues();

    const auto result = eigh(world(), test::lazy<T>(a), {.k = EighOptions::all});
    const auto values =
        eigh(world(), test::lazy<T>(a), {.k = EighOptions::all, .vectors = Eigenvectors::skip});

    expect_pairs_of<T>(a, result);
    EXPECT_EQ(values.residual_kind, ResidualKind::bound);
    for (index_t i = 0; i < n; ++i) {
      EXPECT_NEAR(result.eigenvalues[static_cast<std::size_t>(i)], all[i], 1e-11);
      EXPECT_NEAR(values.eigenvalues[static_cast<std::size_t>(i)], all[i], 1e-11);
    }
  }
}

TYPED_TEST(EighTest, values_alone_come_without_vectors_whatever_the_method) {
  using T = TypeParam;
  const auto a = test::random_hermitian<T>(90, 0.3, 6);
  const Eigen::VectorXd all = Eigen::SelfAdjointEigenSolver<test::Dense<T>>(a).eigenvalues();
  for (const Method method : {Method::dense, Method::slepc, Method::lanczos, Method::lobpcg,
                              Method::jd, Method::gd, Method::filter}) {
    SCOPED_TRACE(to_string(method));
    EighOptions options{.k = 3, .method = method, .vectors = Eigenvectors::skip};
    if (method == Method::filter) {
      options.which = Which::TM;
      options.sigma = all[1] + 1e-3;
    }
    const auto result = eigh(world(), test::lazy<T>(a), options);

    EXPECT_TRUE(result.converged) << result.reason;
    EXPECT_EQ(result.template vectors_as<T>().count(), 0);
    ASSERT_EQ(result.eigenvalues.size(), 3u);
    const auto expected = wanted_values(all, options.which, options.sigma.value_or(0), 3);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(result.eigenvalues[i], expected[i], 1e-9);
  }
}

/// Multiplets whole, and their vectors orthogonal: neither follows from small residuals.
TEST(Eigh, degenerate_levels_have_all_their_copies_and_orthonormal_vectors) {
  const OpSum h = heisenberg(8, true);
  OpSum turned = h;  // complex, of the same kind: the total spin along y splits the multiplets
  for (int i = 0; i < 8; ++i) turned.add(0.5, {{"Sy", i}});
  const auto check = [&]<Scalar T>(const OpSum& op) {
    const test::Dense<T> a = dense_of<T>(op);
    const Eigen::VectorXd all = Eigen::SelfAdjointEigenSolver<test::Dense<T>>(a).eigenvalues();
    for (const Method method : {Method::dense, Method::slepc, Method::lanczos, Method::lobpcg}) {
      SCOPED_TRACE(to_string(method));
      const auto result = eigh(world(), test::lazy<T>(a), {.k = 8, .method = method});
      EXPECT_TRUE(result.converged) << result.reason;
      for (std::size_t i = 0; i < 8; ++i)
        EXPECT_NEAR(result.eigenvalues.at(i), all[static_cast<index_t>(i)], 1e-10);
      expect_pairs_of<T>(a, result);
    }
  };
  check.template operator()<double>(h);
  check.template operator()<Complex>(turned);
}

/// Copies that a symmetry implies cost a product each, not a recurrence.
TEST(Eigh, symmetries_give_the_copies_of_levels) {
  const auto check = [&]<Scalar T>(const OpSum& op, Which which, bool given) {
    const test::Dense<T> a = dense_of<T>(op);
    const Eigen::VectorXd all = Eigen::SelfAdjointEigenSolver<test::Dense<T>>(a).eigenvalues();
    const auto result =
        eigh(world(), on_full_space(op), {.k = 8, .which = which, .method = Method::lanczos});
    ASSERT_TRUE(result.converged) << result.reason;
    EXPECT_TRUE(result.certified.value_or(false)) << result.certificate;
    for (index_t i = 0; i < 8; ++i)
      EXPECT_NEAR(result.eigenvalues.at(static_cast<std::size_t>(i)),
                  all[which == Which::SA ? i : all.size() - 8 + i], 1e-10);
    expect_pairs_of<T>(a, result);
    EXPECT_EQ(result.reason.find("symmetries gave") != std::string::npos, given) << result.reason;
    EXPECT_EQ(result.certificate.find("put in"), std::string::npos) << result.certificate;
  };
  // In a field, which leaves copies of momenta alone.
  const auto in_field = [](OpSum h, const char* op, double strength) {
    for (int i = 0; i < h.sites(); ++i) h.add(strength, {{op, i}});
    return h;
  };
  const OpSum ring = in_field(heisenberg(8, true), "Sz", 0.37);
  check.operator()<double>(ring, Which::SA, true);
  if (world().size() > 2) return;  // more of the same
  check.operator()<double>(ring, Which::LA, true);
  check.operator()<double>(in_field(heisenberg(8, false), "Sz", 0.37), Which::SA, false);
  // Two-dimensional representations of the torus, which a complex operator has too.
  OpSum torus(9);
  const auto square = Lattice::square(3, 3, Cyclic::all);
  for (const Bond& bond : square.bonds())
    torus.add(1, {{"X", bond.a}, {"X", bond.b}}).add(0.6, {{"Z", bond.a}, {"Z", bond.b}});
  check.operator()<double>(in_field(torus, "Z", 0.29), Which::SA, true);
  check.operator()<Complex>(in_field(torus, "Y", 0.29), Which::SA, true);
  // Fermions: the images have signs.
  OpSum electrons(4, LocalSpace::electron());
  for (int i = 0; i < 4; ++i) {
    const int j = (i + 1) % 4;
    for (const auto& [create, destroy] : {std::pair("Cup+", "Cup-"), std::pair("Cdn+", "Cdn-")})
      electrons.add(-1, {{create, i}, {destroy, j}}).add(-1, {{create, j}, {destroy, i}});
    electrons.add(3, {{"Nup", i}, {"Ndn", i}}).add(-0.7, {{"Nup", i}}).add(-0.4, {{"Ndn", i}});
  }
  check.operator()<double>(electrons, Which::SA, true);
}

TYPED_TEST(EighTest, rows_that_ranks_hold_are_solved_as_they_are) {
  using T = TypeParam;
  const auto a = test::random_hermitian<T>(61, 0.2, 5);
  // The last rank holds most rows, the one before none.
  std::vector<index_t> offsets = {0};
  for (int r = 1; r < world().size(); ++r)
    offsets.push_back(r == world().size() - 1 ? offsets.back() : 7 * r);
  offsets.push_back(61);
  const RowPartition partition(offsets);
  const auto owned = test::lazy<T>(a).build(partition.range(world().rank()));

  for (const Method method : {Method::dense, Method::slepc, Method::lanczos}) {
    const EighResult result = eigh(world(), owned, {.k = 2, .method = method});
    EXPECT_EQ(result.vectors_as<T>().partition(), partition);
    expect_pairs_of<T>(a, result);
    const Eigen::VectorXd all = Eigen::SelfAdjointEigenSolver<test::Dense<T>>(a).eigenvalues();
    EXPECT_NEAR(result.eigenvalues[1], all[1], 1e-9);
  }
}

TEST(Eigh, start_vectors_seeds_and_limits_are_honoured) {
  const auto h = heisenberg(10, true);
  const auto oracle = eigh(world(), h, {.method = Method::dense});
  const auto& ground = oracle.vectors_as<double>();
  const RowRange owned = ground.row_range();
  // A Krylov solver that starts from the solution stops at once.
  const auto vectors = eigh(world(), h, {.method = Method::slepc});
  const auto column = vectors.vectors_as<double>().column(0);
  const auto good =
      eigh(world(), h,
           {.start = std::vector<double>(column.begin(), column.end()), .method = Method::slepc});
  EXPECT_LT(good.products, vectors.products);
  EXPECT_EQ(vectors.vectors_as<double>().row_range().size(), owned.size());

  const auto little = eigh(world(), h, {.k = 3, .max_iterations = 1, .method = Method::slepc});
  EXPECT_FALSE(little.converged);
  EXPECT_NE(little.reason.find("iteration limit"), std::string::npos) << little.reason;
  EXPECT_ERROR(little.require_converged(), NotConverged, "of");
  EXPECT_EQ(&oracle.require_converged(), &oracle);

  const auto one = eigh(world(), h, {.seed = 1, .method = Method::slepc}),
             two = eigh(world(), h, {.seed = 1, .method = Method::slepc});
  EXPECT_NEAR(one.eigenvalues[0], two.eigenvalues[0], 1e-12);
  EXPECT_EQ(one.products, two.products);
  const auto wide = eigh(world(), h, {.k = 2, .ncv = 60, .method = Method::slepc});
  EXPECT_LT(wide.iterations,
            eigh(world(), h, {.k = 2, .ncv = 6, .method = Method::slepc}).iterations);
}

TEST(Eigh, the_best_pairs_so_far_are_handed_out_at_the_iteration_limit) {
  const auto h = heisenberg(8, true);
  const auto levels = eigh(world(), h, {.k = 256, .method = Method::dense}).eigenvalues;
  const auto expect_near_levels = [&](const EighResult& r, const char* what) {
    EXPECT_FALSE(r.converged) << what;
    EXPECT_NE(r.reason.find("iteration limit"), std::string::npos) << r.reason;
    EXPECT_EQ(r.reason.find("singular"), std::string::npos) << r.reason;
    ASSERT_EQ(r.residuals.size(), r.eigenvalues.size());
    for (std::size_t i = 0; i < r.residuals.size(); ++i) {
      double distance = 1e300;
      for (const double level : levels)
        distance = std::min(distance, std::abs(level - r.eigenvalues[i]));
      EXPECT_LE(distance, r.residuals[i] + 1e-12) << what;
      EXPECT_LT(r.residuals[i], 2) << what;
    }
  };
  const auto lowest = eigh(world(), h, {.k = 3, .max_iterations = 1, .method = Method::slepc});
  EXPECT_EQ(lowest.eigenvalues.size(), 3u);
  expect_near_levels(lowest, "lowest");
  const auto target = eigh(world(), h,
                           {.k = 4,
                            .which = Which::TM,
                            .sigma = -3.4,
                            .max_iterations = 1,
                            .ncv = 6,
                            .method = Method::slepc});
  EXPECT_EQ(target.eigenvalues.size(), 4u);
  expect_near_levels(target, "target");
  for (const Method method : {Method::jd, Method::gd}) {
    const auto davidson = eigh(world(), h, {.k = 2, .max_iterations = 4, .method = method});
    EXPECT_GE(davidson.eigenvalues.size(), 1u);
    expect_near_levels(davidson, "Davidson");
  }
}

TEST(Eigh, progress_is_reported_and_may_stop_the_solve) {
  const auto h = heisenberg(12, true);
  int calls = 0;
  double last = 0;
  const auto result =
      eigh(world(), h, {.k = 3, .method = Method::slepc, .progress = [&](const Progress& p) {
                          ++calls;
                          last = p.best_value;
                          EXPECT_EQ(p.wanted, 3);
                          EXPECT_GE(p.worst_residual, 0);
                        }});
  if (world().is_root()) {
    EXPECT_GT(calls, 0);
    EXPECT_NEAR(last, result.eigenvalues[0], 1e-6);
  } else {
    EXPECT_EQ(calls, 0);
  }
  const auto stop = [](const Progress&) { throw NotConverged("stopped by the user"); };
  EXPECT_ERROR(eigh(world(), h, {.k = 3, .method = Method::slepc, .progress = stop}), NotConverged,
               "by the user");
  EXPECT_NEAR(eigh(world(), h, {.method = Method::slepc}).eigenvalues[0], -5.3873909174452059,
              exact);
}

/// Copies at both ends: a Krylov method sees one of each.
TEST(Eigh, copies_of_the_largest_in_magnitude_are_not_missed) {
  if (!engine_installed(ScalarKind::real)) GTEST_SKIP() << "no real engine";
  const index_t n = 60;
  const Lazy<double> levels(n, n, [n](RowRange range) {
    return test::rows_from<double>(range, n, [](index_t i, const auto& add) {
      add(i, i < 3 ? -5 : i < 5 ? 5 : i == 5 ? -4.5 : i < 8 ? 4 : 0.05 * double(i));
    });
  });
  struct Case {
    index_t k;
    std::vector<double> values;
  };
  for (const Method method : {Method::slepc, Method::gd}) {
    if (method == Method::gd && world().size() > 1) continue;  // hundreds of tiny products
    for (const Case& c :
         {Case{1, {-5}}, Case{5, {-5, -5, -5, 5, 5}}, Case{6, {-5, -5, -5, -4.5, 5, 5}},
          Case{8, {-5, -5, -5, -4.5, 4, 4, 5, 5}}}) {
      const auto r = eigh(world(), levels, {.k = c.k, .which = Which::LM, .method = method});
      ASSERT_EQ(r.eigenvalues.size(), c.values.size()) << to_string(method) << ": " << r.reason;
      EXPECT_TRUE(r.converged && r.certified.value_or(c.k == 1)) << r.certificate;
      for (std::size_t i = 0; i < c.values.size(); ++i)
        EXPECT_NEAR(c.k == 1 ? -std::abs(r.eigenvalues[i]) : r.eigenvalues[i], c.values[i], 1e-9)
            << to_string(method) << " k " << c.k;
    }
  }
  // All the rest is one level, so that the ends meet in it.
  OpSum h(4, LocalSpace::fermion());
  h.add(2, {{"N", 2}});
  const auto r = eigh(world(), h, {.k = 10, .which = Which::LM, .method = Method::slepc});
  for (std::size_t i = 0; i < 10; ++i) EXPECT_NEAR(r.eigenvalues[i], i < 2 ? 0 : 2, 1e-9);
  const auto& x = r.vectors_as<double>();
  for (index_t i = 0; i < 10; ++i)
    for (index_t j = 0; j < 10; ++j)
      EXPECT_NEAR(world().all_reduce(vec::local_dot<double>(x.column(i), x.column(j))),
                  i == j ? 1 : 0, 1e-9);
}

TEST(Eigh, the_method_goes_by_rows_pairs_and_scalar) {
  const auto method = [](const OpSum& h, int twice_sz, EighOptions options) {
    auto basis = std::make_shared<const ChargeBasis>(h.spaces(),
                                                     std::vector{Charge::sz(h.spaces(), twice_sz)});
    return plan_eigh(world(), SectorOperator{h, std::move(basis)}, options).method;
  };
  const OpSum real = heisenberg(13, false);  // 1716 states of Sz = 1/2, 715 of 5/2
  OpSum complex = real;
  complex.add(Complex(0, 0.1), {{"S+", 0}, {"S-", 5}})
      .add(Complex(0, -0.1), {{"S-", 0}, {"S+", 5}});

  EXPECT_EQ(method(real, 5, {.k = 2}), Method::dense);
  EXPECT_EQ(method(complex, 5, {.k = 2}), Method::lanczos);
  EXPECT_EQ(method(complex, 7, {.k = 2}), Method::dense);  // 286 states
  for (const auto& h : {real, complex}) {
    EXPECT_EQ(method(h, 1, {}), Method::lanczos);
    EXPECT_EQ(method(h, 1, {.k = 8}), Method::lanczos);
    EXPECT_EQ(method(h, 1, {.k = 400}), Method::dense);
    EXPECT_EQ(method(h, 1, {.k = 8, .method = Method::dense}), Method::dense);
    if (!engine_installed(h.scalar())) continue;
    EXPECT_EQ(method(h, 1, {.k = 9}), Method::slepc);
    EXPECT_EQ(method(h, 1, {.k = 4, .ncv = 30}), Method::slepc);
    EXPECT_EQ(method(h, 1, {.k = 2, .which = Which::LM}), Method::slepc);
  }
  if (engine_installed(ScalarKind::real)) {
    const auto h = heisenberg(18, false);  // 48620 states
    EXPECT_EQ(method(h, 0, {.k = 5}), Method::lanczos);
    EXPECT_EQ(method(h, 0, {.k = 5, .certify = false}), Method::slepc);
  }
}

/// The path graph: 4 sin^2(pi j / 2n) lie so close together that no Krylov method gets there soon.
TEST(Eigh, what_no_iteration_solves_is_left_to_lapack_while_it_can) {
  const index_t n = 2200;
  const Lazy<double> path(n, n, [n](RowRange range) {
    return test::rows_from<double>(range, n, [n](index_t i, const auto& add) {
      if (i > 0) add(i - 1, -1);
      add(i, (i > 0) + (i + 1 < n));
      if (i + 1 < n) add(i + 1, -1);
    });
  });
  const auto result = eigh(world(), path, {.k = 3});
  const auto limited = eigh(world(), path, {.k = 3, .max_iterations = 50});

  EXPECT_TRUE(result.converged) << result.reason;
  EXPECT_EQ(result.method, Method::dense);
  EXPECT_NE(result.reason.find("which had not converged"), std::string::npos) << result.reason;
  for (int j = 0; j < 3; ++j) {
    const double s = std::sin(std::numbers::pi * j / (2.0 * double(n)));
    EXPECT_NEAR(result.eigenvalues.at(static_cast<std::size_t>(j)), 4 * s * s, 1e-12);
  }
  EXPECT_FALSE(limited.converged);
  EXPECT_EQ(limited.method, Method::lanczos);
}

TEST(Eigh, more_ranks_than_rows) {
  OpSum h(1);
  h.add(1, {{"Sx", 0}});
  for (const Method method : {Method::automatic, Method::dense, Method::slepc, Method::lanczos})
    for (const index_t k : {1, 2}) {
      const auto result = eigh(world(), h, {.k = k, .method = method});
      EXPECT_NEAR(result.eigenvalues[0], -0.5, 1e-12);
      EXPECT_TRUE(result.converged);
    }
  const Lazy<double> one = test::lazy<double>(test::Dense<double>::Constant(1, 1, 3.5));
  for (const Method method : {Method::automatic, Method::dense, Method::slepc, Method::lanczos})
    EXPECT_NEAR(eigh(world(), one, {.method = method}).eigenvalues[0], 3.5, 1e-14);
}

TEST(Eigh, a_target_on_an_eigenvalue_is_moved_and_said_so) {
  // Diagonal: the shifted matrix is exactly singular.
  test::Dense<double> a = Eigen::VectorXd::LinSpaced(40, -20, 19).asDiagonal();
  a(3, 4) = a(4, 3) = 0.1;
  const auto result = eigh(world(), test::lazy<double>(a),
                           {.k = 3, .which = Which::TM, .sigma = 5.0, .method = Method::slepc});

  EXPECT_NEAR(result.eigenvalues[0], 4, 1e-10);
  EXPECT_NEAR(result.eigenvalues[1], 5, 1e-10);
  EXPECT_NEAR(result.eigenvalues[2], 6, 1e-10);
  EXPECT_NE(result.reason.find("moved"), std::string::npos) << result.reason;
}

TEST(Eigh, a_target_at_rounding_from_an_eigenvalue_is_moved_though_nothing_near_was_found) {
  // The inverse is 1e15 times larger in one direction than in the others: nothing converges.
  const std::vector<LocalSpace> spaces = {LocalSpace::plain(2), LocalSpace::fermion(),
                                          LocalSpace::fermion(), LocalSpace::spin(2)};
  OpSum op(spaces);
  const Complex c(0.76949027040684892, -0.54554803582438782);
  op.add(c, {{"P0", 0}, {"S-", 3}, {"Sy", 3}}).add(std::conj(c), {{"P0", 0}, {"Sy", 3}, {"S+", 3}});
  op.add(2, {{"Sz", 3}});
  const auto h = in_sector(world(), op, parse_sector(spaces, Lattice::chain(4), {"n=0"}));
  for (const std::uint64_t seed : {0, 155, 7}) {
    EighOptions options{.k = 2, .which = Which::TM, .sigma = -1.0910960716487765};
    options.method = Method::slepc;
    options.seed = seed;
    const auto result = eigh(world(), h, options);

    EXPECT_TRUE(result.converged) << result.reason;
    EXPECT_NEAR(result.eigenvalues[0], -2, 1e-9);
    EXPECT_NEAR(result.eigenvalues[1], -1.0910960716487765, 1e-9);
  }
}

TEST(Eigh, bad_arguments_are_refused_with_the_range) {
  const Comm& comm = world();
  const auto h = heisenberg(4, true);
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_ERROR(eigh(comm, h, {.k = 0}), InvalidArgument, "[1, 16]");
  EXPECT_ERROR(eigh(comm, h, {.k = 17}), InvalidArgument, "got 17; ask for k = all");
  EXPECT_ERROR(eigh(comm, h, {.tol = 0}), InvalidArgument, "tol must be in (0, 1)");
  EXPECT_ERROR(eigh(comm, h, {.tol = nan}), InvalidArgument, "tol must be in (0, 1)");
  EXPECT_ERROR(eigh(comm, h, {.which = Which::TM, .sigma = nan}), InvalidArgument,
               "sigma must be finite");
  EXPECT_ERROR(eigh(comm, h, {.which = Which::SA, .sigma = 1.0}), InvalidArgument,
               "must be TM or TR");
  EXPECT_ERROR(eigh(comm, h, {.which = Which::TM}), InvalidArgument, "give sigma");
  EXPECT_ERROR(eigh(comm, h, {.k = 3, .ncv = 3}), InvalidArgument, "ncv must be in [4, 16]");
  EXPECT_ERROR(eigh(comm, h, {.ncv = 17}), InvalidArgument, "got 17");
  EXPECT_ERROR(eigh(comm, h, {.max_iterations = -1}), InvalidArgument, "max_iterations");
  EXPECT_ERROR(eigh(comm, h, {.k = EighOptions::all, .method = Method::slepc}), InvalidArgument,
               "k = all");
  EXPECT_ERROR(
      eigh(comm, h,
           {.which = Which::SM, .method = Method::slepc, .form = OperatorForm::matrix_free}),
      InvalidArgument, "use assembled, or method filter");
  EXPECT_ERROR(eigh(comm, h, {.which = Which::LM, .method = Method::lanczos}), InvalidArgument,
               "SA or LA");
  EXPECT_ERROR(eigh(comm, h, {.method = Method::dense, .petsc_options = "-eps_view"}),
               InvalidArgument, "PETSc");
  EXPECT_ERROR(
      eigh(comm, h, {.which = Which::SM, .method = Method::filter, .petsc_options = "-eps_view"}),
      InvalidArgument, "PETSc are of no use to method filter");
  EXPECT_ERROR(eigh(comm, h, {.interval = std::pair(0.0, 1.0), .method = Method::lanczos}),
               InvalidArgument, "dense, slepc, filter and ciss");
}

TEST(Eigh, bad_start_vectors_are_refused_on_every_rank) {
  const Comm& comm = world();
  const auto h = heisenberg(4, true);
  const RowRange owned = RowPartition(16, comm.size()).range(comm.rank());
  std::vector<double> start(static_cast<std::size_t>(owned.size()), 1.0);
  if (comm.rank() == comm.size() - 1) start.back() = std::numeric_limits<double>::quiet_NaN();
  EXPECT_ERROR(eigh(comm, h, {.start = start, .method = Method::slepc}), InvalidArgument,
               "not finite at row 15");
  if (comm.rank() == 0) start.pop_back();
  EXPECT_ERROR(eigh(comm, h, {.start = start, .method = Method::slepc}), DimensionError,
               "start vector has");
  const std::vector<double> zero(static_cast<std::size_t>(owned.size()));
  EXPECT_ERROR(eigh(comm, h, {.start = zero, .method = Method::slepc}), InvalidArgument, "is zero");
  const std::vector<Complex> complex(static_cast<std::size_t>(owned.size()), 1.0);
  EXPECT_ERROR(eigh(comm, h, {.start = complex, .method = Method::slepc}), InvalidArgument,
               "complex");
}

TEST(Eigh, operators_that_are_not_hermitian_are_refused) {
  auto h = heisenberg(4, true);
  h.add(0.25, {{"S+", 2}});
  EXPECT_ERROR(eigh(world(), h), InvalidArgument, "0.25 S+_2");
  auto a = test::random_hermitian<double>(30, 0.3, 1);
  a(7, 9) += 1e-6;
  EXPECT_ERROR(eigh(world(), test::lazy<double>(a)), InvalidArgument, "not Hermitian");
  const RowPartition partition(30, world().size());
  const auto owned = test::lazy<double>(a).build(partition.range(world().rank()));
  EXPECT_ERROR(eigh(world(), owned), InvalidArgument, "not Hermitian");
  a(7, 9) = std::numeric_limits<double>::infinity();
  EXPECT_ERROR(eigh(world(), test::lazy<double>(a)), InvalidArgument, "");
  EXPECT_ERROR(eigh(world(), test::lazy<double>(test::Dense<double>::Ones(3, 4))), DimensionError,
               "3 x 4");
}

TEST(Eigh, what_cannot_fit_is_refused_with_numbers_before_anything_is_allocated) {
  EXPECT_ERROR(eigh(world(), heisenberg(40, true)), InvalidArgument, "available");
  const auto plan = plan_eigh(world(), on_full_space(heisenberg(40, true)));
  EXPECT_FALSE(plan.fits);
  EXPECT_GT(plan.memory_estimate_bytes, index_t{2} << 43);
  EXPECT_TRUE(plan_eigh(world(), on_full_space(heisenberg(10, true))).fits);
  EXPECT_ERROR(eigh(world(), heisenberg(20, true), {.k = EighOptions::all}), InvalidArgument,
               "available");
}

}  // namespace
}  // namespace kronsolve
