#pragma once

#include <kronsolve/solvers/eigh.hpp>

namespace kronsolve::families {

/// Keeps the first k pairs of more, all of which have converged or none counts. Local.
void keep_first(EighResult& result, index_t k);

/// No level that a certificate takes for a copy of the last pair lies further below it.
double certified_within(const OpSum& op, const EighOptions& options);

}  // namespace kronsolve::families
