// Operator files that say what is on every bond and every site, against models and against sums
// written out.

#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <numbers>
#include <set>

#include <kronsolve/core/random.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/op_file.hpp>
#include <kronsolve/operators/sectors.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using Params = std::map<std::string, ModelValue>;

OperatorFile parse(std::string_view text, const Params& given = {}) {
  return parse_operator_file(text, "h.toml", given);
}

TEST(FileBlocks, couplings_of_bonds_are_the_model) {
  const auto file = parse(R"(
lattice = "square"
size = [3, 4]
cyclic = true
[parameters]
J = 0.7
delta = "J/2"
h = 0.3
[[bond]]
xx = "J"
yy = "J"
zz = "delta"
[[bond]]
neighbours = 2
j = 0.2
[[site]]
z = "-h"
)");
  const Model xxz =
      make_model("xxz", {.size = {3, 4},
                         .cyclic = Cyclic::all,
                         .lattice = "square",
                         .params = {{"jxy", "0.7"}, {"delta", "0.35"}, {"bz", "0.3"}}});
  const Model second = make_model("j1j2", {.size = {3, 4},
                                           .cyclic = Cyclic::all,
                                           .lattice = "square",
                                           .params = {{"j1", "0"}, {"j2", "0.2"}}});

  EXPECT_TRUE(equal(file.op, xxz.op + second.op));
  EXPECT_EQ(file.lattice.bonds(), xxz.lattice.bonds());
  EXPECT_EQ(file.parameters,
            (std::map<std::string, std::string>{{"J", "0.7"}, {"delta", "0.35"}, {"h", "0.3"}}));
  // Its symmetries have their names.
  EXPECT_NO_THROW(require_respects(
      file.op, parse_sector(file.op.spaces(), file.lattice, {"sz=0", "momentum=1,0"})));
}

TEST(FileBlocks, parameters_are_overridden_and_follow_each_other) {
  const std::string text = R"(
lattice = "chain"
size = "2*L"
cyclic = "x"
local = "fermion"
[parameters]
V = "t*U/4"
t = 1
U = "4*t"
L = 3
[[bond]]
terms = [["-t", "C+", "C-", "h.c."], ["V", "N", "N"]]
)";
  const auto expected = [](int n, const char* t, const char* v) {
    return make_model(
               "t-v",
               {.sites = n, .cyclic = Cyclic::x, .params = {{"t", t}, {"V", v}, {"mu", "0"}}})
        .op;
  };
  EXPECT_TRUE(equal(parse(text).op, expected(6, "1", "1")));
  EXPECT_TRUE(equal(parse(text, {{"t", "3"}, {"L", "2+2"}}).op, expected(8, "3", "9")));
  EXPECT_TRUE(equal(parse(text, {{"U", "t/2"}}).op, expected(6, "1", "0.125")));
  EXPECT_ERROR(parse(text, {{"W", "1"}}), InvalidArgument, "unknown parameter 'W'");
  EXPECT_ERROR(parse(text, {{"t", "V"}}), InvalidArgument, "needs its own value");
  EXPECT_ERROR(parse(text, {{"t", "1/0"}}), InvalidArgument, "finite number");
  EXPECT_ERROR(parse("sites = 2\nterms = [[1]]", {{"t", "1"}}), InvalidArgument, "no [parameters]");
}

TEST(FileBlocks, expressions_know_where_they_are) {
  const auto file = parse(R"x(
lattice = "chain"
size = 6
[[bond]]
xy = ["0.1*i", 0]
zz = "cos(2*pi*i/sites) * (j - i)"
[[bond]]
neighbours = 2
where = "i < 2"
terms = [[["0.5", "distance"], "S+", "S-", "h.c."]]
[[site]]
x = "sublattice * 0.25"
z = "x^2"
[[site]]
where = "i = 3"
terms = [["place + 2", "Sx", "Sz", "h.c."]]
)x");
  OpSum expected(6);
  for (int i = 0; i < 6; ++i) {
    if (i < 5) {
      expected.add(0.1 * i, {{"Sx", i}, {"Sy", i + 1}});
      expected.add(std::cos(2 * std::numbers::pi * i / 6), {{"Sz", i}, {"Sz", i + 1}});
    }
    expected.add(i % 2 == 0 ? 0.25 : -0.25, {{"Sx", i}}).add(i * i, {{"Sz", i}});
  }
  for (int i = 0; i < 2; ++i)
    expected.add({0.5, 2}, {{"S+", i}, {"S-", i + 2}}).add({0.5, -2}, {{"S-", i}, {"S+", i + 2}});
  expected.add(2, {{"Sx", 3}, {"Sz", 3}}).add(2, {{"Sz", 3}, {"Sx", 3}});
  EXPECT_TRUE(equal(file.op, expected));
}

