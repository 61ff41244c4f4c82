// Models beyond spin chains, each against a matrix built from its documented formula.

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numbers>

#include <kronsolve/core/random.hpp>
#include <kronsolve/operators/models.hpp>

#include "support/model_oracle.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using namespace test;
using std::numbers::pi;

/// Where the sites are in the plane; all nearest neighbours are at distance 1.
struct Geometry {
  std::array<double, 2> a1, a2;
  std::vector<std::array<double, 2>> cell;
};

Geometry geometry(const std::string& name) {
  const double h = std::sqrt(3.0) / 2;
  if (name == "triangular") return {{1, 0}, {-0.5, h}, {{0, 0}}};  // a1 + a2 is as short as a1
  if (name == "honeycomb") return {{1.5, h}, {1.5, -h}, {{0, 0}, {1, 0}}};
  if (name == "kagome") return {{2, 0}, {1, 2 * h}, {{0, 0}, {1, 0}, {0.5, h}}};
  return {{1, 0}, {0, 1}, {{0, 0}}};
}

/// Pairs at a distance, images included in cyclic directions that are long enough to add bonds.
Pairs neighbours(const std::string& name, int lx, int ly, bool cyclic_x, bool cyclic_y,
                 double distance = 1) {
  const Geometry g = geometry(name);
  const int cell = static_cast<int>(g.cell.size());
  const int least = cell == 1 ? 3 : 2;
  const int wx = cyclic_x && lx >= least ? 1 : 0, wy = cyclic_y && ly >= least ? 1 : 0;
  const auto position = [&](int x, int y, int s) {
    const auto& at = g.cell[static_cast<std::size_t>(s)];
    return std::array{x * g.a1[0] + y * g.a2[0] + at[0], x * g.a1[1] + y * g.a2[1] + at[1]};
  };
  Pairs pairs;
  const int n = lx * ly * cell;
  for (int i = 0; i < n; ++i)
    for (int j = i + 1; j < n; ++j)
      for (int u = -wx; u <= wx; ++u)
        for (int v = -wy; v <= wy; ++v) {
          const auto a = position(i / cell / ly, i / cell % ly, i % cell);
          const auto b = position(j / cell / ly + u * lx, j / cell % ly + v * ly, j % cell);
          if (std::abs(std::hypot(a[0] - b[0], a[1] - b[1]) - distance) < 1e-9)
            pairs.insert({i, j});
        }
  return pairs;
}

/// Of all images of a pair, the nearest.
double shortest(const std::string& name, int lx, int ly, int a, int b) {
  const Geometry g = geometry(name);
  const int cell = static_cast<int>(g.cell.size());
  const auto &from = g.cell[static_cast<std::size_t>(a % cell)],
             &to = g.cell[static_cast<std::size_t>(b % cell)];
  double least = 1e9;
  for (int u = -9; u <= 9; ++u)
    for (int v = -9; v <= 9; ++v) {
      const int x = b / cell / ly - a / cell / ly + u * lx,
                y = b / cell % ly - a / cell % ly + v * ly;
      least = std::min(least, std::hypot(x * g.a1[0] + y * g.a2[0] + to[0] - from[0],
                                         x * g.a1[1] + y * g.a2[1] + to[1] - from[1]));
    }
  return least;
}

Pairs as_pairs(const std::vector<Bond>& bonds) {
  Pairs pairs;
  for (const Bond& bond : bonds) pairs.insert(std::minmax(bond.a, bond.b));
  EXPECT_EQ(pairs.size(), bonds.size()) << "a pair is joined twice";
  return pairs;
}

TEST(Lattice, joins_sites_at_distance_one) {
  for (const std::string name : {"square", "ladder", "triangular", "honeycomb", "kagome"})
    for (int lx = 1; lx <= 4; ++lx)
      for (int ly = 1; ly <= 4; ++ly)
        for (const Cyclic cyclic : {Cyclic::none, Cyclic::x, Cyclic::y, Cyclic::all}) {
          const bool x = cyclic == Cyclic::x || cyclic == Cyclic::all;
          const bool y = cyclic == Cyclic::y || cyclic == Cyclic::all;
          const Lattice lattice = Lattice::make(name, {lx, ly}, cyclic);

          EXPECT_EQ(as_pairs(lattice.bonds()), neighbours(name, lx, ly, x, y))
              << name << " " << lx << "x" << ly << " " << x << y;
        }
}

