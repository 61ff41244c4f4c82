// Stored rows times several vectors side by side: an entry of the matrix is loaded once for all of
// them. Included by kernels_impl.hpp inside its namespace; plain pointers only.

namespace {

using W4 = double __attribute__((vector_size(32)));
using W4U = double __attribute__((vector_size(32), aligned(8), may_alias));

template <class Register>
struct BlockRegister;
template <>
struct BlockRegister<W4> {
  static constexpr int doubles = 4;
  using Unaligned = W4U;
  KRONSOLVE_INLINE_MEMBER static W4 turned(W4 v) {  // i * v for pairs (re, im)
    const W4 sign = {-1, 1, -1, 1};
    return sign * __builtin_shufflevector(v, v, 1, 0, 3, 2);
  }
};
template <>
struct BlockRegister<V> {
  static constexpr int doubles = 8;
  using Unaligned = VU;
  KRONSOLVE_INLINE_MEMBER static V turned(V v) { return times_i(v); }
};

enum class Values { one, coded, each };

/// sum over the entries of row i; without the common value where there is one.
template <class R, bool Complex, Values values>
KRONSOLVE_INLINE R row_sum(const SparseRows& a, i64 i, const double* x) {
  using Info = BlockRegister<R>;
  constexpr int width = Complex ? 2 : 1;
  R first = {}, second = {};  // complex: real and imaginary coefficients; else two chains
  const u32 end = a.offsets[i + 1];
  for (u32 e = a.offsets[i]; e < end; ++e) {
    const R v = *reinterpret_cast<const typename Info::Unaligned*>(
        x + Info::doubles * static_cast<i64>(a.column[e]));
    if constexpr (values == Values::one) {
      first += v;
    } else {
      const double* value =
          a.value + width * (values == Values::coded ? static_cast<i64>(a.code[e]) : i64{e});
      first += value[0] * v;
      if constexpr (Complex) second += value[1] * v;
    }
  }
  if constexpr (Complex && values != Values::one) first += Info::turned(second);
  if constexpr (values == Values::one) {
    if constexpr (Complex) return a.value[0] * first + a.value[1] * Info::turned(first);
    return a.value[0] * first;
  }
  return first;
}

template <class R, bool Complex, Values values>
void step_rows(const SparseRows& a, const BlockStep& s, const double* x, const double* own,
               double* y, double* sum) {
  using Info = BlockRegister<R>;
  using U = typename Info::Unaligned;
  const double scale = s.scale, center = s.center, beta = s.beta, weight = s.weight;
  for (i64 i = 0; i < a.rows; ++i) {
    R product = row_sum<R, Complex, values>(a, i, x);
    const R at = *reinterpret_cast<const U*>(own + Info::doubles * i);
    if (a.diagonal) {
      if constexpr (Complex)
        product += a.diagonal[2 * i] * at + a.diagonal[2 * i + 1] * Info::turned(at);
      else
        product += a.diagonal[i] * at;
    }
    U* to = reinterpret_cast<U*>(y + Info::doubles * i);
    U* total = reinterpret_cast<U*>(sum + Info::doubles * i);
    const R result = scale * (product - center * at) - beta * *to;
    *to = result;
    *total += weight * result;
  }
}

template <class R, bool Complex, Values values>
void add_rows(const SparseRows& a, const BlockStep& s, const double* ghosts, const u32* row,
              double* y, double* sum) {
  using Info = BlockRegister<R>;
  using U = typename Info::Unaligned;
  for (i64 i = 0; i < a.rows; ++i) {
    const R more = s.scale * row_sum<R, Complex, values>(a, i, ghosts);
    *reinterpret_cast<U*>(y + Info::doubles * static_cast<i64>(row[i])) += more;
    *reinterpret_cast<U*>(sum + Info::doubles * static_cast<i64>(row[i])) += s.weight * more;
  }
}

template <bool Complex>
void block_step(const SparseRows* a, const BlockStep* s, const double* x, const double* own,
                double* y, double* sum) {
#define KRONSOLVE_VALUES(values)                                   \
  if (s->doubles == 8)                                             \
    step_rows<V, Complex, Values::values>(*a, *s, x, own, y, sum); \
  else                                                             \
    step_rows<W4, Complex, Values::values>(*a, *s, x, own, y, sum)
  if (a->one_value) {
    KRONSOLVE_VALUES(one);
  } else if (a->code) {
    KRONSOLVE_VALUES(coded);
  } else {
    KRONSOLVE_VALUES(each);
  }
#undef KRONSOLVE_VALUES
}

template <bool Complex>
void block_add(const SparseRows* a, const BlockStep* s, const double* ghosts, const u32* row,
               double* y, double* sum) {
#define KRONSOLVE_VALUES(values)                                       \
  if (s->doubles == 8)                                                 \
    add_rows<V, Complex, Values::values>(*a, *s, ghosts, row, y, sum); \
  else                                                                 \
    add_rows<W4, Complex, Values::values>(*a, *s, ghosts, row, y, sum)
  if (a->one_value) {
    KRONSOLVE_VALUES(one);
  } else if (a->code) {
    KRONSOLVE_VALUES(coded);
  } else {
    KRONSOLVE_VALUES(each);
  }
#undef KRONSOLVE_VALUES
}

}  // namespace
