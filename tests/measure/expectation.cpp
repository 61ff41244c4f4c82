#include <cmath>

#include <kronsolve/core/threads.hpp>
#include <kronsolve/measure/expectation.hpp>

#include "support/measure_cases.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::dense_random;
using test::measure_cases;
using test::random_on;
using test::world;
using Complex = std::complex<double>;

// Sums of a few hundred products of order one.
constexpr double tolerance = 1e-12;

template <class T>
class Expectation : public ::testing::Test {};
using Scalars = ::testing::Types<double, Complex>;
TYPED_TEST_SUITE(Expectation, Scalars);

TYPED_TEST(Expectation, random_operators_agree_with_dense_matrices_in_every_basis) {
  using T = TypeParam;
  std::mt19937 random(20);
  for (const auto& c : measure_cases<T>())
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      SCOPED_TRACE(c.name + " seed " + std::to_string(seed));
      const OpSum op = test::random_operator(c.basis->spaces(), random);
      const auto owned = random_on<T>(world(), *c.basis, seed);
      const StateView<T> psi(world(), *c.basis, owned);
      const auto v = dense_random<T>(c, seed);

      const Complex expected = v.dot(test::apply(op, v));
      EXPECT_LT(std::abs(expectation(psi, op) - expected), tolerance);
      const int threads = num_threads();
      set_threads(3);
      EXPECT_LT(std::abs(expectation(psi, op) - expected), tolerance);
      set_threads(threads);
    }
}

TYPED_TEST(Expectation, transitions_between_sectors_agree_with_dense_matrices) {
  using T = TypeParam;
  std::mt19937 random(21);
  const auto cases = measure_cases<T>();
  for (const auto& bra_case : cases)
    for (const auto& ket_case : cases) {
      if (bra_case.basis->spaces() != ket_case.basis->spaces()) continue;
      SCOPED_TRACE(bra_case.name + " / " + ket_case.name);
      const OpSum op = test::random_operator(bra_case.basis->spaces(), random, 12);
      const auto bra = random_on<T>(world(), *bra_case.basis, 1);
      const auto ket = random_on<T>(world(), *ket_case.basis, 2);

      const Complex got = matrix_element(StateView<T>(world(), *bra_case.basis, bra), op,
                                         StateView<T>(world(), *ket_case.basis, ket));

      const Complex expected =
          dense_random<T>(bra_case, 1).dot(test::apply(op, dense_random<T>(ket_case, 2)));
      EXPECT_LT(std::abs(got - expected), tolerance);
    }
}

TYPED_TEST(Expectation,
           variance_agrees_with_dense_matrices_also_if_the_operator_leaves_the_sector) {
  using T = TypeParam;
  std::mt19937 random(22);
  for (const auto& c : measure_cases<T>()) {
    SCOPED_TRACE(c.name);
    const OpSum any = test::random_operator(c.basis->spaces(), random, 5);
    const OpSum op = any + any.adjoint();
    const auto owned = random_on<T>(world(), *c.basis, 3);
    const auto v = dense_random<T>(c, 3);
    const Eigen::VectorXcd product = test::apply(op, v);

    const double got = variance(StateView<T>(world(), *c.basis, owned), op);

    const double mean = v.dot(product).real(), square = product.squaredNorm();
    EXPECT_NEAR(got, square - mean * mean, tolerance * (1 + square));
  }
}

TYPED_TEST(Expectation, correlation_matrices_agree_with_dense_matrices) {
  using T = TypeParam;
  using Names = std::vector<std::pair<std::string, std::string>>;
  const std::vector<std::pair<std::string, Names>> wanted = {
      {"spin", {{"Sz", "Sz"}, {"S+", "S-"}, {"Sx", "Sx"}, {"Sy", "Sz"}}},
      {"fermions", {{"N", "N"}, {"C+", "C-"}}},
      {"electrons",
       {{"Cup+", "Cup-"}, {"Cdn+", "Cdn-"}, {"Sz", "Sz"}, {"Cup+", "Cdn+"}, {"S+", "S-"}}},
      {"mixed", {{"P0", "P1"}, {"I", "P1"}}}};
  for (const auto& c : measure_cases<T>())
    for (const auto& [kind, pairs] : wanted) {
      if (c.name.rfind(kind, 0) != 0) continue;
      for (const auto& [a, b] : pairs) {
        SCOPED_TRACE(c.name + " " + a + "," + b);
        const auto owned = random_on<T>(world(), *c.basis, 4);
        const auto v = dense_random<T>(c, 4);

        const auto got = correlation_matrix(StateView<T>(world(), *c.basis, owned), a, b);

        for (int i = 0; i < c.basis->sites(); ++i)
          for (int j = 0; j < c.basis->sites(); ++j) {
            OpSum op(c.basis->spaces());
            op.add(1, {{a, i}, {b, j}});
            const Complex expected = v.dot(test::apply(op, v));
            EXPECT_LT(std::abs(got[static_cast<std::size_t>(i * c.basis->sites() + j)] - expected),
                      tolerance)
                << i << " " << j;
          }
      }
    }
}