TEST(Lattice, farther_neighbours_are_at_their_distance) {
  const double third = std::sqrt(3.0), second = std::sqrt(2.0);
  const std::map<std::string, std::vector<double>> distances = {
      {"square", {1, second, 2, std::sqrt(5.0)}},
      {"triangular", {1, third, 2, std::sqrt(7.0)}},
      {"honeycomb", {1, third, 2, std::sqrt(7.0)}},
      {"kagome", {1, third, 2, std::sqrt(7.0)}}};
  for (const auto& [name, of] : distances)
    for (const auto& [lx, ly] : {std::pair{5, 5}, std::pair{6, 5}, std::pair{3, 4}})
      for (const bool cyclic : {false, true}) {
        if (cyclic && std::min(lx, ly) < 5)
          continue;  // pairs of short rings have several distances
        const Lattice lattice = Lattice::make(name, {lx, ly}, cyclic ? Cyclic::all : Cyclic::none);
        for (int n = 1; n <= 4; ++n) {
          const double d = of[static_cast<std::size_t>(n) - 1];
          const Pairs pairs = as_pairs(lattice.neighbours(n));

          EXPECT_EQ(pairs, neighbours(name, lx, ly, cyclic, cyclic, d)) << name << lx << ly << n;
          for (const auto& [a, b] : pairs) EXPECT_NEAR(lattice.distance(a, b), d, 1e-12) << name;
        }
      }
  EXPECT_EQ(as_pairs(Lattice::chain(4, Cyclic::x).neighbours(2)), (Pairs{{0, 2}, {1, 3}}));
  EXPECT_ERROR((void)Lattice::star(4).neighbours(2), NotSupported, "graph");
  EXPECT_ERROR((void)Lattice::chain(4).neighbours(0), InvalidArgument, "from 1");
}

TEST(Lattice, distances_go_the_shortest_way_round) {
  for (const std::string name : {"square", "triangular", "honeycomb", "kagome"})
    for (const auto& [lx, ly] : {std::pair{3, 3}, std::pair{2, 7}, std::pair{7, 2}}) {
      const Lattice lattice = Lattice::make(name, {lx, ly}, Cyclic::all);
      for (int a = 0; a < lattice.sites(); ++a)
        for (int b = 0; b < lattice.sites(); ++b)
          ASSERT_NEAR(lattice.distance(a, b), shortest(name, lx, ly, a, b), 1e-12)
              << name << lx << ly << " " << a << " " << b;
    }
  EXPECT_NEAR(Lattice::square(4, 4, Cyclic::x).distance(0, 15), std::hypot(1, 3), 1e-12);
  EXPECT_NEAR(Lattice::chain(6).distance(0, 5), 5, 1e-12);
}

TEST(Lattice, layers_go_where_their_places_go) {
  const Lattice one = Lattice::square(3, 3, Cyclic::all), two = one.with_layers(2);
  EXPECT_EQ(two.sites(), 18);
  EXPECT_EQ(two.bonds().size(), 18u + 9u);
  const auto check = [&](const SitePermutation& single, const SitePermutation& both) {
    for (std::size_t i = 0; i < single.size(); ++i)
      for (std::size_t l = 0; l < 2; ++l)
        EXPECT_EQ(both[2 * i + l], 2 * single[i] + static_cast<int>(l));
  };
  for (const int d : {0, 1}) {
    check(*one.translation(d), *two.translation(d));
    check(*one.reflection(d), *two.reflection(d));
  }
  check(one.rotation()->image, two.rotation()->image);
  check(*one.diagonal_reflection(), *two.diagonal_reflection());
  EXPECT_EQ(two.position(9), one.position(4));
}

