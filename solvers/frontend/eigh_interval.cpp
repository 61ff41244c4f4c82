#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/random.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/assembled_map.hpp>
#include <kronsolve/operators/hermitian_check.hpp>
#include <kronsolve/solvers/eigh_interval.hpp>
#include <kronsolve/solvers/engine.hpp>

#include "core/counted.hpp"
#include "solvers/dense/blas_threads.hpp"
#include "solvers/dense/dense_eig.hpp"
#include "solvers/frontend/eigh_problem.hpp"
#include "solvers/frontend/rows.hpp"

namespace kronsolve {

namespace frontend {

/// Eigenvalues below each shift.
template <Scalar T>
std::vector<index_t> count_below(const EighProblem<T>& p, std::span<const double> shifts) {
  p.prepare_rows();
  Engine<double>* engine = nullptr;
  p.comm->agree([&] { engine = &load_engine<double>(2 * p.n()); });
  if (!engine->info().has_mumps)
    throw NotSupported("eigh: counting eigenvalues needs a PETSc with MUMPS; install one with it");
  const dense::BlasThreads threads(num_threads());
  if constexpr (!is_complex<T>) {
    return engine->count_below(*p.comm, p.rows, p.partition, shifts);
  } else {
    std::vector<index_t> offsets;
    for (const index_t offset : p.partition.offsets()) offsets.push_back(2 * offset);
    auto counts = engine->count_below(*p.comm, frontend::as_real_pairs(p.rows),
                                      RowPartition(std::move(offsets)), shifts);
    for (auto& count : counts) count /= 2;
    return counts;
  }
}

template <Scalar T>
std::optional<std::array<index_t, 2>> counts(const EighProblem<T>& p,
                                             std::pair<double, double> ends) {
  if (!p.comm->all(counting_engine_installed())) return std::nullopt;
  const auto below = count_below(p, std::array{ends.first, ends.second});
  return std::array{below[0], below[1]};
}

template std::optional<std::array<index_t, 2>> counts(const EighProblem<double>&,
                                                      std::pair<double, double>);
template std::optional<std::array<index_t, 2>> counts(const EighProblem<std::complex<double>>&,
                                                      std::pair<double, double>);

void certify_count(std::optional<index_t> count, std::pair<double, double> ends,
                   EighResult& result) {
  const auto got = static_cast<index_t>(result.eigenvalues.size());
  if (count) {
    result.certified = got == *count && result.converged;
    result.certificate =
        detail::concat("inertia counts ", detail::counted(*count, "value"), " in [", ends.first,
                       ", ", ends.second, "], ", got, " were found");
  } else {
    result.certificate = "not checked: counting levels needs the real engine";
  }
  result.reason += (result.reason.empty() ? "" : "; ") + result.certificate;
}

template std::vector<index_t> count_below(const EighProblem<double>&, std::span<const double>);
template std::vector<index_t> count_below(const EighProblem<std::complex<double>>&,
                                          std::span<const double>);

}  // namespace frontend

namespace {

using frontend::certify_count;
using frontend::count_against;
using frontend::count_below;
using frontend::counts;
using frontend::EighProblem;

/// Up to here all eigenvalues are cheaper than a factorisation by an engine.
constexpr index_t dense_rows = 1000;
/// Pairs of one slice: the Krylov space holds twice as many vectors.
constexpr index_t slice_pairs = 64;
struct Ends {
  double low, high;
};

void check_ends(const char* where, double low, double high) {
  if (!std::isfinite(low) || !std::isfinite(high) || low > high)
    throw InvalidArgument(detail::concat(
        where, ": the interval must be finite and ascending, got [", low, ", ", high, "]"));
}

/// Pairs found so far.
template <Scalar T>
struct Found {
  std::vector<double> values, residuals;
  DistributedVectors<T> vectors;
  index_t products = 0, iterations = 0;

