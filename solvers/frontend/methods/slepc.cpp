#include <algorithm>
#include <array>
#include <cmath>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/random.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/solvers/checkpoint.hpp>
#include <kronsolve/solvers/engine.hpp>

#include "solvers/dense/blas_threads.hpp"
#include "solvers/frontend/end_preconditioner.hpp"
#include "solvers/frontend/krylov_schur_checkpoint.hpp"
#include "solvers/frontend/methods/method.hpp"

namespace kronsolve::frontend {

namespace {

/// The engine's estimates are trusted with a margin, because our own product decides.
constexpr double estimate_margin = 0.5;

template <Scalar T>
std::vector<T> start_vector(const EighProblem<T>& p, const EighOptions& o) {
  const RowRange owned = p.owned();
  std::vector<T> start(static_cast<std::size_t>(owned.size()));
  if (const auto* real = std::get_if<1>(&o.start))
    std::copy(real->begin(), real->end(), start.begin());
  else if (const auto* complex = std::get_if<2>(&o.start))
    std::transform(complex->begin(), complex->end(), start.begin(), from_complex<T>);
  else
    fill_normal(std::span(start), owned, o.seed);
  return start;
}

/// Guesses the rest of a solve from how the worst residual has fallen so far (about geometrically).
class RateOfConvergence {
 public:
  std::optional<double> remaining(double seconds, double residual, double goal) {
    if (!(residual > 0)) return std::nullopt;
    if (first_residual_ == 0) {
      first_residual_ = residual;
      first_seconds_ = seconds;
      return std::nullopt;
    }
    const double fallen = std::log(first_residual_ / residual);
    if (fallen <= 0) return std::nullopt;
    return std::max(0.0, std::log(residual / goal)) / fallen * (seconds - first_seconds_);
  }

