#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include <kronsolve/core/index.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/vector_operations.hpp>

#include "operators/vectors/compensated.hpp"

namespace kronsolve::vec {

namespace sums {

/// Sums side by side: one alone waits for its own last addition, which takes longer than the
/// entries take to arrive.
inline constexpr index_t lanes = 8;
/// Entries that are added up before they join the sum of the others: sixteen in each lane.
inline constexpr index_t chunk = 128;
/// Entries of one thread at a time.
inline constexpr index_t block = 4096;

/// total += value; `lost` keeps what the addition rounds away (Kahan).
inline void add_compensated(double& total, double& lost, double value) {
  const double rest = value - lost;
  const double sum = total + rest;
  lost = (sum - total) - rest;
  total = sum;
}

inline void add_to(double& re, double&, double value) { re += value; }
inline void add_to(double& re, double& im, std::complex<double> value) {
  re += value.real();
  im += value.imag();
}

/// What the lanes hold and what they have lost.
struct Lanes {
  double total[lanes] = {}, lost[lanes] = {};
  void add(const double* part) {
#pragma omp simd
    for (index_t k = 0; k < lanes; ++k) add_compensated(total[k], lost[k], part[k]);
  }
  double sum() const {
    double result = 0, rest = 0;
    for (index_t k = 0; k < lanes; ++k) {
      add_compensated(result, rest, total[k]);
      add_compensated(result, rest, -lost[k]);
    }
    return result;
  }
};

/// Sum of f(i) for begin <= i < end. Local to a thread.
template <Scalar Sum, class F>
Sum of_block(index_t begin, index_t end, const F& f) {
  Lanes re, im;
  for (index_t from = begin; from < end; from += chunk) {
    const index_t stop = from + chunk < end ? from + chunk : end;
    double part_re[lanes] = {}, part_im[lanes] = {};
    index_t i = from;
    for (; i + lanes <= stop; i += lanes)
#pragma omp simd
      for (index_t k = 0; k < lanes; ++k) add_to(part_re[k], part_im[k], f(i + k));
    for (; i < stop; ++i) add_to(part_re[0], part_im[0], f(i));
    re.add(part_re);
    if constexpr (is_complex<Sum>) im.add(part_im);
  }
  if constexpr (is_complex<Sum>)
    return {re.sum(), im.sum()};
  else
    return re.sum();
}

}  // namespace sums

/// Adds up f(i) for i < n. Blocks are summed by threads and added in order, with compensation: one
/// running sum over 10^8 entries of like size loses four digits (600 million rows: an energy 2e-10
/// too low). Local.
template <Scalar Sum, class F>
Sum blocked_sum(index_t n, const F& f) {
  if (n <= sums::block) return sums::of_block<Sum>(0, n, f);
  const index_t blocks = (n + sums::block - 1) / sums::block;
  std::vector<Sum> parts(static_cast<std::size_t>(blocks));
  Sum* const part = parts.data();
#pragma omp parallel for num_threads(num_threads()) schedule(static) if (n >= parallel_rows)
  for (index_t b = 0; b < blocks; ++b) {
    const index_t end = (b + 1) * sums::block < n ? (b + 1) * sums::block : n;
    part[b] = sums::of_block<Sum>(b * sums::block, end, f);
  }
  Compensated<Sum> sum;
  for (const Sum& value : parts) sum += value;
  return sum.value();
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

/// The root of the sum over ranks of `square`, the local part of |x|^2. Where that has left the
/// range of doubles, or lost digits at its lower end, the sum is taken again of scaled entries:
/// `entry(i)` for i < n. Collective.
template <class F>
double norm_from(const Comm& comm, double square, index_t n, const F& entry) {
  constexpr double smallest = 1e-270, largest = 1e300;
  square = comm.all_reduce(square);
  if (square >= smallest && square <= largest) return std::sqrt(square);
  double most = 0;
#pragma omp parallel for num_threads(num_threads()) schedule(static) \
    reduction(max                                                    \
              : most) if (n >= parallel_rows)
  for (index_t i = 0; i < n; ++i) {
    const std::complex<double> value = entry(i);
    most = std::max({most, std::abs(value.real()), std::abs(value.imag())});
  }
  most = comm.all_reduce(most, Reduce::max);
  if (most == 0) return square;  // 0, or NaN
  if (std::isinf(most)) return most;
  const double factor = std::ldexp(1.0, std::min(1000, -std::ilogb(most)));
  const double scaled =
      blocked_sum<double>(n, [&](index_t i) { return kronsolve::norm_squared(factor * entry(i)); });
  return std::sqrt(comm.all_reduce(scaled)) / factor;
}

}  // namespace kronsolve::vec