TEST(Lattice, clusters_repeat_themselves_by_their_vectors) {
  const std::vector<ClusterVectors> all = {{{{3, 1}, {-1, 3}}}, {{{4, 2}, {-2, 4}}},
                                           {{{3, 3}, {-3, 3}}}, {{{4, 0}, {1, -3}}},
                                           {{{-2, 5}, {4, 1}}}, {{{0, 3}, {4, 1}}}};
  for (const std::string name : {"square", "triangular", "honeycomb", "kagome"})
    for (const auto& v : all) {
      SCOPED_TRACE(::testing::Message()
                   << name << " " << v[0][0] << "," << v[0][1] << ";" << v[1][0] << "," << v[1][1]);
      const Lattice lattice = Lattice::make_cluster(name, v);
      const int cells = std::abs(v[0][0] * v[1][1] - v[0][1] * v[1][0]);
      ASSERT_EQ(lattice.sites(), cells * lattice.sites_per_cell());
      // Neighbours: an image at distance 1, by the vectors alone.
      const Geometry g = geometry(name);
      Pairs expected;
      for (int i = 0; i < lattice.sites(); ++i)
        for (int j = i + 1; j < lattice.sites(); ++j)
          for (int m = -9; m <= 9; ++m)
            for (int n = -9; n <= 9; ++n) {
              const auto from = lattice.position(i), to = lattice.position(j);
              const double u = to[0] - from[0] + m * v[0][0] + n * v[1][0];
              const double w = to[1] - from[1] + m * v[0][1] + n * v[1][1];
              if (std::abs(std::hypot(u * g.a1[0] + w * g.a2[0], u * g.a1[1] + w * g.a2[1]) - 1) <
                  1e-9)
                expected.insert({i, j});
            }
      EXPECT_EQ(as_pairs(lattice.bonds()), expected);
      // One step and the other commute, and v steps lead back.
      const auto x = *lattice.translation(0), y = *lattice.translation(1);
      const auto walk = [&](int site, int along, const SitePermutation& step) {
        SitePermutation back(step.size());
        for (std::size_t i = 0; i < step.size(); ++i)
          back[static_cast<std::size_t>(step[i])] = static_cast<int>(i);
        for (int k = 0; k < std::abs(along); ++k)
          site = (along > 0 ? step : back)[static_cast<std::size_t>(site)];
        return site;
      };
      for (int i = 0; i < lattice.sites(); ++i) {
        EXPECT_EQ(walk(walk(i, 1, x), 1, y), walk(walk(i, 1, y), 1, x));
        for (const auto& vector : v) EXPECT_EQ(walk(walk(i, vector[0], x), vector[1], y), i);
      }
      // As many momenta as cells, each with whole turns along both vectors.
      std::set<std::array<int, 2>> seen;
      for (const auto& m : lattice.momenta()) {
        const auto k = lattice.momentum(m);
        seen.insert(k.turns);
        for (const auto& vector : v)
          EXPECT_EQ((k.turns[0] * vector[0] + k.turns[1] * vector[1]) % k.of, 0);
      }
      EXPECT_EQ(std::ssize(seen), cells);
    }
  const Lattice ten = Lattice::make_cluster("square", {{{3, 1}, {-1, 3}}});
  EXPECT_EQ(ten.momentum({1, 0}).turns, (std::array{3, 1}));  // (0.3, 0.1): 1 along A, 0 along B
  EXPECT_EQ(ten.momentum({0, 1}).turns, (std::array{9, 3}));
  EXPECT_EQ(ten.momentum({0, 1}).of, 10);
  EXPECT_EQ(as_pairs(Lattice::make_cluster("square", {{{4, 0}, {0, 4}}}).bonds()),
            as_pairs(Lattice::square(4, 4, Cyclic::all).bonds()));
  const auto order = [](const char* name, ClusterVectors v) {
    return Lattice::make_cluster(name, v).rotation().value().order;
  };
  EXPECT_EQ(order("square", {{{3, 1}, {-1, 3}}}), 4);
  EXPECT_EQ(order("square", {{{4, 0}, {1, 3}}}), 2);
  EXPECT_EQ(order("triangular", {{{3, 3}, {-3, 6}}}), 2);
  EXPECT_EQ(order("triangular", {{{4, 2}, {2, 4}}}), 6);
  EXPECT_EQ(order("kagome", {{{2, 2}, {-2, 4}}}), 6);
  EXPECT_FALSE(Lattice::make_cluster("square", {{{3, 1}, {-1, 3}}}).reflection(0).has_value());
  EXPECT_TRUE(Lattice::make_cluster("square", {{{3, 3}, {-3, 3}}}).reflection(0).has_value());
  EXPECT_TRUE(
      Lattice::make_cluster("square", {{{3, 3}, {-3, 3}}}).diagonal_reflection().has_value());
  EXPECT_ERROR((void)Lattice::make_cluster("square", {{{1, 1}, {2, 2}}}), InvalidArgument,
               "parallel");
  EXPECT_ERROR((void)Lattice::make_cluster("chain", {{{1, 1}, {2, 3}}}), InvalidArgument,
               "not from 'chain'");
}

