#include <kronsolve/core/interruption.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/linear_map.hpp>

#include "core/counted.hpp"
#include "operators/vectors/blocked_sum.hpp"

namespace kronsolve {

template <Scalar T>
LinearMap<T>::LinearMap(const Comm& comm, RowPartition rows, RowPartition cols)
    : comm_(&comm), row_partition_(std::move(rows)), col_partition_(std::move(cols)) {
  if (row_partition_.ranks() != comm.size() || col_partition_.ranks() != comm.size())
    throw DimensionError(detail::concat(
        "LinearMap: rows are dealt to ", detail::counted(row_partition_.ranks(), "rank"),
        ", columns to ", col_partition_.ranks(), ", the communicator has ", comm.size()));
}

template <Scalar T>
LinearMap<T>::~LinearMap() = default;

template <Scalar T>
void LinearMap<T>::check(std::span<const T> x, const RowRange& in, std::span<T> y,
                         const RowRange& out) const {
  if (comm_->size() == 1) detail::check_interruption();
  const bool fits =
      static_cast<index_t>(x.size()) == in.size() && static_cast<index_t>(y.size()) == out.size();
  // One rank alone may be wrong: then the others must not enter the product.
  if (!comm_->all(fits))
    throw DimensionError(detail::concat("product: owned lengths must be ", in.size(), " in and ",
                                        out.size(), " out on rank ", comm_->rank(), ", got ",
                                        x.size(), " and ", y.size(),
                                        fits ? " (another rank differs)" : ""));
}

template <Scalar T>
void LinearMap<T>::apply(std::span<const T> x, std::span<T> y) const {
  check(x, col_range(), y, row_range());
  apply_impl(x, y);
  count_product();
}

template <Scalar T>
void LinearMap<T>::apply_adjoint(std::span<const T> x, std::span<T> y) const {
  check(x, row_range(), y, col_range());
  apply_adjoint_impl(x, y);
  count_product();
}

template <Scalar T>
double LinearMap<T>::apply_cross(std::span<const T> x, std::span<T> y) const {
  check(x, col_range(), y, col_range());
  const double local = apply_cross_impl(x, y);
  count_product();
  count_product();
  return comm_->all_reduce(local);
}

template <Scalar T>
T LinearMap<T>::apply_recurrence(std::span<const T> x, double beta, std::span<T> y) const {
  if (rows() != cols())
    throw DimensionError(
        detail::concat("recurrence: the map must be square, it is ", rows(), " x ", cols()));
  check(x, col_range(), y, row_range());
  const T local = apply_recurrence_impl(x, beta, y);
  count_product();
  return comm_->all_reduce(local);
}

template <Scalar T>
void LinearMap<T>::apply_adjoint_impl(std::span<const T>, std::span<T>) const {
  throw NotSupported("this operator has no product with its adjoint; use its assembled form");
}

template <Scalar T>
double LinearMap<T>::apply_cross_impl(std::span<const T> x, std::span<T> y) const {
  const index_t n = row_range().size();
  if (scratch_.size() != n) scratch_ = Buffer<T>(n);
  apply_impl(x, scratch_.span());
  apply_adjoint_impl(scratch_.span(), y);
  return vec::local_norm_squared<T>(scratch_.span());
}

template <Scalar T>
T LinearMap<T>::apply_recurrence_impl(std::span<const T> x, double beta, std::span<T> y) const {
  const auto n = static_cast<index_t>(y.size());
  if (scratch_.size() != n) scratch_ = Buffer<T>(n);  // kept: fresh pages cost as much as a product
  apply_impl(x, scratch_.span());
  return vec::blocked_sum<T>(
      n, [=, product = scratch_.data(), in = x.data(), out = y.data()](index_t i) {
        out[i] = product[i] - beta * out[i];
        return vec::conj_times(in[i], out[i]);
      });
}

template <Scalar T>
void LinearMap<T>::apply_known_step(std::span<const T> x, double alpha, double beta, std::span<T> y,
                                    double weight, std::span<T> sum) const {
  if (rows() != cols())
    throw DimensionError(
        detail::concat("recurrence: the map must be square, it is ", rows(), " x ", cols()));
  check(x, col_range(), y, row_range());
  KRONSOLVE_ASSERT(sum.size() == y.size());
  apply_known_step_impl(x, alpha, beta, y, weight, sum);
  count_product();
}

template <Scalar T>
void LinearMap<T>::apply_block_step(index_t width, index_t vectors, std::span<const T> x,
                                    RecurrenceStep step, std::span<T> y, std::span<T> sum) const {
  const index_t most = block_width();
  const auto fits = [&](std::size_t length) {
    return static_cast<index_t>(length) == width * row_range().size();
  };
  if (!comm_->all(most > 1 && (width == most || 2 * width == most) && rows() == cols() &&
                  fits(x.size()) && fits(y.size()) && fits(sum.size())))
    throw DimensionError(
        detail::concat("block recurrence: a square map and blocks of ", most, " or ", most / 2,
                       " vectors with ", detail::counted(row_range().size(), "row"), " on rank ",
                       comm_->rank(), " are wanted, got a width of ", width, " and lengths ",
                       x.size(), ", ", y.size(), " and ", sum.size()));
  if (comm_->size() == 1) detail::check_interruption();
  apply_block_step_impl(width, x, step, y, sum);
  for (index_t j = 0; j < vectors; ++j) count_product();
}

template <Scalar T>
void LinearMap<T>::apply_block_step_impl(index_t, std::span<const T>, RecurrenceStep, std::span<T>,
                                         std::span<T>) const {
  throw NotSupported("this operator multiplies one vector at a time");
}

template <Scalar T>
void LinearMap<T>::apply_known_step_impl(std::span<const T> x, double alpha, double beta,
                                         std::span<T> y, double weight, std::span<T> sum) const {
  (void)apply_recurrence_impl(x, beta, y);
  finish_known_step(x, alpha, y, weight, sum);
}

template <Scalar T>
void LinearMap<T>::finish_known_step(std::span<const T> x, double alpha, std::span<T> y,
                                     double weight, std::span<T> sum) {
  const auto n = static_cast<index_t>(y.size());
  const T* in = x.data();
  T* out = y.data();
  T* total = sum.data();
#pragma omp parallel for simd num_threads(num_threads()) \
    schedule(static) if (n >= vec::parallel_rows)
  for (index_t i = 0; i < n; ++i) {
    const T v = out[i] - alpha * in[i];
    out[i] = v;
    total[i] += weight * v;
  }
}

template class LinearMap<double>;
template class LinearMap<std::complex<double>>;

}  // namespace kronsolve
