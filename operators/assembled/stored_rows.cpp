#include "operators/assembled/stored_rows.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include <omp.h>

#include <kronsolve/core/threads.hpp>

namespace kronsolve::detail {

namespace {

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

/// Smaller chunks are done before a team has started.
template <Scalar T>
int threads_for(const CsrRows<T>& chunk) {
  constexpr index_t parallel_entries = 1 << 14;
  return chunk.entries() < parallel_entries ? 1 : num_threads();
}

/// A copy of rows of a chunk.
template <Scalar T>
CsrRows<T> some_rows(const CsrRows<T>& chunk, RowRange rows) {
  CsrRows<T> some;
  some.range = rows;
  some.cols = chunk.cols;
  const auto first = static_cast<std::size_t>(rows.begin - chunk.range.begin),
             last = static_cast<std::size_t>(rows.end - chunk.range.begin);
  const index_t begin = chunk.offsets[first], end = chunk.offsets[last];
  some.offsets.assign(chunk.offsets.begin() + static_cast<std::ptrdiff_t>(first),
                      chunk.offsets.begin() + static_cast<std::ptrdiff_t>(last) + 1);
  for (auto& offset : some.offsets) offset -= begin;
  some.columns.assign(chunk.columns.begin() + begin, chunk.columns.begin() + end);
  some.values.assign(chunk.values.begin() + begin, chunk.values.begin() + end);
  return some;
}

}  // namespace

template <Scalar T>
StoredRows<T>::StoredRows(RowRange rows, RowPartition cols, int rank, bool square)
    : rows_(rows),
      partition_(std::move(cols)),
      cols_(partition_.range(rank)),
      has_diagonal_(square) {
  if (has_diagonal_) diagonal_.assign(static_cast<std::size_t>(rows.size()), T{});
}

template <Scalar T>
void StoredRows<T>::build(const Lazy<T>& a) {
  double per_row = 1;
  index_t next =
      std::min<index_t>(256, rows_.size());  // the first block tells how full the rows are
  for (index_t begin = rows_.begin; begin < rows_.end;) {
    const index_t end = std::min(rows_.end, begin + next);
    const auto chunk = a.build({begin, end});
    add_block(chunk);
    per_row = std::max(1.0, double(chunk.entries()) / double(end - begin));
    next = block_rows(rows_.size(), per_row);
    begin = end;
  }
}

template <Scalar T>
void StoredRows<T>::append(const CsrRows<T>& chunk) {
  const double per_row = double(chunk.entries()) / double(std::max<index_t>(1, chunk.range.size()));
  const index_t step = block_rows(rows_.size(), per_row);
  if (chunk.range.size() <= step) {
    if (!chunk.range.empty()) add_block(chunk);
    return;
  }
  for (index_t begin = chunk.range.begin; begin < chunk.range.end; begin += step)
    add_block(some_rows(chunk, {begin, std::min(chunk.range.end, begin + step)}));
}

template <Scalar T>
void StoredRows<T>::add_block(const CsrRows<T>& chunk) {
  (void)narrow<std::uint32_t>(cols_.size(), "columns owned by one rank");
  (void)narrow<std::uint32_t>(chunk.entries(), "entries of a block of rows");
  if (coded_ && !learn(chunk)) decode_all();
  Block<T> block;
  block.first = chunk.range.begin - rows_.begin;
  block.rows = chunk.range.size();
  encode(block, chunk);
  off_diagonal_ += static_cast<index_t>(block.owned.columns.size() + block.ghost_columns.size());
  blocks_.push_back(std::move(block));
}

/// The diagonal is stored by itself: disorder on the sites does not count.
template <Scalar T>
bool StoredRows<T>::learn(const CsrRows<T>& chunk) {
  const int threads = threads_for(chunk);
  std::vector<ValueCodes<T, std::uint8_t>> seen(static_cast<std::size_t>(threads));
  std::vector<char> few(seen.size(), 1);
#pragma omp parallel num_threads(threads)
  {
    const auto thread = static_cast<std::size_t>(omp_get_thread_num());
#pragma omp for schedule(static)
    for (index_t row = chunk.range.begin; row < chunk.range.end; ++row) {
      const auto columns = chunk.row_columns(row);
      const auto values = chunk.row_values(row);
      for (std::size_t e = 0; e < columns.size() && few[thread]; ++e)
        if (!(has_diagonal_ && columns[e] == row)) few[thread] = seen[thread].learn(values[e]);
    }
  }
  for (std::size_t thread = 0; thread < seen.size(); ++thread) {
    if (!few[thread]) return false;
    for (const T& v : seen[thread].table())
      if (!codes_.learn(v)) return false;
  }
  return true;
}

template <Scalar T>
void StoredRows<T>::encode(Block<T>& block, const CsrRows<T>& chunk) {
  // Count first: every array is allocated once, at its size.
  const auto rows = static_cast<std::size_t>(block.rows);
  [[maybe_unused]] const int threads = threads_for(chunk);
  block.owned.offsets.assign(rows + 1, 0);
  std::vector<std::uint32_t> ghosts_before(rows + 1, 0);
#pragma omp parallel for schedule(static) num_threads(threads)
  for (std::size_t i = 0; i < rows; ++i) {
    const index_t row = chunk.range.begin + static_cast<index_t>(i);
    for (const index_t column : chunk.row_columns(row)) {
      if (!cols_.contains(column))
        ++ghosts_before[i + 1];
      else if (!has_diagonal_ || column != row)
        ++block.owned.offsets[i + 1];
    }
  }
  block.ghost.offsets.assign(1, 0);
  for (std::size_t i = 0; i < rows; ++i) {
    block.owned.offsets[i + 1] += block.owned.offsets[i];
    ghosts_before[i + 1] += ghosts_before[i];
    if (ghosts_before[i + 1] == ghosts_before[i]) continue;
    block.ghost_rows.push_back(static_cast<std::uint32_t>(i));
    block.ghost.offsets.push_back(ghosts_before[i + 1]);
  }
  block.owned.columns.resize(block.owned.offsets.back());
  block.ghost_columns.resize(ghosts_before.back());
  for (auto [part, size] : {std::pair{&block.owned, block.owned.columns.size()},
                            std::pair{&block.ghost, block.ghost_columns.size()}}) {
    if (coded_)
      part->codes.resize(size);
    else
      part->values.resize(size);
  }
  const auto put = [&](Part<T>& part, std::size_t at, const T& value) {
    if (coded_)
      part.codes[at] = codes_.code(value);
    else
      part.values[at] = value;
  };
#pragma omp parallel for schedule(static) num_threads(threads)
  for (std::size_t i = 0; i < rows; ++i) {
    const index_t row = chunk.range.begin + static_cast<index_t>(i);
    const auto columns = chunk.row_columns(row);
    const auto values = chunk.row_values(row);
    std::size_t at = block.owned.offsets[i], ghost_at = ghosts_before[i];
    for (std::size_t e = 0; e < columns.size(); ++e) {
      if (!cols_.contains(columns[e])) {
        put(block.ghost, ghost_at, values[e]);
        block.ghost_columns[ghost_at++] = columns[e];
      } else if (has_diagonal_ && columns[e] == row) {
        diagonal_[static_cast<std::size_t>(row - rows_.begin)] = values[e];
      } else {
        block.owned.columns[at] = static_cast<std::uint32_t>(columns[e] - cols_.begin);
        put(block.owned, at++, values[e]);
      }
    }
  }
}

template <Scalar T>
CsrRows<T> StoredRows<T>::rows(RowRange piece) const {
  CsrRows<T> result;
  result.range = piece;
  result.cols = partition_.rows();
  result.offsets.assign(1, 0);
  const index_t first = piece.begin - rows_.begin, last = piece.end - rows_.begin;
  auto block = std::upper_bound(blocks_.begin(), blocks_.end(), first,
                                [](index_t row, const Block<T>& b) { return row < b.first; });
  if (piece.empty()) return result;
  for (--block; block != blocks_.end() && block->first < last; ++block)
    for (index_t i = std::max(first, block->first); i < std::min(last, block->first + block->rows);
         ++i)
      append_row(*block, i, result);
  return result;
}

/// Columns ascend: ghosts before the own ones, those, ghosts after.
template <Scalar T>
void StoredRows<T>::append_row(const Block<T>& block, index_t row, CsrRows<T>& to) const {
  const auto i = static_cast<std::uint32_t>(row - block.first);
  const auto add = [&](index_t column, const T& value) {
    to.columns.push_back(column);
    to.values.push_back(value);
  };
  const auto touching = std::lower_bound(block.ghost_rows.begin(), block.ghost_rows.end(), i) -
                        block.ghost_rows.begin();
  const bool touches = touching < std::ssize(block.ghost_rows) &&
                       block.ghost_rows[static_cast<std::size_t>(touching)] == i;
  std::size_t ghost = touches ? block.ghost.offsets[static_cast<std::size_t>(touching)] : 0;
  const std::size_t ghosts_end =
      touches ? block.ghost.offsets[static_cast<std::size_t>(touching) + 1] : 0;
  const auto add_ghosts = [&](index_t end) {
    for (; ghost < ghosts_end && ghosts_[block.ghost.columns[ghost]] < end; ++ghost)
      add(ghosts_[block.ghost.columns[ghost]], value(block.ghost, ghost));
  };
  add_ghosts(cols_.begin);
  // On the diagonal of a square matrix rows and columns are numbered alike.
  bool diagonal = has_diagonal_ && diagonal_[static_cast<std::size_t>(row)] != T{};
  const auto add_diagonal = [&] {
    add(rows_.begin + row, diagonal_[static_cast<std::size_t>(row)]);
    diagonal = false;
  };
  for (std::size_t e = block.owned.offsets[i]; e < block.owned.offsets[i + 1]; ++e) {
    const auto column = static_cast<index_t>(block.owned.columns[e]);
    if (diagonal && column > row) add_diagonal();
    add(cols_.begin + column, value(block.owned, e));
  }
  if (diagonal) add_diagonal();
  add_ghosts(partition_.rows());
  to.offsets.push_back(static_cast<index_t>(to.columns.size()));
}

template <Scalar T>
void StoredRows<T>::decode_all() {
  coded_ = false;
  for (auto& block : blocks_)
    for (auto* part : {&block.owned, &block.ghost}) {
      part->values.reserve(part->codes.size());
      for (const auto code : part->codes) part->values.push_back(codes_.table()[code]);
      part->codes = {};
    }
}

template <Scalar T>
void StoredRows<T>::number_ghosts() {
  GhostNumbers numbers(partition_);
  for (const auto& block : blocks_)
    for (const index_t column : block.ghost_columns) numbers.add(column);
  ghosts_ = numbers.number();
  for (auto& block : blocks_) {
    block.ghost.columns.reserve(block.ghost_columns.size());
    for (const index_t column : block.ghost_columns)
      block.ghost.columns.push_back(numbers.position(column));
    block.ghost_columns = {};
  }
}

template <Scalar T>
index_t StoredRows<T>::bytes() const noexcept {
  auto bytes = static_cast<index_t>(diagonal_.size() * sizeof(T) + ghosts_.size() * 8);
  for (const auto& block : blocks_)
    bytes += block.owned.bytes() + block.ghost.bytes() +
             static_cast<index_t>(block.ghost_rows.size() * 4);
  return bytes;
}

template <Scalar T>
double StoredRows<T>::row_sum_norm() const {
  double most = 0;
  for (const auto& block : blocks_) {
    std::vector<double> sums(static_cast<std::size_t>(block.rows), 0.0);
    const auto add = [&](const Part<T>& part, std::size_t entry, std::size_t row) {
      sums[row] += std::abs(value(part, entry));
    };
    for (std::size_t i = 0; i < sums.size(); ++i) {
      if (has_diagonal_) sums[i] += std::abs(diagonal_[static_cast<std::size_t>(block.first) + i]);
      for (std::size_t e = block.owned.offsets[i]; e < block.owned.offsets[i + 1]; ++e)
        add(block.owned, e, i);
    }
    for (std::size_t r = 0; r < block.ghost_rows.size(); ++r)
      for (std::size_t e = block.ghost.offsets[r]; e < block.ghost.offsets[r + 1]; ++e)
        add(block.ghost, e, block.ghost_rows[r]);
    for (const double sum : sums) most = std::max(most, sum);
  }
  return most;
}

template class StoredRows<double>;
template class StoredRows<std::complex<double>>;

}  // namespace kronsolve::detail
