// Symmetry sectors: their spectra together are the full spectrum, their sizes those of Burnside's
// formula, and they are the same on any number of ranks.

#include <algorithm>
#include <cmath>

#include <Eigen/Dense>

#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/rows.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/operators/symmetry_basis.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using Complex = std::complex<double>;
using test::world;
using Values = std::vector<double>;
using Conditions = std::vector<std::string>;

template <Scalar T>
Values eigenvalues(const OpSum& op, const Basis& basis) {
  const auto rows = build_rows<T>(op, basis, {0, basis.size()});
  require_valid(rows, "sector");
  Eigen::Matrix<T, -1, -1> m = Eigen::Matrix<T, -1, -1>::Zero(basis.size(), basis.size());
  for (index_t row = 0; row < basis.size(); ++row)
    for (std::size_t e = 0; e < rows.row_columns(row).size(); ++e)
      m(row, rows.row_columns(row)[e]) = rows.row_values(row)[e];
  EXPECT_LT((m - m.adjoint()).norm(), 1e-11);
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix<T, -1, -1>> solver(m, Eigen::EigenvaluesOnly);
  return {solver.eigenvalues().begin(), solver.eigenvalues().end()};
}

Values eigenvalues(const SectorOperator& h) {
  return h.scalar() == ScalarKind::real ? eigenvalues<double>(h.op, *h.basis)
                                        : eigenvalues<Complex>(h.op, *h.basis);
}

/// All combinations of values of the conditions, contradicting and empty ones left out; spectra
/// joined.
Values union_of_sectors(const Model& model, const std::vector<Conditions>& choices) {
  const Comm serial;
  Values all;
  std::vector<std::size_t> pick(choices.size(), 0);
  while (true) {
    Conditions conditions;
    for (std::size_t k = 0; k < choices.size(); ++k) conditions.push_back(choices[k][pick[k]]);
    std::optional<Sector> sector;
    try {
      sector = parse_sector(model.op.spaces(), model.lattice, conditions);
    } catch (const InvalidArgument&) {
    }
    if (sector && sector_size(*sector) > 0) {
      const auto h = in_sector(serial, model.op, *sector);
      EXPECT_EQ(h.basis->size(), sector_size(*sector));
      const auto values = eigenvalues(h);
      all.insert(all.end(), values.begin(), values.end());
    }
    std::size_t k = 0;
    while (k < choices.size() && ++pick[k] == choices[k].size()) pick[k++] = 0;
    if (k == choices.size()) break;
  }
  std::sort(all.begin(), all.end());
  return all;
}

Conditions range(const std::string& name, int first, int last, int step = 1) {
  Conditions all;
  for (int v = first; v <= last; v += step) all.push_back(name + "=" + std::to_string(v));
  return all;
}
Conditions signs(const std::string& name) { return {name + "=1", name + "=-1"}; }
Conditions all_sz(int twice_most) {
  Conditions all;
  for (int twice = -twice_most; twice <= twice_most; twice += 2)
    all.push_back(twice % 2 == 0 ? "sz=" + std::to_string(twice / 2)
                                 : "sz=" + std::to_string(twice) + "/2");
  return all;
}

void expect_union(const char* name, ModelOptions options, const std::vector<Conditions>& choices) {
  const Model model = make_model(name, options);
  SCOPED_TRACE(::testing::Message()
               << name << " on " << model.op.sites() << " sites, " << choices.back().back());
  auto whole = eigenvalues(on_full_space(model.op));
  const auto parts = union_of_sectors(model, choices);

  ASSERT_EQ(parts.size(), whole.size());
  double most = 0;
  for (std::size_t i = 0; i < whole.size(); ++i)
    most = std::max(most, std::abs(whole[i] - parts[i]));
  EXPECT_LT(most, 1e-12 * std::max(1.0, std::abs(whole.front())) * 10);
}

constexpr Cyclic ring = Cyclic::all;

TEST(SectorUnion, translations_of_spin_chains) {
  for (int n = 1; n <= 9; ++n) {
    expect_union("heisenberg", {.sites = n, .cyclic = ring},
                 {all_sz(n), range("momentum", 0, n - 1)});
    if (n <= 8) expect_union("ising", {.sites = n, .cyclic = ring}, {range("momentum", 0, n - 1)});
    if (n <= 8)
      expect_union("xxz", {.sites = n, .cyclic = ring, .params = {{"delta", "0.3"}, {"bz", "0.2"}}},
                   {all_sz(n), range("momentum", 0, n - 1)});
    if (n <= 7) expect_union("j1j2", {.sites = n, .cyclic = ring}, {range("momentum", 0, n - 1)});
  }
  for (int n = 2; n <= 5; ++n)
    expect_union("heisenberg", {.sites = n, .cyclic = ring, .spin = "1"},
                 {all_sz(2 * n), range("momentum", 0, n - 1)});
}

