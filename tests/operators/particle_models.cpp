// Models of particles, alone and with spins or phonons, each against a matrix built from its
// documented formula, and against exact levels.

#include <algorithm>
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

/// t (e^{i angle} c+_i c_k + h.c.) of matrices c+.
DenseMatrix hop(double t, double angle, const DenseMatrix& to, const DenseMatrix& from) {
  const DenseMatrix one = std::polar(t, angle) * to * from.adjoint();
  return one + one.adjoint();
}

TEST(ParticleModels, t_v_equals_its_formula_and_free_fermions) {
  for (const bool cyclic : {false, true}) {
    const int n = 5;
    std::vector<DenseMatrix> c;
    for (int i = 0; i < n; ++i) c.push_back(fermion_create(i, n));
    DenseMatrix h = DenseMatrix::Zero(32, 32);
    for (std::size_t i = 0; i < 5; ++i) {
      h -= 0.2 * c[i] * c[i].adjoint();
      if (i == 4 && !cyclic) continue;
      const std::size_t k = (i + 1) % 5;
      h += hop(-0.7, cyclic ? 0.3 / n : 0, c[i], c[k]) +
           1.5 * c[i] * c[i].adjoint() * c[k] * c[k].adjoint();
    }
    Params params = {{"t", "0.7"}, {"V", "1.5"}, {"mu", "0.2"}};
    if (cyclic) params["twist"] = "0.3";
    EXPECT_LT(difference(make_model("t-v", {.sites = n,
                                            .cyclic = cyclic ? Cyclic::x : Cyclic::none,
                                            .params = params}),
                         h),
              rounding);
  }

  // Without repulsion every level is a sum of -2 cos((2 pi m + phi)/N).
  const int n = 6;
  const double phi = 0.9;
  std::vector<double> expected;
  for (unsigned filled = 0; filled < 64; ++filled) {
    double sum = 0;
    for (int m = 0; m < n; ++m)
      if (filled >> m & 1) sum -= 2 * std::cos((2 * pi * m + phi) / n);
    expected.push_back(sum);
  }
  std::sort(expected.begin(), expected.end());
  const auto found = levels(make_model(
      "t-v", {.sites = n, .cyclic = Cyclic::x, .params = {{"V", "0"}, {"twist", "0.9"}}}));
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(found[i], expected[i], rounding);
}

TEST(ParticleModels, relatives_of_hubbard_equal_their_formulas) {
  const int n = 4;
  const Electrons e(n);
  std::vector<std::array<DenseMatrix, 2>> c;
  for (int i = 0; i < n; ++i) c.push_back({e.create(i, 0), e.create(i, 1)});
  const auto number = [&](std::size_t i) -> DenseMatrix {
    return c[i][0] * c[i][0].adjoint() + c[i][1] * c[i][1].adjoint();
  };
  DenseMatrix hubbard = DenseMatrix::Zero(256, 256), neighbours = hubbard, ionic = hubbard;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t k = (i + 1) % 4;
    hubbard += 3 * c[i][0] * c[i][0].adjoint() * c[i][1] * c[i][1].adjoint() - 0.3 * number(i);
    for (const std::size_t s : {0u, 1u}) hubbard += hop(-0.8, 0.5 / n, c[i][s], c[k][s]);
    neighbours += 0.6 * number(i) * number(k);
    ionic += (i % 2 == 0 ? 0.7 : -0.7) * number(i);
  }
  const auto make = [&](const char* name, const char* extra, const char* value) {
    Params params = {{"t", "0.8"}, {"U", "3"}, {"mu", "0.3"}, {"twist", "0.5"}};
    if (*extra != 0) params[extra] = value;
    return make_model(name, {.sites = n, .cyclic = Cyclic::x, .params = params});
  };
  EXPECT_LT(difference(make("hubbard", "", ""), hubbard), rounding);
  EXPECT_LT(difference(make("extended-hubbard", "V", "0.6"), hubbard + neighbours), rounding);
  EXPECT_LT(difference(make("ionic-hubbard", "delta", "1.4"), hubbard + ionic), rounding);
  EXPECT_ERROR((void)make_model("ionic-hubbard", {.sites = 3, .cyclic = Cyclic::x}),
               InvalidArgument, "no two sublattices");
}

