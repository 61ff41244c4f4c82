#include <fmt/format.h>

#include <kronsolve/operators/matrix_market.hpp>
#include <kronsolve/operators/rows.hpp>
#include <kronsolve/solvers/svds.hpp>

#include "cli/checkpointing.hpp"
#include "cli/commands.hpp"
#include "cli/guard.hpp"
#include "cli/json_values.hpp"
#include "cli/problem.hpp"
#include "cli/progress_line.hpp"
#include "cli/report.hpp"
#include "cli/saved_file.hpp"
#include "cli/text.hpp"
#include "cli/text_parts.hpp"

namespace kronsolve::cli {

namespace {

/// A matrix of any shape and what results say about it.
struct Matrix {
  std::string model, title;
  std::optional<int> sites;
  std::vector<std::string> sector;
  StateOrigin origin;
  /// Rows of this rank, or as they are asked for.
  std::variant<CsrRows<double>, CsrRows<std::complex<double>>, Lazy<double>,
               Lazy<std::complex<double>>>
      rows;
  std::map<std::string, std::string> parameters = {};  ///< as in Problem
  std::optional<Lattice> lattice = {};
};

Matrix read_matrix(const Comm& comm, const Arguments& arguments) {
  const auto& path = arguments.op.matrix;
  auto read = read_matrix_market(comm, path);
  return std::visit(
      [&]<Scalar T>(MatrixMarketRows<T>& held) {
        return Matrix{path,
                      path,
                      std::nullopt,
                      {},
                      {arguments.command_line, path, "matrix", ""},
                      std::move(held.rows),
                      {},
                      {}};
      },
      read);
}

Matrix matrix_of(const Comm& comm, const Arguments& arguments) {
  if (!arguments.op.matrix.empty()) return read_matrix(comm, arguments);
  Problem problem = hermitian_problem(comm, arguments.op);
  const auto& h = std::get<SectorOperator>(problem.op);
  return visit_scalar(h.scalar(), [&]<Scalar T>() {
    return Matrix{problem.model,
                  problem.title,
                  problem.sites,
                  problem.sector,
                  origin_of(arguments, problem),
                  make_lazy<T>(h),
                  problem.parameters,
                  problem.lattice};
  });
}

/// Of rows that are asked for, what they are asked of says what they are.
Identity identity_of(const Comm& comm, const Matrix& matrix) {
  Identity identity{matrix.title, matrix.sector, matrix.parameters, matrix.origin, ""};
  std::visit(
      [&]<class Rows>(const Rows& rows) {
        if constexpr (requires { rows.values; }) identity.matrix = matrix_text(comm, rows);
      },
      matrix.rows);
  return identity;
}

template <Scalar T>
Json json_of(const Matrix& matrix, const SvdsResult<T>& r, const Cost& cost,
             const std::string& saved) {
  Json json;
  json["command"] = "svds";
  json["model"] = matrix.model;
  json["sites"] = matrix.sites ? Json(*matrix.sites) : nullptr;
  json["shape"] = {r.rows, r.cols};
  json["scalar"] = to_string(scalar_kind<T>);
  json["sector"] = matrix.sector;
  add_parameters(json, matrix.parameters, matrix.lattice);
  json["method"] = to_string(r.method);
  json["operator"] = to_string(OperatorForm::assembled);
  json["ranks"] = cost.ranks;
  json["threads"] = cost.threads;
  json["singular_values"] = r.singular_values;
  json["residuals"] = r.residuals;
  json["residual_kind"] = to_string(r.residual_kind);
  json["converged"] = r.converged;
  json["converged_triplets"] = r.converged_triplets;
  json["certified"] = r.certified;
  json["certificate"] = r.certificate;
  json["iterations"] = r.iterations;
  json["products"] = r.products;
  json["certify_products"] = r.certify_products;
  add_cost(json, cost);
  json["memory_estimate_bytes"] = r.memory_estimate_bytes;
  json["reason"] = r.reason;
  if (!saved.empty()) json["saved"] = saved;
  return json;
}

template <Scalar T>
std::string text_of(const Matrix& matrix, const SvdsResult<T>& r, const Cost& cost,
                    const std::string& saved) {
  std::string text = fmt::format("{}\n{} x {}, {}\n\n{:>5}  {:<24}  {}\n", matrix.title,
                                 grouped(r.rows), grouped(r.cols), to_string(scalar_kind<T>),
                                 "value", " singular value", "residual");
  for (std::size_t i = 0; i < r.singular_values.size(); ++i)
    text += fmt::format("{:>5}  {:<24}  {}\n", i, value_text(r.singular_values[i]),
                        residual_text(r.residuals[i]));
  text += "\n" + line("converged",
                      r.converged
                          ? fmt::format("{} of {}", r.converged_triplets,
                                        counted(index_t(r.singular_values.size()), "triplet"))
                          : fmt::format("NO: {} only", counted(r.converged_triplets, "triplet")));
  if (!r.certificate.empty()) text += line("checked", r.certificate);
  text += line("method", std::string(to_string(r.method)));
  text += line("", r.reason);
  const std::string check =
      r.certify_products > 0 ? fmt::format(", {} for the check", grouped(r.certify_products)) : "";
  text += line("products", fmt::format("{} in {}{}", grouped(r.products),
                                       counted(r.iterations, "iteration"), check));
  if (!saved.empty()) text += line("saved", saved);
  return text + cost_lines(cost, std::nullopt);
}

}  // namespace

Answer run_svds(const Comm& comm, const Arguments& arguments, Clock::time_point start) {
  Phases phases{start};
  const Matrix matrix = matrix_of(comm, arguments);
  require_writable(comm, arguments.save);
  phases.solve = Clock::now();
  Checkpointing checkpointing(comm, arguments, [&] { return identity_of(comm, matrix); });
  SvdsOptions options = arguments.svds;
  options.checkpoint = checkpointing.get();
  ProgressLine progress;
  options.progress = [&](const Progress& now) {
    if (comm.is_root()) progress.show(now);
  };
  return std::visit(
      [&](const auto& rows) -> Answer {
        const auto result = svds(comm, rows, options);
        phases.measure = Clock::now();
        const Cost cost = measure_cost(comm, phases);
        const auto& saved = arguments.save;
        auto json = json_of(matrix, result, cost, saved);
        save(comm, saved, matrix.origin, result, json);
        return {result.converged ? exit_fine : exit_not_converged, std::move(json),
                text_of(matrix, result, cost, saved)};
      },
      matrix.rows);
}

}  // namespace kronsolve::cli
