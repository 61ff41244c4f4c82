#pragma once
// The least configuration of each orbit under a group, without looking at the others.

#include <cstdint>
#include <vector>

#include <kronsolve/operators/basis.hpp>
#include <kronsolve/operators/digit_paths.hpp>
#include <kronsolve/operators/symmetry_group.hpp>

namespace kronsolve::detail {

/// Least configurations as leaves of a tree of prefixes, in ascending order. A prefix is given up as
/// soon as an element of the group makes its known digits less, whatever follows, so that what is
/// visited grows with the orbits and not with the configurations. For the translations of a ring
/// these prefixes are those of necklaces.
///
/// Immutable but for a `Walk`, of which each thread has its own.
class LeastStates {
 public:
  /// @param paths  the configurations to choose from
  LeastStates(const SymmetryGroup& group, const DigitPaths& paths);

  /// Configurations that begin with the digits of `first`, all other digits 0.
  struct Prefix {
    state_t first = 0;
    int sites = 0;
  };
  /// Prefixes of one length that together have every least configuration, ascending; about as many
  /// as wanted, fewer where there are no more.
  std::vector<Prefix> prefixes(std::size_t wanted) const;

  class Walk;

 private:
  /// What one element does: the image has at a position the digit of site `source`, flipped or not.
  struct Comparison {
    std::uint16_t source;
    std::uint16_t known;  ///< both digits at the position are known once so many sites are
  };
  /// Comparisons of one element; the one after the last is never known.
  const Comparison* comparisons(std::uint32_t element) const noexcept {
    return comparisons_.data() +
           static_cast<std::size_t>(element) * (static_cast<std::size_t>(sites_) + 1);
  }
  /// As DigitPaths::next.
  int next(int site, int node, int digit) const noexcept {
    const auto s = static_cast<std::size_t>(site);
    return next_[first_node_[s] + static_cast<std::size_t>(node * dims_[s] + digit)];
  }

  DigitCode code_;
  int sites_;
  bool empty_;
  std::vector<int> dims_, next_;
  std::vector<std::size_t> first_node_;  ///< in next_, by site
  std::vector<Comparison> comparisons_;  ///< [element][position]
  std::vector<std::uint8_t> flips_;      ///< by element
  /// Elements whose first comparison needs so many sites.
  std::vector<std::vector<std::uint32_t>> beginning_;
  std::vector<std::vector<int>> flipped_;  ///< [site][digit]
};

/// A thread's way through the tree.
class LeastStates::Walk {
 public:
  explicit Walk(const LeastStates& tree);

  /// Calls f(configuration, whether elements besides the identity leave it where it is) for each
  /// least configuration behind the prefix, ascending.
  template <class F>
  void each(const Prefix& prefix, F&& f) {
    if (enter(prefix)) visit(prefix.sites, tree_->sites_, f);
  }
  /// Calls f(first configuration) for each prefix of `sites` sites that may have least ones.
  template <class F>
  void each_prefix(int sites, F&& f) {
    if (enter({})) visit(0, sites, [&](state_t first, bool) { f(first); });
  }

 private:
  /// An element whose image agrees with the configuration before `position`.
  struct Tie {
    std::uint32_t element;
    std::int32_t position;
  };
  bool enter(const Prefix& prefix);
  /// Appends a digit to a prefix of `sites` sites; false if nothing behind it is least.
  bool extend(int sites, int digit);
  /// Compares the image with the configuration as far as the first `sites` digits tell, and keeps
  /// it in `after` where they agree; false if it is less.
  bool keep(Tie tie, int sites, Tie*& after) const;

  template <class F>
  void visit(int from, int to, F&& f) {
    int depth = from;
    if (depth == to) return f(firsts_[at(depth)], tie_counts_[at(depth)] > 0);
    next_[at(depth)] = 0;
    while (depth >= from) {
      const int digit = next_[at(depth)]++;
      if (digit == tree_->dims_[at(depth)]) {
        --depth;
        continue;
      }
      if (!extend(depth, digit)) continue;
      if (depth + 1 == to)
        f(firsts_[at(to)], tie_counts_[at(to)] > 0);
      else
        next_[at(++depth)] = 0;
    }
  }
  static std::size_t at(int depth) noexcept { return static_cast<std::size_t>(depth); }

  const LeastStates* tree_;
  std::vector<int> digits_[2];   ///< by site, as they are and flipped
  std::vector<int> next_;        ///< digit to try, by depth
  std::vector<int> nodes_;       ///< of the digit paths, by depth
  std::vector<state_t> firsts_;  ///< least configuration of the prefix, by depth
  std::vector<Tie> ties_;        ///< by depth, room for every element
  std::vector<std::size_t> tie_counts_;
};

}  // namespace kronsolve::detail