TEST(ParticleModels, atoms_see_each_other_by_distance) {
  struct Case {
    int lx, ly;
    double radius;
  };
  for (const Case& of : {Case{1, 6, 0}, Case{2, 3, 0}, Case{2, 3, 1.5}}) {
    const int n = of.lx * of.ly;
    const DenseMatrix up = boson_create(2), excited = up * up.adjoint();
    DenseMatrix h = DenseMatrix::Zero(64, 64);
    for (int i = 0; i < n; ++i) {
      h += 0.45 * (at_site(up, i, n) + at_site(up, i, n).adjoint());
      h -= (i % 2 == 0 ? 1.2 : 0.4) * at_site(excited, i, n);
      for (int k = i + 1; k < n; ++k) {
        int dx = k / of.ly - i / of.ly, dy = std::abs(k % of.ly - i % of.ly);
        if (of.lx == 1) dy = std::min(dy, of.ly - dy);  // a ring
        const double r = std::hypot(dx, dy);
        if (of.radius == 0 || r <= of.radius)
          h += 2.5 / std::pow(r, 6) * at_site(excited, i, n) * at_site(excited, k, n);
      }
    }
    ModelOptions options{.params = {{"rabi", "0.9"},
                                    {"delta", "1.2,0.4"},
                                    {"V", "2.5"},
                                    {"radius", std::to_string(of.radius)}}};
    if (of.lx == 1) {
      options.sites = n;
      options.cyclic = Cyclic::x;
    } else {
      options.size = {of.lx, of.ly};
    }
    EXPECT_LT(difference(make_model("rydberg", options), h), rounding) << of.lx << of.radius;
  }
  // Atoms that do not see each other: each has -delta/2 +- sqrt(delta^2 + rabi^2)/2.
  const auto free = levels(make_model(
      "rydberg", {.sites = 5, .params = {{"V", "0"}, {"delta", "0.8"}, {"rabi", "1.7"}}}));
  EXPECT_NEAR(free.front(), 5 * (-0.4 - std::hypot(0.8, 1.7) / 2), rounding);
  EXPECT_ERROR((void)make_model("rydberg", {.sites = 4, .lattice = "complete"}), InvalidArgument,
               "unknown lattice");
}

TEST(ParticleModels, an_atom_of_pxp_flips_between_empty_neighbours) {
  const DenseMatrix up = boson_create(2), x = up + up.adjoint();
  const DenseMatrix empty = DenseMatrix::Identity(2, 2) - up * up.adjoint();
  for (const bool cyclic : {false, true}) {
    const int n = 5;
    DenseMatrix h = DenseMatrix::Zero(32, 32);
    for (int i = 0; i < n; ++i) {
      DenseMatrix one = 0.8 * at_site(x, i, n);
      if (i > 0 || cyclic) one = one * at_site(empty, (i + n - 1) % n, n);
      if (i + 1 < n || cyclic) one = one * at_site(empty, (i + 1) % n, n);
      h += one - 0.3 * at_site(up * up.adjoint(), i, n);
    }
    EXPECT_LT(difference(make_model("pxp", {.sites = n,
                                            .cyclic = cyclic ? Cyclic::x : Cyclic::none,
                                            .params = {{"omega", "0.8"}, {"mu", "0.3"}}}),
                         h),
              rounding);
  }
}

/// Electrons on n sites and n other sites of dimension d: matrices in the order electron 0, other
/// 0, electron 1, ...
struct InTurn {
  int n, d;
  DenseMatrix electrons(const DenseMatrix& m) const {
    const auto size = static_cast<Index>(std::pow(d, n) + 0.5);
    return in_turn(kronecker(m, DenseMatrix::Identity(size, size)));
  }
  DenseMatrix others(const DenseMatrix& m) const {
    const auto size = static_cast<Index>(std::pow(4, n) + 0.5);
    return in_turn(kronecker(DenseMatrix::Identity(size, size), m));
  }
  DenseMatrix in_turn(const DenseMatrix& m) const {
    std::vector<int> dims(static_cast<std::size_t>(n), 4);
    dims.resize(static_cast<std::size_t>(2 * n), d);
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
      order.push_back(i);
      order.push_back(i + static_cast<std::size_t>(n));
    }
    return reordered(m, dims, order);
  }
};

