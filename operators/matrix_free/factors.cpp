#include "operators/matrix_free/factors.hpp"

#include <cmath>
#include <map>

namespace kronsolve::detail {

namespace {

using Key = std::vector<SiteElement>;
using Complex = std::complex<double>;
/// coefficient[row][col] of sum row (x) col.
using Coefficients = std::map<Key, std::map<Key, Complex>>;

/// Rows of coefficients that are multiples of each other share their columns: one group a
/// direction. Returns (sum of rows) (x) (sum of columns) pairs.
std::vector<std::pair<PartSum, PartSum>> collect(const Coefficients& coefficients) {
  constexpr double equal = 4e-16;  // relative; scaling a row rounds once
  std::vector<std::pair<PartSum, PartSum>> groups;
  std::map<std::vector<Key>, std::vector<std::size_t>> with_columns;
  for (const auto& [row, entries] : coefficients) {
    std::vector<Key> columns;
    PartSum scaled;
    const Complex scale = entries.begin()->second;
    for (const auto& [column, c] : entries) {
      columns.push_back(column);
      scaled.push_back({c / scale, column});
    }
    auto& candidates = with_columns[columns];
    bool found = false;
    for (const std::size_t g : candidates) {
      const PartSum& other = groups[g].second;
      bool same = true;
      for (std::size_t i = 0; i < scaled.size(); ++i)
        same = same && std::abs(other[i].coefficient - scaled[i].coefficient) <=
                           equal * std::abs(scaled[i].coefficient);
      if (!same) continue;
      groups[g].first.push_back({scale, row});
      found = true;
      break;
    }
    if (found) continue;
    candidates.push_back(groups.size());
    groups.push_back({{{scale, row}}, std::move(scaled)});
  }
  return groups;
}

Coefficients transposed(const Coefficients& coefficients) {
  Coefficients result;
  for (const auto& [row, entries] : coefficients)
    for (const auto& [column, c] : entries) result[column][row] = c;
  return result;
}

bool is_diagonal(const Key& key, const std::vector<LocalSpace>& spaces) {
  for (const auto& [site, element] : key)
    if (element >= spaces[static_cast<std::size_t>(site)].dim()) return false;
  return true;
}

}  // namespace

FactoredOperator factor(const OpSum& op, int split, ScalarKind kind) {
  FactoredOperator result;
  Coefficients diagonal, mixed;
  for (const auto& term : op.canonical_terms()) {
    const Complex c =
        kind == ScalarKind::real ? Complex(term.coefficient.real()) : term.coefficient;
    if (c == 0.0) continue;
    Key high, low;
    for (const auto& f : term.factors) (f.site < split ? high : low).push_back(f);
    if (high.empty()) {
      result.low.push_back({c, low});
    } else if (low.empty()) {
      result.high.push_back({c, high});
    } else if (c.imag() == 0 && is_diagonal(high, op.spaces()) && is_diagonal(low, op.spaces())) {
      diagonal[high][low] = c;
    } else {
      mixed[high][low] = c;
    }
  }
  // A mixed pair costs one load a high element: group by high, so that each neighbour row is loaded
  // once.
  for (auto& [high, low] : collect(mixed))
    result.mixed.push_back({std::move(high), std::move(low)});
  // A diagonal pair costs one multiplication: take the direction with fewer.
  auto by_high = collect(diagonal), by_low = collect(transposed(diagonal));
  if (by_high.size() <= by_low.size()) {
    for (auto& [high, low] : by_high) result.diagonal.push_back({std::move(high), std::move(low)});
  } else {
    for (auto& [low, high] : by_low) result.diagonal.push_back({std::move(high), std::move(low)});
  }
  return result;
}

Monomial::Monomial(const PartTerm& term, const BlockLayout& layout)
    : coefficient_(term.coefficient) {
  for (const auto& [site, element] : term.factors) {
    const auto s = static_cast<std::size_t>(site);
    const int place = site < layout.split ? site : site - layout.split;
    const int dim = layout.dims[s];
    const auto [row, col] = element_digits(dim, element);
    if (row >= 0) {
      moves_.push_back({place, row});
      step_ += layout.strides[s] * static_cast<state_t>(static_cast<std::int64_t>(col - row));
      continue;
    }
    const LocalMatrix m = site_element(dim, element);
    Function f{place, {}};
    for (int digit = 0; digit < dim; ++digit) f.table.push_back(m(digit, digit).real());
    functions_.push_back(std::move(f));
  }
}

std::vector<Monomial> monomials(const PartSum& sum, const BlockLayout& layout) {
  std::vector<Monomial> result;
  result.reserve(sum.size());
  for (const auto& term : sum) result.emplace_back(term, layout);
  return result;
}

}  // namespace kronsolve::detail
