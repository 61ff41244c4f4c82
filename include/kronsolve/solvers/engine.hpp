#pragma once

#include <complex>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/index.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/distributed_vectors.hpp>
#include <kronsolve/operators/lazy.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/solvers/eig.hpp>
#include <kronsolve/solvers/eigh.hpp>
#include <kronsolve/solvers/preconditioner.hpp>
#include <kronsolve/solvers/solve.hpp>

namespace kronsolve {

/// What an engine module is: one build of PETSc and SLEPc, as found on this machine.
struct EngineInfo {
  std::string path;                      ///< of the module
  std::string variant;                   ///< "real", "complex", "real64", "complex64"
  ScalarKind scalar = ScalarKind::real;  ///< of its arithmetic
  int index_bits = 32;                   ///< of its row numbers, 32 or 64
  std::string petsc_version;             ///< "3.18.5"
  std::string slepc_version;             ///< "3.18.2"
  bool has_mumps = false;         ///< parallel factorisations, so shift-and-invert; and inertia
  bool has_superlu_dist = false;  ///< parallel LU
  std::string problem;            ///< why it cannot be used; empty if it can
};

/// Eigensolvers of an engine.
enum class EngineSolver { krylov_schur, jd, gd, ciss };

/// What krylov_schur has come to after a restart, for another solve to go on from.
template <Scalar T>
struct EngineRestart {
  DistributedVectors<T> converged;  ///< eigenvectors of norm 1: to stay orthogonal to
  std::vector<T> start;             ///< owned rows of the sum of what there is of the other pairs
  index_t solves = 0;               ///< systems solved with the factors until then
};

/// A Hermitian eigenproblem A x = l x, or A x = l B x, as an engine gets it: arguments are checked,
/// memory is there.
template <Scalar T>
struct EngineEigh {
  const LinearMap<T>* map = nullptr;  ///< the product; also says who owns which rows
  const Lazy<T>* rows =
      nullptr;  ///< for shift-and-invert, which factorises the matrix; and wherever B is
  const Lazy<T>* b_rows = nullptr;  ///< B, Hermitian positive definite; none: the identity
  const DistributedVectors<T>* deflate =
      nullptr;  ///< orthonormal eigenvectors to stay orthogonal to
  EngineSolver solver = EngineSolver::krylov_schur;      ///< which solver of SLEPc
  Preconditioner preconditioner = Preconditioner::none;  ///< of A - shift; for jd and gd
  double shift = 0;  ///< beyond the wanted end of the spectrum; jd corrects with A - shift first
  std::span<const T> diagonal;  ///< owned entries of A - shift, for jacobi; others need rows
  index_t k = 1;                ///< pairs wanted
  Which which = Which::SA;      ///< SA, LA, LM; with sigma TM
  std::optional<double> sigma;  ///< target: the pairs nearest to it
  std::pair<double, double> interval = {};  ///< of ciss, where k is what it holds
  Factors factors = Factors::automatic;     ///< package and form of the factors
  double tol = 1e-10;                       ///< a pair has converged when |Ax-lx| <= tol scale
  double scale = 1;                         ///< about half the width of the spectrum
  index_t max_iterations = 0;               ///< 0: the engine's choice
  index_t ncv = 0;                          ///< 0: the engine's choice
  std::span<const T> start;                 ///< owned rows of the start vector
  std::string petsc_options;                ///< given to PETSc before the solve
  /// Called on every rank after every restart with values as estimated then; may throw, the same on
  /// all ranks.
  std::function<void(index_t iterations, index_t converged, std::span<const double> values,
                     std::span<const double> residuals)>
      monitor;
  /// The same for krylov_schur; `state` makes what it has come to. Collective, as `state` is.
  std::function<void(index_t iterations, const std::function<EngineRestart<T>()>& state)> restarted;
};

/// What an engine found. Vectors have norm 1 (B-norm 1) and any phase; residuals are not in here:
/// they are for our own product to tell.
template <Scalar T>
struct EnginePairs {
  std::vector<double> values;     ///< ascending
  DistributedVectors<T> vectors;  ///< owned rows, a column each
  index_t iterations = 0;         ///< restarts
  index_t solves = 0;             ///< systems solved with the factors
  index_t subspace = 0;           ///< vectors of the Krylov space
  bool limit_reached = false;     ///< of iterations: the best pairs so far, not all converged
  std::string reason;             ///< why it stopped
};

/// exp(t A) v as far as an engine got.
template <Scalar T>
struct EngineExponential {
  std::vector<T> w;       ///< owned rows
  bool converged = true;  ///< false: the products did not suffice, w is what there is by then
};

/// A general eigenproblem as an engine gets it.
template <Scalar T>
struct EngineEig {
  const LinearMap<T>* map = nullptr;          ///< the product; also says who owns which rows
  const Lazy<T>* rows = nullptr;              ///< for shift-and-invert
  index_t k = 1;                              ///< pairs wanted
  EigWhich which = EigWhich::LM;              ///< which end, or nearest to sigma
  std::optional<std::complex<double>> sigma;  ///< real if T is
  double tol = 1e-10,                         ///< a pair has converged when |Ax-lx| <= tol scale
      scale = 1;                              ///< about half the width of the spectrum
  index_t max_iterations = 0;                 ///< 0: the engine's choice
  index_t ncv = 0;                            ///< 0: the engine's choice
  std::span<const T> start;                   ///< owned rows of the start vector
  std::string petsc_options;                  ///< given to PETSc before the solve
};

/// Right eigenvectors have norm 1; for real matrices the pairs that SLEPc keeps split are joined.
struct EngineGeneralPairs {
  std::vector<std::complex<double>> values;          ///< in the order of `which`
  DistributedVectors<std::complex<double>> vectors;  ///< owned rows, a column each
  index_t iterations = 0;                            ///< restarts
  index_t solves = 0;                                ///< systems solved with the factors
  bool limit_reached = false;  ///< of iterations: the best pairs so far, not all converged
  std::string reason;          ///< why it stopped
};

/// Linear systems for a Krylov method of PETSc (KSP): cg, minres or gmres.
template <Scalar T>
struct EngineKrylov {
  /// For each right-hand side.
  struct Limits {
    double relative = 1e-10;  ///< residual over |b| at which it may stop
    index_t steps = 1000;     ///< at most
  };
  const LinearMap<T>* map = nullptr;                     ///< the product
  SolveMethod method = SolveMethod::gmres;               ///< cg, minres or gmres
  Preconditioner preconditioner = Preconditioner::none;  ///< what PETSc makes of it
  const Lazy<T>* rows = nullptr;                         ///< for block_jacobi and multigrid
  std::span<const T> diagonal;                           ///< owned entries, for jacobi
  index_t restart = 50;                                  ///< of gmres: vectors kept
  std::vector<Limits> limits;                            ///< one for each right-hand side
  std::string petsc_options;                             ///< given to PETSc before the solve
};

/// Approximate solutions. Residuals are for our own product to tell.
template <Scalar T>
struct EngineSolutions {
  DistributedVectors<T> x;         ///< owned rows, a column for each right-hand side
  std::vector<index_t> steps;      ///< taken for each right-hand side
  std::vector<std::string> notes;  ///< why one stopped short of its limit; empty if it did not
};

/// PETSc and SLEPc of one scalar behind plain data. All calls are collective on the communicator of
/// what they are given, and one at a time in a process.
template <Scalar T>
class KRONSOLVE_EXPORT Engine {
 public:
  virtual ~Engine();
  virtual const EngineInfo& info() const noexcept = 0;  ///< which module this is
  /// @throws EngineError  PETSc or SLEPc failed; its own words are in the text
  /// @throws NotSupported a size exceeds the engine's index, or a factorisation package is missing
  virtual EnginePairs<T> eigh(const EngineEigh<T>& problem) = 0;
  /// Pairs of a general operator.
  /// @throws as eigh
  virtual EngineGeneralPairs eig(const EngineEig<T>& problem) = 0;
  /// How many eigenvalues of a real symmetric matrix lie below each shift, by the inertia of a
  /// factorisation (Sylvester's law).
  /// @throws NotSupported  the matrix is complex: embed it as a real one of twice the size
  virtual std::vector<index_t> count_below(const Comm& comm, const Lazy<T>& rows,
                                           const RowPartition& partition,
                                           std::span<const double> shifts) = 0;
  /// Solves A x = b for each column by a parallel LU factorisation. Owned rows in, owned rows out.
  virtual DistributedVectors<T> solve(const Comm& comm, const Lazy<T>& rows,
                                      const DistributedVectors<T>& b, Factors factors) = 0;
  /// Solves A x = b for each column, from x = 0, by a Krylov method.
  virtual EngineSolutions<T> solve_krylov(const EngineKrylov<T>& problem,
                                          const DistributedVectors<T>& b) = 0;
  /// w = exp(t A) v for any square A by a restarted Krylov method (SLEPc's MFN); error about tol
  /// |w|.
  /// @param max_products  at least 1; restarts that may need more are not begun
  virtual EngineExponential<T> expm_multiply(const LinearMap<T>& map, T t, std::span<const T> v,
                                             double tol, index_t max_products) = 0;
};

/// @throws NotSupported  this PETSc has not the factors that `where` asks for
KRONSOLVE_EXPORT void require_factors(std::string_view where, const EngineInfo& info,
                                      Factors factors);

extern template class Engine<double>;
extern template class Engine<std::complex<double>>;

/// The engine for T, loaded and started on first use (which starts MPI), kept for the life of the
/// process. Local.
///
/// Searched for in `KRONSOLVE_ENGINE_DIR` if that is set, else in the folder `kronsolve` beside the
/// library. A real problem is served by the complex engine where only that is installed.
/// @param largest_index  chooses an engine with 64-bit indices where 32 do not reach, or where
///                       there is no other
/// @throws NotSupported  it is not there, or another PETSc has taken over the process
template <Scalar T>
KRONSOLVE_EXPORT Engine<T>& load_engine(index_t largest_index = 0);

/// Every engine found, usable or not, without starting any. Local.
KRONSOLVE_EXPORT std::vector<EngineInfo> list_engines();
/// True if a module that serves this scalar is there (it may still turn out to be unusable). Local.
KRONSOLVE_EXPORT bool engine_installed(ScalarKind scalar);
/// True if a module is there that counts the levels below a shift, by the inertia of real factors.
/// Local.
KRONSOLVE_EXPORT bool counting_engine_installed();

/// What a module exports under the name `kronsolve_engine_module`; the first field never moves.
struct EngineModule {
  static constexpr std::uint32_t current_abi = 5;  ///< what library and module must agree on
  std::uint32_t abi;          ///< current_abi of the headers that the module was built with
  const char* scalar;         ///< "real" or "complex"
  const char* variant;        ///< as of EngineInfo
  int index_bits;             ///< as of EngineInfo
  const char* petsc_version;  ///< as of EngineInfo
  const char* slepc_version;  ///< as of EngineInfo
  bool has_mumps,             ///< as of EngineInfo
      has_superlu_dist;       ///< as of EngineInfo
  /// Starts PETSc as a guest and returns its Engine<T>*, which lives as long as the process; throws
  /// NotSupported, EngineError.
  void* (*start)(const EngineInfo&);
};

}  // namespace kronsolve