TEST(Lattice, a_star_and_a_complete_graph) {
  EXPECT_EQ(as_pairs(Lattice::star(4).bonds()), (Pairs{{0, 1}, {0, 2}, {0, 3}}));
  EXPECT_EQ(Lattice::complete(5).bonds().size(), 10u);
  EXPECT_ERROR((void)Lattice::make("star", {4}, Cyclic::x), InvalidArgument, "no direction");
  EXPECT_ERROR((void)Lattice::complete(0), InvalidArgument, "[1, 2000], got 0");
}

TEST(Lattice, edges_have_kinds_and_weights) {
  const Lattice graph = Lattice::from_edges(3, {{0, 1, 2, 0.5}, {1, 2, 0, -3}, {1, 0, 2, 0.5}});
  EXPECT_EQ(graph.bonds(), (std::vector<Bond>{{0, 1, 2, 0.5}, {1, 2, 0, -3}}));
  EXPECT_ERROR((void)Lattice::from_edges(3, {{0, 1, 0, 0.5}, {1, 0, 0, 0.25}}), InvalidArgument,
               "given twice");
  const Spins s{3, 1};
  const Model model =
      make_model("heisenberg", {.lattice = "edges", .edges = {{0, 1, 0, 0.5}, {1, 2, 0, -3}}});
  EXPECT_LT(difference(model, s.exchange(0, 1, {0.5, 0.5, 0.5}) + s.exchange(1, 2, {-3, -3, -3})),
            rounding);
}

TEST(Lattice, known_clusters_have_the_right_coordination) {
  EXPECT_EQ(Lattice::kagome(2, 2, Cyclic::all).bonds().size(), 24u);  // 12 sites, 4 neighbours each
  EXPECT_EQ(Lattice::honeycomb(3, 3, Cyclic::all).bonds().size(), 27u);   // 18 sites, 3
  EXPECT_EQ(Lattice::triangular(3, 3, Cyclic::all).bonds().size(), 27u);  // 9 sites, 6
  EXPECT_EQ(Lattice::square(4, 4, Cyclic::all).neighbours(2).size(), 32u);
  EXPECT_EQ(Lattice::square(3, 2, Cyclic::all).bonds().size(), 9u);
}

TEST(Lattice, symmetries_map_bonds_to_bonds) {
  for (const std::string name : {"square", "ladder", "triangular", "honeycomb", "kagome"}) {
    const Lattice lattice = Lattice::make(name, {3, 4}, Cyclic::all);
    const Pairs pairs = as_pairs(lattice.bonds());
    const auto image = [&](const SitePermutation& p) {
      Pairs mapped;
      for (const auto& [a, b] : pairs)
        mapped.insert(std::minmax(p[static_cast<std::size_t>(a)], p[static_cast<std::size_t>(b)]));
      return mapped;
    };
    for (const int direction : {0, 1}) {
      EXPECT_EQ(image(lattice.translation(direction).value()), pairs) << name;
      if (name == "square") {
        EXPECT_EQ(image(lattice.reflection(direction).value()), pairs);
      }
    }
  }
  EXPECT_FALSE(Lattice::square(3, 3, Cyclic::x).translation(1).has_value());
  EXPECT_FALSE(Lattice::kagome(2, 2).reflection(0).has_value());
  EXPECT_EQ(*Lattice::chain(3).reflection(0), (SitePermutation{2, 1, 0}));
}

TEST(Lattice, of_edges_is_checked) {
  EXPECT_EQ(Lattice::from_edges(4, {{0, 3}, {3, 0}, {1, 2}}).bonds().size(), 2u);
  EXPECT_ERROR(Lattice::from_edges(4, {{0, 4}}), InvalidArgument, "[0, 3], got 4");
  EXPECT_ERROR(Lattice::from_edges(4, {{2, 2}}), InvalidArgument, "to itself");
  EXPECT_ERROR(Lattice::square(0, 3), InvalidArgument, "at least 1, got 0");
  EXPECT_ERROR(Lattice::make("kagome", {3}, Cyclic::none), InvalidArgument, "2 lengths");
}

