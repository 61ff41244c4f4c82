#pragma once

#include <vector>

#include "cli/problem.hpp"
#include "cli/saved_file.hpp"

namespace kronsolve::cli {

/// The operator in its basis.
/// @throws InvalidArgument  a matrix, which has no sites that a state could be told of
const SectorOperator& on_sites(const Problem& problem);

/// The times that are shown, counted as the initial state's is.
std::vector<double> times_of(const EvolveArguments& asked);

/// Of --state before it is there: states of files and of solves may be complex, others are real
/// where state and operator are.
ScalarKind starting_scalar(const Problem& problem, const OperatorArguments& given,
                           const EvolveArguments& asked);
/// What --state means: a state of a file, the ground state, or one that is described. Collective.
/// @throws InvalidArgument  a state that does not fit, a degenerate ground state
/// @throws IoError          a file that cannot be read
EvolutionStart starting_state(const Comm& comm, const Problem& problem,
                              const OperatorArguments& given, const EvolveArguments& asked);

}  // namespace kronsolve::cli
