#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <numeric>
#include <set>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/rows.hpp>
#include <kronsolve/operators/sectors.hpp>

#include "core/counted.hpp"
#include "operators/assembled/sector_rows.hpp"
#include "operators/rows/compiled_operator.hpp"
#include "operators/rows/symmetry_rows.hpp"

namespace kronsolve {

namespace {

using detail::CompiledOperator;

constexpr index_t chunk_rows = 4096;

void require_range(const OpSum& op, const Basis& basis, RowRange range) {
  if (op.spaces() != basis.spaces())
    throw DimensionError(detail::concat("rows: the operator has ",
                                        detail::counted(op.sites(), "site"), ", the basis ",
                                        basis.sites(), ", or their local spaces differ"));
  if (range.begin < 0 || range.end < range.begin || range.end > basis.size())
    throw DimensionError(detail::concat("rows: [", range.begin, ", ", range.end,
                                        ") asked of a basis with ",
                                        detail::counted(basis.size(), "state")));
}

/// Walks over the states of a chunk of rows, run by run.
template <Scalar T, class F>
void for_each_state(const CompiledOperator<T>& op, typename CompiledOperator<T>::Run& run,
                    std::span<const state_t> states, F&& f) {
  const state_t width = op.low_states();
  state_t base = 0;
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (i == 0 || states[i] - base >= width) {
      const state_t high = detail::quotient(states[i], width);
      base = high * width;
      run.enter(high);
    }
    f(i, static_cast<std::uint64_t>(states[i] - base));
  }
}

/// Calls f(first row of the chunk, its states, a Run) for chunks of `range` on all threads. f must
/// not throw.
template <Scalar T, class F>
void for_each_chunk(const CompiledOperator<T>& op, const Basis& basis, RowRange range, F&& f) {
  const index_t chunks = (range.size() + chunk_rows - 1) / chunk_rows;
#pragma omp parallel num_threads(num_threads()) if (chunks > 1)
  {
    typename CompiledOperator<T>::Run run(op);
    std::vector<state_t> states(static_cast<std::size_t>(std::min(chunk_rows, range.size())));
#pragma omp for schedule(static)
    for (index_t chunk = 0; chunk < chunks; ++chunk) {
      const RowRange rows{range.begin + chunk * chunk_rows,
                          std::min(range.end, range.begin + (chunk + 1) * chunk_rows)};
      const auto mine = std::span(states).first(static_cast<std::size_t>(rows.size()));
      basis.states(rows, mine);
      f(rows, std::span<const state_t>(mine), run);
    }
  }
}

/// Rows where local rules forbid some of the configurations that the operator leads to: these
/// entries are left away. For one thread.
template <Scalar T>
class ProjectedRows {
 public:
  ProjectedRows(const CompiledOperator<T>& op, const Basis& basis)
      : basis_(basis),
        states_(static_cast<std::size_t>(op.largest_row())),
        columns_(states_.size()),
        values_(states_.size()) {}
  /// Makes a row and gives its number of entries.
  std::size_t make(const typename CompiledOperator<T>::Run& run, std::uint64_t low) {
    const auto n = static_cast<std::size_t>(run.fill(low, states_.data(), values_.data()));
    basis_.indices({states_.data(), n}, {columns_.data(), n});
    std::size_t kept = 0;
    for (std::size_t e = 0; e < n; ++e) {
      if (columns_[e] < 0) continue;
      columns_[kept] = columns_[e];
      values_[kept++] = values_[e];
    }
    return kept;
  }
  const index_t* columns() const { return columns_.data(); }
  const T* values() const { return values_.data(); }

