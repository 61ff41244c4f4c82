#include <algorithm>
#include <cmath>
#include <mutex>
#include <sstream>

#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/op_sum.hpp>

#include "operators/descriptions/broken_term.hpp"
#include "operators/descriptions/canonical_builder.hpp"

namespace kronsolve {

namespace {

using Complex = std::complex<double>;

bool is_finite(Complex z) { return std::isfinite(z.real()) && std::isfinite(z.imag()); }

std::string coefficient_text(Complex c) {
  if (c.imag() == 0) return detail::concat(c.real());
  std::ostringstream out;
  out.precision(17);
  out << '(' << c.real() << (c.imag() < 0 ? "-" : "+") << std::abs(c.imag()) << "i)";
  return out.str();
}

}  // namespace

/// What follows from the terms; made when first asked for, shared by copies.
struct OpSum::Derived {
  std::mutex lock;
  std::optional<CanonicalForm> form;
  std::optional<bool> real;
  std::optional<std::optional<std::string>> non_hermitian;
};

/// The terms are about to change. Copies keep what they share.
void OpSum::forget() {
  if (derived_.use_count() != 1 || derived_->form) derived_ = std::make_shared<Derived>();
}

OpSum::OpSum(int sites, LocalSpace space) {
  if (sites < 1)
    throw InvalidArgument(detail::concat("OpSum: sites must be at least 1, got ", sites));
  spaces_.assign(static_cast<std::size_t>(sites), space);
  forget();
}

OpSum::OpSum(std::vector<LocalSpace> sites) : spaces_(std::move(sites)) {
  if (spaces_.empty()) throw InvalidArgument("OpSum: sites must be at least 1, got 0");
  forget();
}

index_t OpSum::dimension() const {
  index_t dimension = 1;
  const std::string what = detail::concat("the dimension of the full space of ", sites(), " sites");
  for (const auto& space : spaces_) dimension = checked_multiply(dimension, space.dim(), what);
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
  forget();
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
  forget();
  terms_.insert(terms_.end(), other.terms_.begin(), other.terms_.end());
  return *this;
}

OpSum& OpSum::operator-=(const OpSum& other) { return *this += -1.0 * other; }

OpSum& OpSum::operator*=(Complex factor) {
  if (!is_finite(factor)) throw InvalidArgument("cannot scale an operator by NaN or infinity");
  forget();
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

/// Terms as products of site matrices; a named operator is looked up once for each local space.
class OpSum::Products {
 public:
  explicit Products(const OpSum& op) : op_(op) {
    for (const auto& space : op.spaces_) {
      const auto found = std::find(kinds_.begin(), kinds_.end(), space);
      kind_.push_back(static_cast<int>(found - kinds_.begin()));
      if (found == kinds_.end()) kinds_.push_back(space);
    }
  }

  /// Nothing if the product vanishes.
  std::optional<ProductTerm> of(const OpTerm& term) {
    if (term.coefficient == 0.0) return std::nullopt;
    std::map<int, LocalMatrix> product;
    for (const auto& factor : term.factors) {
      const auto& [m, parity] = named(factor);
      if (parity.up || parity.down) multiply_string(parity, factor.site, op_.spaces_, product);
      auto [at, fresh] = product.try_emplace(factor.site, m);
      if (!fresh) at->second = at->second * m;
    }
    ProductTerm result{term.coefficient, {}};
    result.factors.reserve(product.size());
    for (auto& [site, m] : product) {
      if (m.is_zero()) return std::nullopt;
      if (!m.is_identity()) result.factors.push_back({site, std::move(m)});
    }
    return result;
  }

 private:
  using Named = std::pair<LocalMatrix, LocalSpace::FermionParity>;
  const Named& named(const OpFactor& factor) {
    const auto [at, fresh] =
        named_.try_emplace({kind_[static_cast<std::size_t>(factor.site)], factor.op});
    if (fresh) {
      const LocalSpace& space = op_.spaces_[static_cast<std::size_t>(factor.site)];
      const bool built_in = space.find(factor.op).has_value();
      at->second = {op_.matrix(factor),
                    built_in ? space.fermion_parity(factor.op) : LocalSpace::FermionParity{}};
    }
    return at->second;
  }

  const OpSum& op_;
  std::vector<LocalSpace> kinds_;
  std::vector<int> kind_;  ///< [site], its place in kinds_
  std::map<std::pair<int, std::string>, Named> named_;
};

std::vector<ProductTerm> OpSum::product_terms() const {
  Products products(*this);
  std::vector<ProductTerm> terms;
  for (const auto& term : terms_)
    if (auto product = products.of(term)) terms.push_back(*std::move(product));
  return terms;
}

namespace {

/// An entry of the product is at most this.
double bound(const ProductTerm& term) {
  double most = std::abs(term.coefficient);
  for (const auto& [site, m] : term.factors) {
    double largest_row = 0;
    for (int i = 0; i < m.dim(); ++i) {
      double row = 0;
      for (int j = 0; j < m.dim(); ++j) row += std::abs(m(i, j));
      largest_row = std::max(largest_row, row);
    }
    most *= largest_row;
  }
  return most;
}

}  // namespace

const CanonicalForm& OpSum::canonical_form() const& {
  KRONSOLVE_ASSERT(derived_ != nullptr);
  const std::lock_guard guard(derived_->lock);
  if (derived_->form) return *derived_->form;
  Products products(*this);
  detail::CanonicalBuilder builder;
  double sum = 0;
  for (const auto& term : terms_) {
    const auto product = products.of(term);
    if (!product) continue;
    sum += bound(*product);
    if (!std::isfinite(sum))
      throw InvalidArgument(detail::concat("with the term ", to_string(term),
                                           " the couplings add up to more than a double holds "
                                           "(1.8e308); use a larger unit of energy"));
    builder.add(*product);
  }
  return derived_->form.emplace(std::move(builder).finish(detail::sum_rounding));
}

bool OpSum::is_real() const {
  const CanonicalForm& form = canonical_form();
  const std::lock_guard guard(derived_->lock);
  if (derived_->real) return *derived_->real;
  CanonicalForm imaginary{form.elements, {}};
  for (const auto& term : form.terms)
    if (const double part = term.coefficient.imag();
        std::abs(part) > detail::sum_rounding * term.scale)  // not the rounding of a phase
      imaginary.terms.push_back({part, term.factors, term.scale});
  derived_->real =
      imaginary.terms.empty() || detail::independent(imaginary, detail::agreement).terms.empty();
  return *derived_->real;
}

namespace {

/// Number of each element's transpose; those that are missing are put behind the others.
std::vector<int> add_transposes(std::vector<LocalElement>& elements) {
  std::vector<int> result;
  const auto known = static_cast<std::ptrdiff_t>(elements.size());
  for (std::ptrdiff_t i = 0; i < known; ++i) {
    LocalElement wanted = elements[static_cast<std::size_t>(i)];
    std::swap(wanted.row, wanted.col);
    const auto end = elements.begin() + known;
    const auto at = std::lower_bound(elements.begin(), end, wanted);
    const bool found = at != end && *at == wanted;
    result.push_back(static_cast<int>(found ? at - elements.begin()
                                            : static_cast<std::ptrdiff_t>(elements.size())));
    if (!found) elements.push_back(std::move(wanted));
  }
  return result;
}

/// The form minus its adjoint, without what cancels product by product. Products that depend on
/// each other (P0 + P1 = 1), or differ by rounding only, may make up for each other in the rest.
CanonicalForm without_partner(const CanonicalForm& form) {
  CanonicalForm left{form.elements, {}};
  const auto adjoint = add_transposes(left.elements);
  for (const auto& term : form.terms) {
    auto partner = term.factors;
    for (auto& factor : partner) factor.element = adjoint[static_cast<std::size_t>(factor.element)];
    const auto at = std::lower_bound(
        form.terms.begin(), form.terms.end(), partner,
        [](const CanonicalTerm& t, const auto& factors) { return t.factors < factors; });
    const bool found = at != form.terms.end() && at->factors == partner;
    const Complex off = term.coefficient - (found ? std::conj(at->coefficient) : Complex());
    const double scale = term.scale + (found ? at->scale : 0);
    if (std::abs(off) > detail::agreement * scale) left.terms.push_back({off, term.factors, scale});
    if (!found)
      left.terms.push_back({-std::conj(term.coefficient), std::move(partner), term.scale});
  }
  return left;
}

}  // namespace

std::optional<std::string> OpSum::non_hermitian_part() const {
  const CanonicalForm& form = canonical_form();
  const std::lock_guard guard(derived_->lock);
  auto& known = derived_->non_hermitian;
  if (known) return *known;
  const CanonicalForm left = without_partner(form);
  const auto broken = detail::first_of(left, [](const auto&) { return true; });
  known.emplace();
  if (broken) *known = detail::written_term(*this, left, *broken);
  return *known;
}

bool equal(const OpSum& a, const OpSum& b) {
  return a.spaces_ == b.spaces_ && !detail::difference(a, b);
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
