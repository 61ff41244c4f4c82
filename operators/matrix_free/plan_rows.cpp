#include <algorithm>

#include <kronsolve/core/error.hpp>

#include "operators/matrix_free/plan_builder.hpp"

// What every row of the high strings gets: whole rows that move, rows with a low matrix, its
// diagonal.

namespace kronsolve::detail {

/// Which matrix, by its place in wanted_.
int PlanBuilder::wanted_matrix(std::size_t pair, int to, int from) {
  const auto [at, fresh] =
      wanted_at_.try_emplace({static_cast<int>(pair), to, from}, static_cast<int>(wanted_.size()));
  if (fresh) wanted_.push_back({pair, to, from});
  return at->second;
}

/// High terms: moves of whole rows, equal sources added up, and a constant.
void PlanBuilder::add_moves(index_t block, const std::vector<int>& digits,
                            const std::vector<Monomial>& high) {
  const state_t string = l_.code[static_cast<std::size_t>(block)];
  auto& all = entries_.moves;
  const auto first = static_cast<std::ptrdiff_t>(all.size());
  double constant = 0;
  for (const auto& term : high) {
    const Complex value = term.value(digits);
    if (value == 0.0) continue;
    if (term.is_diagonal()) {
      constant += value.real();
      if (value.imag() != 0) all.push_back({block, Complex(0, value.imag())});
    } else {
      const index_t target = l_.find(term.target(string));
      KRONSOLVE_ASSERT(target >= 0);
      all.push_back({target, value});
    }
  }
  entries_.constant.push_back(constant);
  std::sort(all.begin() + first, all.end(),
            [](const auto& a, const auto& c) { return a.block < c.block; });
  auto end = all.begin() + first;
  for (auto e = end; e != all.end();) {
    MoveEntry sum = *e;
    for (++e; e != all.end() && e->block == sum.block; ++e) sum.value += e->value;
    if (sum.value != 0.0) *end++ = sum;
  }
  all.erase(end, all.end());
  entries_.move_start.push_back(all.size());
}

/// The high part of one mixed pair: rows that come with the pair's low matrix.
void PlanBuilder::add_dressed(index_t block, const std::vector<int>& digits, std::size_t pair,
                              const std::vector<Monomial>& terms) {
  const state_t string = l_.code[static_cast<std::size_t>(block)];
  auto& all = entries_.dressed;
  const auto first = static_cast<std::ptrdiff_t>(all.size());
  for (const auto& term : terms) {
    const Complex value = term.value(digits);
    if (value == 0.0) continue;
    // Where charges allow the high part but no low string goes along, there is no such block.
    const index_t source = term.is_diagonal() ? block : l_.find(term.target(string));
    if (source >= 0) all.push_back({source, -1, value});
  }
  std::sort(all.begin() + first, all.end(),
            [](const auto& a, const auto& c) { return a.block < c.block; });
  const int cls = l_.class_of[static_cast<std::size_t>(block)];
  auto end = all.begin() + first;
  for (auto e = end; e != all.end();) {
    DressedEntry sum = *e;
    for (++e; e != all.end() && e->block == sum.block; ++e) sum.value += e->value;
    if (sum.value == 0.0) continue;
    sum.matrix = wanted_matrix(pair, cls, l_.class_of[static_cast<std::size_t>(sum.block)]);
    *end++ = sum;
  }
  all.erase(end, all.end());
}

void PlanBuilder::entries_of_rows() {
  const auto high = terms_.monomials(terms_.high, l_);
  std::vector<std::vector<Monomial>> diagonal, mixed;
  for (const auto& pair : terms_.diagonal) diagonal.push_back(terms_.monomials(pair.high, l_));
  for (const auto& pair : terms_.mixed) mixed.push_back(terms_.monomials(pair.high, l_));
  for (index_t b = first_; b < last_; ++b) {
    const auto digits = l_.high_digits(b);
    add_moves(b, digits, high);
    for (const auto& terms : diagonal) {
      double weight = 0;
      for (const auto& term : terms) weight += term.value(digits).real();
      entries_.weight.push_back(weight);
    }
    for (std::size_t pair = 0; pair < mixed.size(); ++pair)
      add_dressed(b, digits, pair, mixed[pair]);
    entries_.dressed_start.push_back(entries_.dressed.size());
  }
}

}  // namespace kronsolve::detail
