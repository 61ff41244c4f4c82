#include "solvers/families/operator_line.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include <kronsolve/solvers/neighbours.hpp>

#include "solvers/dense/hermitian.hpp"

namespace kronsolve {

namespace {

double norm_of(const LocalElement& element) {
  double most = element.is_diagonal() ? 0 : 1;
  for (const double v : element.values) most = std::max(most, std::abs(v));
  return most;
}

double norm_of(const CanonicalForm& form, const CanonicalTerm& term) {
  double norm = std::abs(term.coefficient);
  for (const auto& factor : term.factors) norm *= norm_of(form[factor]);
  return norm;
}

using Terms = std::vector<const CanonicalTerm*>;

/// Lowest eigenvalue of terms that act on the same sites, as a matrix on these.
double lowest_value(const CanonicalForm& form, const Terms& terms) {
  DenseMatrix<std::complex<double>> sum;
  for (const auto* term : terms) {
    auto product = LocalMatrix(1, {term->coefficient});
    for (const auto& factor : term->factors) product = kron(product, form[factor].matrix());
    if (sum.rows() == 0) sum = {product.dim(), product.dim()};
    for (int i = 0; i < product.dim(); ++i)
      for (int j = 0; j < product.dim(); ++j) sum(i, j) += product(i, j);
  }
  return dense::hermitian_eigh(sum).values.front();
}

}  // namespace

double lower_bound(const OpSum& h) {
  constexpr index_t largest = 256;  // of a matrix that is looked at
  const auto& form = h.canonical_form();
  std::map<std::vector<int>, Terms> parts;
  for (const auto& term : form.terms) {
    std::vector<int> sites;
    for (const auto& factor : term.factors) sites.push_back(factor.site);
    parts[sites].push_back(&term);
  }
  double bound = 0;
  for (const auto& [sites, terms] : parts) {
    index_t rows = 1;
    for (const int site : sites)
      rows = std::min(2 * largest, rows * h.spaces()[static_cast<std::size_t>(site)].dim());
    if (rows <= largest) {
      bound += lowest_value(form, terms);
    } else {
      for (const auto* term : terms) bound -= norm_of(form, *term);
    }
  }
  constexpr double rounding = 1e-14;
  return bound - rounding * families::size(h);
}

namespace families {

double size(const OpSum& op) {
  const auto& form = op.canonical_form();
  double sum = 0;
  for (const auto& term : form.terms) sum += norm_of(form, term);
  return sum;
}

std::optional<PlaceOnLine> place_on_line(const OpSum& a, const OpSum& b, const OpSum& p) {
  constexpr double rounding = 1e-13;
  const OpSum direction = b - a, step = p - a;
  const double t = size(step) / size(direction);
  const double most = rounding * (size(a) + size(b) + size(p));
  for (const double signed_t : {t, -t}) {
    const double off = size(step - signed_t * OpSum(direction));
    if (off <= most) return PlaceOnLine{signed_t, off};
  }
  return std::nullopt;
}

}  // namespace families

}  // namespace kronsolve
