#pragma once

#include <string>
#include <vector>

#include <kronsolve/operators/distributed_vectors.hpp>

#include "cli/report.hpp"

namespace kronsolve::cli {

/// The observables asked for, checked against the operator. Collective.
/// @throws InvalidArgument  the operator has no sites; an observable needs an initial state
std::vector<Observable> observables_of(const Comm& comm, const Problem& problem,
                                       const std::vector<std::string>& texts);

/// Each observable on every vector. Collective.
template <Scalar T>
std::vector<Measured> measure_each(const Comm& comm, const std::vector<Observable>& observables,
                                   const Problem& problem, const DistributedVectors<T>& vectors);

}  // namespace kronsolve::cli