  /// Takes the pairs of `result` inside the slice that are not here yet.
  void take(const EighProblem<T>& p, EighResult& result, Ends slice) {
    auto& from = std::get<DistributedVectors<T>>(result.vectors);
    const auto overlaps = vec::inner<T>(*p.comm, vectors, from);
    const auto known = [&](std::size_t i) {
      double square = 0;
      for (auto k = static_cast<std::size_t>(vectors.count()); k-- > 0;)
        square += norm_squared(overlaps[i * static_cast<std::size_t>(vectors.count()) + k]);
      return square > 1e-12;
    };
    std::vector<index_t> inside;
    for (std::size_t i = 0; i < result.eigenvalues.size(); ++i) {
      if (result.eigenvalues[i] < slice.low || result.eigenvalues[i] >= slice.high || known(i))
        continue;
      inside.push_back(static_cast<index_t>(i));
      values.push_back(result.eigenvalues[i]);
      residuals.push_back(result.residuals[i]);
    }
    from.keep(inside);
    vectors.append(std::move(from));
    products += result.products;
    iterations += result.iterations;
  }
};

/// All `count` pairs of one slice: nearest to its middle, then what was missed, orthogonal to what
/// was found.
template <Scalar T>
void solve_slice(const EighProblem<T>& p, EighOptions o, Ends slice, index_t count,
                 Found<T>& found) {
  constexpr int attempts = 4;
  const auto before = static_cast<index_t>(found.values.size());
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const index_t have = static_cast<index_t>(found.values.size()) - before;
    if (have >= count) return;
    o.k = count - have;
    o.which = Which::TM;
    o.sigma = 0.5 * (slice.low + slice.high);
    o.vectors = Eigenvectors::compute;
    o.certify = false;
    o.ncv = 0;
    auto result = frontend::solve_engine<T>(p, o, OperatorForm::assembled,
                                            attempt == 0 ? nullptr : &found.vectors);
    found.take(p, result, slice);
    ++o.seed;
  }
}

template <Scalar T>
void cut_and_solve(const EighProblem<T>& p, const EighOptions& o, const Tolerance<T>& tolerance,
                   Ends slice, index_t below_low, index_t below_high, Found<T>& found) {
  const index_t count = below_high - below_low;
  if (count == 0) return;
  const double middle = 0.5 * (slice.low + slice.high);
  // A cluster narrower than rounding cannot be cut.
  const bool narrow_slice = slice.high - slice.low < 10 * tolerance.margin(middle);
  if (count <= slice_pairs || narrow_slice) return solve_slice(p, o, slice, count, found);
  const index_t below_middle = count_below(p, std::span(&middle, 1))[0];
  cut_and_solve(p, o, tolerance, {slice.low, middle}, below_low, below_middle, found);
  cut_and_solve(p, o, tolerance, {middle, slice.high}, below_middle, below_high, found);
}

/// Without counts: ever more pairs nearest to the middle, until some lie outside. False if one
/// solve has not converged.
template <Scalar T>
bool grow_slice(const EighProblem<T>& p, EighOptions o, Ends slice, Found<T>& found) {
  o.which = Which::TM;
  o.sigma = 0.5 * (slice.low + slice.high);
  o.vectors = Eigenvectors::compute;
  o.certify = false;
  o.ncv = 0;
  for (o.k = std::min(p.n(), slice_pairs);; o.k = std::min(p.n(), 2 * o.k)) {
    auto result = frontend::solve_engine<T>(p, o, OperatorForm::assembled);
    const bool outside = std::any_of(result.eigenvalues.begin(), result.eigenvalues.end(),
                                     [&](double l) { return l < slice.low || l >= slice.high; });
    const bool converged = result.converged;
    if (converged && !outside && o.k < p.n()) continue;
    found.take(p, result, slice);
    return converged;
  }
}

template <Scalar T>
EighResult sliced_interval(const EighProblem<T>& p, const EighOptions& o,
                           std::pair<double, double> interval) {
  const auto map = frontend::make_map(p, OperatorForm::assembled);
  const Tolerance<T> tolerance(*map, o.tol);
  const auto ends = frontend::with_margin(tolerance, interval);
  const auto below = counts(p, ends);
  const index_t count = below ? (*below)[1] - (*below)[0] : slice_pairs;
  require_memory(*p.comm,
                 checked_multiply(count, p.owned().size() * static_cast<index_t>(sizeof(T)),
                                  "eigh: eigenvectors"),
                 "eigh: the eigenvectors of the interval");
  Found<T> found;
  found.vectors = DistributedVectors<T>(p.partition, p.comm->rank(), 0);
  bool complete = true;
  if (below)
    cut_and_solve(p, o, tolerance, {ends.first, ends.second}, (*below)[0], (*below)[1], found);
  else
    complete = grow_slice(p, o, {ends.first, ends.second}, found);

  EighResult result;
  result.method = Method::slepc;
  result.form = OperatorForm::assembled;
  std::vector<index_t> order(found.values.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<index_t>(i);
  std::sort(order.begin(), order.end(), [&](index_t a, index_t b) {
    return found.values[static_cast<std::size_t>(a)] < found.values[static_cast<std::size_t>(b)];
  });
  for (const index_t i : order) {
    result.eigenvalues.push_back(found.values[static_cast<std::size_t>(i)]);
    result.residuals.push_back(found.residuals[static_cast<std::size_t>(i)]);
  }
  found.vectors.keep(order);
  result.products = found.products;
  result.iterations = found.iterations;
  const auto got = static_cast<index_t>(found.values.size());
  frontend::judge(result, tolerance, found.vectors, below ? count : got);
  result.converged = result.converged && complete;
  certify_count(below ? std::optional(count) : std::nullopt, ends, result);
  if (o.vectors == Eigenvectors::compute) result.vectors = std::move(found.vectors);
  return result;
}

/// Calls f with the problem as real or complex.
template <class F>
auto with_problem(const Comm& comm, const SectorOperator& h, const EighOptions& o, F&& f) {
  frontend::check_sector(h, o);
  if (h.scalar() == ScalarKind::complex)
    return f(frontend::sector_problem<std::complex<double>>(comm, h));
  return f(frontend::sector_problem<double>(comm, h));
}

}  // namespace

namespace frontend {

template <Scalar T>
EighResult solve_slices(const EighProblem<T>& problem, const EighOptions& options, double low,
                        double high) {
  return sliced_interval(problem, options, {low, high});
}

#define KRONSOLVE_DEFINE(T) \
  template EighResult solve_slices(const EighProblem<T>&, const EighOptions&, double, double);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_DEFINE)
#undef KRONSOLVE_DEFINE

}  // namespace frontend

