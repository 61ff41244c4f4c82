#include "measure/operator_moves.hpp"

#include <bit>
#include <map>

#include <kronsolve/core/error.hpp>

namespace kronsolve::detail {

template <Scalar C>
OperatorMoves<C>::OperatorMoves(std::span<const OpSum> ops) {
  if (ops.empty()) return;
  code_ = DigitCode(ops.front().spaces());
  add_layout(ops.front().spaces());
  std::map<std::vector<SiteElement>, std::vector<typename OperatorMove<C>::Term>> patterns;
  for (std::size_t op = 0; op < ops.size(); ++op)
    for (const auto& term : ops[op].canonical_terms()) {
      std::vector<SiteElement> units, diagonal;
      for (const auto& factor : term.factors)
        (factor.element < code_.dim(factor.site) ? diagonal : units).push_back(factor);
      patterns[units].push_back(
          {static_cast<int>(op), from_complex<C>(term.coefficient), product(diagonal)});
    }
  for (auto& [units, terms] : patterns) {
    OperatorMove<C> move;
    PackedDigits ket_value = 0;
    for (const auto& [site, element] : units) {
      const auto s = static_cast<std::size_t>(site);
      const auto [row, col] = element_digits(code_.dim(site), element);
      move.mask |= ((PackedDigits{1} << bits_[s]) - 1) << shifts_[s];
      move.value |= static_cast<PackedDigits>(row) << shifts_[s];
      ket_value |= static_cast<PackedDigits>(col) << shifts_[s];
      move.step += code_.stride(site) * (static_cast<state_t>(col) - static_cast<state_t>(row));
    }
    move.terms = std::move(terms);
    moves_.push_back(std::move(move));
    ket_values_.push_back(ket_value);
  }
}

template <Scalar C>
void OperatorMoves<C>::add_layout(const std::vector<LocalSpace>& spaces) {
  const int n = code_.sites();
  shifts_.resize(static_cast<std::size_t>(n));
  bits_.resize(static_cast<std::size_t>(n));
  int shift = 0;
  for (int site = n; site-- > 0;) {
    const auto dim = static_cast<unsigned>(code_.dim(site));
    shifts_[static_cast<std::size_t>(site)] = shift;
    bits_[static_cast<std::size_t>(site)] = std::bit_width(dim - 1);
    shift += std::bit_width(dim - 1);
    bitwise_ = bitwise_ && std::has_single_bit(dim);
  }
  // Dimension d needs at most 1.5 times log2(d) bits (d = 5: 3 instead of 2.32), so 64 bits of
  // state fit.
  KRONSOLVE_ASSERT(shift <= 128);
  if (!bitwise_)
    pack_ = AdditiveTable<PackedDigits>(code_, [&](int site, int digit) {
      return static_cast<PackedDigits>(digit) << shifts_[static_cast<std::size_t>(site)];
    });
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

template <Scalar C>
DiagonalProduct OperatorMoves<C>::product(const std::vector<SiteElement>& factors) {
  DiagonalProduct result;
  for (const auto& [site, element] : factors) {
    const auto s = static_cast<std::size_t>(site);
    const auto dim = static_cast<std::size_t>(code_.dim(site));
    if (std::has_single_bit(dim)) {  // Walsh function: a sign
      result.sign_mask |= static_cast<PackedDigits>(element) << shifts_[s];
    } else {
      const std::size_t padded = std::bit_ceil(dim);
      result.factors.push_back(
          {shifts_[s], static_cast<unsigned>(padded - 1),
           functions_[dim].data() + static_cast<std::size_t>(element) * padded});
    }
  }
  return result;
}

template class OperatorMoves<double>;
template class OperatorMoves<std::complex<double>>;

}  // namespace kronsolve::detail
