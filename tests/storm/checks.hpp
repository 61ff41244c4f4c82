#pragma once
// What is asked of the library about a problem, and what must come back.

#include <map>
#include <string>
#include <vector>

#include <kronsolve/core/comm.hpp>

#include "storm/problem.hpp"

namespace kronsolve::storm {

/// A disagreement: which check, and what it saw.
struct Failure {
  std::string check, text;
  std::string command;  ///< of the program, where there is one
};

/// What was tried, and what was honestly not given.
using Tally = std::map<std::string, long>;

/// Everything about one problem; what is drawn depends on `seed` alone. The first failure, if any, the
/// same on every rank. Collective.
std::optional<Failure> check(const Comm& comm, const Problem& problem, std::uint64_t seed,
                             Tally& tally);

/// The states of the sector; empty sectors are not checked.
index_t states_of(const Problem& problem);

}  // namespace kronsolve::storm
