#include <algorithm>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/solvers/engine.hpp>

#include "core/counted.hpp"
#include "solvers/dense/blas_threads.hpp"
#include "solvers/frontend/methods/method.hpp"

namespace kronsolve::frontend {

namespace {

/// Vectors that contour integration holds for so many pairs: solutions at each of 32 points, and
/// the basis.
double contour_vectors(index_t pairs) {
  return (32.0 / 8 + 3) * (2 * static_cast<double>(pairs) + 24);
}

template <Scalar T>
double bytes(const EighProblem<T>& p, const EighOptions&, OperatorForm form) {
  return bytes_with(p, form, contour_vectors(expected_interval_pairs)) + factor_bytes(p) +
         start_bytes();
}

/// Everything in the interval by contour integration; inertia says how many there must be.
template <Scalar T>
EighResult solve(const EighProblem<T>& p, const EighOptions& o, OperatorForm) {
  const Stopwatch watch;
  const auto map = make_map(p, OperatorForm::assembled);
  const Tolerance<T> tolerance(*map, o.tol);
  const auto ends = with_margin(tolerance, o.interval.value());
  const auto below = counts(p, ends);
  const index_t count =
      below ? (*below)[1] - (*below)[0] : std::min(p.n(), expected_interval_pairs);
  EighResult result;
  result.method = Method::ciss;
  result.form = OperatorForm::assembled;
  DistributedVectors<T> vectors(p.partition, p.comm->rank(), 0);
  if (count > 0) {
    require_memory(*p.comm,
                   static_cast<index_t>(contour_vectors(count)) * p.owned().size() *
                       static_cast<index_t>(sizeof(T)),
                   detail::concat("eigh: vectors of contour integration for ",
                                  detail::counted(count, "pair")));
    Engine<T>* engine = nullptr;
    p.comm->agree([&] { engine = &load_engine<T>(p.n()); });
    require_factors("eigh", engine->info(), o.factors);
    EngineEigh<T> problem;
    problem.map = map.get();
    problem.rows = &p.rows;
    problem.solver = EngineSolver::ciss;
    problem.k = count;
    // Pairs near the ends of a contour come out badly: it goes round a little more.
    const double margin = 0.1 * (ends.second - ends.first);
    problem.interval = {ends.first - margin, ends.second + margin};
    problem.tol = 0.5 * o.tol;
    problem.scale = tolerance.width();
    problem.max_iterations = o.max_iterations;
    problem.factors = o.factors;
    problem.petsc_options = o.petsc_options;
    const dense::BlasThreads threads(num_threads());
    auto found = engine->eigh(problem);
    finish_pairs(*map, found.vectors, result);
    // What is no pair, or none of the interval, is not counted.
    std::vector<index_t> inside;
    std::vector<double> values, residuals;
    for (std::size_t i = 0; i < result.eigenvalues.size(); ++i) {
      const double l = result.eigenvalues[i], r = result.residuals[i];
      if (l < ends.first || l > ends.second || !(r <= 1e-3 * tolerance.width())) continue;
      inside.push_back(static_cast<index_t>(i));
      values.push_back(l);
      residuals.push_back(r);
    }
    found.vectors.keep(inside);
    vectors = std::move(found.vectors);
    result.eigenvalues = std::move(values);
    result.residuals = std::move(residuals);
    result.iterations = found.iterations;
    result.products = map->products() + found.solves;
    result.reason = found.reason;
  }
  judge(result, tolerance, vectors,
        below ? count : static_cast<index_t>(result.eigenvalues.size()));
  // SLEPc goes on to its limit where it takes what is beside the interval for pairs.
  if (below && result.converged) result.reason.clear();
  certify_count(below ? std::optional(count) : std::nullopt, ends, result);
  if (o.vectors == Eigenvectors::compute) result.vectors = std::move(vectors);
  result.solve_seconds = watch.seconds();
  return result;
}

void check(const EighOptions& o) {
  if (!o.interval)
    throw InvalidArgument(
        "eigh: method ciss finds every pair in an interval; give an interval, or use slepc");
}

/// Its moments need more rows: below, SLEPc fails on one rank and waits on the others.
std::string too_small(const EighOptions&, index_t rows) {
  constexpr index_t fewest = 64;
  return rows > fewest ? "" : detail::concat("at most ", fewest, " rows are too few for ciss");
}

}  // namespace

constinit const EighMethod ciss_method = {
    .method = Method::ciss,
    .name = "ciss",
    .engine = true,
    .intervals = true,
    .fragile = true,
    .largest_number = 1e3,  // contours in SLEPc know absolute numbers
    .factorises = [](const EighOptions&) { return true; },
    .too_small = too_small,
    .check = check,
    .real = {bytes<double>, solve<double>},
    .complex = {bytes<std::complex<double>>, solve<std::complex<double>>}};

}  // namespace kronsolve::frontend