TEST(LatticeModels, spins_on_lattices_equal_their_formulas) {
  struct Case {
    const char *model, *lattice;
    int lx, ly;
  };
  for (const Case& c : {Case{"heisenberg2d", "square", 3, 3}, Case{"heisenberg2d", "square", 2, 4},
                        Case{"heisenberg2d", "square", 1, 4}, Case{"kagome", "kagome", 1, 2},
                        Case{"triangular", "triangular", 3, 3}})
    for (const bool cyclic : {false, true}) {
      if (!cyclic && c.lx * c.ly == 9) continue;
      const Model model = make_model(c.model, {.size = {c.lx, c.ly},
                                               .cyclic = cyclic ? Cyclic::all : Cyclic::none,
                                               .params = {{"j", "0.9"}, {"bz", "0.2"}}});
      const Spins s{model.op.sites(), 1};
      EXPECT_LT(difference(model, heisenberg(s, neighbours(c.lattice, c.lx, c.ly, cyclic, cyclic),
                                             {0.9, 0.9, 0.9}, {0, 0, 0.2})),
                rounding)
          << c.model << c.lx << c.ly;
    }
}

TEST(LatticeModels, every_spin_model_lives_on_given_edges_and_lattices) {
  const Spins s{5, 1};
  const Pairs pairs = {{0, 3}, {1, 2}, {2, 4}};
  const Model graph = make_model("xxz", {.sites = 5,
                                         .lattice = "edges",
                                         .edges = {{3, 0}, {1, 2}, {4, 2}, {2, 4}},
                                         .params = {{"delta", "0.3"}}});
  EXPECT_LT(difference(graph, heisenberg(s, pairs, {1, 1, 0.3}, {})), rounding);
  const Model ising = make_model("ising", {.size = {2, 3}});
  EXPECT_LT(difference(ising, heisenberg({6, 1}, neighbours("square", 2, 3, false, false),
                                         {0, 0, 1}, {1, 0, 0})),
            rounding);
  const Model honey =
      make_model("heisenberg", {.size = {2, 2}, .cyclic = Cyclic::all, .lattice = "honeycomb"});
  EXPECT_LT(difference(honey, heisenberg({8, 1}, neighbours("honeycomb", 2, 2, true, true),
                                         {1, 1, 1}, {})),
            rounding);
}

TEST(LatticeModels, ladder_tells_rungs_from_legs) {
  const Model model = make_model(
      "ladder", {.size = {2, 3}, .cyclic = Cyclic::all, .params = {{"jr", "0.5"}, {"jl", "2"}}});
  const Spins s{6, 1};
  const Pairs rungs = {{0, 3}, {1, 4}, {2, 5}},
              legs = {{0, 1}, {1, 2}, {0, 2}, {3, 4}, {4, 5}, {3, 5}};
  EXPECT_LT(difference(model, heisenberg(s, rungs, {0.5, 0.5, 0.5}, {}) +
                                  heisenberg(s, legs, {2, 2, 2}, {})),
            rounding);
}

TEST(LatticeModels, frustrated_square) {
  const Model model = make_model("j1j2", {.size = {3, 3}, .cyclic = Cyclic::all});
  const Spins s{9, 1};
  Pairs diagonals;
  for (int x = 0; x < 3; ++x)
    for (int y = 0; y < 3; ++y)
      for (const int d : {1, 2})
        diagonals.insert(std::minmax(x * 3 + y, (x + 1) % 3 * 3 + (y + d) % 3));
  EXPECT_LT(difference(model, heisenberg(s, neighbours("square", 3, 3, true, true), {1, 1, 1}, {}) +
                                  heisenberg(s, diagonals, {0.5, 0.5, 0.5}, {})),
            rounding);
}

