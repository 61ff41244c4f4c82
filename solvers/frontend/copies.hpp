#pragma once

#include <vector>

#include "solvers/frontend/eigh_problem.hpp"

namespace kronsolve::frontend {

/// The symmetries that lead from a state to others of its level: none where a state of each level
/// has one value of every symmetry. Local.
template <Scalar T>
std::vector<Symmetry<T>> symmetries_between_copies(const Comm& comm, const SectorOperator& h);

/// Copies of levels among the images of their vectors under symmetries of the problem. A recurrence
/// sees one vector of each level; the others that a symmetry implies, as momentum -q beside q, cost
/// a product each here, and a recurrence of their own without.
///
/// Copies take the places of the outermost pairs of an end of the spectrum. Nothing is taken for
/// granted: each is measured, and is put in if it is as good as has been asked for.
/// Collective. Keeps four vectors beside those of the pairs.
/// @param pairs  converged
template <Scalar T>
void put_in_copies(const EighProblem<T>& problem, const LinearMap<T>& map,
                   const EighOptions& options, PairsReport& pairs, DistributedVectors<T>& vectors);

}  // namespace kronsolve::frontend
