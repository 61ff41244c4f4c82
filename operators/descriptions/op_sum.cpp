#include <algorithm>
#include <bit>
#include <cmath>
#include <sstream>

#include <kronsolve/operators/op_sum.hpp>

namespace kronsolve {

namespace {

using Complex = std::complex<double>;
using Canonical = std::map<std::vector<SiteElement>, Complex>;

/// Coefficients below this fraction of the largest are rounding errors of sums that cancel.
constexpr double rounding = 1e-14;

bool is_finite(Complex z) { return std::isfinite(z.real()) && std::isfinite(z.imag()); }

/// Values of the orthogonal diagonal functions, [function][digit]; function 0 is constant 1.
std::vector<std::vector<double>> diagonal_functions(int dim) {
  const auto d = static_cast<std::size_t>(dim);
  std::vector functions(d, std::vector<double>(d));
  if (std::has_single_bit(d)) {  // Walsh
    for (std::size_t e = 0; e < d; ++e)
      for (std::size_t s = 0; s < d; ++s) functions[e][s] = std::popcount(e & s) % 2 == 0 ? 1 : -1;
    return functions;
  }
  // Polynomials in the digit, orthogonal on 0..d-1 (three-term recurrence of the discrete Chebyshev
  // polynomials).
  for (std::size_t e = 0; e < d; ++e)
    for (std::size_t s = 0; s < d; ++s) {
      const double x = (double(d) - 1) / 2 - double(s);
      if (e == 0) {
        functions[e][s] = 1;
      } else if (e == 1) {
        functions[e][s] = x;
      } else {
        const double k = double(e) - 1;
        const double b = k * k * (double(d) * double(d) - k * k) / (4 * (4 * k * k - 1));
        functions[e][s] = x * functions[e - 1][s] - b * functions[e - 2][s];
      }
    }
  return functions;
}

const std::vector<std::vector<double>>& cached_diagonal_functions(int dim) {
  thread_local std::map<int, std::vector<std::vector<double>>> cache;
  auto& entry = cache[dim];
  if (entry.empty()) entry = diagonal_functions(dim);
  return entry;
}

int unit_element(int dim, int row, int col) {
  return dim + row * (dim - 1) + (col < row ? col : col - 1);
}

/// A matrix as coefficients of site elements; zero ones left out.
std::vector<std::pair<int, Complex>> decompose(const LocalMatrix& m) {
  const int dim = m.dim();
  std::vector<std::pair<int, Complex>> parts;
  const auto& functions = cached_diagonal_functions(dim);
  for (int e = 0; e < dim; ++e) {
    Complex overlap = 0;
    double norm = 0, largest = 0;
    for (int s = 0; s < dim; ++s) {
      const double f = functions[static_cast<std::size_t>(e)][static_cast<std::size_t>(s)];
      overlap += f * m(s, s);
      norm += f * f;
      largest = std::max(largest, std::abs(f * m(s, s)));
    }
    if (std::abs(overlap) > rounding * largest) parts.emplace_back(e, overlap / norm);
  }
  for (int a = 0; a < dim; ++a)
    for (int b = 0; b < dim; ++b)
      if (a != b && m(a, b) != 0.0) parts.emplace_back(unit_element(dim, a, b), m(a, b));
  return parts;
}

void expand(const ProductTerm& term, Canonical& sum) {
  std::vector<std::pair<std::vector<SiteElement>, Complex>> partial = {{{}, term.coefficient}};
  for (const auto& [site, matrix] : term.factors) {
    const auto parts = decompose(matrix);
    std::vector<std::pair<std::vector<SiteElement>, Complex>> next;
    next.reserve(partial.size() * parts.size());
    for (const auto& [elements, coefficient] : partial)
      for (const auto& [element, weight] : parts) {
        auto longer = elements;
        if (element != 0) longer.push_back({site, element});
        next.emplace_back(std::move(longer), coefficient * weight);
      }
    partial = std::move(next);
  }
  for (auto& [elements, coefficient] : partial) sum[std::move(elements)] += coefficient;
}

double largest_coefficient(const Canonical& sum) {
  double largest = 0;
  for (const auto& [elements, c] : sum) largest = std::max(largest, std::abs(c));
  return largest;
}

Canonical canonical_map(const std::vector<ProductTerm>& terms) {
  Canonical sum;
  double scale = 0;
  for (const auto& term : terms) expand(term, sum);
  scale = largest_coefficient(sum);
  for (const auto& term : terms) scale = std::max(scale, std::abs(term.coefficient));
  std::erase_if(sum, [&](const auto& entry) { return std::abs(entry.second) <= rounding * scale; });
  return sum;
}

int adjoint_element(int dim, int element) {
  const auto [a, b] = element_digits(dim, element);
  return a < 0 ? element : unit_element(dim, b, a);
}

std::string coefficient_text(Complex c) {
  if (c.imag() == 0) return detail::concat(c.real());
  std::ostringstream out;
  out.precision(17);
  out << '(' << c.real() << (c.imag() < 0 ? "-" : "+") << std::abs(c.imag()) << "i)";
  return out.str();
}

}  // namespace

std::pair<int, int> element_digits(int dim, int element) {
  if (element < 0 || element >= dim * dim)
    throw InvalidArgument(
        detail::concat("site element must be in [0, ", dim * dim - 1, "], got ", element));
  if (element < dim) return {-1, -1};
  const int a = (element - dim) / (dim - 1);
  const int r = (element - dim) % (dim - 1);
  return {a, r < a ? r : r + 1};
}

LocalMatrix site_element(int dim, int element) {
  const auto [a, b] = element_digits(dim, element);
  if (a < 0)
    return LocalMatrix::diagonal(diagonal_functions(dim)[static_cast<std::size_t>(element)]);
  LocalMatrix m(dim);
  m(a, b) = 1;
  return m;
}

OpSum::OpSum(int sites, LocalSpace space) {
  if (sites < 1)
    throw InvalidArgument(detail::concat("OpSum: sites must be at least 1, got ", sites));
  spaces_.assign(static_cast<std::size_t>(sites), space);
}

OpSum::OpSum(std::vector<LocalSpace> sites) : spaces_(std::move(sites)) {
  if (spaces_.empty()) throw InvalidArgument("OpSum: sites must be at least 1, got 0");
}

index_t OpSum::dimension() const {
  index_t dimension = 1;
  for (const auto& space : spaces_)
    dimension = checked_multiply(dimension, space.dim(), "the dimension of the full space");
  return dimension;
}

LocalMatrix OpSum::matrix(const OpFactor& factor) const {
  if (factor.site < 0 || factor.site >= sites())
    throw InvalidArgument(detail::concat("operator ", factor.op, ": site must be in [0, ",
                                         sites() - 1, "], got ", factor.site));
  const LocalSpace& space = spaces_[static_cast<std::size_t>(factor.site)];
  if (auto found = space.find(factor.op)) return *std::move(found);
  if (const auto defined = definitions_.find(factor.op); defined != definitions_.end()) {
    if (defined->second.dim() != space.dim())
      throw DimensionError(detail::concat("operator ", factor.op, " is ", defined->second.dim(),
                                          " x ", defined->second.dim(), ", site ", factor.site,
                                          " has dimension ", space.dim()));
    return defined->second;
  }
  std::string known;
  for (const auto& name : space.operator_names()) known += " " + name;
  for (const auto& [name, matrix] : definitions_) known += " " + name;
  throw InvalidArgument(detail::concat("unknown operator '", factor.op, "' on site ", factor.site,
                                       " (", space.name(), "); known there:", known));
}

OpSum& OpSum::add(Complex coefficient, std::vector<OpFactor> factors) {
  OpTerm term{coefficient, std::move(factors)};
  if (!is_finite(coefficient))
    throw InvalidArgument(
        detail::concat("the coefficient of ", to_string(term), " is NaN or infinite"));
  for (const auto& factor : term.factors) (void)matrix(factor);
  terms_.push_back(std::move(term));
  return *this;
}

OpSum& OpSum::define(const std::string& name, LocalMatrix matrix) {
  if (name.empty()) throw InvalidArgument("a defined operator needs a name");
  if (const auto old = definitions_.find(name); old != definitions_.end() && old->second != matrix)
    throw InvalidArgument(
        detail::concat("operator '", name, "' is defined twice with different matrices"));
  for (const auto& space : spaces_)
    if (space.dim() == matrix.dim() && space.find(name))
      throw InvalidArgument(detail::concat("operator '", name, "' is a built-in name of ",
                                           space.name(), "; choose another name"));
  for (int i = 0; i < matrix.dim(); ++i)
    for (int j = 0; j < matrix.dim(); ++j)
      if (!is_finite(matrix(i, j)))
        throw InvalidArgument(
            detail::concat("operator '", name, "': entry (", i, ", ", j, ") is NaN or infinite"));
  definitions_.insert_or_assign(name, std::move(matrix));
  return *this;
}

OpSum& OpSum::operator+=(const OpSum& other) {
  if (spaces_ != other.spaces_)
    throw DimensionError(detail::concat("cannot add operators on different sites (", sites(),
                                        " and ", other.sites(), ", or other local spaces)"));
  for (const auto& [name, matrix] : other.definitions_) define(name, matrix);
  terms_.insert(terms_.end(), other.terms_.begin(), other.terms_.end());
  return *this;
}

OpSum& OpSum::operator-=(const OpSum& other) { return *this += -1.0 * other; }

OpSum& OpSum::operator*=(Complex factor) {
  if (!is_finite(factor)) throw InvalidArgument("cannot scale an operator by NaN or infinity");
  for (auto& term : terms_) term.coefficient *= factor;
  return *this;
}

OpSum operator+(OpSum a, const OpSum& b) { return a += b; }
OpSum operator-(OpSum a, const OpSum& b) { return a -= b; }
OpSum operator*(Complex c, OpSum a) { return a *= c; }

OpSum operator*(const OpSum& a, const OpSum& b) {
  if (a.spaces_ != b.spaces_)
    throw DimensionError(detail::concat("cannot multiply operators on different sites (", a.sites(),
                                        " and ", b.sites(), ", or other local spaces)"));
  OpSum product(a.spaces_);
  product.definitions_ = a.definitions_;
  for (const auto& [name, matrix] : b.definitions_) product.define(name, matrix);
  for (const auto& left : a.terms_)
    for (const auto& right : b.terms_) {
      auto factors = left.factors;
      factors.insert(factors.end(), right.factors.begin(), right.factors.end());
      product.terms_.push_back({left.coefficient * right.coefficient, std::move(factors)});
    }
  return product;
}

OpSum OpSum::adjoint() const {
  OpSum result(spaces_);
  result.definitions_ = definitions_;
  const auto adjoint_name = [&](const OpFactor& factor) -> std::string {
    const LocalMatrix wanted = matrix(factor).adjoint();
    if (wanted == matrix(factor)) return factor.op;
    const LocalSpace& space = spaces_[static_cast<std::size_t>(factor.site)];
    for (const auto& name : space.operator_names())
      if (space.find(name) == wanted) return name;
    const std::string name = factor.op + "^H";
    result.define(name, wanted);
    return name;
  };
  for (const auto& term : terms_) {
    std::vector<OpFactor> factors;
    for (auto f = term.factors.rbegin(); f != term.factors.rend(); ++f)
      factors.push_back({adjoint_name(*f), f->site});
    result.terms_.push_back({std::conj(term.coefficient), std::move(factors)});
  }
  return result;
}

namespace {

/// Multiplies the string that an operator at `site` drags over the other sites into `product`, from
/// the right.
void multiply_string(LocalSpace::FermionParity parity, int site,
                     const std::vector<LocalSpace>& spaces, std::map<int, LocalMatrix>& product) {
  for (int other = 0; other < static_cast<int>(spaces.size()); ++other) {
    const LocalSpace& space = spaces[static_cast<std::size_t>(other)];
    if (other == site || !space.is_fermionic()) continue;
    const bool before = other < site;
    const bool up = (parity.up && before) != parity.down;  // two up parities cancel
    const bool down = parity.down && before;
    if (!up && !down) continue;
    auto [at, fresh] = product.try_emplace(other, LocalMatrix::identity(space.dim()));
    if (up) at->second = at->second * space.up_parity();
    if (down) at->second = at->second * space.down_parity();
  }
}

}  // namespace

std::vector<ProductTerm> OpSum::product_terms() const {
  std::vector<ProductTerm> terms;
  for (const auto& term : terms_) {
    if (term.coefficient == 0.0) continue;
    std::map<int, LocalMatrix> product;
    for (const auto& factor : term.factors) {
      const LocalSpace& space = spaces_[static_cast<std::size_t>(factor.site)];
      const bool built_in = space.find(factor.op).has_value();
      const auto parity = built_in ? space.fermion_parity(factor.op) : LocalSpace::FermionParity{};
      if (parity.up || parity.down) multiply_string(parity, factor.site, spaces_, product);
      const LocalMatrix m = matrix(factor);
      auto [at, fresh] = product.try_emplace(factor.site, m);
      if (!fresh) at->second = at->second * m;
    }
    ProductTerm result{term.coefficient, {}};
    bool vanishes = false;
    for (auto& [site, m] : product) {
      vanishes = vanishes || m.is_zero();
      if (!m.is_identity()) result.factors.push_back({site, std::move(m)});
    }
    if (!vanishes) terms.push_back(std::move(result));
  }
  return terms;
}

std::vector<CanonicalTerm> OpSum::canonical_terms() const {
  std::vector<CanonicalTerm> terms;
  for (auto& [elements, coefficient] : canonical_map(product_terms()))
    terms.push_back({coefficient, elements});
  return terms;
}

bool OpSum::is_real() const {
  const Canonical sum = canonical_map(product_terms());
  const double scale = largest_coefficient(sum);
  return std::all_of(sum.begin(), sum.end(), [&](const auto& entry) {
    return std::abs(entry.second.imag()) <= rounding * scale;
  });
}

std::optional<std::string> OpSum::non_hermitian_part() const {
  const auto products = product_terms();
  const Canonical sum = canonical_map(products);
  const double tolerance = 10 * rounding * largest_coefficient(sum);
  for (const auto& [elements, coefficient] : sum) {
    auto partner = elements;
    for (auto& [site, element] : partner)
      element = adjoint_element(spaces_[static_cast<std::size_t>(site)].dim(), element);
    const auto found = sum.find(partner);
    const Complex opposite = found == sum.end() ? 0.0 : found->second;
    if (std::abs(coefficient - std::conj(opposite)) <= tolerance) continue;
    // Name the term as the user wrote it: the first one that contributes to this element.
    for (const auto& term : terms_) {
      OpSum single(spaces_);
      single.definitions_ = definitions_;
      single.terms_ = {term};
      if (canonical_map(single.product_terms()).contains(elements)) return to_string(term);
    }
    return std::string("a sum of terms");
  }
  return std::nullopt;
}

bool equal(const OpSum& a, const OpSum& b) {
  if (a.spaces_ != b.spaces_) return false;
  const auto terms = a.canonical_terms();
  double scale = 0;
  for (const auto& term : terms) scale = std::max(scale, std::abs(term.coefficient));
  const auto difference = (a - b).canonical_terms();
  return std::all_of(difference.begin(), difference.end(), [&](const CanonicalTerm& term) {
    return std::abs(term.coefficient) <= 10 * rounding * scale;
  });
}

std::string to_string(const OpTerm& term) {
  std::string text = coefficient_text(term.coefficient);
  for (const auto& factor : term.factors) text += detail::concat(" ", factor.op, "_", factor.site);
  return text;
}

std::string OpSum::text() const {
  if (terms_.empty()) return "0";
  std::string text;
  for (const auto& term : terms_) text += (text.empty() ? "" : " + ") + to_string(term);
  return text;
}

}  // namespace kronsolve
