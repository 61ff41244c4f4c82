#include <algorithm>
#include <bit>
#include <cmath>
#include <tuple>

#include <kronsolve/operators/canonical_form.hpp>

#include "operators/descriptions/canonical_builder.hpp"

namespace kronsolve {

int LocalElement::sign_mask() const noexcept {
  if (!is_diagonal() || !std::has_single_bit(static_cast<unsigned>(dim))) return -1;
  unsigned mask = 0;
  for (unsigned bit = 1; bit < static_cast<unsigned>(dim); bit <<= 1)
    if (values[bit] < 0) mask |= bit;
  for (unsigned digit = 0; digit < static_cast<unsigned>(dim); ++digit)
    if (values[digit] != (std::popcount(digit & mask) % 2 == 0 ? 1 : -1)) return -1;
  return static_cast<int>(mask);
}

LocalMatrix LocalElement::matrix() const {
  if (is_diagonal()) return LocalMatrix::diagonal(values);
  LocalMatrix m(dim);
  m(row, col) = 1;
  return m;
}

bool CanonicalForm::is_diagonal(const CanonicalTerm& term) const {
  return std::all_of(term.factors.begin(), term.factors.end(),
                     [&](const SiteElement& factor) { return (*this)[factor].is_diagonal(); });
}

namespace detail {

namespace {

using Complex = std::complex<double>;

/// A sum that loses nothing but its last rounding, and the moduli of its summands.
class ExactSum {
 public:
  void add(double x) {
    const double sum = sum_ + x, part = sum - sum_;
    lost_ += (sum_ - (sum - part)) + (x - part);
    sum_ = sum;
    scale_ += std::abs(x);
  }
  double value(double rounding) const {
    const double sum = sum_ + lost_;
    return std::abs(sum) <= rounding * scale_ ? 0 : sum;
  }

