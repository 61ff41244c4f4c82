#include <algorithm>

#include <kronsolve/core/error.hpp>

#include "operators/matrix_free/plan_builder.hpp"

// What every row of the high strings gets: whole rows that move, rows with a low matrix, its
// diagonal.

namespace kronsolve::detail {

/// Which matrix, by its place in wanted_.
int PlanBuilder::wanted_matrix(const WantedMatrix& wanted) {
  const auto [at, fresh] = wanted_at_.try_emplace(wanted, static_cast<int>(wanted_.size()));
  if (fresh) wanted_.push_back(wanted);
  return at->second;
}

/// Adds equal sources of moves up, from `first` on.
void PlanBuilder::take_moves(std::size_t first) {
  auto& all = entries_.moves;
  const auto key = [](const MoveEntry& e) { return std::pair(e.block, e.backwards); };
  auto end = all.begin() + static_cast<std::ptrdiff_t>(first);
  std::sort(end, all.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  for (auto e = end; e != all.end();) {
    MoveEntry sum = *e;
    for (++e; e != all.end() && key(*e) == key(sum); ++e) sum.value += e->value;
    if (sum.value != 0.0) *end++ = sum;
  }
  all.erase(end, all.end());
  entries_.move_start.push_back(all.size());
}

/// High terms: moves of whole rows and a constant. A row that lies turned over is read backwards
/// where that is all there is to it; else, in folded blocks, and where local rules allow other low
/// strings behind it, it comes by way of a matrix.
void PlanBuilder::add_moves(index_t block, const std::vector<int>& digits,
                            const std::vector<Monomial>& high) {
  const state_t string = l_.code[static_cast<std::size_t>(block)];
  const int cls = l_.class_of[static_cast<std::size_t>(block)];
  auto& all = entries_.moves;
  const std::size_t first = all.size();
  double constant = 0;
  std::vector<DressedEntry> turned;
  for (const auto& term : high) {
    const Complex value = term.value(digits);
    if (value == 0.0) continue;
    if (term.is_diagonal()) {
      constant += value.real();
      if (value.imag() != 0) all.push_back({block, Complex(0, value.imag())});
      continue;
    }
    const HighPlace place = l_.find(term.target(string));
    if (place.block < 0) {
      // Forbidden, or its own image, which may be nothing.
      KRONSOLVE_ASSERT(place.turn != 0 || l_.projects());
      continue;
    }
    const int from = l_.class_of[static_cast<std::size_t>(place.block)];
    const bool other_strings = l_.projects() && (place.turn != 0 || from != cls);
    if (l_.folded(cls) || l_.folded(from) || other_strings ||
        (place.turn != 0 && !l_.flip_reverses()))
      turned.push_back({place, -1, value});
    else
      all.push_back({place.block, l_.turn_sign(place.turn, from) * value, place.turn != 0});
  }
  take_dressed(block, -1, turned);
  entries_.constant.push_back(constant);
  take_moves(first);
}

/// The high part of one mixed pair: rows that come with the pair's low matrix.
void PlanBuilder::add_dressed(index_t block, const std::vector<int>& digits, int pair,
                              const std::vector<Monomial>& terms) {
  const state_t string = l_.code[static_cast<std::size_t>(block)];
  std::vector<DressedEntry> sources;
  for (const auto& term : terms) {
    const Complex value = term.value(digits);
    if (value == 0.0) continue;
    // Where charges allow the high part but no low string goes along, there is no such block.
    const HighPlace place = l_.find(term.target(string));
    if (place.block >= 0) sources.push_back({place, -1, value});
  }
  take_dressed(block, pair, sources);
}

/// Adds equal sources up and says which matrix each comes with.
void PlanBuilder::take_dressed(index_t block, int pair, std::vector<DressedEntry>& sources) {
  const auto key = [](const DressedEntry& e) { return std::pair(e.place.block, e.place.turn); };
  std::sort(sources.begin(), sources.end(),
            [&](const auto& a, const auto& b) { return key(a) < key(b); });
  const int cls = l_.class_of[static_cast<std::size_t>(block)];
  for (auto e = sources.begin(); e != sources.end();) {
    DressedEntry sum = *e;
    for (++e; e != sources.end() && key(*e) == key(sum); ++e) sum.value += e->value;
    if (sum.value == 0.0) continue;
    const int from = l_.class_of[static_cast<std::size_t>(sum.place.block)];
    sum.matrix = wanted_matrix({pair, cls, from, sum.place.turn});
    entries_.dressed.push_back(sum);
  }
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
      add_dressed(b, digits, static_cast<int>(pair), mixed[pair]);
    entries_.dressed_start.push_back(entries_.dressed.size());
  }
}

}  // namespace kronsolve::detail
