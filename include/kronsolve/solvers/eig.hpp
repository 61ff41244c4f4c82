#pragma once

#include <complex>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/distributed_vectors.hpp>
#include <kronsolve/operators/lazy.hpp>

namespace kronsolve {

/// Which eigenvalues of a general matrix: largest or smallest magnitude (LM, SM), real part (LR,
/// SR), imaginary part by its modulus (LI, SI); nearest to a target (TM).
enum class EigWhich { LM, SM, LR, SR, LI, SI, TM };
/// dense: LAPACK on rank 0; slepc: Krylov-Schur, with a target by shift-and-invert.
enum class EigMethod { automatic, dense, slepc };

KRONSOLVE_EXPORT std::string_view to_string(EigWhich);
KRONSOLVE_EXPORT std::string_view to_string(EigMethod);

/// What is asked of eig and how it is found.
struct EigOptions {
  static constexpr index_t all = -1;  ///< as k: every pair
  index_t k = 1;                      ///< pairs wanted; `all` = the whole spectrum (dense)
  EigWhich which = EigWhich::LM;      ///< which end, or nearest to sigma
  std::optional<std::complex<double>> sigma = {};  ///< target; which is then TM
  double tol = 1e-10;          ///< converged when |Ax-lx| <= tol times the scale of the level
  index_t max_iterations = 0;  ///< 0: chosen
  index_t ncv = 0;             ///< largest subspace; 0: chosen
  std::uint64_t seed = 0;      ///< fixes the start vector: the same on any number of ranks
  EigMethod method = EigMethod::automatic;  ///< automatic: dense up to 600 rows or for all pairs
  std::string petsc_options = {};           ///< raw options for the engine
};

/// Right eigenpairs of a general matrix. The same on every rank.
struct KRONSOLVE_EXPORT EigResult {
  std::vector<std::complex<double>> eigenvalues;  ///< by `which`, the most wanted first
  std::vector<double> residuals;                  ///< |Ax-lx|_2 in that order, |x| = 1
  bool converged = false;                         ///< as many pairs as asked, all within tol
  index_t converged_pairs = 0;                    ///< of those, how many are within tol
  index_t iterations = 0;                         ///< restarts of SLEPc; dense: 0
  index_t products = 0;  ///< products with the matrix and solves with its factors
  std::string reason;    ///< why this method, why it stopped, for people
  EigMethod method = EigMethod::automatic;  ///< what solved it; never automatic
  ScalarKind scalar = ScalarKind::real;     ///< of the arithmetic
  /// Owned rows, one column a pair, norm 1; the component of largest modulus (the first within 1e-8
  /// of it) is real and positive.
  DistributedVectors<std::complex<double>> vectors;
};

/// Right eigenpairs of a general square matrix, real or complex. Collective on `comm`; every rank
/// gives the same arguments.
///
/// Dense (LAPACK geev on rank 0) up to 600 rows or for whole spectra, else SLEPc's Krylov-Schur;
/// with a target by shift-and-invert. A target on an eigenvalue is moved, and `reason` says so.
/// @throws DimensionError   not square
/// @throws InvalidArgument  k outside [1, n], ncv not in [k+2, n], tol not in (0, 1), sigma without
///                          TM, memory that cannot fit
/// @throws NotSupported     the engine is not installed; a complex target for a real matrix needs
///                          the complex engine
template <Scalar T>
KRONSOLVE_EXPORT EigResult eig(const Comm& comm, const Lazy<T>& a, const EigOptions& options = {});

}  // namespace kronsolve
