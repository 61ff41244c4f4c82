// The kernels, included once per instruction set by kernels_<set>.cpp, which defines
// KRONSOLVE_KERNELS (the name of the table) and KRONSOLVE_KERNELS_NAME. Everything else has
// internal linkage. Plain pointers only, see kernels.hpp.

#include "operators/matrix_free/kernels.hpp"

namespace kronsolve::detail {

#include "operators/matrix_free/kernels_register.hpp"

namespace {

// ---- tiles
// ---------------------------------------------------------------------------------------

void load_real(double* tile, const double* const* rows, i64 n, const double* weight,
               bool accumulate) {
  constexpr int width = doubles<R>;
  const auto put = [&](double* to, R r, int first) {
    if (weight) r *= load(weight + first);
    store(to, accumulate ? load(to) + r : r);
  };
  i64 l = 0;
  for (; l + width <= n; l += width)
    for (int first = 0; first < lanes; first += width) {
      R r[width];
      for (int j = 0; j < width; ++j) r[j] = load(rows[first + j] + l);
      transpose(r);
      for (int j = 0; j < width; ++j) put(tile + lanes * (l + j) + first, r[j], first);
    }
  for (; l < n; ++l)
    for (int first = 0; first < lanes; first += width) {
      R r;
      for (int j = 0; j < width; ++j) r[j] = rows[first + j][l];
      put(tile + lanes * l + first, r, first);
    }
}

void load_complex(double* tile, const double* const* rows, i64 n, const double* weight_re,
                  const double* weight_im, bool accumulate) {
  constexpr int width = doubles<R>, pairs = width / 2;
  const auto put = [&](double* to, R r, int first) {
    if (weight_re) {
      const R straight = r * load(weight_re + first);
      r = weight_im ? straight + times_i(r) * load(weight_im + first) : straight;
    }
    store(to, accumulate ? load(to) + r : r);
  };
  i64 l = 0;
  for (; l + pairs <= n; l += pairs)
    for (int first = 0; first < lanes; first += width) {
      R r[pairs];
      for (int j = 0; j < pairs; ++j) r[j] = load(rows[first / 2 + j] + 2 * l);
      transpose_pairs(r);
      for (int j = 0; j < pairs; ++j) put(tile + lanes * (l + j) + first, r[j], first);
    }
  for (; l < n; ++l)
    for (int first = 0; first < lanes; first += width) {
      R r;
      for (int j = 0; j < pairs; ++j) {
        r[2 * j] = rows[first / 2 + j][2 * l];
        r[2 * j + 1] = rows[first / 2 + j][2 * l + 1];
      }
      put(tile + lanes * l + first, r, first);
    }
}

// ---- small matrices
// ------------------------------------------------------------------------------

/// What a multiplication does with each sum of a row: `Finish` turns it into the new content.
template <int Count, bool Valued, class Finish>
KRONSOLVE_INLINE void rows_of(const EntryBucket& b, const double* in, const Finish& finish) {
  const u16 *col = b.col, *row = b.row;
  const double* value = b.value;
  const u32 rows = b.rows;
  const int n = Count >= 0 ? Count : static_cast<int>(b.entries_per_row);
  for (u32 r = 0; r < rows; ++r) {
    V first = {}, second = {};
    if constexpr (Count >= 0) {
#pragma GCC unroll 16
      for (int e = 0; e < Count; ++e) {
        V v = load<V>(in + lanes * static_cast<i64>(col[e]));
        if constexpr (Valued) v *= value[e];
        if (e % 2 == 0)
          first += v;
        else
          second += v;
      }
    } else {
      int e = 0;
      for (; e + 1 < n; e += 2) {
        V v = load<V>(in + lanes * static_cast<i64>(col[e]));
        V w = load<V>(in + lanes * static_cast<i64>(col[e + 1]));
        if constexpr (Valued) {
          v *= value[e];
          w *= value[e + 1];
        }
        first += v;
        second += w;
      }
      if (e < n) {
        V v = load<V>(in + lanes * static_cast<i64>(col[e]));
        if constexpr (Valued) v *= value[e];
        first += v;
      }
    }
    finish(static_cast<i64>(row[r]), first + second);
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

void multiply(double* out, const double* in, const MatrixView* m, const DiagonalView* d) {
  u32 k = 0;
  if (d) {
    const V constant = load<V>(d->constant);
    const double* base = d->base;
    const int functions = d->functions;
    const double* const* function = d->function;
    const double* weight = d->weight;
    const double value = m->group[0].common;
    all_rows(m->group[0], in, [&](i64 l, V v) {
      V diagonal = constant + base[l];
      for (int f = 0; f < functions; ++f) diagonal += function[f][l] * load<V>(weight + lanes * f);
      store(out + lanes * l, diagonal * load<V>(in + lanes * l) + value * v);
    });
    k = 1;
  }
  for (; k < m->groups; ++k) {
    const double value = m->group[k].common;
    all_rows(m->group[k], in, [&](i64 l, V v) {
      double* to = out + lanes * l;
      store(to, load<V>(to) + value * v);
    });
  }
}

void multiply_imaginary(double* out, const double* in, const MatrixView* m) {
  for (u32 k = 0; k < m->groups; ++k) {
    const double value = m->group[k].common;
    all_rows(m->group[k], in, [&](i64 l, V v) {
      double* to = out + lanes * l;
      store(to, load<V>(to) + value * times_i(v));
    });
  }
}

// ---- rows
// ----------------------------------------------------------------------------------------

/// row += pieces of another.
template <bool Complex>
KRONSOLVE_INLINE void add_piece(double* row, const RowRuns& p) {
  constexpr int width = Complex ? 2 : 1, block = doubles<R>;
  for (i64 k = 0; k < p.runs; ++k) {
    const Run& run = p.run[k];
    const double re = p.re * run.value, im = p.im * run.value;
    double* to = row + width * static_cast<i64>(run.row);
    const double* from = p.source + width * static_cast<i64>(run.col);
    const i64 n = width * static_cast<i64>(run.length);
    i64 l = 0;
    for (; l + block <= n; l += block) {
      const R s = load(from + l);
      R v = load(to + l) + re * s;
      if constexpr (Complex) v += im * times_i(s);
      store(to + l, v);
    }
    for (; l < n; l += width) {
      if constexpr (Complex) {
        to[l] += re * from[l] - im * from[l + 1];
        to[l + 1] += re * from[l + 1] + im * from[l];
      } else {
        to[l] += re * from[l];
      }
    }
  }
}

/// Sum of the moved rows, of `size` doubles, from l on, in Width registers.
template <int Width, bool Complex>
KRONSOLVE_INLINE void moved(const RowMoves& m, i64 l, i64 size, R* result) {
  const double* const* source = m.source;
  R turned[Width] = {};
  for (int g = 0; g < m.groups; ++g) {
    R total[Width] = {};
    if (m.group[g].backwards) {
      const i64 last = size - l - doubles<R>;
      for (int k = 0; k < m.group[g].count; ++k, ++source)
        for (int w = 0; w < Width; ++w)
          total[w] += reversed<Complex>(load(*source + last - doubles<R> * w));
    } else {
      for (int k = 0; k < m.group[g].count; ++k, ++source)
        for (int w = 0; w < Width; ++w) total[w] += load(*source + l + doubles<R> * w);
    }
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

/// Sum of the moved rows at one entry.
template <bool Complex>
KRONSOLVE_INLINE void moved_entry(const RowMoves& m, i64 l, i64 size, double* result) {
  constexpr int width = Complex ? 2 : 1;
  const double* const* source = m.source;
  for (int g = 0; g < m.groups; ++g) {
    double s = 0, t = 0;
    const i64 at = m.group[g].backwards ? size - width - l : l;
    for (int k = 0; k < m.group[g].count; ++k, ++source) {
      s += (*source)[at];
      if constexpr (Complex) t += (*source)[at + 1];
    }
    if constexpr (Complex) {
      result[0] += m.group[g].re * s - m.group[g].im * t;
      result[1] += m.group[g].re * t + m.group[g].im * s;
    } else {
      result[0] += m.group[g].re * s;
    }
  }
}

/// What one kernel call does to every entry of y, and the overlap it collects.
template <bool Complex>
struct Finish {
  Old old;
  double gamma;
  Overlap overlap;
  double alpha, weight;
  bool sums;
  R dot = {};
  PairDot pairs = {};
  double re = 0, im = 0;

  KRONSOLVE_INLINE_MEMBER void add_overlap(const double* x, R v) {
    if constexpr (Complex)
      add_pair(pairs, load(x), v);
    else
      dot += load(x) * v;
  }
  /// @param streamed  y is aligned to the register, and a whole line is written together
  KRONSOLVE_INLINE_MEMBER void write(double* y, const double* x, double* sum, R v, bool streamed) {
    if (old == Old::scale) v += gamma * load(y);
    if (overlap == Overlap::added) add_overlap(x, v);
    if (old == Old::keep) v += load(y);
    if (overlap == Overlap::final) add_overlap(x, v);
    if (sums) {
      v -= alpha * load(x);
      store(sum, load(sum) + weight * v);
    }
    if (streamed)
      stream(y, v);
    else
      store(y, v);
  }
  KRONSOLVE_INLINE_MEMBER void add_overlap(const double* x, const double* v) {
    re += x[0] * v[0];
    if constexpr (Complex) {
      re += x[1] * v[1];
      im += x[0] * v[1] - x[1] * v[0];
    }
  }
  KRONSOLVE_INLINE_MEMBER void write_entry(double* y, const double* x, double* sum, double* v) {
    constexpr int width = Complex ? 2 : 1;
    for (int c = 0; c < width; ++c)
      if (old == Old::scale) v[c] += gamma * y[c];
    if (overlap == Overlap::added) add_overlap(x, v);
    for (int c = 0; c < width; ++c)
      if (old == Old::keep) v[c] += y[c];
    if (overlap == Overlap::final) add_overlap(x, v);
    for (int c = 0; c < width; ++c) {
      if (sums) {
        v[c] -= alpha * x[c];
        sum[c] += weight * v[c];
      }
      y[c] = v[c];
    }
  }
  KRONSOLVE_INLINE_MEMBER void result(double* out) const {
    if (overlap == Overlap::none) return;
    out[0] += re + (Complex ? sum(pairs.straight) : sum(dot));
    if constexpr (Complex) out[1] += im + sum(pairs.crossed);
  }
};

/// The rows of a tile one by one, `stride` doubles apart.
template <bool Complex>
KRONSOLVE_INLINE void turn_back(const double* tile, i64 n, double* rows, i64 stride) {
  constexpr int width = Complex ? 2 : 1, block = doubles<R> / width;
  i64 l = 0;
  for (; l + block <= n; l += block)
    for (int first = 0; first < lanes; first += doubles<R>) {
      R r[block];
      for (int j = 0; j < block; ++j) r[j] = load(tile + lanes * (l + j) + first);
      if constexpr (Complex)
        transpose_pairs(r);
      else
        transpose(r);
      double* to = rows + stride * (first / width) + width * l;
      for (int j = 0; j < block; ++j) store(to + stride * j, r[j]);
    }
  for (; l < n; ++l)
    for (int j = 0; j < lanes / width; ++j)
      for (int c = 0; c < width; ++c)
        rows[stride * j + width * l + c] = tile[lanes * l + width * j + c];
}

/// All of a row at once: long streams, which the machine fetches ahead by itself. (Pieces of rows
/// that stay in the first-level cache, with prefetches, took 1.25 times as long.)
template <bool Complex>
KRONSOLVE_INLINE void finish_row(const RowTask& task, int j, const double* from, i64 size,
                                 Finish<Complex>& f) {
  constexpr int width = Complex ? 2 : 1, block = doubles<R>;
  const RowMoves& moves = task.moves[j];
  double* y = task.y[j];
  const double* x = task.x[j];
  double* sum = task.sum ? task.sum[j] : y;  // y: not used
  i64 l = 0;
  const auto one_by_one = [&](i64 end) {
    for (; l < end; l += width) {
      double v[2] = {from ? from[l] : 0, from && Complex ? from[l + width - 1] : 0};
      moved_entry<Complex>(moves, l, size, v);
      f.write_entry(y + l, x + l, sum + l, v);
    }
  };
  // Only whole lines are streamed: 8 doubles.
  const auto before_line = static_cast<i64>(-(reinterpret_cast<std::uintptr_t>(y) / 8) % 8);
  const bool stream_lines = task.stream && before_line % width == 0;
  if (stream_lines) one_by_one(before_line < size ? before_line : size);
  for (; l + 4 * block <= size; l += 4 * block) {
    R r[4] = {};
    if (from)
      for (int w = 0; w < 4; ++w) r[w] = load(from + l + block * w);
    moved<4, Complex>(moves, l, size, r);
    for (int w = 0; w < 4; ++w)
      f.write(y + l + block * w, x + l + block * w, sum + l + block * w, r[w], stream_lines);
  }
  for (; l + block <= size; l += block) {
    R r[1] = {};
    if (from) r[0] = load(from + l);
    moved<1, Complex>(moves, l, size, r);
    f.write(y + l, x + l, sum + l, r[0], stream_lines && block == 8);
  }
  one_by_one(size);
}

template <bool Complex>
KRONSOLVE_INLINE void finish(const RowTask& task, double* out) {
  constexpr int width = Complex ? 2 : 1;
  const i64 size = width * task.n;
  const i64 stride = (size + 7) / 8 * 8 + 8;
  if (task.tile) turn_back<Complex>(task.tile, task.n, task.room, stride);
  Finish<Complex> f{task.old,   task.gamma,  task.overlap,
                    task.alpha, task.weight, task.sum != nullptr};
  for (int j = 0; j < task.rows; ++j) {
    const RowMoves& moves = task.moves[j];
    double* row = task.room + stride * j;
    if (!task.tile && moves.pieces > 0)
      for (i64 l = 0; l < size; ++l) row[l] = 0;
    for (int p = 0; p < moves.pieces; ++p) add_piece<Complex>(row, moves.piece[p]);
    finish_row<Complex>(task, j, task.tile || moves.pieces > 0 ? row : nullptr, size, f);
  }
  if (task.stream) finish_streams();
  f.result(out);
}

void finish_real(const RowTask& task, double* out) { finish<false>(task, out); }
void finish_complex(const RowTask& task, double* out) { finish<true>(task, out); }

}  // namespace

#include "operators/matrix_free/kernels_block.hpp"

const KernelTable KRONSOLVE_KERNELS = {
    KRONSOLVE_KERNELS_NAME, load_real,        load_complex,   multiply,
    multiply_imaginary,     finish_real,      finish_complex, block_step<false>,
    block_step<true>,       block_add<false>, block_add<true>};

}  // namespace kronsolve::detail
