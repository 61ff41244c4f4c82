#include "operators/matrix_free/factors.hpp"

#include <algorithm>
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
    Complex scale = entries.begin()->second;
    if (!std::all_of(entries.begin(), entries.end(), [&](const auto& entry) {
          const double size = std::abs(entry.second / scale);
          return size > 0 && std::isfinite(size);
        }))
      scale = 1;  // too far apart for a quotient
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

}  // namespace

FactoredOperator factor(const OpSum& op, int split, ScalarKind kind) {
  const CanonicalForm& form = op.canonical_form();
  FactoredOperator result{form.elements, {}, {}, {}, {}};
  Coefficients diagonal, mixed;
  for (const auto& term : form.terms) {
    const Complex c =
        kind == ScalarKind::real ? Complex(term.coefficient.real()) : term.coefficient;
    if (c == 0.0) continue;
    Key high, low;
    for (const auto& f : term.factors) (f.site < split ? high : low).push_back(f);
    if (high.empty()) {
      result.low.push_back({c, low});
    } else if (low.empty()) {
      result.high.push_back({c, high});
    } else if (c.imag() == 0 && form.is_diagonal(term)) {
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

Monomial::Monomial(const PartTerm& term, const std::vector<LocalElement>& elements,
                   const BlockLayout& layout)
    : coefficient_(term.coefficient) {
  for (const auto& [site, number] : term.factors) {
    const auto s = static_cast<std::size_t>(site);
    const int place = site < layout.split ? site : site - layout.split;
    const LocalElement& element = elements[static_cast<std::size_t>(number)];
    if (element.is_diagonal()) {
      functions_.push_back({place, element.values});
      continue;
    }
    moves_.push_back({place, element.row});
    const int step = element.col - element.row;
    step_ += layout.strides[s] * static_cast<state_t>(static_cast<std::int64_t>(step));
  }
}

std::vector<Monomial> FactoredOperator::monomials(const PartSum& sum,
                                                  const BlockLayout& layout) const {
  std::vector<Monomial> result;
  result.reserve(sum.size());
  for (const auto& term : sum) result.emplace_back(term, elements, layout);
  return result;
}

}  // namespace kronsolve::detail
