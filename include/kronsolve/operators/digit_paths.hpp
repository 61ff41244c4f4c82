#pragma once

#include <compare>
#include <cstdint>
#include <vector>

#include <kronsolve/core/index.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

/// A digit string as one number in mixed radix, the first digit the most significant: a
/// configuration of all sites, site 0 first. Wide enough for 128 spins, of which a sector may have
/// few configurations; long lists hold `name_t` instead.
__extension__ using state_t = unsigned __int128;

/// A configuration in the lists of symmetry sectors, where it fits into 64 bits.
using name_t = std::uint64_t;

namespace detail {

inline std::uint64_t quotient(std::uint64_t a, std::uint64_t b) noexcept { return a / b; }
/// a / b. Nearly all configurations fit into 64 bits, where dividing is one instruction.
inline state_t quotient(state_t a, state_t b) noexcept {
  return (a | b) >> 64 == 0 ? static_cast<std::uint64_t>(a) / static_cast<std::uint64_t>(b) : a / b;
}

}  // namespace detail

/// A quantity that sites add up to: sum over sites of values[site][digit] equals `target`, or one of
/// `others`, modulo `modulus` if that is not 0.
struct AdditiveRule {
  std::vector<std::vector<int>> values;  ///< [site][digit]: what the digit counts
  int target = 0;                        ///< what they add up to
  int modulus = 0;                       ///< 0: the sum itself is wanted
  std::vector<int> others = {};          ///< what they may add up to as well

  /// Whether digits may add up to this.
  bool allows(int total) const noexcept;
};

/// Digits that some sites must not have together: not all sites[k] have digits[k].
struct ForbiddenDigits {
  std::vector<int> sites;   ///< ascending
  std::vector<int> digits;  ///< by place in `sites`
  friend auto operator<=>(const ForbiddenDigits&, const ForbiddenDigits&) = default;
};

/// An involution of the digits of each site, of which strings and their images one is wanted: the
/// lesser string of a pair, and a string that is its own image if the signs of its digits multiply
/// to `character`.
struct MirrorRule {
  std::vector<std::vector<int>> image;  ///< [site][digit]
  std::vector<std::vector<int>> sign;   ///< [site][digit], 1 or -1, of digits that stay
  int character = 1;  ///< 1 or -1: strings that stay are wanted if they are even, or odd
};

/// What is known of a string that begins as a node's do: it is the lesser of its pair, or it may
/// still be its own image, with this product of signs so far. Without a mirror all are `lesser`.
enum class MirrorSide : std::uint8_t { lesser, own_even, own_odd };
inline constexpr int mirror_sides = 3;  ///< number of values of MirrorSide

/// The digit strings that obey additive rules and have no forbidden digits, as paths through layers:
/// node c of layer s stands for all strings of the first s sites with the same charges so far, and
/// the same forbidden digits begun, that some tail completes. Counts and ranks come from the
/// layers, never from enumeration; memory is sites x nodes x local dimension. A rule between
/// neighbours of a chain needs one bit beside the charges, of a ring two; on wider lattices nodes
/// grow as the configurations of a row.
class KRONSOLVE_EXPORT DigitPaths {
 public:
  DigitPaths() = default;
  /// @param dims  local dimensions
  /// @throws InvalidArgument  the number of strings exceeds 64 bits
  DigitPaths(std::vector<int> dims, const std::vector<AdditiveRule>& rules,
             const std::vector<ForbiddenDigits>& forbidden = {})
      : DigitPaths(std::move(dims), rules, forbidden, nullptr) {}
  /// @param mirror  takes strings that obey the rules to such
  DigitPaths(std::vector<int> dims, const std::vector<AdditiveRule>& rules,
             const std::vector<ForbiddenDigits>& forbidden, const MirrorRule& mirror)
      : DigitPaths(std::move(dims), rules, forbidden, &mirror) {}

  int sites() const noexcept { return static_cast<int>(dims_.size()); }  ///< length of the strings
  /// Digits that a site has.
  int dim(int site) const noexcept { return dims_[static_cast<std::size_t>(site)]; }
  index_t size() const noexcept {  ///< number of strings
    return layers_.empty() || layers_[0].tails.empty() ? 0 : layers_[0].tails[0];
  }
  /// Nodes of layer `site` (0 ... sites()).
  int nodes(int site) const noexcept {
    return static_cast<int>(layers_[static_cast<std::size_t>(site)].tails.size());
  }
  /// Node of layer site+1 that `digit` leads to, -1 if nothing completes it.
  int next(int site, int node, int digit) const noexcept {
    return layers_[static_cast<std::size_t>(site)]
        .next[static_cast<std::size_t>(node * dim(site) + digit)];
  }
  /// Number of tails (digits of sites site ... sites()-1) that complete this node.
  index_t tails(int site, int node) const noexcept {
    return layers_[static_cast<std::size_t>(site)].tails[static_cast<std::size_t>(node)];
  }
  MirrorSide side(int site, int node) const noexcept {  ///< what is known of the strings of a node
    return layers_[static_cast<std::size_t>(site)].side[static_cast<std::size_t>(node)];
  }
  /// No tail completes two nodes of one kind. Nodes that charges alone tell apart are of one kind.
  int kind(int site, int node) const noexcept {
    return layers_[static_cast<std::size_t>(site)].kind[static_cast<std::size_t>(node)];
  }
  /// Kinds of nodes of layer `site`: 0 ... kinds(site) - 1.
  int kinds(int site) const noexcept { return layers_[static_cast<std::size_t>(site)].kinds; }
  /// Rows whose first `sites` digits are those of `row`. O(sites x dimension).
  /// @pre 0 <= row < size()
  RowRange prefix_block(index_t row, int sites) const;
  /// The balanced split whose boundaries are those of prefixes as short as a balance of 1.03
  /// allows.
  RowPartition partition(int ranks) const;

 private:
  struct Layer {
    std::vector<index_t> tails;
    std::vector<int> next;
    std::vector<MirrorSide> side;
    std::vector<int> kind;
    int kinds = 0;
  };
  DigitPaths(std::vector<int> dims, const std::vector<AdditiveRule>& rules,
             const std::vector<ForbiddenDigits>& forbidden, const MirrorRule* mirror);
  void count_tails(std::size_t s, const std::vector<int>& renumbered);
  template <class SideOf>
  std::vector<int> keep_nodes(std::size_t s, bool merge, const SideOf& side_of);

  std::vector<int> dims_;
  std::vector<Layer> layers_;
};

}  // namespace kronsolve
