#pragma once

#include <complex>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/index.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/distributed_vectors.hpp>
#include <kronsolve/operators/lazy.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/operators/op_sum.hpp>
#include <kronsolve/operators/sector_operator.hpp>
#include <kronsolve/solvers/factors.hpp>
#include <kronsolve/solvers/pairs.hpp>
#include <kronsolve/solvers/preconditioner.hpp>

namespace kronsolve {

class Checkpoint;

/// Which eigenvalues: smallest (SA) or largest (LA), largest (LM) or smallest (SM) by magnitude,
/// nearest to a target (TM by the magnitude of the distance, TR by its real part; the same for
/// Hermitian operators).
enum class Which { SA, LA, LM, SM, TM, TR };
/// automatic: chosen by size, target and what is installed. dense is LAPACK; lanczos, lobpcg and
/// filter are our own, and filter finds pairs near a target without factorising; slepc is
/// Krylov-Schur; jd and gd are SLEPc's Jacobi-Davidson and generalised Davidson; ciss is SLEPc's
/// contour integration over an interval.
enum class Method { automatic, dense, slepc, lanczos, lobpcg, jd, gd, filter, ciss };
/// assembled: rows are stored; matrix_free: applied from the description, nothing is stored.
enum class OperatorForm { automatic, assembled, matrix_free };
/// skip: eigenvalues alone, where a method can do without vectors.
enum class Eigenvectors { compute, skip };

KRONSOLVE_EXPORT std::string_view to_string(Which);
KRONSOLVE_EXPORT std::string_view to_string(Method);
KRONSOLVE_EXPORT std::vector<Method> methods();  ///< `automatic` and all there are
KRONSOLVE_EXPORT std::string_view to_string(OperatorForm);
KRONSOLVE_EXPORT std::string_view to_string(ResidualKind);

/// Where a running solve is; given to the callback on rank 0 of the solve now and then.
struct Progress {
  index_t wanted = 0,         ///< pairs asked for
      converged = 0;          ///< of those, within tol by now
  double worst_residual = 0;  ///< |Hx - lx| estimate of the worst wanted pair not yet converged
  double best_value = 0;  ///< as known now, of the level being sought: the first, after it the next
  index_t products = 0,   ///< with the operator so far
      iterations = 0;     ///< steps of the method so far
  double seconds = 0;     ///< since the solve began
  std::optional<double> remaining_seconds;  ///< guessed from the rate of convergence
};

/// What is asked of eigh and how it is found. The defaults give the ground state.
struct EighOptions {
  static constexpr index_t all = -1;  ///< as k: every pair
  index_t k = 1;                      ///< pairs wanted; `all` = the whole spectrum (dense)
  Which which = Which::SA;            ///< which end, or nearest to sigma
  std::optional<double> sigma = {};   ///< target; which is then TM or TR
  /// The target by its place in the spectrum, 0 the lowest value and 1 the highest, in place of
  /// sigma. The ends are found first, by Lanczos.
  std::optional<double> position = {};
  /// Every pair with a value in [first, second]; k, which and sigma then stay at their defaults.
  std::optional<std::pair<double, double>> interval = {};
  /// Converged when |Hx-lx| <= tol times the scale of the level, which H gives (docs/solvers.md).
  double tol = 1e-10;
  index_t max_iterations = 0;  ///< 0: chosen
  index_t ncv = 0;             ///< largest subspace; 0: chosen
  std::uint64_t seed = 0;      ///< fixes the start vector: the same on any number of ranks
  std::variant<std::monostate, std::vector<double>, std::vector<std::complex<double>>> start =
      {};                             ///< owned rows of a start vector
  Method method = Method::automatic;  ///< automatic: chosen by size, target and what is installed
  /// Automatic: whichever is faster and fits into memory.
  OperatorForm form = OperatorForm::automatic;
  Factors factors = Factors::automatic;  ///< of slepc with a target, slepc and ciss in an interval
  /// Skip saves memory and, with Lanczos, half the products.
  Eigenvectors vectors = Eigenvectors::compute;
  /// Orthonormal vectors V to stay orthogonal to, dealt as the operator's rows; they must outlive
  /// the call. Pairs are then those of P H P with P = 1 - V V^H, in the range of P: the other pairs
  /// of H where V are eigenvectors of it. At most n - |V| of them.
  std::variant<std::monostate, const DistributedVectors<double>*,
               const DistributedVectors<std::complex<double>>*>
      against = {};
  /// For k > 1, targets and intervals: check that no level is missing (copies of a degenerate one),
  /// and put missing ones in.
  bool certify = true;
  /// For jd, gd and lobpcg at an end of the spectrum: of H - s, s a little beyond that end as some
  /// Lanczos steps find it. automatic: jacobi for jd and gd, whatever the operator's form; lobpcg
  /// takes none or jacobi.
  Preconditioner preconditioner = Preconditioner::automatic;
  std::string petsc_options = {};  ///< raw options for the engine, "-eps_view"; never needed
  /// Called on rank 0, and counts if rank 0 has one; what it throws is thrown on every rank.
  std::function<void(const Progress&)> progress = {};
  /// Where the solve keeps what it needs to go on (<kronsolve/solvers/checkpoint.hpp>), on every
  /// rank; must outlive the call. Ends of the spectrum by Lanczos, targets and intervals by the
  /// filter, which are then chosen.
  Checkpoint* checkpoint = nullptr;
};

/// Eigenpairs and how they were found; `reason` also says why the method was chosen. The same on
/// every rank.
struct KRONSOLVE_EXPORT EighResult : PairsReport {
  index_t dimension = 0;                        ///< rows of the operator in its sector
  Method method = Method::automatic;            ///< what solved it
  OperatorForm form = OperatorForm::automatic;  ///< of the product; never automatic
  ScalarKind scalar = ScalarKind::real;         ///< of the arithmetic
  double setup_seconds = 0,           ///< before the first product: rows, tables, checks; wall time
      solve_seconds = 0;              ///< the rest; wall time
  index_t memory_estimate_bytes = 0;  ///< all ranks together
  /// Owned rows of the eigenvectors, one column a pair; empty if they were skipped. The component
  /// of largest modulus (the first such) is real and positive.
  std::variant<DistributedVectors<double>, DistributedVectors<std::complex<double>>> vectors;

