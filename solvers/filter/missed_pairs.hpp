#pragma once

#include <complex>

#include <kronsolve/operators/distributed_vectors.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/solvers/filter.hpp>

#include "solvers/filter/window.hpp"

namespace kronsolve::filter {

/// Residual under the polynomial that is asked of a pair.
double polynomial_tolerance(const FilterOptions& options);

/// Ritz pairs of the operator itself in the space of orthonormal vectors stored together, with
/// residuals. Collective.
template <Scalar T>
FilterResult<T> rayleigh_ritz(const LinearMap<T>& a, DistributedVectors<T> x);

/// Looks for pairs of the window that are not in r, and puts them in. Collective.
template <Scalar T>
void certify_window(const LinearMap<T>& a, const SpectralBounds& bounds, const Window& window,
                    const FilterOptions& o, FilterResult<T>& r);

}  // namespace kronsolve::filter
