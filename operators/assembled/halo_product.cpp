#include "operators/assembled/halo_product.hpp"

#include <algorithm>
#include <numeric>

#include <omp.h>

#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/vector_operations.hpp>

namespace kronsolve::detail {

namespace {

/// a b without the checks for infinity that operator* of std::complex makes.
template <Scalar T>
T times(const T& a, const T& b) {
  if constexpr (is_complex<T>)
    return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
  else
    return a * b;
}

/// Vectors of more bytes are far away: what a core waits for it had better ask for beforehand.
constexpr std::size_t near_bytes = std::size_t{1} << 20;
constexpr std::size_t entries_ahead = 48;

/// sum of value(e) x[column(e)] over the entries [begin, end) of a part.
/// @param far  fetch entries of x into the caches before they are needed
template <Scalar T>
T row_dot(const Part<T>& part, std::size_t begin, std::size_t end, const T* x, const T* table,
          bool far = false) {
  T sum{};
  const auto* column = part.columns.data();
  const auto add = [&](const auto& value) {
    if (!far) {
      for (std::size_t e = begin; e < end; ++e) sum += times(value(e), x[column[e]]);
      return;
    }
    const std::size_t last = part.columns.size() - 1;
    for (std::size_t e = begin; e < end; ++e) {
      __builtin_prefetch(x + column[std::min(e + entries_ahead, last)]);
      sum += times(value(e), x[column[e]]);
    }
  };
  if (!part.codes.empty())
    add([table, code = part.codes.data()](std::size_t e) { return table[code[e]]; });
  else
    add([value = part.values.data()](std::size_t e) { return value[e]; });
  return sum;
}

/// y[column(e)] += conj(value(e)) x over the entries [begin, end) of a part.
template <Scalar T>
void row_scatter(const Part<T>& part, std::size_t begin, std::size_t end, T x, T* y,
                 const T* table) {
  const auto* column = part.columns.data();
  if (!part.codes.empty()) {
    const auto* code = part.codes.data();
    for (std::size_t e = begin; e < end; ++e) y[column[e]] += times(conj(table[code[e]]), x);
  } else {
    const auto* value = part.values.data();
    for (std::size_t e = begin; e < end; ++e) y[column[e]] += times(conj(value[e]), x);
  }
}

/// The rows of a block that stores values, as multiply_cross takes them where there are neither
/// ghosts nor a diagonal; the sum of |row x|^2.
template <Scalar T>
double cross_rows(const Block<T>& block, const T* x, T* y) {
  const std::uint32_t* offset = block.owned.offsets.data();
  const std::uint32_t* column = block.owned.columns.data();
  const T* value = block.owned.values.data();
  double norm = 0;
  for (index_t i = 0; i < block.rows; ++i) {
    const std::uint32_t begin = offset[i], end = offset[i + 1];
    T sum{};
    for (std::uint32_t e = begin; e < end; ++e) sum += times(value[e], x[column[e]]);
    norm += norm_squared(sum);
    for (std::uint32_t e = begin; e < end; ++e) y[column[e]] += times(conj(value[e]), sum);
  }
  return norm;
}

}  // namespace

/// y_i = finish(i, y_i, (A x)_i). Ghosts travel while the rows are multiplied with the entries at
/// hand.
template <Scalar T>
template <class Finish>
void HaloProduct<T>::multiply(std::span<const T> x, std::span<T> y, const Finish& finish) {
  const T* table = rows_.table().data();
  const auto count = static_cast<index_t>(rows_.blocks().size());
  // Fewer entries are multiplied before a team has started, above all on cores with other work.
  constexpr index_t parallel_entries = 1 << 14;
  [[maybe_unused]] const int threads = rows_.entries() < parallel_entries ? 1 : num_threads();
  const bool far = x.size_bytes() > near_bytes;
  halo_.start(x);
#pragma omp parallel for schedule(static) num_threads(threads)
  for (index_t b = 0; b < count; ++b) {
    const auto& block = rows_.blocks()[static_cast<std::size_t>(b)];
    for (index_t i = 0; i < block.rows; ++i) {
      const auto local = static_cast<std::size_t>(block.first + i);
      T sum = row_dot(block.owned, block.owned.offsets[static_cast<std::size_t>(i)],
                      block.owned.offsets[static_cast<std::size_t>(i) + 1], x.data(), table, far);
      if (rows_.has_diagonal()) sum += rows_.diagonal()[local] * x[local];
      y[local] = finish(local, y[local], sum);
    }
    if (omp_get_thread_num() == 0) halo_.poll();
  }
  halo_.finish();
  const T* ghosts = halo_.ghosts().data();
  if (halo_.ghosts().empty()) return;
#pragma omp parallel for schedule(static) num_threads(threads)
  for (index_t b = 0; b < count; ++b) {
    const auto& block = rows_.blocks()[static_cast<std::size_t>(b)];
    for (std::size_t r = 0; r < block.ghost_rows.size(); ++r)
      y[static_cast<std::size_t>(block.first) + block.ghost_rows[r]] +=
          row_dot(block.ghost, block.ghost.offsets[r], block.ghost.offsets[r + 1], ghosts, table);
  }
}

/// Rows meet in columns, so each thread adds up for itself; the first one straight into y.
template <Scalar T>
template <class Scatter>
void HaloProduct<T>::add_blocks(std::span<T> y, const Scatter& scatter) {
  const auto count = static_cast<index_t>(rows_.blocks().size());
  const auto ghosts = halo_.ghosts();
  const auto owned = static_cast<index_t>(y.size()),
             size = owned + static_cast<index_t>(ghosts.size());
  const int threads = count < 2 ? 1 : num_threads();
  sums_.resize(static_cast<std::size_t>((threads - 1) * size));
  int team = 1;
#pragma omp parallel num_threads(threads)
  {
    const int thread = omp_get_thread_num();
    T* mine = thread == 0 ? y.data() : sums_.data() + (thread - 1) * size;
    T* mine_ghosts = thread == 0 ? ghosts.data() : mine + owned;
    std::fill_n(mine, owned, T{});
    std::fill_n(mine_ghosts, ghosts.size(), T{});
#pragma omp single
    team = omp_get_num_threads();
#pragma omp for schedule(static)
    for (index_t b = 0; b < count; ++b)
      scatter(rows_.blocks()[static_cast<std::size_t>(b)], mine, mine_ghosts);
#pragma omp for schedule(static)
    for (index_t i = 0; i < size; ++i) {
      T& total =
          i < owned ? y[static_cast<std::size_t>(i)] : ghosts[static_cast<std::size_t>(i - owned)];
      for (int other = 0; other + 1 < team; ++other)
        total += sums_[static_cast<std::size_t>(other * size + i)];
    }
  }
  halo_.add_back(y);
}

template <Scalar T>
void HaloProduct<T>::apply(std::span<const T> x, std::span<T> y) {
  multiply(x, y, [](std::size_t, const T&, const T& sum) { return sum; });
}

template <Scalar T>
T HaloProduct<T>::apply_recurrence(std::span<const T> x, double beta, std::span<T> y) {
  multiply(x, y, [beta](std::size_t, const T& old, const T& sum) { return sum - beta * old; });
  return vec::local_dot<T>(x, y);
}

template <Scalar T>
bool HaloProduct<T>::apply_known_step(std::span<const T> x, double alpha, double beta,
                                      std::span<T> y, double weight, std::span<T> sum) {
  const auto next = [=](std::size_t i, const T& old, const T& product) {
    return product - alpha * x[i] - beta * old;
  };
  if (!halo_.ghosts().empty()) {  // y is not complete before they have come
    multiply(x, y, next);
    return false;
  }
  multiply(x, y, [=](std::size_t i, const T& old, const T& product) {
    const T value = next(i, old, product);
    sum[i] += weight * value;
    return value;
  });
  return true;
}

template <Scalar T>
void HaloProduct<T>::apply_adjoint(std::span<const T> x, std::span<T> y) {
  const T* table = rows_.table().data();
  add_blocks(y, [&](const Block<T>& block, T* owned, T* ghost) {
    for (index_t i = 0; i < block.rows; ++i) {
      const auto local = static_cast<std::size_t>(block.first + i);
      if (rows_.has_diagonal()) owned[local] += conj(rows_.diagonal()[local]) * x[local];
      row_scatter(block.owned, block.owned.offsets[static_cast<std::size_t>(i)],
                  block.owned.offsets[static_cast<std::size_t>(i) + 1], x[local], owned, table);
    }
    for (std::size_t r = 0; r < block.ghost_rows.size(); ++r)
      row_scatter(block.ghost, block.ghost.offsets[r], block.ghost.offsets[r + 1],
                  x[static_cast<std::size_t>(block.first) + block.ghost_rows[r]], ghost, table);
  });
}

/// Row by row: its part of A x is known at once and added to y while the row is still at hand. The
/// ghosts of x must be here before, and their places take those of y.
template <Scalar T>
double HaloProduct<T>::apply_cross(std::span<const T> x, std::span<T> y) {
  const T* table = rows_.table().data();
  halo_.start(x);
  halo_.finish();
  ghost_x_.assign(halo_.ghosts().begin(), halo_.ghosts().end());
  const T* from = ghost_x_.data();
  std::vector<double> norms(rows_.blocks().size());
  add_blocks(y, [&](const Block<T>& block, T* owned, T* ghost) {
    double& norm = norms[static_cast<std::size_t>(&block - rows_.blocks().data())];
    if (!rows_.has_diagonal() && block.owned.codes.empty() && block.ghost_rows.empty()) {
      norm = cross_rows(block, x.data(), owned);
      return;
    }
    std::size_t r = 0;  // of the rows that touch ghosts
    for (index_t i = 0; i < block.rows; ++i) {
      const auto local = static_cast<std::size_t>(block.first + i);
      const auto begin = block.owned.offsets[static_cast<std::size_t>(i)],
                 end = block.owned.offsets[static_cast<std::size_t>(i) + 1];
      const bool touches = r < block.ghost_rows.size() && block.ghost_rows[r] == i;
      T sum = row_dot(block.owned, begin, end, x.data(), table);
      if (touches)
        sum +=
            row_dot(block.ghost, block.ghost.offsets[r], block.ghost.offsets[r + 1], from, table);
      if (rows_.has_diagonal()) {
        sum += rows_.diagonal()[local] * x[local];
        owned[local] += conj(rows_.diagonal()[local]) * sum;
      }
      norm += norm_squared(sum);
      row_scatter(block.owned, begin, end, sum, owned, table);
      if (touches) {
        row_scatter(block.ghost, block.ghost.offsets[r], block.ghost.offsets[r + 1], sum, ghost,
                    table);
        ++r;
      }
    }
  });
  return std::accumulate(norms.begin(), norms.end(), 0.0);
}

template <Scalar T>
index_t HaloProduct<T>::bytes() const noexcept {
  return static_cast<index_t>((sums_.capacity() + ghost_x_.capacity()) * sizeof(T)) + halo_.bytes();
}

template class HaloProduct<double>;
template class HaloProduct<std::complex<double>>;

}  // namespace kronsolve::detail
