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

/// One row, ascending by representative, equal columns added up.
///
/// <a|H|b> = sum over configurations c of <a|H|c> s character sqrt(|Stab_b| / |Stab_a|) where U|c>
/// = s|b>: see SymmetryBasis.
template <Scalar T>
void reduce_row(const GroupAction& action, const SymmetryGroup& group, state_t row,
                const state_t* columns, const T* values, int n, std::vector<Entry<T>>& out) {
  // A sum this far below its summands is what cancellation left.
  constexpr double rounding = 1e-14;
  const auto first = out.size();
  double stabiliser = 0;
  for (int e = 0; e < n; ++e) {
    const auto found = action.find(columns[e]);
    if (found.vanishes) continue;
    const T phase = from_complex<T>(group.phase_value(found.phase));
    out.push_back({found.representative, std::sqrt(double(found.stabiliser)) * phase * values[e]});
  }
  if (out.size() == first) return;
  stabiliser = std::sqrt(double(action.find(row).stabiliser));
  const auto begin = out.begin() + static_cast<std::ptrdiff_t>(first);
  std::stable_sort(begin, out.end(),
                   [](const auto& a, const auto& b) { return a.column < b.column; });
  auto kept = begin;
  for (auto at = begin; at != out.end();) {
    Entry<T> sum = *at++;
    double scale = 0;  // of sums alone: one summand is no rounding error
    for (; at != out.end() && at->column == sum.column; ++at) {
      scale = std::max({scale, std::abs(sum.value), std::abs(at->value)});
      sum.value += at->value;
    }
    if (std::abs(sum.value) <= rounding * scale) continue;
    sum.value /= stabiliser;
    *kept++ = sum;
  }
  out.erase(kept, out.end());
}

template <Scalar T>
Batch<T> make_batch(const CompiledOperator<T>& op, const SymmetryBasis& basis, RowRange rows) {
  Batch<T> batch{rows, std::vector<index_t>(static_cast<std::size_t>(rows.size())), {}};
  const index_t pieces = (rows.size() + piece_rows - 1) / piece_rows;
  batch.pieces.resize(static_cast<std::size_t>(pieces));
#pragma omp parallel if (pieces > 1)
  {
    typename CompiledOperator<T>::Run run(op);
    std::vector<state_t> columns(static_cast<std::size_t>(op.largest_row()));
    std::vector<T> values(columns.size());
#pragma omp for schedule(dynamic, 1)
    for (index_t p = 0; p < pieces; ++p) {
      auto& out = batch.pieces[static_cast<std::size_t>(p)];
      for (index_t i = p * piece_rows; i < std::min(rows.size(), (p + 1) * piece_rows); ++i) {
        const state_t state = basis.representatives()[static_cast<std::size_t>(
            rows.begin + i - basis.row_range().begin)];
        const state_t high = state / op.low_states();
        if (!run.entered(high)) run.enter(high);
        const int n = run.fill(state - high * op.low_states(), columns.data(), values.data());
        const auto before = out.size();
        reduce_row(basis.action(), basis.group(), state, columns.data(), values.data(), n, out);
        batch.counts[static_cast<std::size_t>(i)] = static_cast<index_t>(out.size() - before);
      }
    }
  }
  return batch;
}

/// Columns of the entries of a batch in order, -1 where there is none. Collective with several
/// ranks.
template <Scalar T>
std::vector<index_t> look_up(const SymmetryBasis& basis, const Batch<T>& batch) {
  std::vector<state_t> states;
  for (const auto& piece : batch.pieces)
    for (const auto& entry : piece) states.push_back(entry.column);
  return ask_owners<index_t>(basis, states, [&](state_t s) { return basis.index(s); });
}

void require_owned(const SymmetryBasis& basis, RowRange range) {
  const RowRange mine = basis.row_range();
  const bool fits = range.empty() || (range.begin >= mine.begin && range.end <= mine.end);
  basis.comm().require_all(fits,
                           concat("rows of a symmetry sector: [", range.begin, ", ", range.end,
                                  ") asked of a rank that has [", mine.begin, ", ", mine.end, ")"));
}

}  // namespace

