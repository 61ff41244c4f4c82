#include <algorithm>
#include <cmath>
#include <numbers>

#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/random.hpp>
#include <kronsolve/operators/assembled_map.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/rsvd.hpp>
#include <kronsolve/solvers/svds.hpp>

#include "solvers/dense/blas_threads.hpp"
#include "solvers/dense/dense_svd.hpp"
#include "solvers/svd/tall_view.hpp"

namespace kronsolve {

namespace {

using svd::TallView;
using vec::Columns;

/// Test vectors of the error bound: it fails with probability 10^-10.
constexpr index_t test_vectors = 10;

/// An orthonormal basis Q of the range of A, grown until it is good enough, and A^H Q.
template <Scalar T>
class RangeFinder {
 public:
  RangeFinder(const TallView<T>& a, const RsvdOptions& options)
      : a_(a), options_(options), comm_(a.comm()) {}

  /// Images of `count` fresh random vectors beyond the basis; returns the bound of |A - Q Q^H A|
  /// that they give.
  /// @pre count >= test_vectors
  double probe(index_t count);
  /// Adds the directions found by the last probe, at most so many, sharpened by power iterations.
  void absorb(index_t most);
  bool complete() const { return size_ == a_.cols(); }
  index_t size() const { return size_; }
  double norm() const { return norm_; }
  DistributedVectors<T>& basis() { return q_; }
  DistributedVectors<T>& image() { return w_; }

 private:
  void reserve(index_t columns);
  double sample(index_t at, index_t count);
  void orthonormalise(DistributedVectors<T>& p, index_t first, index_t at, index_t count,
                      RowRange rows);

