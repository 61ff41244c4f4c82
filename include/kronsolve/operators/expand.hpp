#pragma once

#include <memory>
#include <optional>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/operators/basis.hpp>
#include <kronsolve/operators/state_view.hpp>

namespace kronsolve {

/// A state that holds its own basis and amplitudes. The communicator must outlive it.
template <Scalar T>
struct ExpandedState {
  const Comm* comm;                    ///< whose ranks hold it
  std::shared_ptr<const Basis> basis;  ///< configurations that the amplitudes belong to
  Buffer<T> owned;                     ///< amplitudes of this rank's rows
  /// For everything that takes a state.
  StateView<T> view() const { return {*comm, *basis, owned}; }
};

/// A state of a symmetry sector in the configurations themselves: on the charge sector (or the full
/// space) that the orbits are made of. Nothing if the basis is one of configurations already.
/// Collective.
///
/// Costs one search for a representative for each configuration; memory: the vector in the larger
/// basis, spread over the ranks.
/// @throws DimensionError   psi does not have the owned length
/// @throws InvalidArgument  memory that is not there
template <Scalar T>
KRONSOLVE_EXPORT std::optional<ExpandedState<T>> expand(const StateView<T>& psi);

}  // namespace kronsolve
