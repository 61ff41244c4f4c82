#include "operators/rows/symmetry_rows.hpp"

#include <algorithm>
#include <cmath>

#include <kronsolve/core/error.hpp>

#include "operators/bases/group_action.hpp"
#include "operators/bases/symmetry_lookup.hpp"

namespace kronsolve::detail {

namespace {

constexpr index_t batch_rows = 65536;

template <Scalar T>
struct Entry {
  state_t column;
  T value;
};

/// Rows of one batch: columns still as representatives.
template <Scalar T>
struct Batch {
  RowRange rows;
  std::vector<index_t> counts;
  std::vector<std::vector<Entry<T>>> pieces;  ///< by piece of rows
};

constexpr index_t piece_rows = 1024;

/// Reduces rows to the sector, for one thread.
///
/// <a|H|b> = sum over configurations c of <a|H|c> s character sqrt(|Stab_b| / |Stab_a|) where U|c>
/// = s|b>: see SymmetryBasis.
template <Scalar T>
class RowReducer {
 public:
  RowReducer(const CompiledOperator<T>& op, const SymmetryBasis& basis,
             const GroupAction::Steps& steps)
      : op_(op),
        group_(basis.group()),
        run_(op),
        neighbours_(basis.action(), steps),
        moves_(static_cast<std::size_t>(op.largest_row())),
        columns_(moves_.size()),
        values_(moves_.size()) {
    for (int phase = 0; phase < group_.phases(); ++phase)
      phases_.push_back(from_complex<T>(group_.phase_value(phase)));
  }

  /// Appends the entries of a representative's row, ascending by representative, equal columns
  /// added up.
  void reduce(state_t row, std::vector<Entry<T>>& out) {
    const state_t high = row / op_.low_states();
    if (!run_.entered(high)) run_.enter(high);
    const int n =
        run_.fill(row - high * op_.low_states(), moves_.data(), columns_.data(), values_.data());
    if (n == 0) return;
    neighbours_.enter(row);
    const auto first = out.size();
    const int own = neighbours_.find().stabiliser;
    for (int e = 0; e < n; ++e) {
      if (moves_[e] < 0) {
        out.push_back({row, values_[e]});
        continue;
      }
      const auto found = neighbours_.find(static_cast<std::size_t>(moves_[e]), columns_[e]);
      if (found.vanishes) continue;
      const T value = phases_[static_cast<std::size_t>(found.phase)] * values_[e];
      out.push_back(
          {found.representative,
           found.stabiliser == own ? value : std::sqrt(double(found.stabiliser) / own) * value});
    }
    add_equal(out, first);
  }

 private:
  using Iterator = typename std::vector<Entry<T>>::iterator;
  /// By column, equal ones in their order.
  static void sort(Iterator begin, Iterator end) {
    constexpr std::ptrdiff_t few = 64;  // are sorted before std::stable_sort has its memory
    if (end - begin > few) {
      std::stable_sort(begin, end,
                       [](const auto& a, const auto& b) { return a.column < b.column; });
      return;
    }
    for (auto next = begin; next != end; ++next) {
      const Entry<T> entry = *next;
      auto place = next;
      for (; place != begin && (place - 1)->column > entry.column; --place) *place = *(place - 1);
      *place = entry;
    }
  }
  static void add_equal(std::vector<Entry<T>>& out, std::size_t first) {
    // A sum this far below its summands is what cancellation left.
    constexpr double rounding = 1e-14;
    const auto begin = out.begin() + static_cast<std::ptrdiff_t>(first);
    sort(begin, out.end());
    auto kept = begin;
    for (auto at = begin; at != out.end();) {
      Entry<T> sum = *at++;
      double scale = 0;  // of sums alone: one summand is no rounding error
      for (; at != out.end() && at->column == sum.column; ++at) {
        scale = std::max({scale, std::abs(sum.value), std::abs(at->value)});
        sum.value += at->value;
      }
      if (std::abs(sum.value) <= rounding * scale) continue;
      *kept++ = sum;
    }
    out.erase(kept, out.end());
  }

