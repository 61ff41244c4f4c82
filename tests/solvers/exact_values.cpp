// Energies and multiplicities that are known in closed form, each under its name.

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/solvers/eigh.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::world;
using Conditions = std::vector<std::string>;

/// Energies of order ten from LAPACK.
constexpr double rounding = 1e-11;
/// Energies from Lanczos with residuals of 1e-10 are wrong by their squares.
constexpr double to_exact = 1e-10;

std::vector<double> solve(const Model& model, const Conditions& conditions, index_t k) {
  const auto sector = parse_sector(model.op.spaces(), model.lattice, conditions);
  const auto result =
      eigh(world(), in_sector(world(), model.op, sector), {.k = k, .vectors = Eigenvectors::skip});
  EXPECT_TRUE(result.converged) << result.reason;
  return result.eigenvalues;
}

std::vector<double> spectrum(const Model& model, const Conditions& conditions = {}) {
  return solve(model, conditions, EighOptions::all);
}

double lowest(const Model& model, const Conditions& conditions = {}) {
  return solve(model, conditions, 1).at(0);
}

index_t count_of(const std::vector<double>& levels, double value) {
  return std::count_if(levels.begin(), levels.end(),
                       [&](double e) { return std::abs(e - value) < rounding; });
}

/// The lowest level is `energy`, so often; the next one is higher by a gap that cannot be an error.
void expect_ground(const std::vector<double>& levels, double energy, index_t copies) {
  EXPECT_NEAR(levels.at(0), energy, rounding);
  EXPECT_EQ(count_of(levels, energy), copies);
  EXPECT_GT(levels.at(static_cast<std::size_t>(copies)), energy + 1e-3);
}

constexpr Cyclic ring = Cyclic::all;

TEST(ExactValues, majumdar_ghosh_chains) {
  for (const int n : {6, 8, 10}) {
    expect_ground(spectrum(make_model("j1j2", {.sites = n, .cyclic = ring})), -3.0 * n / 8, 2);
    expect_ground(spectrum(make_model("j1j2", {.sites = n})), -3.0 * n / 8, 1);
  }
  // Each pair counts once: of second neighbours there are two.
  expect_ground(spectrum(make_model("j1j2", {.sites = 4, .cyclic = ring})), -1.75, 1);
}

TEST(ExactValues, aklt_chains) {
  for (const int n : {3, 4, 5, 6}) {
    const Model open = make_model("aklt", {.sites = n});
    const Model closed = make_model("aklt", {.sites = n, .cyclic = ring});
    expect_ground(spectrum(open), -2.0 / 3 * (n - 1), 4);
    expect_ground(spectrum(open, {"sz=0"}), -2.0 / 3 * (n - 1), 2);
    expect_ground(spectrum(closed), -2.0 / 3 * n, 1);
  }
}

TEST(ExactValues, haldane_shastry_rings) {
  for (const int n : {4, 6, 8, 10, 12, 14})
    EXPECT_NEAR(lowest(make_model("haldane-shastry", {.sites = n}), {"sz=0"}),
                -std::pow(std::numbers::pi, 2) * (n + 5.0 / n) / 24, to_exact)
        << n;
}

TEST(ExactValues, odd_rings_at_minus_half) {
  // jxy = -2, delta = 1: the chiral states are exact.
  for (const int n : {3, 5, 7, 9}) {
    const auto levels = spectrum(
        make_model("xxz", {.sites = n, .cyclic = ring, .params = {{"jxy", "-2"}, {"delta", "1"}}}));
    expect_ground(levels, -3.0 * n / 4, 2);
  }
}

double binomial(int n, int k) {
  if (k < 0 || k > n) return 0;
  double result = 1;
  for (int i = 1; i <= k; ++i) result = result * (n - k + i) / i;
  return std::round(result);
}

TEST(ExactValues, all_to_all_spectra_with_multiplicities) {
  for (int n = 2; n <= 9; ++n) {
    const auto levels =
        spectrum(make_model("long-range", {.sites = n, .params = {{"alpha", "0"}}}));
    index_t seen = 0;
    for (int twice = n % 2; twice <= n; twice += 2) {
      const double s = twice / 2.0;
      const auto copies = static_cast<index_t>(
          (twice + 1) * (binomial(n, (n - twice) / 2) - binomial(n, (n - twice) / 2 - 1)));
      EXPECT_EQ(count_of(levels, (s * (s + 1) - 0.75 * n) / 2), copies) << n << " " << s;
      seen += copies;
    }
    EXPECT_EQ(seen, index_t{1} << n);
  }
}

TEST(ExactValues, one_magnon) {
  const int n = 12;
  const Model model = make_model("heisenberg", {.sites = n, .cyclic = ring});
  for (int m = 0; m < n; ++m) {
    const auto levels = spectrum(model, {"sz=5", "momentum=" + std::to_string(m)});
    ASSERT_EQ(levels.size(), 1u);
    EXPECT_NEAR(levels[0], n / 4.0 - (1 - std::cos(2 * std::numbers::pi * m / n)), rounding);
  }
}

