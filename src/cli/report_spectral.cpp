// Correlations in frequency, as text and as JSON.

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "cli/json_values.hpp"
#include "cli/text.hpp"
#include "cli/text_parts.hpp"

namespace kronsolve::cli {

namespace {

std::string name_of(LineShape shape) {
  return shape == LineShape::lorentzian ? "lorentzian" : "gaussian";
}

bool has_real_weights(const DynamicalCorrelation& found) {
  return std::all_of(found.weights.begin(), found.weights.end(), [&](const auto& weight) {
    return std::abs(weight.imag()) <= 1e-13 * (1 + std::abs(found.total));
  });
}

Json number_json(std::complex<double> value, bool real) {
  if (real) return value.real();
  return Json::array({value.real(), value.imag()});
}

/// @param random  the lines are a grid of what random vectors gave, and mean nothing one by one
Json json_of(const DynamicalCorrelation& found, bool thermal, bool random) {
  const bool real = has_real_weights(found);
  Json json;
  if (!found.momentum.empty()) json["momentum"] = found.momentum;
  json["dimension"] = found.dimension;
  json["total"] = number_json(found.total, real);
  json["total_error"] = found.total_error;
  json["first_moment"] = number_json(found.first_moment, real);
  json["first_moment_error"] = found.first_moment_error;
  const bool balanced = thermal && std::isfinite(found.reversed_error);
  if (balanced) {
    json["reversed"] = number_json(found.reversed, real);
    json["reversed_error"] = found.reversed_error;
  }
  if (random) {
    json["total_deviation"] = found.total_deviation;
    json["first_moment_deviation"] = found.first_moment_deviation;
    if (balanced) json["reversed_deviation"] = found.reversed_deviation;
    return json;
  }
  json["line_energies"] = found.energies;
  auto& weights = json["line_weights"] = Json::array();
  for (const auto& weight : found.weights) weights.push_back(number_json(weight, real));
  return json;
}

Json json_of(const Conductivity& found, const SpectralReport& report) {
  const bool random = report.found.samples > 0;
  Json json;
  const auto add = [&](const std::string& name, const Estimate& estimate) {
    json[name] = estimate.value;
    if (random) json[name + "_error"] = estimate.error;
  };
  add("kinetic", found.kinetic);
  add("regular", found.regular);
  add("drude_weight", found.drude_weight);
  json["drude_below"] = found.drude_below;
  json["spectrum"] = report.curves.front();
  if (random) json["spectrum_error"] = report.errors.front();
  return json;
}

Json json_of(const GroundLevel& ground) {
  Json state;
  state["energy"] = ground.energy;
  state["residual"] = ground.residual;
  state["converged"] = ground.converged;
  if (ground.certified) state["certified"] = *ground.certified;
  state["degeneracy"] = ground.degeneracy();
  if (ground.spin) state["spin"] = *ground.spin;
  state["sectors"] = Json::array();
  for (const auto& part : ground.states) state["sectors"].push_back(part.conditions);
  return state;
}

void add_temperature(Json& json, const DynamicalCorrelations& found) {
  json["temperature"] = *found.temperature;
  json["method"] = to_string(found.method);
  json["energy"] = found.energy.value;
  json["traced_sectors"] = found.sectors;
  if (found.samples == 0) return;
  json["energy_error"] = found.energy.error;
  json["samples"] = found.samples;
}

/// Over all momenta; each site has the same part of it where they are alike.
std::complex<double> sum_of_totals(const DynamicalCorrelations& found) {
  std::complex<double> sum = 0;
  for (const auto& one : found.correlations) sum += one.total;
  return sum;
}

std::string momentum_cell(const DynamicalCorrelation& found, const Lattice& lattice) {
  std::string text;
  for (std::size_t d = 0; d < found.momentum.size(); ++d)
    text += lattice.cluster()
                ? fmt::format("{}{}", d == 0 ? "" : ",", found.momentum[d])
                : fmt::format("{}{}/{}", d == 0 ? "" : " ", found.momentum[d], lattice.size()[d]);
  return text;
}

/// What a number is beside `scale`, without rounding noise.
std::string plain(double value, double scale) {
  return std::abs(value) <= 1e-13 * scale ? "0" : fmt::format("{:.6f}", value);
}

std::string row(const std::string& name, const DynamicalCorrelation& found, double scale) {
  std::string lowest = "-", strongest = "-", part = "-";
  index_t lines = 0;
  double most = 0;
  for (std::size_t j = 0; j < found.energies.size(); ++j) {
    const double weight = std::abs(found.weights[j]);
    if (weight <= 1e-10 * scale) continue;
    if (++lines == 1) lowest = fmt::format("{:.6f}", found.energies[j]);
    if (weight <= most) continue;
    most = weight;
    strongest = fmt::format("{:.6f}", found.energies[j]);
    part = fmt::format("{:.4f}", weight);
  }
  const double total = found.total.real();
  const bool there = std::abs(total) > 1e-13 * scale;
  return fmt::format("{:>9}  {:>10}  {:>10}  {:>10}  {:>10}  {:>8}  {:>5}\n", name,
                     plain(total, scale), there ? plain(found.first_moment.real() / total, 1) : "-",
                     lowest, strongest, part, lines);
}

/// From random vectors.
std::string sampled_row(const std::string& name, const DynamicalCorrelation& found, double scale) {
  const double total = found.total.real();
  const bool there = std::abs(total) > std::max(1e-13 * scale, 2 * found.total_deviation);
  return fmt::format("{:>9}  {:>14}  {:>10}\n", name, with_error({total, found.total_deviation}),
                     there ? plain(found.first_moment.real() / total, 1) : "-");
}

std::string ground_lines(const GroundLevel& ground) {
  const index_t states = ground.degeneracy();
  std::string text =
      line("ground",
           value_text(ground.energy) + (ground.spin ? ", S = " + spin_text(*ground.spin) : "") +
               fmt::format(", {}",
                           states == 1 ? "one state" : fmt::format("mean over {} states", states)));
  std::string sector = joined(ground.states.front().conditions, ", ");
  if (ground.states.size() > 1)
    sector += fmt::format(" and {} more", counted(std::ssize(ground.states) - 1, "sector"));
  if (!sector.empty()) text += line("sector", sector);
  text += line("residual",
               residual_text(ground.residual) + (ground.converged ? "" : ", NOT converged"));
  return text;
}

std::string temperature_lines(const DynamicalCorrelations& found) {
  const bool random = found.samples > 0;
  const std::string energy =
      random ? without_blank(with_error(found.energy)) : value_text(found.energy.value);
  std::string text = line("at", fmt::format("T = {:.6g}, <H> = {}", *found.temperature, energy));
  const auto sectors = counted(found.sectors, "sector");
  if (!random) return text + line("method", "exact: all eigenvectors of " + sectors);
  return text + line("method", "ftlm: " + counted(found.samples, "random vector") +
                                   (found.sectors > 1 ? " of each of " + sectors : ""));
}

/// The largest of these over the correlations.
double worst(const DynamicalCorrelations& found, double DynamicalCorrelation::*part) {
  double most = 0;
  for (const auto& one : found.correlations) most = std::max(most, one.*part);
  return most;
}

std::string sum_rules(const DynamicalCorrelations& found) {
  const auto within = [&](const char* what, double DynamicalCorrelation::*error,
                          double DynamicalCorrelation::*deviation) {
    std::string text = std::string(what) + " within " + residual_text(worst(found, error));
    if (found.samples > 0 && deviation != nullptr)
      text += fmt::format(" (standard error {})", residual_text(worst(found, deviation)));
    return text;
  };
  using D = DynamicalCorrelation;
  std::string text = within("weight <AB> met", &D::total_error, nullptr) + ", " +
                     within("mean <A[H,B]>", &D::first_moment_error, &D::first_moment_deviation);
  if (!found.temperature) return text;
  for (const auto& one : found.correlations)
    if (!std::isfinite(one.reversed_error))
      return text + "; no detailed balance in these sectors, out of which the operators lead";
  return text + ", " + within("detailed balance <BA>", &D::reversed_error, &D::reversed_deviation);
}

/// A table with a line for each correlation, and what it means.
std::string correlation_lines(const SpectralReport& report) {
  const auto& found = report.found.correlations;
  const bool waves = !found.empty() && !found.front().momentum.empty();
  const bool thermal = report.found.temperature.has_value(), random = report.found.samples > 0;
  std::string text =
      random ? fmt::format("{:>9}  {:>14}  {:>10}\n", waves ? "q/2pi" : "", "weight", "mean w")
             : fmt::format("{:>9}  {:>10}  {:>10}  {:>10}  {:>10}  {:>8}  {:>5}\n",
                           waves ? "q/2pi" : "", "weight", "mean w", "lowest w", "strongest",
                           "weight", "lines");
  const double scale = [&] {
    double most = 0;
    for (const auto& one : found) most = std::max(most, std::abs(one.total));
    return most;
  }();
  for (const auto& one : found) {
    const auto name = momentum_cell(one, report.problem.lattice);
    text += random ? sampled_row(name, one, scale) : row(name, one, scale);
  }
  text += "\n";
  const char* measured = thermal ? "w that is taken up" : "w above the ground state";
  text += line("of", waves ? fmt::format("S(q,w) of {}, {}", report.asked.correlation, measured)
                           : fmt::format("{}, {}", report.asked.correlation, measured));
  text += line("sum rules", sum_rules(report.found));
  if (waves && report.asked.momenta.empty())
    text += line("all q", fmt::format("weight {:.9g}", sum_of_totals(report.found).real()));
  return text;
}

std::string conductivity_lines(const SpectralReport& report) {
  const auto& sigma = *report.conductivity;
  // Rounding beside the kinetic energy, from which the others are taken.
  const auto beside = [&](const Estimate& of) -> std::string {
    if (report.found.samples > 0) return without_blank(with_error(of));
    return std::abs(of.value) <= 1e-10 * std::abs(sigma.kinetic.value)
               ? "0"
               : fmt::format("{:.9f}", of.value);
  };
  const auto from =
      sigma.drude_below > 0 ? fmt::format("w >= {:.3g}", sigma.drude_below) : std::string("w > 0");
  const auto below = sigma.drude_below > 0
                         ? fmt::format(", with all that is below {:.3g}", sigma.drude_below)
                         : std::string();
  return line("of", report.asked.correlation +
                        ": sigma(w) = 2 pi D delta(w) + regular part, of a site; charge, lattice "
                        "constant and hbar 1") +
         line("kinetic", beside(sigma.kinetic) + ", <K> of a site") +
         line("regular", beside(sigma.regular) + ", integral over " + from) +
         line("Drude",
              beside(sigma.drude_weight) + ", D = -kinetic/2 - regular/pi (f-sum rule)" + below) +
         line("sum rules", sum_rules(report.found));
}

}  // namespace

Json to_json(const SpectralReport& report) {
  const auto& correlations = report.found.correlations;
  const bool thermal = report.found.temperature.has_value(), random = report.found.samples > 0;
  Json json;
  json["command"] = "spectral";
  json["model"] = report.problem.model;
  json["sites"] = report.problem.op.sites();
  add_parameters(json, report.problem.parameters, report.problem.lattice);
  json["correlation"] = report.asked.correlation;
  if (thermal)
    add_temperature(json, report.found);
  else
    json["ground"] = json_of(report.found.ground);
  json["energies"] = report.energies;
  json["broadening"] = report.width;
  json["shape"] = name_of(report.asked.shape);
  json["correlations"] = Json::array();
  for (std::size_t p = 0; p < correlations.size(); ++p) {
    json["correlations"].push_back(json_of(correlations[p], thermal, random));
    if (report.conductivity) continue;
    json["correlations"].back()["spectrum"] = report.curves[p];
    if (random) json["correlations"].back()["spectrum_error"] = report.errors[p];
  }
  if (report.conductivity) json["conductivity"] = json_of(*report.conductivity, report);
  json["products"] = report.found.products;
  json["ranks"] = report.cost.ranks;
  json["threads"] = report.cost.threads;
  add_cost(json, report.cost);
  if (!report.plot.empty()) json["plot"] = report.plot;
  if (!report.saved.empty()) json["saved"] = report.saved;
  return json;
}

std::string to_text(const SpectralReport& report) {
  const bool thermal = report.found.temperature.has_value();
  std::string text = report.problem.title + "\n";
  text += thermal ? temperature_lines(report.found) : ground_lines(report.found.ground);
  text += "\n" + (report.conductivity ? conductivity_lines(report) : correlation_lines(report));
  text += line("curves", fmt::format("w from {:.4g} to {:.4g}, {} lines of width {:.3g}",
                                     report.energies.front(), report.energies.back(),
                                     name_of(report.asked.shape), report.width));
  if (!report.plot.empty()) text += line("picture", report.plot);
  if (!report.saved.empty()) text += line("saved", report.saved);
  if (report.found.products > 0) text += line("products", grouped(report.found.products));
  return text + cost_lines(report.cost, std::nullopt);
}

}  // namespace kronsolve::cli
