#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/session.hpp>

#include "cli/arguments.hpp"
#include "cli/report.hpp"

namespace kronsolve::cli {

/// The commands that answer once: collective on `comm`; they print nothing.
/// @param start  when the run began
Answer run_eigh(const Comm& comm, const Arguments& arguments, Clock::time_point start);
Answer run_levels(const Comm& comm, const Arguments& arguments, Clock::time_point start);
Answer run_svds(const Comm& comm, const Arguments& arguments, Clock::time_point start);
Answer run_evolve(const Comm& comm, const Arguments& arguments, Clock::time_point start);
/// What run_evolve does where --jump is given.
Answer run_open_evolution(const Comm& comm, const Arguments& arguments, Clock::time_point start);
Answer run_floquet(const Comm& comm, const Arguments& arguments, Clock::time_point start);
Answer run_otoc(const Comm& comm, const Arguments& arguments, Clock::time_point start);
Answer run_thermal(const Comm& comm, const Arguments& arguments, Clock::time_point start);
Answer run_spectral(const Comm& comm, const Arguments& arguments, Clock::time_point start);
Answer run_plot(const Comm& comm, const Arguments& arguments, Clock::time_point start);
Answer run_report(const Comm& comm, const Arguments& arguments, Clock::time_point start);
Answer run_measure(const Comm& comm, const Arguments& arguments, Clock::time_point start);
Answer run_batch(const Comm& comm, const Arguments& arguments, Clock::time_point start);
Answer run_plan(const Comm& comm, const Arguments& arguments, Clock::time_point start);
Answer run_models(const Comm& comm, const Arguments& arguments, Clock::time_point start);
Answer run_observables(const Comm& comm, const Arguments& arguments, Clock::time_point start);
Answer run_completion(const Comm& comm, const Arguments& arguments, Clock::time_point start);
Answer run_manual(const Comm& comm, const Arguments& arguments, Clock::time_point start);
Answer run_info(const Comm& comm, const Arguments& arguments, Clock::time_point start);
Answer run_status(const Comm& comm, const Arguments& arguments, Clock::time_point start);
Answer run_results(const Comm& comm, const Arguments& arguments, Clock::time_point start);
/// Not in the table: they start workers of their own. Collective on the session's ranks.
Answer run_sweep(Session& session, const Arguments& arguments, Clock::time_point start);
Answer run_selftest(Session& session, const Arguments& arguments, Clock::time_point start);

struct Command {
  std::string name, text;  ///< for the help
  std::string examples;
  /// Null for sweep and selftest, and for rerun, which stands for another command line.
  Answer (*run)(const Comm&, const Arguments&, Clock::time_point);
  std::string argument = {}, argument_text = {};  ///< what stands without an option
  std::string group = "Solving";                  ///< of the help
};
/// All commands, in the order of the help.
const std::vector<Command>& commands();
/// That of a name which is one.
const Command& command(std::string_view name);

}  // namespace kronsolve::cli
