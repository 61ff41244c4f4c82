#include <algorithm>
#include <cmath>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/vector_operations.hpp>

#include "operators/vectors/blas.hpp"
#include "operators/vectors/blocked_sum.hpp"

namespace kronsolve::vec {

namespace {

using dense::gemm;
using dense::Op;

/// Rows handled at a time: a block of a few dozen columns stays in the second-level cache.
constexpr index_t block_rows = 1024;

index_t blocks_of(index_t rows) { return (rows + block_rows - 1) / block_rows; }

/// Columns that lie next to each other: a matrix for BLAS.
template <Scalar T>
struct Run {
  const T* data;
  index_t at, count;  ///< its place among the columns
  /// Of a block of `size` of all rows; a single column needs none, and may be longer than BLAS takes.
  index_t stride(index_t rows, index_t size) const { return count == 1 ? size : rows; }
};

template <Scalar T>
std::vector<Run<T>> runs(const Columns<T>& x) {
  std::vector<Run<T>> result;
  for (index_t j = 0; j < x.count; ++j) {
    const auto column = x.vectors->column(x.first + j);
    if (!result.empty() &&
        result.back().data + result.back().count * length(column) == column.data())
      ++result.back().count;
    else
      result.push_back({column.data(), j, 1});
  }
  return result;
}

/// Calls f(begin, size) for blocks of rows, dealt to threads in a fixed way.
template <class F>
void for_each_block(index_t rows, const F& f) {
#pragma omp parallel for num_threads(num_threads()) schedule(static) if (rows >= parallel_rows)
  for (index_t b = 0; b < blocks_of(rows); ++b)
    f(b * block_rows, std::min(block_rows, rows - b * block_rows));
}

/// Adds up what f(begin, size, sum) puts into `size` numbers for each block of rows: always in the
/// same order, whatever the threads, with compensation.
template <Scalar T, class F>
std::vector<T> sum_blocks(index_t rows, std::size_t size, const F& f) {
  constexpr index_t pieces = 32;
  const index_t blocks = blocks_of(rows), used = std::min(pieces, std::max<index_t>(blocks, 1));
  std::vector<std::vector<T>> totals(static_cast<std::size_t>(used), std::vector<T>(size)),
      lost = totals;
  const auto add = [size](std::vector<T>& sum, std::vector<T>& rest, const std::vector<T>& more) {
    auto* total = reinterpret_cast<double*>(sum.data());
    auto* gone = reinterpret_cast<double*>(rest.data());
    const auto* value = reinterpret_cast<const double*>(more.data());
    for (std::size_t i = 0; i < size * sizeof(T) / sizeof(double); ++i)
      sums::add_compensated(total[i], gone[i], value[i]);
  };
#pragma omp parallel for num_threads(num_threads()) schedule(static) if (rows >= parallel_rows)
  for (index_t p = 0; p < used; ++p) {
    std::vector<T> part(size);
    for (index_t b = blocks * p / used; b < blocks * (p + 1) / used; ++b) {
      f(b * block_rows, std::min(block_rows, rows - b * block_rows), part.data());
      add(totals[static_cast<std::size_t>(p)], lost[static_cast<std::size_t>(p)], part);
    }
  }
  for (std::size_t p = 1; p < totals.size(); ++p) add(totals[0], lost[0], totals[p]);
  return std::move(totals[0]);
}

/// X^H y of a block of rows.
template <Scalar T>
void overlaps(const std::vector<Run<T>>& x, index_t rows, const T* y, index_t begin, index_t size,
              T* sum) {
  for (const auto& run : x)
    gemm(Op::adjoint, Op::none, run.count, 1, size, T(1), run.data + begin, run.stride(rows, size),
         y + begin, size, T(0), sum + run.at, run.count);
}

}  // namespace

template <Scalar T>
std::vector<T> inner(const Comm& comm, const Columns<T>& x, const Columns<T>& y) {
  const index_t rows = x.vectors->row_range().size();
  const auto left = runs(x), right = runs(y);
  auto sum = sum_blocks<T>(
      rows, static_cast<std::size_t>(x.count * y.count), [&](index_t begin, index_t size, T* part) {
        for (const auto& a : left)
          for (const auto& b : right)
            gemm(Op::adjoint, Op::none, a.count, b.count, size, T(1), a.data + begin,
                 a.stride(rows, size), b.data + begin, b.stride(rows, size), T(0),
                 part + b.at * x.count + a.at, x.count);
      });
  comm.all_reduce(std::span(sum));
  return sum;
}

template <Scalar T>
std::vector<T> inner(const Comm& comm, const Columns<T>& x, std::span<const T> y) {
  const auto columns = runs(x);
  auto sum = sum_blocks<T>(length(y), static_cast<std::size_t>(x.count),
                           [&](index_t begin, index_t size, T* part) {
                             overlaps(columns, length(y), y.data(), begin, size, part);
                           });
  comm.all_reduce(std::span(sum));
  return sum;
}

template <Scalar T>
void add_combination(T factor, const Columns<T>& x, std::span<const T> h, std::span<T> y) {
  const auto columns = runs(x);
  const index_t rows = length(y);
  for_each_block(rows, [&](index_t begin, index_t size) {
    for (const auto& run : columns)
      gemm(Op::none, Op::none, size, 1, run.count, factor, run.data + begin, run.stride(rows, size),
           h.data() + run.at, run.count, T(1), y.data() + begin, size);
  });
}

template <Scalar T>
void add_combinations(T factor, const Columns<T>& x, std::span<const T> c, DistributedVectors<T>& y,
                      index_t first, index_t count) {
  const index_t rows = y.row_range().size();
  const auto from = runs(x), to = runs(Columns<T>(y, first, count));
  for_each_block(rows, [&](index_t begin, index_t size) {
    for (const auto& b : to)
      for (const auto& a : from)
        gemm(Op::none, Op::none, size, b.count, a.count, factor, a.data + begin,
             a.stride(rows, size), c.data() + b.at * x.count + a.at, x.count, T(1),
             const_cast<T*>(b.data) + begin, b.stride(rows, size));
  });
}

template <Scalar T, Scalar C>
void rotate(DistributedVectors<T>& v, index_t m, index_t count, std::span<const C> c,
            index_t first) {
  if (m == 0) return;
  KRONSOLVE_ASSERT(runs(Columns<T>(v, first, m)).size() == 1 || v.row_range().empty());
  // A complex column is a real one of twice the length.
  constexpr index_t parts = std::same_as<T, C> ? 1 : 2;
  const index_t rows = parts * v.row_range().size();
  auto* data = reinterpret_cast<C*>(v.column(first).data());
  for_each_block(rows, [&](index_t begin, index_t size) {
    std::vector<C> block(static_cast<std::size_t>(size * count));
    gemm(Op::none, Op::none, size, count, m, C(1), static_cast<const C*>(data) + begin, rows,
         c.data(), m, C(0), block.data(), size);
    for (index_t j = 0; j < count; ++j)
      std::copy_n(block.data() + j * size, size, data + j * rows + begin);
  });
}

template <Scalar T>
Projection<T> project_out(const Comm& comm, const Columns<T>& basis, std::span<T> x) {
  // A vector that has lost this much of its length: rounding errors of the subtraction have grown
  // with it.
  constexpr double much = 0.7;
  const auto count = static_cast<std::size_t>(basis.count);
  const auto columns = runs(basis);
  Projection<T> result{std::vector<T>(count), 0};
  double first = -1, factor = 1;
  for (int pass = 0; pass < 4; ++pass) {
    auto h = sum_blocks<T>(length(x), count + 1, [&](index_t begin, index_t size, T* part) {
      overlaps<T>(columns, length(x), x.data(), begin, size, part);
      part[count] = sums::of_block<double>(
          begin, begin + size, [&](index_t i) { return kronsolve::norm_squared(x[i]); });
    });
    comm.all_reduce(std::span(h));
    const double before = real_part(h.back());
    h.pop_back();
    if (first < 0 && !(before > 1e-270 && before < 1e300)) {
      // The square is 0, lost or too large: once more with a vector of norm about 1.
      const double size = norm<T>(comm, x);
      if (!std::isfinite(size))
        throw InvalidArgument(
            "a product with the operator gave NaN or infinity; check its entries");
      if (size == 0) return result;
      factor = std::ldexp(1.0, std::min(1000, -std::ilogb(size)));
      scale<T>(factor, x);
      first = 0;
      continue;
    }
    if (first <= 0) first = before;
    double removed = 0;
    for (std::size_t i = 0; i < count; ++i) {
      removed += kronsolve::norm_squared(h[i]);
      result.coefficients[i] += h[i] / factor;
    }
    add_combination<T>(T(-1), basis, h, x);
    // Exact enough unless most of x has gone, and then there is another pass.
    if (before - removed > much * much * before) {
      result.norm = std::sqrt(before - removed) / factor;
      break;
    }
    if (!(before > 1e-30 * first)) break;
  }
  if (factor != 1) scale<T>(1 / factor, x);
  return result;
}

#define KRONSOLVE_INSTANTIATE(T)                                                                   \
  template std::vector<T> inner(const Comm&, const Columns<T>&, const Columns<T>&);                \
  template std::vector<T> inner(const Comm&, const Columns<T>&, std::span<const T>);               \
  template void add_combination(T, const Columns<T>&, std::span<const T>, std::span<T>);           \
  template void add_combinations(T, const Columns<T>&, std::span<const T>, DistributedVectors<T>&, \
                                 index_t, index_t);                                                \
  template void rotate(DistributedVectors<T>&, index_t, index_t, std::span<const T>, index_t);     \
  template Projection<T> project_out(const Comm&, const Columns<T>&, std::span<T>);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE
template void rotate(DistributedVectors<std::complex<double>>&, index_t, index_t,
                     std::span<const double>, index_t);

}  // namespace kronsolve::vec
