#pragma once

#include <complex>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/measure/observables.hpp>
#include <kronsolve/measure/thermodynamics.hpp>
#include <kronsolve/solvers/open_system.hpp>
#include <kronsolve/solvers/stochastic.hpp>

namespace kronsolve {

/// density: the density matrix itself, n x n numbers in one process; trajectories: the mean over
/// random courses of a state, with standard errors. automatic: density up to 512 states.
enum class OpenMethod { automatic, density, trajectories };
/// "auto", "density" or "trajectories".
KRONSOLVE_EXPORT std::string_view to_string(OpenMethod method);

/// What evolve_open may be told.
struct OpenEvolutionOptions {
  OpenMethod method = OpenMethod::automatic;  ///< density matrix or trajectories
  index_t trajectories = 200;                 ///< at least 2: errors need them
  std::uint64_t seed = 0;                     ///< of all that is random
  EvolutionOptions steps = {.tol = 1e-8};  ///< tol, start, max_products and max_step of each state
  std::vector<Observable> observe = {};    ///< expectation values (`Observable::is_expectation`)
  /// Called on rank 0: times or trajectories that are done, and all of them there.
  std::function<void(index_t done, index_t all)> progress = {};
};

/// What an open system came to. The same on every rank.
struct OpenEvolution {
  OpenMethod method = OpenMethod::density;  ///< that was used
  std::vector<double> times = {};           ///< as asked
  std::vector<Estimate> energies = {};      ///< tr(H rho) / tr(rho); errors: standard errors, or 0
  std::vector<double> traces = {};          ///< density: of rho, 1 but for rounding and steps
  std::vector<double> purities = {};        ///< density: tr(rho^2)
  std::vector<double> errors = {};  ///< of the steps so far: Frobenius norm, or 2-norm of a state
  std::vector<ThermalObservable> observables = {};  ///< those of the options
  index_t trajectories = 0;                         ///< whose means these are; density: 0
  index_t jumps = 0;                                ///< of all trajectories
  index_t steps = 0;                                ///< Runge-Kutta steps, of all of them
  index_t products = 0;                             ///< with the operator, of all of them
  bool converged = false;                           ///< every error within tol
};

/// Follows an open system from a pure state through times. Collective on `comm`: one process makes
/// the density matrix, each makes its part of the trajectories, which do not depend on their number.
/// @param system  in a basis of one process (made on Comm::serial()), the same on every rank
/// @param psi     all rows, of any norm, the same on every rank
/// @param times   ascending, none before options.steps.start
/// @throws InvalidArgument  as OpenSystem and QuantumTrajectories; an observable that is no
///                          expectation value; it does not fit into memory
/// Cost: density: memory 17 n^2 complex numbers, time (entries of H and jump operators) n a product;
/// trajectories: a Runge-Kutta course of one state each, longer by about four tries a jump.
KRONSOLVE_EXPORT OpenEvolution evolve_open(const Comm& comm, const OpenSystem& system,
                                           std::span<const std::complex<double>> psi,
                                           std::span<const double> times,
                                           const OpenEvolutionOptions& options = {});

}  // namespace kronsolve
