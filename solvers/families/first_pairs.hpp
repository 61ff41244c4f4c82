#pragma once

#include <kronsolve/solvers/eigh.hpp>

namespace kronsolve::families {

/// Keeps the first k pairs of more, all of which have converged or none counts. Local.
void keep_first(EighResult& result, index_t k);

}  // namespace kronsolve::families