  const TallView<T>& a_;
  const RsvdOptions& options_;
  const Comm& comm_;
  DistributedVectors<T> q_, w_;  // w_ = A^H q_
  index_t size_ = 0, probed_ = 0;
  double norm_ = 0;  // lower bound of |A|
  std::uint32_t stream_ = 0;
};

/// The leading columns of v, and zeros up to `columns`.
template <Scalar T>
DistributedVectors<T> leading(const DistributedVectors<T>& v, const RowPartition& rows, int rank,
                              index_t used, index_t columns, ColumnStorage storage) {
  DistributedVectors<T> result(rows, rank, columns, storage);
  for (index_t j = 0; j < used; ++j) vec::copy<T>(v.column(j), result.column(j));
  return result;
}

template <Scalar T>
void RangeFinder<T>::reserve(index_t columns) {
  if (columns <= q_.count()) return;
  const index_t wanted = std::max(columns, std::min(2 * q_.count(), a_.cols()));
  const index_t bytes = wanted * static_cast<index_t>(sizeof(T));
  require_memory(comm_,
                 checked_multiply(bytes, 2 * a_.row_range().size() + a_.col_range().size() + 1,
                                  "bytes of a random basis"),
                 "rsvd: the basis");
  const auto together = ColumnStorage::together;
  q_ = leading(q_, a_.row_partition(), comm_.rank(), size_, wanted, together);
  w_ = leading(w_, a_.col_partition(), comm_.rank(), size_, wanted, together);
}

/// Images of fresh random vectors in columns at ... of q_, what the basis holds taken out; returns
/// the largest norm left.
template <Scalar T>
double RangeFinder<T>::sample(index_t at, index_t count) {
  Buffer<T> random(a_.col_range().size());
  double largest = 0;
  // Complex normal numbers have modulus sqrt(2) larger than the bound assumes: it only gets safer.
  for (index_t j = at; j < at + count; ++j) {
    fill_normal(random.span(), a_.col_range(), options_.seed, stream_++);
    a_.apply(random.span(), q_.column(j));
    (void)vec::project_out<T>(comm_, {q_, 0, size_}, q_.column(j));
    largest = std::max(largest, vec::norm<T>(comm_, q_.column(j)));
  }
  return largest;
}

/// Columns at ... of p, against columns first ... at-1 and one another.
template <Scalar T>
void RangeFinder<T>::orthonormalise(DistributedVectors<T>& p, index_t first, index_t at,
                                    index_t count, RowRange rows) {
  for (index_t j = at; j < at + count; ++j)
    (void)vec::orthonormalise(
        comm_, Columns(p, first, j - first), p.column(j), 1e-14 * norm_,
        [&](std::span<T> x) { fill_normal(x, rows, options_.seed, stream_++); });
}

template <Scalar T>
double RangeFinder<T>::probe(index_t count) {
  probed_ = 0;
  if (complete()) return 0;
  reserve(size_ + count);
  probed_ = count;
  return 10 * std::sqrt(2 / std::numbers::pi) * sample(size_, count);
}

template <Scalar T>
void RangeFinder<T>::absorb(index_t most) {
  const index_t count = std::min({most, probed_, a_.cols() - size_});
  orthonormalise(q_, 0, size_, count, a_.row_range());
  for (int power = 0; power <= options_.power_iterations; ++power) {
    for (index_t j = size_; j < size_ + count; ++j) {
      a_.apply_adjoint(std::as_const(q_).column(j), w_.column(j));
      norm_ = std::max(norm_, vec::norm<T>(comm_, w_.column(j)));
    }
    if (power == options_.power_iterations) break;
    orthonormalise(w_, size_, size_, count, a_.col_range());
    for (index_t j = size_; j < size_ + count; ++j)
      a_.apply(std::as_const(w_).column(j), q_.column(j));
    orthonormalise(q_, 0, size_, count, a_.row_range());
  }
  size_ += count;
}

/// The decomposition of Q Q^H A = Q W^H: W = Z R, R^H = P S G^H, so U = Q P and V = Z G.
template <Scalar T>
RsvdResult<T> decompose(const TallView<T>& a, RangeFinder<T>& range) {
  const Comm& comm = a.comm();
  const index_t l = range.size();
  DistributedVectors<T>& z = range.image();
  LargeVector<T> r_adjoint(static_cast<std::size_t>(l * l), T{});
  const auto copy = leading(z, a.col_partition(), comm.rank(), l, l, ColumnStorage::together);
  std::uint32_t stream = 0;
  for (index_t j = 0; j < l; ++j)
    (void)vec::orthonormalise(comm, Columns(z, 0, j), z.column(j), 1e-15 * range.norm(),
                              [&](std::span<T> x) { fill_normal(x, a.col_range(), 77, stream++); });
  const auto r = vec::inner<T>(comm, Columns(z, 0, l), Columns(copy, 0, l));
  for (index_t j = 0; j < l; ++j)
    for (index_t i = 0; i <= j; ++i)
      r_adjoint[static_cast<std::size_t>(i * l + j)] = conj(r[static_cast<std::size_t>(j * l + i)]);
  const auto small = dense::dense_svd<T>(std::move(r_adjoint), l, l, dense::SvdVectors::thin);
  vec::rotate<T, T>(range.basis(), l, l, std::span<const T>(small.left));
  vec::rotate<T, T>(z, l, l, std::span<const T>(small.right));
  RsvdResult<T> result;
  result.singular_values = small.values;
  return result;
}

/// Keeps `count` triplets; what is cut off adds to the error.
template <Scalar T>
void truncate(RsvdResult<T>& result, const TallView<T>& a, RangeFinder<T>& range, index_t count,
              double range_error) {
  const auto kept = static_cast<std::size_t>(count);
  result.norm = result.singular_values.front();
  result.error_bound =
      range_error + (kept < result.singular_values.size() ? result.singular_values[kept] : 0);
  result.singular_values.resize(kept);
  const int rank = a.comm().rank();
  const auto apart = ColumnStorage::apart;
  result.left = leading(range.basis(), a.row_partition(), rank, count, count, apart);
  result.right = leading(range.image(), a.col_partition(), rank, count, count, apart);
  if (a.swapped()) std::swap(result.left, result.right);
}

template <Scalar T>
void check(const LinearMap<T>& a, const RsvdOptions& o) {
  const index_t n = std::min(a.rows(), a.cols());
  if (n < 1)
    throw InvalidArgument(
        detail::concat("rsvd: the map must not be empty, it is ", a.rows(), " x ", a.cols()));
  if (o.rank < 0 || o.rank > n || o.max_rank < 0 || o.max_rank > n)
    throw InvalidArgument(detail::concat("rsvd: rank and max_rank must be in [0, ", n,
                                         "] (the shorter side of the map), got ", o.rank, " and ",
                                         o.max_rank));
  if (!(o.tol > 0 && o.tol < 1))
    throw InvalidArgument(detail::concat("rsvd: tol must be in (0, 1), got ", o.tol));
  if (o.oversample < 0 || o.power_iterations < 0)
    throw InvalidArgument(
        detail::concat("rsvd: oversample and power_iterations must not be negative, got ",
                       o.oversample, " and ", o.power_iterations));
}

template <Scalar T>
RsvdResult<T> of_rank(const TallView<T>& a, const RsvdOptions& options) {
  RangeFinder<T> range(a, options);
  const index_t columns = std::min(options.rank + options.oversample, a.cols());
  (void)range.probe(std::max(columns, test_vectors));
  range.absorb(columns);
  const double error = range.probe(test_vectors);
  auto result = decompose(a, range);
  truncate(result, a, range, options.rank, error);
  result.converged = true;
  result.reason = detail::concat("rank ", options.rank, " was asked for");
  return result;
}

template <Scalar T>
RsvdResult<T> to_tolerance(const TallView<T>& a, const RsvdOptions& options) {
  RangeFinder<T> range(a, options);
  const index_t most = options.max_rank > 0 ? options.max_rank : a.cols();
  double error = range.probe(test_vectors);  // the basis is empty: a bound of |A|
  // Half of the tolerance for the basis, half for what is cut off afterwards.
  do {
    range.absorb(most - range.size());
    error = range.probe(std::max(test_vectors, range.size() / 4));
  } while (error > 0.5 * options.tol * range.norm() && range.size() < most);
  auto result = decompose(a, range);
  const double top = result.singular_values.front();
  const auto end = result.singular_values.end();
  const auto cut = std::find_if(result.singular_values.begin(), end,
                                [&](double s) { return s <= 0.5 * options.tol * top; });
  truncate(result, a, range, cut - result.singular_values.begin(), error);
  result.converged = result.error_bound <= options.tol * result.norm || result.norm == 0;
  result.reason = detail::concat("error ", result.error_bound, " of a norm of ", result.norm,
                                 " with a basis of ", range.size(),
                                 result.converged ? "" : "; allow a larger max_rank");
  return result;
}

}  // namespace

template <Scalar T>
RsvdResult<T> rsvd(const LinearMap<T>& map, const RsvdOptions& options) {
  check(map, options);
  const dense::BlasThreads one(1);  // blocks of rows go to our own threads
  const TallView<T> a(map);
  const index_t before = map.products();
  auto result = options.rank > 0 ? of_rank(a, options) : to_tolerance(a, options);
  result.products = map.products() - before;
  return result;
}

template <Scalar T>
index_t estimate_rank(const LinearMap<T>& a, const RankOptions& options) {
  // Values at the threshold must be known better than the threshold.
  const auto r = rsvd<T>(a, {.tol = options.tol / 10, .seed = options.seed});
  return std::count_if(r.singular_values.begin(), r.singular_values.end(),
                       [&](double s) { return s > options.tol * r.norm; });
}

namespace {

template <Scalar T>
double frobenius(const LinearMap<T>& map) {
  const TallView<T> a(map);
  const RowRange cols = a.col_range();
  Buffer<T> unit(cols.size()), column(a.row_range().size());
  double size = 0;
  for (index_t j = 0; j < a.cols(); ++j) {
    if (cols.contains(j)) unit[j - cols.begin] = 1;
    a.apply(unit.span(), column.span());
    if (cols.contains(j)) unit[j - cols.begin] = 0;
    size = std::hypot(size, vec::norm<T>(a.comm(), column.span()));
  }
  return size;
}

}  // namespace

template <Scalar T>
double norm(const LinearMap<T>& a, NormKind kind) {
  if (a.rows() < 1 || a.cols() < 1)
    throw InvalidArgument(
        detail::concat("norm: the map must not be empty, it is ", a.rows(), " x ", a.cols()));
  if (kind == NormKind::frobenius) return frobenius(a);
  SvdsOptions options{.vectors = SingularVectors::skip, .certify = Certification::off};
  if (kind == NormKind::trace) {
    options.k = SvdsOptions::all;
    options.method = SvdMethod::dense;
  }
  const auto r = svds<T>(a, options);
  r.require_converged();
  double sum = 0;
  for (const double s : r.singular_values) sum += s;
  return sum;
}

namespace {

template <Scalar T>
AssembledMap<T> stored(const Comm& comm, const Lazy<T>& a) {
  return {comm, a, RowPartition(a.rows(), comm.size()), RowPartition(a.cols(), comm.size())};
}

/// Root of the sum of squares of the entries, a piece of the rows at a time.
template <Scalar T>
double frobenius(const Comm& comm, const Lazy<T>& a) {
  constexpr index_t piece = 4096;
  const RowRange owned = RowPartition(a.rows(), comm.size()).range(comm.rank());
  double sum = 0;
  comm.agree([&] {
    for (index_t begin = owned.begin; begin < owned.end; begin += piece)
      for (const T& x : a.build({begin, std::min(owned.end, begin + piece)}).values)
        sum += norm_squared(x);
  });
  return std::sqrt(comm.all_reduce(sum));
}

}  // namespace

template <Scalar T>
RsvdResult<T> rsvd(const Comm& comm, const Lazy<T>& a, const RsvdOptions& options) {
  return rsvd<T>(stored(comm, a), options);
}

template <Scalar T>
index_t estimate_rank(const Comm& comm, const Lazy<T>& a, const RankOptions& options) {
  return estimate_rank<T>(stored(comm, a), options);
}

template <Scalar T>
double norm(const Comm& comm, const Lazy<T>& a, NormKind kind) {
  return kind == NormKind::frobenius ? frobenius(comm, a) : norm<T>(stored(comm, a), kind);
}

#define KRONSOLVE_INSTANTIATE(T)                                                   \
  template RsvdResult<T> rsvd(const LinearMap<T>&, const RsvdOptions&);            \
  template index_t estimate_rank(const LinearMap<T>&, const RankOptions&);         \
  template double norm(const LinearMap<T>&, NormKind);                             \
  template RsvdResult<T> rsvd(const Comm&, const Lazy<T>&, const RsvdOptions&);    \
  template index_t estimate_rank(const Comm&, const Lazy<T>&, const RankOptions&); \
  template double norm(const Comm&, const Lazy<T>&, NormKind);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
