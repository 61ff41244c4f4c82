// Registers of doubles as wide as the instruction set has them, and wider ones made of two halves.
// (GCC keeps a vector type wider than the machine's in memory: every operation goes through the
// stack, and products with AVX2 took four times as long.) Included by kernels_impl.hpp inside its
// namespace; plain pointers only.

namespace {

using i64 = std::int64_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;

#define KRONSOLVE_INLINE static inline __attribute__((always_inline))
#define KRONSOLVE_INLINE_MEMBER inline __attribute__((always_inline))

#if defined(__AVX512F__)
constexpr int register_doubles = 8;
#elif defined(__AVX__)
constexpr int register_doubles = 4;
#else
constexpr int register_doubles = 2;
#endif

using R2 = double __attribute__((vector_size(16)));
using R4 = double __attribute__((vector_size(32)));
using R8 = double __attribute__((vector_size(64)));
using R2Unaligned = double __attribute__((vector_size(16), aligned(8), may_alias));
using R4Unaligned = double __attribute__((vector_size(32), aligned(8), may_alias));
using R8Unaligned = double __attribute__((vector_size(64), aligned(8), may_alias));

/// Two that act as one of twice the width: entries of `low` first.
template <class Half>
struct Twice {
  Half low, high;
};

template <int Doubles, bool machine_has_it = (Doubles <= register_doubles)>
struct PackOf {
  using type = Twice<typename PackOf<Doubles / 2>::type>;
};
template <>
struct PackOf<2, true> {
  using type = R2;
  using Unaligned = R2Unaligned;
};
template <>
struct PackOf<4, true> {
  using type = R4;
  using Unaligned = R4Unaligned;
};
template <>
struct PackOf<8, true> {
  using type = R8;
  using Unaligned = R8Unaligned;
};
template <int Doubles>
using Pack = typename PackOf<Doubles>::type;

using R = Pack<register_doubles>;  // what fits one register
using V = Pack<lanes>;             // what a tile has side by side

template <class P>
constexpr int doubles = static_cast<int>(sizeof(P) / sizeof(double));

template <class P>
struct Memory {
  using Unaligned = typename PackOf<doubles<P>>::Unaligned;
  KRONSOLVE_INLINE_MEMBER static P load(const double* p) {
    return *reinterpret_cast<const Unaligned*>(p);
  }
  KRONSOLVE_INLINE_MEMBER static void store(double* p, P v) {
    *reinterpret_cast<Unaligned*>(p) = v;
  }
};
template <class Half>
struct Memory<Twice<Half>> {
  KRONSOLVE_INLINE_MEMBER static Twice<Half> load(const double* p) {
    return {Memory<Half>::load(p), Memory<Half>::load(p + doubles<Half>)};
  }
  KRONSOLVE_INLINE_MEMBER static void store(double* p, Twice<Half> v) {
    Memory<Half>::store(p, v.low);
    Memory<Half>::store(p + doubles<Half>, v.high);
  }
};
template <class P = R>
KRONSOLVE_INLINE P load(const double* p) {
  return Memory<P>::load(p);
}
template <class P>
KRONSOLVE_INLINE void store(double* p, P v) {
  Memory<P>::store(p, v);
}

/// Writes past the caches, if the machine can; p is aligned to the register. Neighbours that are
/// written soon one after the other leave as one line.
#if defined(__x86_64__)
KRONSOLVE_INLINE void stream(double* p, R2 v) { __builtin_ia32_movntpd(p, v); }
#if defined(__AVX__)
KRONSOLVE_INLINE void stream(double* p, R4 v) { __builtin_ia32_movntpd256(p, v); }
#endif
#if defined(__AVX512F__)
KRONSOLVE_INLINE void stream(double* p, R8 v) { __builtin_ia32_movntpd512(p, v); }
#endif
template <class Half>
KRONSOLVE_INLINE void stream(double* p, Twice<Half> v) {
  stream(p, v.low);
  stream(p + doubles<Half>, v.high);
}
#else
template <class P>
KRONSOLVE_INLINE void stream(double* p, P v) {
  store(p, v);
}
#endif
/// What was streamed is seen by others before anything that is written later.
KRONSOLVE_INLINE void finish_streams() {
#if defined(__x86_64__)
  __builtin_ia32_sfence();
#endif
}

template <class H>
KRONSOLVE_INLINE Twice<H> operator+(Twice<H> a, Twice<H> b) {
  return {a.low + b.low, a.high + b.high};
}
template <class H>
KRONSOLVE_INLINE Twice<H> operator+(Twice<H> a, double b) {
  return {a.low + b, a.high + b};
}
template <class H>
KRONSOLVE_INLINE Twice<H> operator-(Twice<H> a, Twice<H> b) {
  return {a.low - b.low, a.high - b.high};
}
template <class H>
KRONSOLVE_INLINE Twice<H> operator*(Twice<H> a, Twice<H> b) {
  return {a.low * b.low, a.high * b.high};
}
template <class H>
KRONSOLVE_INLINE Twice<H> operator*(double a, Twice<H> b) {
  return {a * b.low, a * b.high};
}
template <class H>
KRONSOLVE_INLINE void operator+=(Twice<H>& a, Twice<H> b) {
  a.low += b.low;
  a.high += b.high;
}
template <class H>
KRONSOLVE_INLINE void operator*=(Twice<H>& a, double b) {
  a.low *= b;
  a.high *= b;
}

KRONSOLVE_INLINE R2 swap_pairs(R2 v) { return __builtin_shufflevector(v, v, 1, 0); }
KRONSOLVE_INLINE double sum(R2 v) { return v[0] + v[1]; }
template <class P>
struct Signs;
template <>
struct Signs<R2> {
  static constexpr R2 odd = {1, -1};
};
/// r[j][k] <-> r[k][j].
KRONSOLVE_INLINE void transpose(R2* r) {
  const R2 a = __builtin_shufflevector(r[0], r[1], 0, 2);
  r[1] = __builtin_shufflevector(r[0], r[1], 1, 3);
  r[0] = a;
}
/// The same for pairs (re, im).
KRONSOLVE_INLINE void transpose_pairs(R2*) {}

#if defined(__AVX__)
KRONSOLVE_INLINE R4 swap_pairs(R4 v) { return __builtin_shufflevector(v, v, 1, 0, 3, 2); }
KRONSOLVE_INLINE double sum(R4 v) { return (v[0] + v[1]) + (v[2] + v[3]); }
template <>
struct Signs<R4> {
  static constexpr R4 odd = {1, -1, 1, -1};
};
KRONSOLVE_INLINE void transpose_pairs(R4* r) {
  const R4 a = __builtin_shufflevector(r[0], r[1], 0, 1, 4, 5);
  r[1] = __builtin_shufflevector(r[0], r[1], 2, 3, 6, 7);
  r[0] = a;
}
KRONSOLVE_INLINE void transpose(R4* r) {
  R4 a[4];
  for (int i = 0; i < 4; i += 2) {
    a[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 4, 2, 6);
    a[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 1, 5, 3, 7);
  }
  for (int k = 0; k < 2; ++k) {
    r[k] = __builtin_shufflevector(a[k], a[k + 2], 0, 1, 4, 5);
    r[k + 2] = __builtin_shufflevector(a[k], a[k + 2], 2, 3, 6, 7);
  }
}
#endif

#if defined(__AVX512F__)
KRONSOLVE_INLINE R8 swap_pairs(R8 v) {
  return __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6);
}
KRONSOLVE_INLINE double sum(R8 v) {
  return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7]));
}
template <>
struct Signs<R8> {
  static constexpr R8 odd = {1, -1, 1, -1, 1, -1, 1, -1};
};
KRONSOLVE_INLINE void transpose(R8* r) {
  R8 a[8], b[8];
  for (int i = 0; i < 8; i += 2) {
    a[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    a[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
  for (int i = 0; i < 8; i += 4)
    for (int k = 0; k < 2; ++k) {
      b[i + k] = __builtin_shufflevector(a[i + k], a[i + k + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      b[i + k + 2] = __builtin_shufflevector(a[i + k], a[i + k + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  for (int k = 0; k < 4; ++k) {
    r[k] = __builtin_shufflevector(b[k], b[k + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    r[k + 4] = __builtin_shufflevector(b[k], b[k + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}
KRONSOLVE_INLINE void transpose_pairs(R8* r) {
  R8 a[4];
  for (int i = 0; i < 4; i += 2) {
    a[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 1, 8, 9, 4, 5, 12, 13);
    a[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 2, 3, 10, 11, 6, 7, 14, 15);
  }
  for (int k = 0; k < 2; ++k) {
    r[k] = __builtin_shufflevector(a[k], a[k + 2], 0, 1, 2, 3, 8, 9, 10, 11);
    r[k + 2] = __builtin_shufflevector(a[k], a[k + 2], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}
#endif

/// The entries of a register in reverse order: numbers, or pairs (re, im).
template <bool Pairs>
KRONSOLVE_INLINE R2 reversed(R2 v) {
  return Pairs ? v : __builtin_shufflevector(v, v, 1, 0);
}
#if defined(__AVX__)
template <bool Pairs>
KRONSOLVE_INLINE R4 reversed(R4 v) {
  return Pairs ? __builtin_shufflevector(v, v, 2, 3, 0, 1)
               : __builtin_shufflevector(v, v, 3, 2, 1, 0);
}
#endif
#if defined(__AVX512F__)
template <bool Pairs>
KRONSOLVE_INLINE R8 reversed(R8 v) {
  return Pairs ? __builtin_shufflevector(v, v, 6, 7, 4, 5, 2, 3, 0, 1)
               : __builtin_shufflevector(v, v, 7, 6, 5, 4, 3, 2, 1, 0);
}
#endif

/// i * v for pairs (re, im).
template <class P>
KRONSOLVE_INLINE P times_i(P v) {
  return -Signs<P>::odd * swap_pairs(v);
}
template <class Half>
KRONSOLVE_INLINE Twice<Half> times_i(Twice<Half> v) {
  return {times_i(v.low), times_i(v.high)};
}

/// Overlap sum conj(x) y of pairs: real part in one accumulator, imaginary in the other.
struct PairDot {
  R straight, crossed;
};
KRONSOLVE_INLINE void add_pair(PairDot& dot, R x, R y) {
  dot.straight += x * y;                               // re re + im im
  dot.crossed += Signs<R>::odd * (x * swap_pairs(y));  // re im' - im re'
}

}  // namespace