TEST(SectorUnion, reflection_and_flip) {
  for (int n = 1; n <= 8; ++n) {
    expect_union("heisenberg", {.sites = n}, {signs("reflection"), signs("spinflip")});
    expect_union("ising", {.sites = n}, {signs("spinflip"), signs("reflection")});
    if (n % 2 == 0)
      expect_union("heisenberg", {.sites = n}, {range("parity", 0, 1), signs("spinflip")});
  }
  expect_union("aklt", {.sites = 4}, {signs("reflection"), signs("spinflip")});
  expect_union("haldane-shastry", {.sites = 6}, {range("momentum", 0, 5), signs("spinflip")});
}

TEST(SectorUnion, translation_and_reflection_where_they_agree) {
  // Only momenta 0 and pi have states that reflection maps on themselves: their two signs together
  // are the momentum sector.
  for (int n = 2; n <= 9; ++n) {
    const Model model =
        make_model("heisenberg", {.sites = n, .cyclic = ring, .params = {{"jz", "0.7"}}});
    for (const int m : {0, n / 2}) {
      if (2 * m % n != 0) continue;
      const auto momentum = range("momentum", m, m);
      EXPECT_EQ(union_of_sectors(model, {momentum, signs("reflection"), signs("spinflip")}).size(),
                union_of_sectors(model, {momentum}).size());
      const auto a = union_of_sectors(model, {momentum, signs("reflection"), signs("spinflip")});
      const auto b = union_of_sectors(model, {momentum});
      for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-11);
    }
  }
}

TEST(SectorUnion, two_dimensions) {
  const auto mx = [](int l) { return range("momentum-x", 0, l - 1); };
  const auto my = [](int l) { return range("momentum-y", 0, l - 1); };
  expect_union("heisenberg2d", {.size = {3, 3}, .cyclic = ring}, {all_sz(9), mx(3), my(3)});
  for (int l = 1; l <= 4; ++l) {
    expect_union("heisenberg2d", {.size = {2, l}, .cyclic = ring}, {mx(2), my(l)});
    expect_union("ladder", {.size = {2, l}, .cyclic = Cyclic::y, .params = {{"jr", "0.5"}}},
                 {signs("reflection-x"), my(l)});
  }
  expect_union("triangular", {.size = {3, 3}, .cyclic = ring}, {all_sz(9), mx(3), my(3)});
  expect_union("kagome", {.size = {2, 1}, .cyclic = ring}, {all_sz(6), mx(2)});
  expect_union("heisenberg2d", {.size = {2, 3}},
               {signs("reflection-x"), signs("reflection-y"), signs("spinflip")});
}

TEST(SectorUnion, fermions_keep_their_signs) {
  for (int n = 1; n <= 4; ++n) {
    expect_union("hubbard", {.sites = n, .cyclic = ring},
                 {range("nup", 0, n), range("ndown", 0, n), range("momentum", 0, n - 1)});
    expect_union("hubbard", {.sites = n, .cyclic = ring},
                 {range("momentum", 0, n - 1), signs("spinflip")});
    expect_union("hubbard", {.sites = n},
                 {signs("reflection"), signs("spinflip"), range("n", 0, 2 * n)});
  }
  for (int n = 2; n <= 5; ++n) {
    expect_union("tj", {.sites = n, .cyclic = ring},
                 {range("n", 0, n), range("momentum", 0, n - 1)});
    expect_union("tj", {.sites = n}, {signs("reflection"), signs("spinflip")});
  }
  expect_union("hubbard", {.size = {2, 2}, .cyclic = ring},
               {range("n", 0, 8), range("momentum-x", 0, 1), range("momentum-y", 0, 1)});
}

