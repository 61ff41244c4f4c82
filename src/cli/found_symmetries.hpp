#pragma once
// Symmetries that nobody has named, and the sectors that they make.

#include <optional>
#include <string>
#include <vector>

#include "cli/problem.hpp"

namespace kronsolve::cli {

/// States of a sector that the operator respects; nothing if it does not, or if the sector is
/// empty. Local; lists no states.
std::optional<index_t> respected_size(const OpSum& op, const Lattice& lattice,
                                      const std::vector<std::string>& conditions);

/// Permutations of the sites that leave the operator as it is, found by looking for them: what
/// graphs have in place of translations and rotations.
struct FoundSymmetries {
  /// One of those that make all others.
  struct Generator {
    std::string name;       ///< a letter, for the relations
    std::string condition;  ///< "permutation=1,0,2", as --sector takes it
    int order = 1;          ///< so many times makes nothing
    index_t dimension = 0;  ///< of the sector that it leaves as it is, with the charges beside it
  };
  std::vector<Generator> generators = {};
  std::vector<std::string> relations = {};  ///< "ab = ba", "(ac)^3 = 1": of every two
  int group = 1;                            ///< elements
  SectorSuggestion sector;                  ///< of all together
};
/// Of an operator whose lattice has a name for none of its symmetries, as graphs; else nothing. Groups
/// of more than 2000 elements are cut to some of their generators. Local; lists no states.
/// @param charges, named  what suggest_sector and suggest_symmetries say of it
std::optional<FoundSymmetries> find_symmetries(const Problem& problem,
                                               const std::optional<SectorSuggestion>& charges,
                                               const std::optional<SectorSuggestion>& named);

}  // namespace kronsolve::cli
