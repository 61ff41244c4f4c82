#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/solvers/operator_map.hpp>

#include "support/dense_map.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::Vector;
using test::whole;
using test::world;
using Complex = std::complex<double>;

OpSum chain(int sites, Complex twist) {
  OpSum h(sites);
  for (int i = 0; i + 1 < sites; ++i)
    h.add(0.5 * twist, {{"S+", i}, {"S-", i + 1}})
        .add(0.5 * std::conj(twist), {{"S-", i}, {"S+", i + 1}})
        .add(0.7, {{"Sz", i}, {"Sz", i + 1}});
  return h;
}

SectorOperator half_filled(const OpSum& op) {
  return {op, std::make_shared<ChargeBasis>(op.spaces(), std::vector{Charge::sz(op.spaces(), 0)})};
}

TEST(OperatorMap, every_form_evolves_alike_and_agrees_with_the_dense_matrix) {
  for (const Complex twist : {Complex(1, 0), std::polar(1.0, 0.4)}) {
    const SectorOperator h = half_filled(chain(8, twist));
    Vector<Complex> start = Vector<Complex>::Zero(h.basis->size());
    start(7) = 1;
    const EvolutionState psi =
        test::distributed<Complex>(world(), h.basis->partition(world().size()), start);
    const Vector<Complex> exact =
        test::SpectralOracle<Complex>(test::matrix_of<Complex>(h.op, *h.basis))
            .apply([](double e) { return std::polar(1.0, -3 * e); }, start);
    const double times[] = {3};
    for (const auto form :
         {OperatorForm::automatic, OperatorForm::assembled, OperatorForm::matrix_free}) {
      SCOPED_TRACE(detail::concat("twist ", twist, " form ", to_string(form)));
      const auto r = evolve(world(), h, psi, times, {}, {}, form);

      EXPECT_TRUE(r.converged) << r.reason;
      EXPECT_LE((whole<Complex>(world(), std::get<1>(r.state).column(0)) - exact).norm(), 1e-10);
    }
  }
}

TEST(OperatorMap, a_prepared_evolution_hands_on_its_product_as_often_as_asked) {
  for (const Complex twist : {Complex(1, 0), std::polar(1.0, 0.4)}) {
    const SectorOperator h = half_filled(chain(8, twist));
    for (const auto form :
         {OperatorForm::automatic, OperatorForm::assembled, OperatorForm::matrix_free}) {
      SCOPED_TRACE(detail::concat("twist ", twist, " form ", to_string(form)));
      const auto planned = prepare_evolution(world(), h, ScalarKind::complex, {}, form);
      const auto plan = plan_evolution(world(), h, ScalarKind::complex, {}, form);

      EXPECT_EQ(planned.plan.form, plan.form);
      EXPECT_EQ(planned.plan.scalar, h.scalar());
      std::visit(
          [&]<Scalar T>(const MapMaker<T>& make_map) {
            test::Random random(3);
            const auto a = test::matrix_of<T>(h.op, *h.basis);
            const Vector<T> x = random.vector<T>(h.basis->size());
            for (int time = 0; time < 2; ++time) {
              const auto map = make_map();
              std::vector<T> y(static_cast<std::size_t>(map->row_range().size()));
              map->apply(test::owned<T>(x, map->row_range()), y);
              EXPECT_LE((whole<T>(world(), std::span<const T>(y)) - a * x).norm(), 1e-12);
            }
          },
          planned.make_map);
    }
  }
}

TEST(OperatorMap, bad_input_is_refused) {
  const OpSum op = chain(4, 1);
  OpSum raising(4);
  raising.add(1, {{"S+", 0}});
  const double times[] = {1};
  const auto full = on_full_space(op);
  const EvolutionState psi =
      DistributedVectors<double>(full.basis->partition(world().size()), world().rank(), 1);

  EXPECT_ERROR((void)evolve(world(), on_full_space(raising), psi, times), InvalidArgument, "S+_0");
  EXPECT_ERROR((void)evolve(world(), full, psi, times), InvalidArgument, "zero");
  EXPECT_ERROR((void)make_operator_map<double>(world(), SectorOperator{op, nullptr}),
               InvalidArgument, "no basis");
}

}  // namespace
}  // namespace kronsolve
