#pragma once

#include <vector>

#include <kronsolve/operators/lattice.hpp>

namespace kronsolve::detail {

/// Leaves each pair once, as it came first, and no site joined to itself.
void keep_first(std::vector<Bond>& bonds);

}  // namespace kronsolve::detail
