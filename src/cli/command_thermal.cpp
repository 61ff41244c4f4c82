#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/guard.hpp"
#include "cli/json_values.hpp"
#include "cli/picture.hpp"
#include "cli/progress_line.hpp"
#include "cli/saved_file.hpp"
#include "cli/table.hpp"
#include "cli/text.hpp"
#include "cli/text_parts.hpp"

namespace kronsolve::cli {

namespace {

/// The curves by the names they have in JSON and at the head of a column.
struct Curve {
  const char* name;
  const char* head;
  const std::vector<Estimate>& values;
};

std::vector<Curve> curves(const ThermalCurves& found) {
  std::vector<Curve> all = {{"energy", "energy", found.energy},
                            {"heat_capacity", "specific heat", found.heat_capacity},
                            {"entropy", "entropy", found.entropy},
                            {"free_energy", "free energy", found.free_energy}};
  if (!found.susceptibility.empty())
    all.push_back({"susceptibility", "susceptibility", found.susceptibility});
  return all;
}

bool is_exact(const Thermodynamics& found) { return found.method == ThermodynamicsMethod::exact; }

void add_estimates(Json& json, const std::string& name, const std::vector<Estimate>& estimates,
                   bool exact) {
  auto& values = json[name] = Json::array();
  for (const auto& estimate : estimates) values.push_back(estimate.value);
  if (exact) return;
  auto& errors = json[name + "_error"] = Json::array();
  for (const auto& estimate : estimates) errors.push_back(estimate.error);
}

void add_curves(Json& json, const ThermalCurves& found, bool exact) {
  for (const auto& curve : curves(found)) add_estimates(json, curve.name, curve.values, exact);
  add_averages(json, found.observables);
}

Json json_of(const OperatorOnSites& problem, const std::vector<std::string>& sector,
             const Thermodynamics& found, const Cost& cost, const std::string& plot) {
  Json json;
  json["command"] = "thermal";
  json["model"] = problem.model;
  json["sites"] = problem.op.sites();
  json["sector"] = sector;
  json["dimension"] = found.states;
  add_parameters(json, problem.parameters, problem.lattice);
  json["method"] = to_string(found.method);
  json["ranks"] = cost.ranks;
  json["threads"] = cost.threads;
  json["temperatures"] = found.temperatures;
  add_curves(json, found, is_exact(found));
  for (const auto& part : found.parts) {
    Json one;
    one["sector"] = part.conditions;
    one["dimension"] = part.states;
    add_estimates(one, "weight", part.weight, is_exact(found));
    add_curves(one, part.curves, is_exact(found));
    json["by_sector"].push_back(std::move(one));
  }
  if (is_exact(found)) {
    json["sectors"] = found.sectors;
    json["largest_sector"] = found.largest;
  } else {
    json["samples"] = found.samples;
    json["products"] = found.products;
  }
  add_cost(json, cost);
  if (!plot.empty()) json["plot"] = plot;
  return json;
}

std::string observables_text(const Thermodynamics& found) {
  std::vector<std::string> points;
  for (const double t : found.temperatures) points.push_back(fmt::format("{:.6g}", t));
  Table numbers;
  numbers.column("temperature", points);
  const std::string lists = add_averages(numbers, "temperature", points, found.observables);
  const bool any = std::any_of(found.observables.begin(), found.observables.end(), is_number);
  return (any ? "\n" + numbers.text() : "") + lists;
}

/// A line for each temperature.
std::string curves_text(const Thermodynamics& found) {
  std::string text = fmt::format("{:>11}", "temperature");
  for (const auto& curve : curves(found))
    text += fmt::format("  {:<17}", std::string(" ") + curve.head);
  text.erase(text.find_last_not_of(' ') + 1);
  text += "\n";
  for (std::size_t i = 0; i < found.temperatures.size(); ++i) {
    text += fmt::format("{:>11.6g}", found.temperatures[i]);
    for (const auto& curve : curves(found))
      text += fmt::format("  {:<17}", estimate_text(curve.values[i], is_exact(found)));
    text.erase(text.find_last_not_of(' ') + 1);
    text += "\n";
  }
  return text;
}

/// Each sector by itself, at each temperature.
std::string parts_text(const Thermodynamics& found) {
  if (found.parts.empty()) return {};
  std::vector<std::string> sectors, states, temperatures;
  const char* heads[] = {"part of Z", "energy", "specific heat", "entropy"};
  std::vector<std::string> columns[std::size(heads)];
  for (const auto& part : found.parts)
    for (std::size_t i = 0; i < found.temperatures.size(); ++i) {
      sectors.push_back(i == 0 ? joined(part.conditions, ", ") : "");
      states.push_back(i == 0 ? grouped(part.states) : "");
      temperatures.push_back(fmt::format("{:.6g}", found.temperatures[i]));
      const auto& curves = part.curves;
      const Estimate cells[] = {part.weight[i], curves.energy[i], curves.heat_capacity[i],
                                curves.entropy[i]};
      for (std::size_t c = 0; c < std::size(heads); ++c)
        columns[c].push_back(estimate_text(cells[c], is_exact(found)));
    }
  Table table;
  table.column("sector", std::move(sectors));
  table.column("states", std::move(states));
  table.column("temperature", std::move(temperatures));
  for (std::size_t c = 0; c < std::size(heads); ++c) table.column(heads[c], std::move(columns[c]));
  return "\n" + table.text();
}

std::string text_of(const OperatorOnSites& problem, const std::vector<std::string>& sector,
                    const Thermodynamics& found, const Cost& cost, const std::string& plot) {
  std::string text = fmt::format("{}\n{}", problem.title, counted(found.states, "state"));
  if (!sector.empty())
    text +=
        fmt::format(", {} {}", found.parts.empty() ? "sector" : "sectors", joined(sector, ", "));
  text += "\n\n" + curves_text(found) + observables_text(found) + parts_text(found);
  text += "\n" +
          line("totals", "not per site; k_B = 1" +
                             std::string(is_exact(found) ? "" : "; standard errors in brackets"));
  text += line("method", is_exact(found) ? fmt::format("exact: all levels of {}, the largest of {}",
                                                       counted(found.sectors, "sector"),
                                                       counted(found.largest, "state"))
                                         : fmt::format("{}: {}{}, {}", to_string(found.method),
                                                       counted(found.samples, "random vector"),
                                                       found.parts.empty() ? "" : " of each sector",
                                                       counted(found.products, "product")));
  if (!plot.empty()) text += line("picture", plot);
  return text + cost_lines(cost, std::nullopt);
}

/// A line for each number and each entry of a list, real parts; matrices are not shown.
Picture picture_of(const Thermodynamics& found) {
  const bool one = found.observables.size() == 1;
  Picture picture{"temperature", one ? "mean " + found.observables[0].text : "thermal mean", {}};
  for (const auto& observable : found.observables) {
    const auto& first = observable.values.front();
    if (first.shape == ObservableValue::Shape::matrix) continue;
    for (std::size_t i = 0; i < first.values.size(); ++i) {
      Series series{observable.text, found.temperatures, {}};
      if (!is_number(observable)) series.name += fmt::format(" [{}]", i);
      for (const auto& value : observable.values) series.y.push_back(value.values[i].real());
      for (const auto& error : observable.errors) series.error.push_back(error.values[i].real());
      picture.series.push_back(std::move(series));
    }
  }
  return picture;
}

/// Specific heat and entropy of a site against temperature.
Picture picture_of_curves(const Thermodynamics& found, int sites) {
  Picture picture{"temperature", "per site", {}};
  const auto add = [&](const char* name, const std::vector<Estimate>& values) {
    Series series{name, found.temperatures, {}};
    for (const auto& estimate : values) {
      series.y.push_back(estimate.value / sites);
      if (!is_exact(found)) series.error.push_back(estimate.error / sites);
    }
    picture.series.push_back(std::move(series));
  };
  add("specific heat", found.heat_capacity);
  add("entropy", found.entropy);
  if (!found.susceptibility.empty()) add("susceptibility", found.susceptibility);
  return picture;
}

/// The observables asked for, or else the curves.
Picture picture_of(const Thermodynamics& found, int sites) {
  Picture picture = picture_of(found);
  if (picture.series.empty()) picture = picture_of_curves(found, sites);
  picture.log_x = found.temperatures.back() > 20 * found.temperatures.front();
  return picture;
}

/// The observables as they are read for the full space.
std::vector<Observable> observables_of(const Comm& comm, const OperatorOnSites& problem,
                                       const std::vector<std::string>& texts) {
  std::vector<Observable> observables;
  if (texts.empty()) return observables;
  const auto basis = make_basis(comm, parse_sector(problem.op.spaces(), problem.lattice, {}));
  for (const auto& text : texts)
    observables.push_back(Observable::parse(comm, text, *basis, problem.lattice));
  return observables;
}

}  // namespace

Answer run_thermal(const Comm& comm, const Arguments& arguments, Clock::time_point start) {
  Phases phases{start};
  const auto& plot = arguments.plot;
  const OperatorOnSites problem = operator_on_sites(comm, arguments.op);
  problem.require_no_rules("thermal");
  require_writable(comm, plot);
  auto options = arguments.thermal.options;
  options.sector = arguments.op.sector;
  options.observe = observables_of(comm, problem, arguments.observe);
  phases.solve = Clock::now();
  ProgressLine progress;
  options.progress = [&](const char* part, index_t done, index_t all) {
    using Parts = ProgressLine::Parts;
    progress.show(part, done, all,
                  part == std::string_view("product") ? Parts::alike : Parts::different);
  };
  const Thermodynamics found =
      thermodynamics(comm, problem.op, problem.lattice, arguments.thermal.temperatures, options);
  phases.measure = Clock::now();
  const Cost cost = measure_cost(comm, phases);
  if (!plot.empty())
    comm.agree([&] {
      if (comm.is_root()) draw(picture_of(found, problem.op.sites()), plot);
    });
  if (arguments.json) return {exit_fine, json_of(problem, options.sector, found, cost, plot), {}};
  return {exit_fine, {}, text_of(problem, options.sector, found, cost, plot)};
}

}  // namespace kronsolve::cli
