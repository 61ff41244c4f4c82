#include <cmath>
#include <numbers>

#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/states.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::world;
using Complex = std::complex<double>;
using Spaces = std::vector<LocalSpace>;

/// The whole vector on every rank.
template <Scalar T>
std::vector<T> whole(const Buffer<T>& owned) {
  return world().all_gather_v(
      std::span<const T>(owned.data(), static_cast<std::size_t>(owned.size())));
}

template <Scalar T = double>
std::vector<T> whole(const std::string& text, const Spaces& spaces, std::uint64_t seed = 0) {
  return whole(make_state<T>(world(), FullBasis(spaces), parse_state(text, spaces, seed)));
}

/// Rows with an amplitude, as digit strings.
template <Scalar T>
std::vector<std::string> support(const std::vector<T>& psi, const Spaces& spaces) {
  std::vector<std::string> rows;
  for (std::size_t i = 0; i < psi.size(); ++i)
    if (psi[i] != T{}) rows.push_back(DigitCode(spaces).text(i));
  return rows;
}

/// A sector for the tests: configurations with a given sum of digits, by exhaustive search.
class DigitSumBasis final : public Basis {
 public:
  DigitSumBasis(Spaces spaces, int sum) : Basis(spaces), sum_(sum) {
    const FullBasis full(std::move(spaces));
    for (index_t i = 0; i < full.size(); ++i) {
      int digits = 0;
      for (int site = 0; site < sites(); ++site) digits += code().digit(full.state(i), site);
      if (digits == sum) states_.push_back(full.state(i));
    }
  }
  index_t size() const override { return static_cast<index_t>(states_.size()); }
  state_t state(index_t i) const override { return states_[static_cast<std::size_t>(i)]; }
  index_t index(state_t state) const override {
    const auto at = std::lower_bound(states_.begin(), states_.end(), state);
    return at != states_.end() && *at == state ? at - states_.begin() : -1;
  }
  std::vector<std::string> sector() const override { return {detail::concat("digits=", sum_)}; }

 private:
  int sum_;
  std::vector<state_t> states_;
};

TEST(States, names_stand_for_the_configurations_of_their_convention) {
  const Spaces spins(4), spin1(4, LocalSpace::spin(2)), electrons(4, LocalSpace::electron()),
      fermions(5, LocalSpace::fermion());
  using Rows = std::vector<std::string>;

  EXPECT_EQ(support(whole("neel", spins), spins), Rows{"0101"});
  EXPECT_EQ(support(whole("neel-down", spins), spins), Rows{"1010"});
  EXPECT_EQ(support(whole("udud", spins), spins), Rows{"0101"});
  EXPECT_EQ(support(whole("0,1,1,0", spins), spins), Rows{"0110"});
  EXPECT_EQ(support(whole("domain-wall", spins), spins), Rows{"0011"});
  EXPECT_EQ(support(whole("down", spins), spins), Rows{"1111"});
  EXPECT_EQ(support(whole("neel", spin1), spin1), Rows{"0202"});
  EXPECT_EQ(support(whole("0121", spin1), spin1), Rows{"0121"});
  EXPECT_EQ(support(whole("neel", electrons), electrons), Rows{"1212"});
  EXPECT_EQ(support(whole("0u3d", electrons), electrons), Rows{"0132"});
  EXPECT_EQ(support(whole("domain-wall", fermions), fermions), Rows{"00111"});
  EXPECT_EQ(support(whole("ghz", spins), spins), (Rows{"0000", "1111"}));
  EXPECT_EQ(support(whole("w", spins), spins), (Rows{"0001", "0010", "0100", "1000"}));
  EXPECT_EQ(support(whole("bell:phi-", spins), spins), (Rows{"0000", "0011", "1100", "1111"}));
}

TEST(States, amplitudes_are_those_of_the_formulas) {
  const Spaces pair(2), spin1(2, LocalSpace::spin(2)),
      mixed = {LocalSpace::spin(1), LocalSpace::spin(2)};
  const double s = 1 / std::sqrt(2.0), t = 1 / std::sqrt(3.0);
  const auto expect_near = [](const std::vector<double>& got, const std::vector<double>& expected) {
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t i = 0; i < got.size(); ++i)
      EXPECT_NEAR(got[i], expected[i], 1e-15) << "row " << i;
  };

  expect_near(whole("bell:phi+", pair), {s, 0, 0, s});
  expect_near(whole("bell:phi-", pair), {s, 0, 0, -s});
  expect_near(whole("bell:psi+", pair), {0, s, s, 0});
  expect_near(whole("singlets", pair), {0, s, -s, 0});
  expect_near(whole("singlets", spin1), {0, 0, t, 0, -t, 0, t, 0, 0});
  expect_near(whole("+-", pair), {.5, -.5, .5, -.5});
  expect_near(whole("plus", mixed), {s / 2, s * s, s / 2, s / 2, s * s, s / 2});
}

