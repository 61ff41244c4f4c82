// Observables by name against sums over the whole space.

#include <cmath>

#include <kronsolve/measure/entanglement.hpp>
#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/measure/observables.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/rows.hpp>

#include "support/measure_cases.hpp"

namespace kronsolve {
namespace {

using test::dense_random;
using test::random_on;
using test::world;
using Complex = std::complex<double>;
using Shape = ObservableValue::Shape;

constexpr double rounding = 1e-11;

template <Scalar T>
ObservableValue measured(const std::string& text, const StateView<T>& psi,
                         const std::optional<Lattice>& lattice = std::nullopt) {
  const auto observable = Observable::parse(world(), text, psi.basis(), lattice);
  return evaluate<T>(std::span(&observable, 1), psi, {}).front();
}

template <Scalar T>
double number(const std::string& text, const StateView<T>& psi,
              const std::optional<Lattice>& lattice = std::nullopt) {
  const auto value = measured(text, psi, lattice);
  EXPECT_EQ(value.shape, Shape::number);
  EXPECT_EQ(value.scalar, ScalarKind::real);
  return value.values.at(0).real();
}

bool has(const std::vector<LocalSpace>& spaces, int site, const char* op) {
  return spaces[static_cast<std::size_t>(site)].find(op).has_value();
}
bool all_have(const std::vector<LocalSpace>& spaces, const char* op) {
  bool all = true;
  for (int i = 0; i < static_cast<int>(spaces.size()); ++i) all = all && has(spaces, i, op);
  return all;
}

/// sum of coefficient(i) op_i over the sites that have it.
template <class Coefficient>
OpSum sum_of(const std::vector<LocalSpace>& spaces, const char* op, Coefficient&& coefficient) {
  OpSum sum(spaces);
  for (int i = 0; i < sum.sites(); ++i)
    if (has(spaces, i, op)) sum.add(coefficient(i), {{op, i}});
  return sum;
}

template <class T>
class NamedObservables : public ::testing::Test {};
using Scalars = ::testing::Types<double, Complex>;
TYPED_TEST_SUITE(NamedObservables, Scalars);

TYPED_TEST(NamedObservables, total_spin_in_every_basis) {
  using T = TypeParam;
  int cases = 0;
  for (const auto& c : test::measure_cases<T>()) {
    SCOPED_TRACE(c.name);
    const auto& spaces = c.basis->spaces();
    const auto owned = random_on<T>(world(), *c.basis, 3);
    const StateView<T> psi(world(), *c.basis, owned);
    if (sum_of(spaces, "Sz", [](int) { return 1.0; }).terms().empty()) {
      EXPECT_ERROR((void)measured("s2", psi), InvalidArgument, "no site has a spin");
      continue;
    }
    ++cases;
    const auto v = dense_random<T>(c, 3);
    double square = 0;
    for (const char* op : {"Sx", "Sy", "Sz"})
      square += test::apply(sum_of(spaces, op, [](int) { return 1.0; }), v).squaredNorm();

    EXPECT_NEAR(number("s2", psi), square, rounding);
    const double spin = number("spin", psi);
    EXPECT_NEAR(spin * (spin + 1), square, 1e-5);  // S is rounded to a half if it is near one
  }
  EXPECT_GT(cases, 5);
}

TYPED_TEST(NamedObservables, moments_and_imbalance_in_every_basis) {
  using T = TypeParam;
  for (const auto& c : test::measure_cases<T>()) {
    SCOPED_TRACE(c.name);
    const auto& spaces = c.basis->spaces();
    const auto n = static_cast<double>(spaces.size());
    const auto owned = random_on<T>(world(), *c.basis, 4);
    const StateView<T> psi(world(), *c.basis, owned);
    const auto v = dense_random<T>(c, 4);
    const auto mean = [&](const OpSum& op) { return v.dot(test::apply(op, v)).real(); };
    const auto alternating = [](int i) { return i % 2 == 0 ? 1.0 : -1.0; };

    EXPECT_NEAR(number("participation", psi), 1 / v.cwiseAbs2().cwiseAbs2().sum(),
                rounding * double(v.size()));
    double spins = 0;
    for (const auto& space : spaces)
      if (space.kind() == LocalSpace::Kind::spin) spins += space.twice_spin() / 2.0;
    const OpSum particles = sum_of(spaces, "N", [](int) { return 1.0; });
    const double imbalance = particles.terms().empty()
                                 ? mean(sum_of(spaces, "Sz", alternating)) / spins
                                 : mean(sum_of(spaces, "N", alternating)) / mean(particles);
    EXPECT_NEAR(number("imbalance", psi), imbalance, rounding);

    const OpSum uniform = sum_of(spaces, "Sz", [&](int) { return 1 / n; }),
                staggered = sum_of(spaces, "Sz", [&](int i) { return alternating(i) / n; });
    if (uniform.terms().empty()) {
      EXPECT_ERROR((void)measured("staggered", psi), InvalidArgument, "no site has a spin");
      continue;
    }
    for (const auto& [name, op] :
         {std::pair("magnetisation", &uniform), {"staggered", &staggered}}) {
      const Eigen::VectorXcd one = test::apply(*op, v), two = test::apply(*op, one);
      EXPECT_NEAR(number(name, psi), v.dot(one).real(), rounding);
      EXPECT_NEAR(number(std::string(name) + ":2", psi), one.squaredNorm(), rounding);
      EXPECT_NEAR(number(std::string(name) + ":3", psi), one.dot(two).real(), rounding);
      EXPECT_NEAR(number(std::string(name) + ":4", psi), two.squaredNorm(), rounding);
      if (one.squaredNorm() > 1e-3) {
        EXPECT_NEAR(number(std::string(name) + ":binder", psi),
                    1 - two.squaredNorm() / (3 * std::pow(one.squaredNorm(), 2)), 1e-9);
      }
    }
  }
}

/// Bonds, currents, dimers, chiralities: as vectors x = S^a_i psi, without the words of the parser.
TYPED_TEST(NamedObservables, bonds_and_triangles_in_every_basis) {
  using T = TypeParam;
  int cases = 0;
  for (const auto& c : test::measure_cases<T>()) {
    const auto& spaces = c.basis->spaces();
    const int n = static_cast<int>(spaces.size());
    if (n < 3 || !all_have(spaces, "Sz")) continue;
    SCOPED_TRACE(c.name);
    ++cases;
    const auto owned = random_on<T>(world(), *c.basis, 6);
    const StateView<T> psi(world(), *c.basis, owned);
    const auto v = dense_random<T>(c, 6);
    const auto ring = Lattice::chain(n, Cyclic::all);
    const auto on = [&](const char* op, int i, const Eigen::VectorXcd& x) {
      return test::apply(OpSum(spaces).add(1, {{op, i}}), x);
    };
    const auto exchange = [&](int i, int j, const Eigen::VectorXcd& x) {
      Eigen::VectorXcd sum = Eigen::VectorXcd::Zero(x.size());
      for (const char* op : {"Sx", "Sy", "Sz"}) sum += on(op, i, on(op, j, x));
      return sum;
    };
    const auto triple = [&](int i, int j, int k, const Eigen::VectorXcd& x) {
      const char* s[] = {"Sx", "Sy", "Sz"};
      Eigen::VectorXcd sum = Eigen::VectorXcd::Zero(x.size());
      for (int a = 0; a < 3; ++a) {
        const int b = (a + 1) % 3, d = (a + 2) % 3;
        sum += on(s[a], i, on(s[b], j, on(s[d], k, x))) - on(s[a], i, on(s[d], j, on(s[b], k, x)));
      }
      return sum;
    };
    const auto bonds = measured("bonds", psi, ring), dimers = measured("dimers", psi, ring),
               current = measured("current:S+,S-", psi, ring),
               chirality = measured("chirality", psi, ring),
               products = measured("chirality:corr", psi, ring);
    const auto& list = ring.bonds();
    const auto count = static_cast<index_t>(list.size());
    EXPECT_EQ(bonds.rows, count);
    EXPECT_EQ(dimers.cols, count);
    EXPECT_EQ(bonds.axis, "bond");
    for (std::size_t b = 0; b < list.size(); ++b) {
      const int i = list[b].a, j = list[b].b;
      EXPECT_NEAR(std::abs(bonds.values[b] - v.dot(exchange(i, j, v))), 0, rounding);
      const Complex there = v.dot(on("S+", i, on("S-", j, v)));
      EXPECT_NEAR(std::abs(current.values[b] + 2 * there.imag()), 0, rounding);
      const auto& next = list[(b + 1) % list.size()];
      EXPECT_NEAR(std::abs(dimers.values[b * list.size() + (b + 1) % list.size()] -
                           v.dot(exchange(i, j, exchange(next.a, next.b, v)))),
                  0, rounding);
    }
    ASSERT_EQ(chirality.rows, n);
    for (int i = 0; i < n; ++i) {
      const auto of = [&](int first, const Eigen::VectorXcd& x) {
        return triple(first, (first + 1) % n, (first + 2) % n, x);
      };
      EXPECT_NEAR(std::abs(chirality.values[static_cast<std::size_t>(i)] - v.dot(of(i, v))), 0,
                  rounding);
      EXPECT_NEAR(
          std::abs(products.values[static_cast<std::size_t>(i * n)] - v.dot(of(i, of(0, v)))), 0,
          rounding);
    }
  }
  EXPECT_GT(cases, 5);
}

TEST(NamedObservablesTriangles, are_those_of_the_lattice) {
  const auto square = Lattice::square(2, 3), triangular = Lattice::triangular(2, 3),
             kagome = Lattice::kagome(2, 2, Cyclic::all);
  const ChargeBasis six(std::vector<LocalSpace>(6), {}), twelve(std::vector<LocalSpace>(12), {});
  const auto some = random_on<double>(world(), six, 1);
  const StateView<double> psi(world(), six, some);
  EXPECT_ERROR((void)measured("chirality", psi, square), InvalidArgument, "no triangles");
  EXPECT_EQ(measured("chirality", psi, triangular).rows, 4);
  const auto many = random_on<double>(world(), twelve, 1);
  const StateView<double> phi(world(), twelve, many);
  EXPECT_EQ(measured("chirality", phi, kagome).rows, 8);
  EXPECT_ERROR((void)measured("chirality:x", phi, kagome), InvalidArgument, "chirality:corr");
  EXPECT_ERROR((void)measured("bonds", phi, Lattice::from_edges(12, {})), InvalidArgument,
               "has no bonds");
}

TYPED_TEST(NamedObservables, structure_factors_and_distances_in_every_basis) {
  using T = TypeParam;
  for (const auto& c : test::measure_cases<T>()) {
    const auto& spaces = c.basis->spaces();
    const int n = static_cast<int>(spaces.size());
    const auto owned = random_on<T>(world(), *c.basis, 5);
    const StateView<T> psi(world(), *c.basis, owned);
    const auto v = dense_random<T>(c, 5);
    const auto ring = Lattice::chain(n, Cyclic::all);
    for (const auto& [a, b] : {std::pair("Sz", "Sz"),
                               {"S+", "S-"},
                               {"C+", "C-"},
                               {"N", "N"},
                               {"Cup+", "Cup-"},
                               {"S-", "Sz"}}) {
      if (!all_have(spaces, a) || !all_have(spaces, b)) continue;
      SCOPED_TRACE(detail::concat(c.name, " ", a, ",", b));
      const std::string names = std::string(a) + "," + b;
      const auto s = measured("sq:" + names, psi, ring), open = measured("sq:" + names, psi);
      EXPECT_EQ(s.shape, Shape::vector);
      ASSERT_EQ(s.values.size(), static_cast<std::size_t>(n));
      for (int m = 0; m < n; ++m) {
        const auto wave = [&](int sign) {
          return [=](int i) { return std::polar(1.0, sign * 2 * M_PI * m * i / n); };
        };
        const Complex exact = v.dot(
            test::apply(sum_of(spaces, a, wave(1)), test::apply(sum_of(spaces, b, wave(-1)), v)));
        EXPECT_NEAR(std::abs(s.values[static_cast<std::size_t>(m)] - exact / double(n)), 0,
                    rounding);
      }
      EXPECT_EQ(open.values, s.values) << "the same momenta on the open chain";
      const auto pairs = correlation_matrix(psi, a, b);
      const auto far = measured("distance:" + names, psi, ring);
      ASSERT_EQ(far.values.size(), static_cast<std::size_t>(n / 2 + 1));
      for (int d = 0; d <= n / 2; ++d) {
        Complex sum = 0;
        for (int i = 0; i < n; ++i)
          sum += (pairs[static_cast<std::size_t>(i * n + (i + d) % n)] +
                  pairs[static_cast<std::size_t>(i * n + (i - d + n) % n)]) /
                 (2.0 * n);
        EXPECT_NEAR(std::abs(far.values[static_cast<std::size_t>(d)] - sum), 0, rounding);
      }
      EXPECT_EQ(measured("distance:" + names, psi).values.size(), static_cast<std::size_t>(n));
    }
  }
}

TEST(NamedObservablesOnLattices, structure_factors_have_all_momenta_and_the_places_of_the_sites) {
  for (const auto& [name, size] : {std::pair("square", std::vector{2, 3}),
                                   {"triangular", {3, 2}},
                                   {"honeycomb", {2, 2}},
                                   {"kagome", {1, 2}},
                                   {"ladder", {2, 3}}}) {
    SCOPED_TRACE(name);
    const auto lattice = Lattice::make(name, size, Cyclic::all);
    const FullBasis basis(std::vector<LocalSpace>(static_cast<std::size_t>(lattice.sites())));
    const auto owned = random_on<Complex>(world(), basis, 6);
    const StateView<Complex> psi(world(), basis, owned);

    const auto s = measured("sq:S+,S-", psi, lattice);

    EXPECT_EQ(s.shape, Shape::matrix);
    EXPECT_EQ(s.scalar, ScalarKind::real);
    ASSERT_EQ(s.rows, size[0]);
    ASSERT_EQ(s.cols, size[1]);
    for (int mx = 0; mx < size[0]; ++mx)
      for (int my = 0; my < size[1]; ++my) {
        OpSum lower(basis.spaces());
        for (int i = 0; i < lattice.sites(); ++i) {
          const auto [x, y] = lattice.position(i);
          lower.add(std::polar(1.0, -2 * M_PI * (mx * x / size[0] + my * y / size[1])),
                    {{"S-", i}});
        }
        const double exact = expectation(psi, lower.adjoint() * lower).real() / lattice.sites();
        EXPECT_NEAR(s.values[static_cast<std::size_t>(mx * size[1] + my)].real(), exact, rounding);
      }
  }
  const auto kagome = Lattice::kagome(2, 2);
  EXPECT_EQ(kagome.position(4), (std::array{0.5, 1.0}));   // B of cell (0, 1)
  EXPECT_EQ(kagome.position(11), (std::array{1.0, 1.5}));  // C of cell (1, 1)
}

TEST(NamedObservablesOnLattices, multiplets_have_their_spin_in_every_sector) {
  // Ring of 8: the ground state is a singlet, the first excitations a triplet of momentum pi.
  const Model ring = make_model("heisenberg", {.sites = 8, .cyclic = Cyclic::all});
  for (const auto& [conditions, spin] :
       {std::pair(std::vector<std::string>{"sz=0", "momentum=0", "reflection=1", "spinflip=1"}, 0),
        {{"sz=0", "momentum=4", "spinflip=-1"}, 1},
        {{"sz=1", "momentum=4"}, 1},
        {{"sz=2"}, 2},
        {{"sz=4"}, 4}}) {
    SCOPED_TRACE(conditions.back());
    const auto sector = parse_sector(ring.op.spaces(), ring.lattice, conditions);
    const auto alone = make_basis(test::alone(), sector), basis = make_basis(world(), sector);
    const auto rows = build_rows<double>(ring.op, *alone, {0, alone->size()});
    Eigen::MatrixXd m = Eigen::MatrixXd::Zero(rows.cols, rows.cols);
    for (index_t i = 0; i < rows.cols; ++i)
      for (std::size_t e = 0; e < rows.row_columns(i).size(); ++e)
        m(i, rows.row_columns(i)[e]) = rows.row_values(i)[e];
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(m);
    const RowRange mine = basis->partition(world().size()).range(world().rank());
    std::vector<double> owned;
    for (index_t i = mine.begin; i < mine.end; ++i) owned.push_back(solver.eigenvectors()(i, 0));
    const StateView<double> psi(world(), *basis, std::span<const double>(owned));

    const auto s2 = measured("s2", psi);

    EXPECT_NEAR(s2.values.at(0).real(), spin * (spin + 1), 1e-10);
    EXPECT_EQ(s2.note, "S = " + std::to_string(spin));
    EXPECT_EQ(number("spin", psi), spin);
  }
}

TYPED_TEST(NamedObservables, double_occupancy_sets_of_sites_and_inline_operators) {
  using T = TypeParam;
  for (const auto& c : test::measure_cases<T>()) {
    SCOPED_TRACE(c.name);
    const auto& spaces = c.basis->spaces();
    const auto owned = random_on<T>(world(), *c.basis, 7);
    const StateView<T> psi(world(), *c.basis, owned);
    if (all_have(spaces, "Nup")) {
      const auto v = dense_random<T>(c, 7);
      const auto list = measured("double-occupancy", psi);
      for (int i = 0; i < c.basis->sites(); ++i) {
        OpSum both(spaces);
        both.add(1, {{"Nup", i}, {"Ndn", i}});
        const double exact = v.dot(test::apply(both, v)).real();
        EXPECT_NEAR(list.values.at(static_cast<std::size_t>(i)).real(), exact, rounding);
        EXPECT_NEAR(number("double-occupancy:" + std::to_string(i), psi), exact, rounding);
      }
    }
    EXPECT_NEAR(number("entropy:0,2", psi), entanglement_entropy(psi, {0, 2}), rounding);
    EXPECT_NEAR(number("entropy:1-1", psi), entanglement_entropy(psi, {1}), rounding);
    const auto cuts = measured("entropy:cuts", psi);
    EXPECT_EQ(cuts.axis, "cut");
    ASSERT_EQ(cuts.values.size(), static_cast<std::size_t>(c.basis->sites()) + 1);
    for (int i = 0; i <= c.basis->sites(); ++i)
      EXPECT_NEAR(cuts.values.at(static_cast<std::size_t>(i)).real(),
                  number("entropy:" + std::to_string(i), psi), rounding);
    EXPECT_NEAR(measured("renyi:2:cuts", psi).values.at(2).real(), number("renyi:2:2", psi),
                rounding);
    EXPECT_NEAR(number("renyi:2:2,0", psi), entanglement_entropy(psi, {0, 2}, {.alpha = 2}),
                rounding);
    EXPECT_NEAR(number("mutual:0:1-2", psi), mutual_information(psi, {0}, {1, 2}), rounding);
    EXPECT_EQ(measured("schmidt:0,2", psi).values.size(), schmidt_values(psi, {0, 2}).size());
    if (all_have(spaces, "Sz")) {
      OpSum op(spaces);
      op.add(1, {{"Sz", 0}, {"Sz", 2}}).add(-0.5, {{"S+", 0}, {"S-", 1}});
      op.add({0, 2}, {{"Sz", 1}});
      const auto got = measured("op:Sz 0 Sz_2 - 0.5 S+ 0 S- 1 + (0+2i) Sz 1", psi);
      EXPECT_EQ(got.scalar, ScalarKind::complex);
      EXPECT_NEAR(std::abs(got.values.at(0) - expectation(psi, op)), 0, rounding);
      EXPECT_EQ(measured("op:2 Sz 0", psi).scalar, ScalarKind::real);
    }
  }
  const ChargeBasis half(std::vector<LocalSpace>(6), {Charge::sz(std::vector<LocalSpace>(6), 0)});
  const auto owned = random_on<T>(world(), half, 8);
  const StateView<T> psi(world(), half, owned);
  EXPECT_NEAR(number("negativity:0,1:4-5", psi), logarithmic_negativity(psi, {0, 1}, {4, 5}),
              rounding);
}

TEST(NamedObservablesErrors, bad_texts_are_refused_by_name) {
  const std::vector<LocalSpace> spins(6);
  const FullBasis basis(spins), bosons(std::vector<LocalSpace>(3, LocalSpace::boson(3)));
  const auto parse = [&](const std::string& text, const Basis& on,
                         const std::optional<Lattice>& lattice = std::nullopt) {
    (void)Observable::parse(world(), text, on, lattice);
  };
  const auto graph = Lattice::from_edges(6, {{0, 1}, {1, 2}, {2, 0}});

  EXPECT_ERROR(parse("s2:1", basis), InvalidArgument, "it must be s2");
  EXPECT_ERROR(parse("s2", bosons), InvalidArgument, "no site has a spin");
  EXPECT_ERROR(parse("sq", basis), InvalidArgument, "sq:A,B");
  EXPECT_ERROR(parse("sq:Sz", basis), InvalidArgument, "sq:Sz,Sz, got 'Sz'");
  EXPECT_ERROR(parse("sq:Sz,Sz", basis, graph), InvalidArgument, "graph");
  EXPECT_ERROR(parse("sq:Sz,Sz", basis, Lattice::chain(5)), DimensionError, "5 sites, the basis 6");
  EXPECT_ERROR(parse("distance:Sz,Q", basis), InvalidArgument, "'Q'");
  EXPECT_ERROR(parse("double-occupancy", basis), InvalidArgument, "Nup");
  EXPECT_ERROR(parse("staggered", basis, graph), InvalidArgument, "two sublattices: sites");
  EXPECT_ERROR(parse("staggered", bosons), InvalidArgument, "spin");
  EXPECT_ERROR(parse("staggered:0", basis), InvalidArgument, "from 1 to 16, or binder, got '0'");
  EXPECT_ERROR(parse("magnetisation:Binder", basis), InvalidArgument, "got 'Binder'");
  EXPECT_ERROR(parse("magnetisation:binder", ChargeBasis(spins, {Charge::sz(spins, 0)})),
               InvalidArgument, "has no Binder ratio");
  EXPECT_ERROR(parse("imbalance", FullBasis({LocalSpace::plain(3)})), InvalidArgument, "no site");
  EXPECT_ERROR(parse("participation:2", basis), InvalidArgument, "it must be participation");
  EXPECT_ERROR(parse("entropy:0,6", basis), InvalidArgument, "[0, 5], got '6'");
  EXPECT_ERROR(parse("entropy:4-2", basis), InvalidArgument, "must ascend");
  EXPECT_ERROR(parse("entropy:1,0-2", basis), InvalidArgument, "named twice");
  EXPECT_ERROR(parse("mutual:0", basis), InvalidArgument, "mutual:0,1:4-5");
  EXPECT_ERROR(parse("mutual:0,1:1-3", basis), InvalidArgument, "site 1 is in both");
  EXPECT_ERROR(parse("negativity:0:x", basis), InvalidArgument, "got 'x'");
  EXPECT_ERROR(parse("op:Sz 0 Qx 3", basis), InvalidArgument, "Qx");
  EXPECT_ERROR(parse("op:Sz 0 Sz 9", basis), InvalidArgument, "9");
  EXPECT_ERROR(parse("op", basis), InvalidArgument, "op:FILE.toml");
}

}  // namespace
}  // namespace kronsolve
