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
  const auto begin = Clock::now();
  const auto saved = read_states(comm, *file);
  const auto observables = observables_of(comm, saved.problem, arguments.observe);
  const double setup = seconds_since(begin);
  const auto scalar = saved.states.index() == 0 ? ScalarKind::real : ScalarKind::complex;
  const auto measured = std::visit(
      [&](const auto& states) { return measure_each(comm, observables, saved.problem, states); },
      saved.states);
  const double all = seconds_since(begin);
  const Cost cost = measure_cost(comm, setup, all - setup, seconds_since(start));
  const MeasureReport report{saved.problem, scalar, arguments.argument, cost, measured};
  return make_answer(arguments, report, exit_fine);
}

}  // namespace kronsolve::cli