 private:
  const Basis& basis_;
  std::vector<state_t> states_;
  std::vector<index_t> columns_;
  std::vector<T> values_;
};

bool is_projected(const Basis& basis) {
  return !basis.rules().empty() && basis.orbits() == nullptr;
}

/// offsets[i+1] = entries of rows before and including range.begin+i.
template <Scalar T>
LargeVector<index_t> count(const CompiledOperator<T>& op, const Basis& basis, RowRange range) {
  LargeVector<index_t> offsets(static_cast<std::size_t>(range.size()) + 1);
  offsets[0] = 0;
  const bool projected = is_projected(basis);
  for_each_chunk(op, basis, range, [&](RowRange rows, std::span<const state_t> states, auto& run) {
    index_t* out = offsets.data() + (rows.begin - range.begin) + 1;
    if (projected) {
      ProjectedRows<T> projection(op, basis);
      for_each_state(op, run, states, [&](std::size_t i, std::uint64_t low) {
        out[i] = static_cast<index_t>(projection.make(run, low));
      });
      return;
    }
    for_each_state(op, run, states,
                   [&](std::size_t i, std::uint64_t low) { out[i] = run.count(low); });
  });
  std::partial_sum(offsets.begin(), offsets.end(), offsets.begin());
  return offsets;
}

/// Sorts one row by column; bases whose order is not that of the configurations need it.
template <Scalar T>
void sort_row(std::span<index_t> columns, std::span<T> values) {
  if (std::is_sorted(columns.begin(), columns.end())) return;
  std::vector<std::pair<index_t, T>> entries(columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) entries[i] = {columns[i], values[i]};
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 0; i < columns.size(); ++i) std::tie(columns[i], values[i]) = entries[i];
}

std::string sector_text(const Basis& basis) {
  std::string text;
  for (const auto& condition : basis.sector()) text += (text.empty() ? "" : " ") + condition;
  return text;
}

/// Conditions that hold for every range of rows, checked once.
template <Scalar T>
void require_fits(const OpSum& op, const Basis& basis) {
  require_range(op, basis, {0, 0});
  if (!is_complex<T> && basis.scalar() == ScalarKind::complex)
    throw InvalidArgument(
        "rows: operators are complex in this sector; build them as complex numbers");
  if (const auto* group = basis.symmetries()) require_symmetric(op, *group);
  if (!basis.rules().empty()) require_conserved(op, basis);  // projecting would hide it
}

/// Rank of each low part among those with the same charges: in a charge sector the rows of one high
/// part are its low parts with the charges that are left, ascending.
std::vector<std::uint32_t> low_ranks(const Basis& basis, int first_low_site,
                                     std::uint64_t low_states) {
  std::vector<std::vector<int>> totals;  // [charge][low part]
  for (const auto& charge : basis.charges()) {
    std::vector<int> sums = {0};
    for (int site = first_low_site; site < basis.sites(); ++site) {
      std::vector<int> longer;
      for (const int sum : sums)
        for (const int value : charge.rule.values[static_cast<std::size_t>(site)])
          longer.push_back(sum + value);
      sums = std::move(longer);
    }
    KRONSOLVE_ASSERT(sums.size() == low_states);
    if (const int m = charge.rule.modulus; m > 0)
      for (int& sum : sums) sum = ((sum % m) + m) % m;
    totals.push_back(std::move(sums));
  }
  std::vector<std::uint32_t> ranks(low_states);
  std::map<std::vector<int>, std::uint32_t> counts;
  std::vector<int> key(totals.size());
  for (std::uint64_t low = 0; low < low_states; ++low) {
    for (std::size_t c = 0; c < key.size(); ++c) key[c] = totals[c][low];
    ranks[low] = counts[key]++;
  }
  return ranks;
}

template <Scalar T>
void fill_projected(const CompiledOperator<T>& op, const Basis& basis, CsrRows<T>& result) {
  const RowRange range = result.range;
  for_each_chunk(op, basis, range, [&](RowRange rows, std::span<const state_t> states, auto& run) {
    ProjectedRows<T> projection(op, basis);
    const index_t* offset = result.offsets.data() + (rows.begin - range.begin);
    for_each_state(op, run, states, [&](std::size_t i, std::uint64_t low) {
      const std::size_t n = projection.make(run, low);
      std::copy_n(projection.columns(), n, result.columns.data() + offset[i]);
      std::copy_n(projection.values(), n, result.values.data() + offset[i]);
    });
  });
}

