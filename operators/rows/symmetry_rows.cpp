#include "operators/rows/symmetry_rows.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/threads.hpp>

#include "operators/bases/symmetry_lookup.hpp"
#include "operators/rows/orbit_rows.hpp"

namespace kronsolve::detail {

namespace {

constexpr index_t batch_rows = 65536;

template <Scalar T>
struct Entry {
  name_t column;
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

/// Appends the entries of a row, ascending by representative, equal columns added up.
template <Scalar T>
class RowReducer {
 public:
  RowReducer(const CompiledOperator<T>& op, const SymmetryBasis& basis,
             const GroupAction::Steps& steps)
      : rows_(op, basis, steps), columns_(rows_.room()), values_(rows_.room()) {}

  void operator()(name_t representative, std::vector<Entry<T>>& out) {
    const auto first = out.size();
    const auto row = rows_(representative, columns_.data(), values_.data());
    if (row.diagonal != T{}) out.push_back({representative, row.diagonal});
    for (std::size_t e = 0; e < row.entries; ++e) out.push_back({columns_[e], values_[e]});
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

  OrbitRows<T> rows_;
  std::vector<name_t> columns_;
  std::vector<T> values_;
};

template <Scalar T>
Batch<T> make_batch(const CompiledOperator<T>& op, const SymmetryBasis& basis,
                    const GroupAction::Steps& steps, RowRange rows) {
  Batch<T> batch{rows, std::vector<index_t>(static_cast<std::size_t>(rows.size())), {}};
  const index_t pieces = (rows.size() + piece_rows - 1) / piece_rows;
  batch.pieces.resize(static_cast<std::size_t>(pieces));
#pragma omp parallel num_threads(num_threads()) if (pieces > 1)
  {
    RowReducer<T> reducer(op, basis, steps);
#pragma omp for schedule(dynamic, 1)
    for (index_t p = 0; p < pieces; ++p) {
      auto& out = batch.pieces[static_cast<std::size_t>(p)];
      for (index_t i = p * piece_rows; i < std::min(rows.size(), (p + 1) * piece_rows); ++i) {
        const auto before = out.size();
        reducer(static_cast<name_t>(basis.state(rows.begin + i)), out);
        batch.counts[static_cast<std::size_t>(i)] = static_cast<index_t>(out.size() - before);
      }
    }
  }
  return batch;
}

/// The orbit has no state of this sector because of its symmetry or of what is forbidden.
bool is_nothing(const SymmetryBasis& basis, name_t representative) {
  return basis.action().find(representative).vanishes ||
         (!basis.rules().empty() && basis.configurations().index(representative) < 0);
}

/// Takes entries of orbits that are nothing out. False if a column is no state of the sector for
/// another reason.
template <Scalar T>
bool drop_vanishing(const SymmetryBasis& basis, std::span<const name_t> states, CsrRows<T>& rows) {
  if (std::find(rows.columns.begin(), rows.columns.end(), -1) == rows.columns.end()) return true;
  std::size_t to = 0, at = 0;
  for (std::size_t i = 0; i + 1 < rows.offsets.size(); ++i) {
    for (const auto end = static_cast<std::size_t>(rows.offsets[i + 1]); at < end; ++at) {
      if (rows.columns[at] < 0) {
        if (!is_nothing(basis, states[at])) return false;
        continue;
      }
      rows.columns[to] = rows.columns[at];
      rows.values[to++] = rows.values[at];
    }
    rows.offsets[i + 1] = static_cast<index_t>(to);
  }
  rows.columns.resize(to);
  rows.values.resize(to);
  return true;
}

/// The batch with columns as numbers, none if it leads out of the sector. Collective with several
/// ranks.
template <Scalar T>
std::optional<CsrRows<T>> with_columns(const SymmetryBasis& basis, Batch<T> batch) {
  CsrRows<T> rows;
  rows.range = batch.rows;
  rows.cols = basis.size();
  rows.offsets.assign(1, 0);
  for (const index_t count : batch.counts) rows.offsets.push_back(rows.offsets.back() + count);
  const auto entries = static_cast<std::size_t>(rows.offsets.back());
  LargeVector<name_t> states(entries);
  rows.values.resize(entries);
  rows.columns.resize(entries);
#pragma omp parallel for num_threads(num_threads()) schedule(static)
  for (std::size_t p = 0; p < batch.pieces.size(); ++p) {
    auto at = static_cast<std::size_t>(rows.offsets[p * piece_rows]);
    for (const auto& entry : batch.pieces[p]) {
      states[at] = entry.column;
      rows.values[at++] = entry.value;
    }
    std::vector<Entry<T>>().swap(batch.pieces[p]);
  }
  const std::span<const name_t> asked(states.data(), states.size());
  // Row and stabiliser of a column in one number.
  const index_t stride = basis.group().order() + 1;
  const auto columns = ask_owners<index_t>(
      basis, asked, [&](std::span<const name_t> some, std::span<index_t> found) {
        basis.rows_of(some, found);
        for (index_t& row : found)
          if (row >= 0) row = row * stride + basis.stabiliser(row);
      });
#pragma omp parallel for num_threads(num_threads()) schedule(static)
  for (std::size_t i = 0; i < batch.counts.size(); ++i) {
    const int own = basis.stabiliser(rows.range.begin + static_cast<index_t>(i));
    for (auto e = static_cast<std::size_t>(rows.offsets[i]);
         e < static_cast<std::size_t>(rows.offsets[i + 1]); ++e) {
      rows.columns[e] = columns[e] < 0 ? -1 : columns[e] / stride;
      const auto stabiliser = static_cast<int>(columns[e] % stride);
      if (columns[e] >= 0 && stabiliser != own)
        rows.values[e] *= std::sqrt(double(stabiliser) / own);
    }
  }
  if (!drop_vanishing(basis, asked, rows)) return std::nullopt;
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
    inside = inside && batch.has_value();
    if (inside) take(*batch);
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
    for (const auto& piece : batch.pieces)
      entries += std::count_if(piece.begin(), piece.end(), [&](const Entry<T>& entry) {
        return !is_nothing(basis, entry.column);
      });
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
