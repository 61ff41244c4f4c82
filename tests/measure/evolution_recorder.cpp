#include <algorithm>

#include <kronsolve/measure/evolution_recorder.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/states.hpp>
#include <kronsolve/solvers/operator_map.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::world;
using Complex = std::complex<double>;

TEST(EvolutionRecorder, measures_at_each_time) {
  const auto model = make_model("heisenberg", {.sites = 8, .cyclic = Cyclic::all});
  const auto& spaces = model.op.spaces();
  const auto basis =
      std::make_shared<const ChargeBasis>(spaces, std::vector{Charge::sz(spaces, 0)});
  const SectorOperator h{model.op, basis};
  const auto neel = make_state<double>(world(), *basis, parse_state("neel", spaces));
  const auto column = [&] {
    DistributedVectors<double> one(basis->partition(world().size()), world().rank(), 1);
    std::copy(neel.span().begin(), neel.span().end(), one.column(0).begin());
    return one;
  };
  const EvolutionState initial = column();
  std::vector<Observable> observables;
  for (const char* text : {"energy", "variance", "overlap", "sz:0"})
    observables.push_back(Observable::parse(world(), text, *basis));
  const auto map = make_operator_map<double>(world(), h);
  EvolutionRecorder recorder(world(), h, observables, initial);
  const std::vector<double> times = {0, 0.4, 0.8};

  const auto result =
      evolve(*map, column(), std::span<const double>(times), {}, [&](const EvolutionPoint& point) {
        recorder.record(point);
        return Continue::yes;
      });

  const auto& recorded = recorder.recorded();
  ASSERT_EQ(recorded.size(), 4u);
  for (const auto& series : recorded) ASSERT_EQ(series.values.size(), times.size());
  EXPECT_EQ(recorded[1].text, "variance");
  for (std::size_t i = 0; i < times.size(); ++i) {
    EXPECT_NEAR(recorded[0].values[i].values.at(0).real(), result.energies[i], 1e-10);
    EXPECT_NEAR(recorded[1].values[i].values.at(0).real(), 2, 1e-9);  // conserved: J^2 N / 4
  }
  EXPECT_NEAR(std::abs(recorded[2].values[0].values.at(0) - Complex(1)), 0, 1e-12);
  EXPECT_LT(std::abs(recorded[2].values[2].values.at(0)), 0.95);
  EXPECT_NEAR(recorded[3].values[0].values.at(0).real(), 0.5, 1e-12);
}

}  // namespace
}  // namespace kronsolve