TEST(States, product_of_spinors_is_their_kronecker_product) {
  const Spaces spaces = {LocalSpace::spin(1), LocalSpace::boson(3), LocalSpace::electron()};
  std::vector<std::vector<Complex>> spinors;
  for (const auto& space : spaces) {
    spinors.emplace_back();
    for (int d = 0; d < space.dim(); ++d)
      spinors.back().emplace_back(std::cos(1.0 + d), std::sin(3.0 * d));
  }

  const auto psi =
      whole(make_state<Complex>(world(), FullBasis(spaces), product_state(spaces, spinors)));

  Complex scale = 0;
  for (std::size_t a = 0; a < 2; ++a)
    for (std::size_t b = 0; b < 3; ++b)
      for (std::size_t c = 0; c < 4; ++c) {
        const Complex expected = spinors[0][a] * spinors[1][b] * spinors[2][c];
        if (scale == 0.0) scale = psi[0] / expected;
        EXPECT_LT(std::abs(psi[(a * 3 + b) * 4 + c] - scale * expected), 1e-15);
      }
  const Comm serial;
  const FullBasis basis(spaces);
  EXPECT_NEAR(norm(StateView<Complex>(serial, basis, std::span(psi))), 1, 1e-14);
}

TEST(States, random_ones_do_not_depend_on_the_ranks_and_differ_by_seed) {
  const Spaces spaces(7);
  const FullBasis basis(spaces);
  const auto here = whole<Complex>("random", spaces, 5),
             other = whole<Complex>("random", spaces, 6);

  const auto alone = make_state<Complex>(Comm::serial(), basis, random_state(spaces, 5));

  for (index_t i = 0; i < basis.size(); ++i)
    EXPECT_LT(std::abs(here[static_cast<std::size_t>(i)] - alone[i]), 1e-15);
  EXPECT_GT(std::abs(here[0] - other[0]), 1e-6);
}

TEST(States, random_fields_of_models_are_the_same_on_every_rank) {
  for (const std::string dist : {"uniform", "gauss", "quasiperiodic"}) {
    const auto field = [&](const char* seed) {
      return make_model("mbl",
                        {.sites = 9, .params = {{"axes", "xyz"}, {"dist", dist}, {"seed", seed}}})
          .op.text();
    };
    EXPECT_EQ(field("11"), world().broadcast(field("11"))) << dist;
    EXPECT_NE(field("11"), field("12")) << dist;
  }
}

TEST(States, function_of_the_configuration_is_normalised) {
  const Spaces spaces(5, LocalSpace::spin(2));
  const FullBasis basis(spaces);

  const auto psi = make_state<double>(world(), basis, [](std::span<const int> digits) {
    double sum = 1;
    for (std::size_t i = 0; i < digits.size(); ++i) sum += double(digits[i]) * double(i + 1);
    return sum;
  });

  EXPECT_NEAR(norm(StateView<double>(world(), basis, psi)), 1, 1e-14);
  const auto all = whole(psi);
  EXPECT_NEAR(all[1] / all[0], 6, 1e-13);
  EXPECT_NEAR(all[81] / all[0], 2, 1e-13);
}

TEST(States, sector_takes_what_is_in_it_and_refuses_the_rest) {
  const Spaces spaces(6);
  const DigitSumBasis half(spaces, 3), wrong(spaces, 2);

  EXPECT_EQ(whole(make_state<double>(
                world(), half, neel_state(spaces)))[static_cast<std::size_t>(half.index(0b010101))],
            1);
  const auto singlets =
      make_state<double>(world(), half, singlet_pairs(spaces, {{0, 5}, {1, 2}, {4, 3}}));
  EXPECT_NEAR(norm(StateView<double>(world(), half, singlets)), 1, 1e-14);
  EXPECT_ERROR((void)make_state<double>(world(), wrong, neel_state(spaces)), InvalidArgument,
               "digits=2");
  EXPECT_ERROR((void)make_state<double>(world(), half, plus_state(spaces)), InvalidArgument,
               "0.3125");
}

TEST(States, bad_input_is_refused_by_name) {
  const Spaces spaces(3), other(4), bosons(2, LocalSpace::boson(3));
  const FullBasis basis(spaces);

  EXPECT_ERROR((void)parse_state("nel", {}), InvalidArgument, "neel-down");
  EXPECT_ERROR((void)parse_state("0102", Spaces(4)), InvalidArgument, "'2' is no state of site 3");
  EXPECT_ERROR((void)parse_state("01", spaces), InvalidArgument, "2 letters for 3 sites");
  EXPECT_ERROR((void)parse_state("plus", bosons), InvalidArgument, "boson:3");
  EXPECT_ERROR((void)parse_state("singlets", spaces), InvalidArgument, "even number");
  EXPECT_ERROR((void)singlet_pairs(other, {{0, 1}, {1, 2}}), InvalidArgument, "site 1 is in 2");
  EXPECT_ERROR((void)make_state<double>(world(), basis, neel_state(other)), DimensionError,
               "4 sites");
  EXPECT_ERROR((void)make_state<double>(
                   world(), basis, product_state(spaces, {{1, 0}, {1, Complex(0, 1)}, {0, 1}})),
               InvalidArgument, "complex");
  EXPECT_ERROR((void)product_state(spaces, {{1, 0}, {0, 0}, {0, 1}}), InvalidArgument, "site 1");
  EXPECT_ERROR((void)make_state<double>(world(), basis, [](std::span<const int>) { return 0.0; }),
               InvalidArgument, "norm is 0");
  const std::vector<double> short_one(3);
  EXPECT_ERROR((void)norm(StateView<double>(world(), basis, std::span(short_one))), DimensionError,
               "owns");
}

}  // namespace
}  // namespace kronsolve
