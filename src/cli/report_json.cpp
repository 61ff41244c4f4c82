#include "cli/json_values.hpp"

namespace kronsolve::cli {

namespace {

Json number(const ObservableValue& value, std::size_t at) {
  const auto z = value.values[at];
  if (value.scalar == ScalarKind::real) return z.real();
  return Json::array({z.real(), z.imag()});
}

/// One value as it is, several (eigenpairs, times) as a list.
Json values_of(const Measured& measured, bool list) {
  if (!list) return json_of(measured.values.front());
  Json values = Json::array();
  for (const auto& value : measured.values) values.push_back(json_of(value));
  return values;
}

}  // namespace

Json json_of(const ObservableValue& value) {
  if (value.shape == ObservableValue::Shape::number) return number(value, 0);
  const auto row = [&](index_t i, index_t length) {
    Json list = Json::array();
    for (index_t j = 0; j < length; ++j)
      list.push_back(number(value, static_cast<std::size_t>(i * length + j)));
    return list;
  };
  if (value.shape == ObservableValue::Shape::vector) return row(0, value.rows);
  Json rows = Json::array();
  for (index_t i = 0; i < value.rows; ++i) rows.push_back(row(i, value.cols));
  return rows;
}

Json json_of(const std::string& command, const Problem& problem, index_t dimension,
             ScalarKind scalar) {
  Json json;
  json["command"] = command;
  json["model"] = problem.model;
  json["sites"] = problem.sites ? Json(*problem.sites) : Json();
  json["dimension"] = dimension;
  json["scalar"] = to_string(scalar);
  json["sector"] = problem.sector;
  add_parameters(json, problem.parameters, problem.lattice);
  return json;
}

void add_parameters(Json& json, const std::map<std::string, std::string>& parameters,
                    const std::optional<Lattice>& lattice) {
  if (!parameters.empty()) json["parameters"] = parameters;
  if (!lattice || lattice->size().empty()) return;
  const auto& size = lattice->size();
  json["lattice"] = {{"name", lattice->name()}, {"size", size}};
  if (lattice->cluster()) json["lattice"]["cluster"] = *lattice->cluster();
  auto& cyclic = json["lattice"]["cyclic"] = Json::array();
  for (int direction = 0; direction < std::ssize(size); ++direction)
    cyclic.push_back(lattice->is_cyclic(direction));
}

void add_averages(Json& json, const std::vector<ThermalObservable>& observables) {
  for (const auto& observable : observables) {
    for (const auto& value : observable.values)
      json["observables"][observable.text].push_back(json_of(value));
    for (const auto& error : observable.errors)
      json["observables_error"][observable.text].push_back(json_of(error));
  }
}

void add_cost(Json& json, const Cost& cost) {
  json["seconds"] = {{"setup", cost.setup_seconds},
                     {"solve", cost.solve_seconds},
                     {"measure", cost.measure_seconds},
                     {"total", cost.total_seconds}};
  json["peak_rss_bytes"] = cost.peak_rss_bytes;
  json["peak_rss_rank_bytes"] = cost.peak_rss_rank_bytes;
}

Json to_json(const EighReport& report) {
  const auto& [command, problem, result, cost, observables, saved, sectors, verbose] = report;
  Json json = json_of(command, problem, result.dimension, result.scalar);
  json["method"] = to_string(result.method);
  json["operator"] = to_string(result.form);
  json["ranks"] = cost.ranks;
  json["threads"] = cost.threads;
  if (command == "ground" && !result.eigenvalues.empty())
    json["energy"] = result.eigenvalues.front();
  if (command == "ground")
    json["lowest_of"] = sectors != nullptr       ? "sectors"
                        : problem.sector.empty() ? "space"
                                                 : "sector";
  json["eigenvalues"] = result.eigenvalues;
  json["residuals"] = result.residuals;
  json["residual_kind"] = to_string(result.residual_kind);
  json["converged"] = result.converged;
  json["converged_pairs"] = result.converged_pairs;
  if (result.certified) json["certified"] = *result.certified;
  if (!result.certificate.empty()) {
    json["certificate"] = result.certificate;
    json["certify_products"] = result.certify_products;
  }
  for (const auto& measured : observables)
    json["observables"][measured.text] = values_of(measured, measured.values.size() != 1);
  json["iterations"] = result.iterations;
  json["products"] = result.products;
  add_cost(json, cost);
  json["memory_estimate_bytes"] = result.memory_estimate_bytes;
  json["reason"] = result.reason;
  if (!saved.empty()) json["saved"] = saved;
  if (sectors != nullptr) json["sectors"] = json_of_sectors(*sectors);
  return json;
}

Json to_json(const MeasureReport& report) {
  const auto& [problem, scalar, file, cost, observables] = report;
  Json json = json_of("measure", problem, problem.dimension, scalar);
  json["file"] = file;
  json["states"] = observables.front().values.size();
  json["ranks"] = cost.ranks;
  json["threads"] = cost.threads;
  for (const auto& measured : observables)
    json["observables"][measured.text] = values_of(measured, measured.values.size() != 1);
  add_cost(json, cost);
  return json;
}

Json to_json(const PlanReport& report) {
  const auto& [problem, plan, suggestion, symmetries, found, ranks, threads, product, loads,
               verbose] = report;
  Json json = json_of("plan", problem, plan.dimension, plan.scalar);
  json["method"] = to_string(plan.method);
  json["operator"] = to_string(plan.form);
  json["ranks"] = ranks;
  json["threads"] = threads;
  json["memory_estimate_bytes"] = plan.memory_estimate_bytes;
  json["memory_rank_bytes"] = plan.memory_rank_bytes;
  json["fits"] = plan.fits;
  json["reason"] = plan.reason;
  if (loads)
    json["exchange"] = {{"counted", loads->counted},
                        {"received_bytes", loads->received_bytes},
                        {"received_rank_bytes", loads->received_rank_bytes},
                        {"bytes_per_state", loads->bytes_per_state()},
                        {"messages", loads->messages},
                        {"messages_rank", loads->messages_rank},
                        {"partners", loads->partners},
                        {"product_memory_rank_bytes", loads->memory_rank_bytes},
                        {"row_imbalance", loads->row_imbalance()},
                        {"work_imbalance", loads->work_imbalance}};
  const auto sector = [](const SectorSuggestion& s) {
    return Json{{"sector", s.conditions}, {"dimension", s.dimension}};
  };
  if (suggestion) json["suggested_sector"] = sector(*suggestion);
  if (symmetries) json["suggested_symmetries"] = sector(*symmetries);
  if (found) {
    auto& all = json["found_symmetries"];
    for (const auto& g : found->generators)
      all["generators"].push_back({{"name", g.name},
                                   {"sector", g.condition},
                                   {"order", g.order},
                                   {"dimension", g.dimension}});
    all["relations"] = found->relations;
    all["group"] = found->group;
    all["sector"] = found->sector.conditions;
    all["dimension"] = found->sector.dimension;
  }
  if (suggestion || symmetries || found)
    json["suggestion"] = "one sector of several; the ground state may be in another";
  return json;
}

}  // namespace kronsolve::cli