TEST(SectorUnion, bosons) {
  for (int n = 2; n <= 5; ++n) {
    const std::string nmax = n <= 4 ? "3" : "2";
    expect_union("bose-hubbard", {.sites = n, .cyclic = ring, .params = {{"nmax", nmax}}},
                 {range("n", 0, 3 * n), range("momentum", 0, n - 1)});
    expect_union("bose-hubbard", {.sites = n, .params = {{"nmax", "2"}}},
                 {signs("reflection"), range("parity", 0, 1)});
  }
  expect_union("hubbard-hardcore", {.sites = 7, .cyclic = ring},
               {range("n", 0, 7), range("momentum", 0, 6)});
}

TEST(SectorSize, is_known_without_listing) {
  const auto size = [](int n, Conditions conditions) {
    return sector_size(parse_sector(std::vector<LocalSpace>(static_cast<std::size_t>(n)),
                                    Lattice::chain(n, ring), conditions));
  };

  EXPECT_EQ(size(32, {"sz=0", "momentum=0"}), 18784170);
  EXPECT_EQ(size(32, {"sz=0", "momentum=0", "reflection=1", "spinflip=1"}), 4707969);
  EXPECT_EQ(size(36, {"sz=0"}), 9075135300);
  index_t sum = 0;
  for (int m = 0; m < 36; ++m) sum += size(36, {"sz=0", "momentum=" + std::to_string(m)});
  EXPECT_EQ(sum, 9075135300);
  EXPECT_EQ(size(24, {"momentum=5"}) + size(24, {"momentum=-5"}), 2 * size(24, {"momentum=5"}));
  EXPECT_EQ(size(62, {}), index_t{1} << 62);
}

TEST(SectorRequest, is_refused_with_the_reason) {
  const std::vector<LocalSpace> spins(6);
  const Lattice chain = Lattice::chain(6, ring), open = Lattice::chain(6);
  const auto parse = [&](Conditions c, const Lattice& lattice) {
    (void)parse_sector(spins, lattice, c);
  };

  EXPECT_ERROR(parse({"momentun=0"}, chain), InvalidArgument, "did you mean momentum");
  EXPECT_ERROR(parse({"sz"}, chain), InvalidArgument, "name=value");
  EXPECT_ERROR(parse({"momentum=x"}, chain), InvalidArgument, "whole number");
  EXPECT_ERROR(parse({"momentum=0,1"}, chain), InvalidArgument, "open along y");
  EXPECT_ERROR(parse({"momentum=0"}, open), InvalidArgument, "open along x");
  EXPECT_ERROR(parse({"reflection=2"}, chain), InvalidArgument, "1 or -1");
  EXPECT_ERROR(parse({"spinflip=0"}, chain), InvalidArgument, "1 or -1");
  EXPECT_ERROR(parse({"momentum=0", "momentum=1"}, chain), InvalidArgument, "given twice");
  EXPECT_ERROR(parse({"sz=0", "sz=1"}, chain), InvalidArgument, "given twice");
  EXPECT_ERROR(parse({"sz=1", "spinflip=1"}, chain), InvalidArgument, "the flip leads to sz=-1");
  EXPECT_ERROR(parse({"momentum=1", "reflection=1"}, chain), InvalidArgument, "[momentum=1]");
  EXPECT_ERROR(parse({"momentum=1", "reflection=1"}, chain), InvalidArgument,
               "are the same, the characters asked for are");
  EXPECT_NO_THROW(parse({"momentum=3", "reflection=-1"}, chain));
  EXPECT_NO_THROW(parse({"momentum=-3"}, chain));
  EXPECT_ERROR(parse_sector(spins, Lattice::square(2, 3, ring), {"momentum=1"}), InvalidArgument,
               "momentum=mx,my");
  EXPECT_ERROR(parse_sector(spins, Lattice::square(2, 3, ring), {"reflection=1"}), InvalidArgument,
               "reflection-x");
  EXPECT_ERROR(parse_sector(std::vector<LocalSpace>(4, LocalSpace::boson(3)), Lattice::chain(4),
                            {"spinflip=1"}),
               InvalidArgument, "no site has a spin");
  EXPECT_ERROR(parse_sector(std::vector<LocalSpace>(2, LocalSpace::electron()), Lattice::chain(2),
                            {"nup=1", "spinflip=1"}),
               InvalidArgument, "other values of nup");
  EXPECT_NO_THROW(parse_sector(std::vector<LocalSpace>(2, LocalSpace::electron()),
                               Lattice::chain(2), {"nup=1", "ndown=1", "spinflip=1"}));
}

