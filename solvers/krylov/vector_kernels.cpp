#include "solvers/krylov/vector_kernels.hpp"

#include <complex>

#include <kronsolve/core/index.hpp>

namespace kronsolve::krylov {

namespace {

/// Below this many entries a parallel region costs more than the loop.
constexpr index_t serial_below = 20000;

/// Entries that are added up before they join the sum of the others: one running sum over 10^8
/// entries of like size loses four digits (600 million rows: an energy 2e-10 too low).
constexpr index_t block = 4096;

/// Running sums within a block.
constexpr int side_by_side = 8;

inline void add_to(double& re, double&, double value) { re += value; }
inline void add_to(double& re, double& im, std::complex<double> value) {
  re += value.real();
  im += value.imag();
}

/// Adds up f(i) over all entries, block by block; blocks per thread, then in thread order, so that
/// a fixed number of threads gives fixed digits.
template <class Sum, class F>
Sum accumulate(index_t n, const F& f) {
  double re = 0;
  double im = 0;
#pragma omp parallel for schedule(static) reduction(+ : re, im) if (n >= serial_below)
  for (index_t begin = 0; begin < n; begin += block) {
    const index_t end = begin + block < n ? begin + block : n;
    // Several sums side by side: one alone waits for its own last addition, which takes longer than
    // the entries take to arrive.
    double part_re[side_by_side] = {};
    double part_im[side_by_side] = {};
    index_t i = begin;
    for (; i + side_by_side <= end; i += side_by_side)
#pragma omp simd
      for (int k = 0; k < side_by_side; ++k) add_to(part_re[k], part_im[k], f(i + k));
    for (; i < end; ++i) add_to(part_re[0], part_im[0], f(i));
    double block_re = 0;
    double block_im = 0;
    for (int k = 0; k < side_by_side; ++k) {
      block_re += part_re[k];
      block_im += part_im[k];
    }
    re += block_re;
    im += block_im;
  }
  if constexpr (std::same_as<Sum, double>)
    return re;
  else
    return {re, im};
}

template <class F>
void for_each(index_t n, const F& f) {
#pragma omp parallel for simd schedule(static) if (n >= serial_below)
  for (index_t i = 0; i < n; ++i) f(i);
}

/// conj(a) b without the checks for infinity that operator* of std::complex makes.
template <Scalar T>
T conj_times(T a, T b) {
  if constexpr (is_complex<T>)
    return {a.real() * b.real() + a.imag() * b.imag(), a.real() * b.imag() - a.imag() * b.real()};
  else
    return a * b;
}

template <Scalar T>
T times(T a, T b) {
  return conj_times(conj(a), b);
}

template <class Range>
index_t length(const Range& x) {
  return static_cast<index_t>(x.size());
}

}  // namespace

template <Scalar T>
T dot(const Comm& comm, std::span<const T> x, std::span<const T> y) {
  const T* a = x.data();
  const T* b = y.data();
  return comm.all_reduce(
      accumulate<T>(length(x), [=](index_t i) { return conj_times(a[i], b[i]); }));
}

template <Scalar T>
double norm_squared(const Comm& comm, std::span<const T> x) {
  const T* a = x.data();
  return comm.all_reduce(
      accumulate<double>(length(x), [=](index_t i) { return kronsolve::norm_squared(a[i]); }));
}

template <Scalar T>
double subtract(const Comm& comm, T a, std::span<const T> x, std::span<T> y) {
  const T* in = x.data();
  T* out = y.data();
  return comm.all_reduce(accumulate<double>(length(x), [=](index_t i) {
    const T v = out[i] - times(a, in[i]);
    out[i] = v;
    return kronsolve::norm_squared(v);
  }));
}

template <Scalar T>
void scale(double a, std::span<T> x) {
  T* out = x.data();
  for_each(length(x), [=](index_t i) { out[i] *= a; });
}

template <Scalar T>
void add(T a, std::span<const T> x, std::span<T> y) {
  const T* in = x.data();
  T* out = y.data();
  for_each(length(x), [=](index_t i) { out[i] += times(a, in[i]); });
}

#define KRONSOLVE_INSTANTIATE(T)                                              \
  template T dot(const Comm&, std::span<const T>, std::span<const T>);        \
  template double norm_squared(const Comm&, std::span<const T>);              \
  template double subtract(const Comm&, T, std::span<const T>, std::span<T>); \
  template void scale(double, std::span<T>);                                  \
  template void add(T, std::span<const T>, std::span<T>);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::krylov
