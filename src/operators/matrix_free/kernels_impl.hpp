// The kernels, included once per instruction set by kernels_<set>.cpp, which defines
// KRONSOLVE_KERNELS (the name of the table) and KRONSOLVE_KERNELS_NAME. Everything else has
// internal linkage. Plain pointers only, see kernels.hpp.

#include "operators/matrix_free/kernels.hpp"

namespace kronsolve::detail {

namespace {

using V = double __attribute__((vector_size(64)));
using VU = double __attribute__((vector_size(64), aligned(8), may_alias));
using i64 = std::int64_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;

#define KRONSOLVE_INLINE static inline __attribute__((always_inline))

KRONSOLVE_INLINE V load(const double* p) { return *reinterpret_cast<const VU*>(p); }
KRONSOLVE_INLINE void store(double* p, V v) { *reinterpret_cast<VU*>(p) = v; }
KRONSOLVE_INLINE double sum(V v) {
  return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7]));
}
/// i * v for pairs (re, im).
KRONSOLVE_INLINE V times_i(V v) {
  const V sign = {-1, 1, -1, 1, -1, 1, -1, 1};
  return sign * __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6);
}

/// Overlap sum conj(x) y of pairs: real part in one accumulator, imaginary in the other.
struct PairDot {
  V straight, crossed;
};
KRONSOLVE_INLINE void add_pair(PairDot& dot, V x, V y) {
  dot.straight += x * y;  // re re + im im
  const V sign = {1, -1, 1, -1, 1, -1, 1, -1};
  dot.crossed +=
      sign * (x * __builtin_shufflevector(y, y, 1, 0, 3, 2, 5, 4, 7, 6));  // re im' - im re'
}

