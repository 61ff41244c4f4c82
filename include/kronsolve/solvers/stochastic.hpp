#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/solvers/spectral_bounds.hpp>

namespace kronsolve {

/// When the average over random vectors is good enough.
struct TraceOptions {
  double tol = 1e-2;  ///< stop when the standard error is <= tol max(|trace|, scale)
  double scale = 0;   ///< a size that the error may be compared with where the trace is near 0
  index_t min_samples = 4;     ///< random vectors at least ...
  index_t max_samples = 1024;  ///< ... and at most
  index_t max_steps = 300;     ///< Lanczos steps of a sample at most
  double step_tol =
      1e-3;  ///< a sample is done when its last steps changed it by less than step_tol * tol
  std::uint64_t seed = 0;  ///< of the random vectors
};

/// A trace and how well it is known.
struct TraceResult {
  double trace = 0;        ///< mean over the samples
  double error = 0;        ///< standard error over the samples; 0 of one sample means: not known
  bool converged = false;  ///< error within tol
  index_t samples = 0;     ///< random vectors that were used
  index_t products = 0;    ///< with A, of all samples
  std::vector<double> values;  ///< of each sample
};

/// tr f(A) of a Hermitian operator by Lanczos quadrature on random vectors. Collective on a.comm();
/// f must give the same on all ranks.
///
/// @throws DimensionError   the map is not square
/// @throws InvalidArgument  options out of range; f is not finite at an eigenvalue estimate (the
///                          text has it)
/// Cost: 10 to 100 products a sample, three vectors. The relative error of a sample is about
/// 1/sqrt(rows) for smooth f.
/// Source: Ubaru, Chen and Saad 2017, doi:10.1137/16M1104974.
template <Scalar T>
KRONSOLVE_EXPORT TraceResult trace_function(const LinearMap<T>& a,
                                            const std::function<double(double)>& f,
                                            const TraceOptions& options = {});

/// A mean with its standard error.
struct Estimate {
  double value = 0;  ///< mean over the samples
  double error = 0;  ///< standard error of it
};

/// What is known of a Hamiltonian at a temperature.
struct ThermalPoint {
  double beta = 0;                         ///< inverse temperature 1/(k_B T), units of 1/energy
  Estimate log_partition = {};             ///< log tr exp(-beta H)
  Estimate energy = {};                    ///< <H>
  Estimate heat_capacity = {};             ///< beta^2 (<H^2> - <H>^2)
  Estimate entropy = {};                   ///< beta <H> + log Z, nats
  std::vector<Estimate> observables = {};  ///< <A_i>
};

/// typical: exp(-beta H/2) on random vectors, step by step through the temperatures (TPQ). ftlm:
/// one Lanczos run a random vector, which serves all temperatures at once and costs one product an
/// observable; its observables scatter more at low temperatures.
enum class ThermalMethod { typical, ftlm };

/// Which random-vector method, and how many of them.
struct ThermalOptions {
  ThermalMethod method = ThermalMethod::typical;  ///< typical or ftlm
  index_t steps = 100;                            ///< ftlm: Lanczos steps of a sample at most
  index_t samples = 20;  ///< random vectors; errors fall as 1/sqrt(samples * states that take part)
  double tol = 1e-8;     ///< typical: of each exponential, relative
  std::optional<SpectralBounds> bounds = {};  ///< of the spectrum of H, if known
  std::uint64_t seed = 0;                     ///< of the random vectors
  std::uint32_t first_stream = 0;             ///< of random numbers, one for each vector
};

/// What random vectors of one sector say at temperatures.
struct ThermalSamples {
  /// Of exp(-beta H/2)|r>; all but log_norm are expectation values in the normalised state.
  struct Sample {
    double log_norm = 0;                   ///< log <r|exp(-beta H)|r> of a normalised r
    double energy = 0;                     ///< <H>
    double energy_squared = 0;             ///< <H^2>
    std::vector<double> observables = {};  ///< in the order asked for
  };
  std::vector<double> betas = {};            ///< as asked
  double states = 0;                         ///< of the sector
  std::vector<std::vector<Sample>> samples;  ///< by temperature, then by random vector
};

/// Numbers about a normalised state, of which owned entries are given: expectation values of any
/// kind. Called on all ranks, and gives the same on each.
template <Scalar T>
using StateNumbers = std::function<std::vector<double>(std::span<const T> state)>;

/// Random vectors in one sector, by typical states exp(-beta H/2)|random> or by Lanczos
/// runs (.method = ThermalMethod::ftlm). Collective.
///
/// @param betas        inverse temperatures >= 0, any order
/// @param observables  Hermitian maps of the same distribution; may be empty
/// @param measure      of exp(-beta H/2)|random>, normalised: its numbers are averaged like
///                     observables and follow them; must be linear in the density matrix
/// @throws DimensionError   maps that are not square or do not fit
/// @throws InvalidArgument  a beta negative or not finite, fewer than 2 samples, H not Hermitian
/// Cost: typical: samples * (series from one beta to the next + one product a beta and observable);
/// six vectors. ftlm: samples * (steps + one product an observable); three vectors and one an
/// observable; with `measure` the steps again for each 16 temperatures, and 16 vectors.
/// Source: Sugiura and Shimizu 2013, doi:10.1103/PhysRevLett.111.010401; Jaklic and Prelovsek 1994,
/// doi:10.1103/PhysRevB.49.5065.
template <Scalar T>
KRONSOLVE_EXPORT ThermalSamples thermal_samples(
    const LinearMap<T>& h, std::span<const double> betas,
    std::span<const LinearMap<T>* const> observables = {}, const ThermalOptions& options = {},
    const std::type_identity_t<StateNumbers<T>>& measure = {});

/// Averages over several sectors together, with jackknife errors: one vector of each sector is left
/// out at a time. The sectors must have the same temperatures, observables and number of vectors,
/// and random numbers of their own (`first_stream`). Local.
KRONSOLVE_EXPORT std::vector<ThermalPoint> thermal_points(std::span<const ThermalSamples> sectors);
/// The part that each sector has in the partition function, at each temperature. Local.
KRONSOLVE_EXPORT std::vector<std::vector<Estimate>> thermal_weights(
    std::span<const ThermalSamples> sectors);

/// `thermal_points` of one map with all its states.
template <Scalar T>
KRONSOLVE_EXPORT std::vector<ThermalPoint> thermal_averages(
    const LinearMap<T>& h, std::span<const double> betas,
    std::span<const LinearMap<T>* const> observables = {}, const ThermalOptions& options = {},
    const std::type_identity_t<StateNumbers<T>>& measure = {});

}  // namespace kronsolve
