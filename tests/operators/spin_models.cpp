// Models of spins beyond the plain exchange, terms on sites and twists, each against a matrix built
// from its documented formula, and against exact spectra.

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

#include <kronsolve/operators/models.hpp>

#include "support/model_oracle.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using namespace test;
using std::numbers::pi;

using Params = std::map<std::string, ModelValue>;

Model ring(const char* name, int n, Params params, const char* spin = "") {
  return make_model(name, {.sites = n, .cyclic = Cyclic::x, .spin = spin, .params = params});
}

TEST(SpinModels, bonds_of_kitaev_have_their_axes) {
  const double k = -0.7, j = 0.3, gamma = 0.4;
  for (const auto& [lx, ly, cyclic] : {std::tuple{2, 2, true}, {2, 2, false}, {1, 3, false}}) {
    const int n = 2 * lx * ly;
    const Spins s{n, 1};
    DenseMatrix h = s.zero();
    const auto add = [&](int a, int b, const char* axes) {
      h += k * s.pair(axes[2], a, b) + s.exchange(a, b, {j, j, j});
      h += gamma * (s(axes[0], a) * s(axes[1], b) + s(axes[1], a) * s(axes[0], b));
    };
    for (int x = 0; x < lx; ++x)
      for (int y = 0; y < ly; ++y) {
        const int a = 2 * (x * ly + y);
        add(a, a + 1, "xyz");
        if (x > 0 || cyclic) add(a, 2 * ((x + lx - 1) % lx * ly + y) + 1, "yzx");
        if (y > 0 || cyclic) add(a, 2 * (x * ly + (y + ly - 1) % ly) + 1, "zxy");
      }
    for (int i = 0; i < n; ++i) h -= 0.1 * s('x', i) + 0.2 * s('z', i);
    const Model model = make_model(
        "kitaev",
        {.size = {lx, ly},
         .cyclic = cyclic ? Cyclic::all : Cyclic::none,
         .params = {{"K", "-0.7"}, {"J", "0.3"}, {"Gamma", "0.4"}, {"bx", "0.1"}, {"bz", "0.2"}}});

    EXPECT_LT(difference(model, h), rounding) << lx << "x" << ly;
  }
}

TEST(SpinModels, dm_is_a_cross_product) {
  const int n = 4;
  const Spins s{n, 1};
  const std::array<double, 3> d{0.3, -0.2, 0.7};
  for (const bool equal : {true, false}) {
    DenseMatrix h = s.zero();
    for (int i = 0; i < n; ++i) {
      const int k = (i + 1) % n;
      h += s.exchange(i, k, {1, equal ? 1.0 : 0.4, 0.5});
      h += d[0] * (s('y', i) * s('z', k) - s('z', i) * s('y', k));
      h += d[1] * (s('z', i) * s('x', k) - s('x', i) * s('z', k));
      h += d[2] * (s('x', i) * s('y', k) - s('y', i) * s('x', k));
    }
    EXPECT_LT(difference(ring("dm", n,
                              {{"jy", equal ? "1" : "0.4"},
                               {"jz", "0.5"},
                               {"dmx", "0.3"},
                               {"dmy", "-0.2"},
                               {"dmz", "0.7"}}),
                         h),
              rounding);
  }
}

TEST(SpinModels, cluster_has_the_spectrum_of_its_stabilizers) {
  const int n = 5;
  const Spins s{n, 1};
  DenseMatrix h = s.zero();
  for (int i = 0; i < n; ++i)
    h -= 8 * s('z', (i + n - 1) % n) * s('x', i) * s('z', (i + 1) % n) + 0.3 * s('x', i);
  EXPECT_LT(difference(ring("cluster", n, {{"bx", "0.3"}}), h), rounding);

  // On any graph the stabilizers are independent: -N, -N+2, ... as often as binomials say.
  const Model graph = make_model(
      "cluster", {.lattice = "edges", .edges = {{0, 1}, {1, 2}, {2, 0}, {2, 3}, {3, 4}}});
  std::vector<double> expected;
  for (int state = 0; state < 32; ++state)
    expected.push_back(2.0 * std::popcount(static_cast<unsigned>(state)) - 5);
  std::sort(expected.begin(), expected.end());
  const auto found = levels(matrix(graph));
  for (std::size_t i = 0; i < 32; ++i) EXPECT_NEAR(found[i], expected[i], rounding);
}

