#pragma once

#include <vector>

#include <kronsolve/export.hpp>
#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/op_sum.hpp>

namespace kronsolve {

/// Permutations of the sites that do not change the operator, a few that generate others: found
/// from its terms, whatever lattice they stand for. Without the identity; empty if there are none,
/// or if the search gives up.
///
/// Each one is proved (`permuted(op, image)` is `op`); that all are found is not promised: terms
/// have to be written alike on sites that are alike. Backtracking over the graph whose edges are
/// coloured by the terms on both sites, with a limit of steps. Local; milliseconds for 64 sites.
KRONSOLVE_EXPORT std::vector<SitePermutation> site_symmetries(const OpSum& op);

}  // namespace kronsolve
