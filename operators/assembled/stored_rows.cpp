#include "operators/assembled/stored_rows.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

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

}  // namespace

template <Scalar T>
void StoredRows<T>::build(const Lazy<T>& a, RowRange rows, RowRange cols) {
  (void)narrow<std::uint32_t>(cols.size(), "columns owned by one rank");
  if (has_diagonal_) diagonal_.assign(static_cast<std::size_t>(rows.size()), T{});
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
void StoredRows<T>::add_block(const CsrRows<T>& chunk, RowRange rows, RowRange cols) {
  (void)narrow<std::uint32_t>(chunk.entries(), "entries of a block of rows");
  if (coded_ && !learn(chunk)) decode_all();
  Block<T> block;
  block.first = chunk.range.begin - rows.begin;
  block.rows = chunk.range.size();
  encode(block, chunk, rows, cols);
  off_diagonal_ += static_cast<index_t>(block.owned.columns.size() + block.ghost_columns.size());
  blocks_.push_back(std::move(block));
}

/// The diagonal is stored by itself: disorder on the sites does not count.
template <Scalar T>
bool StoredRows<T>::learn(const CsrRows<T>& chunk) {
  for (index_t row = chunk.range.begin; row < chunk.range.end; ++row) {
    const auto columns = chunk.row_columns(row);
    const auto values = chunk.row_values(row);
    for (std::size_t e = 0; e < columns.size(); ++e)
      if (!(has_diagonal_ && columns[e] == row) && !codes_.learn(values[e])) return false;
  }
  return true;
}

template <Scalar T>
void StoredRows<T>::encode(Block<T>& block, const CsrRows<T>& chunk, RowRange rows, RowRange cols) {
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
      else if (!has_diagonal_ || column != row)
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
    if (coded_)
      part->codes.resize(size);
    else
      part->values.resize(size);
  }
  std::size_t ghost_at = 0;
  const auto put = [&](Part<T>& part, std::size_t at, const T& value) {
    if (coded_)
      part.codes[at] = codes_.code(value);
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
      } else if (has_diagonal_ && columns[e] == row) {
        diagonal_[static_cast<std::size_t>(row - rows.begin)] = values[e];
      } else {
        block.owned.columns[at] = static_cast<std::uint32_t>(columns[e] - cols.begin);
        put(block.owned, at++, values[e]);
      }
    }
  }
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
std::vector<index_t> StoredRows<T>::number_ghosts(const RowPartition& cols) {
  GhostNumbers numbers(cols);
  for (const auto& block : blocks_)
    for (const index_t column : block.ghost_columns) numbers.add(column);
  auto ghosts = numbers.number();
  for (auto& block : blocks_) {
    block.ghost.columns.reserve(block.ghost_columns.size());
    for (const index_t column : block.ghost_columns)
      block.ghost.columns.push_back(numbers.position(column));
    block.ghost_columns = {};
  }
  return ghosts;
}

template <Scalar T>
index_t StoredRows<T>::bytes() const noexcept {
  auto bytes = static_cast<index_t>(diagonal_.size() * sizeof(T));
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
      sums[row] += std::abs(part.codes.empty() ? part.values[entry] : table()[part.codes[entry]]);
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
