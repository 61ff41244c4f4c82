// Included once per instruction set by image_kernels_<set>.cpp, which defines
// KRONSOLVE_IMAGE_KERNELS, the name of the table. Everything else has internal linkage. Plain
// pointers only: an inline function of the standard library compiled here could be the copy that the
// linker keeps for machines without these instructions.

#include "operators/bases/image_kernels.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace kronsolve::detail {

namespace {

using i64 = std::int64_t;

#if defined(__AVX512F__)
constexpr int register_bytes = 64;
#elif defined(__AVX2__)
constexpr int register_bytes = 32;
#else
constexpr int register_bytes = 16;
#endif

template <class Word>
struct Register;
template <>
struct Register<std::uint32_t> {
  using type = std::uint32_t __attribute__((vector_size(register_bytes)));
  using Unaligned =
      std::uint32_t __attribute__((vector_size(register_bytes), aligned(4), may_alias));
};
template <>
struct Register<std::uint64_t> {
  using type = std::uint64_t __attribute__((vector_size(register_bytes)));
  using Unaligned =
      std::uint64_t __attribute__((vector_size(register_bytes), aligned(8), may_alias));
};

template <class Word>
constexpr int width = register_bytes / static_cast<int>(sizeof(Word));

template <class Word>
inline typename Register<Word>::type load(const Word* p) {
  return *reinterpret_cast<const typename Register<Word>::Unaligned*>(p);
}

/// One bit for each entry of a comparison.
template <class Word, class Mask>
inline std::uint64_t bits(Mask mask) {
#if defined(__x86_64__)
#if defined(__AVX512F__)
  if constexpr (sizeof(Word) == 4)
    return _mm512_movepi32_mask(reinterpret_cast<__m512i>(mask));
  else
    return _mm512_movepi64_mask(reinterpret_cast<__m512i>(mask));
#elif defined(__AVX2__)
  if constexpr (sizeof(Word) == 4)
    return static_cast<std::uint64_t>(_mm256_movemask_ps(reinterpret_cast<__m256>(mask)));
  else
    return static_cast<std::uint64_t>(_mm256_movemask_pd(reinterpret_cast<__m256d>(mask)));
#else
  if constexpr (sizeof(Word) == 4)
    return static_cast<std::uint64_t>(_mm_movemask_ps(reinterpret_cast<__m128>(mask)));
  else
    return static_cast<std::uint64_t>(_mm_movemask_pd(reinterpret_cast<__m128d>(mask)));
#endif
#else
  std::uint64_t result = 0;
  for (int i = 0; i < width<Word>; ++i) result |= static_cast<std::uint64_t>(mask[i] != 0) << i;
  return result;
#endif
}

template <class Word>
inline typename Register<Word>::type image(const Word* const* rows, int chunks, i64 m) {
  auto sum = load(rows[0] + m);
  for (int k = 1; k < chunks; ++k) sum += load(rows[k] + m);
  return sum;
}

/// Both halves of a register against each other, then quarters, down to single entries.
template <class Word, class Better>
inline Word best_of(typename Register<Word>::type some, Better better) {
  for (int half = width<Word> / 2; half > 0; half /= 2) {
    typename Register<Word>::type partner;
    for (int i = 0; i < width<Word>; ++i) partner[i] = static_cast<Word>(i ^ half);
    some = better(some, __builtin_shuffle(some, partner));
  }
  return some[0];
}

template <class Word>
void images(const Word* const* rows, int chunks, i64 count, Word* to, Word* least, Word* most) {
  const auto smaller = [](auto a, auto b) { return a < b ? a : b; };
  const auto larger = [](auto a, auto b) { return a > b ? a : b; };
  auto low = image(rows, chunks, 0), high = low;
  const auto take = [&](i64 m, auto some) {
    *reinterpret_cast<typename Register<Word>::Unaligned*>(to + m) = some;
    low = smaller(low, some);
    high = larger(high, some);
  };
  if (chunks == 2) {  // the images of another state, and what a step adds to them
    const Word *first = rows[0], *second = rows[1];
    for (i64 m = 0; m < count; m += width<Word>) take(m, load(first + m) + load(second + m));
  } else {
    for (i64 m = 0; m < count; m += width<Word>) take(m, image(rows, chunks, m));
  }
  *least = best_of<Word>(low, smaller);
  *most = best_of<Word>(high, larger);
}

template <class Word>
bool any_outside(const Word* const* rows, int chunks, i64 count, Word low, Word high) {
  for (i64 m = 0; m < count; m += width<Word>) {
    const auto some = image(rows, chunks, m);
    if (bits<Word>((some < low) | (some > high)) != 0) return true;
  }
  return false;
}

template <class Word>
void equal(const Word* to, i64 count, Word a, Word b, std::uint64_t* is_a, std::uint64_t* is_b) {
  for (i64 first = 0; first < count; first += 64) {
    std::uint64_t with_a = 0, with_b = 0;
    for (i64 m = first; m < count && m < first + 64; m += width<Word>) {
      const auto some = load(to + m);
      with_a |= bits<Word>(some == a) << (m - first);
      with_b |= bits<Word>(some == b) << (m - first);
    }
    is_a[first / 64] = with_a;
    is_b[first / 64] = with_b;
  }
}

template <class Word>
constexpr ImageLoops<Word> loops = {images<Word>, any_outside<Word>, equal<Word>};

}  // namespace

const ImageKernels KRONSOLVE_IMAGE_KERNELS = {loops<std::uint32_t>, loops<std::uint64_t>};

}  // namespace kronsolve::detail
