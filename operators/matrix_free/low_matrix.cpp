#include "operators/matrix_free/low_matrix.hpp"

#include <algorithm>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/index.hpp>

namespace kronsolve::detail {

namespace {

/// Values that at least an eighth of the entries share, the most frequent first; the rest keeps a
/// value each.
std::vector<double> common_values(const std::vector<RealEntry>& entries) {
  constexpr std::size_t most = 4, part = 8;
  struct Candidate {
    double value;
    std::size_t votes;
  };
  // Whatever so many entries share survives when each new value takes a vote from `part` others.
  std::vector<Candidate> candidates;
  for (const auto& e : entries) {
    const auto at = std::find_if(candidates.begin(), candidates.end(),
                                 [&](const auto& c) { return c.value == e.value; });
    if (at != candidates.end()) {
      ++at->votes;
    } else if (candidates.size() < part) {
      candidates.push_back({e.value, 1});
    } else {
      for (auto& c : candidates) --c.votes;
      std::erase_if(candidates, [](const auto& c) { return c.votes == 0; });
    }
  }
  if (candidates.size() > 1) {
    for (auto& c : candidates)
      c.votes = static_cast<std::size_t>(std::count_if(
          entries.begin(), entries.end(), [&](const auto& e) { return e.value == c.value; }));
    std::erase_if(candidates, [&](const auto& c) { return c.votes * part < entries.size(); });
  }
  std::sort(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) {
    return std::pair(b.votes, b.value) < std::pair(a.votes, a.value);
  });
  std::vector<double> common;
  for (const auto& c : candidates)
    if (common.size() < most) common.push_back(c.value);
  return common;
}

/// Contiguous pieces of equal value along a diagonal; none if they would be more than `most`.
std::vector<Run> find_runs(const std::vector<RealEntry>& entries, std::size_t most) {
  std::vector<Run> runs;
  std::vector<std::size_t> before, now;  // pieces with an entry in the last row, in this one
  std::uint32_t row = 0;
  for (const auto& e : entries) {
    if (e.row != row) {
      before.swap(now);
      now.clear();
      row = e.row;
    }
    const auto at = std::find_if(before.begin(), before.end(), [&](std::size_t r) {
      const Run& run = runs[r];
      return run.row + run.length == e.row && run.col + run.length == e.col && run.value == e.value;
    });
    if (at != before.end()) {
      ++runs[*at].length;
      now.push_back(*at);
      continue;
    }
    if (runs.size() == most) return {};
    now.push_back(runs.size());
    runs.push_back({e.row, e.col, 1, e.value});
  }
  return runs;
}

}  // namespace

RegisterMatrix::RegisterMatrix(const std::vector<RealEntry>& entries, std::size_t rows,
                               bool every_row)
    : entries_(entries.size()) {
  const auto common = common_values(entries);
  for (const double value : common)
    add_group(entries, rows, value, false, every_row && groups_.empty(),
              [&](const RealEntry& e) { return e.value == value; });
  const auto rest = [&](const RealEntry& e) {
    return std::find(common.begin(), common.end(), e.value) == common.end();
  };
  if (std::any_of(entries.begin(), entries.end(), rest))
    add_group(entries, rows, 1, true, every_row && groups_.empty(), rest);
  if (groups_.empty() && every_row) add_group(entries, rows, 0, false, true, rest);
  for (std::size_t g = 0; g < groups_.size(); ++g) groups_[g].bucket = buckets_[g].data();
  view_ = {static_cast<std::uint32_t>(groups_.size()), groups_.data()};
}

template <class Keep>
void RegisterMatrix::add_group(const std::vector<RealEntry>& entries, std::size_t rows,
                               double common, bool valued, bool every_row, const Keep& keep) {
  std::vector<std::uint32_t> count(rows, 0);
  for (const auto& e : entries) count[e.row] += keep(e) ? 1 : 0;
  const std::uint32_t largest = rows == 0 ? 0 : *std::max_element(count.begin(), count.end());
  struct Growing {
    std::vector<std::uint16_t> row, col;
    std::vector<double> value;
  };
  std::vector<Growing> with_count(largest + std::size_t{1});
  std::vector<std::size_t> rows_with(with_count.size(), 0);
  for (const auto n : count) ++rows_with[n];
  for (std::size_t n = 0; n <= largest; ++n) {
    with_count[n].row.reserve(rows_with[n]);
    with_count[n].col.reserve(rows_with[n] * n);
    if (valued) with_count[n].value.reserve(rows_with[n] * n);
  }
  auto e = entries.begin();
  for (std::size_t row = 0; row < rows; ++row) {
    Growing& list = with_count[count[row]];
    if (count[row] > 0 || every_row) list.row.push_back(narrow<std::uint16_t>(row, "low matrix"));
    for (; e != entries.end() && e->row == row; ++e) {
      if (!keep(*e)) continue;
      list.col.push_back(narrow<std::uint16_t>(e->col, "low matrix"));
      if (valued) list.value.push_back(e->value);
    }
  }
  auto& buckets = buckets_.emplace_back();
  for (std::size_t n = 0; n <= largest; ++n) {
    Growing& list = with_count[n];
    if (list.row.empty()) continue;
    const auto* row = indices_.emplace_back(std::move(list.row)).data();
    const auto* col = indices_.emplace_back(std::move(list.col)).data();
    const auto* value = valued ? values_.emplace_back(std::move(list.value)).data() : nullptr;
    buckets.push_back({static_cast<std::uint32_t>(n),
                       static_cast<std::uint32_t>(indices_[indices_.size() - 2].size()), row, col,
                       n > 0 ? value : nullptr});
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

LowMatrix::LowMatrix(const Scratch& entries, std::size_t rows, bool every_row) {
  if (entries.im.empty() && !every_row) {
    constexpr std::size_t worth = 16;  // below, the ends of the pieces cost more than tiles do
    runs = find_runs(entries.re, entries.re.size() / worth);
    if (!runs.empty()) return;
  }
  real = RegisterMatrix(entries.re, rows, every_row);
  imaginary = RegisterMatrix(entries.im, rows, false);
}

double LowMatrix::operations() const noexcept {
  double count = static_cast<double>(real.entries() + imaginary.entries());
  for (const auto& run : runs) count += run.length;
  return count;
}

}  // namespace kronsolve::detail
