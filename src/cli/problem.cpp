#include "cli/problem.hpp"

#include <fmt/format.h>

#include <kronsolve/operators/hermitian_check.hpp>
#include <kronsolve/operators/matrix_market.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/op_file.hpp>

namespace kronsolve::cli {

namespace {

std::string title(const Model& model, const ModelOptions& options) {
  std::string text = model.name;
  if (model.lattice.size().size() == 2)
    text += fmt::format(", {} x {} {}", model.lattice.size()[0], model.lattice.size()[1],
                        model.lattice.name());
  text += fmt::format(", {} site{}", model.op.sites(), model.op.sites() == 1 ? "" : "s");
  if (const auto space = model.op.spaces().front(); space != LocalSpace())
    text += ", " + space.name();
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

Problem of_operator(OpSum sum, std::string model, std::string title) {
  if (const auto term = sum.non_hermitian_part())
    throw InvalidArgument(fmt::format(
        "{}: the operator is not Hermitian: the term {} has no conjugate partner; add it", model,
        *term));
  Problem problem{std::move(model),
                  std::move(title),
                  sum.sites(),
                  {},
                  0,
                  ScalarKind::real,
                  on_full_space(std::move(sum))};
  const auto& op = std::get<SectorOperator>(problem.op);
  problem.sector = op.basis->sector();
  problem.dimension = op.dimension();
  problem.scalar = op.scalar();
  return problem;
}

Problem of_matrix(const Comm& comm, const std::string& path) {
  const auto header = read_matrix_market_header(comm, path);
  if (header.rows != header.cols)
    throw DimensionError(fmt::format("{}: eigenpairs need a square matrix, got {} x {}", path,
                                     header.rows, header.cols));
  auto read = read_matrix_market(comm, path);
  return std::visit(
      [&]<Scalar T>(MatrixMarketRows<T>& rows) {
        try {
          require_hermitian(comm, rows.rows, rows.partition, path);
        } catch (const InvalidArgument& error) {  // the same on every rank
          throw InvalidArgument(fmt::format("{} (rows and columns counted from 0)", error.what()));
        }
        return Problem{path,
                       fmt::format("{}, {} x {}", path, header.rows, header.cols),
                       std::nullopt,
                       {},
                       header.rows,
                       scalar_kind<T>,
                       std::move(rows.rows)};
      },
      read);
}

}  // namespace

Problem hermitian_problem(const Comm& comm, const OperatorArguments& arguments) {
  if (!arguments.matrix.empty()) return of_matrix(comm, arguments.matrix);
  if (!arguments.terms.empty()) {
    auto sum = read_operator_file(comm, arguments.terms);
    auto title = fmt::format("{}, {} sites", arguments.terms, sum.sites());
    return of_operator(std::move(sum), arguments.terms, std::move(title));
  }
  auto model = make_model(arguments.model, arguments.options);
  auto text = title(model, arguments.options);
  return of_operator(std::move(model.op), model.name, std::move(text));
}

}  // namespace kronsolve::cli
