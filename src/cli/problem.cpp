#include "cli/problem.hpp"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/hermitian_check.hpp>
#include <kronsolve/operators/matrix_market.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/op_file.hpp>
#include <kronsolve/operators/sector_scan.hpp>
#include <kronsolve/operators/sectors.hpp>

#include "cli/found_symmetries.hpp"
#include "cli/text.hpp"

namespace kronsolve::cli {

namespace {

std::string title(const Model& model, const ModelOptions& options) {
  std::string text = model.name;
  if (const auto& cluster = model.lattice.cluster()) {
    const auto& [a, b] = *cluster;
    text += fmt::format(", cluster ({},{}), ({},{}) of the {} lattice", a[0], a[1], b[0], b[1],
                        model.lattice.name());
  } else if (model.lattice.size().size() == 2)
    text += fmt::format(", {} x {} {}", model.lattice.size()[0], model.lattice.size()[1],
                        model.lattice.name());
  text += fmt::format(", {} site{}", model.op.sites(), model.op.sites() == 1 ? "" : "s");
  const auto& spaces = model.op.spaces();
  if (std::adjacent_find(spaces.begin(), spaces.end(), std::not_equal_to()) != spaces.end())
    text += ", " + model_info(model.name).local;
  else if (spaces.front() != LocalSpace())
    text += ", " + spaces.front().name();
  if (model.lattice.cluster()) return text;
  switch (options.cyclic) {
    case Cyclic::none:
      return text + ", open";
    case Cyclic::x:
      return text + ", cyclic along x";
    case Cyclic::y:
      return text + ", cyclic along y";
    case Cyclic::all:
      break;
  }
  return text + ", cyclic";
}

Problem of_matrix(const Comm& comm, const std::string& path) {
  const auto header = read_matrix_market_header(comm, path);
  if (header.rows != header.cols)
    throw DimensionError(fmt::format("{}: eigenpairs need a square matrix, got {} x {}", path,
                                     header.rows, header.cols));
  auto read = read_matrix_market(comm, path, header);  // the solvers ask whether it is Hermitian
  return std::visit(
      [&]<Scalar T>(MatrixMarketRows<T>& rows) {
        return Problem{path,
                       fmt::format("{}, {} x {}", printable(path), header.rows, header.cols),
                       std::nullopt,
                       {},
                       header.rows,
                       scalar_kind<T>,
                       std::nullopt,
                       std::move(rows.rows),
                       {}};
      },
      read);
}

/// The charges of the middle of the spectrum that the operator conserves: where antiferromagnets
/// and half-filled bands have their ground states.
std::vector<std::string> middle_charges(const OpSum& op) {
  const auto conserved = conserved_charges(op);
  const auto has = [&](const char* name) {
    return std::find(conserved.begin(), conserved.end(), name) != conserved.end();
  };
  const int half = op.sites() / 2;
  if (has("nup") && has("ndown"))
    return {fmt::format("nup={}", half), fmt::format("ndown={}", half)};
  if (has("sz")) {
    int twice = 0;
    for (const auto& space : op.spaces())
      if (space.kind() == LocalSpace::Kind::spin) twice += space.twice_spin();
    return {twice % 2 == 0 ? "sz=0" : "sz=1/2"};
  }
  if (has("n")) return {fmt::format("n={}", half)};
  if (has("parity")) return {"parity=0"};
  return {};
}

/// `--lattice edges:FILE` read.
ModelOptions with_edges(const Comm& comm, ModelOptions options) {
  constexpr std::string_view prefix = "edges:";
  if (!options.lattice.starts_with(prefix)) return options;
  options.edges = read_edges(comm, options.lattice.substr(prefix.size()));
  options.lattice = "edges";
  return options;
}

}  // namespace

std::vector<std::string> OperatorOnSites::with_rules(std::vector<std::string> conditions) const {
  for (const auto& rule : rules)
    if (std::find(conditions.begin(), conditions.end(), rule) == conditions.end())
      conditions.push_back(rule);
  return conditions;
}

void OperatorOnSites::require_no_rules(const std::string& where) const {
  if (!rules.empty())
    throw InvalidArgument(
        fmt::format("{}: {} has rules about configurations ({}), which it does not know; take "
                    "them out of the file",
                    where, printable(model), rules.front()));
}

OperatorOnSites operator_on_sites(const Comm& comm, const OperatorArguments& arguments,
                                  Drives drives, NonHermitian other) {
  if (!arguments.terms.empty()) {
    auto file = read_operator_file(comm, arguments.terms, arguments.options.params);
    if (drives == Drives::refused) file.require_constant(printable(arguments.terms));
    if (file.hermitian || other == NonHermitian::refused)
      file.require_hermitian(printable(arguments.terms));
    for (const auto& drive : file.drives)
      require_hermitian(drive.op, fmt::format("{}, [[drive]] {}", arguments.terms,
                                              printable(drive.function.text)));
    auto title = fmt::format("{}, {} site{}", printable(arguments.terms), file.op.sites(),
                             file.op.sites() == 1 ? "" : "s");
    return {arguments.terms,
            std::move(title),
            std::move(file.lattice),
            std::move(file.op),
            std::move(file.parameters),
            std::move(file.drives),
            std::move(file.rules),
            file.hermitian};
  }
  const ModelOptions options = with_edges(comm, arguments.options);
  auto model = make_model(arguments.model, options);
  require_hermitian(model.op, model.name);
  auto text = title(model, options);
  return {std::move(model.name), std::move(text), std::move(model.lattice), std::move(model.op),
          std::move(model.params)};
}

Problem hermitian_problem(const Comm& comm, const OperatorArguments& arguments, States states,
                          Drives drives, NonHermitian other) {
  if (!arguments.matrix.empty()) return of_matrix(comm, arguments.matrix);
  return problem_in_sector(comm, operator_on_sites(comm, arguments, drives, other),
                           arguments.sector, states);
}

Problem problem_in_sector(const Comm& comm, OperatorOnSites on_sites,
                          const std::vector<std::string>& conditions, States states) {
  auto& [model, title, lattice, sum, parameters, drives, rules, hermitian] = on_sites;
  const Sector sector = parse_sector(sum.spaces(), lattice, on_sites.with_rules(conditions));
  for (const auto& drive : drives) require_respects(drive.op, sector);
  const int sites = sum.sites();
  SectorOperator op = states == States::listed ? in_sector(comm, std::move(sum), sector)
                                               : in_counted_sector(std::move(sum), sector);
  return {std::move(model),   std::move(title), sites,
          op.basis->sector(), op.dimension(),   op.scalar(),
          std::move(lattice), std::move(op),    std::move(parameters),
          std::move(drives),  hermitian};
}

std::optional<SectorSuggestion> suggest_sector(const Problem& problem) {
  const auto* h = std::get_if<SectorOperator>(&problem.op);
  if (h == nullptr || !problem.sector.empty()) return std::nullopt;
  auto conditions = middle_charges(h->op);
  if (conditions.empty()) return std::nullopt;
  const auto size = respected_size(h->op, *problem.lattice, conditions);
  if (!size) return std::nullopt;
  return SectorSuggestion{std::move(conditions), *size};
}

std::optional<SectorSuggestion> suggest_symmetries(const Problem& problem) {
  const auto* h = std::get_if<SectorOperator>(&problem.op);
  if (h == nullptr) return std::nullopt;
  SectorSuggestion best{problem.sector, problem.dimension};
  if (const auto charges = suggest_sector(problem)) best = *charges;
  const auto before = best.conditions.size();
  for (const auto& candidate : named_symmetries(*problem.lattice)) {
    auto conditions = best.conditions;
    conditions.push_back(candidate);
    const auto size = respected_size(h->op, *problem.lattice, conditions);
    if (size && *size < best.dimension) best = {std::move(conditions), *size};
  }
  if (best.conditions.size() == before) return std::nullopt;
  return best;
}

}  // namespace kronsolve::cli