TEST(SectorRequest, rotations_mirrors_and_permutations) {
  const auto parse = [](const Lattice& lattice, Conditions conditions) {
    return parse_sector(std::vector<LocalSpace>(static_cast<std::size_t>(lattice.sites())), lattice,
                        conditions);
  };
  const Lattice chain = Lattice::chain(3, ring);
  // momentum=1 is the phase exp(-2 pi i/3) under i -> i+1.
  const auto momentum = parse(chain, {"momentum=1"}).generators[0],
             permutation = parse(chain, {"permutation=1,2,0:2/3"}).generators[0];
  EXPECT_EQ(momentum.image, permutation.image);
  EXPECT_EQ(momentum.turns * permutation.of, permutation.turns * momentum.of);
  EXPECT_EQ(parse(Lattice::square(2, 2, ring), {"rotation=-1"}).conditions,
            Conditions{"rotation=3"});

  EXPECT_ERROR(parse(chain, {"rotation=0"}), InvalidArgument, "has no rotation");
  EXPECT_ERROR(parse(chain, {"reflection-d=1"}), InvalidArgument, "no such reflection");
  EXPECT_ERROR(parse(Lattice::square(2, 3), {"reflection-d=1"}), InvalidArgument,
               "no such reflection");
  EXPECT_ERROR(parse(Lattice::kagome(2, 2), {"rotation=0"}), InvalidArgument, "has no rotation");
  EXPECT_ERROR(parse(Lattice::square(2, 2), {"rotation=x"}), InvalidArgument, "whole number");
  EXPECT_ERROR(parse(chain, {"permutation=1,1,0"}), InvalidArgument, "each of the 3 sites once");
  EXPECT_ERROR(parse(chain, {"permutation=1,0"}), InvalidArgument, "2 images for 3 sites");
  EXPECT_ERROR(parse(chain, {"permutation=1,2,0:x"}), InvalidArgument, "must be a whole number");
  EXPECT_ERROR(parse(chain, {"permutation=1,2,0:1/0"}), InvalidArgument, "part of a full turn");
  EXPECT_ERROR(parse(chain, {"permutation=1,2,0:1/2"}), InvalidArgument,
               "[permutation=1,2,0:1/2]^3 and the identity are the same");
  EXPECT_ERROR(parse(chain, {"permutation=1,2,0", "permutation=1,2,0"}), InvalidArgument,
               "given twice");
  EXPECT_ERROR(parse(Lattice::triangular(3, 3, ring), {"rotation=1", "reflection-d=1"}),
               InvalidArgument, "[rotation=1]");
}

TEST(CountedBasis, is_the_listed_one_without_states) {
  const Comm serial;
  const Model model = make_model("heisenberg", {.sites = 10, .cyclic = ring});
  for (const Conditions& conditions :
       {Conditions{"momentum=3"}, Conditions{"sz=0", "momentum=5", "reflection=-1", "spinflip=1"},
        Conditions{"sz=0"}, Conditions{}}) {
    const auto sector = parse_sector(model.op.spaces(), model.lattice, conditions);
    const auto counted = in_counted_sector(model.op, sector),
               listed = in_sector(serial, model.op, sector);

    EXPECT_EQ(counted.dimension(), listed.dimension());
    EXPECT_EQ(counted.scalar(), listed.scalar());
    EXPECT_EQ(counted.basis->sector(), listed.basis->sector());
    EXPECT_EQ(counted.basis->partition(3), listed.basis->partition(3));
  }
  const auto counted =
      in_counted_sector(model.op, parse_sector(model.op.spaces(), model.lattice, {"momentum=3"}));
  EXPECT_ERROR(counted.basis->state(0), InvalidArgument, "counted, not listed");
  EXPECT_ERROR(counted.basis->index(0), InvalidArgument, "counted, not listed");
  EXPECT_ERROR(make_lazy<Complex>(counted).build({0, 1}), InvalidArgument, "counted, not listed");
  EXPECT_ERROR(in_counted_sector(model.op, parse_sector(model.op.spaces(), model.lattice,
                                                        {"sz=5", "momentum=1"})),
               InvalidArgument, "momentum can be 0");
}

