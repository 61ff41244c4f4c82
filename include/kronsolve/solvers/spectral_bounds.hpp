#pragma once

#include <cstdint>

#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/linear_map.hpp>

namespace kronsolve {

/// An interval that holds the spectrum of a Hermitian operator.
struct SpectralBounds {
  double lower = 0;      ///< no eigenvalue below
  double upper = 0;      ///< no eigenvalue above
  index_t products = 0;  ///< products spent on finding it

  double center() const noexcept { return lower + (upper - lower) / 2; }  ///< of the interval
  /// Half its length: R in the costs of series.
  double half_width() const noexcept { return (upper - lower) / 2; }
};

/// How closely the ends are looked for.
struct SpectralBoundsOptions {
  double accuracy = 0.01;   ///< wanted accuracy of both ends, as a part of the width
  index_t max_steps = 100;  ///< of Lanczos
  std::uint64_t seed = 0;   ///< of the start vector
};

/// Interval around the spectrum of a Hermitian map from a few Lanczos steps: the extreme Ritz
/// values, moved outwards by twice their residuals and half a percent of the width. Collective on
/// a.comm().
///
/// Not a proof: a start vector without weight near an end misses it. What is built on it here
/// (Chebyshev series) notices a spectrum that sticks out, because its vectors then grow, and widens
/// the interval.
/// @throws DimensionError   the map is not square
/// @throws InvalidArgument  the map is not Hermitian (seen in the first steps); accuracy not in (0,
///                          1)
/// Cost: 10 to max_steps products, four vectors.
/// Source: Zhou and Li 2011, doi:10.1016/j.laa.2010.06.034.
template <Scalar T>
KRONSOLVE_EXPORT SpectralBounds spectral_bounds(const LinearMap<T>& a,
                                                const SpectralBoundsOptions& options = {});

}  // namespace kronsolve
