#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <kronsolve/export.hpp>
#include <kronsolve/operators/digit_paths.hpp>
#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/local_space.hpp>

namespace kronsolve {

enum class SpinFlip;

/// A rule about configurations: one that looks at a few sites at a time (no two neighbours up, at
/// most n in a row, forbidden digits), or several values of a charge. A value.
///
/// An operator must not lead from these values of the charge to others. In the space of the configurations that obey it an operator H is P H P, P the projector on that
/// space: what leads out is left away. That is what is meant by the PXP model and by Rydberg atoms in
/// a blockade.
struct KRONSOLVE_EXPORT LocalRule {
  std::string text;                        ///< "blockade", as parse() takes it
  std::vector<ForbiddenDigits> forbidden;  ///< at the sites where they are
  std::optional<AdditiveRule> total = {};  ///< with `others`: the charge that the text names

  /// From `blockade`: of the two sites of a bond not both are up, or occupied. `max-run=n`: on a
  /// straight line at most n sites one after the other are. `forbid=110`: these digits do not stand
  /// one after the other on a straight line; `forbid=11@0,5/2,7` means the sites 0 and 5, and 2 and 7.
  /// Lines and bonds are those of the lattice, in its directions and around its ends where it is
  /// cyclic. Digits stand side by side, or with commas (`forbid=10,3`); several, each with sites of
  /// its own or none, are separated by semicolons. `n=3,4,5` (`sz`, `nup`, `ndown`): the charge has one of these
  /// values. Nothing if it is none of these.
  /// @throws InvalidArgument  no such digits or sites; a lattice without straight lines; a rule that
  ///                          forbids nothing anywhere
  static std::optional<LocalRule> parse(const std::vector<LocalSpace>& spaces,
                                        const Lattice& lattice, std::string_view text);
  /// Whether parse() knows this condition.
  static bool is_rule(std::string_view text);
  /// What stands before the value: "forbid".
  std::string name() const { return text.substr(0, text.find('=')); }
  /// Forbids what `allowed` says no to: it is asked of all digits that the sites of each group can
  /// have, in the order of the group.
  /// @throws InvalidArgument  no such sites; more than 1000 configurations of a group; nothing is
  ///                          forbidden
  static LocalRule make(const std::vector<LocalSpace>& spaces,
                        const std::vector<std::vector<int>>& groups,
                        const std::function<bool(std::span<const int>)>& allowed);
};

/// What all rules forbid, without what another pattern forbids already. Ascending.
KRONSOLVE_EXPORT std::vector<ForbiddenDigits> forbidden_digits(const std::vector<LocalRule>& rules);

/// Of the charges that have several values.
KRONSOLVE_EXPORT std::vector<AdditiveRule> united_totals(const std::vector<LocalRule>& rules);

/// Whether a symmetry takes configurations that obey the rules to such.
KRONSOLVE_EXPORT bool keeps_rules(const std::vector<LocalRule>& rules,
                                  const std::vector<LocalSpace>& spaces,
                                  const SitePermutation& image, SpinFlip flip);

}  // namespace kronsolve
