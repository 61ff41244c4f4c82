#pragma once
// Loops over owned rows that the iterative solvers share. Local unless a Comm is given; threads by
// num_threads().

#include <cmath>
#include <complex>
#include <span>
#include <string_view>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/scalar.hpp>

namespace kronsolve::vec {

/// Below this many rows a loop is not worth waking threads for.
inline constexpr index_t parallel_rows = 1 << 13;

template <Scalar T>
index_t size(std::span<T> x) noexcept {
  return static_cast<index_t>(x.size());
}
template <class T>
index_t length(std::span<const T> x) noexcept {
  return static_cast<index_t>(x.size());
}

/// sum conj(x_i) y_i over the owned rows.
template <Scalar T>
T local_dot(std::span<const T> x, std::span<const T> y) {
  const index_t n = length(x);
  if constexpr (is_complex<T>) {
    double re = 0, im = 0;
#pragma omp parallel for schedule(static) reduction(+ : re, im) if (n >= parallel_rows)
    for (index_t i = 0; i < n; ++i) {
      re += x[i].real() * y[i].real() + x[i].imag() * y[i].imag();
      im += x[i].real() * y[i].imag() - x[i].imag() * y[i].real();
    }
    return {re, im};
  } else {
    double sum = 0;
#pragma omp parallel for simd schedule(static) reduction(+ : sum) if (n >= parallel_rows)
    for (index_t i = 0; i < n; ++i) sum += x[i] * y[i];
    return sum;
  }
}

template <Scalar T>
double local_norm_squared(std::span<const T> x) {
  const index_t n = length(x);
  double sum = 0;
#pragma omp parallel for simd schedule(static) reduction(+ : sum) if (n >= parallel_rows)
  for (index_t i = 0; i < n; ++i) sum += norm_squared(x[i]);
  return sum;
}

/// Global <x, y>. Collective.
template <Scalar T>
T dot(const Comm& comm, std::span<const T> x, std::span<const T> y) {
  return comm.all_reduce(local_dot(x, y));
}

/// Global 2-norm. Collective.
template <Scalar T>
double norm(const Comm& comm, std::span<const T> x) {
  return std::sqrt(comm.all_reduce(local_norm_squared(x)));
}

/// y += a x.
template <Scalar T, class A>
void axpy(A a, std::span<const T> x, std::span<T> y) {
  const index_t n = length(x);
#pragma omp parallel for simd schedule(static) if (n >= parallel_rows)
  for (index_t i = 0; i < n; ++i) y[i] += a * x[i];
}

template <Scalar T, class A>
void scale(A a, std::span<T> x) {
  const index_t n = size(x);
#pragma omp parallel for simd schedule(static) if (n >= parallel_rows)
  for (index_t i = 0; i < n; ++i) x[i] *= a;
}

template <Scalar T>
void set_zero(std::span<T> x) {
  const index_t n = size(x);
#pragma omp parallel for simd schedule(static) if (n >= parallel_rows)
  for (index_t i = 0; i < n; ++i) x[i] = T{};
}

/// y = a x.
template <Scalar T, class A>
void scaled_copy(A a, std::span<const T> x, std::span<T> y) {
  const index_t n = length(x);
#pragma omp parallel for simd schedule(static) if (n >= parallel_rows)
  for (index_t i = 0; i < n; ++i) y[i] = a * x[i];
}

template <Scalar T>
void copy(std::span<const T> x, std::span<T> y) {
  const index_t n = length(x);
#pragma omp parallel for simd schedule(static) if (n >= parallel_rows)
  for (index_t i = 0; i < n; ++i) y[i] = x[i];
}

template <Scalar T>
bool all_finite(std::span<const T> x) {
  for (const T& value : x)
    if (!std::isfinite(real_part(value)) || !std::isfinite(norm_squared(value))) return false;
  return true;
}

inline void split(std::span<const std::complex<double>> z, std::span<double> re,
                  std::span<double> im) {
  const index_t n = length(z);
#pragma omp parallel for simd schedule(static) if (n >= parallel_rows)
  for (index_t i = 0; i < n; ++i) {
    re[i] = z[i].real();
    im[i] = z[i].imag();
  }
}

inline void join(std::span<const double> re, std::span<const double> im,
                 std::span<std::complex<double>> z) {
  const index_t n = length(re);
#pragma omp parallel for simd schedule(static) if (n >= parallel_rows)
  for (index_t i = 0; i < n; ++i) z[i] = {re[i], im[i]};
}

/// Checks what every solver asks of a square map and a vector on it. Collective; all ranks throw
/// the same.
template <Scalar T>
void require_square(std::string_view where, const LinearMap<T>& a) {
  if (a.rows() != a.cols() || a.row_partition() != a.col_partition())
    throw DimensionError(
        detail::concat(where, ": the operator must be square, it is ", a.rows(), " x ", a.cols()));
  if (a.rows() < 1) throw InvalidArgument(detail::concat(where, ": the operator has no rows"));
}
template <Scalar T, Scalar V>
void require_vector(std::string_view where, const LinearMap<T>& a, std::span<const V> v) {
  const index_t owned = a.row_range().size();
  if (!a.comm().all(length(v) == owned))
    throw DimensionError(detail::concat(where, ": the vector must have the owned length, ", owned,
                                        " on rank ", a.comm().rank(), ", got ", v.size(),
                                        length(v) == owned ? " (another rank differs)" : ""));
  a.comm().require_all(
      all_finite(v),
      detail::concat(where, ": the vector has an entry that is NaN, infinite or too large"));
}

}  // namespace kronsolve::vec