template <Scalar T>
CsrRows<T> fill(const CompiledOperator<T>& op, const Basis& basis, RowRange range) {
  if (const auto* reduced = basis.orbits())
    return detail::build_symmetric_rows(op, *reduced, range);
  CsrRows<T> result;
  result.range = range;
  result.cols = basis.size();
  result.offsets = count(op, basis, range);
  const auto entries = static_cast<std::size_t>(result.offsets.back());
  result.columns.resize(entries);
  result.values.resize(entries);
  if (is_projected(basis)) {
    fill_projected(op, basis, result);
    return result;
  }
  const bool ascending = basis.paths() != nullptr, charged = !basis.charges().empty();
  const bool full = ascending && !charged, by_rank = ascending && charged;
  const auto ranks = by_rank ? low_ranks(basis, op.first_low_site(), op.low_states())
                             : std::vector<std::uint32_t>{};
  std::atomic<index_t> first_bad_row = range.end;
  const auto check = [&](index_t row, std::span<const index_t> columns) {
    if (std::find(columns.begin(), columns.end(), -1) == columns.end()) return;
    index_t seen = first_bad_row.load();
    while (row < seen && !first_bad_row.compare_exchange_weak(seen, row)) {
    }
  };

  for_each_chunk(op, basis, range, [&](RowRange rows, std::span<const state_t> states, auto& run) {
    const auto room = static_cast<std::size_t>(op.largest_row());
    std::vector<state_t> column_states(room);
    std::vector<name_t> names(room);  // of the full space, which fit
    std::vector<index_t> ranked(room);
    std::vector<T> elements(room);
    const index_t* offset = result.offsets.data() + (rows.begin - range.begin);
    for_each_state(op, run, states, [&](std::size_t i, std::uint64_t low) {
      const index_t row = rows.begin + static_cast<index_t>(i);
      index_t* columns = result.columns.data() + offset[i];
      T* values = result.values.data() + offset[i];
      const auto n = static_cast<std::size_t>(
          by_rank ? run.fill_ranked(low, row, basis, ranks.data(), ranked.data(), elements.data())
          : full  ? run.fill(low, names.data(), elements.data())
                  : run.fill(low, column_states.data(), elements.data()));
      KRONSOLVE_ASSERT(static_cast<index_t>(n) == offset[i + 1] - offset[i]);
      std::copy_n(elements.data(), n, values);
      if (by_rank) {
        std::copy_n(ranked.data(), n, columns);
        check(row, {columns, n});
      } else if (full) {
        for (std::size_t e = 0; e < n; ++e) columns[e] = static_cast<index_t>(names[e]);
      } else {
        basis.indices({column_states.data(), n}, {columns, n});
        check(row, {columns, n});
        sort_row<T>({columns, n}, {values, n});
      }
    });
  });

  if (const index_t row = first_bad_row.load(); row < range.end) {
    const state_t state = basis.state(row);
    typename CompiledOperator<T>::Run run(op);
    run.enter(state / op.low_states());
    std::vector<state_t> columns(static_cast<std::size_t>(op.largest_row()));
    std::vector<T> elements(columns.size());
    const int n = run.fill(static_cast<std::uint64_t>(state % op.low_states()), columns.data(),
                           elements.data());
    const auto outside = std::find_if(columns.begin(), columns.begin() + n,
                                      [&](state_t s) { return basis.index(s) < 0; });
    throw InvalidArgument(detail::concat(
        "the operator leads out of the sector ", sector_text(basis), ": it joins state ",
        basis.code().text(state), " with ", basis.code().text(*outside),
        "; drop the sector or the terms that break it"));
  }
  return result;
}

}  // namespace

template <Scalar T>
CsrRows<T> build_rows(const OpSum& op, const Basis& basis, RowRange range) {
  require_fits<T>(op, basis);
  require_range(op, basis, range);
  return fill(CompiledOperator<T>(op), basis, range);
}

