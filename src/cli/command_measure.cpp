#include <kronsolve/measure/observables.hpp>

#include "cli/commands.hpp"
#include "cli/guard.hpp"
#include "cli/measuring.hpp"
#include "cli/report.hpp"
#include "cli/saved_file.hpp"

namespace kronsolve::cli {

Answer run_measure(const Comm& comm, const Arguments& arguments, Clock::time_point start) {
  const auto file = parse_state_file(arguments.argument);
  if (!file || arguments.observe.empty())
    throw InvalidArgument(
        "measure: give FILE.h5 (or FILE.h5:2, one of its states) and --observe WHAT");
  Phases phases{start};
  const auto saved = read_states(comm, *file);
  const auto observables = observables_of(comm, saved.problem, arguments);
  phases.solve = phases.measure = Clock::now();
  const auto scalar = saved.states.index() == 0 ? ScalarKind::real : ScalarKind::complex;
  const auto measured = std::visit(
      [&](const auto& states) { return measure_each(comm, observables, saved.problem, states); },
      saved.states);
  const Cost cost = measure_cost(comm, phases);
  const MeasureReport report{saved.problem, scalar, arguments.argument, cost, measured};
  return make_answer(arguments, report, exit_fine);
}

}  // namespace kronsolve::cli
