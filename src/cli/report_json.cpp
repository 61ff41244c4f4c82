#include <nlohmann/json.hpp>

#include "cli/report.hpp"

namespace kronsolve::cli {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Value& value) {
  struct Visitor {
    Json operator()(double x) const { return x; }
    Json operator()(std::complex<double> z) const { return Json::array({z.real(), z.imag()}); }
    Json operator()(const std::vector<Value>& values) const {
      Json list = Json::array();
      for (const auto& v : values) list.push_back(json_of(v));
      return list;
    }
  };
  return std::visit(Visitor{}, value.content);
}

/// What is known of a problem before it is solved.
Json json_of(const std::string& command, const Problem& problem, index_t dimension,
             ScalarKind scalar) {
  Json json;
  json["command"] = command;
  json["model"] = problem.model;
  json["sites"] = problem.sites ? Json(*problem.sites) : Json();
  json["dimension"] = dimension;
  json["scalar"] = to_string(scalar);
  json["sector"] = problem.sector;
  return json;
}

}  // namespace

std::string to_json(const EighReport& report) {
  const auto& [command, problem, result, cost, observables] = report;
  Json json = json_of(command, problem, result.dimension, result.scalar);
  json["method"] = to_string(result.method);
  json["operator"] = to_string(result.form);
  json["ranks"] = cost.ranks;
  json["threads"] = cost.threads;
  if (command == "ground" && !result.eigenvalues.empty())
    json["energy"] = result.eigenvalues.front();
  json["eigenvalues"] = result.eigenvalues;
  json["residuals"] = result.residuals;
  json["residual_kind"] = to_string(result.residual_kind);
  json["converged"] = result.converged;
  json["converged_pairs"] = result.converged_pairs;
  for (const auto& [name, value] : observables) json["observables"][name] = json_of(value);
  json["iterations"] = result.iterations;
  json["products"] = result.products;
  json["seconds"] = {
      {"setup", cost.setup_seconds}, {"solve", cost.solve_seconds}, {"total", cost.total_seconds}};
  json["peak_rss_bytes"] = cost.peak_rss_bytes;
  json["peak_rss_rank_bytes"] = cost.peak_rss_rank_bytes;
  json["memory_estimate_bytes"] = result.memory_estimate_bytes;
  json["reason"] = result.reason;
  return json.dump(2) + "\n";
}

std::string to_json(const PlanReport& report) {
  const auto& [problem, plan, ranks, threads] = report;
  Json json = json_of("plan", problem, plan.dimension, plan.scalar);
  json["method"] = to_string(plan.method);
  json["operator"] = to_string(plan.form);
  json["ranks"] = ranks;
  json["threads"] = threads;
  json["memory_estimate_bytes"] = plan.memory_estimate_bytes;
  json["memory_rank_bytes"] = plan.memory_rank_bytes;
  json["fits"] = plan.fits;
  json["reason"] = plan.reason;
  return json.dump(2) + "\n";
}

}  // namespace kronsolve::cli
