#pragma once
// Operator sums as moves between configurations, several operators side by side so that one pass
// over a state serves them all.

#include <complex>
#include <span>
#include <vector>

#include <kronsolve/operators/op_sum.hpp>

#include "operators/bases/additive_table.hpp"
#include "operators/bases/digit_layout.hpp"

namespace kronsolve::detail {

/// For a bra configuration whose digits under `mask` are `value`, the ket configuration is bra +
/// step (modulo 2^128).
template <Scalar C>
struct OperatorMove {
  PackedDigits mask = 0, value = 0;
  state_t step = 0;
  struct Term {
    int op;  ///< which of the operators
    C coefficient;
    DiagonalProduct diagonal;
  };
  std::vector<Term> terms;
};

/// All moves of a list of operators on the same sites. C real needs real operators.
template <Scalar C>
class OperatorMoves {
 public:
  /// @pre at least one operator
  explicit OperatorMoves(std::span<const OpSum> ops);
  OperatorMoves(const OperatorMoves&) = delete;
  OperatorMoves& operator=(const OperatorMoves&) = delete;

  const std::vector<OperatorMove<C>>& moves() const noexcept { return moves_; }
  PackedDigits digits(state_t state) const { return layout_.bitwise() ? state : pack_(state); }
  /// The same for the adjoint direction: digits under the mask that the ket has.
  PackedDigits ket_value(std::size_t move) const noexcept { return ket_values_[move]; }

 private:
  DigitLayout layout_;
  AdditiveTable<PackedDigits> pack_;
  std::vector<OperatorMove<C>> moves_;
  std::vector<PackedDigits> ket_values_;
};

extern template class OperatorMoves<double>;
extern template class OperatorMoves<std::complex<double>>;

}  // namespace kronsolve::detail
