// evolve with --jump: systems that an environment acts on.

#include <cmath>

#include <fmt/format.h>

#include <kronsolve/core/number.hpp>
#include <kronsolve/measure/open_evolution.hpp>

#include "cli/commands.hpp"
#include "cli/guard.hpp"
#include "cli/json_values.hpp"
#include "cli/progress_line.hpp"
#include "cli/starting_state.hpp"
#include "cli/table.hpp"
#include "cli/text.hpp"
#include "cli/text_parts.hpp"
#include "core/split.hpp"

namespace kronsolve::cli {

namespace {

using Complex = std::complex<double>;

[[noreturn]] void refuse_jump(const std::string& text, const std::string& why) {
  throw InvalidArgument(
      fmt::format("--jump '{}': {}; give OP:RATE for each site (S-:0.1), OP:RATE:SITE for one, or "
                  "op:EXPRESSION "
                  "(op:0.3 S- 0 + 0.3 S- 1)",
                  text, why));
}

/// OP on one site, or on each that has it.
std::vector<OpSum> local_jumps(const OpSum& h, const std::string& text,
                               const std::vector<std::string>& parts) {
  const auto rate = read_number<double>(parts[1]);
  if (!rate || !(*rate > 0) || !std::isfinite(*rate))
    refuse_jump(text, fmt::format("a rate is a positive number, got '{}'", parts[1]));
  std::optional<int> only;
  if (parts.size() == 3) {
    only = read_number<int>(parts[2]);
    if (!only || *only < 0 || *only >= h.sites())
      refuse_jump(
          text, fmt::format("a site is a number from 0 to {}, got '{}'", h.sites() - 1, parts[2]));
  }
  std::vector<OpSum> jumps;
  std::string unknown;
  for (int site = only.value_or(0); site < (only ? *only + 1 : h.sites()); ++site) {
    OpSum jump(h.spaces());
    for (const auto& [name, matrix] : h.definitions()) jump.define(name, matrix);
    try {
      jumps.push_back(jump.add(std::sqrt(*rate), {{parts[0], site}}));
    } catch (const InvalidArgument& error) {
      unknown = error.what();  // of mixtures: the others may have it
    }
  }
  if (jumps.empty()) refuse_jump(text, unknown);
  return jumps;
}

std::vector<OpSum> jump_operators(const OpSum& h, const std::vector<std::string>& texts) {
  std::vector<OpSum> jumps;
  for (const auto& text : texts) {
    if (text.starts_with("op:")) {
      jumps.push_back(OpSum::parse(text.substr(3), h.spaces(), h.definitions()));
      continue;
    }
    const auto parts = detail::split(text, ':');
    if (parts.size() < 2 || parts.size() > 3 || parts[0].empty())
      refuse_jump(text, "an operator and its rate are needed");
    for (auto& jump : local_jumps(h, text, parts)) jumps.push_back(std::move(jump));
  }
  return jumps;
}

/// The state as complex numbers; everything here is in one process.
std::vector<Complex> entries(const EvolutionState& state) {
  return std::visit(
      [](const auto& psi) {
        const auto column = psi.column(0);
        return std::vector<Complex>(column.begin(), column.end());
      },
      state);
}

struct OpenReport {
  const Problem& problem;
  const EvolveArguments& asked;
  const OpenEvolution& found;
  const Cost& cost;
};

bool is_exact(const OpenReport& report) { return report.found.method == OpenMethod::density; }

double largest(const std::vector<double>& numbers) {
  double most = 0;
  for (const double x : numbers) most = std::max(most, x);
  return most;
}

Json to_json(const OpenReport& report) {
  const auto& [problem, asked, found, cost] = report;
  Json json = json_of("evolve", problem, problem.dimension, ScalarKind::complex);
  json["state"] = asked.state;
  json["imaginary"] = false;
  json["jumps"] = asked.jumps;
  json["start_time"] = asked.options.start;
  json["end_time"] = found.times.back();
  json["method"] = to_string(found.method);
  json["ranks"] = cost.ranks;
  json["threads"] = cost.threads;
  json["tol"] = asked.options.tol;
  json["converged"] = found.converged;
  if (!is_exact(report)) {
    json["trajectories"] = found.trajectories;
    json["jumps_seen"] = found.jumps;
    json["seed"] = asked.seed;
  }
  json["steps"] = found.steps;
  json["products"] = found.products;
  add_cost(json, cost);
  json["times"] = found.times;
  for (const auto& energy : found.energies) {
    json["energies"].push_back(energy.value);
    if (!is_exact(report)) json["energies_error"].push_back(energy.error);
  }
  if (is_exact(report)) {
    json["traces"] = found.traces;
    json["purities"] = found.purities;
  }
  json["errors"] = found.errors;
  add_averages(json, found.observables);
  return json;
}

std::string to_text(const OpenReport& report) {
  const auto& [problem, asked, found, cost] = report;
  std::string text = head(problem, problem.dimension, ScalarKind::complex);
  text += fmt::format("{} with jumps; time in inverse units of the couplings (hbar = 1)\n\n",
                      asked.state);
  text += line("jumps", printable(joined(asked.jumps, ", "))) + "\n";
  std::vector<std::string> times, energies, purities;
  for (std::size_t t = 0; t < found.times.size(); ++t) {
    times.push_back(fmt::format("{:.10g}", found.times[t]));
    energies.push_back(estimate_text(found.energies[t], is_exact(report)));
    if (is_exact(report)) purities.push_back(fmt::format("{:.9g}", found.purities[t]));
  }
  Table table;
  table.column("time", times);
  table.column("energy", energies);
  if (is_exact(report)) table.column("purity", purities);
  const std::string lists = add_averages(table, "time", times, found.observables);
  text += table.text() + lists;
  text += "\n" +
          line("converged", fmt::format("{} (error of the steps {}, tolerance {:.1e})",
                                        found.converged ? "yes" : "NO",
                                        residual_text(largest(found.errors)), asked.options.tol));
  text += line("method", is_exact(report) ? fmt::format("density matrix of {0} x {0}",
                                                        grouped(problem.dimension))
                                          : fmt::format("{}, {}; standard errors in brackets",
                                                        counted(found.trajectories, "trajectory"),
                                                        counted(found.jumps, "jump")));
  text += line("products",
               fmt::format("{} in {}", grouped(found.products), counted(found.steps, "step")));
  return text + cost_lines(cost, std::nullopt);
}

}  // namespace

Answer run_open_evolution(const Comm& comm, const Arguments& arguments, Clock::time_point start) {
  Phases phases{start};
  EvolveArguments asked = arguments.evolve;
  // Each process has the operator and the state; trajectories, or the density matrix, are dealt out.
  const Comm alone = Comm::serial();
  const Problem problem = hermitian_problem(alone, arguments.op);
  const SectorOperator& h = on_sites(problem);
  OpenEvolutionOptions options{.seed = asked.seed};
  for (const auto& text : arguments.observe)
    options.observe.push_back(Observable::parse(alone, text, *h.basis, problem.lattice));
  if (asked.trajectories) {
    options.method = OpenMethod::trajectories;
    options.trajectories = *asked.trajectories;
  }
  const OpenSystem system{h, jump_operators(h.op, asked.jumps)};
  const auto begin = starting_state(alone, problem, arguments.op, asked);
  asked.options.start = begin.time;
  options.steps = asked.options;
  ProgressLine progress;
  options.progress = [&](index_t done, index_t all) {
    progress.show([&] { return fmt::format("{} of {}", grouped(done), grouped(all)); });
  };
  phases.solve = Clock::now();
  const OpenEvolution found =
      evolve_open(comm, system, entries(begin.state), times_of(asked), options);
  phases.measure = Clock::now();
  const Cost cost = measure_cost(comm, phases);
  return make_answer(arguments, OpenReport{problem, asked, found, cost},
                     found.converged ? exit_fine : exit_not_converged);
}

}  // namespace kronsolve::cli
