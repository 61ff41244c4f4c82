#include "operators/bases/digit_layout.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include <kronsolve/core/error.hpp>

namespace kronsolve::detail {

double DiagonalProduct::largest() const noexcept {
  double bound = 1;
  for (const auto& f : factors) {
    double most = 0;
    // Digits beyond the dimension never occur; the tables are padded with zeros for them.
    for (unsigned digit = 0; digit <= f.mask; ++digit)
      most = std::max(most, std::abs(f.values[digit]));
    bound *= most;
  }
  return bound;
}

bool operator==(const DiagonalProduct& a, const DiagonalProduct& b) {
  return a.sign_mask == b.sign_mask &&
         std::equal(a.factors.begin(), a.factors.end(), b.factors.begin(), b.factors.end(),
                    [](const auto& x, const auto& y) {
                      return x.shift == y.shift && x.values == y.values;
                    });
}

DigitLayout::DigitLayout(const std::vector<LocalSpace>& spaces) : code_(spaces) {
  shifts_.resize(spaces.size());
  bits_.resize(spaces.size());
  int shift = 0;
  for (std::size_t s = spaces.size(); s-- > 0;) {
    const auto dim = static_cast<unsigned>(spaces[s].dim());
    bits_[s] = std::bit_width(dim - 1);
    shifts_[s] = shift;
    shift += bits_[s];
    bitwise_ = bitwise_ && std::has_single_bit(dim);
  }
  // Dimension d needs at most 1.5 times log2(d) bits (d = 5: 3 instead of 2.32), so 64 bits of
  // state fit.
  KRONSOLVE_ASSERT(shift <= 128);
  for (const auto& space : spaces) {
    const auto dim = static_cast<std::size_t>(space.dim());
    if (functions_.size() <= dim) functions_.resize(dim + 1);
    auto& table = functions_[dim];
    if (!table.empty() || std::has_single_bit(dim)) continue;
    const std::size_t padded = std::bit_ceil(dim);
    table.assign(dim * padded, 0);
    for (std::size_t e = 0; e < dim; ++e) {
      const LocalMatrix m = site_element(space.dim(), static_cast<int>(e));
      for (int digit = 0; digit < space.dim(); ++digit)
        table[e * padded + static_cast<std::size_t>(digit)] = m(digit, digit).real();
    }
  }
}

DiagonalProduct DigitLayout::product(std::span<const SiteElement> diagonal) const {
  DiagonalProduct result;
  for (const auto& [site, element] : diagonal) {
    const auto dim = static_cast<std::size_t>(code_.dim(site));
    if (std::has_single_bit(dim)) {  // Walsh function: a sign
      result.sign_mask |= placed(site, static_cast<state_t>(element));
    } else {
      const std::size_t padded = std::bit_ceil(dim);
      result.factors.push_back(
          {shifts_[static_cast<std::size_t>(site)], static_cast<unsigned>(padded - 1),
           functions_[dim].data() + static_cast<std::size_t>(element) * padded});
    }
  }
  return result;
}

std::pair<std::vector<SiteElement>, std::vector<SiteElement>> DigitLayout::split(
    const CanonicalTerm& term) const {
  std::pair<std::vector<SiteElement>, std::vector<SiteElement>> parts;
  for (const auto& factor : term.factors)
    (factor.element < code_.dim(factor.site) ? parts.second : parts.first).push_back(factor);
  return parts;
}

}  // namespace kronsolve::detail