index_t count_eigenvalues(const Comm& comm, const SectorOperator& h, double low, double high) {
  check_ends("count_eigenvalues", low, high);
  return with_problem(comm, h, {}, [&]<Scalar T>(const EighProblem<T>& problem) {
    const EighOptions options{.interval = std::pair(low, high), .vectors = Eigenvectors::skip};
    if (problem.n() <= dense_rows)
      return static_cast<index_t>(frontend::solve_dense(problem, options).eigenvalues.size());
    const auto map = frontend::make_map(problem, OperatorForm::assembled);
    const auto ends = frontend::with_margin(Tolerance<T>(*map, options.tol), *options.interval);
    const std::array<double, 2> shifts = {ends.first, ends.second};
    const auto below = count_below(problem, shifts);
    return below[1] - below[0];
  });
}

EighResult eigh_interval(const Comm& comm, const SectorOperator& h, double low, double high,
                         EighOptions options) {
  options.interval = std::pair(low, high);
  options.k = 1;
  options.which = Which::SA;
  options.sigma.reset();
  return eigh(comm, h, options);
}

SpectrumEnds bound_spectrum(const Comm& comm, const SectorOperator& h, EighOptions options) {
  options.k = 1;
  options.sigma.reset();
  options.vectors = Eigenvectors::skip;
  options.which = Which::SA;
  const double lowest = eigh(comm, h, options).require_converged().eigenvalues[0];
  options.which = Which::LA;
  return {lowest, eigh(comm, h, options).require_converged().eigenvalues[0]};
}

EighResult eigh_window(const Comm& comm, const SectorOperator& h, double position, index_t k,
                       EighOptions options) {
  if (!(position >= 0 && position <= 1))
    throw InvalidArgument(detail::concat(
        "eigh_window: the position must be in [0, 1] (0 the lowest value, 1 the highest), got ",
        position));
  options.k = k;
  options.which = Which::TM;
  options.sigma.reset();
  options.position = position;
  return eigh(comm, h, options);
}

// ---- A x = l B x
// ---------------------------------------------------------------------------------

namespace {

/// l = <x,Ax>/<x,Bx>, |Ax - lBx| / |x|, and x scaled to B-norm 1, by one product with each.
template <Scalar T>
std::array<double, 2> measure(const AssembledMap<T>& a, const AssembledMap<T>& b, std::span<T> x) {
  std::vector<T> ax(x.size()), bx(x.size());
  a.apply(x, ax);
  b.apply(x, bx);
  const Comm& comm = a.comm();
  const double square = real_part(vec::dot<T>(comm, x, bx));
  const double value = real_part(vec::dot<T>(comm, x, ax)) / square;
  const double residual = vec::distance<T>(comm, value, bx, ax) / vec::norm<T>(comm, x);
  vec::scale<T>(1 / std::sqrt(square), x);
  return {value, residual};
}

template <Scalar T>
DistributedVectors<T> dense_pairs(const Comm& comm, const Lazy<T>& a, const Lazy<T>& b,
                                  const RowPartition& partition, const EighOptions& o, index_t k) {
  const index_t n = a.rows();
  auto first = frontend::gather_dense(comm, a, partition, double(n)),
       second = frontend::gather_dense(comm, b, partition, double(n));
  std::vector<double> values(static_cast<std::size_t>(n));
  comm.agree([&] {
    const dense::BlasThreads threads(num_threads());
    if (comm.is_root()) values = dense::dense_generalised(first, second, n);
  });
  comm.broadcast(std::span<double>(values));
  auto vectors = vec::deal<T>(comm, partition, first, 0, n);
  vectors.keep(frontend::select(values, o.which, o.sigma, k));
  return vectors;
}

template <Scalar T>
DistributedVectors<T> engine_pairs(const AssembledMap<T>& map, const Tolerance<T>& tolerance,
                                   const Lazy<T>& a, const Lazy<T>& b, const EighOptions& o,
                                   EighResult& result) {
  const Comm& comm = map.comm();
  Engine<T>* engine = nullptr;
  comm.agree([&] { engine = &load_engine<T>(a.rows()); });
  if (!engine->info().has_mumps)
    throw NotSupported(
        "eigh: a generalised problem factorises B, and this PETSc was built without MUMPS");
  std::vector<T> start(static_cast<std::size_t>(map.row_range().size()));
  fill_normal(std::span(start), map.row_range(), o.seed);
  EngineEigh<T> problem;
  problem.map = &map;
  problem.rows = &a;
  problem.b_rows = &b;
  problem.k = o.k;
  problem.which = o.which;
  problem.sigma = o.which == Which::SM ? std::optional(0.0) : o.sigma;
  problem.tol = 0.1 * o.tol;
  problem.scale = tolerance.width();
  problem.max_iterations = o.max_iterations;
  problem.ncv = o.ncv;
  problem.start = start;
  problem.petsc_options = o.petsc_options;
  const dense::BlasThreads threads(num_threads());
  auto found = engine->eigh(problem);
  result.iterations = found.iterations;
  result.products = found.solves;
  result.reason = found.reason;
  return std::move(found.vectors);
}

}  // namespace