TEST(ExactValues, heisenberg_rings_and_chains_by_the_bethe_ansatz) {
  const std::map<int, std::pair<double, double>> known = {
      {4, {-2, -1.6160254037844386}},
      {6, {-2.8027756377319946, -2.4935771338879261}},
      {8, {-3.6510934089371753, -3.3749325986878902}},
      {10, {-4.5154463544920429, -4.2580352072828812}},
      {12, {-5.3873909174452059, -5.1420906328405305}},
      {14, {-6.2635495335470370, -6.0267246618621705}},
      {16, {-7.1422963606167799, -6.9117371455751025}}};
  for (const auto& [n, energies] : known) {
    EXPECT_NEAR(lowest(make_model("heisenberg", {.sites = n, .cyclic = ring}), {"sz=0"}),
                energies.first, to_exact);
    EXPECT_NEAR(lowest(make_model("heisenberg", {.sites = n}), {"sz=0"}), energies.second,
                to_exact);
  }
  // Gaps to the triplet.
  for (const auto& [n, gaps] : std::map<int, std::pair<double, double>>{
           {8, {0.522674345093, 0.392692110925}}, {16, {0.270189682250, 0.219276716550}}}) {
    EXPECT_NEAR(lowest(make_model("heisenberg", {.sites = n, .cyclic = ring}), {"sz=1"}),
                known.at(n).first + gaps.first, to_exact);
    EXPECT_NEAR(lowest(make_model("heisenberg", {.sites = n}), {"sz=1"}),
                known.at(n).second + gaps.second, to_exact);
  }
}

TEST(ExactValues, bethe_energies_in_their_symmetry_sectors) {
  // The ground state of 4j sites is even under everything, that of 4j + 2 sites odd.
  for (const auto& [n, energy] : std::map<int, double>{{12, -5.3873909174452059},
                                                       {14, -6.2635495335470370},
                                                       {18, -8.0227490870337570},
                                                       {20, -8.9043865298764423}}) {
    const bool even = n % 4 == 0;
    const std::string sign = even ? "1" : "-1";
    EXPECT_NEAR(lowest(make_model("heisenberg", {.sites = n, .cyclic = ring}),
                       {"sz=0", "momentum=" + std::to_string(even ? 0 : n / 2),
                        "reflection=" + sign, "spinflip=" + sign}),
                energy, to_exact)
        << n;
  }
}

TEST(ExactValues, spin_one_chains) {
  for (const auto& [n, energies] :
       std::map<int, std::pair<double, double>>{{4, {-6, -4.645751311065}},
                                                {6, {-8.617423181814, -7.370274969425}},
                                                {8, {-11.336956077897, -10.124637222359}}}) {
    EXPECT_NEAR(
        lowest(make_model("heisenberg", {.sites = n, .cyclic = ring, .spin = "1"}), {"sz=0"}),
        energies.first, to_exact);
    EXPECT_NEAR(lowest(make_model("heisenberg", {.sites = n, .spin = "1"}), {"sz=0"}),
                energies.second, to_exact);
  }
}

TEST(ExactValues, j1_j2_rings_of_16_sites) {
  for (const auto& [j2, energy] : std::map<std::string, double>{
           {"0.1", -6.852168029274}, {"0.2411", -6.469789169678}, {"1", -7.766621405432}})
    EXPECT_NEAR(
        lowest(make_model("j1j2", {.sites = 16, .cyclic = ring, .params = {{"j2", j2}}}), {"sz=0"}),
        energy, to_exact);
}

TEST(ExactValues, xx_and_ising_chains_are_free_fermions) {
  const double pi = std::numbers::pi;
  for (const int n : {4, 6, 8, 10, 12}) {
    EXPECT_NEAR(lowest(make_model("xy", {.sites = n, .cyclic = ring}), {"sz=0"}),
                -1 / std::sin(pi / n), to_exact);
    double filled = 0;
    for (int k = 1; k <= n; ++k) filled += std::min(0.0, std::cos(pi * k / (n + 1)));
    EXPECT_NEAR(lowest(make_model("xy", {.sites = n}), {"sz=0"}), filled, to_exact);
    // -sum X X - sum Z in Pauli matrices, turned: jz = -4, bx = 2.
    const std::map<std::string, ModelValue> critical = {{"jz", "-4"}, {"bx", "2"}};
    EXPECT_NEAR(lowest(make_model("ising", {.sites = n, .cyclic = ring, .params = critical})),
                -2 / std::sin(pi / (2 * n)), to_exact);
    EXPECT_NEAR(lowest(make_model("ising", {.sites = n, .params = critical})),
                1 - 1 / std::sin(pi / (4 * n + 2)), to_exact);
  }
}

TEST(ExactValues, square_of_16_sites) {
  const Model square = make_model("heisenberg2d", {.size = {4, 4}, .cyclic = ring});
  const double ground = -11.2284832084289;
  EXPECT_NEAR(
      lowest(square, {"sz=0", "momentum=0,0", "rotation=0", "reflection-x=1", "spinflip=1"}),
      ground, to_exact);
  EXPECT_NEAR(lowest(square, {"sz=1"}), ground + 0.578598335765, to_exact);
}

}  // namespace
}  // namespace kronsolve