 private:
  double first_residual_ = 0, first_seconds_ = 0;
};

/// The callback of the user on rank 0; what it throws is thrown on every rank.
template <Scalar T>
auto make_monitor(const EighProblem<T>& p, const LinearMap<T>& map, const EighOptions& o) {
  return [&, watch = Stopwatch(), rate = RateOfConvergence()](
             index_t iterations, index_t converged, std::span<const double> values,
             std::span<const double> residuals) mutable {
    Progress progress;
    progress.wanted = o.k;
    progress.converged = std::min(converged, o.k);
    progress.iterations = iterations;
    progress.products = map.products();
    progress.seconds = watch.seconds();
    if (!values.empty()) progress.best_value = values.front();
    for (std::size_t i = static_cast<std::size_t>(progress.converged); i < residuals.size(); ++i)
      progress.worst_residual = std::max(progress.worst_residual, residuals[i]);
    progress.remaining_seconds = rate.remaining(progress.seconds, progress.worst_residual, o.tol);
    tell(*p.comm, o, progress);
  };
}

/// Where to put a target that hits an eigenvalue, in units of its scale. The inverse then
/// amplifies that eigenvector by the inverse of the distance, which costs the others as many
/// digits.
constexpr std::array<double, 4> target_moves = {0, 1e-6, 1e-5, 1e-4};
/// More pairs than asked, so that a moved target still sees the nearest.
constexpr index_t spare_pairs = 2;

/// Shift-and-invert. A target on an eigenvalue makes the shifted matrix singular: then it is moved,
/// and said so.
template <Scalar T>
EnginePairs<T> solve_shifted(Engine<T>& engine, EngineEigh<T> problem, double sigma,
                             const Tolerance<T>& tolerance, const EighOptions& o,
                             Checkpoint* checkpoint, EighResult& result, index_t& products) {
  // A move below rounding is none.
  const double scale = std::max(tolerance.scale(sigma), 1e9 * tolerance.rounding());
  bool hit = false;
  for (std::size_t attempt = 0;; ++attempt) {
    const bool last = attempt + 1 == target_moves.size();
    problem.sigma = sigma + target_moves[attempt] * scale;
    problem.k = attempt == 0 ? o.k : std::min(problem.map->rows(), o.k + spare_pairs);
    if (o.ncv > 0) problem.ncv = std::min(problem.map->rows(), std::max(o.ncv, problem.k + 2));
    EnginePairs<T> found;
    try {
      found = krylov_schur(engine, problem, attempt == 0 ? checkpoint : nullptr, products);
    } catch (const EngineError&) {
      if (last) throw;
      hit = true;
      continue;
    }
    finish_pairs(*problem.map, found.vectors, result);
    drop_repeated(*problem.map, found.vectors, result);
    if (attempt > 0) {
      keep_nearest(result, found.vectors, sigma, o.k);
      found.reason += detail::concat(
          hit ? "; H - " : "; nothing converged with H - ", sigma,
          hit ? " is singular, the target was moved to " : ", the target was moved to ",
          *problem.sigma);
    }
    result.reason.clear();
    judge(result, tolerance, found.vectors, o.k);
    const bool too_few =
        !found.limit_reached && static_cast<index_t>(result.eigenvalues.size()) < o.k;
    hit = hit || too_few ||
          std::any_of(result.eigenvalues.begin(), result.eigenvalues.end(), [&](double l) {
            return std::abs(l - sigma) < 10 * target_moves.back() * scale;
          });
    // Without convergence a level that is hit need not be among the values: one move shows it.
    const bool enough = !hit && (attempt > 0 || o.max_iterations > 0);
    if (result.converged || last || enough) return found;
  }
}

/// Nearer to the target than the last pair there must be as many levels as were found: two inertia
/// counts.
template <Scalar T>
void certify_target(const EighProblem<T>& p, double sigma, const Tolerance<T>& tolerance,
                    DistributedVectors<T>& vectors, const EighOptions& o, EighResult& result) {
  if (!p.comm->all(counting_engine_installed())) {
    result.certificate = "not checked: counting levels needs the real engine";
    return;
  }
  Engine<double>* counting = nullptr;
  p.comm->agree([&] { counting = &load_engine<double>(p.n()); });
  if (!counting->info().has_mumps) {
    result.certificate = "not checked: counting levels needs MUMPS, which the real engine has not";
    return;
  }
  double farthest = 0;
  for (const double l : result.eigenvalues) farthest = std::max(farthest, std::abs(l - sigma));
  // Copies of the last level itself are a tie, and any of them will do.
  const double radius = farthest - 1e3 * tolerance.margin(sigma);
  if (radius <= 0) {
    result.certified = true;
    result.certificate = "all pairs are copies of the level at the target";
    return;
  }
  const auto inside = std::count_if(result.eigenvalues.begin(), result.eigenvalues.end(),
                                    [&](double l) { return std::abs(l - sigma) < radius; });
  const std::array<double, 2> shifts = {sigma - radius, sigma + radius};
  const auto below = count_below(p, shifts);
  result.certified = below[1] - below[0] == inside;
  result.certificate =
      detail::concat("inertia counts ", below[1] - below[0],
                     " levels nearer to the target than the last, ", inside, " were found");
  if (*result.certified) return;
  // Levels were missed: take all there are in a symmetric interval that holds them.
  EighOptions slices = o;
  slices.k = 1;
  slices.certify = false;
  slices.vectors = Eigenvectors::compute;
  slices.checkpoint = nullptr;
  EighResult all = solve_slices(p, slices, sigma - farthest, sigma + farthest);
  if (static_cast<index_t>(all.eigenvalues.size()) < o.k) return;
  vectors = std::move(std::get<DistributedVectors<T>>(all.vectors));
  result.eigenvalues = std::move(all.eigenvalues);
  result.residuals = std::move(all.residuals);
  result.certify_products += all.products;
  result.certified = all.certified;
  result.certificate = "missed copies were put in; " + all.certificate;
  keep_nearest(result, vectors, sigma, o.k);
  judge(result, tolerance, vectors, o.k);
  vec::fix_phases(*p.comm, vectors);
}

EngineSolver engine_solver(Method method) {
  return method == Method::jd   ? EngineSolver::jd
         : method == Method::gd ? EngineSolver::gd
                                : EngineSolver::krylov_schur;
}

/// Pairs as good as asked; all of `result` but its certificate.
template <Scalar T>
DistributedVectors<T> solve_pairs(Engine<T>& engine, EngineEigh<T> problem,
                                  std::optional<double> sigma, const Tolerance<T>& tolerance,
                                  const EighOptions& o, const std::string& note,
                                  EighResult& result) {
  const auto& map = *problem.map;
  const dense::BlasThreads threads(num_threads());
  EnginePairs<T> found;
  index_t earlier_products = 0;
  const auto attempt = [&](Checkpoint* checkpoint) {
    if (sigma) {
      found = solve_shifted(engine, problem, *sigma, tolerance, o, checkpoint, result,
                            earlier_products);
      return judge(result, tolerance, found.vectors, o.k);
    }
    found = krylov_schur(engine, problem, checkpoint, earlier_products);
    finish_pairs(map, found.vectors, result);
    return judge(result, tolerance, found.vectors, o.k);
  };
  const double scale = attempt(o.checkpoint);
  // A huge coupling makes the spectrum wide; levels that do not feel it are asked to be as good
  // as without it.
  if (!result.converged && !found.limit_reached && scale < 0.5 * tolerance.width() &&
      tolerance.goal(scale) > 10 * tolerance.rounding()) {
    problem.tol = estimate_margin * tolerance.goal(scale) / problem.scale;
    result.reason.clear();
    (void)attempt(nullptr);
  }
  result.iterations = found.iterations;
  result.products = earlier_products + map.products() + found.solves;
  result.reason = found.reason + note + (result.reason.empty() ? "" : "; ") + result.reason;
  return std::move(found.vectors);
}

}  // namespace

template <Scalar T>
EighResult solve_engine(const EighProblem<T>& p, const EighOptions& o, OperatorForm form,
                        const DistributedVectors<T>* deflate) {
  EighResult result;
  result.method = o.method == Method::automatic ? Method::slepc : o.method;
  result.form = form;
  const Stopwatch setup;
  Engine<T>* engine = nullptr;
  p.comm->agree([&] { engine = &load_engine<T>(p.n()); });
  const std::optional<double> sigma = o.which == Which::SM ? std::optional(0.0) : o.sigma;
  if (sigma) require_factors("eigh", engine->info(), o.factors);
  // Factors are those of H itself: the given vectors must then be eigenvectors, and are deflated.
  const auto* given = sigma ? against<T>(o) : nullptr;
  const auto map = sigma ? make_map(p, form) : make_map(p, form, o);
  if (given != nullptr) {
    if (!is_invariant(*map, *given))
      throw InvalidArgument(
          "eigh: method slepc with a target needs vectors to stay orthogonal to that span "
          "eigenvectors of the operator, these do not; use method filter or dense");
    deflate = given;
  }
  const Tolerance<T> tolerance(*map, o.tol);
  const auto start = start_vector(p, o);
  EndPreconditioner<T> preconditioner;
  if (o.method == Method::jd || o.method == Method::gd)
    preconditioner = end_preconditioner(p, o, *map);
  result.setup_seconds = setup.seconds();

  const Stopwatch solve;
  EngineEigh<T> problem;
  problem.map = map.get();
  problem.rows = &p.rows;
  problem.solver = engine_solver(o.method);
  problem.preconditioner = preconditioner.kind;
  problem.shift = preconditioner.shift;
  problem.diagonal = preconditioner.diagonal;
  problem.k = o.k;
  problem.deflate = deflate;
  problem.which = o.which;
  problem.tol = estimate_margin * o.tol;
  problem.scale = tolerance.width();
  problem.max_iterations = o.max_iterations;
  problem.ncv = o.ncv;
  problem.start = start;
  problem.factors = o.factors;
  problem.petsc_options = o.petsc_options;
  if (o.progress) problem.monitor = make_monitor(p, *map, o);
  DistributedVectors<T> vectors;
  solve_and_certify(p, *map, o, result, vectors, [&] {
    vectors = solve_pairs(*engine, problem, sigma, tolerance, o, preconditioner.note, result);
  });
  if (given != nullptr && o.certify && o.k > 1)
    result.certificate = "not checked: vectors were deflated";
  else if (sigma && o.certify && o.k > 1 && o.k < p.n() && result.converged)
    certify_target(p, *sigma, tolerance, vectors, o, result);
  if (o.vectors == Eigenvectors::compute) result.vectors = std::move(vectors);
  result.solve_seconds = solve.seconds();
  return result;
}

template <Scalar T>
EighResult solve_beyond_end(const EighProblem<T>& p, const EighOptions& options,
                            const EighResult& failed) {
  const bool lowest = options.which == Which::SA;
  const double end = lowest ? failed.eigenvalues.front() : failed.eigenvalues.back();
  const bool counts = p.comm->all(counting_engine_installed());
  double beyond = std::max(2 * *std::max_element(failed.residuals.begin(), failed.residuals.end()),
                           1e-12 * std::abs(end));
  EighOptions o = options;
  o.method = Method::slepc;
  o.which = Which::TM;
  constexpr int attempts = 8;
  for (int attempt = 0; attempt < attempts; ++attempt, beyond *= 8) {
    o.sigma = lowest ? end - beyond : end + beyond;
    if (!counts) break;
    const index_t below = count_below(p, std::span<const double>(&*o.sigma, 1))[0];
    if (below == (lowest ? 0 : p.n())) break;
  }
  return solve_engine(p, o, OperatorForm::assembled);
}

template EighResult solve_engine(const EighProblem<double>&, const EighOptions&, OperatorForm,
                                 const DistributedVectors<double>*);
template EighResult solve_engine(const EighProblem<std::complex<double>>&, const EighOptions&,
                                 OperatorForm, const DistributedVectors<std::complex<double>>*);
template EighResult solve_beyond_end(const EighProblem<double>&, const EighOptions&,
                                     const EighResult&);
template EighResult solve_beyond_end(const EighProblem<std::complex<double>>&, const EighOptions&,
                                     const EighResult&);

template <Scalar T>
double space_bytes(const EighProblem<T>& p, const EighOptions& o, OperatorForm form) {
  const index_t k = o.k == EighOptions::all ? p.n()
                    : o.interval            ? std::min(p.n(), expected_interval_pairs)
                                            : o.k;
  const double check = o.certify && k > 1 ? 4 : 0;  // vectors of the certificate
  const double ncv = double(o.ncv > 0 ? o.ncv : std::min(p.n(), std::max(2 * k, k + 15)));
  const double work = 2;  // start vector, the solver's own (measured: SLEPc frees as we copy)
  return bytes_with(p, form, ncv + double(k) + work + check) + start_bytes() +
         (is_targeted(o) ? factor_bytes(p) : 0);
}
template double space_bytes(const EighProblem<double>&, const EighOptions&, OperatorForm);
template double space_bytes(const EighProblem<std::complex<double>>&, const EighOptions&,
                            OperatorForm);

namespace {

template <Scalar T>
EighResult solve(const EighProblem<T>& p, const EighOptions& o, OperatorForm form) {
  if (!o.interval) return solve_engine(p, o, form);
  EighOptions inside = o;
  inside.interval.reset();
  const Stopwatch watch;
  EighResult result = solve_slices(p, inside, o.interval->first, o.interval->second);
  result.solve_seconds = watch.seconds();
  return result;
}

}  // namespace

constinit const EighMethod slepc_method = {
    .method = Method::slepc,
    .name = "slepc",
    .engine = true,
    .intervals = true,
    .factorises = is_targeted,
    .goes_on = [](const EighOptions& o) { return !o.interval && o.which != Which::LM; },
    .real = {space_bytes<double>, solve<double>},
    .complex = {space_bytes<std::complex<double>>, solve<std::complex<double>>}};

}  // namespace kronsolve::frontend
