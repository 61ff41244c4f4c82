#pragma once
// Operator sums written out in real matrices on single sites, each with one entry or diagonal.

#include <complex>
#include <vector>

#include <kronsolve/export.hpp>
#include <kronsolve/operators/local_matrix.hpp>

namespace kronsolve {

/// A real matrix on one site: |row><col|, row != col, or a diagonal one.
struct KRONSOLVE_EXPORT LocalElement {
  int dim = 0;                 ///< local dimension of the site
  int row = -1,                ///< digit it leads to, -1 of a diagonal one
      col = -1;                ///< digit it leads from, -1 of a diagonal one
  std::vector<double> values;  ///< of a diagonal one, by digit: never constant, the first that is
                               ///< not 0 positive, the largest modulus in [1, 2)

  bool is_diagonal() const noexcept { return row < 0; }  ///< has `values` and no row and column
  /// The m for which the values are (-1)^(set bits of digit & m), as those of fermion strings are;
  /// -1 if there is none.
  int sign_mask() const noexcept;
  LocalMatrix matrix() const;  ///< as a dense matrix
  friend auto operator<=>(const LocalElement&, const LocalElement&) = default;
};

/// One site's factor in a canonical term.
struct SiteElement {
  int site = 0;     ///< where it acts
  int element = 0;  ///< its place in CanonicalForm::elements
  friend auto operator<=>(const SiteElement&, const SiteElement&) = default;
};

/// A product of site elements, sites ascending, no identities. It changes every additive charge by
/// a definite amount.
struct CanonicalTerm {
  std::complex<double> coefficient;  ///< of the whole product
  std::vector<SiteElement> factors;  ///< sites ascending; none: a multiple of the identity
  double scale = 0;                  ///< sum of the moduli of what was added up to the coefficient
  friend bool operator==(const CanonicalTerm&, const CanonicalTerm&) = default;
};

/// A sum of products of site elements, equal products merged. What a term of the sum as written
/// does not touch, none of its canonical terms touches: projectors stay projectors, so that a large
/// coupling takes no digits from entries where it does not act. The price is that the terms need
/// not be linearly independent (P0 + P1 is the identity).
struct CanonicalForm {
  std::vector<LocalElement> elements;  ///< sorted
  std::vector<CanonicalTerm> terms;    ///< sorted by factors

  /// The matrix that a factor means.
  const LocalElement& operator[](const SiteElement& factor) const {
    return elements[static_cast<std::size_t>(factor.element)];
  }
  /// Every factor of the term is diagonal.
  KRONSOLVE_EXPORT bool is_diagonal(const CanonicalTerm& term) const;
  friend bool operator==(const CanonicalForm&, const CanonicalForm&) = default;
};

}  // namespace kronsolve