TEST(SectorRequest, of_an_operator_that_does_not_respect_it_names_the_term) {
  const Comm serial;
  const auto ask = [&](const char* model, ModelOptions options, Conditions c) {
    const Model m = make_model(model, options);
    (void)in_sector(serial, m.op, parse_sector(m.op.spaces(), m.lattice, c));
  };

  EXPECT_ERROR(ask("ising", {.sites = 4}, {"sz=0"}), InvalidArgument, "Sx_0 changes sz");
  EXPECT_ERROR(ask("heisenberg", {.sites = 4, .params = {{"b", "1"}}}, {"spinflip=1"}),
               InvalidArgument, "-1 Sz_0");
  EXPECT_ERROR(ask("mbl", {.sites = 4, .cyclic = ring}, {"momentum=0"}), InvalidArgument, "Sz_");
  EXPECT_ERROR(ask("triangular", {.size = {3, 3}, .cyclic = ring}, {"reflection-x=1"}),
               InvalidArgument, "changes under it");
  EXPECT_ERROR(ask("hubbard", {.sites = 3, .cyclic = ring}, {"nup=4"}), InvalidArgument,
               "nup can be");
  // Two sites: the antisymmetric combination of the two spins has no states with both up.
  EXPECT_ERROR(ask("heisenberg", {.sites = 2}, {"sz=1", "reflection=-1"}), InvalidArgument,
               "reflection can be 1");
  EXPECT_ERROR(ask("heisenberg", {.sites = 4, .cyclic = ring}, {"sz=2", "momentum=1"}),
               InvalidArgument, "momentum can be 0");
}

TEST(SectorRequest, every_kind_of_condition_names_the_term_that_breaks_it) {
  // Symmetric models of four sites, and a term that breaks the condition.
  struct Case {
    const char* model;
    std::vector<OpFactor> term;
    std::string condition;
  };
  const Case cases[] = {
      {"heisenberg2d", {{"S+", 1}, {"S+", 2}}, "sz=0"},
      {"heisenberg2d", {{"Sx", 1}}, "parity=0"},
      {"heisenberg2d", {{"Sz", 1}}, "spinflip=1"},
      {"heisenberg2d", {{"Sz", 0}, {"Sz", 1}}, "momentum-x=0"},
      {"heisenberg2d", {{"Sz", 0}, {"Sz", 2}}, "momentum-y=1"},
      {"heisenberg2d", {{"Sz", 0}, {"Sz", 1}}, "reflection-x=1"},
      {"heisenberg2d", {{"Sz", 0}, {"Sz", 2}}, "reflection-y=-1"},
      {"heisenberg2d", {{"Sz", 0}, {"Sz", 2}}, "reflection-d=1"},
      {"heisenberg2d", {{"Sz", 0}, {"Sz", 1}}, "rotation=2"},
      {"heisenberg2d", {{"Sz", 0}, {"Sz", 1}}, "permutation=1,3,0,2"},
      {"hubbard", {{"Cup+", 1}, {"Cdn+", 1}}, "n=2"},
      {"hubbard", {{"Cup+", 1}, {"Cdn-", 2}}, "nup=1"},
      {"hubbard", {{"Cup+", 1}, {"Cdn-", 2}}, "ndown=1"},
      {"hubbard", {{"Nup", 1}}, "spinflip=1"},
      {"hubbard", {{"Cup+", 0}, {"Cup-", 2}}, "rotation=1"},
  };
  const Comm serial;
  for (const auto& [name, factors, condition] : cases) {
    SCOPED_TRACE(condition);
    Model model = make_model(name, {.size = {2, 2}, .cyclic = ring});
    const auto sector = parse_sector(model.op.spaces(), model.lattice, {condition});
    EXPECT_NO_THROW((void)in_sector(serial, model.op, sector));
    const OpSum more = OpSum(model.op.spaces()).add(0.5, factors);
    std::string text;
    try {
      (void)in_sector(serial, model.op + more + more.adjoint(), sector);
    } catch (const InvalidArgument& refused) {
      text = refused.what();
    }
    EXPECT_NE(text.find("sector " + condition), text.npos) << text;
    EXPECT_NE(text.find("leave the sector out"), text.npos) << text;
    const bool named = std::any_of(factors.begin(), factors.end(), [&](const OpFactor& factor) {
      return text.find("_" + std::to_string(factor.site)) != text.npos;
    });
    EXPECT_TRUE(named) << text;
  }
}

