#include <algorithm>
#include <cmath>
#include <utility>

#include <kronsolve/core/random.hpp>
#include <kronsolve/operators/assembled_map.hpp>
#include <kronsolve/operators/rows.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/engine.hpp>
#include <kronsolve/solvers/operator_map.hpp>
#include <kronsolve/solvers/solve.hpp>

#include "solvers/dense/blas_threads.hpp"
#include "solvers/linear/correction.hpp"
#include "solvers/linear/solve_petsc.hpp"

namespace kronsolve {

std::string_view to_string(SolveMethod method) {
  switch (method) {
    case SolveMethod::automatic:
      return "auto";
    case SolveMethod::cg:
      return "cg";
    case SolveMethod::minres:
      return "minres";
    case SolveMethod::gmres:
      return "gmres";
    case SolveMethod::direct:
      break;
  }
  return "direct";
}

std::string_view to_string(OperatorKind kind) {
  switch (kind) {
    case OperatorKind::unknown:
      return "unknown";
    case OperatorKind::hermitian_positive:
      return "Hermitian positive definite";
    case OperatorKind::hermitian:
      return "Hermitian";
    case OperatorKind::general:
      break;
  }
  return "general";
}

std::string_view to_string(KrylovSource source) {
  return source == KrylovSource::automatic ? "auto" : source == KrylovSource::own ? "own" : "petsc";
}

namespace {

template <Scalar T>
void check(const LinearMap<T>& a, const DistributedVectors<T>& b, const SolveOptions& o) {
  if (a.rows() != a.cols() || a.row_partition() != a.col_partition())
    throw DimensionError(
        detail::concat("solve: the map must be square, it is ", a.rows(), " x ", a.cols()));
  if (a.rows() < 1) throw InvalidArgument("solve: the map has no rows");
  if (!(o.tol > 0 && o.tol < 1))
    throw InvalidArgument(detail::concat("solve: tol must be in (0, 1), got ", o.tol));
  if (o.max_iterations < 0 || o.restart < 1)
    throw InvalidArgument(
        detail::concat("solve: max_iterations must be at least 0 and restart at least 1, got ",
                       o.max_iterations, " and ", o.restart));
  const bool fits = b.count() == 0 || b.partition() == a.row_partition();
  if (!a.comm().all(fits))
    throw DimensionError(detail::concat("solve: b has ", b.partition().rows(), " rows, the map ",
                                        a.rows(),
                                        ", or they are dealt to the ranks in other ways"));
  bool finite = true;
  for (index_t j = 0; j < b.count(); ++j)
    for (const T& x : b.column(j)) finite = finite && std::isfinite(norm_squared(x));
  a.comm().require_all(finite, "solve: b has an entry that is NaN, infinite or too large");
}

/// <x, A y> = conj(<y, A x>) for random x and y holds, but for a chance of none, for Hermitian maps
/// only. Two products.
template <Scalar T>
bool seems_hermitian(const LinearMap<T>& a) {
  const RowRange mine = a.row_range();
  Buffer<T> x(mine.size()), y(mine.size()), ax(mine.size()), ay(mine.size());
  fill_normal(x.span(), mine, 0, 1);
  fill_normal(y.span(), mine, 0, 2);
  a.apply(x.span(), ax.span());
  a.apply(y.span(), ay.span());
  const auto dot = [&](const Buffer<T>& u, const Buffer<T>& v) {
    return vec::dot<T>(a.comm(), u.span(), v.span());
  };
  const double sizes = std::sqrt(real_part(dot(ax, ax)) * real_part(dot(y, y)));
  return std::abs(dot(x, ay) - conj(dot(y, ax))) <= 1e-12 * sizes;
}

struct Choice {
  SolveMethod method;
  std::string why;
};

template <Scalar T>
Choice choose(const LinearMap<T>& a, const SolveOptions& options) {
  if (options.method != SolveMethod::automatic)
    return {options.method, detail::concat(to_string(options.method), " was asked for")};
  const auto kind = options.kind;
  const bool indefinite = options.preconditioner == Preconditioner::block_jacobi ||
                          options.preconditioner == Preconditioner::multigrid;
  if (indefinite && kind != OperatorKind::hermitian_positive)
    return {SolveMethod::gmres,
            detail::concat("gmres: preconditioner ", to_string(options.preconditioner),
                           " may be indefinite where the operator is not said to be positive")};
  if (kind == OperatorKind::hermitian_positive)
    return {SolveMethod::cg, "cg: the operator is said to be Hermitian positive definite"};
  if (kind == OperatorKind::hermitian)
    return {SolveMethod::minres, "minres: the operator is said to be Hermitian"};
  if (kind == OperatorKind::general)
    return {SolveMethod::gmres, "gmres: the operator is said to be general"};
  if (seems_hermitian(a))
    return {SolveMethod::minres, "minres: the operator is Hermitian on random vectors"};
  return {SolveMethod::gmres, "gmres: the operator is not Hermitian"};
}

struct Column {
  double residual = 0;
  bool converged = false;
  index_t steps = 0;
  std::string note;
};

/// One right-hand side: corrections until the true residual is small enough, nothing is gained any
/// more or products run out.
template <Scalar T>
Column solve_column(const LinearMap<T>& a, SolveMethod method, const SolveOptions& options,
                    std::span<const T> b, std::span<T> x) {
  const Comm& comm = a.comm();
  const index_t limit =
      options.max_iterations > 0 ? options.max_iterations : std::max<index_t>(1000, 10 * a.rows());
  Buffer<T> r(static_cast<index_t>(b.size()));
  std::copy(b.begin(), b.end(), r.data());
  const double target = options.tol * vec::norm<T>(comm, b);
  Column column;
  column.residual = target / options.tol;
  column.converged = column.residual == 0;
  int without_gain = 0;
  while (!column.converged) {
    // A little more than asked: the recurrence's residual drifts from the true one by rounding.
    const double aim = 0.8 * target;
    const index_t left = limit - column.steps;
    const auto done = method == SolveMethod::cg
                          ? linear::correct_by_cg<T>(a, r.span(), x, aim, left)
                      : method == SolveMethod::minres
                          ? linear::correct_by_minres<T>(a, r.span(), x, aim, left)
                          : linear::correct_by_gmres<T>(a, r.span(), x, aim, left, options.restart);
    column.steps += done.steps;
    a.apply(x, r.span());
    vec::scale<T>(-1, r.span());
    vec::axpy<T>(T(1), b, r.span());
    const double residual = vec::norm<T>(comm, r.span());
    // A restarted method may crawl; several rounds without any gain are the end of it.
    without_gain = residual < 0.99 * column.residual ? 0 : without_gain + 1;
    column.residual = residual;
    column.converged = residual <= target;
    if (column.converged) break;
    column.note = done.broken             ? done.note
                  : column.steps >= limit ? "out of iterations"
                  : without_gain >= 3     ? "no progress any more"
                                          : "";
    if (!column.note.empty()) break;
  }
  return column;
}

/// @param rows  of the matrix, where they can be built: preconditioners may need them
template <Scalar T>
SolveResult<T> solve_by_krylov(const LinearMap<T>& a, const Lazy<T>* rows,
                               const DistributedVectors<T>& b, const SolveOptions& options) {
  check(a, b, options);
  linear::check_krylov(options, rows != nullptr);
  const index_t before = a.products();
  const Choice choice = choose(a, options);
  if (linear::wants_petsc(options)) {
    SolveOptions chosen = options;
    chosen.method = choice.method;
    linear::check_krylov(chosen, rows != nullptr);
    auto result = linear::solve_by_petsc<T>(a, rows, b, options, choice.method, choice.why);
    result.products = a.products() - before;
    return result;
  }
  const dense::BlasThreads one(1);  // blocks of rows go to our own threads
  SolveResult<T> result;
  result.method = choice.method;
  result.x = DistributedVectors<T>(a.row_partition(), a.comm().rank(), b.count());
  std::string trouble;
  for (index_t j = 0; j < b.count(); ++j) {
    const auto column = solve_column<T>(a, choice.method, options, b.column(j), result.x.column(j));
    result.residuals.push_back(column.residual);
    result.converged_flags.push_back(column.converged);
    result.iterations += column.steps;
    if (!column.converged && trouble.empty())
      trouble = detail::concat("right-hand side ", j, ": ", column.note);
  }
  result.converged = trouble.empty();
  result.products = a.products() - before;
  result.reason = detail::concat(
      choice.why, "; ", trouble.empty() ? "every residual is within the tolerance" : trouble);
  return result;
}

}  // namespace

template <Scalar T>
SolveResult<T> solve(const LinearMap<T>& a, const DistributedVectors<T>& b,
                     const SolveOptions& options) {
  if (options.method == SolveMethod::direct)
    throw InvalidArgument(
        "solve: method direct factorises a matrix, which a product alone does not give; hand over "
        "rows (Lazy) or an operator in its basis");
  return solve_by_krylov<T>(a, nullptr, b, options);
}

template <Scalar T>
SolveResult<T> solve(const LinearMap<T>& a, VectorArgument<T> b, const SolveOptions& options) {
  const auto owned = static_cast<index_t>(b.size());
  if (!a.comm().all(owned == a.row_range().size()))
    throw DimensionError(detail::concat("solve: b must have the owned length, ",
                                        a.row_range().size(), " on rank ", a.comm().rank(),
                                        ", got ", b.size()));
  DistributedVectors<T> columns(a.row_partition(), a.comm().rank(), 1);
  std::copy(b.begin(), b.end(), columns.column(0).begin());
  return solve(a, columns, options);
}

namespace {

/// b - A x, column by column, and its norms.
template <Scalar T>
DistributedVectors<T> residuals_of(const LinearMap<T>& a, const DistributedVectors<T>& b,
                                   SolveResult<T>& result) {
  DistributedVectors<T> r(b.partition(), a.comm().rank(), b.count());
  result.residuals.clear();
  for (index_t j = 0; j < b.count(); ++j) {
    a.apply(result.x.column(j), r.column(j));
    vec::scale<T>(-1, r.column(j));
    vec::axpy<T>(T(1), b.column(j), r.column(j));
    result.residuals.push_back(vec::norm<T>(a.comm(), r.column(j)));
  }
  return r;
}

/// LU factors of the rows; the map serves for the residuals.
template <Scalar T>
SolveResult<T> solve_direct(const LinearMap<T>& a, const Lazy<T>& rows,
                            const DistributedVectors<T>& b, const SolveOptions& options) {
  check(a, b, options);
  linear::check_krylov(options, true);
  const Comm& comm = a.comm();
  const index_t before = a.products();
  SolveResult<T> result;
  result.method = SolveMethod::direct;
  result.krylov = KrylovSource::petsc;
  result.x = DistributedVectors<T>(b.partition(), comm.rank(), b.count());
  std::vector<double> targets;
  for (index_t j = 0; j < b.count(); ++j)
    targets.push_back(options.tol * vec::norm<T>(comm, b.column(j)));
  auto& engine = load_engine<T>(a.rows());
  require_factors("solve", engine.info(), options.factors);
  auto rest = residuals_of(a, b, result);
  const auto done = [&] {
    result.converged_flags.clear();
    for (std::size_t j = 0; j < targets.size(); ++j)
      result.converged_flags.push_back(result.residuals[j] <= targets[j]);
    return std::find(result.converged_flags.begin(), result.converged_flags.end(), false) ==
           result.converged_flags.end();
  };
  result.reason = options.factors == Factors::superlu_dist ? "direct: LU factors by SuperLU_DIST"
                                                           : "direct: LU factors by MUMPS";
  constexpr index_t rounds = 3;  // rounding of the factors is gone after one more, or never
  while (!(result.converged = done()) && result.iterations < rounds) {
    ++result.iterations;
    try {
      const auto more = engine.solve(comm, rows, rest, options.factors);
      for (index_t j = 0; j < b.count(); ++j)
        vec::axpy<T>(T(1), more.column(j), result.x.column(j));
    } catch (const EngineError& error) {  // the same on every rank
      result.reason += detail::concat("; the matrix cannot be factorised: ", error.what());
      break;
    }
    rest = residuals_of(a, b, result);
  }
  if (result.converged) result.reason += "; every residual is within the tolerance";
  result.products = a.products() - before;
  return result;
}

}  // namespace

template <Scalar T>
SolveResult<T> solve(const Comm& comm, const Lazy<T>& a, const DistributedVectors<T>& b,
                     const SolveOptions& options) {
  const RowPartition rows(a.rows(), comm.size()), cols(a.cols(), comm.size());
  const AssembledMap<T> map(comm, a, rows, cols);
  if (options.method == SolveMethod::direct) return solve_direct<T>(map, a, b, options);
  return solve_by_krylov<T>(map, &a, b, options);
}

template <Scalar T>
SolveResult<T> solve(const Comm& comm, const SectorOperator& h, const DistributedVectors<T>& b,
                     const SolveOptions& options) {
  const auto map = make_operator_map<T>(comm, h);
  const Lazy<T> rows = make_lazy<T>(h);
  if (options.method == SolveMethod::direct) return solve_direct<T>(*map, rows, b, options);
  return solve_by_krylov<T>(*map, &rows, b, options);
}

#define KRONSOLVE_INSTANTIATE(T)                                                                  \
  template SolveResult<T> solve(const LinearMap<T>&, const DistributedVectors<T>&,                \
                                const SolveOptions&);                                             \
  template SolveResult<T> solve(const Comm&, const SectorOperator&, const DistributedVectors<T>&, \
                                const SolveOptions&);                                             \
  template SolveResult<T> solve(const LinearMap<T>&, std::span<const T>, const SolveOptions&);    \
  template SolveResult<T> solve(const Comm&, const Lazy<T>&, const DistributedVectors<T>&,        \
                                const SolveOptions&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
