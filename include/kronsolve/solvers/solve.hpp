#pragma once

#include <complex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/distributed_vectors.hpp>
#include <kronsolve/operators/lazy.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/operators/sector_operator.hpp>
#include <kronsolve/solvers/factors.hpp>
#include <kronsolve/solvers/preconditioner.hpp>

namespace kronsolve {

/// cg: Hermitian positive definite; minres: any Hermitian; gmres: any square operator; direct: a
/// parallel LU factorisation (`factors`) of the matrix, once for all right-hand sides.
enum class SolveMethod { automatic, cg, minres, gmres, direct };
/// Whose Krylov method: our own, which needs no engine and takes no preconditioner, or PETSc's KSP.
enum class KrylovSource { automatic, own, petsc };
/// What is known of the operator. unknown: whether it is Hermitian is tried out on random vectors.
enum class OperatorKind { unknown, hermitian_positive, hermitian, general };

KRONSOLVE_EXPORT std::string_view to_string(SolveMethod);
KRONSOLVE_EXPORT std::string_view to_string(OperatorKind);
KRONSOLVE_EXPORT std::string_view to_string(KrylovSource);

/// How A x = b is solved and how exactly.
struct SolveOptions {
  SolveMethod method = SolveMethod::automatic;  ///< automatic: by `kind`
  OperatorKind kind = OperatorKind::unknown;    ///< saves trying out whether A is Hermitian
  double tol = 1e-10;                           ///< converged when |b - A x| <= tol |b|
  index_t max_iterations = 0;  ///< products for each right-hand side; 0: 10 n, at least 1000
  index_t restart = 50;        ///< vectors that gmres keeps
  /// automatic: PETSc where a preconditioner or options for it are given, else our own.
  KrylovSource krylov = KrylovSource::automatic;
  /// automatic: none for our own methods and where only a product is given; of PETSc's, jacobi for
  /// cg and minres, block_jacobi for gmres. minres takes none or jacobi.
  Preconditioner preconditioner = Preconditioner::automatic;
  std::string petsc_options = {};  ///< raw options for the engine, "-ksp_monitor"; never needed
  Factors factors = Factors::automatic;  ///< of direct
};

/// Solutions and how good they are. The same on every rank but for the rows of x.
template <Scalar T>
struct SolveResult {
  DistributedVectors<T> x;                               ///< one column for each right-hand side
  std::vector<double> residuals;                         ///< |b - A x|, computed with a product
  std::vector<bool> converged_flags;                     ///< of each right-hand side
  bool converged = false;                                ///< all of them
  index_t iterations = 0,                                ///< steps
      products = 0;                                      ///< with A, of all right-hand sides
  SolveMethod method = SolveMethod::automatic;           ///< what solved it
  KrylovSource krylov = KrylovSource::own;               ///< and whose it was; direct: petsc
  Preconditioner preconditioner = Preconditioner::none;  ///< what was used
  std::string reason;  ///< why this method, why it stopped, one line

  /// @throws NotConverged  with the residuals
  const SolveResult& require_converged() const {
    if (converged) return *this;
    std::string text = detail::concat("solve: ", reason, "; residuals");
    for (const double r : residuals) text += detail::concat(" ", r);
    throw NotConverged(text);
  }
};

/// Solves A x = b for each column of b by a Krylov method. Collective on a.comm(); every rank gives
/// the same options.
///
/// `automatic` takes cg for hermitian_positive, minres for hermitian, gmres for general operators.
/// The true residual decides: where the recurrence's own falls behind it, the equation is solved
/// again for the rest. A singular or inconsistent system is a result that has not converged.
/// @throws DimensionError   the map is not square, b has other rows than it
/// @throws InvalidArgument  tol not in (0, 1), a negative limit, restart < 1, b or a product not
///                          finite; a preconditioner that needs more than a product, or does not
///                          go with the method
/// @throws NotSupported     PETSc is asked for and no engine of this scalar is installed
/// Memory: cg 3, minres 6, gmres restart + 2 vectors beside x and b.
/// Source: cg: Hestenes and Stiefel 1952, doi:10.6028/jres.049.044; minres: Paige and Saunders
/// 1975, doi:10.1137/0712047; gmres: Saad and Schultz 1986, doi:10.1137/0907058.
template <Scalar T>
KRONSOLVE_EXPORT SolveResult<T> solve(const LinearMap<T>& a, const DistributedVectors<T>& b,
                                      const SolveOptions& options = {});
/// The same for one right-hand side.
/// @param b  owned entries
template <Scalar T>
KRONSOLVE_EXPORT SolveResult<T> solve(const LinearMap<T>& a, VectorArgument<T> b,
                                      const SolveOptions& options = {});

/// The same for rows built on demand, stored while it runs, dealt evenly to the ranks of `comm` as
/// b must be. With method direct the residuals are true ones too, and what is left of the equation
/// is solved again while that gains; a matrix that cannot be factorised is a result that has not
/// converged.
/// @throws NotSupported  direct without an engine of this scalar that has the factors
template <Scalar T>
KRONSOLVE_EXPORT SolveResult<T> solve(const Comm& comm, const Lazy<T>& a,
                                      const DistributedVectors<T>& b,
                                      const SolveOptions& options = {});

/// The same for an operator in its basis, matrix-free where that is better; b is dealt as
/// h.basis->partition(comm.size()).
/// @throws InvalidArgument  T is real and the operator is not
template <Scalar T>
KRONSOLVE_EXPORT SolveResult<T> solve(const Comm& comm, const SectorOperator& h,
                                      const DistributedVectors<T>& b,
                                      const SolveOptions& options = {});

}  // namespace kronsolve
