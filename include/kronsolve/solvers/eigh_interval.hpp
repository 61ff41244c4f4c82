#pragma once

#include <complex>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/lazy.hpp>
#include <kronsolve/operators/sector_operator.hpp>
#include <kronsolve/solvers/eigh.hpp>

namespace kronsolve {

/// How many eigenvalues of a Hermitian operator lie in [low, high], proven by the inertia of two
/// factorisations (by all of them up to 1000 rows). Collective.
/// @throws InvalidArgument  low > high, not finite, or an operator that is not Hermitian
/// @throws NotSupported     the real engine is not installed (a complex operator is counted as a
///                          real one of twice the size)
KRONSOLVE_EXPORT index_t count_eigenvalues(const Comm& comm, const SectorOperator& h, double low,
                                           double high);

/// Every eigenpair with a value in [low, high]. Collective.
///
/// The interval is cut until a slice holds at most 64 values (counted by inertia); each slice is
/// solved by shift-and-invert at its middle, and again, deflated, until the count is reached.
/// `certified` says whether it was. options.k and which are not used.
/// @throws as count_eigenvalues; InvalidArgument  the pairs cannot fit into memory
/// Source of the counts: Sylvester's law of inertia; R. G. Grimes, J. G. Lewis, H. D. Simon, SIAM
/// J. Matrix Anal. Appl. 15, 228 (1994), doi:10.1137/S0895479888151111.
KRONSOLVE_EXPORT EighResult eigh_interval(const Comm& comm, const SectorOperator& h, double low,
                                          double high, EighOptions options = {});

/// Both ends of the spectrum.
struct SpectrumEnds {
  double lowest = 0,  ///< smallest eigenvalue
      highest = 0;    ///< largest eigenvalue
};
/// Lowest and highest eigenvalue. Collective; no vectors.
/// @throws NotConverged  with the residual
KRONSOLVE_EXPORT SpectrumEnds bound_spectrum(const Comm& comm, const SectorOperator& h,
                                             EighOptions options = {});

/// The k pairs nearest to a relative position in the spectrum: 0 its lowest value, 1 its highest.
/// Collective.
/// @throws InvalidArgument  position outside [0, 1]; as eigh
KRONSOLVE_EXPORT EighResult eigh_window(const Comm& comm, const SectorOperator& h, double position,
                                        index_t k, EighOptions options = {});

/// A x = l B x for Hermitian A and positive definite B, both given by rows. Collective.
///
/// LAPACK up to 1000 rows or for k = all, else SLEPc with factors of B (and of A - sigma B with a
/// target). Vectors have B-norm 1, residuals are |Ax - lBx| / |x|.
/// @throws DimensionError   shapes differ
/// @throws InvalidArgument  not Hermitian, B not positive definite; as eigh
template <Scalar T>
KRONSOLVE_EXPORT EighResult eigh_generalised(const Comm& comm, const Lazy<T>& a, const Lazy<T>& b,
                                             const EighOptions& options = {});

}  // namespace kronsolve
