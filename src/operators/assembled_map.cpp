#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <vector>

#include <omp.h>

#include <kronsolve/core/large_vector.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/assembled_map.hpp>

#include "operators/halo.hpp"
#include "operators/matrix_free/kernels.hpp"
#include "operators/value_codes.hpp"

namespace kronsolve {

namespace {

/// Entries of a few consecutive rows that touch one kind of columns (owned, or ghosts), compressed
/// by rows.
template <Scalar T>
struct Part {
  std::vector<std::uint32_t> offsets;  ///< rows+1
  std::vector<std::uint32_t> columns;
  std::vector<std::uint8_t> codes;  ///< one of codes and values is empty
  std::vector<T> values;

  index_t bytes() const noexcept {
    return static_cast<index_t>(offsets.size() * 4 + columns.size() * 4 + codes.size() +
                                values.size() * sizeof(T));
  }
};

/// A block of consecutive owned rows.
template <Scalar T>
struct Block {
  index_t first = 0;  ///< local row
  index_t rows = 0;
  Part<T> owned, ghost;
  std::vector<std::uint32_t>
      ghost_rows;  ///< rows of the block that touch ghosts; ghost.offsets counts these
  std::vector<index_t> ghost_columns;  ///< global, while building
};

/// Which global columns of other ranks occur: a bitmap per touched rank, and the position of each
/// in ascending order.
class GhostNumbers {
 public:
  explicit GhostNumbers(const RowPartition& cols)
      : cols_(&cols), maps_(static_cast<std::size_t>(cols.ranks())) {}
  void add(index_t column) {
    auto& map = of(column);
    if (map.bits.empty()) map.bits.assign(static_cast<std::size_t>((last_.size() + 63) / 64), 0);
    const auto at = static_cast<std::size_t>(column - last_.begin);
    map.bits[at / 64] |= std::uint64_t{1} << (at % 64);
  }
  /// Ends adding; returns the columns, ascending.
  std::vector<index_t> number() {
    std::vector<index_t> columns;
    for (std::size_t r = 0; r < maps_.size(); ++r) {
      auto& map = maps_[r];
      const index_t begin = cols_->range(static_cast<int>(r)).begin;
      map.before.reserve(map.bits.size());
      for (std::size_t w = 0; w < map.bits.size(); ++w) {
        map.before.push_back(
            narrow<std::uint32_t>(columns.size(), "entries fetched from other ranks"));
        for (auto word = map.bits[w]; word != 0; word &= word - 1)
          columns.push_back(begin + static_cast<index_t>(w * 64) + std::countr_zero(word));
      }
    }
    return columns;
  }
  std::uint32_t position(index_t column) {
    const auto& map = of(column);
    const auto at = static_cast<std::size_t>(column - last_.begin);
    const std::uint64_t lower = (std::uint64_t{1} << (at % 64)) - 1;
    return map.before[at / 64] +
           static_cast<std::uint32_t>(std::popcount(map.bits[at / 64] & lower));
  }

 private:
  struct Map {
    std::vector<std::uint64_t> bits;
    std::vector<std::uint32_t> before;
  };
  Map& of(index_t column) {
    if (!last_.contains(column)) {
      last_rank_ = cols_->owner(column);
      last_ = cols_->range(last_rank_);
    }
    return maps_[static_cast<std::size_t>(last_rank_)];
  }
  const RowPartition* cols_;
  std::vector<Map> maps_;
  RowRange last_;
  int last_rank_ = 0;
};

/// Rows of the next block: about a million entries, several blocks a thread.
index_t block_rows(index_t local_rows, double entries_per_row) {
  const double by_entries = double(1 << 20) / std::max(1.0, entries_per_row);
  const double by_threads = double(local_rows) / (4.0 * num_threads());
  return std::max<index_t>(1,
                           static_cast<index_t>(std::min(by_entries, std::max(by_threads, 256.0))));
}

}  // namespace

template <Scalar T>
struct AssembledMap<T>::Storage {
  bool has_diagonal = false;  ///< square with equal partitions: the diagonal is stored by itself
  bool coded = true;
  std::vector<T> diagonal;
  detail::ValueCodes<T, std::uint8_t> codes;  ///< of off-diagonal values
  std::vector<Block<T>> blocks;
  std::unique_ptr<detail::Halo<T>> halo;
  std::array<std::unique_ptr<detail::Halo<T>>, 2>
      block_halo;  ///< of the two widths, when first asked
  index_t off_diagonal = 0;