template <Scalar T>
EighResult eigh_generalised(const Comm& comm, const Lazy<T>& a, const Lazy<T>& b,
                            const EighOptions& options) {
  if (a.rows() != b.rows() || a.cols() != b.cols())
    throw DimensionError(detail::concat("eigh: A is ", a.rows(), " x ", a.cols(), ", B is ",
                                        b.rows(), " x ", b.cols(), "; they must have one shape"));
  frontend::check_options(options, a.rows());
  if (count_against(options) > 0)
    throw InvalidArgument("eigh: a generalised problem takes no vectors to stay orthogonal to");
  if (options.interval)
    throw InvalidArgument(
        "eigh: a generalised problem is not solved by interval; give k and sigma, or k = all");
  const bool can = options.method == Method::automatic || options.method == Method::dense ||
                   options.method == Method::slepc;
  if (!can || options.form == OperatorForm::matrix_free)
    throw InvalidArgument(
        "eigh: a generalised problem is for methods dense and slepc with assembled operators");
  require_hermitian_sampled(comm, a, "eigh: A", options.seed);
  require_hermitian_sampled(comm, b, "eigh: B", options.seed);
  const index_t n = a.rows(), k = options.k == EighOptions::all ? n : options.k;
  const bool dense = options.method == Method::dense || options.k == EighOptions::all ||
                     (options.method == Method::automatic && n <= dense_rows);
  const RowPartition partition(n, comm.size());
  const index_t value = sizeof(T);
  require_memory(
      comm,
      dense ? (comm.is_root() ? checked_multiply(checked_multiply(n, n, "eigh"), 5 * value, "eigh")
                              : 0) +
                  n * n * value / comm.size()
            : (2 * k + 40) * partition.max_local_rows() * value,
      "eigh");
  const AssembledMap<T> a_map(comm, a, partition), b_map(comm, b, partition);
  const Tolerance<T> tolerance(a_map, options.tol, &b_map);
  EighResult result;
  result.method = dense                                 ? Method::dense
                  : options.method == Method::automatic ? Method::slepc
                                                        : options.method;
  result.form = OperatorForm::assembled;
  result.reason = "LAPACK";
  auto vectors = dense ? dense_pairs(comm, a, b, partition, options, k)
                       : engine_pairs(a_map, tolerance, a, b, options, result);
  std::vector<std::pair<double, index_t>> order;
  std::vector<double> residuals;
  for (index_t j = 0; j < vectors.count(); ++j) {
    const auto [l, residual] = measure(a_map, b_map, vectors.column(j));
    order.emplace_back(l, j);
    residuals.push_back(residual);
  }
  std::sort(order.begin(), order.end());
  std::vector<index_t> positions;
  for (const auto& [l, j] : order) {
    result.eigenvalues.push_back(l);
    result.residuals.push_back(residuals[static_cast<std::size_t>(j)]);
    positions.push_back(j);
  }
  vectors.keep(positions);
  vec::fix_phases(comm, vectors);
  result.products += a_map.products();
  frontend::judge(result, tolerance, vectors, k);
  if (options.vectors == Eigenvectors::compute) result.vectors = std::move(vectors);
  frontend::name_problem<T>(result, n);
  return result;
}

template EighResult eigh_generalised(const Comm&, const Lazy<double>&, const Lazy<double>&,
                                     const EighOptions&);
template EighResult eigh_generalised(const Comm&, const Lazy<std::complex<double>>&,
                                     const Lazy<std::complex<double>>&, const EighOptions&);

}  // namespace kronsolve
