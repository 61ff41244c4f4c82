// Stored rows times several vectors side by side: an entry of the matrix is loaded once for all of
// them. Included by kernels_impl.hpp inside its namespace; plain pointers only.

namespace {

enum class Values { one, coded, each };

/// sum over the entries of row i; without the common value where there is one.
template <class P, bool Complex, Values values>
KRONSOLVE_INLINE P row_sum(const SparseRows& a, i64 i, const double* x) {
  constexpr int width = Complex ? 2 : 1;
  P first = {}, second = {};  // complex: real and imaginary coefficients; else two chains
  const u32 end = a.offsets[i + 1];
  for (u32 e = a.offsets[i]; e < end; ++e) {
    const P v = load<P>(x + doubles<P> * static_cast<i64>(a.column[e]));
    if constexpr (values == Values::one) {
      first += v;
    } else {
      const double* value =
          a.value + width * (values == Values::coded ? static_cast<i64>(a.code[e]) : i64{e});
      first += value[0] * v;
      if constexpr (Complex) second += value[1] * v;
    }
  }
  if constexpr (Complex && values != Values::one) first += times_i(second);
  if constexpr (values == Values::one) {
    if constexpr (Complex) return a.value[0] * first + a.value[1] * times_i(first);
    return a.value[0] * first;
  }
  return first;
}

template <class P, bool Complex, Values values, bool streamed>
void step_rows(const SparseRows& a, const BlockStep& s, const double* x, const double* own,
               double* y, double* sum) {
  const double scale = s.scale, center = s.center, beta = s.beta, weight = s.weight;
  for (i64 i = 0; i < a.rows; ++i) {
    P product = row_sum<P, Complex, values>(a, i, x);
    const P at = load<P>(own + doubles<P> * i);
    if (a.diagonal) {
      if constexpr (Complex)
        product += a.diagonal[2 * i] * at + a.diagonal[2 * i + 1] * times_i(at);
      else
        product += a.diagonal[i] * at;
    }
    double *to = y + doubles<P> * i, *total = sum + doubles<P> * i;
    const P result = scale * (product - center * at) - beta * load<P>(to);
    if constexpr (streamed)
      stream(to, result);
    else
      store(to, result);
    store(total, load<P>(total) + weight * result);
  }
}

template <class P, bool Complex, Values values>
void add_rows(const SparseRows& a, const BlockStep& s, const double* ghosts, const u32* row,
              double* y, double* sum) {
  for (i64 i = 0; i < a.rows; ++i) {
    const P more = s.scale * row_sum<P, Complex, values>(a, i, ghosts);
    const i64 at = doubles<P> * static_cast<i64>(row[i]);
    store(y + at, load<P>(y + at) + more);
    store(sum + at, load<P>(sum + at) + s.weight * more);
  }
}

/// Calls f with registers of the block's width and how the rows say their values.
template <class F>
void with_kind(const SparseRows& a, const BlockStep& s, F&& f) {
  const auto with_width = [&]<Values values>() {
    if (s.doubles == 8)
      f.template operator()<V, values>();
    else
      f.template operator()<Pack<4>, values>();
  };
  if (a.one_value)
    with_width.template operator()<Values::one>();
  else if (a.code)
    with_width.template operator()<Values::coded>();
  else
    with_width.template operator()<Values::each>();
}

template <bool Complex>
void block_step(const SparseRows* a, const BlockStep* s, const double* x, const double* own,
                double* y, double* sum) {
  with_kind(*a, *s, [&]<class P, Values values>() {
    if (s->stream) {
      step_rows<P, Complex, values, true>(*a, *s, x, own, y, sum);
      finish_streams();
    } else {
      step_rows<P, Complex, values, false>(*a, *s, x, own, y, sum);
    }
  });
}

template <bool Complex>
void block_add(const SparseRows* a, const BlockStep* s, const double* ghosts, const u32* row,
               double* y, double* sum) {
  with_kind(*a, *s, [&]<class P, Values values>() {
    add_rows<P, Complex, values>(*a, *s, ghosts, row, y, sum);
  });
}

}  // namespace
