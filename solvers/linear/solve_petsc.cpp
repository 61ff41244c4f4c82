#include "solvers/linear/solve_petsc.hpp"

#include <algorithm>
#include <cmath>

#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/engine.hpp>

#include "solvers/dense/blas_threads.hpp"
#include "solvers/frontend/rows.hpp"

namespace kronsolve::linear {

void check_krylov(const SolveOptions& o, bool has_rows) {
  const auto asked = o.preconditioner;
  const bool real_one = asked != Preconditioner::automatic && asked != Preconditioner::none;
  if (o.method == SolveMethod::direct) {
    if (real_one || o.krylov != KrylovSource::automatic)
      throw InvalidArgument(
          "solve: method direct has no preconditioner and no Krylov method; leave these out");
    return;
  }
  if (o.krylov == KrylovSource::own && (real_one || !o.petsc_options.empty()))
    throw InvalidArgument(detail::concat(
        "solve: our own Krylov methods take no preconditioner and no options for PETSc, got ",
        real_one ? to_string(asked) : "such options", "; take krylov = petsc"));
  if (real_one && !has_rows)
    throw InvalidArgument(detail::concat(
        "solve: preconditioner ", to_string(asked),
        " is made of the matrix, which a product alone does not give; hand over rows (Lazy) or an "
        "operator in its basis"));
  if (o.method == SolveMethod::minres && real_one && asked != Preconditioner::jacobi)
    throw InvalidArgument(detail::concat(
        "solve: minres needs a positive definite preconditioner, which ", to_string(asked),
        " of an indefinite matrix is not; take jacobi or none, or gmres"));
}

bool wants_petsc(const SolveOptions& o) {
  if (o.krylov != KrylovSource::automatic) return o.krylov == KrylovSource::petsc;
  return !o.petsc_options.empty() || (o.preconditioner != Preconditioner::automatic &&
                                      o.preconditioner != Preconditioner::none);
}

namespace {

struct Choice {
  Preconditioner preconditioner;
  std::string why;
};

Choice choose_preconditioner(const SolveOptions& o, SolveMethod method, bool has_rows) {
  if (o.preconditioner != Preconditioner::automatic) return {o.preconditioner, "as asked"};
  if (!has_rows) return {Preconditioner::none, "only a product is given"};
  if (method == SolveMethod::gmres)
    return {Preconditioner::block_jacobi, "the matrix can be built"};
  return {Preconditioner::jacobi, "positive definite for any Hermitian matrix"};
}

/// Right-hand sides on their way: what is left of each equation.
template <Scalar T>
class Equations {
 public:
  Equations(const LinearMap<T>& a, const DistributedVectors<T>& b, const SolveOptions& options)
      : a_(a),
        b_(b),
        limit_(options.max_iterations > 0 ? options.max_iterations
                                          : std::max<index_t>(1000, 10 * a.rows())),
        rest_(b.partition(), a.comm().rank(), b.count()) {
    for (index_t j = 0; j < b.count(); ++j) {
      std::copy(b.column(j).begin(), b.column(j).end(), rest_.column(j).begin());
      const double norm = vec::norm<T>(a.comm(), b.column(j));
      columns_.push_back({.target = options.tol * norm, .residual = norm, .done = norm == 0});
    }
  }
  const DistributedVectors<T>& rest() const { return rest_; }
  bool all_done() const {
    return std::all_of(columns_.begin(), columns_.end(), [](const auto& c) { return c.done; });
  }
  /// A little more than is wanted: the residual of a recurrence drifts from the true one.
  std::vector<typename EngineKrylov<T>::Limits> limits() const {
    std::vector<typename EngineKrylov<T>::Limits> limits;
    for (const auto& c : columns_)
      limits.push_back({c.done ? 0.5 : std::min(0.5, 0.8 * c.target / c.residual),
                        std::max<index_t>(1, limit_ - c.steps)});
    return limits;
  }
  void add(const EngineSolutions<T>& more, DistributedVectors<T>& x);
  void report(SolveResult<T>& result, const std::string& why) const;

