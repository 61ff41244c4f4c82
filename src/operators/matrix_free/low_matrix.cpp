#include "operators/matrix_free/low_matrix.hpp"

#include <algorithm>
#include <map>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/index.hpp>

namespace kronsolve::detail {

namespace {

using Place = std::array<std::uint32_t, 2>;
using Entries = std::vector<std::pair<Place, double>>;

/// Values that many entries share; the rest keeps a value each.
std::vector<double> common_values(const Entries& entries) {
  constexpr std::size_t most = 4;
  std::map<double, std::size_t> counts;
  for (const auto& [place, value] : entries) ++counts[value];
  std::vector<double> common;
  for (const auto& [value, count] : counts)
    if (count * 8 >= entries.size()) common.push_back(value);
  std::sort(common.begin(), common.end(),
            [&](double a, double b) { return std::pair(counts[b], b) < std::pair(counts[a], a); });
  if (common.size() > most) common.resize(most);
  return common;
}

/// Contiguous pieces of equal value along a diagonal.
std::vector<Run> find_runs(const std::vector<LowEntry>& entries) {
  std::vector<LowEntry> sorted = entries;
  const auto shift = [](const LowEntry& e) {
    return static_cast<std::int64_t>(e.col) - static_cast<std::int64_t>(e.row);
  };
  std::sort(sorted.begin(), sorted.end(), [&](const LowEntry& a, const LowEntry& b) {
    return std::pair(shift(a), a.row) < std::pair(shift(b), b.row);
  });
  std::vector<Run> runs;
  for (const auto& e : sorted) {
    if (!runs.empty()) {
      Run& last = runs.back();
      if (last.row + last.length == e.row && last.col + last.length == e.col &&
          last.value == e.value.real()) {
        ++last.length;
        continue;
      }
    }
    runs.push_back({e.row, e.col, 1, e.value.real()});
  }
  return runs;
}

}  // namespace

RegisterMatrix::RegisterMatrix(const Entries& entries, std::size_t rows, bool every_row)
    : entries_(entries.size()) {
  const auto common = common_values(entries);
  for (const double value : common) {
    Entries mine;
    std::copy_if(entries.begin(), entries.end(), std::back_inserter(mine),
                 [&](const auto& e) { return e.second == value; });
    add_group(std::move(mine), rows, value, false, every_row && groups_.empty());
  }
  Entries rest;
  std::copy_if(entries.begin(), entries.end(), std::back_inserter(rest), [&](const auto& e) {
    return std::find(common.begin(), common.end(), e.second) == common.end();
  });
  if (!rest.empty()) add_group(std::move(rest), rows, 1, true, every_row && groups_.empty());
  if (groups_.empty() && every_row) add_group({}, rows, 0, false, true);
  for (std::size_t g = 0; g < groups_.size(); ++g) groups_[g].bucket = buckets_[g].data();
  view_ = {static_cast<std::uint32_t>(groups_.size()), groups_.data()};
}

void RegisterMatrix::add_group(Entries entries, std::size_t rows, double common, bool valued,
                               bool every_row) {
  if (!std::is_sorted(entries.begin(), entries.end())) std::sort(entries.begin(), entries.end());
  std::vector<std::size_t> first(rows + 1, 0);
  for (const auto& [place, value] : entries) ++first[place[0] + 1];
  std::map<std::size_t, std::vector<std::uint32_t>> with_count;  // rows by number of entries
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t count = first[row + 1];
    if (count > 0 || every_row) with_count[count].push_back(static_cast<std::uint32_t>(row));
    first[row + 1] += first[row];
  }
  auto& buckets = buckets_.emplace_back();
  for (const auto& [count, list] : with_count) {
    auto& rows_of = indices_.emplace_back();
    std::vector<std::uint16_t> cols;
    std::vector<double> values;
    for (const std::uint32_t row : list) {
      rows_of.push_back(narrow<std::uint16_t>(row, "rows of a low matrix"));
      for (std::size_t e = first[row]; e < first[row + 1]; ++e) {
        cols.push_back(narrow<std::uint16_t>(entries[e].first[1], "columns of a low matrix"));
        if (valued) values.push_back(entries[e].second);
      }
    }
    const auto* row_data = rows_of.data();
    const auto* col_data = indices_.emplace_back(std::move(cols)).data();
    const auto* value_data = valued ? values_.emplace_back(std::move(values)).data() : nullptr;
    buckets.push_back({static_cast<std::uint32_t>(count), static_cast<std::uint32_t>(list.size()),
                       row_data, col_data, count > 0 ? value_data : nullptr});
  }
  groups_.push_back({common, static_cast<std::uint32_t>(buckets.size()), nullptr});
}

std::size_t RegisterMatrix::memory_bytes() const noexcept {
  std::size_t bytes = 0;
  for (const auto& v : indices_) bytes += v.size() * sizeof(v[0]);
  for (const auto& v : values_) bytes += v.size() * sizeof(v[0]);
  for (const auto& v : buckets_) bytes += v.size() * sizeof(v[0]);
  return bytes;
}

LowMatrix::LowMatrix(std::vector<LowEntry> entries, std::size_t rows, bool every_row) {
  const bool all_real = std::all_of(entries.begin(), entries.end(),
                                    [](const auto& e) { return e.value.imag() == 0; });
  if (all_real && !every_row) {
    constexpr std::size_t worth = 16;  // below, the ends of the pieces cost more than tiles do
    runs = find_runs(entries);
    if (runs.empty() || entries.size() / runs.size() >= worth) return;
    runs.clear();
  }
  Entries re, im;
  for (const auto& e : entries) {
    if (e.value.real() != 0) re.push_back({{e.row, e.col}, e.value.real()});
    if (e.value.imag() != 0) im.push_back({{e.row, e.col}, e.value.imag()});
  }
  real = RegisterMatrix(re, rows, every_row);
  imaginary = RegisterMatrix(im, rows, false);
}

double LowMatrix::operations() const noexcept {
  double count = static_cast<double>(real.entries() + imaginary.entries());
  for (const auto& run : runs) count += run.length;
  return count;
}

}  // namespace kronsolve::detail
