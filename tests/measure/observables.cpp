#include <cmath>
#include <cstdio>
#include <fstream>

#include <kronsolve/measure/entanglement.hpp>
#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/measure/observables.hpp>
#include <kronsolve/operators/models.hpp>

#include "support/gathering_map.hpp"
#include "support/measure_cases.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::random_on;
using test::world;
using Complex = std::complex<double>;
using Shape = ObservableValue::Shape;

const std::vector<LocalSpace> spins(6);

template <Scalar T>
ObservableValue value(const std::string& text, const StateView<T>& psi,
                      const ObservableContext<T>& context = {}) {
  const auto observable = Observable::parse(world(), text, psi.basis());
  EXPECT_EQ(observable.text(), text);
  return evaluate<T>(std::span(&observable, 1), psi, context).front();
}

template <class T>
class Observables : public ::testing::Test {};
using Scalars = ::testing::Types<double, Complex>;
TYPED_TEST_SUITE(Observables, Scalars);

TYPED_TEST(Observables, texts_mean_the_functions_of_the_library) {
  using T = TypeParam;
  const ChargeBasis basis(spins, {Charge::sz(spins, 0)});
  const auto owned = random_on<T>(world(), basis, 1), other = random_on<T>(world(), basis, 2);
  const StateView<T> psi(world(), basis, owned), phi(world(), basis, other);
  const auto one = [&](const std::string& text, const ObservableContext<T>& context = {}) {
    const auto v = value(text, psi, context);
    EXPECT_EQ(v.shape, Shape::number);
    return v.values.at(0);
  };
  const auto zz = correlation_matrix(psi, "Sz", "Sz"), flips = correlation_matrix(psi, "S+", "S-");

  EXPECT_NEAR(one("norm").real(), 1, 1e-13);
  EXPECT_EQ(one("entropy:half"), entanglement_entropy(psi, {0, 1, 2}));
  EXPECT_EQ(one("entropy:2"), entanglement_entropy(psi, {0, 1}));
  EXPECT_EQ(one("renyi:0.5:half"), entanglement_entropy(psi, {0, 1, 2}, {.alpha = 0.5}));
  EXPECT_EQ(one("amplitude:010101"), Complex(amplitude(psi, std::vector<int>{0, 1, 0, 1, 0, 1})));
  EXPECT_LT(std::abs(one("corr:S+,S-:1,4") - flips[10]), 1e-14);
  EXPECT_LT(std::abs(one("sz:3") - site_profile(psi, "Sz")[3]), 1e-14);
  EXPECT_LT(std::abs(one("overlap", {.reference = phi}) - Complex(overlap(phi, psi))), 1e-14);

  const auto matrix = value("corr:Sz,Sz", psi), vector = value("sz", psi);
  EXPECT_EQ(matrix.shape, Shape::matrix);
  EXPECT_EQ(matrix.scalar, ScalarKind::real);
  EXPECT_EQ(matrix.rows, 6);
  EXPECT_EQ(matrix.cols, 6);
  EXPECT_EQ(matrix.values, zz);
  EXPECT_EQ(vector.shape, Shape::vector);
  EXPECT_EQ(vector.rows, 6);
  EXPECT_EQ(value("corr:S+,S-", psi).scalar, scalar_kind<T>);
  EXPECT_EQ(value("corr:S+,S-:0,1", psi).scalar, ScalarKind::complex);
  EXPECT_EQ(value("local:P1:0", psi).scalar, ScalarKind::real);
  EXPECT_EQ(value("schmidt:half", psi).values.size(), schmidt_values(psi, {0, 1, 2}).size());
}

TYPED_TEST(Observables, energy_and_variance_agree_with_and_without_a_map) {
  using T = TypeParam;
  const ChargeBasis basis(spins, {Charge::sz(spins, 2)});
  const OpSum h = make_model("heisenberg", {.sites = 6, .cyclic = Cyclic::all}).op;
  const auto owned = random_on<T>(world(), basis, 3);
  const StateView<T> psi(world(), basis, owned);
  const test::GatheringMap<T> map(world(), h, basis);
  const std::vector<Observable> both = {Observable::parse(world(), "energy", basis),
                                        Observable::parse(world(), "variance", basis)};

  const auto direct = evaluate<T>(both, psi, {.hamiltonian = &h});
  const auto mapped = evaluate<T>(both, psi, {.hamiltonian = &h, .product = &map});

  EXPECT_EQ(map.products(), 1);
  for (std::size_t i = 0; i < 2; ++i)
    EXPECT_NEAR(direct[i].values[0].real(), mapped[i].values[0].real(), 1e-13);
  EXPECT_NEAR(direct[0].values[0].real(), expectation(psi, h).real(), 1e-13);
  EXPECT_NEAR(direct[1].values[0].real(), variance(psi, h), 1e-13);
  EXPECT_TRUE(both[0].needs_hamiltonian());
}

