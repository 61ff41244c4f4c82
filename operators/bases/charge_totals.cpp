#include "operators/bases/charge_totals.hpp"

#include <set>

#include <kronsolve/operators/symmetry_group.hpp>

namespace kronsolve::detail {

std::vector<int> reachable(const AdditiveRule& rule) {
  std::set<int> totals = {0};
  for (const auto& values : rule.values) {
    std::set<int> next;
    for (const int total : totals)
      for (const int value : values) {
        const int sum = total + value;
        next.insert(rule.modulus > 0 ? ((sum % rule.modulus) + rule.modulus) % rule.modulus : sum);
      }
    totals = std::move(next);
  }
  return {totals.begin(), totals.end()};
}

std::optional<int> flipped_total(const std::vector<LocalSpace>& spaces,
                                 const std::vector<Charge>& charges, const Charge& charge) {
  const int m = charge.rule.modulus;
  for (const int sign :
       {1, -1}) {  // value of the flipped digit = constant of the site + sign * value
    int total = sign * charge.rule.target;
    bool fits = true;
    for (std::size_t site = 0; site < spaces.size() && fits; ++site) {
      const auto& values = charge.rule.values[site];
      const auto constant = [&](std::size_t digit) {
        const int c =
            values[static_cast<std::size_t>(flipped_digit(spaces[site], static_cast<int>(digit)))] -
            sign * values[digit];
        return m > 0 ? ((c % m) + m) % m : c;
      };
      for (std::size_t digit = 1; digit < values.size(); ++digit)
        fits = fits && constant(digit) == constant(0);
      total += constant(0);
    }
    if (fits) return m > 0 ? ((total % m) + m) % m : total;
  }
  for (const auto& other : charges) {  // nup and ndown change places
    bool exchanged = other.rule.modulus == m;
    for (std::size_t site = 0; site < spaces.size(); ++site)
      for (int digit = 0; digit < spaces[site].dim(); ++digit)
        exchanged =
            exchanged &&
            charge.rule
                    .values[site][static_cast<std::size_t>(flipped_digit(spaces[site], digit))] ==
                other.rule.values[site][static_cast<std::size_t>(digit)];
    if (exchanged) return other.rule.target;
  }
  return std::nullopt;
}

}  // namespace kronsolve::detail
