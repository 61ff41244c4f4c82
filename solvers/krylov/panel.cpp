#include "solvers/krylov/panel.hpp"

#include <cmath>

#include "solvers/dense/blas.hpp"

namespace kronsolve::krylov {

namespace {

using dense::gemm;
using dense::Op;

/// Rows handled at a time: a block of a few dozen columns stays in the second-level cache.
constexpr index_t block_rows = 1024;
/// Below this many rows one thread is enough.
constexpr index_t serial_below = 4096;

/// Calls f(begin, size) for blocks of rows, dealt to threads in a fixed way.
template <class F>
void for_each_block(index_t rows, const F& f) {
  const index_t blocks = (rows + block_rows - 1) / block_rows;
#pragma omp parallel for schedule(static) if (rows >= serial_below)
  for (index_t b = 0; b < blocks; ++b)
    f(b * block_rows, std::min(block_rows, rows - b * block_rows));
}

/// X^H Y of the owned rows, added to `sum`.
template <Scalar T>
void local_inner(const Columns<T>& x, const Columns<T>& y, T* sum) {
  const index_t rows = x.panel->rows(), size = x.count * y.count;
  const index_t lda = x.panel->stride(), ldb = y.panel->stride();
  const index_t blocks = (rows + block_rows - 1) / block_rows;
  // Partial sums of thread-sized pieces are added in order: fixed digits for a fixed number of
  // pieces.
  constexpr index_t pieces = 8;
  if (rows < serial_below) {
    gemm(Op::adjoint, Op::none, x.count, y.count, rows, T(1), x.data(), lda, y.data(), ldb, T(1),
         sum, x.count);
    return;
  }
  std::vector<T> partial(static_cast<std::size_t>(pieces * size));
#pragma omp parallel for schedule(static)
  for (index_t p = 0; p < pieces; ++p)
    for (index_t b = blocks * p / pieces; b < blocks * (p + 1) / pieces; ++b) {
      const index_t begin = b * block_rows, count = std::min(block_rows, rows - begin);
      gemm(Op::adjoint, Op::none, x.count, y.count, count, T(1), x.data() + begin, lda,
           y.data() + begin, ldb, T(1), partial.data() + p * size, x.count);
    }
  for (index_t p = 0; p < pieces; ++p)
    for (index_t i = 0; i < size; ++i) sum[i] += partial[static_cast<std::size_t>(p * size + i)];
}

/// Basis^H x followed by |x|^2, one reduction.
template <Scalar T>
std::vector<T> overlaps_and_norm(const Comm& comm, const Columns<T>& basis, std::span<T> x) {
  const auto count = static_cast<std::size_t>(basis.count);
  const auto rows = static_cast<index_t>(x.size());
  const index_t lda = basis.panel->stride(), blocks = (rows + block_rows - 1) / block_rows;
  constexpr index_t pieces = 8;
  std::vector<T> partial((count + 1) * pieces);
#pragma omp parallel for schedule(static) if (rows >= serial_below)
  for (index_t p = 0; p < pieces; ++p) {
    T* sum = partial.data() + static_cast<std::size_t>(p) * (count + 1);
    double norm = 0;
    for (index_t b = blocks * p / pieces; b < blocks * (p + 1) / pieces; ++b) {
      const index_t begin = b * block_rows, size = std::min(block_rows, rows - begin);
      if (count > 0)
        gemm(Op::adjoint, Op::none, basis.count, 1, size, T(1), basis.data() + begin, lda,
             static_cast<const T*>(x.data()) + begin, rows, T(1), sum, basis.count);
      for (index_t i = begin; i < begin + size; ++i) norm += kronsolve::norm_squared(x[i]);
    }
    sum[count] = norm;
  }
  std::vector<T> total(count + 1);
  for (std::size_t i = 0; i < partial.size(); ++i) total[i % (count + 1)] += partial[i];
  comm.all_reduce(std::span(total));
  return total;
}

}  // namespace

template <Scalar T>
std::vector<T> inner(const Comm& comm, const Columns<T>& x, const Columns<T>& y) {
  std::vector<T> sum(static_cast<std::size_t>(x.count * y.count));
  if (!sum.empty()) local_inner(x, y, sum.data());
  comm.all_reduce(std::span(sum));
  return sum;
}

template <Scalar T>
void add_combination(T factor, const Columns<T>& x, std::span<const T> h, std::span<T> y) {
  if (x.count == 0) return;
  for_each_block(x.panel->rows(), [&](index_t begin, index_t size) {
    gemm(Op::none, Op::none, size, 1, x.count, factor, x.data() + begin, x.panel->stride(),
         h.data(), x.count, T(1), y.data() + begin, size);
  });
}

template <Scalar T>
void add_combinations(T factor, const Columns<T>& x, std::span<const T> c, Panel<T>& y,
                      index_t first, index_t count) {
  if (x.count == 0 || count == 0) return;
  for_each_block(x.panel->rows(), [&](index_t begin, index_t size) {
    gemm(Op::none, Op::none, size, count, x.count, factor, x.data() + begin, x.panel->stride(),
         c.data(), x.count, T(1), y.data(first) + begin, y.stride());
  });
}

template <Scalar T, Scalar C>
void rotate(Panel<T>& p, index_t m, index_t count, std::span<const C> c, index_t first) {
  // A complex column is a real one of twice the length.
  constexpr index_t parts = std::same_as<T, C> ? 1 : 2;
  const index_t stride = parts * p.stride();
  auto* data = reinterpret_cast<C*>(p.data(first));
  for_each_block(parts * p.rows(), [&](index_t begin, index_t size) {
    std::vector<C> block(static_cast<std::size_t>(size * count));
    gemm(Op::none, Op::none, size, count, m, C(1), static_cast<const C*>(data) + begin, stride,
         c.data(), m, C(0), block.data(), size);
    for (index_t j = 0; j < count; ++j)
      std::copy_n(block.data() + j * size, size, data + j * stride + begin);
  });
}

template <Scalar T>
Projection<T> project_out(const Comm& comm, const Columns<T>& basis, std::span<T> x) {
  // Shorter than this part of what it was: rounding errors of the subtraction have grown with it.
  constexpr double much = 0.7;
  Projection<T> result{std::vector<T>(static_cast<std::size_t>(basis.count)), 0};
  double first = -1;
  for (int pass = 0; pass < 4; ++pass) {
    auto h = overlaps_and_norm(comm, basis, x);
    const double before = real_part(h.back());
    h.pop_back();
    if (!std::isfinite(before))
      throw InvalidArgument("a product with the operator gave NaN or infinity; check its entries");
    if (first < 0) first = before;
    double removed = 0;
    for (std::size_t i = 0; i < h.size(); ++i) {
      removed += kronsolve::norm_squared(h[i]);
      result.coefficients[i] += h[i];
    }
    add_combination<T>(T(-1), basis, h, x);
    // Exact enough unless most of x has gone, and then there is another pass.
    if (before - removed > much * much * before) {
      result.norm = std::sqrt(before - removed);
      break;
    }
    if (!(before > 1e-30 * first)) break;
  }
  return result;
}

#define KRONSOLVE_INSTANTIATE(T)                                                               \
  template std::vector<T> inner(const Comm&, const Columns<T>&, const Columns<T>&);            \
  template void add_combination(T, const Columns<T>&, std::span<const T>, std::span<T>);       \
  template void add_combinations(T, const Columns<T>&, std::span<const T>, Panel<T>&, index_t, \
                                 index_t);                                                     \
  template void rotate(Panel<T>&, index_t, index_t, std::span<const T>, index_t);              \
  template Projection<T> project_out(const Comm&, const Columns<T>&, std::span<T>);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE
template void rotate(Panel<std::complex<double>>&, index_t, index_t, std::span<const double>,
                     index_t);

}  // namespace kronsolve::krylov