TYPED_TEST(Observables, energy_and_variance_in_every_basis) {
  using T = TypeParam;
  std::mt19937 random(11);
  for (const auto& c : test::measure_cases<T>()) {
    if (!c.basis->rules().empty()) continue;  // there H is P H P: operators/local_rules.cpp
    SCOPED_TRACE(c.name);
    const auto owned = random_on<T>(world(), *c.basis, 6);
    const StateView<T> psi(world(), *c.basis, owned);
    const OpSum some = test::random_operator(c.basis->spaces(), random, 12);
    const OpSum h = some + some.adjoint();  // leads out of sectors, complex
    const std::vector<Observable> both = {Observable::parse(world(), "energy", *c.basis),
                                          Observable::parse(world(), "variance", *c.basis)};

    const auto got = evaluate<T>(both, psi, {.hamiltonian = &h});

    const auto v = test::dense_random<T>(c, 6);
    const Eigen::VectorXcd w = test::apply(h, v);
    const double mean = v.dot(w).real();
    EXPECT_NEAR(got[0].values[0].real(), mean, 1e-11);
    EXPECT_NEAR(got[1].values[0].real(), w.squaredNorm() - mean * mean, 1e-9);
  }
}

TYPED_TEST(Observables, operator_files_are_read) {
  using T = TypeParam;
  const FullBasis basis(spins);
  const std::string path = "observable_test.toml";
  if (world().is_root())
    std::ofstream(path)
        << "sites = 6\nterms = [[[0.0, 0.5], \"S+\", 0, \"S-\", 3], [2.0, \"Sz\", 1]]\n";
  world().barrier();
  const auto owned = random_on<T>(world(), basis, 4);
  const StateView<T> psi(world(), basis, owned);

  const auto got = value("op:" + path, psi);

  OpSum op(spins);
  op.add({0, 0.5}, {{"S+", 0}, {"S-", 3}}).add(2, {{"Sz", 1}});
  EXPECT_LT(std::abs(got.values.at(0) - expectation(psi, op)), 1e-14);
  EXPECT_EQ(got.scalar, ScalarKind::complex);
  world().barrier();
  if (world().is_root()) std::remove(path.c_str());
}

TEST(Observables, bad_texts_are_refused_by_name) {
  const FullBasis basis(spins), bosons(std::vector<LocalSpace>(3, LocalSpace::boson(3)));
  const auto parse = [&](const std::string& text, const Basis& on) {
    (void)Observable::parse(world(), text, on);
  };

  EXPECT_ERROR(parse("enrgy", basis), InvalidArgument, "did you mean energy");
  EXPECT_ERROR(parse("energy:1", basis), InvalidArgument, "energy:1");
  EXPECT_ERROR(parse("sz:6", basis), InvalidArgument, "[0, 5], got '6'");
  EXPECT_ERROR(parse("sz", bosons), InvalidArgument, "boson:3");
  EXPECT_ERROR(parse("corr:Sz", basis), InvalidArgument, "two operators");
  EXPECT_ERROR(parse("corr:Sz,Q", basis), InvalidArgument, "'Q'");
  EXPECT_ERROR(parse("corr:Sz,Sz:1", basis), InvalidArgument, "two sites");
  EXPECT_ERROR(parse("entropy:7", basis), InvalidArgument, "[0, 6] or a set of sites");
  EXPECT_ERROR(parse("entropy", basis), InvalidArgument, "entropy:half");
  EXPECT_ERROR(parse("renyi:-1:half", basis), InvalidArgument, "'-1'");
  EXPECT_ERROR(parse("amplitude:01", basis), InvalidArgument, "2 digits for 6");
  EXPECT_ERROR(parse("amplitude:010102", basis), InvalidArgument, "site 5");
  EXPECT_ERROR(parse("op:", basis), InvalidArgument, "op:FILE.toml");
  EXPECT_ERROR(parse("op:no/such.toml", basis), IoError, "no/such.toml");

  const auto owned = random_on<double>(world(), basis, 0);
  const StateView<double> psi(world(), basis, owned);
  EXPECT_ERROR((void)value("energy", psi), InvalidArgument, "no Hamiltonian");
  EXPECT_ERROR((void)value("overlap", psi), InvalidArgument, "no reference");
}

}  // namespace
}  // namespace kronsolve