TEST(SectorRequest, every_kind_of_empty_sector_names_those_that_are_not) {
  const Comm serial;
  const auto ask = [&](const char* model, Conditions c) {
    const Model m = make_model(model, {.size = {2, 2}, .cyclic = ring});
    (void)in_sector(serial, m.op, parse_sector(m.op.spaces(), m.lattice, c));
  };
  EXPECT_ERROR(ask("heisenberg2d", {"sz=3"}), InvalidArgument, "sz can be -2, -1, 0, 1, 2");
  EXPECT_ERROR(ask("heisenberg2d", {"sz=1/2"}), InvalidArgument, "sz can be -2, -1, 0, 1, 2");
  EXPECT_ERROR(ask("hubbard", {"n=9"}), InvalidArgument, "n can be 0, 1, 2");
  EXPECT_ERROR(ask("hubbard", {"ndown=5"}), InvalidArgument, "ndown can be 0, 1, 2, 3, 4");
  EXPECT_ERROR(ask("heisenberg2d", {"sz=2", "momentum-x=1"}), InvalidArgument,
               "momentum-x can be 0");
  EXPECT_ERROR(ask("heisenberg2d", {"sz=2", "rotation=1"}), InvalidArgument, "rotation can be 0");
  EXPECT_ERROR(ask("heisenberg2d", {"sz=2", "reflection-d=-1"}), InvalidArgument,
               "reflection-d can be 1");
  EXPECT_ERROR(ask("heisenberg2d", {"sz=2", "permutation=1,0,3,2:1/2"}), InvalidArgument,
               "has no states");
  const Model pair = make_model("heisenberg", {.sites = 2});
  EXPECT_ERROR(in_sector(serial, pair.op,
                         parse_sector(pair.op.spaces(), pair.lattice,
                                      {"sz=0", "reflection=1", "spinflip=-1"})),
               InvalidArgument, "spinflip can be 1");
}

TEST(SymmetryBasis, any_group_of_permutations) {
  // All-to-all couplings: every permutation is a symmetry. The symmetric states are those of the
  // largest spin.
  const int n = 6;
  OpSum h(n);
  for (int i = 0; i < n; ++i)
    for (int j = i + 1; j < n; ++j)
      for (const char* axis : {"Sx", "Sy", "Sz"}) h.add(1, {{axis, i}, {axis, j}});
  const SymmetryGroup all(h.spaces(), {{"cycle", {1, 2, 3, 4, 5, 0}, SpinFlip::no, 0, 1},
                                       {"swap", {1, 0, 2, 3, 4, 5}, SpinFlip::no, 0, 1}});
  EXPECT_EQ(all.order(), 720);
  const Comm serial;
  const SymmetryBasis symmetric(serial, all, {}, {"symmetric"});

  EXPECT_EQ(symmetric.size(), n + 1);
  for (const double e : eigenvalues<double>(h, symmetric))
    EXPECT_NEAR(e, (3 * 4 - 3 * n / 4.0) / 2, 1e-12);
  EXPECT_ERROR(SymmetryGroup(h.spaces(), {{"cycle", {1, 2, 3, 4, 5, 0}, SpinFlip::no, 0, 1},
                                          {"swap", {1, 0, 2, 3, 4, 5}, SpinFlip::no, 1, 2}}),
               InvalidArgument, "[swap]");
  EXPECT_ERROR(SymmetryGroup(h.spaces(), {{"p", {0, 0, 1, 2, 3, 4}, SpinFlip::no, 0, 1}}),
               InvalidArgument, "each of the 6 sites once");
  EXPECT_ERROR(SymmetryGroup(h.spaces(), {{"p", {1, 0}, SpinFlip::no, 0, 1}}), InvalidArgument,
               "2 images for 6");
  EXPECT_ERROR(
      SymmetryGroup({LocalSpace(), LocalSpace::spin(2)}, {{"p", {1, 0}, SpinFlip::no, 0, 1}}),
      InvalidArgument, "spin-1");
}

TEST(SymmetryBasis, locate_says_how_a_configuration_lies_in_it) {
  const Comm serial;
  const auto sector =
      parse_sector(std::vector<LocalSpace>(4), Lattice::chain(4, ring), {"momentum=1"});
  const auto basis = make_basis(serial, sector);
  // 0001 is the last site down; one site further round it is site 0. exp(ikj)/2 for site j, from
  // the representative on.
  const auto at = [&](int site) { return basis->locate(state_t{1} << (3 - site)).amplitude; };

  for (int site = 0; site < 4; ++site) {
    EXPECT_NEAR(std::abs(at(site)), 0.5, 1e-15);
    // The row is the plane wave sum_j exp(ikj) |j>/2: it has exp(-ikj)/2 with |j>.
    EXPECT_NEAR(std::abs(at((site + 1) % 4) / at(site) - std::exp(Complex(0, -std::acos(0.0)))), 0,
                1e-14);
  }
  EXPECT_EQ(basis->locate(0).amplitude, 0.0);
}

