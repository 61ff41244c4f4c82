#pragma once
// Partial transposes of density matrices.

#include <vector>

#include <kronsolve/measure/entanglement.hpp>

namespace kronsolve::detail {

/// Trace norm of the partial transpose of rho with respect to the sites `a` (ascending, all among
/// rho's), over the trace of rho. With fermionic sites it is the partial time reversal of
/// Shapourian, Shiozaki and Ryu. Local.
/// @throws InvalidArgument  fermions in a state without definite parity
template <Scalar T>
double transposed_trace_norm(const Basis& basis, const DensityMatrix<T>& rho,
                             const std::vector<int>& a);

}  // namespace kronsolve::detail
