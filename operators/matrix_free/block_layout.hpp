#pragma once
// The split of the sites: high blocks (strings of the first sites) and low classes (sets of strings
// of the rest).

#include <cstdint>
#include <vector>

#include <kronsolve/operators/basis.hpp>
#include <kronsolve/operators/digit_paths.hpp>

namespace kronsolve::detail {

/// Digit strings behind a basis: one node a layer for the full space.
/// @throws NotSupported  the basis is no list of digit strings
const DigitPaths& paths_of(const Basis& basis);

/// How the completions of a high string lie in a block: as they are, or (above 0) turned over by the
/// spin flip; 1 + a bit each for an odd number of up and of down electrons on the high sites, which
/// is what the signs of the low strings depend on.
using Turn = int;

/// Where the entries of a high string's rows are.
struct HighPlace {
  index_t block = -1;  ///< -1: there are none
  Turn turn = 0;
};

/// Where the amplitude of a low string is.
struct LowPlace {
  std::int32_t rank = -1;  ///< in its class; -1: it is nothing
  double sign = 1;
};

/// The basis cut in two. Block b holds the rows begin[b] ... begin[b+1]-1: all completions,
/// ascending, of one string of the first `split` sites; which these are depends on its class alone.
///
/// In a sector of the spin flip there are the blocks below their images alone. The others' entries
/// lie in these, turned over. A string that the flip leaves where it is has a folded class: of the
/// low strings one of each pair, and those that are their own image.
struct BlockLayout {
  /// @pre every class has at most most_class_size strings, see choose_split
  BlockLayout(const Basis& basis, const DigitPaths& paths, int split);

  int split;
  int sites;
  std::vector<int> dims;
  std::vector<state_t> strides;   ///< of each site within its part
  std::uint64_t low_strings = 1;  ///< product of the low dimensions

  std::vector<state_t> code;   ///< [block] string of the high sites, ascending
  std::vector<index_t> begin;  ///< [block + 1]
  std::vector<std::int32_t> class_of;

  std::vector<std::vector<std::uint32_t>> low;  ///< [class] low strings, ascending
  std::vector<MirrorSide> side;                 ///< [class] folded: all but `lesser`

  index_t blocks() const noexcept { return static_cast<index_t>(code.size()); }
  index_t class_size(int cls) const noexcept {
    return static_cast<index_t>(low[static_cast<std::size_t>(cls)].size());
  }
  index_t largest_class() const noexcept;
  /// Where the rows of a high string are.
  HighPlace find(state_t string) const;
  /// Of the rows of a block themselves: a folded one has its own and their images.
  Turn own_turn(int cls) const noexcept {
    const MirrorSide s = side[static_cast<std::size_t>(cls)];
    return s == MirrorSide::lesser ? 0 : s == MirrorSide::own_even ? 1 : 1 + 3;
  }
  /// Place in class `cls` of a low string behind a high one with this turn.
  LowPlace find_low(std::uint32_t string, int cls, Turn turn) const;
  /// Whether the flip turns the order of low strings round, and nothing more.
  bool flip_reverses() const noexcept { return flip_reverses_; }
  /// Sign of whole rows with this turn.
  /// @pre turn is 0, or flip_reverses()
  double turn_sign(Turn turn, int cls) const;
  /// Local rules forbid some strings behind others: what an operator leads to may not be there.
  bool projects() const noexcept { return projects_; }
  bool folded(int cls) const noexcept {
    return side[static_cast<std::size_t>(cls)] != MirrorSide::lesser;
  }
  /// What a configuration has of its row's amplitude, as a multiple of what each of a pair has: sqrt(2)
  /// if it is its own image, as some behind a folded high string are.
  double amplitude(std::uint32_t string, int cls) const noexcept;
  /// Block whose first row is `row`, or blocks() for the row behind the last.
  /// @pre there is one
  index_t block_at(index_t row) const;
  std::vector<int> high_digits(index_t block) const;
  bool low_bits() const noexcept { return low_bits_; }  ///< every low site has two states
  /// Digits of a low string, the first low site first.
  void low_digits(std::uint32_t string, std::vector<int>& digits) const;
  index_t memory_bytes() const noexcept;

 private:
  /// Of low strings: the class of a kind that has them, and the place there.
  struct Ranks {
    std::vector<std::int32_t> rank, cls;  ///< [low string], -1 if in none
  };
  /// What the flip does to a string: its image, and the parities of electrons up and down.
  struct Flipped {
    state_t string = 0;
    int parities = 0;
  };
  void list_blocks(const DigitPaths& paths);
  void list_low(const DigitPaths& paths);
  void flip_low();
  Flipped flipped(state_t string, int first, int last) const;
  index_t block_of(state_t string) const;

  bool low_bits_ = true;
  bool projects_;
  bool flip_reverses_ = false;
  double character_ = 0;  ///< of the spin flip; 0: there is none
  std::vector<LocalSpace> spaces_;
  std::vector<std::vector<int>> flipped_digits_;  ///< [site]; empty without a flip
  std::vector<int> kind_;                         ///< [class] see DigitPaths::kind
  std::vector<Ranks> ranks_;                      ///< [kind]
  std::vector<std::uint32_t> low_image_;          ///< [low string] under the flip
  std::vector<std::uint8_t> low_parities_;        ///< [low string]; empty without electrons
  std::vector<std::int32_t> block_of_;            ///< [high string], where that table is small
};

inline constexpr index_t most_class_size = 65536;  ///< positions in a class are 16-bit
inline constexpr std::uint64_t most_low_strings = std::uint64_t{1} << 20;

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
