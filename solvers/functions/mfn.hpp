#pragma once
// exp(tA) v by SLEPc's MFN on whichever engine the scalars need.

#include <complex>
#include <span>

#include <kronsolve/operators/linear_map.hpp>

namespace kronsolve {

/// x := exp(t A) x by a restarted Krylov method of the engine; any square A. A real map needs the
/// complex engine where t or x are complex (and is applied to both parts of x), or where there is
/// no real one. Collective.
///
/// A zero x stays as it is. The norm of the result must stay far inside the range of doubles.
/// @param tol           what SLEPc's own error estimate has to reach, relative to |x|
/// @param max_products  with a
/// @return false if they did not suffice: x is then what SLEPc had by its last restart
/// @throws NotSupported  no engine for it is installed
/// @throws EngineError   SLEPc broke down
template <Scalar T, Scalar V>
bool exponentiate_mfn(const LinearMap<T>& a, V t, std::span<V> x, double tol, index_t max_products);

/// How far an exponential in pieces came.
struct MfnPieces {
  index_t wanted = 1, done = 0;
  bool converged() const noexcept { return done == wanted; }
};

/// The same in pieces of bounded |t| |A|, so that the cost grows with the time and not with its
/// third power. Stops in the first piece for which the products do not suffice.
/// @param size  about |t| |A|
/// @throws InvalidArgument  too long: size above 1e7
template <Scalar T, Scalar V>
MfnPieces exponentiate_mfn_in_pieces(const LinearMap<T>& a, V t, double size, std::span<V> x,
                                     double tol, index_t max_products);

}  // namespace kronsolve