TYPED_TEST(Expectation, sum_of_spin_correlations_is_the_square_of_the_total_spin) {
  using T = TypeParam;
  const std::vector<LocalSpace> spins(8);
  const ChargeBasis basis(spins, {Charge::sz(spins, 2)});
  const auto owned = random_on<T>(world(), basis, 5);
  const StateView<T> psi(world(), basis, owned);

  Complex sz = 0, flips = 0;
  for (const Complex c : correlation_matrix(psi, "Sz", "Sz")) sz += c;
  OpSum raise(spins);
  for (int i = 0; i < 8; ++i) raise.add(1, {{"S+", i}});
  for (const Complex c : correlation_matrix(psi, "S+", "S-")) flips += c;

  EXPECT_LT(std::abs(sz - 1.0), tolerance);
  EXPECT_LT(std::abs(flips - expectation(psi, raise * raise.adjoint())), tolerance);
}

TYPED_TEST(Expectation, profile_amplitude_and_fidelity_are_what_they_say) {
  using T = TypeParam;
  for (const auto& c : measure_cases<T>()) {
    SCOPED_TRACE(c.name);
    const auto a = random_on<T>(world(), *c.basis, 6), b = random_on<T>(world(), *c.basis, 7);
    const StateView<T> psi(world(), *c.basis, a), phi(world(), *c.basis, b);
    const auto v = dense_random<T>(c, 6), w = dense_random<T>(c, 7);

    const auto profile = site_profile(psi, "P0");
    for (int site = 0; site < c.basis->sites(); ++site) {
      OpSum op(c.basis->spaces());
      op.add(1, {{"P0", site}});
      EXPECT_LT(std::abs(profile[static_cast<std::size_t>(site)] - v.dot(test::apply(op, v))),
                tolerance);
    }
    EXPECT_NEAR(fidelity(psi, phi), std::norm(v.dot(w)), tolerance);
    EXPECT_NEAR(fidelity(psi, psi), 1, tolerance);
    const state_t last = c.alone->state(c.alone->size() - 1);
    std::vector<int> digits;
    for (int site = 0; site < c.basis->sites(); ++site)
      digits.push_back(c.basis->code().digit(last, site));
    EXPECT_LT(std::abs(Complex(amplitude(psi, digits)) - v[static_cast<Eigen::Index>(last)]),
              1e-14);
  }
}

TEST(Expectation, named_states_are_themselves_in_sectors_of_symmetries) {
  const std::vector<LocalSpace> spaces(6);
  const auto in = [&](std::vector<std::string> conditions) {
    return make_basis(world(), parse_sector(spaces, Lattice::chain(6, Cyclic::all), conditions));
  };
  const auto flipped = in({"momentum=0", "spinflip=1"});
  const auto magnon = in({"sz=2", "momentum=0"});
  for (const auto& [name, basis] : {std::pair("ghz", flipped), std::pair("w", magnon)}) {
    SCOPED_TRACE(name);
    const auto description = parse_state(name, spaces);
    const auto owned = make_state<double>(world(), *basis, description);
    const auto expected = make_state<double>(test::alone(), FullBasis(spaces), description);

    for (index_t state = 0; state < 64; ++state) {
      std::vector<int> digits;
      for (int site = 0; site < 6; ++site)
        digits.push_back(basis->code().digit(static_cast<state_t>(state), site));
      EXPECT_NEAR(amplitude(StateView<double>(world(), *basis, owned), digits), expected[state],
                  1e-14)
          << state;
    }
  }
  EXPECT_ERROR((void)make_state<double>(world(), *magnon, neel_state(spaces)), InvalidArgument,
               "not in the sector");
}

TEST(Expectation, amplitude_outside_the_sector_is_zero) {
  const std::vector<LocalSpace> spins(4);
  const ChargeBasis basis(spins, {Charge::sz(spins, 0)});
  const auto owned = random_on<double>(world(), basis, 0);

  EXPECT_EQ(amplitude(StateView<double>(world(), basis, owned), std::vector<int>{0, 0, 0, 0}), 0);
}

TEST(Expectation, variance_of_an_eigenstate_is_not_lost_in_cancellation) {
  const std::vector<LocalSpace> spins(8);
  const FullBasis basis(spins);
  OpSum h(spins);  // the total spin of a state along x, far from zero by a constant
  for (int i = 0; i < 8; ++i) h.add(1, {{"Sx", i}});
  h.add(1e6, {});
  const auto owned = make_state<double>(world(), basis, plus_state(spins));

  // The rounding of 1e6 is 1e-10; <op^2> - <op>^2 would be wrong by 1e-4.
  EXPECT_LT(variance(StateView<double>(world(), basis, owned), h), 1e-17);
}

TEST(Expectation, bad_input_is_refused_by_name) {
  const std::vector<LocalSpace> spins(4), other(5);
  const FullBasis basis(spins);
  const auto owned = random_on<double>(world(), basis, 0);
  const StateView<double> psi(world(), basis, owned);
  const std::vector<double> wrong(static_cast<std::size_t>(owned.size()) +
                                  (world().is_root() ? 1 : 0));
  OpSum raise(spins);
  raise.add(1, {{"S+", 2}});

  EXPECT_ERROR((void)expectation(psi, OpSum(5)), DimensionError, "5 sites");
  EXPECT_ERROR((void)expectation(StateView<double>(world(), basis, std::span(wrong)), raise),
               DimensionError, "rank 0");
  EXPECT_ERROR((void)variance(psi, raise), InvalidArgument, "S+_2");
  EXPECT_ERROR((void)correlation_matrix(psi, "Sz", "Q"), InvalidArgument, "'Q'");
  EXPECT_ERROR((void)amplitude(psi, std::vector<int>{0, 1, 0, 2}), InvalidArgument, "site 3");
  EXPECT_ERROR((void)amplitude(psi, std::vector<int>{0, 1}), InvalidArgument, "2 digits");
}

}  // namespace
}  // namespace kronsolve
