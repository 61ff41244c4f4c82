#include <algorithm>
#include <cmath>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/solvers/checkpoint.hpp>
#include <kronsolve/solvers/engine.hpp>

#include "solvers/frontend/methods/method.hpp"

namespace kronsolve::frontend {

namespace {

/// Up to here LAPACK takes 0.05 s, is sure, and is done before an engine has started (which takes
/// 0.3 s).
template <Scalar T>
constexpr index_t dense_rows = is_complex<T> ? 600 : 1000;
/// So few pairs our own Lanczos has sooner and in less memory than an engine (docs/solvers.md has
/// the figures); without a certificate, which finds copies of levels, of so few rows.
constexpr index_t few_pairs = 8, few_pairs_rows = 200'000;
/// What an iteration chosen by itself could not solve is left to LAPACK up to here (real: 2 s,
/// complex: 9 s).
constexpr index_t rescue_rows = 3200;
/// Up to here LAPACK wins where a good part of the spectrum is wanted.
constexpr index_t dense_rows_many = 8000;
constexpr index_t many_pairs = 5;  // a fifth of the spectrum

struct Choice {
  Method method;
  OperatorForm form;
  std::string why;
};

}  // namespace

/// Factors of a lattice Hamiltonian fill up: about a tenth of the square of the dimension (chains
/// of 12 to 16 sites).
template <Scalar T>
double factor_bytes(const EighProblem<T>& p) {
  const double n = double(p.n());
  return (0.12 * n * n * sizeof(T) + 24 * p.entries_per_row * n) / p.ranks();
}

template double factor_bytes(const EighProblem<double>&);
template double factor_bytes(const EighProblem<std::complex<double>>&);

namespace {

/// Pairs inside the spectrum: factors where they are to be had, else a polynomial filter.
/// Collective.
template <Scalar T>
Choice choose_inside(const EighProblem<T>& problem, const EighOptions& o) {
  if (o.form == OperatorForm::matrix_free)
    return {Method::filter, o.form, "a target without factors of the matrix"};
  if (count_against(o) > 0)
    return {Method::filter, o.form, "a target orthogonal to vectors that may be any"};
  if (o.start.index() == 0 && !problem.comm->all(engine_installed(scalar_kind<T>) &&
                                                 (!o.interval || counting_engine_installed())))
    return {Method::filter, o.form, "a target, and no engine for this scalar is installed"};
  const double factors = factor_bytes(problem);
  if (o.start.index() == 0 && !problem.comm->all(factors < double(available_memory())))
    return {Method::filter, o.form,
            detail::concat("a target, and factors of the matrix (", format_bytes(factors),
                           " on a rank) do not fit")};
  return {Method::slepc, o.form, "a target needs shift-and-invert"};
}

template <Scalar T>
Choice choose_method(const EighProblem<T>& problem, const EighOptions& o) {
  const index_t n = problem.n();
  const bool ends = o.which == Which::SA || o.which == Which::LA;
  if (o.method != Method::automatic) {
    const auto& asked = method_of(o.method);
    const std::string why = asked.too_small ? asked.too_small(o, n) : "";
    if (!why.empty()) return {Method::dense, OperatorForm::assembled, why};
    return {o.method, o.form, "as asked"};
  }
  const bool kept = o.checkpoint != nullptr && o.checkpoint->required() &&
                    (ends || is_targeted(o)) && o.k != EighOptions::all;
  const auto goes_on = [&]() -> Choice {
    return {is_targeted(o) ? Method::filter : Method::lanczos, o.form,
            "a checkpoint can be gone on with"};
  };
  if (kept && !is_one_of_several(problem, *o.checkpoint)) return goes_on();
  if (o.k == EighOptions::all) return {Method::dense, o.form, "the whole spectrum is wanted"};
  if (o.factors != Factors::automatic)
    return {Method::slepc, o.form, detail::concat("factors by ", to_string(o.factors))};
  if (!o.petsc_options.empty()) return {Method::slepc, o.form, "options for PETSc are given"};
  if (o.form != OperatorForm::matrix_free) {
    if (n <= dense_rows<T>)
      return {Method::dense, o.form, detail::concat("at most ", dense_rows<T>, " rows")};
    if (n <= dense_rows_many && o.k >= n / many_pairs)
      return {Method::dense, o.form, "a good part of the spectrum is wanted"};
  }
  if (kept) return goes_on();
  if (is_targeted(o)) return choose_inside(problem, o);
  if (!ends) return {Method::slepc, o.form, detail::concat("which = ", to_string(o.which))};
  if (o.k == 1) return {Method::lanczos, o.form, "one pair at the end of the spectrum"};
  if (o.k <= few_pairs && (o.certify || n <= few_pairs_rows / o.k) && o.ncv == 0)
    return {Method::lanczos, o.form, "a few pairs at the end of the spectrum"};
  if (problem.comm->all(engine_installed(scalar_kind<T>)))
    return {Method::slepc, o.form, "several pairs at the end of the spectrum"};
  return {Method::lanczos, o.form, "no engine for this scalar is installed"};
}

template <Scalar T>
Choice choose(const EighProblem<T>& problem, const EighOptions& o) {
  Choice choice = choose_method(problem, o);
  if (choice.form == OperatorForm::matrix_free && !problem.matrix_free)
    throw NotSupported(
        "eigh: this operator has no matrix-free product (it is given by rows); use assembled");
  const EighMethod& method = method_of(choice.method);
  if (choice.form == OperatorForm::matrix_free && method.preconditioned &&
      problem.sector_rows_bytes > 0)
    throw NotSupported(detail::concat("eigh: ", to_string(choice.method),
                                      " needs the diagonal of stored rows in this sector; use "
                                      "lanczos, or assembled"));
  // Stored rows are multiplied with several vectors at once, and are small beside the vectors of a
  // window.
  const bool free_alone = problem.sector_rows_bytes > 0 && problem.matrix_free_better;
  if (choice.form == OperatorForm::automatic && choice.method == Method::filter &&
      count_against(o) == 0 && !free_alone) {
    choice.form = OperatorForm::assembled;
    choice.why += "; stored rows take several vectors side by side";
  }
  if (choice.form == OperatorForm::automatic) {
    const bool apply_only = !method.stores && !(method.factorises && method.factorises(o));
    const bool free = apply_only && problem.matrix_free && problem.matrix_free_better;
    choice.form = free ? OperatorForm::matrix_free : OperatorForm::assembled;
    if (apply_only && problem.matrix_free && !problem.matrix_free_verdict.empty())
      choice.why += "; " + problem.matrix_free_verdict;
  }
  return choice;
}

// ---- memory ------------------------------------------------------------------------------------

/// One uncompressed block of rows while a matrix is stored.
constexpr double block_entries = double(1 << 20);

template <Scalar T>
double assembled_bytes(const EighProblem<T>& p, double local) {
  const double value = sizeof(T);
  const double halo = p.ranks() > 1 ? std::min(local, double(p.n()) - local) * (2 * value + 4) : 0;
  if (p.sector_rows_bytes > 0) return p.sector_rows_bytes + halo;
  const double entries = local * std::max(0.0, p.entries_per_row - 1);
  // A block of rows exists twice for a moment: as built and as taken over.
  const double block = 2 * std::min(local * p.entries_per_row, block_entries) * (8 + value);
  return local * (value + 4) + entries * (p.few_values ? 5 : 4 + value) + block + halo;
}

}  // namespace

template <Scalar T>
double map_bytes(const EighProblem<T>& p, OperatorForm form) {
  return form == OperatorForm::matrix_free
             ? double(p.matrix_free_bytes)
             : assembled_bytes(p, double(p.partition.max_local_rows()));
}
template double map_bytes(const EighProblem<double>&, OperatorForm);
template double map_bytes(const EighProblem<std::complex<double>>&, OperatorForm);

template <Scalar T>
EighPlan plan(const EighProblem<T>& problem, const EighOptions& options) {
  const Choice choice = choose(problem, options);
  EighPlan plan;
  plan.dimension = problem.n();
  plan.method = choice.method;
  plan.form = choice.form;
  plan.scalar = scalar_kind<T>;
  plan.reason = detail::concat(to_string(choice.method), ": ", choice.why);
  const double more = method_of(choice.method).run<T>().bytes(problem, options, choice.form) +
                      problem.bytes_before.value_or(0);
  if (!(problem.ranks() * more < 9e18))
    throw InvalidArgument(
        detail::concat("eigh: ", problem.n(), " rows need ", format_bytes(more),
                       " on a rank, more than 64 bits count; make the system smaller"));
  const auto now = double(peak_resident_memory());
  const int each = problem.ranks() / problem.comm->size();  // 1 but for ranks that are not there
  plan.memory_rank_bytes = static_cast<index_t>(problem.comm->all_reduce(now, Reduce::max) + more);
  plan.memory_estimate_bytes = static_cast<index_t>(each * problem.comm->all_reduce(now + more));
  try {
    require_memory(*problem.comm, static_cast<index_t>(each * more),
                   each > 1 ? detail::concat("eigh on ", each, " ranks of this machine") : "eigh");
  } catch (const InvalidArgument& lacking) {
    plan.fits = false;
    plan.reason = lacking.what();
  }
  if (!plan.fits && options.form == OperatorForm::automatic && choice.method == Method::lanczos &&
      choice.form == OperatorForm::assembled && problem.matrix_free &&
      problem.sector_rows_bytes > 0) {
    EighOptions other = options;
    other.form = OperatorForm::matrix_free;
    EighPlan free = frontend::plan(problem, other);
    if (free.fits) {
      free.reason += "; rows are computed anew in each product: stored they would not fit";
      return free;
    }
  }
  return plan;
}

template <Scalar T>
std::optional<EighPlan> rescue_plan(const EighProblem<T>& problem, const EighOptions& options,
                                    Method failed, Failing how) {
  const bool ours = options.method == Method::automatic;
  // A level with more copies than a Krylov method sees is counted, but not found.
  const bool fragile = how == Failing::broke_down || options.interval || method_of(failed).fragile;
  const bool free = options.form == OperatorForm::matrix_free && !fragile;
  if (failed == Method::dense || free || !options.petsc_options.empty() || !(ours || fragile))
    return {};
  EighOptions other = options;
  other.form = OperatorForm::assembled;
  if (problem.n() <= rescue_rows) {
    other.method = Method::dense;
  } else {
    // A crowded end of the spectrum is far apart as seen from a target beyond it.
    const bool plain = options.start.index() == 0 && count_against(options) == 0;
    if (failed != Method::lanczos || !plain || !problem.comm->all(engine_installed(scalar_kind<T>)))
      return {};
    other.method = Method::slepc;
    other.which = Which::TM;
    other.sigma = 0;
  }
  const EighPlan instead = plan(problem, other);
  return instead.fits ? std::optional(instead) : std::nullopt;
}

#define KRONSOLVE_DEFINE(T)                                                                       \
  template EighPlan plan(const EighProblem<T>&, const EighOptions&);                              \
  template std::optional<EighPlan> rescue_plan(const EighProblem<T>&, const EighOptions&, Method, \
                                               Failing);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_DEFINE)
#undef KRONSOLVE_DEFINE

}  // namespace kronsolve::frontend