 private:
  struct Column {
    double target = 0, residual = 0;
    bool done = false;  ///< converged, or nothing more is to be had
    index_t steps = 0;
    int without_gain = 0;
    std::string note = {};
  };
  const LinearMap<T>& a_;
  const DistributedVectors<T>& b_;
  index_t limit_;
  DistributedVectors<T> rest_;
  std::vector<Column> columns_;
};

/// Takes over what an equation gained; a column that is done gets the right-hand side 0.
template <Scalar T>
void Equations<T>::add(const EngineSolutions<T>& more, DistributedVectors<T>& x) {
  constexpr int most_without_gain = 2;
  Buffer<T> before(a_.row_range().size());
  for (index_t j = 0; j < b_.count(); ++j) {
    Column& c = columns_[static_cast<std::size_t>(j)];
    if (c.done) continue;
    const auto at = static_cast<std::size_t>(j);
    c.steps += more.steps[at];
    c.note = more.notes[at];
    const std::span<T> mine = x.column(j), rest = rest_.column(j);
    std::copy(mine.begin(), mine.end(), before.data());
    vec::axpy<T>(T(1), more.x.column(j), mine);
    a_.apply(mine, rest);
    vec::scale<T>(-1, rest);
    vec::axpy<T>(T(1), b_.column(j), rest);
    const double residual = vec::norm<T>(a_.comm(), std::span<const T>(rest));
    if (!(residual <= c.residual)) {  // or not a number: a solution that diverged is no gain
      std::copy_n(before.data(), mine.size(), mine.begin());
      if (c.note.empty()) c.note = "no progress any more";
    } else {
      c.without_gain = residual < 0.99 * c.residual ? 0 : c.without_gain + 1;
      c.residual = residual;
      if (c.residual <= c.target) c.note.clear();
      if (c.residual > c.target && c.note.empty() && c.without_gain >= most_without_gain)
        c.note = "no progress any more";
      if (c.residual > c.target && c.note.empty() && c.steps >= limit_)
        c.note = "out of iterations";
    }
    c.done = c.residual <= c.target || !c.note.empty();
    if (c.done) std::fill(rest.begin(), rest.end(), T{});
  }
}

template <Scalar T>
void Equations<T>::report(SolveResult<T>& result, const std::string& why) const {
  std::string trouble;
  for (std::size_t j = 0; j < columns_.size(); ++j) {
    const Column& c = columns_[j];
    result.residuals.push_back(c.residual);
    result.converged_flags.push_back(c.residual <= c.target);
    result.iterations += c.steps;
    if (!result.converged_flags.back() && trouble.empty())
      trouble = detail::concat("right-hand side ", j, ": ", c.note);
  }
  result.converged = trouble.empty();
  result.reason = detail::concat(
      why, "; ", trouble.empty() ? "every residual is within the tolerance" : trouble);
}

}  // namespace

template <Scalar T>
SolveResult<T> solve_by_petsc(const LinearMap<T>& a, const Lazy<T>* rows,
                              const DistributedVectors<T>& b, const SolveOptions& options,
                              SolveMethod method, const std::string& why) {
  const Comm& comm = a.comm();
  const Choice choice = choose_preconditioner(options, method, rows != nullptr);
  Engine<T>* engine = nullptr;
  comm.agree([&] { engine = &load_engine<T>(a.rows()); });
  std::vector<T> diagonal;
  if (choice.preconditioner == Preconditioner::jacobi)
    comm.agree([&] { diagonal = frontend::owned_diagonal(*rows, a.row_range()); });
  EngineKrylov<T> problem{.map = &a,
                          .method = method,
                          .preconditioner = choice.preconditioner,
                          .rows = rows,
                          .diagonal = diagonal,
                          .restart = options.restart,
                          .limits = {},
                          .petsc_options = options.petsc_options};
  SolveResult<T> result;
  result.method = method;
  result.krylov = KrylovSource::petsc;
  result.preconditioner = choice.preconditioner;
  result.x = DistributedVectors<T>(b.partition(), comm.rank(), b.count());
  Equations<T> equations(a, b, options);
  const dense::BlasThreads threads(num_threads());
  while (!equations.all_done()) {
    problem.limits = equations.limits();
    equations.add(engine->solve_krylov(problem, equations.rest()), result.x);
  }
  equations.report(result, detail::concat(why, "; PETSc's, preconditioner ",
                                          to_string(choice.preconditioner), ": ", choice.why));
  return result;
}

#define KRONSOLVE_INSTANTIATE(T)                                                            \
  template SolveResult<T> solve_by_petsc(const LinearMap<T>&, const Lazy<T>*,               \
                                         const DistributedVectors<T>&, const SolveOptions&, \
                                         SolveMethod, const std::string&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::linear