TEST(FileBlocks, lists_and_kinds_and_weights) {
  const auto listed =
      parse("lattice = 'chain'\nsize = 4\n[[bond]]\nj = 'value'\nvalues = [1, 2, -3]\n");
  const auto edges = parse("edges = [[0, 1], [1, 2, 2], [2, 3, 0, -3]]\n[[bond]]\nj = 1\n");
  EXPECT_TRUE(equal(listed.op, edges.op));
  EXPECT_EQ(edges.lattice.sites(), 4);

  const auto kitaev = parse(R"(
lattice = "honeycomb"
size = "2x2"
cyclic = true
[[bond]]
kind = 0
zz = 1
[[bond]]
kind = 1
xx = 1
[[bond]]
kind = 2
yy = 1
)");
  EXPECT_TRUE(equal(kitaev.op, make_model("kitaev", {.size = {2, 2}, .cyclic = Cyclic::all}).op));
  const auto cluster = parse("lattice = 'square'\ncluster = [[3, 1], [-1, 3]]\n[[bond]]\nj = 1\n");
  EXPECT_TRUE(equal(cluster.op,
                    make_model("heisenberg", {.cluster = ClusterVectors{{{3, 1}, {-1, 3}}}}).op));
  // One space for each site of a cell.
  const auto mixed =
      parse("lattice = 'chain'\nsize = 4\nlocal = ['spin-1', 'spin-1/2']\n[[bond]]\nj = 1\n");
  EXPECT_EQ(mixed.op.dimension(), 36);
}

double coefficient(const OpSum& op, const std::vector<OpFactor>& factors) {
  for (const auto& term : op.terms())
    if (term.factors == factors) return term.coefficient.real();
  return std::nan("");
}

TEST(FileBlocks, disorder_depends_on_seed_block_and_place_alone) {
  const auto text = [](int n, const char* distribution) {
    return detail::concat("lattice = 'chain'\nsize = ", n,
                          "\n[parameters]\nseed = 5\nW = 2\n[[bond]]\nzz = '1 + "
                          "0.1*random'\nrandom = 'normal'\n[[site]]\nz = 'W*random'\nrandom = '",
                          distribution, "'\n");
  };
  const auto small = parse(text(6, "uniform")).op, large = parse(text(50, "uniform")).op;
  std::set<double> seen;
  for (int i = 0; i < 5; ++i) {
    const double field = coefficient(small, {{"Sz", i}});
    EXPECT_EQ(field, coefficient(large, {{"Sz", i}}));
    EXPECT_EQ(coefficient(small, {{"Sz", i}, {"Sz", i + 1}}),
              coefficient(large, {{"Sz", i}, {"Sz", i + 1}}));
    EXPECT_LE(std::abs(field), 2);
    seen.insert(field);
  }
  EXPECT_EQ(seen.size(), 5u);
  EXPECT_NE(coefficient(parse(text(6, "uniform"), {{"seed", "6"}}).op, {{"Sz", 0}}),
            coefficient(small, {{"Sz", 0}}));
  // Means and variances of 4000 numbers within five deviations.
  for (const auto& [name, variance] :
       {std::pair{"uniform", 1.0 / 3}, std::pair{"normal", 1.0}, std::pair{"binary", 1.0}}) {
    const auto many =
        parse(detail::concat("lattice = 'chain'\nsize = 4000\n[[site]]\nz = 'random'\nrandom = '",
                             name, "'\n"))
            .op;
    double sum = 0, squares = 0;
    for (const auto& term : many.terms()) {
      sum += term.coefficient.real();
      squares += std::norm(term.coefficient);
    }
    EXPECT_NEAR(sum / 4000, 0, 5 * std::sqrt(variance / 4000)) << name;
    EXPECT_NEAR(squares / 4000, variance, 0.12) << name;
  }
}

