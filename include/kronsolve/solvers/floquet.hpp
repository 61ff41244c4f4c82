#pragma once

#include <complex>
#include <functional>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/solvers/dense_matrix.hpp>
#include <kronsolve/solvers/evolution.hpp>

namespace kronsolve {

/// What one period T of an operator does: U = T exp(-i int H dt) from options.start to
/// options.start + T has the eigenvalues exp(-i e T). The same on every rank.
struct FloquetModes {
  double period = 0;                             ///< T
  std::vector<double> quasi_energies = {};       ///< e, ascending, in (-pi/T, pi/T]
  DenseMatrix<std::complex<double>> modes = {};  ///< columns in that order, orthonormal
  std::vector<double> residuals = {};            ///< |U v - exp(-i e T) v|
  double unitarity = 0;    ///< largest | |U x| - 1 | of the states x that made U
  double error = 0;        ///< largest 2-norm error of their evolutions
  index_t products = 0;    ///< with the terms of the operator, of all states
  index_t steps = 0;       ///< of the integrator, of all states
  bool converged = false;  ///< error within tol
};

/// Quasi-energies and modes of an operator that repeats itself. Each rank evolves its share of the
/// states of the basis, then one Schur form. Collective on `comm`.
/// @param h        its maps on a communicator of one process (Comm::serial()), the same on every rank
/// @param period   T > 0; H(t + T) = H(t) is the caller's promise
/// @param options  as of an Evolution that depends on time
/// @param progress called on rank 0: states that are done, and all of them there; may be empty
/// @throws InvalidArgument  period not positive and finite, it does not fit into memory; and as
///                          Evolution
/// Cost: n evolutions through one period over the ranks, 25 n^3 operations and 5 n^2 complex numbers
/// on each rank.
/// Source: Shirley 1965, doi:10.1103/PhysRev.138.B979.
template <Scalar T>
KRONSOLVE_EXPORT FloquetModes
floquet_modes(const Comm& comm, const TimeDependentOperator<T>& h, double period,
              const EvolutionOptions& options = {},
              const std::function<void(index_t done, index_t all)>& progress = {});

}  // namespace kronsolve