TEST(SymmetryBasis, momentum_m_is_the_plane_wave_exp_ikj) {
  // Hopping with a phase tells k from -k: E(k) = 2 cos(k - theta).
  const int n = 5;
  const double theta = 0.4;
  const Comm serial;
  OpSum h(n, LocalSpace::boson(2));
  for (int j = 0; j < n; ++j)
    h.add(std::polar(1.0, theta), {{"B+", (j + 1) % n}, {"B-", j}})
        .add(std::polar(1.0, -theta), {{"B+", j}, {"B-", (j + 1) % n}});
  for (int m = 0; m < n; ++m) {
    const auto sector =
        parse_sector(h.spaces(), Lattice::chain(n, ring), {"n=1", "momentum=" + std::to_string(m)});
    const auto values = eigenvalues<Complex>(h, *make_basis(serial, sector));
    ASSERT_EQ(values.size(), 1u);
    EXPECT_NEAR(values[0], 2 * std::cos(4 * std::acos(0.0) * m / n - theta), 1e-13);
  }
}

TEST(SectorRanks, lists_and_rows_are_those_of_one_process) {
  const Comm serial;
  struct Case {
    Model model;
    Conditions conditions;
  };
  const Case cases[] = {
      {make_model("heisenberg", {.sites = 14, .cyclic = ring}),
       {"sz=0", "momentum=0", "reflection=1", "spinflip=1"}},
      {make_model("heisenberg", {.sites = 11, .cyclic = ring}), {"sz=1/2", "momentum=3"}},
      {make_model("hubbard", {.sites = 4, .cyclic = ring}), {"nup=2", "ndown=2", "momentum=1"}},
      {make_model("ising", {.sites = 3, .cyclic = ring}),
       {"momentum=1"}},  // fewer states than ranks
  };
  for (const auto& [model, conditions] : cases) {
    const auto sector = parse_sector(model.op.spaces(), model.lattice, conditions);
    const auto alone = in_sector(serial, model.op, sector),
               spread = in_sector(world(), model.op, sector);
    const auto& mine = *spread.basis->orbits();
    const auto partition = spread.basis->partition(world().size());
    const RowRange range = partition.range(world().rank());

    EXPECT_EQ(partition, RowPartition(alone.basis->size(), world().size()));
    ASSERT_ON_ALL(world(), static_cast<index_t>(mine.representatives().size()) == range.size());
    for (index_t i = range.begin; i < range.end; ++i) {
      EXPECT_EQ(mine.state(i), alone.basis->state(i));
      EXPECT_EQ(mine.index(mine.state(i)), i);
    }
    const auto rows = build_rows<Complex>(spread.op, *spread.basis, range);
    EXPECT_EQ(rows, build_rows<Complex>(alone.op, *alone.basis, range));
    EXPECT_EQ(count_entries(spread.op, *spread.basis, range), rows.entries());
    const auto lazy = make_lazy<Complex>(spread);
    EXPECT_EQ(lazy.build(range), rows);
    const RowRange piece{range.begin + range.size() / 3, range.end - range.size() / 4};
    EXPECT_EQ(lazy.build(piece), build_rows<Complex>(alone.op, *alone.basis, piece));
    if (world().size() > 1) {
      EXPECT_ERROR(lazy.build({0, alone.basis->size()}), DimensionError, "asked of a rank");
    }
  }
}

TEST(SectorRanks, errors_are_the_same_on_every_rank) {
  const Model model = make_model("heisenberg", {.sites = 6, .cyclic = ring});
  const auto sector = parse_sector(model.op.spaces(), model.lattice, {"momentum=1"});
  const auto h = in_sector(world(), model.op, sector);

  EXPECT_ERROR(build_rows<double>(h.op, *h.basis, {0, 0}), InvalidArgument,
               "complex in this sector");
  EXPECT_EQ(h.scalar(), ScalarKind::complex);
  if (world().size() > 1) {
    EXPECT_ERROR(build_rows<Complex>(h.op, *h.basis, {0, h.basis->size()}), InvalidArgument,
                 "asked of a rank");
  }
}

}  // namespace
}  // namespace kronsolve
