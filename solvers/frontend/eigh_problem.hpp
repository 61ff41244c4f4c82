#pragma once
// A Hermitian eigenproblem on its way through the front end: checked, planned, solved, finished.

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <kronsolve/operators/assembled_map.hpp>
#include <kronsolve/operators/lazy.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/checkpoint.hpp>
#include <kronsolve/solvers/eigh.hpp>
#include <kronsolve/solvers/tolerance.hpp>

#include "operators/assembled/sector_rows.hpp"
#include "solvers/frontend/projected_map.hpp"

namespace kronsolve::frontend {

/// y = U x, owned rows of both, for a symmetry U of the operator. Collective.
template <Scalar T>
using Symmetry = std::function<void(std::span<const T> x, std::span<T> y)>;

template <Scalar T>
struct EighProblem {
  const Comm* comm;
  Lazy<T> rows;  ///< asked for owned rows only
  RowPartition partition;
  double entries_per_row = 1;  ///< about; for estimates
  bool few_values = true;      ///< at most 256 different ones off the diagonal, as far as seen
  double largest = 0;          ///< modulus of an entry, as far as seen
  /// The product from the description, to be had once; empty if there is none. Collective.
  std::function<std::unique_ptr<LinearMap<T>>()> matrix_free = {};
  index_t matrix_free_bytes = 0;   ///< what that product holds on a rank
  bool matrix_free_better = true;  ///< than stored rows
  std::string matrix_free_verdict = {};
  /// Rows that are stored once somebody needs them: maps share these.
  std::shared_ptr<detail::SectorRows<T>> sector_rows = {};
  double sector_rows_bytes = 0;  ///< what they take on a rank, about
  bool scaled = false;           ///< `rows` are others than those, by a factor
  /// What a rank takes before the solve where only a plan is made: states and rows of a sector
  /// whose states are counted, not listed; nothing if the rows are at hand.
  std::optional<double> bytes_before = {};
  /// Symmetries that lead from a state to others of its level; empty if nobody knows. Collective.
  std::function<std::vector<Symmetry<T>>()> symmetries = {};
  bool own_stage = false;  ///< the stage of a checkpoint that is open is of this very solve
  /// Ranks that a plan is made for, by this process alone; 0: those of `comm`.
  int planned_ranks = 0;