namespace {

/// Calls f(rows, their counts, columns, values) for one batch of rows after the other. Collective.
template <Scalar T, class F>
void for_each_batch(const CompiledOperator<T>& op, const SymmetryBasis& basis, RowRange range,
                    F&& f) {
  require_owned(basis, range);
  const index_t batches =
      basis.comm().all_reduce((range.size() + batch_rows - 1) / batch_rows, Reduce::max);
  bool inside = true;
  for (index_t b = 0; b < batches; ++b) {
    const RowRange rows{std::min(range.end, range.begin + b * batch_rows),
                        std::min(range.end, range.begin + (b + 1) * batch_rows)};
    auto batch = make_batch(op, basis, rows);
    const auto columns = look_up(basis, batch);
    inside = inside && std::find(columns.begin(), columns.end(), -1) == columns.end();
    LargeVector<T> values;
    values.reserve(columns.size());
    for (auto& piece : batch.pieces) {
      for (const auto& entry : piece) values.push_back(entry.value);
      std::vector<Entry<T>>().swap(piece);
    }
    f(rows, batch.counts, columns, std::move(values));
  }
  basis.comm().require_all(
      inside,
      "the operator leads out of the symmetry sector; drop the sector or the terms that break it");
}

}  // namespace

template <Scalar T>
CsrRows<T> build_symmetric_rows(const CompiledOperator<T>& op, const SymmetryBasis& basis,
                                RowRange range) {
  CsrRows<T> result;
  result.range = range;
  result.cols = basis.size();
  result.offsets.resize(static_cast<std::size_t>(range.size()) + 1);
  result.offsets[0] = 0;
  struct Done {
    LargeVector<index_t> columns;
    LargeVector<T> values;
  };
  std::vector<Done> parts;
  for_each_batch(op, basis, range,
                 [&](RowRange rows, const std::vector<index_t>& counts,
                     const std::vector<index_t>& columns, LargeVector<T> values) {
                   auto at = static_cast<std::size_t>(rows.begin - range.begin);
                   for (const index_t count : counts) {
                     result.offsets[at + 1] = result.offsets[at] + count;
                     ++at;
                   }
                   parts.push_back({{columns.begin(), columns.end()}, std::move(values)});
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
    part = Done{};
  }
  return result;
}

double packing_bytes(double local_rows, double entries_per_row) {
  // An entry of a batch: its representative and value, both once more in a list, and its column.
  constexpr double entry_bytes = 48;
  return std::min(local_rows, double(batch_rows)) * entries_per_row * entry_bytes;
}

template <Scalar T>
PackedRows<T> pack_symmetric_rows(const CompiledOperator<T>& op, const SymmetryBasis& basis) {
  PackedRows<T> packed(basis.row_range().begin, basis.size());
  for_each_batch(
      op, basis, basis.row_range(),
      [&](RowRange, const std::vector<index_t>& counts, const std::vector<index_t>& columns,
          const LargeVector<T>& values) { packed.append(counts, columns, values); });
  return packed;
}

template <Scalar T>
index_t count_symmetric_entries(const CompiledOperator<T>& op, const SymmetryBasis& basis,
                                RowRange range) {
  const RowRange mine = basis.row_range();
  if (!range.empty() && (range.begin < mine.begin || range.end > mine.end))
    throw DimensionError(concat("rows of a symmetry sector: [", range.begin, ", ", range.end,
                                ") asked of a rank that has [", mine.begin, ", ", mine.end, ")"));
  index_t entries = 0;
  for (index_t begin = range.begin; begin < range.end; begin += batch_rows) {
    const auto batch = make_batch(op, basis, {begin, std::min(range.end, begin + batch_rows)});
    for (const index_t n : batch.counts) entries += n;
  }
  return entries;
}

#define KRONSOLVE_INSTANTIATE(T)                                                                \
  template CsrRows<T> build_symmetric_rows(const CompiledOperator<T>&, const SymmetryBasis&,    \
                                           RowRange);                                           \
  template PackedRows<T> pack_symmetric_rows(const CompiledOperator<T>&, const SymmetryBasis&); \
  template index_t count_symmetric_entries(const CompiledOperator<T>&, const SymmetryBasis&,    \
                                           RowRange);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::detail