TEST(SpinModels, su3_exchanges_states) {
  const int n = 3;
  const auto swapped = [](int state, int i, int k) {
    std::array<int, 3> digit = {state / 9, state / 3 % 3, state % 3};
    std::swap(digit[static_cast<std::size_t>(i)], digit[static_cast<std::size_t>(k)]);
    return digit[0] * 9 + digit[1] * 3 + digit[2];
  };
  DenseMatrix h = DenseMatrix::Zero(27, 27);
  for (int state = 0; state < 27; ++state)
    for (int i = 0; i + 1 < n; ++i) h(swapped(state, i, i + 1), state) += 1;
  const Model model = make_model("su3", {.sites = n});
  EXPECT_LT(difference(model, h), rounding);

  // Young tableaux of three boxes: 10 symmetric, 2 x 8 mixed, 1 antisymmetric.
  std::vector<double> expected = {-2};
  expected.insert(expected.end(), 8, -1);
  expected.insert(expected.end(), 8, 1);
  expected.insert(expected.end(), 10, 2);
  const auto found = levels(matrix(model));
  for (std::size_t i = 0; i < 27; ++i) EXPECT_NEAR(found[i], expected[i], rounding);
}

TEST(SpinModels, terms_on_sites_are_of_every_spin_model) {
  const int n = 4;
  const Spins s{n, 2};
  const Params terms = {{"D", "0.8"}, {"E", "-0.3"}, {"hz", "0.5,-1"}, {"hx", "staggered:0.2"}};
  DenseMatrix sites = s.zero();
  for (int i = 0; i < n; ++i) {
    sites += 0.8 * s('z', i) * s('z', i) - 0.3 * (s('x', i) * s('x', i) - s('y', i) * s('y', i));
    sites += (i % 2 == 0 ? 0.5 : -1) * s('z', i) + (i % 2 == 0 ? 0.2 : -0.2) * s('x', i);
  }
  for (const auto& info : models()) {
    if (info.local != "spin-S" && info.local != "spin-1") continue;
    SCOPED_TRACE(info.name);
    ModelOptions options{.params = {}};
    if (info.name == "anisotropic") options.params["D"] = "0";
    if (std::find(info.lattices.begin(), info.lattices.end(), "chain") == info.lattices.end())
      options.size = {2, 2};
    else
      options.sites = n;
    if (info.name == "triangular" || info.name == "kagome") continue;  // no two sublattices
    if (info.local == "spin-S") options.spin = "1";
    const DenseMatrix plain = matrix(make_model(info.name, options));
    for (const auto& [name, value] : terms) options.params[name] = value;
    const DenseMatrix on_square = options.size.empty() ? sites : [&] {
      DenseMatrix two = s.zero();
      for (int i = 0; i < n; ++i) {
        const double sign = i == 1 || i == 2 ? -1 : 1;  // (0,1) and (1,0)
        two += 0.8 * s('z', i) * s('z', i) - 0.3 * (s('x', i) * s('x', i) - s('y', i) * s('y', i));
        two += (i % 2 == 0 ? 0.5 : -1) * s('z', i) + sign * 0.2 * s('x', i);
      }
      return two;
    }();
    EXPECT_LT(difference(make_model(info.name, options), plain + on_square), rounding);
  }
  // One spin 1 with D and E alone: D + E, D - E and 0.
  const auto one =
      levels(matrix(make_model("anisotropic", {.sites = 1, .params = {{"D", "2"}, {"E", "0.5"}}})));
  EXPECT_NEAR(one[0], 0, rounding);
  EXPECT_NEAR(one[1], 1.5, rounding);
  EXPECT_NEAR(one[2], 2.5, rounding);
}

TEST(SpinModels, a_twist_turns_what_flips_by_its_share_of_the_ring) {
  const int n = 5;
  const Spins s{n, 1};
  const double phi = 0.7;
  DenseMatrix h = s.zero(), boundary = s.zero();
  for (int i = 0; i < n; ++i) {
    const int k = (i + 1) % n;
    const DenseMatrix flip = 0.5 * s('+', i) * s('-', k);
    const auto add = [&](DenseMatrix& to, double angle) {
      const DenseMatrix turned = std::polar(1.0, angle) * flip;
      to += turned + turned.adjoint() + 0.3 * s('z', i) * s('z', k);
    };
    add(h, phi / n);
    add(boundary, i + 1 == n ? phi : 0);
  }
  const Model twisted = ring("xxz", n, {{"delta", "0.3"}, {"twist", "0.7"}});
  EXPECT_LT(difference(twisted, h), rounding);
  // Where the angle sits does not matter.
  const auto shared = levels(matrix(twisted)), once = levels(boundary);
  for (std::size_t i = 0; i < shared.size(); ++i) EXPECT_NEAR(shared[i], once[i], rounding);
  // A full turn is none.
  const auto turned = levels(matrix(ring("heisenberg", n, {{"twist", "6.283185307179586"}})));
  const auto plain = levels(matrix(ring("heisenberg", n, {})));
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_NEAR(turned[i], plain[i], rounding);
}

