#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include <fmt/format.h>

#include <kronsolve/core/number.hpp>
#include <kronsolve/measure/level_spacing.hpp>
#include <kronsolve/solvers/driven.hpp>
#include <kronsolve/solvers/floquet.hpp>

#include "cli/commands.hpp"
#include "cli/guard.hpp"
#include "cli/json_values.hpp"
#include "cli/progress_line.hpp"
#include "cli/starting_state.hpp"
#include "cli/table.hpp"
#include "cli/text.hpp"
#include "cli/text_parts.hpp"
#include "core/expression.hpp"

namespace kronsolve::cli {

namespace {

using Complex = std::complex<double>;

double period_of(const std::string& text, const Problem& problem) {
  detail::Json record = {{"pi", std::numbers::pi}};
  for (const auto& [name, value] : problem.parameters)
    if (const auto number = read_number<double>(value)) record[name] = *number;
  const detail::Json value = detail::Expression(text).value(record);
  const double period = value.is_number() ? value.get<double>() : 0;
  if (!(period > 0) || !std::isfinite(period))
    throw InvalidArgument(
        fmt::format("--period '{}' is {}; a period is a positive time", text, value.dump()));
  return period;
}

/// At some times of the period, whether each function is what it was a period before. A table may
/// end with the period.
void require_periodic(const Problem& problem, double period) {
  constexpr int samples = 97;
  for (const auto& drive : problem.drives) {
    const auto value = [&](int i) { return drive.function.value(period * i / samples); };
    double size = 0;
    for (int i = 0; i < samples; ++i) size = std::max(size, std::abs(value(i)));
    for (int i = 0; i < samples; ++i) {
      const double t = period * i / samples, now = value(i);
      std::optional<double> later;
      try {
        later = drive.function.value(t + period);
      } catch (const InvalidArgument&) {
        break;
      }
      if (std::abs(*later - now) > 1e-8 * std::max(size, std::abs(*later)))
        throw InvalidArgument(fmt::format(
            "the function '{}' has not the period {:.10g}: it is {:.10g} at t = {:.6g} and {:.10g} "
            "a period later",
            printable(drive.function.text), period, now, t, *later));
    }
  }
}

struct FloquetReport {
  const Problem& problem;
  const Arguments& arguments;
  const FloquetModes& found;
  const std::vector<Measured>& observables;
  const std::optional<Estimate>& ratio;  ///< of the spacings of quasi-energies
  const Cost& cost;
};

Json to_json(const FloquetReport& report) {
  const auto& [problem, arguments, found, observables, ratio, cost] = report;
  Json json = json_of("floquet", problem, problem.dimension, ScalarKind::complex);
  json["period"] = found.period;
  json["method"] = to_string(arguments.evolve.options.method);
  json["ranks"] = cost.ranks;
  json["threads"] = cost.threads;
  json["tol"] = arguments.evolve.options.tol;
  json["converged"] = found.converged;
  json["error"] = found.error;
  json["unitarity"] = found.unitarity;
  json["steps"] = found.steps;
  json["products"] = found.products;
  add_cost(json, cost);
  if (ratio) {
    json["mean_ratio"] = ratio->value;
    json["mean_ratio_error"] = ratio->error;
  }
  json["quasi_energies"] = found.quasi_energies;
  json["residuals"] = found.residuals;
  for (const auto& measured : observables)
    for (const auto& value : measured.values)
      json["observables"][measured.text].push_back(json_of(value));
  return json;
}

std::string to_text(const FloquetReport& report) {
  constexpr std::size_t most = 40;
  const auto& [problem, arguments, found, all, ratio, cost] = report;
  std::string text = head(problem, problem.dimension, ScalarKind::complex);
  for (const auto& drive : problem.drives)
    text += line("driven by", printable(drive.function.text));
  text += line("period",
               fmt::format("{:.12g}; quasi-energies between -{:.10g} and {:.10g}", found.period,
                           std::numbers::pi / found.period, std::numbers::pi / found.period));
  const std::size_t shown = std::min(most, found.quasi_energies.size());
  std::vector<std::string> modes, energies, residuals;
  for (std::size_t j = 0; j < shown; ++j) {
    modes.push_back(std::to_string(j));
    energies.push_back(fmt::format("{: .12g}", found.quasi_energies[j]));
    residuals.push_back(residual_text(found.residuals[j]));
  }
  Table table;
  table.column("mode", modes);
  table.column("quasi-energy", energies);
  table.column("residual", residuals);
  std::string lists;
  for (auto measured : without_noise(all)) {
    measured.values.resize(shown);
    const auto entry = [&](std::size_t j, std::size_t i) { return number(measured.values[j], i); };
    if (measured.values.front().shape != ObservableValue::Shape::number) {
      lists += lists_along("mode", modes, measured, entry);
      continue;
    }
    std::vector<std::string> column;
    for (std::size_t j = 0; j < shown; ++j) column.push_back(entry(j, 0));
    table.column(measured.text, std::move(column));
  }
  text += "\n" + table.text() + lists;
  if (shown < found.quasi_energies.size())
    text += fmt::format("... {} more; --json has all\n",
                        grouped(std::ssize(found.quasi_energies) - index_t(shown)));
  text += "\n" +
          line("converged", fmt::format("{} (error {} of a state after a period, tolerance "
                                        "{:.1e})",
                                        found.converged ? "yes" : "NO", residual_text(found.error),
                                        arguments.evolve.options.tol));
  if (ratio)
    text +=
        line("spacings", fmt::format("mean ratio{} (0.386: independent, 0.531 and 0.600: random "
                                     "matrices)",
                                     with_error(*ratio)));
  text += line("method", std::string(to_string(arguments.evolve.options.method)));
  text += line("products",
               fmt::format("{} in {}", grouped(found.products), counted(found.steps, "step")));
  return text + cost_lines(cost, std::nullopt);
}

std::vector<Measured> measured_modes(const Comm& alone, const SectorOperator& h,
                                     const FloquetModes& found,
                                     const std::vector<Observable>& observables) {
  std::vector<Measured> all;
  for (const auto& observable : observables) all.push_back({observable.text(), {}});
  const auto n = static_cast<std::size_t>(h.dimension());
  for (std::size_t j = 0; j < n && !observables.empty(); ++j) {
    const std::span<const Complex> mode(found.modes.column(static_cast<index_t>(j)), n);
    const auto values = evaluate<Complex>(observables, StateView<Complex>(alone, *h.basis, mode));
    for (std::size_t o = 0; o < values.size(); ++o) all[o].values.push_back(values[o]);
  }
  return all;
}

}  // namespace

Answer run_floquet(const Comm& comm, const Arguments& arguments, Clock::time_point start) {
  Phases phases{start};
  const Comm alone = Comm::serial();
  const Problem problem =
      hermitian_problem(alone, arguments.op, States::listed, drives_of(arguments.command));
  const SectorOperator& h = on_sites(problem);
  if (problem.drives.empty())
    throw InvalidArgument(
        "floquet needs an operator that depends on time: --terms FILE with a [[drive]]; the levels "
        "of others are those of eigh");
  std::vector<Observable> observables;
  for (const auto& text : arguments.observe) {
    observables.push_back(Observable::parse(alone, text, *h.basis, problem.lattice));
    if (observables.back().needs_hamiltonian() || observables.back().needs_reference())
      throw InvalidArgument(
          fmt::format("observable {}: a mode has neither a Hamiltonian nor a state that it began "
                      "with; take sz, "
                      "corr, entropy:half, op:... or another one of the mode itself",
                      text));
  }
  const double period = period_of(arguments.period, problem);
  require_periodic(problem, period);
  Arguments asked = arguments;
  auto& options = asked.evolve.options;
  if (options.method == EvolutionMethod::automatic) options.method = EvolutionMethod::integrate;
  options.knots = abrupt_times(problem.drives, 0, period);
  phases.solve = Clock::now();
  ProgressLine progress;
  const auto show = [&](index_t done, index_t all) {
    progress.show("state", done, all, ProgressLine::Parts::alike);
  };
  const FloquetModes found = visit_scalar(all_terms(h, problem.drives).scalar(), [&]<Scalar T>() {
    const auto driven = driven_operator<T>(alone, h, problem.drives, asked.evolve.form);
    return floquet_modes<T>(comm, driven.sum, period, options, show);
  });
  phases.measure = Clock::now();
  const auto measured = measured_modes(alone, h, found, observables);
  const auto ratio = level_spacing(found.quasi_energies).mean();
  const Cost cost = measure_cost(comm, phases);
  return make_answer(arguments, FloquetReport{problem, asked, found, measured, ratio, cost},
                     found.converged ? exit_fine : exit_not_converged);
}

}  // namespace kronsolve::cli
