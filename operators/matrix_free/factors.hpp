#pragma once
// The terms of an operator sum cut at the split: what acts on the low sites, on the high sites, and
// on both.

#include <complex>
#include <vector>

#include <kronsolve/operators/op_sum.hpp>

#include "operators/matrix_free/block_layout.hpp"

namespace kronsolve::detail {

/// coefficient * product of site elements, all in one part.
struct PartTerm {
  std::complex<double> coefficient;
  std::vector<SiteElement> factors;
};
using PartSum = std::vector<PartTerm>;

/// (sum of high terms) (x) (sum of low terms).
struct PairTerm {
  PartSum high, low;
};

class Monomial;

/// H = 1 (x) low + high (x) 1 + sum of diagonal pairs + sum of mixed pairs. In a diagonal pair both
/// factors are real diagonal; in a mixed one at least one is not.
struct FactoredOperator {
  std::vector<LocalElement> elements;  ///< that the factors of terms point to
  PartSum low, high;
  std::vector<PairTerm> diagonal, mixed;

  std::vector<Monomial> monomials(const PartSum& sum, const BlockLayout& layout) const;
};

/// Terms with equal factors are collected: fewest row loads first (see docs/design.md).
/// A real operator's imaginary parts are rounding errors and are dropped.
FactoredOperator factor(const OpSum& op, int split, ScalarKind kind);

/// One product of site elements as an action on digits: element <digits| M |digits'> of the only
/// digits' that it reaches.
class Monomial {
 public:
  Monomial(const PartTerm& term, const std::vector<LocalElement>& elements,
           const BlockLayout& layout);
  bool is_diagonal() const noexcept { return moves_.empty(); }
  /// Value at the string with these digits, 0 if it vanishes there.
  /// @param digits  by site of the part, the first is 0
  std::complex<double> value(const std::vector<int>& digits) const noexcept {
    for (const auto& m : moves_)
      if (digits[static_cast<std::size_t>(m.site)] != m.row) return 0;
    double factor = 1;
    for (const auto& d : functions_)
      factor *= d.table[static_cast<std::size_t>(digits[static_cast<std::size_t>(d.site)])];
    return coefficient_ * factor;
  }
  /// The string it reaches, where value() is not 0.
  state_t target(state_t string) const noexcept { return string + step_; }

  struct Move {
    int site, row;
  };
  struct Function {
    int site;
    std::vector<double> table;
  };
  std::complex<double> coefficient() const noexcept { return coefficient_; }
  const std::vector<Move>& moves() const noexcept { return moves_; }
  const std::vector<Function>& functions() const noexcept { return functions_; }
  state_t step() const noexcept { return step_; }  ///< to the string it reaches, wraps around

 private:
  std::complex<double> coefficient_;
  std::vector<Move> moves_;
  std::vector<Function> functions_;
  state_t step_ = 0;  ///< wraps around
};

}  // namespace kronsolve::detail