TEST(LatticeModels, aklt_is_a_polynomial_of_the_exchange) {
  for (const bool cyclic : {false, true}) {
    const Spins s{4, 2};
    DenseMatrix h = s.zero();
    for (int i = 0; i < (cyclic ? 4 : 3); ++i) {
      const DenseMatrix x = s.exchange(i, (i + 1) % 4, {1, 1, 1});
      h += 2 * (x + x * x / 3);
    }
    EXPECT_LT(difference(make_model("aklt", {.sites = 4,
                                             .cyclic = cyclic ? Cyclic::all : Cyclic::none,
                                             .params = {{"j", "2"}}}),
                         h),
              rounding);
  }
}

TEST(LatticeModels, pairs_at_all_distances) {
  for (const int n : {2, 5, 6}) {
    const Spins s{n, 1};
    DenseMatrix shastry = s.zero(), open = s.zero(), ring = s.zero();
    for (int i = 0; i < n; ++i)
      for (int k = i + 1; k < n; ++k) {
        shastry += s.exchange(i, k, {1, 1, 1}) * std::pow(pi / n / std::sin(pi * (i - k) / n), 2);
        open += s.exchange(i, k, {1, 1, 0.5}) / std::pow(k - i, 3);
        ring += s.exchange(i, k, {1, 1, 1}) / std::pow(std::min(k - i, n - k + i), 2);
      }
    EXPECT_LT(difference(make_model("haldane-shastry", {.sites = n}), shastry), rounding);
    EXPECT_LT(difference(
                  make_model("long-range", {.sites = n, .params = {{"alpha", "3"}, {"jz", "0.5"}}}),
                  open),
              rounding);
    EXPECT_LT(difference(make_model("long-range", {.sites = n, .cyclic = Cyclic::x}), ring),
              rounding);
  }
}

// ---- particles ----

TEST(LatticeModels, bosons_equal_their_formulas) {
  for (const bool cyclic : {false, true}) {
    for (const int nmax : {1, 2}) {
      const int n = 4, d = nmax + 1;
      const auto size = static_cast<Index>(std::pow(d, n) + 0.5);
      std::vector<DenseMatrix> b;
      for (int i = 0; i < n; ++i) b.push_back(at_site(boson_create(d), i, n));
      DenseMatrix hard = DenseMatrix::Zero(size, size), soft = hard;
      for (std::size_t i = 0; i < 4; ++i) {
        const DenseMatrix number = b[i] * b[i].adjoint();
        soft += 1.5 * (number * number - number) - 0.2 * number;
        hard -= number;
        if (i + 1 == 4 && !cyclic) continue;
        const std::size_t k = (i + 1) % 4;
        const DenseMatrix hop = b[i] * b[k].adjoint() + b[k] * b[i].adjoint();
        soft -= 0.7 * hop;
        hard += -0.5 * hop + number * b[k] * b[k].adjoint();
      }
      const Cyclic c = cyclic ? Cyclic::x : Cyclic::none;
      EXPECT_LT(difference(make_model("bose-hubbard", {.sites = n,
                                                       .cyclic = c,
                                                       .params = {{"t", "0.7"},
                                                                  {"U", "3"},
                                                                  {"mu", "0.2"},
                                                                  {"nmax", std::to_string(nmax)}}}),
                           soft),
                rounding);
      if (nmax == 1) {
        EXPECT_LT(difference(make_model("hubbard-hardcore", {.sites = n, .cyclic = c}), hard),
                  rounding);
      }
    }
  }
}