TEST(FileBlocks, what_is_wrong_is_said_at_its_place) {
  const std::string chain = "lattice = 'chain'\nsize = 4\n";
  const auto refused = [&](const std::string& rest, const char* words) {
    EXPECT_ERROR(parse(chain + rest), InvalidArgument, words);
  };
  refused("[[bond]]\n", "h.toml:3:1: a [[bond]] needs");
  refused("[[bond]]\nJ = 1\n", "h.toml:4:1: unknown key 'J'");
  refused("[[bond]]\nj = 'K'\n", "h.toml:4:5: ");
  refused("[[bond]]\nj = 'K'\n", "no field 'K'");
  refused("[[bond]]\nj = 'i +'\n", "h.toml:4:5: expression");
  refused("[[bond]]\nj = '1/(i-1)'\n", "finite number");
  refused("[[bond]]\nkind = 2\nj = 1\n", "of kind 2");
  refused("[[bond]]\nneighbours = 0\nj = 1\n", "from 1 to 20");
  refused("[[bond]]\nj = 'value'\nvalues = [1, 2]\n", "3 numbers");
  refused("[[bond]]\nj = 1\nvalues = [1, 2, 3]\n", "names value");
  refused("[[bond]]\nj = 'random'\n", "random has no distribution");
  refused("[[bond]]\nj = 'random'\nrandom = 'flat'\n", "uniform");
  refused("[[bond]]\nj = 1\nrandom = 'normal'\n", "names random");
  refused("[[bond]]\nj = 1\nseed = 1\n", "a seed is of random");
  refused("[[bond]]\nj = 1\nwhere = 'i > 9'\n", "holds on no bond");
  refused("[[bond]]\nterms = [[1, 'Sz']]\n", "a term of a bond is");
  refused("[[bond]]\nterms = [[1, 'Sz', 'Sq']]\n", "h.toml:4:10: unknown operator 'Sq'");
  refused("[[site]]\nterms = [[1]]\n", "a term of a site is");
  refused("[[site]]\nz = 'sublattice'\n[parameters]\npi = 3\n", "a meaning of its own");
  refused("[site]\nz = 1\n", "[[site]]");
  refused("cyclic = 'z'\n[[bond]]\nj = 1\n", "cyclic must be");
  refused("sites = 5\n[[bond]]\nj = 1\n", "has 4 sites, not 5");
  refused("edges = [[0, 1]]\n[[bond]]\nj = 1\n", "leave out");
  refused("cluster = [[3, 1], [-1, 3]]\n[[bond]]\nj = 1\n", "leave out");
  EXPECT_ERROR(parse("lattice = 'sqare'\nsize = [2, 2]\n[[bond]]\nj = 1"), InvalidArgument,
               "did you mean square");
  EXPECT_ERROR(parse("lattice = 'square'\ncluster = [[1, 1], [2, 2]]\n[[bond]]\nj = 1"),
               InvalidArgument, "parallel");
  EXPECT_ERROR(parse("[parameters]\na = 'b'\nb = 'a'\n"), InvalidArgument, "needs its own value");
  EXPECT_ERROR(parse("edges = [[0, 1]]\n[[bond]]\nneighbours = 2\nj = 1"), InvalidArgument,
               "farther neighbours");
}

TEST(FileBlocks, edges_lie_beside_the_file_on_any_ranks) {
  const Comm& comm = test::world();
  const std::string edges = detail::concat("edges_np", comm.size(), ".txt"),
                    path = detail::concat("edges_np", comm.size(), ".toml");
  if (comm.is_root()) {
    std::ofstream(edges) << "0 1 0.5\n1 2 1 2  # kind and weight\n";
    std::ofstream(path) << "edges = '" << edges << "'\n[[bond]]\nj = '1 + kind'\n";
  }
  comm.barrier();
  const auto file = read_operator_file(comm, path);
  comm.barrier();
  if (comm.is_root()) {
    std::remove(edges.c_str());
    std::remove(path.c_str());
  }
  const auto expected =
      make_model("heisenberg", {.lattice = "edges", .edges = {{0, 1, 0, 0.5}, {1, 2, 0, 4}}});
  EXPECT_TRUE(equal(file.op, expected.op));
  EXPECT_ERROR(parse("edges = 'none.txt'\n[[bond]]\nj = 1\n"), IoError, "none.txt");
}

TEST(FileBlocks, a_hundred_thousand_terms_are_read_in_two_seconds) {
  std::string text = "sites = 1000\nterms = [\n";
  const CounterRandom random(1);
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    const int a = static_cast<int>(1000 * random.uniform(2 * i));
    const int b = (a + 1 + static_cast<int>(998 * random.uniform(2 * i + 1))) % 1000;
    text += detail::concat("[", random.uniform(i), ", 'Sz', ", a, ", 'Sz', ", b, "],\n");
  }
  text += "]\n";
  const auto processor = [] { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; };
  double before = processor();
  EXPECT_EQ(parse(text).op.terms().size(), 100'000u);
  const double terms = processor() - before;
  before = processor();
  const auto blocks = parse(
      "lattice = 'square'\nsize = [100, 100]\n[parameters]\nJ = 1\n[[bond]]\nzz = 'J*(1 + "
      "random/2)'\nrandom = 'uniform'\n[[bond]]\nneighbours = 2\nzz = "
      "'J/(1+i)'\n[[bond]]\nneighbours = 3\nzz = 'J'\n[[bond]]\nneighbours = 4\nxx = 'J'\n");
  EXPECT_GT(blocks.op.terms().size(), 90'000u);
  RecordProperty("terms", detail::concat(terms, " s"));
  EXPECT_LT(terms, 2);
  EXPECT_LT(processor() - before, 2);
}

}  // namespace
}  // namespace kronsolve
