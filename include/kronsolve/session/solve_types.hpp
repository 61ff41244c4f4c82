#pragma once
// What session solves take and give.

#include <complex>
#include <string>
#include <variant>
#include <vector>

#include <kronsolve/core/index.hpp>
#include <kronsolve/operators/states.hpp>
#include <kronsolve/session/kept_vector.hpp>
#include <kronsolve/solvers/eigh.hpp>
#include <kronsolve/solvers/evolution.hpp>
#include <kronsolve/solvers/spectral_bounds.hpp>
#include <kronsolve/solvers/svds.hpp>

namespace kronsolve {

/// What becomes of the vectors of a solve.
enum class Gather {
  no,    ///< they are dropped where they are in workers; else the owned rows are in the result
  yes,   ///< whole in the result, where main runs
  keep,  ///< they stay where they are; `kept` in the result names them
};

/// Where and how a session solves.
struct SessionSolveOptions {
  int workers =
      0;  ///< 1: in this process with its threads; more: on that many workers, in a job on as many
          ///< as it has, in modes without them in this process; 0: chosen by size
  Gather vectors = Gather::no;  ///< what becomes of the vectors
};

/// A solution and where it was found.
template <class Result>
struct SessionResult {
  Result result;  ///< its vectors: whole where they were gathered, owned rows in syncro mode and in
                  ///< this process, else none
  int ranks = 1;  ///< that solved
  int threads = 1;                  ///< of each
  index_t peak_rss_bytes = 0;       ///< sum over the ranks that solved
  index_t peak_rss_rank_bytes = 0;  ///< the largest
  /// With Gather::keep, one for each vector; svds: the left ones, then the right ones.
  std::vector<KeptVector> kept = {};
};
using SessionSolveResult = SessionResult<EighResult>;  ///< of eigh and ground_state

/// A state to begin with: a description (put on the basis where it is wanted), all its amplitudes,
/// or one that was kept (the solve then runs where it is).
using StartState = std::variant<StateDescription, std::vector<double>,
                                std::vector<std::complex<double>>, KeptVector>;

/// exp(t A) v and how well.
struct ExpmResult {
  double error = 0;            ///< absolute 2-norm error, see FunctionResult
  bool converged = false;      ///< error <= tol |w|
  index_t products = 0,        ///< applications of A
      degree = 0;              ///< of the polynomial
  SpectralBounds bounds = {};  ///< interval that holds the spectrum of A
  std::string reason = {};     ///< why it did not converge; empty if it did
  EvolutionState vectors;      ///< one column; real if operator, t and v are

  /// @throws NotConverged  error > tol |w|
  const ExpmResult& require_converged() const {
    if (!converged) throw NotConverged(reason);
    return *this;
  }
};

/// An evolution and what was measured on the way.
struct SessionEvolution : EvolutionResult {
  /// [time][operator]: <psi(t)|op|psi(t)> / <psi(t)|psi(t)> of the operators asked for.
  std::vector<std::vector<std::complex<double>>> expectations;
};

}  // namespace kronsolve
