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
  /// Conditions of the states that are averaged over, with one or several values as for
  /// `scan_sectors`; nothing: all states.
  std::vector<std::string> sector = {};
  ThermodynamicsMethod method = ThermodynamicsMethod::automatic;  ///< exact or from random vectors
  index_t samples = 20;                                           ///< random vectors
  index_t steps = 100;                          ///< ftlm: Lanczos steps of each at most
  std::uint64_t seed = 0;                       ///< of the random vectors
  OperatorForm form = OperatorForm::automatic;  ///< of H, in each sector
  /// Expectation values that are wanted (`Observable::is_expectation`), read for the full space.
  std::vector<Observable> observe = {};
  /// Called on rank 0: parts of the work (sectors, or products) that are done, and all; 0: not known.
  std::function<void(const char* part, index_t done, index_t all)> progress = {};
};

/// An observable at each temperature.
struct ThermalObservable {
  std::string text;                     ///< as asked
  std::vector<ObservableValue> values;  ///< means
  std::vector<ObservableValue>
      errors;  ///< standard errors of real and imaginary parts; exact: none
};

/// At each temperature: totals, not per site, with k_B = 1; errors are standard errors, 0 where
/// exact.
struct ThermalCurves {
  std::vector<Estimate> energy = {},  ///< <H>
      heat_capacity = {},             ///< C = d<H>/dT
      entropy = {},                   ///< nats
      free_energy = {};               ///< -T ln Z
  /// (<M^2> - <M>^2) / T of M = total Sz; empty where M is not conserved or has one value only.
  std::vector<Estimate> susceptibility = {};
  std::vector<ThermalObservable> observables = {};  ///< those of the options
};

/// One of the sectors that were averaged over, by itself.
struct ThermalSector {
  std::vector<std::string> conditions;  ///< of the sector
  index_t states = 0;                   ///< in it
  std::vector<Estimate> weight = {};    ///< its part of the partition function, at each temperature
  ThermalCurves curves = {};            ///< averages over its states
};

/// Averages over all states asked for, and of each sector by itself.
struct Thermodynamics : ThermalCurves {
  ThermodynamicsMethod method = ThermodynamicsMethod::exact;  ///< what was done; never automatic
  std::vector<double> temperatures = {};                      ///< as asked, in units of energy
  std::vector<ThermalSector> parts = {};  ///< where several sectors were asked for
  index_t states = 0;                     ///< that were averaged over
  index_t sectors = 0;                    ///< exact: that were solved
  index_t largest = 0;                    ///< exact: states of the largest of them
  index_t products = 0;                   ///< random vectors: with H
  index_t samples = 0;                    ///< random vectors of each sector asked for; exact: 0
};

/// Averages at temperatures, over all states or those of sectors. Collective on `comm`.
/// @throws InvalidArgument  a temperature that is not positive and finite, none at all; as
///                          `thermal_averages` and `scan_sectors`; a spectrum that does not fit
///                          for `exact`; an observable that is no expectation value of operators
/// Cost: exact: all eigenvalues of each sector (`sector_levels`), of those asked for split by all
/// other symmetries; else `thermal_samples` of each sector asked for. With observables: all
/// eigenvectors of each sector, images too, and the observables of each; else those of each random
/// vector at each temperature.
KRONSOLVE_EXPORT Thermodynamics thermodynamics(const Comm& comm, const OpSum& h,
                                               const Lattice& lattice,
                                               std::span<const double> temperatures,
                                               const ThermodynamicsOptions& options = {});

}  // namespace kronsolve
