#include <fmt/format.h>
#include <unistd.h>

#include "cli/json_values.hpp"
#include "cli/table.hpp"
#include "cli/text.hpp"
#include "cli/text_parts.hpp"

namespace kronsolve::cli {

namespace {

bool imaginary(const EvolveReport& report) {
  return report.asked.options.axis == TimeAxis::imaginary;
}

bool normalised(const EvolveReport& report) { return report.asked.options.normalises(); }

/// What is done with the state, for people.
std::string exponential(const EvolveReport& report) {
  std::string text = imaginary(report) ? "exp(-time H)" : "exp(-i time H)";
  if (normalised(report)) text += ", normalised,";
  return text;
}

/// What one number says about the whole evolution.
Json summary(const EvolveReport& report) {
  const auto& [problem, asked, plan, result, cost, observables, saved] = report;
  Json json = json_of("evolve", problem, problem.dimension, plan.scalar);
  json["state"] = asked.state;
  json["imaginary"] = imaginary(report);
  if (!problem.hermitian) json["hermitian"] = false;
  json["start_time"] = asked.options.start;
  json["end_time"] = result.times.empty() ? asked.options.start : result.times.back();
  json["method"] = to_string(result.method);
  json["operator"] = to_string(plan.form);
  json["ranks"] = cost.ranks;
  json["threads"] = cost.threads;
  json["tol"] = asked.options.tol;
  json["converged"] = result.converged;
  json["norm_drift"] = result.norm_drift;
  json["energy_drift"] = result.energy_drift;
  json["steps"] = result.steps;
  json["products"] = result.products;
  add_cost(json, cost);
  json["memory_estimate_bytes"] = plan.memory_estimate_bytes;
  json["reason"] = result.reason;
  if (!saved.empty()) json["saved"] = saved;
  return json;
}

// ---- tables ----------------------------------------------------------------------------------

using Shape = ObservableValue::Shape;

bool is_number(const Measured& measured) { return measured.values.front().shape == Shape::number; }

template <class Value, class Print>
std::vector<std::string> cells(const std::vector<Value>& values, Print print) {
  std::vector<std::string> texts;
  for (const auto& value : values) texts.push_back(print(value));
  return texts;
}

std::string time_cell(double time) { return fmt::format("{:.10g}", time); }
std::string value_cell(double value) { return fmt::format("{:.13g}", value); }

std::string points(const EvolveReport& report, const std::vector<Measured>& observables) {
  const auto& result = report.result;
  Table table;
  table.column("time", cells(result.times, time_cell));
  table.column("energy", cells(result.energies, value_cell));
  if (normalised(report)) table.column("log norm", cells(result.log_norms, value_cell));
  table.column("error", cells(result.errors, residual_text));
  for (const auto& measured : observables)
    if (is_number(measured))
      table.column(measured.text,
                   cells(measured.values, [](const auto& v) { return number(v, 0); }));
  return table.text();
}

}  // namespace

Json to_json(const EvolveReport& report) {
  Json json = summary(report);
  const auto& result = report.result;
  json["times"] = result.times;
  json["energies"] = result.energies;
  json["norms"] = result.norms;
  if (normalised(report)) json["log_norm"] = result.log_norms;
  json["errors"] = result.errors;
  for (const auto& measured : report.observables) {
    Json values = Json::array();
    for (const auto& value : measured.values) values.push_back(json_of(value));
    json["observables"][measured.text] = std::move(values);
  }
  return json;
}

std::string to_last_json_line(const EvolveReport& report) { return summary(report).dump() + "\n"; }

std::string to_json_line(const EvolutionPoint& point, const EvolutionOptions& options,
                         const std::vector<Measured>& observables) {
  Json json;
  json["time"] = point.time;
  json["energy"] = point.energy;
  json["norm"] = point.norm;
  if (options.normalises()) json["log_norm"] = point.log_norm;
  json["error"] = point.error;
  json["products"] = point.products;
  for (const auto& measured : observables)
    json["observables"][measured.text] = json_of(measured.values.back());
  return json.dump() + "\n";
}

std::string to_text(const EvolveReport& report) {
  const auto& [problem, asked, plan, result, cost, all, saved] = report;
  const auto observables = without_noise(all);
  std::string text = head(problem, problem.dimension, plan.scalar);
  text += fmt::format("{} on {}; time in inverse units of the couplings (hbar = 1)\n\n",
                      exponential(report), asked.state);
  if (!problem.hermitian)
    text += line("operator", "not Hermitian, as its file says; energy: real part") + "\n";
  for (const auto& drive : problem.drives)
    text += line("driven by", printable(drive.function.text));
  if (!problem.drives.empty()) text += "\n";
  text += points(report, observables);
  for (const auto& measured : observables)
    if (!is_number(measured))
      text +=
          lists_along("time", cells(result.times, time_cell), measured,
                      [&](std::size_t t, std::size_t i) { return number(measured.values[t], i); });
  text += "\n" + line("converged", fmt::format("{} (tolerance {:.1e})",
                                               result.converged ? "yes" : "NO", asked.options.tol));
  if (!normalised(report))
    text +=
        line("drift", problem.drives.empty() ? fmt::format("norm {:.1e}, energy {:.1e}",
                                                           result.norm_drift, result.energy_drift)
                                             : fmt::format("norm {:.1e}", result.norm_drift));
  text += line("method",
               fmt::format("{}, {} operator", to_string(result.method), to_string(plan.form)));
  text += line("products",
               fmt::format("{} in {}", grouped(result.products), counted(result.steps, "step")));
  if (!saved.empty()) text += line("saved", saved);
  return text + cost_lines(cost, plan.memory_estimate_bytes);
}

}  // namespace kronsolve::cli
