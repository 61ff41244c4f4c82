#include <algorithm>
#include <cmath>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/vector_operations.hpp>

#include "operators/vectors/blocked_sum.hpp"

namespace kronsolve::vec {

namespace {

template <class F>
void for_each(index_t n, const F& f) {
#pragma omp parallel for simd num_threads(num_threads()) schedule(static) if (n >= parallel_rows)
  for (index_t i = 0; i < n; ++i) f(i);
}

/// Calls f with a real factor where the number is real: no complex arithmetic then.
template <Scalar T, class F>
void with_factor(T a, const F& f) {
  if constexpr (is_complex<T>) {
    if (a.imag() != 0) return f([a](T x) { return times(a, x); });
  }
  f([real = real_part(a)](T x) { return real * x; });
}

}  // namespace

template <Scalar T>
T local_dot(std::span<const T> x, std::span<const T> y) {
  const T* a = x.data();
  const T* b = y.data();
  return blocked_sum<T>(length(x), [=](index_t i) { return conj_times(a[i], b[i]); });
}

template <Scalar T>
double local_norm_squared(std::span<const T> x) {
  const T* a = x.data();
  return blocked_sum<double>(length(x), [=](index_t i) { return kronsolve::norm_squared(a[i]); });
}

template <Scalar T>
double norm(const Comm& comm, std::span<const T> x) {
  return norm_from(comm, local_norm_squared(x), length(x),
                   [a = x.data()](index_t i) { return a[i]; });
}

template <Scalar T>
double distance(const Comm& comm, T a, std::span<const T> x, std::span<const T> y) {
  const auto difference = [a, in = x.data(), from = y.data()](index_t i) {
    return from[i] - times(a, in[i]);
  };
  const double square = blocked_sum<double>(
      length(x), [&](index_t i) { return kronsolve::norm_squared(difference(i)); });
  return norm_from(comm, square, length(x), difference);
}

template <Scalar T>
double subtract(const Comm& comm, T a, std::span<const T> x, std::span<T> y) {
  const T* in = x.data();
  T* out = y.data();
  const double square = blocked_sum<double>(length(x), [=](index_t i) {
    const T v = out[i] - times(a, in[i]);
    out[i] = v;
    return kronsolve::norm_squared(v);
  });
  return norm_from(comm, square, length(x), [=](index_t i) { return out[i]; });
}

template <Scalar T>
void axpy(T a, std::span<const T> x, std::span<T> y) {
  const T* in = x.data();
  T* out = y.data();
  with_factor(a, [&](const auto& scaled) {
    for_each(length(x), [=](index_t i) { out[i] += scaled(in[i]); });
  });
}

template <Scalar T>
void scale(T a, std::span<T> x) {
  T* out = x.data();
  with_factor(a, [&](const auto& scaled) {
    for_each(length(x), [=](index_t i) { out[i] = scaled(out[i]); });
  });
}

template <Scalar T>
void scaled_copy(T a, std::span<const T> x, std::span<T> y) {
  const T* in = x.data();
  T* out = y.data();
  with_factor(a, [&](const auto& scaled) {
    for_each(length(x), [=](index_t i) { out[i] = scaled(in[i]); });
  });
}

template <Scalar T>
void copy(std::span<const T> x, std::span<T> y) {
  for_each(length(x), [in = x.data(), out = y.data()](index_t i) { out[i] = in[i]; });
}

template <Scalar T>
void set_zero(std::span<T> x) {
  for_each(length(x), [out = x.data()](index_t i) { out[i] = T{}; });
}

template <Scalar T>
bool all_finite(std::span<const T> x) {
  return std::all_of(x.begin(), x.end(),
                     [](T value) { return std::isfinite(kronsolve::norm_squared(value)); });
}

void split(std::span<const std::complex<double>> z, std::span<double> re, std::span<double> im) {
  for_each(length(z), [from = z.data(), a = re.data(), b = im.data()](index_t i) {
    a[i] = from[i].real();
    b[i] = from[i].imag();
  });
}

void join(std::span<const double> re, std::span<const double> im,
          std::span<std::complex<double>> z) {
  for_each(length(z), [a = re.data(), b = im.data(), to = z.data()](index_t i) {
    to[i] = {a[i], b[i]};
  });
}

template <Scalar T>
void fix_phases(const Comm& comm, DistributedVectors<T>& v, DistributedVectors<T>* along) {
  constexpr double tie = 1e-8;
  for (index_t j = 0; j < v.count(); ++j) {
    const auto x = v.column(j);
    double largest = 0;
    for (const T& value : x) largest = std::max(largest, std::abs(value));
    largest = comm.all_reduce(largest, Reduce::max);
    if (!(largest > 0)) continue;
    const auto at = std::find_if(
        x.begin(), x.end(), [&](const T& value) { return std::abs(value) >= largest * (1 - tie); });
    const int owner = comm.all_reduce(at != x.end() ? comm.rank() : comm.size(), Reduce::min);
    T phase = comm.rank() == owner ? conj(*at) / std::abs(*at) : T{};
    comm.broadcast(std::span<T>(&phase, 1), owner);
    scale<T>(phase, x);
    if (along != nullptr) scale<T>(phase, along->column(j));
  }
}

template <Scalar T>
DistributedVectors<T> deal(const Comm& comm, const RowPartition& partition,
                           std::span<const T> columns, index_t first, index_t count) {
  DistributedVectors<T> vectors(partition, comm.rank(), count);
  const index_t n = partition.rows(), local = partition.range(comm.rank()).size();
  const index_t batch = std::max<index_t>(1, (index_t{1} << 21) / n);
  for (index_t done = 0; done < count; done += batch) {
    const index_t some = std::min(batch, count - done);
    std::vector<std::vector<T>> send(static_cast<std::size_t>(comm.size()));
    if (comm.is_root())
      for (int r = 0; r < comm.size(); ++r) {
        const RowRange rows = partition.range(r);
        auto& to = send[static_cast<std::size_t>(r)];
        for (index_t j = first + done; j < first + done + some; ++j)
          to.insert(to.end(), columns.begin() + j * n + rows.begin,
                    columns.begin() + j * n + rows.end);
      }
    const auto received = comm.all_to_all_v(send);
    for (index_t j = 0; j < some; ++j)
      std::copy_n(received[0].begin() + j * local, local, vectors.column(done + j).begin());
  }
  return vectors;
}

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

#define KRONSOLVE_INSTANTIATE(T)                                                                \
  template T local_dot(std::span<const T>, std::span<const T>);                                 \
  template double local_norm_squared(std::span<const T>);                                       \
  template double norm(const Comm&, std::span<const T>);                                        \
  template double distance(const Comm&, T, std::span<const T>, std::span<const T>);             \
  template double subtract(const Comm&, T, std::span<const T>, std::span<T>);                   \
  template void axpy(T, std::span<const T>, std::span<T>);                                      \
  template void scale(T, std::span<T>);                                                         \
  template void scaled_copy(T, std::span<const T>, std::span<T>);                               \
  template void copy(std::span<const T>, std::span<T>);                                         \
  template void set_zero(std::span<T>);                                                         \
  template bool all_finite(std::span<const T>);                                                 \
  template void fix_phases(const Comm&, DistributedVectors<T>&, DistributedVectors<T>*);        \
  template DistributedVectors<T> deal(const Comm&, const RowPartition&, std::span<const T>,     \
                                      index_t, index_t);                                        \
  template void require_square(std::string_view, const LinearMap<T>&);                          \
  template void require_vector(std::string_view, const LinearMap<T>&, std::span<const double>); \
  template void require_vector(std::string_view, const LinearMap<T>&,                           \
                               std::span<const std::complex<double>>);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::vec
