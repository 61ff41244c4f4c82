#pragma once
// The inner loops of GroupAction: images of one configuration under many members of a group, side by
// side in registers. One source compiled for each instruction set, as the product's kernels are.

#include <cstdint>

namespace kronsolve::detail {

/// Members come in multiples of this; what fills up a multiple leaves every state where it is.
inline constexpr int image_block = 16;

/// Neighbours that are looked at side by side.
inline constexpr int beside = 4;

/// For states of 32 or 64 bits. rows[k] points to the parts of the images that chunk k of the state
/// gives: image m is the sum over k < chunks of rows[k][m].
template <class Word>
struct ImageLoops {
  /// Writes all images and the least and the largest of them.
  void (*images)(const Word* const* rows, int chunks, std::int64_t count, Word* to, Word* least,
                 Word* most);
  /// The images of n neighbours of a configuration, `images` plus row steps[moves[i]] each: the
  /// least of them and, unless `most` is null, the largest. Both have room for `beside` entries
  /// more than n, n is not 0.
  void (*least_beside)(const Word* images, std::int64_t count, const Word* steps, const int* moves,
                       std::int64_t n, Word* least, Word* most);
  /// For the same neighbours a member that leads to least[i]; or, if `largest` is not 0, one that
  /// leads to largest - least[i], counted from `count` on.
  void (*leading)(const Word* images, std::int64_t count, const Word* steps, const int* moves,
                  std::int64_t n, const Word* least, Word largest, int* members);
  /// Is any image below `low` or above `high`? Stops at the first register with one.
  bool (*any_outside)(const Word* const* rows, int chunks, std::int64_t count, Word low, Word high);
  /// Bit m tells whether images[m] is a (b).
  void (*equal)(const Word* images, std::int64_t count, Word a, Word b, std::uint64_t* is_a,
                std::uint64_t* is_b);
};

struct ImageKernels {
  ImageLoops<std::uint32_t> narrow;
  ImageLoops<std::uint64_t> wide;
};

extern const ImageKernels image_kernels_baseline, image_kernels_avx2, image_kernels_avx512;

/// Those of the instruction set that the product's kernels use (KRONSOLVE_SIMD).
const ImageKernels& image_kernels();

}  // namespace kronsolve::detail
