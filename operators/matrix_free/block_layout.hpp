#pragma once
// The split of the sites: high blocks (strings of the first sites) and low classes (sets of strings
// of the rest).

#include <cstdint>
#include <vector>

#include <kronsolve/operators/basis.hpp>
#include <kronsolve/operators/digit_paths.hpp>

namespace kronsolve::detail {

/// Digit strings behind a basis: one node a layer for the full space.
/// @throws NotSupported  the basis is neither the full space nor a charge sector
const DigitPaths& paths_of(const Basis& basis);

/// The basis cut in two. Block b holds the rows begin[b] ... begin[b+1]-1: all completions,
/// ascending, of one string of the first `split` sites; which these are depends on its class alone.
struct BlockLayout {
  /// @pre every class has at most most_class_size strings, see choose_split
  BlockLayout(const Basis& basis, const DigitPaths& paths, int split);

  int split;
  int sites;
  std::vector<int> dims;
  std::vector<state_t> strides;  ///< of each site within its part
  state_t low_strings = 1;       ///< product of the low dimensions

  std::vector<state_t> code;   ///< [block] string of the high sites, ascending
  std::vector<index_t> begin;  ///< [block + 1]
  std::vector<std::int32_t> class_of;

  std::vector<std::vector<std::uint32_t>> low;  ///< [class] low strings, ascending
  std::vector<std::int32_t> rank;       ///< [low string] its place in its class, -1 if in none
  std::vector<std::int32_t> low_class;  ///< [low string]

  index_t blocks() const noexcept { return static_cast<index_t>(code.size()); }
  index_t class_size(int cls) const noexcept {
    return static_cast<index_t>(low[static_cast<std::size_t>(cls)].size());
  }
  index_t largest_class() const noexcept;
  /// Block of a high string, -1 if there is none.
  index_t find(state_t string) const;
  /// Block whose first row is `row`, or blocks() for the row behind the last.
  /// @pre there is one
  index_t block_at(index_t row) const;
  std::vector<int> high_digits(index_t block) const;
  bool low_bits() const noexcept { return low_bits_; }  ///< every low site has two states
  /// Digits of a low string, the first low site first.
  void low_digits(std::uint32_t string, std::vector<int>& digits) const;
  index_t memory_bytes() const noexcept;

 private:
  bool low_bits_ = true;
  std::vector<std::int32_t> block_of_;  ///< [high string], where that table is small
};

inline constexpr index_t most_class_size = 65536;  ///< positions in a class are 16-bit
inline constexpr state_t most_low_strings = state_t{1} << 20;

/// What a split costs and gives, known before it is built.
struct SplitFacts {
  double blocks = 0;
  index_t largest_class = 0;
  double low_strings = 1;
};
SplitFacts split_facts(const DigitPaths& paths, int split);

/// The first sites that no rank boundary cuts through, and at which blocks fit the caches.
int choose_split(const DigitPaths& paths, const RowPartition& rows);

}  // namespace kronsolve::detail
