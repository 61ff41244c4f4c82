#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/random.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/assembled_map.hpp>
#include <kronsolve/solvers/eig.hpp>
#include <kronsolve/solvers/engine.hpp>
#include <kronsolve/solvers/tolerance.hpp>

#include "solvers/dense/blas_threads.hpp"
#include "solvers/dense/dense_eig.hpp"
#include "solvers/frontend/eigh_problem.hpp"
#include "solvers/frontend/rows.hpp"
#include "solvers/functions/complex_view.hpp"

namespace kronsolve {

std::string_view to_string(EigWhich which) {
  switch (which) {
    case EigWhich::LM:
      return "LM";
    case EigWhich::SM:
      return "SM";
    case EigWhich::LR:
      return "LR";
    case EigWhich::SR:
      return "SR";
    case EigWhich::LI:
      return "LI";
    case EigWhich::SI:
      return "SI";
    case EigWhich::TM:
      break;
  }
  return "TM";
}

std::string_view to_string(EigMethod method) {
  switch (method) {
    case EigMethod::automatic:
      return "auto";
    case EigMethod::dense:
      return "dense";
    case EigMethod::slepc:
      break;
  }
  return "slepc";
}

namespace {

using Complex = std::complex<double>;

/// geev is done before an engine has started.
constexpr index_t dense_rows = 600;
/// SLEPc's estimates are trusted with a margin, because our own product decides.
constexpr double estimate_margin = 0.5;
/// A target on an eigenvalue is moved by this part of its scale.
constexpr double target_move = 1e-6;

void check(const EigOptions& o, index_t rows, index_t cols) {
  if (rows != cols)
    throw DimensionError(
        detail::concat("eig: the matrix must be square, this one is ", rows, " x ", cols));
  if (rows < 1) throw InvalidArgument("eig: the matrix has no rows");
  const bool all = o.k == EigOptions::all;
  if (!all && (o.k < 1 || o.k > rows))
    throw InvalidArgument(detail::concat("eig: k must be in [1, ", rows,
                                         "] (rows of the matrix), got ", o.k,
                                         "; ask for k = all to get the full spectrum"));
  if (all && o.method == EigMethod::slepc)
    throw InvalidArgument(
        "eig: k = all is for method dense, got slepc; ask for fewer pairs or leave the method to "
        "choose");
  if (!(o.tol > 0 && o.tol < 1))
    throw InvalidArgument(detail::concat("eig: tol must be in (0, 1), got ", o.tol));
  if (o.sigma && !(std::isfinite(o.sigma->real()) && std::isfinite(o.sigma->imag())))
    throw InvalidArgument("eig: sigma must be finite");
  if (o.sigma.has_value() != (o.which == EigWhich::TM))
    throw InvalidArgument(detail::concat(
        "eig: sigma and which = TM belong together, got which = ", to_string(o.which),
        o.sigma ? " with sigma" : " without sigma"));
  if (o.max_iterations < 0)
    throw InvalidArgument(
        detail::concat("eig: max_iterations must be >= 0 (0: chosen), got ", o.max_iterations));
  const index_t k = all ? rows : o.k, least = std::min(rows, k + 2);
  if (o.ncv != 0 && (o.ncv < least || o.ncv > rows))
    throw InvalidArgument(detail::concat("eig: ncv must be in [", least, ", ", rows,
                                         "] for k = ", k, ", got ", o.ncv));
}

/// How wanted a value is: smaller comes first.
double rank_of(Complex value, const EigOptions& o) {
  switch (o.which) {
    case EigWhich::LM:
      return -std::abs(value);
    case EigWhich::SM:
      return std::abs(value);
    case EigWhich::LR:
      return -value.real();
    case EigWhich::SR:
      return value.real();
    case EigWhich::LI:
      return -std::abs(value.imag());
    case EigWhich::SI:
      return std::abs(value.imag());
    case EigWhich::TM:
      break;
  }
  return std::abs(value - o.sigma.value_or(0.0));
}

/// Positions by how wanted the values are; of conjugates the one above the real axis first.
/// @param size  of the matrix: values closer than its rounding are one
std::vector<index_t> order(const std::vector<Complex>& values, const EigOptions& o, double size) {
  std::vector<index_t> positions(values.size());
  std::iota(positions.begin(), positions.end(), index_t{0});
  std::stable_sort(positions.begin(), positions.end(), [&](index_t a, index_t b) {
    const Complex x = values[static_cast<std::size_t>(a)], y = values[static_cast<std::size_t>(b)];
    const double p = rank_of(x, o), q = rank_of(y, o);
    const double tie = 1e-12 * size;
    return std::abs(p - q) > tie ? p < q
                                 : x.imag() > y.imag() && std::abs(x.imag() - y.imag()) > tie;
  });
  return positions;
}

/// |Ax - lx| by our own product; scales x to norm 1.
double residual(const LinearMap<Complex>& map, Complex value, std::span<Complex> x) {
  vec::scale<Complex>(1 / vec::norm<Complex>(map.comm(), x), x);
  Buffer<Complex> y(vec::length(x));
  map.apply(x, y.span());
  return vec::distance<Complex>(map.comm(), value, x, y.span());
}

/// Orders the pairs, fixes phases, measures residuals, counts what converged.
template <Scalar T>
void finish(const AssembledMap<T>& map, const Tolerance<T>& tolerance, const EigOptions& o,
            index_t wanted, EigResult& result) {
  auto positions = order(result.eigenvalues, o, tolerance.norm());
  positions.resize(
      static_cast<std::size_t>(std::min<index_t>(wanted, static_cast<index_t>(positions.size()))));
  std::vector<Complex> values;
  for (const index_t p : positions)
    values.push_back(result.eigenvalues[static_cast<std::size_t>(p)]);
  result.eigenvalues = std::move(values);
  result.vectors.keep(positions);
  result.residuals.clear();
  std::optional<ComplexView> view;  // of a real map
  const LinearMap<Complex>* product = nullptr;
  if constexpr (is_complex<T>)
    product = &map;
  else
    product = &view.emplace(map);
  for (std::size_t i = 0; i < result.eigenvalues.size(); ++i) {
    const Complex value = result.eigenvalues[i];
    result.residuals.push_back(
        residual(*product, value, result.vectors.column(static_cast<index_t>(i))));
  }
  vec::fix_phases(map.comm(), result.vectors);
  const auto verdict = tolerance.judge(result.eigenvalues, result.residuals, result.vectors);
  result.converged_pairs = verdict.converged;
  if (!verdict.limit.empty()) result.reason += "; " + verdict.limit;
  result.converged = result.converged_pairs == wanted;
}

template <Scalar T>
EigResult solve_dense(const Comm& comm, const Lazy<T>& a, const AssembledMap<T>& map,
                      const Tolerance<T>& tolerance, const EigOptions& o) {
  const index_t n = a.rows(), wanted = o.k == EigOptions::all ? n : o.k;
  EigResult result;
  result.method = EigMethod::dense;
  auto matrix = frontend::gather_dense(
      comm, a, map.row_partition(),
      double(map.local_entries()) / double(std::max<index_t>(1, map.row_range().size())));
  dense::DenseGeneral found;
  comm.agree([&] {
    const dense::BlasThreads threads(num_threads());
    if (comm.is_root()) found = dense::dense_eig(std::move(matrix), n);
  });
  result.eigenvalues.resize(static_cast<std::size_t>(n));
  if (comm.is_root()) result.eigenvalues = std::move(found.values);
  comm.broadcast(std::span<double>(reinterpret_cast<double*>(result.eigenvalues.data()),
                                   2 * result.eigenvalues.size()));
  result.vectors = vec::deal<Complex>(comm, map.row_partition(), found.vectors, 0, n);
  result.reason = "LAPACK";
  finish(map, tolerance, o, wanted, result);
  return result;
}

template <Scalar T>
EigResult solve_engine(const Comm& comm, const Lazy<T>& a, const AssembledMap<T>& map,
                       const Tolerance<T>& tolerance, const EigOptions& o) {
  EigResult result;
  result.method = EigMethod::slepc;
  Engine<T>* engine = nullptr;
  comm.agree([&] { engine = &load_engine<T>(a.rows()); });
  std::vector<T> start(static_cast<std::size_t>(map.row_range().size()));
  fill_normal(std::span(start), map.row_range(), o.seed);
  EngineEig<T> problem;
  problem.map = &map;
  problem.rows = &a;
  problem.k = o.k;
  problem.which = o.which;
  problem.tol = estimate_margin * o.tol;
  problem.scale = tolerance.width();
  problem.max_iterations = o.max_iterations;
  problem.ncv = o.ncv;
  problem.start = start;
  problem.petsc_options = o.petsc_options;
  const dense::BlasThreads threads(num_threads());
  std::string note;
  EngineGeneralPairs found;
  const auto solve_at = [&](std::optional<Complex> sigma) {
    problem.sigma = sigma;
    found = engine->eig(problem);
    result.eigenvalues = found.values;
    result.vectors = std::move(found.vectors);
    result.reason = found.reason;
    finish(map, tolerance, o, o.k, result);
  };
  try {
    solve_at(o.sigma);
  } catch (const EngineError&) {
    if (!o.sigma) throw;
  }
  if (o.sigma && !result.converged) {
    const Complex moved =
        *o.sigma + std::max(target_move * tolerance.scale(*o.sigma), 1e3 * tolerance.rounding());
    note = detail::concat("; A - ", *o.sigma, " is singular or nearly so, the target was moved to ",
                          moved);
    solve_at(moved);
  }
  result.iterations = found.iterations;
  result.products = map.products() + found.solves;
  result.reason += note;
  return result;
}

template <Scalar T>
EigResult run(const Comm& comm, const Lazy<T>& a, const EigOptions& o) {
  const index_t n = a.rows();
  const bool dense =
      o.method == EigMethod::dense || o.k == EigOptions::all ||
      (o.method == EigMethod::automatic && n <= dense_rows && o.petsc_options.empty());
  const RowPartition partition(n, comm.size());
  if (dense && comm.is_root())
    (void)checked_multiply(checked_multiply(n, n, "entries of a dense matrix"), 64,
                           "bytes of a dense matrix");
  const index_t vectors = dense ? 0 : (o.ncv > 0 ? o.ncv : std::max(2 * o.k, o.k + 15)) + 3 * o.k;
  require_memory(
      comm, (dense && comm.is_root() ? 64 * n * n : 0) + vectors * partition.max_local_rows() * 16,
      "eig");
  const AssembledMap<T> map(comm, a, partition);
  const Tolerance<T> tolerance(map, o.tol);
  EigResult result =
      dense ? solve_dense(comm, a, map, tolerance, o) : solve_engine(comm, a, map, tolerance, o);
  result.scalar = scalar_kind<T>;
  return result;
}

}  // namespace

template <Scalar T>
EigResult eig(const Comm& comm, const Lazy<T>& a, const EigOptions& options) {
  check(options, a.rows(), a.cols());
  if constexpr (!is_complex<T>) {
    // Real arithmetic has no complex shift.
    if (options.sigma && options.sigma->imag() != 0)
      return run(comm, frontend::as_complex(a), options);
  }
  return run(comm, a, options);
}

template EigResult eig(const Comm&, const Lazy<double>&, const EigOptions&);
template EigResult eig(const Comm&, const Lazy<Complex>&, const EigOptions&);

}  // namespace kronsolve
