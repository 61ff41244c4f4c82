#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/measure/observables.hpp>
#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/op_sum.hpp>
#include <kronsolve/solvers/eigh.hpp>
#include <kronsolve/solvers/stochastic.hpp>

namespace kronsolve {

/// exact: every eigenvalue, sector by sector; ftlm, typical: random vectors (ThermalMethod).
/// automatic: exact where that takes seconds, else ftlm.
enum class ThermodynamicsMethod { automatic, exact, ftlm, typical };
KRONSOLVE_EXPORT std::string_view to_string(ThermodynamicsMethod method);

/// How averages are taken.
struct ThermodynamicsOptions {
  ThermodynamicsMethod method = ThermodynamicsMethod::automatic;  ///< exact or from random vectors
  index_t samples = 20;                                           ///< random vectors
  index_t steps = 100;                          ///< ftlm: Lanczos steps of each at most
  std::uint64_t seed = 0;                       ///< of the random vectors
  OperatorForm form = OperatorForm::automatic;  ///< of H, in each sector
  /// Expectation values that are wanted (`Observable::is_expectation`), read for the full space.
  std::vector<Observable> observe = {};
  /// Called on rank 0: parts of the work (sectors, or products) that are done, and all; 0: not known.
  std::function<void(index_t done, index_t all)> progress = {};
};

/// An observable at each temperature.
struct ThermalObservable {
  std::string text;                     ///< as asked
  std::vector<ObservableValue> values;  ///< means
  std::vector<ObservableValue>
      errors;  ///< standard errors of real and imaginary parts; exact: none
};

/// Totals, not per site, with k_B = 1; errors are standard errors, 0 where exact.
struct Thermodynamics {
  ThermodynamicsMethod method = ThermodynamicsMethod::exact;  ///< what was done; never automatic
  std::vector<double> temperatures = {};                      ///< as asked, in units of energy
  std::vector<Estimate> energy = {},                          ///< <H>
      heat_capacity = {},                                     ///< C = d<H>/dT
      entropy = {},                                           ///< nats
      free_energy = {};                                       ///< -T ln Z
  /// (<M^2> - <M>^2) / T of M = total Sz; empty where M is not conserved.
  std::vector<Estimate> susceptibility = {};
  std::vector<ThermalObservable> observables = {};  ///< those of the options
  index_t states = 0;                               ///< of the whole space
  index_t sectors = 0;                              ///< exact: that were solved
  index_t largest = 0;                              ///< exact: states of the largest of them
  index_t products = 0;                             ///< random vectors: with H
  index_t samples = 0;                              ///< random vectors; exact: 0
};

/// Averages over the whole space at temperatures. Collective on `comm`.
/// @throws InvalidArgument  a temperature that is not positive and finite, none at all; as
///                          `thermal_averages`; a spectrum that does not fit for `exact`; an
///                          observable that is no expectation value of operators
/// Cost: exact: all eigenvalues of each sector (`sector_levels`); else `thermal_averages`. With
/// observables: all eigenvectors of each sector, images too, and the observables of each; else those
/// of each random vector at each temperature.
KRONSOLVE_EXPORT Thermodynamics thermodynamics(const Comm& comm, const OpSum& h,
                                               const Lattice& lattice,
                                               std::span<const double> temperatures,
                                               const ThermodynamicsOptions& options = {});

}  // namespace kronsolve