TEST(SpinModels, a_magnon_on_any_twisted_lattice_has_its_shifted_momentum) {
  // One flipped spin on the ferromagnetic side of XY is a free particle: J cos over the bonds.
  for (const auto& [lx, ly] : {std::pair{3, 4}, std::pair{4, 3}}) {
    const double px = 0.4, py = -1.1;
    const Model model = make_model("xy", {.size = {lx, ly},
                                          .cyclic = Cyclic::all,
                                          .lattice = "triangular",
                                          .params = {{"twist", "0.4,-1.1"}}});
    const int n = lx * ly;
    DenseMatrix hop = DenseMatrix::Zero(n, n);  // <one up at i| H |one up at j>
    for (const auto& term : model.op.terms())
      if (term.factors[0].op == "S+")
        hop(term.factors[0].site, term.factors[1].site) += term.coefficient;
      else
        hop(term.factors[1].site, term.factors[0].site) += term.coefficient;
    std::vector<double> expected;
    for (int mx = 0; mx < lx; ++mx)
      for (int my = 0; my < ly; ++my) {
        const double kx = (2 * pi * mx + px) / lx, ky = (2 * pi * my + py) / ly;
        expected.push_back(std::cos(kx) + std::cos(ky) + std::cos(kx + ky));
      }
    std::sort(expected.begin(), expected.end());
    const auto found = levels(hop);
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(found[i], expected[i], rounding);
  }
}

TEST(SpinModels, third_neighbours) {
  const Model model = make_model("j1j2", {.sites = 8, .params = {{"j2", "0"}, {"j3", "0.3"}}});
  const Spins s{8, 1};
  DenseMatrix h = s.zero();
  for (int i = 0; i < 8; ++i) {
    if (i + 1 < 8) h += s.exchange(i, i + 1, {1, 1, 1});
    if (i + 3 < 8) h += s.exchange(i, i + 3, {0.3, 0.3, 0.3});
  }
  EXPECT_LT(difference(model, h), rounding);
}

TEST(SpinModels, what_makes_no_sense_is_refused) {
  const auto make = [](const char* name, ModelOptions options) { (void)make_model(name, options); };

  EXPECT_ERROR(make("heisenberg", {.sites = 4, .params = {{"D", "1"}}}), InvalidArgument,
               "spins of 1 and more");
  EXPECT_ERROR(make("heisenberg", {.sites = 4, .params = {{"hz", "1,2,3"}}}), InvalidArgument,
               "divides them");
  EXPECT_ERROR(
      make("heisenberg", {.sites = 3, .cyclic = Cyclic::x, .params = {{"hz", "staggered:1"}}}),
      InvalidArgument, "no two sublattices");
  EXPECT_ERROR(make("heisenberg", {.sites = 4, .params = {{"twist", "0.1"}}}), InvalidArgument,
               "close it");
  EXPECT_ERROR(make("heisenberg", {.sites = 2, .cyclic = Cyclic::x, .params = {{"twist", "0.1"}}}),
               InvalidArgument, "3 cells or longer");
  EXPECT_ERROR(
      make("heisenberg", {.sites = 4, .cyclic = Cyclic::x, .params = {{"twist", "0.1,0.2"}}}),
      InvalidArgument, "one angle, got 2");
  EXPECT_ERROR(make("heisenberg",
                    {.sites = 4, .cyclic = Cyclic::x, .params = {{"twist", "0.1"}, {"bx", "1"}}}),
               InvalidArgument, "turns spins about z");
  EXPECT_ERROR(
      make("xyz", {.sites = 4, .cyclic = Cyclic::x, .params = {{"twist", "0.1"}, {"jx", "2"}}}),
      InvalidArgument, "turns spins about z");
  EXPECT_ERROR(make("ising", {.sites = 4, .params = {{"twist", "0.1"}}}), InvalidArgument,
               "unknown parameter 'twist'");
  EXPECT_ERROR(make("kitaev", {.sites = 8}), InvalidArgument, "needs a size");
  EXPECT_ERROR(make("kitaev", {.lattice = "edges", .edges = {{0, 1, 3, 1}}}), InvalidArgument,
               "of kind 0");
  EXPECT_ERROR(make("cluster", {.sites = 4, .spin = "1"}), InvalidArgument,
               "spin cannot be chosen");
}

}  // namespace
}  // namespace kronsolve