TEST(ParticleModels, electrons_with_spins_or_phonons_equal_their_formulas) {
  const int n = 3;
  const Electrons e(n);
  const InTurn both{n, 2};
  std::vector<std::array<DenseMatrix, 2>> c;
  for (int i = 0; i < n; ++i) c.push_back({e.create(i, 0), e.create(i, 1)});
  DenseMatrix band = DenseMatrix::Zero(64, 64);
  for (std::size_t i = 0; i < 3; ++i) {
    const std::size_t k = (i + 1) % 3;
    for (const std::size_t s : {0u, 1u}) {
      band += hop(-0.8, 0.6 / n, c[i][s], c[k][s]);
      band -= 0.3 * c[i][s] * c[i][s].adjoint();
    }
    band += 2 * c[i][0] * c[i][0].adjoint() * c[i][1] * c[i][1].adjoint();
  }
  DenseMatrix kondo = both.electrons(band), holstein = kondo;
  const Spins spins{n, 1};
  const DenseMatrix create = boson_create(2);
  for (int i = 0; i < n; ++i) {
    const auto& of = c[static_cast<std::size_t>(i)];
    const DenseMatrix plus = both.electrons(of[0] * of[1].adjoint());
    const DenseMatrix up = of[0] * of[0].adjoint(), down = of[1] * of[1].adjoint();
    const DenseMatrix flip = 0.5 * plus * both.others(spins('-', i));
    kondo += 1.4 *
             (flip + flip.adjoint() + both.electrons((up - down) / 2) * both.others(spins('z', i)));
    const DenseMatrix b = both.others(at_site(create, i, n));
    holstein += 0.9 * b * b.adjoint() + 0.5 * both.electrons(up + down) * (b + b.adjoint());
  }
  Params params = {{"t", "0.8"}, {"mu", "0.3"}, {"U", "2"}, {"twist", "0.6"}};
  const auto make = [&](const char* name, const Params& more) {
    Params all = params;
    all.insert(more.begin(), more.end());
    return make_model(name, {.sites = 2 * n, .cyclic = Cyclic::x, .params = all});
  };
  EXPECT_LT(difference(make("kondo", {{"J", "1.4"}}), kondo), rounding);
  EXPECT_LT(difference(make("holstein", {{"w", "0.9"}, {"g", "0.5"}, {"nmax", "1"}}), holstein),
            rounding);
  EXPECT_ERROR((void)make_model("kondo", {.sites = 5}), InvalidArgument, "multiple of 2");
  EXPECT_EQ(make_model("kondo", {.size = {2, 2}}).op.sites(), 8);
}

TEST(ParticleModels, one_place_is_exact) {
  // A singlet of one electron and its spin: -3J/4.
  EXPECT_NEAR(levels(make_model("kondo", {.sites = 2, .params = {{"J", "2"}}})).front(), -1.5,
              rounding);
  // n electrons shift the oscillator: U n_up n_down - n^2 g^2 / w.
  const auto polaron = levels(
      make_model("holstein",
                 {.sites = 2, .params = {{"w", "1"}, {"g", "0.7"}, {"nmax", "60"}, {"U", "1.1"}}}));
  EXPECT_NEAR(polaron.front(), 1.1 - 4 * 0.49, 1e-10);
}

TEST(ParticleModels, light_and_spins_equal_their_formulas) {
  const int spins = 3, d = 4;
  const Spins s{spins, 1};
  const DenseMatrix b = kronecker(boson_create(d), DenseMatrix::Identity(8, 8));
  const auto on = [&](char axis, int i) {
    return kronecker(DenseMatrix::Identity(d, d), s(axis, i));
  };
  DenseMatrix free = 0.9 * b * b.adjoint(), dicke = free, jaynes = free;
  for (int i = 0; i < spins; ++i) {
    const DenseMatrix z = 1.3 * on('z', i), raise = on('+', i), flips = raise + raise.adjoint();
    dicke += z + 0.4 / std::sqrt(3.0) * (b + b.adjoint()) * flips;
    const DenseMatrix absorbed = 0.4 * b * raise.adjoint();
    jaynes += z + absorbed + absorbed.adjoint();
  }
  const Params params = {{"w", "0.9"}, {"w0", "1.3"}, {"g", "0.4"}, {"nmax", "3"}};
  EXPECT_LT(difference(make_model("dicke", {.sites = 4, .params = params}), dicke), rounding);
  EXPECT_LT(difference(make_model("jaynes-cummings", {.sites = 4, .params = params}), jaynes),
            rounding);

  // In resonance: w (n + 1/2) +- g sqrt(n + 1), and -w/2.
  const int most = 6;
  std::vector<double> expected = {-0.5, most + 0.5};  // the last one has no partner below nmax + 1
  for (int n = 0; n < most; ++n)
    for (const int sign : {1, -1}) expected.push_back(n + 0.5 + sign * 0.2 * std::sqrt(n + 1.0));
  std::sort(expected.begin(), expected.end());
  const auto found =
      levels(make_model("jaynes-cummings", {.sites = 2, .params = {{"g", "0.2"}, {"nmax", "6"}}}));
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(found[i], expected[i], rounding);

  EXPECT_ERROR((void)make_model("dicke", {.sites = 1}), InvalidArgument, "2 or more");
  EXPECT_ERROR((void)make_model("dicke", {.sites = 3, .lattice = "chain"}), InvalidArgument,
               "unknown lattice");
  EXPECT_ERROR((void)make_model("dicke", {.sites = 3, .params = {{"nmax", "0"}}}), InvalidArgument,
               "from 1");
}

}  // namespace
}  // namespace kronsolve
