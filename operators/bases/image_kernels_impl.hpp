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

/// Halves of a register against each other, then quarters, down to pieces of so many entries. (The
/// step is a template's parameter so that the shuffle is a constant; in a loop it was not.)
template <class Word, int half, int piece, class Better>
inline typename Register<Word>::type best_pieces(typename Register<Word>::type some,
                                                 Better better) {
  if constexpr (half < piece) {
    return some;
  } else {
    typename Register<Word>::type partner;
    for (int i = 0; i < width<Word>; ++i) partner[i] = static_cast<Word>(i ^ half);
    return best_pieces<Word, half / 2, piece>(better(some, __builtin_shuffle(some, partner)),
                                              better);
  }
}

template <class Word, class Better>
inline Word best_of(typename Register<Word>::type some, Better better) {
  return best_pieces<Word, width<Word> / 2, 1>(some, better)[0];
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
  for (i64 m = 0; m < count; m += width<Word>) take(m, image(rows, chunks, m));
  *least = best_of<Word>(low, smaller);
  *most = best_of<Word>(high, larger);
}

/// Of two registers one whose pieces of 16 bytes have what is better of neighbouring entries of the
/// first, then of the second.
template <class Word, class Better>
inline typename Register<Word>::type merged(typename Register<Word>::type a,
                                            typename Register<Word>::type b, Better better) {
  constexpr int piece = 16 / static_cast<int>(sizeof(Word));
  typename Register<Word>::type even;
  for (int i = 0; i < width<Word>; ++i) {
    const int at = i % piece;
    even[i] =
        static_cast<Word>(i - at + 2 * (at % (piece / 2)) + (at < piece / 2 ? 0 : width<Word>));
  }
  return better(__builtin_shuffle(a, b, even), __builtin_shuffle(a, b, even + 1));
}

/// The best entry of each of four registers. They are merged like the rounds of a tournament, for
/// shuffles of one register after the other are what takes most of the time of small groups.
template <class Word, class Better>
inline void best_of_four(const typename Register<Word>::type* some, Better better, Word* to) {
  constexpr int piece = 16 / static_cast<int>(sizeof(Word));
  const auto finish = [&](typename Register<Word>::type all, Word* out) {
    all = best_pieces<Word, width<Word> / 2, piece>(all, better);
    for (int i = 0; i < piece; ++i) out[i] = all[i];
  };
  const auto first = merged<Word>(some[0], some[1], better),
             second = merged<Word>(some[2], some[3], better);
  if constexpr (piece == 4) {
    finish(merged<Word>(first, second, better), to);
  } else {
    finish(first, to);
    finish(second, to + 2);
  }
}

template <class Word, bool with_most>
inline void four_beside(const Word* images, i64 count, const Word* const* steps, Word* least,
                        Word* most) {
  const auto smaller = [](auto a, auto b) { return a < b ? a : b; };
  const auto larger = [](auto a, auto b) { return a > b ? a : b; };
  typename Register<Word>::type low[beside], high[beside];
  for (int k = 0; k < beside; ++k) low[k] = high[k] = load(images) + load(steps[k]);
  for (i64 m = width<Word>; m < count; m += width<Word>) {
    const auto own = load(images + m);
    for (int k = 0; k < beside; ++k) {
      const auto some = own + load(steps[k] + m);
      low[k] = smaller(low[k], some);
      if (with_most) high[k] = larger(high[k], some);
    }
  }
  best_of_four<Word>(low, smaller, least);
  if (with_most) best_of_four<Word>(high, larger, most);
}

template <class Word>
void least_beside(const Word* images, i64 count, const Word* steps, const int* moves, i64 n,
                  Word* least, Word* most) {
  for (i64 i = 0; i < n; i += beside) {
    const Word* some[beside];
    for (int k = 0; k < beside; ++k) some[k] = steps + moves[i + k < n ? i + k : n - 1] * count;
    if (most != nullptr)
      four_beside<Word, true>(images, count, some, least + i, most + i);
    else
      four_beside<Word, false>(images, count, some, least + i, nullptr);
  }
}

template <class Word>
void leading(const Word* images, i64 count, const Word* steps, const int* moves, i64 n,
             const Word* least, Word largest, int* members) {
  for (i64 i = 0; i < n; ++i) {
    const Word* const step = steps + moves[i] * count;
    const Word direct = least[i], mirrored = largest == 0 ? direct : largest - direct;
    for (i64 m = 0;; m += width<Word>) {
      const auto some = load(images + m) + load(step + m);
      const auto to_direct = bits<Word>(some == direct);
      const auto found = to_direct | bits<Word>(some == mirrored);
      if (found == 0) continue;
      const int bit = __builtin_ctzll(found);
      members[i] = static_cast<int>(m) + bit + (to_direct >> bit & 1 ? 0 : static_cast<int>(count));
      break;
    }
  }
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
constexpr ImageLoops<Word> loops = {images<Word>, least_beside<Word>, leading<Word>,
                                    any_outside<Word>, equal<Word>};

}  // namespace

const ImageKernels KRONSOLVE_IMAGE_KERNELS = {loops<std::uint32_t>, loops<std::uint64_t>};

}  // namespace kronsolve::detail