/// 8 registers of 8 rows <-> 8 entries.
KRONSOLVE_INLINE void transpose8(V* r) {
  V a[8], b[8];
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

/// 4 registers of 4 pairs.
KRONSOLVE_INLINE void transpose4(V* r) {
  V a[4];
  for (int i = 0; i < 4; i += 2) {
    a[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 1, 8, 9, 4, 5, 12, 13);
    a[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 2, 3, 10, 11, 6, 7, 14, 15);
  }
  for (int k = 0; k < 2; ++k) {
    r[k] = __builtin_shufflevector(a[k], a[k + 2], 0, 1, 2, 3, 8, 9, 10, 11);
    r[k + 2] = __builtin_shufflevector(a[k], a[k + 2], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

// ---- tiles
// ---------------------------------------------------------------------------------------

void load_real(double* tile, const double* const* rows, i64 n, const double* weight,
               bool accumulate) {
  V* t = reinterpret_cast<V*>(tile);
  i64 l = 0;
  for (; l + 8 <= n; l += 8) {
    V r[8];
    for (int j = 0; j < 8; ++j) r[j] = load(rows[j] + l);
    transpose8(r);
    if (weight) {
      const V w = load(weight);
      for (int j = 0; j < 8; ++j) r[j] *= w;
    }
    if (accumulate)
      for (int j = 0; j < 8; ++j) r[j] += t[l + j];
    for (int j = 0; j < 8; ++j) t[l + j] = r[j];
  }
  for (; l < n; ++l) {
    V r;
    for (int j = 0; j < 8; ++j) r[j] = rows[j][l];
    if (weight) r *= load(weight);
    t[l] = accumulate ? t[l] + r : r;
  }
}

void load_complex(double* tile, const double* const* rows, i64 n, const double* weight_re,
                  const double* weight_im, bool accumulate) {
  V* t = reinterpret_cast<V*>(tile);
  const auto weigh = [&](V r) {
    if (!weight_re) return r;
    const V straight = r * load(weight_re);
    return weight_im ? straight + times_i(r) * load(weight_im) : straight;
  };
  i64 l = 0;
  for (; l + 4 <= n; l += 4) {
    V r[4];
    for (int j = 0; j < 4; ++j) r[j] = load(rows[j] + 2 * l);
    transpose4(r);
    for (int j = 0; j < 4; ++j) {
      r[j] = weigh(r[j]);
      t[l + j] = accumulate ? t[l + j] + r[j] : r[j];
    }
  }
  for (; l < n; ++l) {
    V r;
    for (int j = 0; j < 4; ++j) {
      r[2 * j] = rows[j][2 * l];
      r[2 * j + 1] = rows[j][2 * l + 1];
    }
    r = weigh(r);
    t[l] = accumulate ? t[l] + r : r;
  }
}

void unload_real(const double* tile, double* const* y, const double* const* x, int rows, i64 n,
                 Old old, double gamma, Overlap overlap, double* out) {
  const V* t = reinterpret_cast<const V*>(tile);
  V dot = {};
  double rest = 0;
  i64 l = 0;
  for (; l + 8 <= n; l += 8) {
    V r[8];
    for (int j = 0; j < 8; ++j) r[j] = t[l + j];
    transpose8(r);
    for (int j = 0; j < rows; ++j) {
      V v = r[j];
      if (old == Old::scale) v += gamma * load(y[j] + l);
      if (overlap == Overlap::added) dot += v * load(x[j] + l);
      if (old == Old::keep) v += load(y[j] + l);
      store(y[j] + l, v);
    }
  }
  for (; l < n; ++l)
    for (int j = 0; j < rows; ++j) {
      double v = t[l][j];
      if (old == Old::scale) v += gamma * y[j][l];
      if (overlap == Overlap::added) rest += v * x[j][l];
      if (old == Old::keep) v += y[j][l];
      y[j][l] = v;
    }
  if (overlap == Overlap::added) out[0] += sum(dot) + rest;
}

void unload_complex(const double* tile, double* const* y, const double* const* x, int rows, i64 n,
                    Old old, double gamma, Overlap overlap, double* out) {
  const V* t = reinterpret_cast<const V*>(tile);
  PairDot dot = {};
  i64 l = 0;
  for (; l + 4 <= n; l += 4) {
    V r[4];
    for (int j = 0; j < 4; ++j) r[j] = t[l + j];
    transpose4(r);
    for (int j = 0; j < rows; ++j) {
      V v = r[j];
      if (old == Old::scale) v += gamma * load(y[j] + 2 * l);
      if (overlap == Overlap::added) add_pair(dot, load(x[j] + 2 * l), v);
      if (old == Old::keep) v += load(y[j] + 2 * l);
      store(y[j] + 2 * l, v);
    }
  }
  double re = sum(dot.straight), im = sum(dot.crossed);
  for (; l < n; ++l)
    for (int j = 0; j < rows; ++j) {
      double a = t[l][2 * j], b = t[l][2 * j + 1];
      double* to = y[j] + 2 * l;
      if (old == Old::scale) {
        a += gamma * to[0];
        b += gamma * to[1];
      }
      if (overlap == Overlap::added) {
        const double* at = x[j] + 2 * l;
        re += at[0] * a + at[1] * b;
        im += at[0] * b - at[1] * a;
      }
      to[0] = old == Old::keep ? to[0] + a : a;
      to[1] = old == Old::keep ? to[1] + b : b;
    }
  if (overlap == Overlap::added) {
    out[0] += re;
    out[1] += im;
  }
}

// ---- small matrices
// ------------------------------------------------------------------------------

/// What a multiplication does with each sum of a row: `Finish` turns it into the new content.
template <int Count, bool Valued, class Finish>
KRONSOLVE_INLINE void rows_of(const EntryBucket& b, const double* in, const Finish& finish) {
  const u16* col = b.col;
  const double* value = b.value;
  const int n = Count >= 0 ? Count : static_cast<int>(b.entries_per_row);
  for (u32 r = 0; r < b.rows; ++r) {
    V first = {}, second = {};
    if constexpr (Count >= 0) {
#pragma GCC unroll 16
      for (int e = 0; e < Count; ++e) {
        V v = load(in + lanes * static_cast<i64>(col[e]));
        if constexpr (Valued) v *= value[e];
        if (e % 2 == 0)
          first += v;
        else
          second += v;
      }
    } else {
      int e = 0;
      for (; e + 1 < n; e += 2) {
        V v = load(in + lanes * static_cast<i64>(col[e]));
        V w = load(in + lanes * static_cast<i64>(col[e + 1]));
        if constexpr (Valued) {
          v *= value[e];
          w *= value[e + 1];
        }
        first += v;
        second += w;
      }
      if (e < n) {
        V v = load(in + lanes * static_cast<i64>(col[e]));
        if constexpr (Valued) v *= value[e];
        first += v;
      }
    }
    finish(static_cast<i64>(b.row[r]), first + second);
    col += n;
    if constexpr (Valued) value += n;
  }
}

template <class Finish>
KRONSOLVE_INLINE void all_rows(const EntryGroup& g, const double* in, const Finish& finish) {
  for (u32 k = 0; k < g.buckets; ++k) {
    const EntryBucket& b = g.bucket[k];
    if (b.value) {
      rows_of<-1, true>(b, in, finish);
      continue;
    }
    switch (b.entries_per_row) {
#define KRONSOLVE_CASE(n)             \
  case n:                             \
    rows_of<n, false>(b, in, finish); \
    break;
      KRONSOLVE_CASE(0)
      KRONSOLVE_CASE(1)
      KRONSOLVE_CASE(2)
      KRONSOLVE_CASE(3)
      KRONSOLVE_CASE(4)
      KRONSOLVE_CASE(5)
      KRONSOLVE_CASE(6)
      KRONSOLVE_CASE(7)
      KRONSOLVE_CASE(8)
      KRONSOLVE_CASE(9)
      KRONSOLVE_CASE(10)
      KRONSOLVE_CASE(11)
      KRONSOLVE_CASE(12)
#undef KRONSOLVE_CASE
      default:
        rows_of<-1, false>(b, in, finish);
    }
  }
}

template <int Flip>
KRONSOLVE_INLINE V flipped(V v) {
  return __builtin_shufflevector(v, v, 0 ^ Flip, 1 ^ Flip, 2 ^ Flip, 3 ^ Flip, 4 ^ Flip, 5 ^ Flip,
                                 6 ^ Flip, 7 ^ Flip);
}

template <int Flip, bool Imaginary>
KRONSOLVE_INLINE void lane_entries(double* out, const double* in, const LaneGroup& g,
                                   const double* factors, double scale) {
  for (u32 i = 0; i < g.count; ++i) {
    V v = flipped<Flip>(load(in + lanes * static_cast<i64>(g.col[i])));
    if constexpr (Imaginary) v = times_i(v);
    double* to = out + lanes * static_cast<i64>(g.row[i]);
    store(to, load(to) + (scale * load(factors + lanes * static_cast<i64>(g.factor[i]))) * v);
  }
}

template <bool Imaginary>
KRONSOLVE_INLINE void all_lane_entries(double* out, const double* in, const MatrixView& m,
                                       double scale) {
  for (u32 k = 0; k < m.lane_groups; ++k) {
    const LaneGroup& g = m.lane_group[k];
    switch (g.flip) {
#define KRONSOLVE_CASE(n)                                     \
  case n:                                                     \
    lane_entries<n, Imaginary>(out, in, g, m.factors, scale); \
    break;
      KRONSOLVE_CASE(0)
      KRONSOLVE_CASE(1)
      KRONSOLVE_CASE(2)
      KRONSOLVE_CASE(3)
      KRONSOLVE_CASE(4)
      KRONSOLVE_CASE(5)
      KRONSOLVE_CASE(6)
      KRONSOLVE_CASE(7)
#undef KRONSOLVE_CASE
    }
  }
}

KRONSOLVE_INLINE void add_groups(double* out, const double* in, const MatrixView& m, u32 from,
                                 double scale) {
  for (u32 k = from; k < m.groups; ++k) {
    const double value = scale * m.group[k].common;
    all_rows(m.group[k], in, [&](i64 l, V v) {
      double* to = out + lanes * l;
      store(to, load(to) + value * v);
    });
  }
}

void multiply_tile(double* out, const double* in, i64 rows, const MatrixView* m,
                   const DiagonalView* d, double scale) {
  (void)rows;
  u32 done = 0;
  if (d) {
    const V constant = load(d->constant);
    const auto diagonal = [&](i64 l) {
      V v = constant + d->base[l];
      for (int k = 0; k < d->functions; ++k) v += d->function[k][l] * load(d->weight + lanes * k);
      return v;
    };
    const double value = m->group[0].common;
    all_rows(m->group[0], in, [&](i64 l, V v) {
      store(out + lanes * l, diagonal(l) * load(in + lanes * l) + value * v);
    });
    done = 1;
  }
  add_groups(out, in, *m, done, scale);
  all_lane_entries<false>(out, in, *m, scale);
}

void multiply_imaginary(double* out, const double* in, const MatrixView* m, double scale) {
  for (u32 k = 0; k < m->groups; ++k) {
    const double value = scale * m->group[k].common;
    all_rows(m->group[k], in, [&](i64 l, V v) {
      double* to = out + lanes * l;
      store(to, load(to) + value * times_i(v));
    });
  }
  all_lane_entries<true>(out, in, *m, scale);
}

void multiply_lanes(double* out, const double* in, i64 registers, const MatrixView* m,
                    const DiagonalView* d, double scale, Old old, double gamma) {
  (void)registers;
  u32 done = 0;
  if (d) {
    const V constant = load(d->constant);
    const auto diagonal = [&](i64 p) {
      V v = constant + load(d->base + lanes * p);
      for (int k = 0; k < d->functions; ++k)
        v += load(d->function[k] + lanes * p) * load(d->weight + lanes * k);
      return v;
    };
    const double value = m->group[0].common;
    all_rows(m->group[0], in, [&](i64 p, V v) {
      V r = diagonal(p) * load(in + lanes * p) + value * v;
      if (old == Old::scale) r += gamma * load(out + lanes * p);
      if (old == Old::keep) r += load(out + lanes * p);
      store(out + lanes * p, r);
    });
    done = 1;
  }
  add_groups(out, in, *m, done, scale);
  all_lane_entries<false>(out, in, *m, scale);
}

// ---- rows
// ----------------------------------------------------------------------------------------

void add_runs_real(double* y, const double* source, const Run* run, i64 runs, double weight,
                   const double* x, Overlap overlap, double* out) {
  V dot = {};
  double rest = 0;
  for (i64 k = 0; k < runs; ++k) {
    const double w = weight * run[k].value;
    double* to = y + run[k].row;
    const double* from = source + run[k].col;
    const double* at = x + run[k].row;
    const i64 n = run[k].length;
    i64 l = 0;
    for (; l + 8 <= n; l += 8) {
      const V v = w * load(from + l);
      if (overlap == Overlap::added) dot += v * load(at + l);
      store(to + l, load(to + l) + v);
    }
    for (; l < n; ++l) {
      const double v = w * from[l];
      if (overlap == Overlap::added) rest += v * at[l];
      to[l] += v;
    }
  }
  if (overlap == Overlap::added) out[0] += sum(dot) + rest;
}

void add_runs_complex(double* y, const double* source, const Run* run, i64 runs, double re,
                      double im, const double* x, Overlap overlap, double* out) {
  PairDot dot = {};
  double dot_re = 0, dot_im = 0;
  for (i64 k = 0; k < runs; ++k) {
    const double wr = re * run[k].value, wi = im * run[k].value;
    double* to = y + 2 * static_cast<i64>(run[k].row);
    const double* from = source + 2 * static_cast<i64>(run[k].col);
    const double* at = x + 2 * static_cast<i64>(run[k].row);
    const i64 n = 2 * static_cast<i64>(run[k].length);
    i64 l = 0;
    for (; l + 8 <= n; l += 8) {
      const V s = load(from + l);
      const V v = wr * s + wi * times_i(s);
      if (overlap == Overlap::added) add_pair(dot, load(at + l), v);
      store(to + l, load(to + l) + v);
    }
    for (; l < n; l += 2) {
      const double a = wr * from[l] - wi * from[l + 1], b = wr * from[l + 1] + wi * from[l];
      if (overlap == Overlap::added) {
        dot_re += at[l] * a + at[l + 1] * b;
        dot_im += at[l] * b - at[l + 1] * a;
      }
      to[l] += a;
      to[l + 1] += b;
    }
  }
  if (overlap == Overlap::added) {
    out[0] += sum(dot.straight) + dot_re;
    out[1] += sum(dot.crossed) + dot_im;
  }
}

/// Sum of the moved rows at [l, l + 8*Width).
template <int Width, bool Complex>
KRONSOLVE_INLINE void moved(const RowMoves& m, i64 l, V* result) {
  const double* const* source = m.source;
  V turned[Width] = {};
  for (int g = 0; g < m.groups; ++g) {
    V total[Width] = {};
    for (int k = 0; k < m.group[g].count; ++k, ++source)
      for (int w = 0; w < Width; ++w) total[w] += load(*source + l + 8 * w);
    const double re = m.group[g].re;
    for (int w = 0; w < Width; ++w) result[w] += re * total[w];
    if constexpr (Complex) {
      const double im = m.group[g].im;
      for (int w = 0; w < Width; ++w) turned[w] += im * total[w];
    }
  }
  if constexpr (Complex)
    for (int w = 0; w < Width; ++w) result[w] += times_i(turned[w]);
}

template <bool Complex>
KRONSOLVE_INLINE void add_rows(double* y, const double* x, i64 n, const RowMoves& m,
                               Overlap overlap, double* out) {
  V dot = {};
  PairDot pairs = {};
  const auto finish = [&](i64 l, V added) {
    const V v = load(y + l) + added;
    if (overlap != Overlap::none) {
      const V of = overlap == Overlap::final ? v : added;
      if constexpr (Complex)
        add_pair(pairs, load(x + l), of);
      else
        dot += load(x + l) * of;
    }
    store(y + l, v);
  };
  i64 l = 0;
  for (; l + 32 <= n; l += 32) {
    V r[4] = {};
    moved<4, Complex>(m, l, r);
    for (int w = 0; w < 4; ++w) finish(l + 8 * w, r[w]);
  }
  for (; l + 8 <= n; l += 8) {
    V r[1] = {};
    moved<1, Complex>(m, l, r);
    finish(l, r[0]);
  }
  double re = 0, im = 0;
  constexpr int step = Complex ? 2 : 1;
  for (; l < n; l += step) {
    double a = 0, b = 0;
    const double* const* source = m.source;
    for (int g = 0; g < m.groups; ++g) {
      double s = 0, t = 0;
      for (int k = 0; k < m.group[g].count; ++k, ++source) {
        s += (*source)[l];
        if constexpr (Complex) t += (*source)[l + 1];
      }
      if constexpr (Complex) {
        a += m.group[g].re * s - m.group[g].im * t;
        b += m.group[g].re * t + m.group[g].im * s;
      } else {
        a += m.group[g].re * s;
      }
    }
    y[l] += a;
    if constexpr (Complex) y[l + 1] += b;
    if (overlap == Overlap::none) continue;
    if (overlap == Overlap::final) a = y[l];
    if constexpr (Complex) {
      if (overlap == Overlap::final) b = y[l + 1];
      re += x[l] * a + x[l + 1] * b;
      im += x[l] * b - x[l + 1] * a;
    } else {
      re += x[l] * a;
    }
  }
  if (overlap == Overlap::none) return;
  if constexpr (Complex) {
    out[0] += sum(pairs.straight) + re;
    out[1] += sum(pairs.crossed) + im;
  } else {
    out[0] += sum(dot) + re;
  }
}

void add_rows_real(double* y, const double* x, i64 n, const RowMoves* m, Overlap overlap,
                   double* out) {
  add_rows<false>(y, x, n, *m, overlap, out);
}
void add_rows_complex(double* y, const double* x, i64 n, const RowMoves* m, Overlap overlap,
                      double* out) {
  add_rows<true>(y, x, n, *m, overlap, out);
}

}  // namespace

const KernelTable KRONSOLVE_KERNELS = {
    KRONSOLVE_KERNELS_NAME, load_real,        load_complex,       unload_real,
    unload_complex,         multiply_tile,    multiply_imaginary, multiply_lanes,
    add_runs_real,          add_runs_complex, add_rows_real,      add_rows_complex};

}  // namespace kronsolve::detail
