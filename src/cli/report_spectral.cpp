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

Json json_of(const DynamicalCorrelation& found, const std::vector<double>& curve) {
  const bool real = has_real_weights(found);
  Json json;
  if (!found.momentum.empty()) json["momentum"] = found.momentum;
  json["dimension"] = found.dimension;
  json["total"] = number_json(found.total, real);
  json["total_error"] = found.total_error;
  json["first_moment"] = number_json(found.first_moment, real);
  json["first_moment_error"] = found.first_moment_error;
  json["line_energies"] = found.energies;
  auto& weights = json["line_weights"] = Json::array();
  for (const auto& weight : found.weights) weights.push_back(number_json(weight, real));
  json["spectrum"] = curve;
  return json;
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

}  // namespace

Json to_json(const SpectralReport& report) {
  const auto& [ground, correlations, products] = report.found;
  Json json;
  json["command"] = "spectral";
  json["model"] = report.problem.model;
  json["sites"] = report.problem.op.sites();
  add_parameters(json, report.problem.parameters, report.problem.lattice);
  json["correlation"] = report.asked.correlation;
  auto& state = json["ground"];
  state["energy"] = ground.energy;
  state["residual"] = ground.residual;
  state["converged"] = ground.converged;
  if (ground.certified) state["certified"] = *ground.certified;
  state["degeneracy"] = ground.degeneracy();
  if (ground.spin) state["spin"] = *ground.spin;
  state["sectors"] = Json::array();
  for (const auto& part : ground.states) state["sectors"].push_back(part.conditions);
  json["energies"] = report.energies;
  json["broadening"] = report.width;
  json["shape"] = name_of(report.asked.shape);
  json["correlations"] = Json::array();
  for (std::size_t p = 0; p < correlations.size(); ++p)
    json["correlations"].push_back(json_of(correlations[p], report.curves[p]));
  json["products"] = products;
  json["ranks"] = report.cost.ranks;
  json["threads"] = report.cost.threads;
  add_cost(json, report.cost);
  if (!report.plot.empty()) json["plot"] = report.plot;
  if (!report.saved.empty()) json["saved"] = report.saved;
  return json;
}

std::string to_text(const SpectralReport& report) {
  const auto& found = report.found.correlations;
  std::string text = report.problem.title + "\n" + ground_lines(report.found.ground) + "\n";
  const bool waves = !found.empty() && !found.front().momentum.empty();
  text += fmt::format("{:>9}  {:>10}  {:>10}  {:>10}  {:>10}  {:>8}  {:>5}\n", waves ? "q/2pi" : "",
                      "weight", "mean w", "lowest w", "strongest", "weight", "lines");
  double scale = 0, total_error = 0, moment_error = 0;
  for (const auto& one : found) {
    scale = std::max(scale, std::abs(one.total));
    total_error = std::max(total_error, one.total_error);
    moment_error = std::max(moment_error, one.first_moment_error);
  }
  for (const auto& one : found) text += row(momentum_cell(one, report.problem.lattice), one, scale);
  text += "\n";
  text += line(
      "of", waves ? fmt::format("S(q,w) of {}, w above the ground state", report.asked.correlation)
                  : fmt::format("{}, w above the ground state", report.asked.correlation));
  text += line("sum rules", fmt::format("weight <AB> met within {}, mean <A[H,B]> within {}",
                                        residual_text(total_error), residual_text(moment_error)));
  if (waves && report.asked.momenta.empty())
    text += line("all q", fmt::format("weight {:.9g}", sum_of_totals(report.found).real()));
  text += line("curves", fmt::format("w from {:.4g} to {:.4g}, {} lines of width {:.3g}",
                                     report.energies.front(), report.energies.back(),
                                     name_of(report.asked.shape), report.width));
  if (!report.plot.empty()) text += line("picture", report.plot);
  if (!report.saved.empty()) text += line("saved", report.saved);
  text += line("products", grouped(report.found.products));
  return text + cost_lines(report.cost, std::nullopt);
}

}  // namespace kronsolve::cli
