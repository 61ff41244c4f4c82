#pragma once

#include <optional>
#include <string>
#include <vector>

#include <kronsolve/operators/distributed_vectors.hpp>

#include "cli/report.hpp"

namespace kronsolve::cli {

/// The observables asked for, and the state that some of them compare with.
struct Observables {
  std::vector<Observable> list;
  std::optional<EvolutionState> reference = {};
};

/// Checked against the operator; the reference is read. Collective.
/// @throws InvalidArgument  the operator has no sites; an observable needs a reference and there is
///                          none, or the other way round
/// @throws as read_state
Observables observables_of(const Comm& comm, const Problem& problem, const Arguments& arguments);

/// Each observable on every vector. Collective.
template <Scalar T>
std::vector<Measured> measure_each(const Comm& comm, const Observables& observables,
                                   const Problem& problem, const DistributedVectors<T>& vectors);

}  // namespace kronsolve::cli
