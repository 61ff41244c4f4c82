#include "operators/bases/digit_layout.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include <kronsolve/core/error.hpp>

namespace kronsolve::detail {

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
    // A site of dimension 1 takes no bit, but its shift must be one that there is.
    shifts_[s] = std::min(shift, 127);
    shift += bits_[s];
    bitwise_ = bitwise_ && std::has_single_bit(dim);
  }
  KRONSOLVE_ASSERT(shift <= 128);
}

state_t DigitLayout::state(PackedDigits digits) const noexcept {
  state_t state = 0;
  for (int site = 0; site < code_.sites(); ++site) {
    const auto digit =
        digits >> shifts_[static_cast<std::size_t>(site)] & ((PackedDigits{1} << bits(site)) - 1);
    state += static_cast<state_t>(digit) * code_.stride(site);
  }
  return state;
}

std::pair<std::vector<SiteUnit>, DiagonalProduct> DigitLayout::split(const CanonicalForm& form,
                                                                     const CanonicalTerm& term) {
  std::vector<SiteUnit> units;
  DiagonalProduct diagonal;
  for (const auto& factor : term.factors) {
    const LocalElement& element = form[factor];
    if (!element.is_diagonal()) {
      units.push_back({factor.site, element.row, element.col});
    } else if (const int signs = element.sign_mask(); signs >= 0) {
      diagonal.sign_mask |= placed(factor.site, static_cast<state_t>(signs));
    } else {
      auto padded = element.values;
      padded.resize(std::bit_ceil(padded.size()));
      diagonal.factors.push_back({shifts_[static_cast<std::size_t>(factor.site)],
                                  static_cast<unsigned>(padded.size() - 1),
                                  tables_.insert(std::move(padded)).first->data()});
    }
  }
  return {std::move(units), std::move(diagonal)};
}

}  // namespace kronsolve::detail
