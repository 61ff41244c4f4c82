#pragma once
// Operator sums as moves between configurations, several operators side by side so that one pass
// over a state serves them all.

#include <complex>
#include <span>
#include <vector>

#include <kronsolve/operators/op_sum.hpp>

#include "measure/additive_table.hpp"
#include "operators/compiled_operator.hpp"

namespace kronsolve::detail {

/// For a bra configuration whose digits under `mask` are `value`, the ket configuration is bra +
/// step (modulo 2^64).
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
  explicit OperatorMoves(std::span<const OpSum> ops);
  OperatorMoves(const OperatorMoves&) = delete;
  OperatorMoves& operator=(const OperatorMoves&) = delete;

  const std::vector<OperatorMove<C>>& moves() const noexcept { return moves_; }
  PackedDigits digits(state_t state) const { return bitwise_ ? PackedDigits{state} : pack_(state); }
  /// The same for the adjoint direction: digits under the mask that the ket has.
  PackedDigits ket_value(std::size_t move) const noexcept { return ket_values_[move]; }

 private:
  void add_layout(const std::vector<LocalSpace>& spaces);
  DiagonalProduct product(const std::vector<SiteElement>& factors);

  DigitCode code_;
  std::vector<int> shifts_, bits_;
  bool bitwise_ = true;  ///< every dimension is a power of two: packed digits are the state
  AdditiveTable<PackedDigits> pack_;
  std::vector<std::vector<double>>
      functions_;  ///< diagonal functions, by dimension; DiagonalProducts point into them
  std::vector<OperatorMove<C>> moves_;
  std::vector<PackedDigits> ket_values_;
};

extern template class OperatorMoves<double>;
extern template class OperatorMoves<std::complex<double>>;

}  // namespace kronsolve::detail