  const CompiledOperator<T>& op_;
  const SymmetryGroup& group_;
  typename CompiledOperator<T>::Run run_;
  GroupAction::Neighbours neighbours_;
  std::vector<T> phases_;  ///< by phase
  std::vector<int> moves_;
  std::vector<state_t> columns_;
  std::vector<T> values_;
};

template <Scalar T>
Batch<T> make_batch(const CompiledOperator<T>& op, const SymmetryBasis& basis,
                    const GroupAction::Steps& steps, RowRange rows) {
  Batch<T> batch{rows, std::vector<index_t>(static_cast<std::size_t>(rows.size())), {}};
  const index_t pieces = (rows.size() + piece_rows - 1) / piece_rows;
  batch.pieces.resize(static_cast<std::size_t>(pieces));
#pragma omp parallel if (pieces > 1)
  {
    RowReducer<T> reducer(op, basis, steps);
#pragma omp for schedule(dynamic, 1)
    for (index_t p = 0; p < pieces; ++p) {
      auto& out = batch.pieces[static_cast<std::size_t>(p)];
      for (index_t i = p * piece_rows; i < std::min(rows.size(), (p + 1) * piece_rows); ++i) {
        const auto before = out.size();
        reducer.reduce(basis.state(rows.begin + i), out);
        batch.counts[static_cast<std::size_t>(i)] = static_cast<index_t>(out.size() - before);
      }
    }
  }
  return batch;
}

/// The batch with columns as numbers, -1 where there is none. Collective with several ranks.
template <Scalar T>
CsrRows<T> with_columns(const SymmetryBasis& basis, Batch<T> batch) {
  CsrRows<T> rows;
  rows.range = batch.rows;
  rows.cols = basis.size();
  rows.offsets.assign(1, 0);
  for (const index_t count : batch.counts) rows.offsets.push_back(rows.offsets.back() + count);
  const auto entries = static_cast<std::size_t>(rows.offsets.back());
  LargeVector<state_t> states(entries);
  rows.values.resize(entries);
#pragma omp parallel for schedule(static)
  for (std::size_t p = 0; p < batch.pieces.size(); ++p) {
    auto at = static_cast<std::size_t>(rows.offsets[p * piece_rows]);
    for (const auto& entry : batch.pieces[p]) {
      states[at] = entry.column;
      rows.values[at++] = entry.value;
    }
    std::vector<Entry<T>>().swap(batch.pieces[p]);
  }
  const auto columns =
      ask_owners<index_t>(basis, std::span<const state_t>(states.data(), states.size()),
                          [&](std::span<const state_t> some, std::span<index_t> indices) {
                            basis.indices(some, indices);
                          });
  rows.columns.assign(columns.begin(), columns.end());
  return rows;
}

void require_owned(const SymmetryBasis& basis, RowRange range) {
  const RowRange mine = basis.row_range();
  const bool fits = range.empty() || (range.begin >= mine.begin && range.end <= mine.end);
  basis.comm().require_all(fits,
                           concat("rows of a symmetry sector: [", range.begin, ", ", range.end,
                                  ") asked of a rank that has [", mine.begin, ", ", mine.end, ")"));
}

}  // namespace

template <Scalar T>
void build_symmetric_rows(const CompiledOperator<T>& op, const SymmetryBasis& basis, RowRange range,
                          const std::function<void(const CsrRows<T>&)>& take) {
  require_owned(basis, range);
  const index_t batches =
      basis.comm().all_reduce((range.size() + batch_rows - 1) / batch_rows, Reduce::max);
  const auto steps = basis.action().steps(op.move_ends());
  bool inside = true;
  for (index_t b = 0; b < batches; ++b) {
    const RowRange rows{std::min(range.end, range.begin + b * batch_rows),
                        std::min(range.end, range.begin + (b + 1) * batch_rows)};
    const auto batch = with_columns(basis, make_batch(op, basis, steps, rows));
    inside =
        inside && std::find(batch.columns.begin(), batch.columns.end(), -1) == batch.columns.end();
    if (inside) take(batch);
  }
  basis.comm().require_all(
      inside,
      "the operator leads out of the symmetry sector; drop the sector or the terms that break it");
}

template <Scalar T>
CsrRows<T> build_symmetric_rows(const CompiledOperator<T>& op, const SymmetryBasis& basis,
                                RowRange range) {
  CsrRows<T> result;
  result.range = range;
  result.cols = basis.size();
  result.offsets.assign(1, 0);
  std::vector<CsrRows<T>> parts;
  build_symmetric_rows<T>(op, basis, range, [&](const CsrRows<T>& batch) {
    for (std::size_t i = 1; i < batch.offsets.size(); ++i)
      result.offsets.push_back(result.offsets.back() + batch.offsets[i] - batch.offsets[i - 1]);
    parts.push_back(batch);
  });
  // Memory of the result is untouched until here and each part goes as it is copied: the peak is
  // one copy and a part.
  const auto entries = static_cast<std::size_t>(result.offsets.back());
  result.columns.resize(entries);
  result.values.resize(entries);
  std::size_t at = 0;
  for (auto& part : parts) {
    std::copy(part.columns.begin(), part.columns.end(),
              result.columns.begin() + static_cast<std::ptrdiff_t>(at));
    std::copy(part.values.begin(), part.values.end(),
              result.values.begin() + static_cast<std::ptrdiff_t>(at));
    at += part.columns.size();
    part = {};
  }
  return result;
}

double batch_bytes(double local_rows, double entries_per_row) {
  // An entry of a batch: its representative and value, both once more in a list, and its column
  // twice.
  constexpr double entry_bytes = 56;
  return std::min(local_rows, double(batch_rows)) * entries_per_row * entry_bytes;
}

template <Scalar T>
index_t count_symmetric_entries(const CompiledOperator<T>& op, const SymmetryBasis& basis,
                                RowRange range) {
  const RowRange mine = basis.row_range();
  if (!range.empty() && (range.begin < mine.begin || range.end > mine.end))
    throw DimensionError(concat("rows of a symmetry sector: [", range.begin, ", ", range.end,
                                ") asked of a rank that has [", mine.begin, ", ", mine.end, ")"));
  const auto steps = basis.action().steps(op.move_ends());
  index_t entries = 0;
  for (index_t begin = range.begin; begin < range.end; begin += batch_rows) {
    const auto batch =
        make_batch(op, basis, steps, {begin, std::min(range.end, begin + batch_rows)});
    for (const index_t n : batch.counts) entries += n;
  }
  return entries;
}

#define KRONSOLVE_INSTANTIATE(T)                                                                 \
  template CsrRows<T> build_symmetric_rows(const CompiledOperator<T>&, const SymmetryBasis&,     \
                                           RowRange);                                            \
  template void build_symmetric_rows(const CompiledOperator<T>&, const SymmetryBasis&, RowRange, \
                                     const std::function<void(const CsrRows<T>&)>&);             \
  template index_t count_symmetric_entries(const CompiledOperator<T>&, const SymmetryBasis&,     \
                                           RowRange);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::detail
