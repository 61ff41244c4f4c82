// The rule for when a pair has converged, by every method: units, constants, huge couplings, and
// what rounding leaves open.

#include <cmath>

#include <kronsolve/operators/assembled_map.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/sector_operator.hpp>
#include <kronsolve/solvers/eig.hpp>
#include <kronsolve/solvers/eigh.hpp>
#include <kronsolve/solvers/engine.hpp>
#include <kronsolve/solvers/tolerance.hpp>

#include "support/chains.hpp"
#include "support/mpi_test.hpp"
#include "support/random_matrix.hpp"

namespace kronsolve {
namespace {

using test::world;
using Complex = std::complex<double>;

constexpr Method end_methods[] = {Method::automatic, Method::dense, Method::lanczos, Method::lobpcg,
                                  Method::slepc,     Method::gd,    Method::jd};
constexpr Method inner_methods[] = {Method::automatic, Method::dense, Method::slepc,
                                    Method::filter};

bool can(Method method) {
  const bool engine = method == Method::slepc || method == Method::gd || method == Method::jd ||
                      method == Method::ciss;
  return !engine || engine_installed(ScalarKind::real);
}

/// A ring of 10 spins in the sector Sz = 0 (252 rows), times c, plus a constant.
SectorOperator ring(double c, double constant = 0) {
  OpSum h = c * test::heisenberg(10, true);
  if (constant != 0) h.add(constant, {});
  return {h,
          std::make_shared<const ChargeBasis>(h.spaces(), std::vector{Charge::sz(h.spaces(), 0)})};
}

void expect_scaled(const EighResult& result, const EighResult& expected, double c,
                   double accuracy) {
  EXPECT_TRUE(result.converged) << to_string(result.method) << " " << result.reason;
  ASSERT_EQ(result.eigenvalues.size(), expected.eigenvalues.size());
  for (std::size_t i = 0; i < expected.eigenvalues.size(); ++i)
    EXPECT_NEAR(result.eigenvalues[i] / c, expected.eigenvalues[i], accuracy)
        << to_string(result.method) << " in units of " << c;
}

TEST(ToleranceRule, all_methods_find_the_same_digits_in_every_unit) {
  const auto ends = eigh(world(), ring(1), {.k = 3, .method = Method::dense});
  const auto inside =
      eigh(world(), ring(1), {.k = 3, .which = Which::TM, .sigma = -1.7, .method = Method::dense});
  const auto all = eigh(world(), ring(1), {.interval = {{-2.5, -1.5}}, .method = Method::dense});
  for (const double c : {1e-30, 1e-12, 1e-6, 1e6, 1e30}) {
    const SectorOperator h = ring(c);
    for (const Method method : end_methods)
      if (can(method)) expect_scaled(eigh(world(), h, {.k = 3, .method = method}), ends, c, 1e-9);
    for (const Method method : inner_methods)
      if (can(method))
        expect_scaled(
            eigh(world(), h, {.k = 3, .which = Which::TM, .sigma = -1.7 * c, .method = method}),
            inside, c, 1e-9);
    for (const Method method : {Method::dense, Method::slepc, Method::filter, Method::ciss})
      if (can(method)) {
        const auto found = eigh(world(), h, {.interval = {{-2.5 * c, -1.5 * c}}, .method = method});
        expect_scaled(found, all, c, 1e-9);
        EXPECT_TRUE(found.certified.value_or(false)) << found.certificate;
      }
  }
}

TEST(ToleranceRule, values_alone_and_certificates_know_the_unit) {
  const auto expected = eigh(world(), ring(1), {.method = Method::dense});
  for (const double c : {1e-12, 1.0, 1e12}) {
    expect_scaled(
        eigh(world(), ring(c), {.method = Method::lanczos, .vectors = Eigenvectors::skip}),
        expected, c, 1e-9);
    const auto many = eigh(world(), ring(c), {.k = 6, .method = Method::lanczos});
    EXPECT_TRUE(many.converged && many.certified.value_or(false)) << many.certificate;
    EXPECT_NEAR(many.eigenvalues.front() / c, expected.eigenvalues.front(), 1e-9);
  }
}

TEST(ToleranceRule, a_constant_loosens_nothing_and_is_named_where_rounding_is_the_limit) {
  const auto expected = eigh(world(), ring(1), {.k = 2, .method = Method::dense});
  for (const Method method : end_methods) {
    if (!can(method)) continue;
    const auto shifted = eigh(world(), ring(1, 1e4), {.k = 2, .method = method});
    EXPECT_TRUE(shifted.converged) << to_string(method) << " " << shifted.reason;
    for (std::size_t i = 0; i < shifted.eigenvalues.size(); ++i)
      EXPECT_NEAR(shifted.eigenvalues[i] - 1e4, expected.eigenvalues[i], 2e-9);
  }
  for (const Method method : {Method::dense, Method::lanczos}) {
    const auto far = eigh(world(), ring(1, 1e10), {.k = 2, .method = method});
    EXPECT_FALSE(far.converged) << to_string(method);
    EXPECT_FALSE(far.certified.value_or(false));
    EXPECT_NE(far.reason.find("limited by rounding of |H| = 1e+10"), std::string::npos)
        << far.reason;
    for (std::size_t i = 0; i < far.eigenvalues.size(); ++i)
      EXPECT_NEAR(far.eigenvalues[i] - 1e10, expected.eigenvalues[i], 1e-4);
  }
}

/// A block of couplings of size 1, and one of size c that touches it by 1.
template <Scalar T>
test::Dense<T> with_huge_block(index_t n, double c, std::uint64_t seed) {
  test::Dense<T> a = test::random_hermitian<T>(n, 0.3, seed);
  for (index_t i = n / 2; i < n; ++i) {
    a.row(i).tail(n / 2) *= c;
    a(i, i) += T(8 * c * double(n));
  }
  return (a + a.adjoint()) / T(2);
}

TEST(ToleranceRule, a_huge_coupling_does_not_loosen_levels_that_do_not_feel_it) {
  constexpr index_t n = 40;
  for (const double c : {1e3, 1e5}) {
    const auto a = with_huge_block<double>(n, c, 7);
    const Eigen::SelfAdjointEigenSolver<test::Dense<double>> oracle(a);
    for (const Method method : end_methods) {
      if (!can(method) || method == Method::gd || method == Method::jd) continue;
      const auto r = eigh(world(), test::lazy<double>(a), {.k = 3, .method = method});
      for (std::size_t i = 0; r.converged && i < r.eigenvalues.size(); ++i) {
        EXPECT_LE(r.residuals[i], 1e-8) << to_string(method);
        EXPECT_NEAR(r.eigenvalues[i], oracle.eigenvalues()[static_cast<index_t>(i)], 1e-8);
      }
      EXPECT_TRUE(r.converged || r.reason.find("rounding") != std::string::npos ||
                  method != Method::dense)
          << to_string(method) << " " << r.reason;
    }
  }
}

test::Dense<double> levels_below_rounding() {
  test::Dense<double> a = test::Dense<double>::Zero(5, 5);
  a(0, 0) = a(1, 1) = 2e17;
  a(0, 1) = a(1, 0) = 1e17;
  a(0, 2) = a(2, 0) = 1;
  a(2, 3) = a(3, 2) = 1;
  a(4, 4) = 0.5;
  return a;
}

TEST(ToleranceRule, a_small_residual_is_no_proof_that_a_level_is_the_lowest) {
  const auto a = test::lazy<double>(levels_below_rounding());
  for (const Method method : end_methods)
    for (const index_t k : {1, 2}) {
      if (!can(method)) continue;
      const auto r = eigh(world(), a, {.k = k, .method = method});
      const bool right = std::abs(r.eigenvalues.at(0) + 1) < 1e-9;
      EXPECT_TRUE(right || !r.converged) << to_string(method) << " " << r.reason;
      EXPECT_FALSE(!right && r.certified.value_or(false)) << r.certificate;
      if (!right && method == Method::dense) {
        EXPECT_NE(r.reason.find("limited by rounding of |H| = 3e+17"), std::string::npos)
            << r.reason;
      }
    }
}

/// A level of 0.1 in a spectrum of width 2 is known to rounding of 2, which is no distance from its rows.
TEST(ToleranceRule, rounding_of_the_norm_is_no_distance_from_a_small_level) {
  OpSum h(
      {LocalSpace::electron(), LocalSpace::spin(1), LocalSpace::spin(1), LocalSpace::electron()});
  const double field = 0.10325286979230719;
  h.add(1, {{"S+", 1}, {"Ndn", 0}}).add(1, {{"Ndn", 0}, {"S-", 1}});
  h.add(-field, {{"X", 2}, {"S+", 2}}).add(-field, {{"S-", 2}, {"X", 2}});
  h.add(1, {{"Y", 2}, {"Sx", 0}, {"S+", 0}}).add(1, {{"S-", 0}, {"Sx", 0}, {"Y", 2}});
  h.add(1, {{"Cdn-", 0}, {"P2", 0}}).add(1, {{"P2", 0}, {"Cdn+", 0}});
  for (const double unit : {1.0, 1e-12}) {
    const auto r = eigh(world(), unit * h, {.k = EighOptions::all});
    EXPECT_TRUE(r.converged) << r.reason;
  }
}

TEST(ToleranceRule, a_spectrum_of_one_point_is_an_answer) {
  for (const double c : {0.0, 5.0, -1e-20})
    for (const index_t n : {1, 3, 40})
      for (const Method method : {Method::automatic, Method::dense, Method::lanczos}) {
        const test::Dense<double> a = c * test::Dense<double>::Identity(n, n);
        const auto r = eigh(world(), test::lazy<double>(a), {.method = method});
        EXPECT_TRUE(r.converged) << to_string(method) << " " << c << " " << n << " " << r.reason;
        EXPECT_NEAR(r.eigenvalues.at(0), c, 1e-15 * std::abs(c));
      }
}

using Scalars = testing::Types<double, Complex>;
template <class T>
class ToleranceTest : public testing::Test {};
TYPED_TEST_SUITE(ToleranceTest, Scalars);

/// Scale of the lowest level of a matrix.
template <Scalar T>
double scale_of(const test::Dense<T>& a) {
  const AssembledMap<T> map(world(), test::lazy<T>(a), RowPartition(a.rows(), world().size()));
  const Eigen::SelfAdjointEigenSolver<test::Dense<T>> oracle(a);
  std::vector<T> x;
  for (index_t i = map.row_range().begin; i < map.row_range().end; ++i)
    x.push_back(oracle.eigenvectors()(i, 0));
  return Tolerance<T>(map, 1e-10).template scale<T>(oracle.eigenvalues()[0], std::span<const T>(x));
}

/// Property: over random operators the scale follows the unit, ignores constants, and lies between
/// a part of the width and the width.
TYPED_TEST(ToleranceTest, scales_follow_units_and_ignore_constants) {
  using T = TypeParam;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const auto n = static_cast<index_t>(2 + 3 * seed);
    const auto a = test::random_hermitian<T>(n, 0.2 + 0.02 * double(seed), seed);
    if (a.norm() == 0) continue;
    const double scale = scale_of<T>(a);
    for (const double c : {0x1p-80, 0x1p60})
      EXPECT_NEAR(scale_of<T>(test::Dense<T>(T(c) * a)) / c, scale, 1e-12 * scale) << seed;
    EXPECT_NEAR(scale_of<T>(test::Dense<T>(T(1e-9) * a)) / 1e-9, scale, 0.55 * scale) << seed;
    const test::Dense<T> shifted = a + T(1000) * test::Dense<T>::Identity(n, n);
    EXPECT_LE(scale_of<T>(shifted), 2.1 * scale) << seed;
    EXPECT_GE(scale_of<T>(shifted), scale / 2.1) << seed;
    EXPECT_LE(scale, 4 * a.norm()) << seed;
  }
}

/// Property: a coupling 10^k times the others leaves the scale of what it does not touch.
TYPED_TEST(ToleranceTest, the_scale_of_a_level_ignores_what_it_does_not_feel) {
  using T = TypeParam;
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    double before = 0;
    for (const double c : {1e2, 1e6, 1e10}) {
      const auto a = with_huge_block<T>(40, c, seed);
      const double scale = scale_of<T>(a);
      if (before > 0) {
        EXPECT_NEAR(scale, before, 0.6 * before) << seed << " " << c;
      }
      before = scale;
    }
  }
}

}  // namespace
}  // namespace kronsolve