TEST(LatticeModels, hubbard_and_tj_equal_their_formulas) {
  for (const bool cyclic : {false, true}) {
    const int n = 3;
    const Electrons e(n);
    const double t = 0.8, u = 3, mu = 0.3, j = 0.6;
    std::vector<std::array<DenseMatrix, 2>> c;
    for (int i = 0; i < n; ++i) c.push_back({e.create(i, 0), e.create(i, 1)});
    const auto number = [&](std::size_t i, std::size_t s) -> DenseMatrix {
      return c[i][s] * c[i][s].adjoint();
    };
    DenseMatrix hopping = DenseMatrix::Zero(64, 64), onsite = hopping, chemical = hopping,
                exchange = hopping;
    for (std::size_t i = 0; i < 3; ++i) {
      onsite += u * number(i, 0) * number(i, 1);
      chemical -= mu * (number(i, 0) + number(i, 1));
      if (i == 2 && !cyclic) continue;
      const std::size_t k = (i + 1) % 3;
      for (const std::size_t s : {0u, 1u})
        hopping -= t * (c[i][s] * c[k][s].adjoint() + c[k][s] * c[i][s].adjoint());
      const DenseMatrix flip = c[i][0] * c[i][1].adjoint() * c[k][1] * c[k][0].adjoint();
      const DenseMatrix zi = (number(i, 0) - number(i, 1)) / 2,
                        zk = (number(k, 0) - number(k, 1)) / 2;
      const DenseMatrix ni = number(i, 0) + number(i, 1), nk = number(k, 0) + number(k, 1);
      exchange += j * ((flip + flip.adjoint()) / 2 + zi * zk - ni * nk / 4);
    }
    const Cyclic close = cyclic ? Cyclic::all : Cyclic::none;
    EXPECT_LT(
        difference(make_model("hubbard", {.sites = n,
                                          .cyclic = close,
                                          .params = {{"t", "0.8"}, {"U", "3"}, {"mu", "0.3"}}}),
                   hopping + onsite + chemical),
        rounding);

    // States without doubly occupied sites, in order: digits 0, 1, 2.
    const DenseMatrix whole = hopping + chemical + exchange;
    std::vector<Index> kept;
    for (Index state = 0; state < 64; ++state)
      if (state % 4 != 3 && state / 4 % 4 != 3 && state / 16 != 3) kept.push_back(state);
    DenseMatrix projected(27, 27);
    for (Index a = 0; a < 27; ++a)
      for (Index b = 0; b < 27; ++b)
        projected(a, b) =
            whole(kept[static_cast<std::size_t>(a)], kept[static_cast<std::size_t>(b)]);
    EXPECT_LT(difference(make_model("tj", {.sites = n,
                                           .cyclic = close,
                                           .params = {{"t", "0.8"}, {"J", "0.6"}, {"mu", "0.3"}}}),
                         projected),
              rounding);
  }
}

TEST(LatticeModels, syk_couples_all_majorana_fermions) {
  const int n = 4;
  std::vector<DenseMatrix> chi;
  for (int i = 0; i < n; ++i) {
    const DenseMatrix c = fermion_create(i, n);
    chi.push_back((c + c.adjoint()) / std::sqrt(2.0));
    chi.push_back((c - c.adjoint()) * Complex(0, 1) / std::sqrt(2.0));
  }
  const CounterRandom random(11);
  DenseMatrix h = DenseMatrix::Zero(16, 16);
  std::uint64_t at = 0;
  for (std::size_t d = 0; d < 8; ++d)
    for (std::size_t c = 0; c < d; ++c)
      for (std::size_t b = 0; b < c; ++b)
        for (std::size_t a = 0; a < b; ++a)
          h += 2 * std::sqrt(6.0 / 512) * random.normal(at++) * chi[a] * chi[b] * chi[c] * chi[d];
  EXPECT_LT((chi[3] * chi[3] - DenseMatrix::Identity(16, 16) / 2.0).norm(), rounding);
  EXPECT_LT(difference(make_model("syk", {.sites = n, .params = {{"j", "2"}, {"seed", "11"}}}), h),
            rounding);
}

TEST(LatticeModels, what_a_model_does_not_have_is_refused) {
  const auto make = [](const char* name, ModelOptions options) { (void)make_model(name, options); };

  EXPECT_ERROR(make("heisenberg2d", {.sites = 9}), InvalidArgument, "needs a size");
  EXPECT_ERROR(make("hubbard", {.sites = 4, .spin = "1"}), InvalidArgument,
               "spin cannot be chosen");
  EXPECT_ERROR(make("aklt", {.sites = 4, .spin = "1/2"}), InvalidArgument, "spin cannot be chosen");
  EXPECT_ERROR(make("syk", {.sites = 1}), InvalidArgument, "at least 2 sites");
  EXPECT_ERROR(make("bose-hubbard", {.sites = 4, .params = {{"nmax", "0"}}}), InvalidArgument,
               "from 1");
  EXPECT_ERROR(make("haldane-shastry", {.size = {2, 2}}), InvalidArgument, "1 length");
  EXPECT_ERROR(make("long-range", {.size = {2, 2}, .lattice = "square"}), InvalidArgument,
               "unknown lattice");
}

}  // namespace
}  // namespace kronsolve