  index_t n() const noexcept { return rows.rows(); }
  int ranks() const noexcept { return planned_ranks > 0 ? planned_ranks : comm->size(); }
  /// Before `rows` are asked for anything. Collective.
  void prepare_rows() const {
    if (sector_rows) (void)sector_rows->stored();
  }
  RowRange owned() const { return partition.range(comm->rank()); }
};

/// A solve that is one of several, which keep what is done: it may begin anew.
template <Scalar T>
bool is_one_of_several(const EighProblem<T>& problem, const Checkpoint& checkpoint) {
  return checkpoint.is_inside() && !problem.own_stage;
}

/// Arguments that need no operator: ranges, finite numbers, combinations. Local, the same on every
/// rank.
/// @throws InvalidArgument
void check_options(const EighOptions& options, index_t n);
/// The start vector: scalar, length, finite, not zero. Collective.
template <Scalar T>
void check_start(const Comm& comm, const EighOptions& options, RowRange owned);

/// Chooses method and form, estimates memory. Local but for the agreement on installed engines; no
/// large allocation.
template <Scalar T>
EighPlan plan(const EighProblem<T>& problem, const EighOptions& options);
enum class Failing { not_converged, broke_down };
/// What else can be done where a method has not converged, or its engine has failed: LAPACK or
/// factors where the method was left to us, LAPACK for what broke down and for methods that small
/// problems are too small for. Collective.
template <Scalar T>
std::optional<EighPlan> rescue_plan(const EighProblem<T>& problem, const EighOptions& options,
                                    Method failed, Failing how);

/// Pairs numbered by the order of `which`, of ascending values: which positions are wanted.
/// Ascending positions.
std::vector<index_t> select(std::span<const double> ascending, Which which,
                            std::optional<double> sigma, index_t k);

/// What a run that goes on from a checkpoint must have in common with the first one. Local, the same
/// on every rank.
/// @param start  what is to be said of the start vector
/// @throws NotSupported     vectors to stay orthogonal to
/// @throws InvalidArgument  it differs, with the field
void identify(Checkpoint& checkpoint, index_t dimension, ScalarKind scalar,
              const std::string& start, const EighOptions& options);

/// What an operator in a basis must be: Hermitian, of the same sites; and the options.
void check_sector(const SectorOperator& h, const EighOptions& options);
/// The problem of an operator in a basis.
/// @param planned_ranks  as EighProblem has it
template <Scalar T>
EighProblem<T> sector_problem(const Comm& comm, const SectorOperator& h, int planned_ranks = 0);

/// Samples owned rows for entries_per_row, few_values and largest, the same on all ranks then.
/// Collective.
template <Scalar T>
void look_at_rows(EighProblem<T>& problem);
/// The same problem times a power of two. Local.
template <Scalar T>
EighProblem<T> in_unit(const EighProblem<T>& problem, double factor);
/// What loading and starting PETSc adds to a process (measured with Debian's 3.18).
inline constexpr double engine_bytes = 60e6;
/// What MPI's start adds.
inline constexpr double mpi_bytes = 25e6;
/// Bytes that the operator takes on a rank in one form or the other.
template <Scalar T>
double map_bytes(const EighProblem<T>& problem, OperatorForm form);
/// Bytes of the factors on a rank, about.
template <Scalar T>
double factor_bytes(const EighProblem<T>& problem);

/// Eigenvalues below each shift, by inertia. Collective.
/// @throws NotSupported  no real engine with MUMPS
template <Scalar T>
std::vector<index_t> count_below(const EighProblem<T>& problem, std::span<const double> shifts);
/// The interval a little wider: a value on an end belongs to it, rounding or not.
template <Scalar T>
std::pair<double, double> with_margin(const Tolerance<T>& tolerance,
                                      std::pair<double, double> ends) {
  return {ends.first - tolerance.margin(ends.first), ends.second + tolerance.margin(ends.second)};
}
/// Every pair in [low, high] by slices. Collective.
template <Scalar T>
EighResult solve_slices(const EighProblem<T>& problem, const EighOptions& options, double low,
                        double high);
/// Levels in the interval by inertia, below both ends, where an engine can say. Collective.
template <Scalar T>
std::optional<std::array<index_t, 2>> counts(const EighProblem<T>& problem,
                                             std::pair<double, double> ends);
/// What was found against what inertia counts.
void certify_count(std::optional<index_t> count, std::pair<double, double> ends,
                   EighResult& result);
/// Keeps the k pairs nearest to sigma.
template <Scalar T>
void keep_nearest(EighResult& result, DistributedVectors<T>& vectors, double sigma, index_t k);
/// Keeps the k pairs that are largest in magnitude.
template <Scalar T>
void keep_largest(EighResult& result, DistributedVectors<T>& vectors, index_t k);

/// By LAPACK on rank 0. Collective.
template <Scalar T>
EighResult solve_dense(const EighProblem<T>& problem, const EighOptions& options);
/// By SLEPc: Krylov-Schur, with factors where there is a target, or what options.method names.
/// Collective.
/// @param deflate  eigenvectors that are not wanted
template <Scalar T>
EighResult solve_engine(const EighProblem<T>& problem, const EighOptions& options,
                        OperatorForm form, const DistributedVectors<T>* deflate = nullptr);
/// The end of the spectrum as the pairs nearest to a target beyond it, by factors. Collective.
/// @param failed  what an iteration knows of that end
template <Scalar T>
EighResult solve_beyond_end(const EighProblem<T>& problem, const EighOptions& options,
                            const EighResult& failed);
/// The map of a form: stored rows, or the product from the description.
template <Scalar T>
std::unique_ptr<LinearMap<T>> make_map(const EighProblem<T>& problem, OperatorForm form);
/// The same, orthogonal to the vectors of options.against. Collective.
template <Scalar T>
std::unique_ptr<LinearMap<T>> make_map(const EighProblem<T>& problem, OperatorForm form,
                                       const EighOptions& options);
/// How many pairs are wanted of n.
inline index_t wanted_pairs(const EighOptions& options, index_t n) {
  return options.k == EighOptions::all ? n - count_against(options) : options.k;
}

struct MeasuredPair {
  double value, residual;
};
/// Rayleigh quotient and |Hx - lx| with one product into y. Scales x to norm 1: what has not
/// converged may come with another one. Collective.
template <Scalar T>
MeasuredPair measure(const LinearMap<T>& map, std::span<T> x, std::span<T> y);

/// Values, vectors and residuals by one product each: Rayleigh quotients, ascending, phases fixed.
/// Collective. Fills eigenvalues, residuals and the vectors' phases; `vectors` hold norm-1 columns
/// in about ascending order.
template <Scalar T>
void finish_pairs(const LinearMap<T>& map, DistributedVectors<T>& vectors, EighResult& result);

/// Shift-and-invert among copies of a level may give one of them several times: drops what depends on
/// the others, and makes the rest orthonormal. Collective.
template <Scalar T>
void drop_repeated(const LinearMap<T>& map, DistributedVectors<T>& vectors, EighResult& result);

/// Residuals say nothing about copies that a Krylov method never saw: looks for them, and puts them
/// in. Collective.
template <Scalar T>
void certify_copies(const LinearMap<T>& map, DistributedVectors<T>& vectors,
                    const EighOptions& options, PairsReport& result);
/// Pairs by `solve`, copies that symmetries give, and the certificate: a checkpoint takes up each.
/// Collective.
template <Scalar T>
void solve_and_certify(const EighProblem<T>& problem, const LinearMap<T>& map,
                       const EighOptions& options, PairsReport& report,
                       DistributedVectors<T>& vectors, const std::function<void()>& solve);

/// Says in the result of which problem it is. Skipped vectors are none of the scalar named there.
template <Scalar T>
void name_problem(EighResult& result, index_t n) {
  result.dimension = n;
  result.scalar = scalar_kind<T>;
  if (!std::holds_alternative<DistributedVectors<T>>(result.vectors))
    result.vectors = DistributedVectors<T>();
}

/// Counts pairs within tolerance, and says so or what rounding leaves open. Collective, as the
/// tolerance is.
/// @param vectors  of the result, or none
/// @return the least scale of a level
template <Scalar T>
double judge(PairsReport& result, const Tolerance<T>& tolerance,
             const DistributedVectors<T>& vectors, index_t wanted);

/// Rank 0 hears how far a solve is; all ranks agree on what the callback throws. Collective.
inline void tell(const Comm& comm, const EighOptions& options, const Progress& progress) {
  comm.agree([&] {
    if (comm.is_root()) options.progress(progress);
  });
}

/// Takes over the vectors with their phases fixed, if they were asked for. Collective.
template <Scalar T>
void take_vectors(const Comm& comm, DistributedVectors<T>& vectors, const EighOptions& options,
                  EighResult& result) {
  if (options.vectors != Eigenvectors::compute) return;
  vec::fix_phases(comm, vectors);
  result.vectors = std::move(vectors);
}

/// Seconds since it was made.
class Stopwatch {
 public:
  Stopwatch();
  double seconds() const;

 private:
  double began_;
};

/// What our own solvers have around them: the map is made, `solve(map, watch)` returns pairs, which
/// `result` takes over. Collective.
template <Scalar T, class F>
EighResult solve_with_map(const EighProblem<T>& problem, const EighOptions& options, Method method,
                          OperatorForm form, F&& solve) {
  EighResult result;
  result.method = method;
  result.form = form;
  const Stopwatch setup;
  const auto map = make_map(problem, form, options);
  result.setup_seconds = setup.seconds();
  const Stopwatch watch;
  auto found = solve(*map, watch);
  static_cast<PairsReport&>(result) = std::move(found);
  take_vectors(*problem.comm, found.vectors, options, result);
  result.solve_seconds = watch.seconds();
  return result;
}

}  // namespace kronsolve::frontend
