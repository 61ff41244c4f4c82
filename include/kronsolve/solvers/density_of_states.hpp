#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/solvers/spectral_bounds.hpp>

namespace kronsolve {

class Checkpoint;

/// The density of states of a Hermitian operator as a Chebyshev series with Jackson's kernel. A
/// value; local.
struct KRONSOLVE_EXPORT DensityOfStates {
  SpectralBounds bounds;        ///< interval that was taken for the spectrum
  index_t dimension = 0;        ///< number of states
  std::vector<double> moments;  ///< of T_n((A - c)/r), averaged over the samples, the first is 1
  std::vector<double> errors;   ///< standard errors of the moments
  index_t products = 0;         ///< with the operator

  /// States per unit energy; integrates to the dimension. 0 outside the bounds.
  double density(double energy) const;
  /// States in [low, high].
  double count(double low, double high) const;
  /// Width over which the kernel smears at this energy (standard deviation), energy units.
  double resolution(double energy) const;

 private:
  double damping(std::size_t n) const;
};

/// How closely the density of states is looked at.
struct DensityOfStatesOptions {
  index_t moments = 128;  ///< resolution is about pi * half width of the spectrum / moments
  index_t samples =
      8;  ///< random vectors; the error of a moment is about sqrt(2 / (samples * dimension))
  std::optional<SpectralBounds> bounds = {};  ///< of the spectrum, if known: saves finding them
  std::uint64_t seed = 0;                     ///< of the random vectors
  Checkpoint* checkpoint = nullptr;           ///< asked before each sample; part `moments`
};

/// Kernel polynomial method. Collective on a.comm().
/// @throws DimensionError   the map is not square
/// @throws InvalidArgument  options out of range, map not Hermitian
/// Cost: samples * moments / 2 products (two moments a product), three vectors.
/// Source: Weisse, Wellein, Alvermann and Fehske 2006, doi:10.1103/RevModPhys.78.275.
template <Scalar T>
KRONSOLVE_EXPORT DensityOfStates density_of_states(const LinearMap<T>& a,
                                                   const DensityOfStatesOptions& options = {});

}  // namespace kronsolve