index_t count_entries(const OpSum& op, const Basis& basis, RowRange range) {
  require_fits<std::complex<double>>(op, basis);
  require_range(op, basis, range);
  const CompiledOperator<std::complex<double>> compiled(op);
  if (const auto* reduced = basis.orbits())
    return detail::count_symmetric_entries(compiled, *reduced, range);
  return count(compiled, basis, range).back();
}

namespace {

/// For planning alone.
template <Scalar T>
Lazy<T> counted_lazy(const Basis& basis) {
  return Lazy<T>(basis.size(), basis.size(), [](RowRange) -> CsrRows<T> {
    throw InvalidArgument("the states of this sector are counted, not listed; use make_basis");
  });
}

}  // namespace

template <Scalar T>
Lazy<T> make_lazy(const SectorOperator& h) {
  require_fits<T>(h.op, *h.basis);
  if (detail::has_listed_orbits(*h.basis)) {
    const auto rows = std::make_shared<detail::SectorRows<T>>(h);
    (void)rows->stored();
    return detail::SectorRows<T>::lazy(rows);
  }
  if (!h.basis->is_listed()) return counted_lazy<T>(*h.basis);
  const auto compiled = std::make_shared<const CompiledOperator<T>>(h.op);
  const index_t n = h.basis->size();
  return Lazy<T>(
      n, n, [compiled, basis = h.basis](RowRange range) { return fill(*compiled, *basis, range); });
}

template <Scalar T>
double held_rows_bytes(const SectorOperator& h, double local_rows) {
  const double per_row = mean_entries(h);
  // Characters that are complex give many different values.
  const double value = is_complex<T> ? sizeof(T) : 1;
  return local_rows * (sizeof(T) + 4 + (per_row - 1) * (4 + value)) +
         detail::batch_bytes(local_rows, per_row);
}

double mean_entries(const SectorOperator& h) {
  if (h.basis->rules().empty()) return entries_per_row(h.op).mean;
  const ChargeBasis basis(h.basis->spaces(), h.basis->charges(), h.basis->rules());
  const CompiledOperator<std::complex<double>> op(h.op);
  constexpr index_t samples = 256, rows_each = 16;
  const index_t pieces = std::min(samples, basis.size());
  index_t rows = 0, entries = 0;
  for (index_t s = 0; s < pieces; ++s) {
    const index_t begin = basis.size() / pieces * s;
    const RowRange range{begin, std::min(basis.size(), begin + rows_each)};
    entries += count(op, basis, range).back();
    rows += range.size();
  }
  return double(entries) / double(rows);
}

EntriesPerRow entries_per_row(const OpSum& op) {
  // Moves by their sites and the digits of the row on them: rows with those digits have that many
  // entries from these sites.
  std::map<std::vector<int>, std::map<std::vector<int>, std::map<std::vector<int>, int>>> moves;
  const CanonicalForm& form = op.canonical_form();
  for (const auto& term : form.terms) {
    std::vector<int> sites, from, to;
    for (const auto& factor : term.factors) {
      const LocalElement& element = form[factor];
      if (element.is_diagonal()) continue;
      sites.push_back(factor.site);
      from.push_back(element.row);
      to.push_back(element.col);
    }
    moves[sites][from][to] = 1;
  }
  EntriesPerRow result;
  for (const auto& [sites, by_digits] : moves) {
    double configurations = 1;
    for (const int site : sites)
      configurations *= op.spaces()[static_cast<std::size_t>(site)].dim();
    index_t most = 0;
    for (const auto& [digits, targets] : by_digits) {
      result.mean += static_cast<double>(targets.size()) / configurations;
      most = std::max(most, static_cast<index_t>(targets.size()));
    }
    result.most += most;
  }
  return result;
}

#define KRONSOLVE_INSTANTIATE(T)                                        \
  template CsrRows<T> build_rows(const OpSum&, const Basis&, RowRange); \
  template Lazy<T> make_lazy(const SectorOperator&);                    \
  template double held_rows_bytes<T>(const SectorOperator&, double);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