  void build(const Lazy<T>& a, RowRange rows, RowRange cols);
  void add_block(const CsrRows<T>& chunk, RowRange rows, RowRange cols);
  bool learn(const CsrRows<T>& chunk);
  void encode(Block<T>& block, const CsrRows<T>& chunk, RowRange rows, RowRange cols);
  void decode_all();
  std::vector<index_t> number_ghosts(const RowPartition& cols);
  template <class Finish>
  void multiply(std::span<const T> x, std::span<T> y, const Finish& finish);
  void multiply_adjoint(std::span<const T> x, std::span<T> y);
  double multiply_cross(std::span<const T> x, std::span<T> y);
  /// y = what scatter(block, y, ghosts) adds up over all blocks, those of other ranks included.
  template <class Scatter>
  void add_blocks(std::span<T> y, const Scatter& scatter);

  // Kept between products: fresh pages cost as much as the sums.
  LargeVector<T> sums;     ///< of each thread but the first: what it adds to y and to ghosts
  LargeVector<T> ghost_x;  ///< of a cross product
  detail::SparseRows rows_of(const Part<T>& part) const;
  void block_step(const Comm& comm, const detail::BlockStep& step, std::span<const T> x,
                  std::span<T> y, std::span<T> sum);
};

template <Scalar T>
void AssembledMap<T>::Storage::build(const Lazy<T>& a, RowRange rows, RowRange cols) {
  (void)narrow<std::uint32_t>(cols.size(), "columns owned by one rank");
  if (has_diagonal) diagonal.assign(static_cast<std::size_t>(rows.size()), T{});
  double per_row = 1;
  index_t next =
      std::min<index_t>(256, rows.size());  // the first block tells how full the rows are
  for (index_t begin = rows.begin; begin < rows.end;) {
    const index_t end = std::min(rows.end, begin + next);
    const auto chunk = a.build({begin, end});
    add_block(chunk, rows, cols);
    per_row = std::max(1.0, double(chunk.entries()) / double(end - begin));
    next = block_rows(rows.size(), per_row);
    begin = end;
  }
}

template <Scalar T>
void AssembledMap<T>::Storage::add_block(const CsrRows<T>& chunk, RowRange rows, RowRange cols) {
  (void)narrow<std::uint32_t>(chunk.entries(), "entries of a block of rows");
  if (coded && !learn(chunk)) decode_all();
  Block<T> block;
  block.first = chunk.range.begin - rows.begin;
  block.rows = chunk.range.size();
  encode(block, chunk, rows, cols);
  off_diagonal += static_cast<index_t>(block.owned.columns.size() + block.ghost_columns.size());
  blocks.push_back(std::move(block));
}

/// The diagonal is stored by itself: disorder on the sites does not count.
template <Scalar T>
bool AssembledMap<T>::Storage::learn(const CsrRows<T>& chunk) {
  for (index_t row = chunk.range.begin; row < chunk.range.end; ++row) {
    const auto columns = chunk.row_columns(row);
    const auto values = chunk.row_values(row);
    for (std::size_t e = 0; e < columns.size(); ++e)
      if (!(has_diagonal && columns[e] == row) && !codes.learn(values[e])) return false;
  }
  return true;
}

template <Scalar T>
void AssembledMap<T>::Storage::encode(Block<T>& block, const CsrRows<T>& chunk, RowRange rows,
                                      RowRange cols) {
  block.owned.offsets.assign(static_cast<std::size_t>(block.rows) + 1, 0);
  block.ghost.offsets.assign(1, 0);
  // Count first: every array is allocated once, at its size.
  index_t ghost_total = 0;
  for (index_t i = 0; i < block.rows; ++i) {
    const index_t row = chunk.range.begin + i;
    index_t owned = 0, ghosts = 0;
    for (const index_t column : chunk.row_columns(row)) {
      if (!cols.contains(column))
        ++ghosts;
      else if (!has_diagonal || column != row)
        ++owned;
    }
    block.owned.offsets[static_cast<std::size_t>(i) + 1] =
        block.owned.offsets[static_cast<std::size_t>(i)] + static_cast<std::uint32_t>(owned);
    if (ghosts == 0) continue;
    ghost_total += ghosts;
    block.ghost_rows.push_back(static_cast<std::uint32_t>(i));
    block.ghost.offsets.push_back(static_cast<std::uint32_t>(ghost_total));
  }
  block.owned.columns.resize(block.owned.offsets.back());
  block.ghost_columns.resize(static_cast<std::size_t>(ghost_total));
  for (auto [part, size] : {std::pair{&block.owned, block.owned.columns.size()},
                            std::pair{&block.ghost, block.ghost_columns.size()}}) {
    if (coded)
      part->codes.resize(size);
    else
      part->values.resize(size);
  }
  std::size_t ghost_at = 0;
  const auto put = [&](Part<T>& part, std::size_t at, const T& value) {
    if (coded)
      part.codes[at] = codes.code(value);
    else
      part.values[at] = value;
  };
  for (index_t i = 0; i < block.rows; ++i) {
    const index_t row = chunk.range.begin + i;
    const auto columns = chunk.row_columns(row);
    const auto values = chunk.row_values(row);
    std::size_t at = block.owned.offsets[static_cast<std::size_t>(i)];
    for (std::size_t e = 0; e < columns.size(); ++e) {
      if (!cols.contains(columns[e])) {
        put(block.ghost, ghost_at, values[e]);
        block.ghost_columns[ghost_at++] = columns[e];
      } else if (has_diagonal && columns[e] == row) {
        diagonal[static_cast<std::size_t>(row - rows.begin)] = values[e];
      } else {
        block.owned.columns[at] = static_cast<std::uint32_t>(columns[e] - cols.begin);
        put(block.owned, at++, values[e]);
      }
    }
  }
}

template <Scalar T>
void AssembledMap<T>::Storage::decode_all() {
  coded = false;
  for (auto& block : blocks)
    for (auto* part : {&block.owned, &block.ghost}) {
      part->values.reserve(part->codes.size());
      for (const auto code : part->codes) part->values.push_back(codes.table()[code]);
      part->codes = {};
    }
}

template <Scalar T>
std::vector<index_t> AssembledMap<T>::Storage::number_ghosts(const RowPartition& cols) {
  GhostNumbers numbers(cols);
  for (const auto& block : blocks)
    for (const index_t column : block.ghost_columns) numbers.add(column);
  auto ghosts = numbers.number();
  for (auto& block : blocks) {
    block.ghost.columns.reserve(block.ghost_columns.size());
    for (const index_t column : block.ghost_columns)
      block.ghost.columns.push_back(numbers.position(column));
    block.ghost_columns = {};
  }
  return ghosts;
}

namespace {

/// a b without the checks for infinity that operator* of std::complex makes.
template <Scalar T>
T times(const T& a, const T& b) {
  if constexpr (is_complex<T>)
    return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
  else
    return a * b;
}

/// sum of value(e) x[column(e)] over the entries [begin, end) of a part.
template <Scalar T>
T row_dot(const Part<T>& part, std::size_t begin, std::size_t end, const T* x, const T* table) {
  T sum{};
  const auto* column = part.columns.data();
  if (!part.codes.empty()) {
    const auto* code = part.codes.data();
    for (std::size_t e = begin; e < end; ++e) sum += times(table[code[e]], x[column[e]]);
  } else {
    const auto* value = part.values.data();
    for (std::size_t e = begin; e < end; ++e) sum += times(value[e], x[column[e]]);
  }
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

/// The rows of a block that stores values, as multiply_cross takes them where there are neither ghosts
/// nor a diagonal; the sum of |row x|^2.
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
void AssembledMap<T>::Storage::multiply(std::span<const T> x, std::span<T> y,
                                        const Finish& finish) {
  const T* table = codes.table().data();
  const auto count = static_cast<index_t>(blocks.size());
  halo->start(x);
#pragma omp parallel for schedule(static) num_threads(num_threads())
  for (index_t b = 0; b < count; ++b) {
    const auto& block = blocks[static_cast<std::size_t>(b)];
    for (index_t i = 0; i < block.rows; ++i) {
      const auto local = static_cast<std::size_t>(block.first + i);
      T sum = row_dot(block.owned, block.owned.offsets[static_cast<std::size_t>(i)],
                      block.owned.offsets[static_cast<std::size_t>(i) + 1], x.data(), table);
      if (has_diagonal) sum += diagonal[local] * x[local];
      y[local] = finish(local, y[local], sum);
    }
    if (omp_get_thread_num() == 0) halo->poll();
  }
  halo->finish();
  const T* ghosts = halo->ghosts().data();
  if (halo->ghosts().empty()) return;
#pragma omp parallel for schedule(static) num_threads(num_threads())
  for (index_t b = 0; b < count; ++b) {
    const auto& block = blocks[static_cast<std::size_t>(b)];
    for (std::size_t r = 0; r < block.ghost_rows.size(); ++r)
      y[static_cast<std::size_t>(block.first) + block.ghost_rows[r]] +=
          row_dot(block.ghost, block.ghost.offsets[r], block.ghost.offsets[r + 1], ghosts, table);
  }
}

/// Rows meet in columns, so each thread adds up for itself; the first one straight into y.
template <Scalar T>
template <class Scatter>
void AssembledMap<T>::Storage::add_blocks(std::span<T> y, const Scatter& scatter) {
  const auto count = static_cast<index_t>(blocks.size());
  const auto ghosts = halo->ghosts();
  const auto owned = static_cast<index_t>(y.size()),
             size = owned + static_cast<index_t>(ghosts.size());
  const int threads = count < 2 ? 1 : num_threads();
  sums.resize(static_cast<std::size_t>((threads - 1) * size));
  int team = 1;
#pragma omp parallel num_threads(threads)
  {
    const int thread = omp_get_thread_num();
    T* mine = thread == 0 ? y.data() : sums.data() + (thread - 1) * size;
    T* mine_ghosts = thread == 0 ? ghosts.data() : mine + owned;
    std::fill_n(mine, owned, T{});
    std::fill_n(mine_ghosts, ghosts.size(), T{});
#pragma omp single
    team = omp_get_num_threads();
#pragma omp for schedule(static)
    for (index_t b = 0; b < count; ++b)
      scatter(blocks[static_cast<std::size_t>(b)], mine, mine_ghosts);
#pragma omp for schedule(static)
    for (index_t i = 0; i < size; ++i) {
      T& total =
          i < owned ? y[static_cast<std::size_t>(i)] : ghosts[static_cast<std::size_t>(i - owned)];
      for (int other = 0; other + 1 < team; ++other)
        total += sums[static_cast<std::size_t>(other * size + i)];
    }
  }
  halo->add_back(y);
}

template <Scalar T>
detail::SparseRows AssembledMap<T>::Storage::rows_of(const Part<T>& part) const {
  const bool by_code = !part.codes.empty();
  const T* values = by_code ? codes.table().data() : part.values.data();
  return {.rows = static_cast<index_t>(part.offsets.size()) - 1,
          .offsets = part.offsets.data(),
          .column = part.columns.data(),
          .code = by_code ? part.codes.data() : nullptr,
          .value = reinterpret_cast<const double*>(values),
          .one_value = by_code && codes.table().size() == 1,
          .diagonal = nullptr};
}

/// Entries with columns of other ranks are added afterwards: the step is linear in the product.
template <Scalar T>
void AssembledMap<T>::Storage::block_step(const Comm& comm, const detail::BlockStep& step,
                                          std::span<const T> x, std::span<T> y, std::span<T> sum) {
  const auto& k = detail::kernels();
  auto& fetched = block_halo[step.doubles == detail::lanes ? 1 : 0];
  if (!fetched)
    fetched = std::make_unique<detail::Halo<T>>(comm, *halo, step.doubles * 8 / index_t{sizeof(T)});
  fetched->start(x);
  const auto* in = reinterpret_cast<const double*>(x.data());
  auto* out = reinterpret_cast<double*>(y.data());
  auto* total = reinterpret_cast<double*>(sum.data());
  const auto count = static_cast<index_t>(blocks.size());
  // Shorter sweeps are done before a team has started.
  constexpr index_t parallel_rows = 4096;
  const index_t owned = static_cast<index_t>(diagonal.size());
  [[maybe_unused]] const int threads = owned < parallel_rows ? 1 : num_threads();
#pragma omp parallel for schedule(static) num_threads(threads)
  for (index_t b = 0; b < count; ++b) {
    const auto& block = blocks[static_cast<std::size_t>(b)];
    detail::SparseRows rows = rows_of(block.owned);
    if (has_diagonal)
      rows.diagonal = reinterpret_cast<const double*>(diagonal.data() + block.first);
    const index_t at = step.doubles * block.first;
    (is_complex<T> ? k.block_step_complex : k.block_step_real)(&rows, &step, in, in + at, out + at,
                                                               total + at);
    if (omp_get_thread_num() == 0) fetched->poll();
  }
  fetched->finish();
  if (fetched->ghosts().empty()) return;
  const auto* ghosts = reinterpret_cast<const double*>(fetched->ghosts().data());
#pragma omp parallel for schedule(static) num_threads(threads)
  for (index_t b = 0; b < count; ++b) {
    const auto& block = blocks[static_cast<std::size_t>(b)];
    const detail::SparseRows rows = rows_of(block.ghost);
    const index_t at = step.doubles * block.first;
    (is_complex<T> ? k.block_add_complex : k.block_add_real)(
        &rows, &step, ghosts, block.ghost_rows.data(), out + at, total + at);
  }
}

template <Scalar T>
void AssembledMap<T>::Storage::multiply_adjoint(std::span<const T> x, std::span<T> y) {
  const T* table = codes.table().data();
  add_blocks(y, [&](const Block<T>& block, T* owned, T* ghost) {
    for (index_t i = 0; i < block.rows; ++i) {
      const auto local = static_cast<std::size_t>(block.first + i);
      if (has_diagonal) owned[local] += conj(diagonal[local]) * x[local];
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
double AssembledMap<T>::Storage::multiply_cross(std::span<const T> x, std::span<T> y) {
  const T* table = codes.table().data();
  halo->start(x);
  halo->finish();
  ghost_x.assign(halo->ghosts().begin(), halo->ghosts().end());
  const T* from = ghost_x.data();
  std::vector<double> norms(blocks.size());
  add_blocks(y, [&](const Block<T>& block, T* owned, T* ghost) {
    double& norm = norms[static_cast<std::size_t>(&block - blocks.data())];
    if (!has_diagonal && block.owned.codes.empty() && block.ghost_rows.empty()) {
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
      if (has_diagonal) {
        sum += diagonal[local] * x[local];
        owned[local] += conj(diagonal[local]) * sum;
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
AssembledMap<T>::AssembledMap(const Comm& comm, const Lazy<T>& a, RowPartition rows,
                              RowPartition cols)
    : LinearMap<T>(comm, std::move(rows), std::move(cols)), storage_(std::make_unique<Storage>()) {
  if (this->rows() != a.rows() || this->cols() != a.cols())
    throw DimensionError(detail::concat("AssembledMap: the matrix is ", a.rows(), " x ", a.cols(),
                                        ", the partitions are of ", this->rows(), " rows and ",
                                        this->cols(), " columns"));
  storage_->has_diagonal = this->row_partition() == this->col_partition();
  comm.agree([&] { storage_->build(a, this->row_range(), this->col_range()); });
  std::vector<index_t> ghosts;
  comm.agree([&] { ghosts = storage_->number_ghosts(this->col_partition()); });
  storage_->halo = std::make_unique<detail::Halo<T>>(comm, this->col_partition(), ghosts);
}

template <Scalar T>
AssembledMap<T>::AssembledMap(const Comm& comm, const Lazy<T>& a, RowPartition rows)
    : AssembledMap(comm, a, rows, rows) {}

template <Scalar T>
AssembledMap<T>::~AssembledMap() = default;

template <Scalar T>
void AssembledMap<T>::apply_impl(std::span<const T> x, std::span<T> y) const {
  storage_->multiply(x, y, [](std::size_t, const T&, const T& sum) { return sum; });
}

template <Scalar T>
void AssembledMap<T>::apply_adjoint_impl(std::span<const T> x, std::span<T> y) const {
  storage_->multiply_adjoint(x, y);
}

template <Scalar T>
double AssembledMap<T>::apply_cross_impl(std::span<const T> x, std::span<T> y) const {
  return storage_->multiply_cross(x, y);
}

template <Scalar T>
T AssembledMap<T>::apply_recurrence_impl(std::span<const T> x, double beta, std::span<T> y) const {
  storage_->multiply(x, y,
                     [beta](std::size_t, const T& old, const T& sum) { return sum - beta * old; });
  T overlap{};
  for (std::size_t i = 0; i < y.size(); ++i) overlap += conj(x[i]) * y[i];
  return overlap;
}

template <Scalar T>
void AssembledMap<T>::apply_known_step_impl(std::span<const T> x, double alpha, double beta,
                                            std::span<T> y, double weight, std::span<T> sum) const {
  const auto next = [=](std::size_t i, const T& old, const T& product) {
    return product - alpha * x[i] - beta * old;
  };
  if (!storage_->halo->ghosts().empty()) {  // y is not complete before they have come
    storage_->multiply(x, y, next);
    this->finish_known_step(x, 0, y, weight, sum);
    return;
  }
  storage_->multiply(x, y, [=](std::size_t i, const T& old, const T& product) {
    const T value = next(i, old, product);
    sum[i] += weight * value;
    return value;
  });
}

template <Scalar T>
index_t AssembledMap<T>::block_width() const noexcept {
  return storage_->has_diagonal ? detail::lanes * 8 / index_t{sizeof(T)} : 1;
}

template <Scalar T>
void AssembledMap<T>::apply_block_step_impl(index_t width, std::span<const T> x,
                                            RecurrenceStep step, std::span<T> y,
                                            std::span<T> sum) const {
  const detail::BlockStep block{.doubles = static_cast<int>(width * index_t{sizeof(T)} / 8),
                                .scale = step.scale,
                                .center = step.center,
                                .beta = step.beta,
                                .weight = step.weight};
  storage_->block_step(this->comm(), block, x, y, sum);
}

template <Scalar T>
index_t AssembledMap<T>::local_entries() const noexcept {
  return storage_->off_diagonal + static_cast<index_t>(storage_->diagonal.size());
}

template <Scalar T>
index_t AssembledMap<T>::ghost_entries() const noexcept {
  return static_cast<index_t>(storage_->halo->ghosts().size());
}

template <Scalar T>
bool AssembledMap<T>::is_coded() const noexcept {
  return storage_->coded;
}

template <Scalar T>
index_t AssembledMap<T>::memory_bytes() const noexcept {
  index_t bytes = static_cast<index_t>((storage_->diagonal.size() + storage_->sums.capacity() +
                                        storage_->ghost_x.capacity()) *
                                       sizeof(T)) +
                  storage_->halo->bytes();
  for (const auto& halo : storage_->block_halo)
    if (halo) bytes += halo->bytes();
  for (const auto& block : storage_->blocks)
    bytes += block.owned.bytes() + block.ghost.bytes() +
             static_cast<index_t>(block.ghost_rows.size() * 4);
  return bytes;
}

template <Scalar T>
double AssembledMap<T>::row_sum_norm() const {
  double most = 0;
  const auto& table = storage_->codes.table();
  for (const auto& block : storage_->blocks) {
    std::vector<double> sums(static_cast<std::size_t>(block.rows), 0.0);
    const auto add = [&](const Part<T>& part, std::size_t entry, std::size_t row) {
      sums[row] += std::abs(part.codes.empty() ? part.values[entry] : table[part.codes[entry]]);
    };
    for (std::size_t i = 0; i < sums.size(); ++i) {
      if (storage_->has_diagonal)
        sums[i] += std::abs(storage_->diagonal[static_cast<std::size_t>(block.first) + i]);
      for (std::size_t e = block.owned.offsets[i]; e < block.owned.offsets[i + 1]; ++e)
        add(block.owned, e, i);
    }
    for (std::size_t r = 0; r < block.ghost_rows.size(); ++r)
      for (std::size_t e = block.ghost.offsets[r]; e < block.ghost.offsets[r + 1]; ++e)
        add(block.ghost, e, block.ghost_rows[r]);
    for (const double sum : sums) most = std::max(most, sum);
  }
  return this->comm().all_reduce(most, Reduce::max);
}

template class AssembledMap<double>;
template class AssembledMap<std::complex<double>>;

}  // namespace kronsolve