  /// The eigenvectors as T.
  /// @throws InvalidArgument  they have the other scalar
  template <Scalar T>
  const DistributedVectors<T>& vectors_as() const {
    if (const auto* v = std::get_if<DistributedVectors<T>>(&vectors)) return *v;
    throw InvalidArgument(detail::concat("the eigenvectors are ", to_string(scalar), ", not ",
                                         to_string(scalar_kind<T>)));
  }
  /// @throws NotConverged  fewer pairs than asked; with their residuals
  const EighResult& require_converged() const;
};

/// What eigh would do, found out without allocating anything large.
struct EighPlan {
  index_t dimension = 0;                        ///< rows of the operator in its sector
  Method method = Method::automatic;            ///< what would solve it
  OperatorForm form = OperatorForm::automatic;  ///< of the product
  ScalarKind scalar = ScalarKind::real;         ///< of the arithmetic
  index_t memory_estimate_bytes =
      0;                          ///< all ranks together, what they hold before the solve included
  index_t memory_rank_bytes = 0;  ///< the largest rank
  bool fits = true;               ///< the machine has that much
  std::string reason;             ///< why this method and form, one line
};

/// Eigenpairs of a Hermitian operator. Collective on `comm`; every rank gives the same arguments.
///
/// Chooses real or complex arithmetic, dense or Krylov, stored or matrix-free by itself unless
/// told; `reason` says why.
/// @throws InvalidArgument  operator not Hermitian (names the term or entry), k outside [1, n], ncv
///                          <= k, tol not in (0, 1), NaN in the start vector, memory that cannot
///                          fit
/// @throws NotSupported     the engine that the request needs is not installed
KRONSOLVE_EXPORT EighResult eigh(const Comm& comm, const OpSum& h, const EighOptions& options = {});
/// In a sector: rows and vectors are those of h.basis.
KRONSOLVE_EXPORT EighResult eigh(const Comm& comm, const SectorOperator& h,
                                 const EighOptions& options = {});
/// The same for rows built on demand; hermiticity is checked on samples (all entries of small
/// matrices).
KRONSOLVE_EXPORT EighResult eigh(const Comm& comm, const Lazy<double>& h,
                                 const EighOptions& options = {});
/// The same for complex rows.
KRONSOLVE_EXPORT EighResult eigh(const Comm& comm, const Lazy<std::complex<double>>& h,
                                 const EighOptions& options = {});

/// The same for rows held by the ranks, in rank order (a matrix from a file); hermiticity is
/// checked entry by entry.
template <Scalar T>
KRONSOLVE_EXPORT EighResult eigh(const Comm& comm, const CsrRows<T>& owned,
                                 const EighOptions& options = {});

/// Method, form and memory that eigh would choose. Collective; throws what eigh throws for bad
/// arguments, but not for lack of memory.
/// @param ranks  to plan for, all on a machine like this one and none of them started; 0: those of
///               `comm`, which has one if this is another number
KRONSOLVE_EXPORT EighPlan plan_eigh(const Comm& comm, const SectorOperator& h,
                                    const EighOptions& options = {}, int ranks = 0);
/// The same for rows held by the ranks.
template <Scalar T>
KRONSOLVE_EXPORT EighPlan plan_eigh(const Comm& comm, const CsrRows<T>& owned,
                                    const EighOptions& options = {}, int ranks = 0);

/// The lowest eigenpair.
KRONSOLVE_EXPORT EighResult ground_state(const Comm& comm, const SectorOperator& h,
                                         EighOptions options = {});

}  // namespace kronsolve
