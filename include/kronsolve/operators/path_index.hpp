#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <kronsolve/core/index.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/digit_paths.hpp>

namespace kronsolve {

/// Row and digit string of each other in the ascending list of paths. No list is kept: tables over
/// parts of the sites (a few thousand to a million entries each, small also where 100 sites hold a
/// few particles) give both. A value.
class KRONSOLVE_EXPORT PathIndex {
 public:
  PathIndex() = default;
  /// Of the strings of `paths`. Local; takes longer than a look-up, memory as above.
  /// @throws InvalidArgument  their numbers exceed 128 bits
  explicit PathIndex(const DigitPaths& paths);

  /// String of row i, as a number in mixed radix. O(1).
  /// @pre 0 <= i < paths.size()
  state_t string(index_t i) const;
  /// Row of a string, -1 if it is none of the paths. O(1).
  index_t row(state_t string) const;
  /// string(range.begin + i) for each entry: much faster than one by one.
  void strings(RowRange range, std::span<state_t> strings) const;
  /// row(strings[i]) for each entry.
  void rows(std::span<const state_t> strings, std::span<index_t> rows) const;
  index_t memory_bytes() const noexcept;  ///< of the tables

 private:
  /// A run of sites. For each node at its front: the strings of the run that something completes,
  /// with the rows that come before them; and the same by string.
  struct Part {
    int begin = 0, end = 0;
    state_t stride = 1;
    std::uint64_t strings = 1;
    struct Node {
      std::size_t entries = 0;  ///< where those of the node begin
      std::vector<std::uint32_t> string;
      std::vector<index_t> first;  ///< rows before; one more entry at the end
      std::vector<std::uint32_t> guide;
      int shift = 0;
    };
    std::vector<Node> nodes;
    struct Entry {
      index_t first = -1;
      /// Where it leads; of the last part: the one of this kind that it may come from.
      int node = -1;
    };
    std::vector<Entry> entries;  ///< [node][string]; of the last part [kind][string]
    bool last = false;
  };
  static void fill(const DigitPaths& paths, Part& part);
  template <class Word>
  Word find_string(index_t i) const;
  template <class Word>
  index_t find_row(Word string) const;

  std::vector<Part> parts_;
  bool narrow_ = true;  ///< strings fit into 64 bits
};

}  // namespace kronsolve
