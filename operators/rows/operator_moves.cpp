#include "operators/rows/operator_moves.hpp"

#include <map>

#include <kronsolve/core/error.hpp>

namespace kronsolve::detail {

template <Scalar C>
OperatorMoves<C>::OperatorMoves(std::span<const OpSum> ops) : layout_(ops.front().spaces()) {
  const DigitCode& code = layout_.code();
  if (!layout_.bitwise())
    pack_ = AdditiveTable<PackedDigits>(code, [&](int site, int digit) {
      return layout_.placed(site, static_cast<state_t>(digit));
    });
  std::map<std::vector<SiteUnit>, std::vector<typename OperatorMove<C>::Term>> patterns;
  for (std::size_t op = 0; op < ops.size(); ++op) {
    const CanonicalForm& form = ops[op].canonical_form();
    for (const auto& term : form.terms) {
      auto [units, diagonal] = layout_.split(form, term);
      patterns[units].push_back(
          {static_cast<int>(op), from_complex<C>(term.coefficient), std::move(diagonal)});
    }
  }
  for (auto& [units, terms] : patterns) {
    OperatorMove<C> move;
    PackedDigits ket_value = 0;
    for (const auto& [site, row, col] : units) {
      move.mask |= layout_.mask(site);
      move.value |= layout_.placed(site, static_cast<state_t>(row));
      ket_value |= layout_.placed(site, static_cast<state_t>(col));
      move.step += code.stride(site) * (static_cast<state_t>(col) - static_cast<state_t>(row));
    }
    move.terms = std::move(terms);
    moves_.push_back(std::move(move));
    ket_values_.push_back(ket_value);
  }
}

template class OperatorMoves<double>;
template class OperatorMoves<std::complex<double>>;

}  // namespace kronsolve::detail
