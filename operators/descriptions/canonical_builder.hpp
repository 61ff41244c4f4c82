#pragma once
// Makes canonical forms, and compares what they stand for.

#include <map>
#include <optional>
#include <vector>

#include <kronsolve/operators/op_sum.hpp>

namespace kronsolve::detail {

/// A sum this far below the moduli of its own summands is the rounding of a zero.
inline constexpr double sum_rounding = 1e-15;
/// Operators that were computed on different ways agree to this, again relative to their own
/// summands.
inline constexpr double agreement = 1e-13;

class CanonicalBuilder {
 public:
  void add(const ProductTerm& term);
  /// Equal products merged, in the order they were added; sums of several summands below
  /// `rounding` of their moduli are zero.
  CanonicalForm finish(double rounding) &&;

 private:
  friend CanonicalForm independent(const CanonicalForm& form, double rounding);
  struct Part {
    int element;  ///< -1: the identity
    std::complex<double> weight;
  };
  struct Less {
    bool operator()(const LocalMatrix& a, const LocalMatrix& b) const;
  };
  int number(LocalElement element);
  const std::vector<Part>& parts(const LocalMatrix& matrix);
  void add_products(const std::vector<std::pair<int, const std::vector<Part>*>>& factors,
                    std::complex<double> coefficient);

  std::map<LocalElement, int> numbers_;
  std::map<LocalMatrix, std::vector<Part>, Less> known_;
  std::vector<CanonicalTerm> terms_;
};

/// The same sum in products that are linearly independent: P0 + P1 - 1 has none. To compare and to
/// shorten, never to apply: a large projector here touches everything.
CanonicalForm independent(const CanonicalForm& form, double rounding);

/// Some of the terms of a form as a sum of its own; nothing if they cancel.
template <class Pick>
std::optional<CanonicalTerm> first_of(const CanonicalForm& form, const Pick& pick) {
  CanonicalForm picked{form.elements, {}};
  for (const auto& term : form.terms)
    if (pick(term)) picked.terms.push_back(term);
  if (picked.terms.empty() || independent(picked, agreement).terms.empty()) return std::nullopt;
  return picked.terms.front();
}

}  // namespace kronsolve::detail
