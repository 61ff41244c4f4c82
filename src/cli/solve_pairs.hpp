#pragma once

#include <functional>

#include "cli/report.hpp"

namespace kronsolve::cli {

/// What finds the pairs of an operator on sites in place of eigh. Collective.
using PairSolver =
    std::function<EighResult(const Comm&, const SectorOperator&, const EighOptions&)>;

/// The commands ground and eigh. Collective.
/// @param solver  empty: eigh
Answer solve_pairs(const Comm& comm, const Arguments& arguments, Clock::time_point start,
                   const PairSolver& solver);

}  // namespace kronsolve::cli