 private:
  double sum_ = 0, lost_ = 0, scale_ = 0;
};

/// weight * element, so that weight is a power of two and no digit is lost; the element is empty
/// for a multiple of the identity.
std::pair<LocalElement, double> normalized(std::vector<double> values) {
  const double first = values.front();
  if (std::all_of(values.begin(), values.end(), [&](double v) { return v == first; }))
    return {{}, first};
  double largest = 0;
  for (const double v : values) largest = std::max(largest, std::abs(v));
  int exponent = std::ilogb(largest);
  const double leading =
      *std::find_if(values.begin(), values.end(), [](double v) { return v != 0; });
  const double sign = leading < 0 ? -1 : 1;
  for (double& v : values) v = v == 0 ? 0 : std::ldexp(sign * v, -exponent);
  const int dim = static_cast<int>(values.size());
  return {{dim, -1, -1, std::move(values)}, std::ldexp(sign, exponent)};
}

/// Values of orthogonal diagonal functions, [function][digit]; function 0 is constant 1. Walsh
/// functions where the dimension is a power of two, so that fermion strings are single functions;
/// else polynomials in the digit (three-term recurrence of the discrete Chebyshev polynomials).
std::vector<std::vector<double>> diagonal_functions(int dim) {
  const auto d = static_cast<std::size_t>(dim);
  std::vector functions(d, std::vector<double>(d));
  for (std::size_t e = 0; e < d; ++e)
    for (std::size_t s = 0; s < d; ++s) {
      const double x = (double(d) - 1) / 2 - double(s);
      if (std::has_single_bit(d)) {
        functions[e][s] = std::popcount(e & s) % 2 == 0 ? 1 : -1;
      } else if (e < 2) {
        functions[e][s] = e == 0 ? 1 : x;
      } else {
        const double k = double(e) - 1;
        const double b = k * k * (double(d) * double(d) - k * k) / (4 * (4 * k * k - 1));
        functions[e][s] = x * functions[e - 1][s] - b * functions[e - 2][s];
      }
    }
  return functions;
}

}  // namespace

bool CanonicalBuilder::Less::operator()(const LocalMatrix& a, const LocalMatrix& b) const {
  if (a.dim() != b.dim()) return a.dim() < b.dim();
  for (int i = 0; i < a.dim(); ++i)
    for (int j = 0; j < a.dim(); ++j) {
      const Complex x = a(i, j), y = b(i, j);
      if (x != y) return std::tuple(x.real(), x.imag()) < std::tuple(y.real(), y.imag());
    }
  return false;
}

int CanonicalBuilder::number(LocalElement element) {
  if (element.dim == 0) return -1;
  return numbers_.try_emplace(std::move(element), static_cast<int>(numbers_.size())).first->second;
}

/// The diagonal, its real and imaginary part apart, and the other entries one by one: no entry of
/// the matrix is in two parts.
const std::vector<CanonicalBuilder::Part>& CanonicalBuilder::parts(const LocalMatrix& matrix) {
  const auto [at, fresh] = known_.try_emplace(matrix);
  if (!fresh) return at->second;
  auto& parts = at->second;
  std::vector<double> re, im;
  for (int s = 0; s < matrix.dim(); ++s) {
    re.push_back(matrix(s, s).real());
    im.push_back(matrix(s, s).imag());
  }
  for (const Complex unit : {Complex(1, 0), Complex(0, 1)}) {
    auto [element, weight] = normalized(std::move(unit.imag() == 0 ? re : im));
    if (weight != 0) parts.push_back({number(std::move(element)), unit * weight});
  }
  for (int a = 0; a < matrix.dim(); ++a)
    for (int b = 0; b < matrix.dim(); ++b)
      if (a != b && matrix(a, b) != 0.0)
        parts.push_back({number({matrix.dim(), a, b, {}}), matrix(a, b)});
  return parts;
}

void CanonicalBuilder::add(const ProductTerm& term) {
  std::vector<std::pair<int, const std::vector<Part>*>> factors;
  for (const auto& [site, matrix] : term.factors) factors.emplace_back(site, &parts(matrix));
  add_products(factors, term.coefficient);
}

void CanonicalBuilder::add_products(
    const std::vector<std::pair<int, const std::vector<Part>*>>& factors, Complex coefficient) {
  const std::size_t first = terms_.size();
  terms_.push_back({coefficient, {}, 0});
  terms_.back().factors.reserve(factors.size());
  for (const auto& [site, parts] : factors) {
    const std::size_t last = terms_.size();
    for (std::size_t p = 1; p < parts->size(); ++p)
      for (std::size_t t = first; t < last; ++t) {
        terms_.push_back(terms_[t]);
        const auto [element, weight] = (*parts)[p];
        terms_.back().coefficient *= weight;
        if (element >= 0) terms_.back().factors.push_back({site, element});
      }
    for (std::size_t t = first; t < last && !parts->empty(); ++t) {
      const auto [element, weight] = parts->front();
      terms_[t].coefficient *= weight;
      if (element >= 0) terms_[t].factors.push_back({site, element});
    }
    if (parts->empty()) terms_.resize(first);
  }
}

CanonicalForm CanonicalBuilder::finish(double rounding) && {
  CanonicalForm form;
  std::vector<int> sorted(numbers_.size());
  for (const auto& [element, number] : numbers_) {
    sorted[static_cast<std::size_t>(number)] = static_cast<int>(form.elements.size());
    form.elements.push_back(element);
  }
  for (auto& term : terms_)
    for (auto& factor : term.factors)
      factor.element = sorted[static_cast<std::size_t>(factor.element)];
  std::stable_sort(terms_.begin(), terms_.end(),
                   [](const auto& a, const auto& b) { return a.factors < b.factors; });
  for (auto at = terms_.begin(); at != terms_.end();) {
    ExactSum re, im;
    double scale = 0;
    const auto first = at;
    for (; at != terms_.end() && at->factors == first->factors; ++at) {
      re.add(at->coefficient.real());
      im.add(at->coefficient.imag());
      scale += std::abs(at->coefficient);
    }
    const Complex sum(re.value(rounding), im.value(rounding));
    if (sum != 0.0) form.terms.push_back({sum, std::move(first->factors), scale});
  }
  form.terms.shrink_to_fit();
  return form;
}

CanonicalForm independent(const CanonicalForm& form, double rounding) {
  CanonicalBuilder builder;
  std::vector<std::vector<CanonicalBuilder::Part>> parts;
  for (const auto& element : form.elements) {
    auto& of_element = parts.emplace_back();
    if (!element.is_diagonal()) {
      of_element.push_back({builder.number(element), 1});
      continue;
    }
    for (const auto& function : diagonal_functions(element.dim)) {
      double overlap = 0, norm = 0, scale = 0;
      for (std::size_t s = 0; s < function.size(); ++s) {
        overlap += function[s] * element.values[s];
        scale += std::abs(function[s] * element.values[s]);
        norm += function[s] * function[s];
      }
      if (std::abs(overlap) <= sum_rounding * scale) continue;
      auto [part, weight] = normalized(function);
      of_element.push_back({builder.number(std::move(part)), weight * overlap / norm});
    }
  }
  for (const auto& term : form.terms) {
    std::vector<std::pair<int, const std::vector<CanonicalBuilder::Part>*>> factors;
    for (const auto& [site, element] : term.factors)
      factors.emplace_back(site, &parts[static_cast<std::size_t>(element)]);
    builder.add_products(factors, term.coefficient);
  }
  return std::move(builder).finish(rounding);
}

}  // namespace detail

}  // namespace kronsolve
