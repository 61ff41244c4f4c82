#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/suggest.hpp>
#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/symmetry_basis.hpp>

#include "operators/descriptions/broken_term.hpp"
#include "operators/descriptions/canonical_builder.hpp"

namespace kronsolve {

namespace {

using Complex = std::complex<double>;

/// matrix = factor * a named operator; defined in `op` as `suggestion` unless the site knows one.
std::pair<double, std::string> name_for(OpSum& op, const LocalSpace& space,
                                        const LocalMatrix& matrix, const std::string& suggestion) {
  const auto largest = [](const LocalMatrix& m) {
    double most = 0;
    for (int i = 0; i < m.dim(); ++i)
      for (int j = 0; j < m.dim(); ++j)
        if (std::abs(m(i, j)) > std::abs(most)) most = m(i, j).real();
    return most;
  };
  for (const auto& name : space.operator_names()) {
    const auto parity = space.fermion_parity(name);
    if (parity.up || parity.down) continue;
    const LocalMatrix known = *space.find(name);
    if (largest(known) == 0) continue;
    const double factor = largest(matrix) / largest(known);
    if (Complex(factor) * known == matrix) return {factor, name};
  }
  const std::string name = detail::concat(suggestion, ":", space.name());
  op.define(name, matrix);
  return {1, name};
}

/// Operators whose local product is the matrix |a><b| up to a sign, strings apart.
std::vector<std::string> unit_operators(const LocalSpace& space, int a, int b) {
  if (space.kind() == LocalSpace::Kind::fermion) return {a == 1 ? "C+" : "C-"};
  std::vector<std::string> names = {detail::concat("P", a)};
  const int changed = a ^ b;
  if (changed & 1) names.push_back((a & 1) != 0 ? "Cup+" : "Cup-");
  if (changed & 2) names.push_back((a & 2) != 0 ? "Cdn+" : "Cdn-");
  // One after the other they would pass through a doubly occupied site, which t-J sites do not
  // have.
  if (changed == 3 && a != 0 && b != 0 && a != 3 && b != 3) return {a == 1 ? "S+" : "S-"};
  return names;
}

/// Writes one term of a form with named operators. Strings come with the fermion operators; what
/// remains of the explicit ones is written as diagonal factors.
void add_named(OpSum& op, const CanonicalForm& form, const CanonicalTerm& term) {
  const auto& spaces = op.spaces();
  std::vector<LocalMatrix> diagonal;
  for (const auto& space : spaces) diagonal.push_back(LocalMatrix::identity(space.dim()));
  std::vector<OpFactor> fermions, factors;
  Complex coefficient = term.coefficient;
  const auto add_factor = [&](std::size_t site, const LocalMatrix& matrix,
                              const std::string& suggestion) {
    auto [factor, name] = name_for(op, spaces[site], matrix, suggestion);
    coefficient *= factor;
    factors.push_back({std::move(name), static_cast<int>(site)});
  };
  for (const auto& factor : term.factors) {
    const auto s = static_cast<std::size_t>(factor.site);
    const LocalElement& element = form[factor];
    if (element.is_diagonal()) {
      diagonal[s] = element.matrix();
    } else if (spaces[s].is_fermionic()) {
      for (const auto& name : unit_operators(spaces[s], element.row, element.col))
        fermions.push_back({name, factor.site});
    } else {
      add_factor(s, element.matrix(), detail::concat("u", element.row, "_", element.col));
    }
  }
  if (!fermions.empty()) {
    OpSum product(spaces);
    product.add(1, fermions);
    const auto terms = product.product_terms();
    KRONSOLVE_ASSERT(terms.size() == 1);
    for (const auto& [site, matrix] : terms[0].factors) {
      const auto s = static_cast<std::size_t>(site);
      if (matrix.is_diagonal()) {
        diagonal[s] = diagonal[s] * matrix;  // its own string undoes it
      } else {
        for (int i = 0; i < matrix.dim(); ++i)
          for (int j = 0; j < matrix.dim(); ++j)
            if (matrix(i, j) != 0.0) coefficient *= matrix(i, j);  // the sign of the only entry
      }
    }
  }
  for (std::size_t s = 0; s < spaces.size(); ++s) {
    if (diagonal[s].is_identity()) continue;
    std::string label = "d";
    for (int i = 0; i < diagonal[s].dim(); ++i)
      label += detail::concat(i == 0 ? "" : ",", diagonal[s](i, i).real());
    add_factor(s, diagonal[s], label);
  }
  std::sort(factors.begin(), factors.end(),
            [](const auto& x, const auto& y) { return x.site < y.site; });
  factors.insert(factors.end(), fermions.begin(), fermions.end());
  op.add(coefficient, std::move(factors));
}

/// Throws unless a defined matrix on a fermion site keeps the parities: without strings it would
/// otherwise not be an operator of that site alone.
void require_even(const OpSum& op, const OpFactor& factor, const char* what) {
  const auto& space = op.spaces()[static_cast<std::size_t>(factor.site)];
  if (!space.is_fermionic() || space.find(factor.op)) return;
  const LocalMatrix& m = op.definitions().at(factor.op);
  for (const auto& parity : {space.up_parity(), space.down_parity()})
    if (!(m * parity == parity * m))
      throw NotSupported(detail::concat(what, ": the matrix '", factor.op,
                                        "' changes the number of fermions on site ", factor.site,
                                        " without a string; write it with the fermion operators"));
}

OpSum with_definitions(const OpSum& op) {
  OpSum result(op.spaces());
  for (const auto& [name, matrix] : op.definitions()) result.define(name, matrix);
  return result;
}

/// U M U^-1 of the flip on one site, and the name of that matrix: (sign, name).
std::pair<double, std::string> flipped_factor(OpSum& result, const OpSum& op,
                                              const OpFactor& factor) {
  const auto& space = op.spaces()[static_cast<std::size_t>(factor.site)];
  const bool spin = space.kind() == LocalSpace::Kind::spin;
  if (!spin && !space.has_electrons()) return {1, factor.op};
  const auto built_in = space.find(factor.op);
  if (!spin && built_in) {
    // Up and down exchanged in the operators, whatever the signs of the states.
    static const std::map<std::string, std::pair<double, std::string>> table = {
        {"Cup+", {1, "Cdn+"}}, {"Cup-", {1, "Cdn-"}}, {"Cdn+", {1, "Cup+"}}, {"Cdn-", {1, "Cup-"}},
        {"Nup", {1, "Ndn"}},   {"Ndn", {1, "Nup"}},   {"S+", {1, "S-"}},     {"S-", {1, "S+"}},
        {"Sz", {-1, "Sz"}},    {"Sy", {-1, "Sy"}},    {"P1", {1, "P2"}},     {"P2", {1, "P1"}}};
    const auto found = table.find(factor.op);
    return found == table.end() ? std::pair<double, std::string>{1, factor.op} : found->second;
  }
  const LocalMatrix m = built_in ? *built_in : op.definitions().at(factor.op);
  LocalMatrix flipped(m.dim());
  const auto sign = [&](int digit) { return !spin && digit == 3 ? -1.0 : 1.0; };
  for (int i = 0; i < m.dim(); ++i)
    for (int j = 0; j < m.dim(); ++j)
      flipped(flipped_digit(space, i), flipped_digit(space, j)) = sign(i) * sign(j) * m(i, j);
  for (const auto& name : space.operator_names()) {
    const auto known = space.find(name);
    if (spin && known == flipped) return {1, name};
    if (spin && *known == -1.0 * flipped) return {-1, name};
  }
  const std::string name = factor.op + "^F";
  result.define(name, flipped);
  return {1, name};
}

const std::vector<std::string> charge_names = {"sz", "n", "nup", "ndown", "parity"};

}  // namespace

/// Terms that change the same digits in the same way are written as products of the given
/// functions or of independent ones, whichever are fewer.
OpSum simplify(const OpSum& op) {
  const CanonicalForm& form = op.canonical_form();
  std::map<std::vector<SiteElement>, CanonicalForm> alike;
  for (const auto& term : form.terms) {
    std::vector<SiteElement> moves;
    for (const auto& factor : term.factors)
      if (!form[factor].is_diagonal()) moves.push_back(factor);
    alike[moves].terms.push_back(term);
  }
  OpSum result(op.spaces());
  for (auto& [moves, given] : alike) {
    given.elements = form.elements;
    const CanonicalForm fewest = detail::independent(given, detail::sum_rounding);
    const CanonicalForm& best = fewest.terms.size() < given.terms.size() ? fewest : given;
    for (const auto& term : best.terms) add_named(result, best, term);
  }
  return result;
}

OpSum commutator(const OpSum& a, const OpSum& b) { return simplify(a * b - b * a); }
OpSum anticommutator(const OpSum& a, const OpSum& b) { return simplify(a * b + b * a); }

OpSum power(const OpSum& op, int exponent) {
  if (exponent < 0)
    throw InvalidArgument(detail::concat("power: the exponent must be at least 0, got ", exponent));
  OpSum result(op.spaces());
  result.add(1, {});
  for (int i = 0; i < exponent; ++i) result = simplify(result * op);
  return result;
}

OpSum permuted(const OpSum& op, const SitePermutation& image) {
  (void)SymmetryGroup(op.spaces(), {{"permutation", image, SpinFlip::no, 0, 1}});  // checks it
  OpSum result = with_definitions(op);
  for (const auto& term : op.terms()) {
    auto factors = term.factors;
    for (auto& factor : factors) {
      require_even(op, factor, "permutation of sites");
      factor.site = image[static_cast<std::size_t>(factor.site)];
    }
    result.add(term.coefficient, std::move(factors));
  }
  return result;
}

std::complex<double> normalized_trace(const OpSum& op) {
  const CanonicalForm& form = op.canonical_form();
  Complex trace = 0;
  for (const auto& term : form.terms) {
    Complex mean = form.is_diagonal(term) ? term.coefficient : 0;
    if (mean == 0.0) continue;
    for (const auto& factor : term.factors) {
      const auto& values = form[factor].values;
      mean *= std::accumulate(values.begin(), values.end(), 0.0) / double(values.size());
    }
    trace += mean;
  }
  return trace;
}

OpSum spin_flipped(const OpSum& op) {
  OpSum result = with_definitions(op);
  for (const auto& term : op.terms()) {
    Complex coefficient = term.coefficient;
    std::vector<OpFactor> factors;
    for (const auto& factor : term.factors) {
      require_even(op, factor, "spin flip");
      auto [sign, name] = flipped_factor(result, op, factor);
      coefficient *= sign;
      factors.push_back({std::move(name), factor.site});
    }
    result.add(coefficient, std::move(factors));
  }
  return result;
}

void require_symmetric(const OpSum& op, const SymmetryGroup& group) {
  for (const auto& g : group.generators()) {
    OpSum moved = permuted(op, g.image);
    if (g.flip == SpinFlip::yes) moved = spin_flipped(moved);
    const auto term = detail::difference(op, moved);
    if (!term) continue;
    throw InvalidArgument(detail::concat("sector ", g.name,
                                         ": the operator changes under it, by the term ", *term,
                                         "; leave the sector out"));
  }
}

std::optional<std::string> breaks(const OpSum& op, std::string_view charge) {
  const std::string text(charge);
  const auto parsed =
      Charge::parse(op.spaces(), text.find('=') == std::string::npos ? text + "=0" : text);
  if (!parsed) throw InvalidArgument(unknown_name("charge", text, charge_names));
  return detail::charge_breaker(op, parsed->rule);
}

bool conserves(const OpSum& op, std::string_view charge) { return !breaks(op, charge).has_value(); }

std::vector<std::string> conserved_charges(const OpSum& op) {
  std::vector<std::string> names;
  for (const auto& name : charge_names) {
    try {
      if (conserves(op, name)) names.push_back(name);
    } catch (const InvalidArgument&) {  // no site has this charge
    }
  }
  return names;
}

OpSum pauli_decomposition(const LocalMatrix& matrix) {
  const auto dim = static_cast<unsigned>(matrix.dim());
  if (dim < 2 || !std::has_single_bit(dim))
    throw DimensionError(
        detail::concat("Pauli decomposition: the dimension must be 2, 4, 8, ..., got ", dim));
  const int n = std::countr_zero(dim);
  std::vector<Complex> values(std::size_t{dim} * dim);
  std::vector<double> scales(values.size());  // moduli of what was added up
  for (unsigned i = 0; i < dim; ++i)
    for (unsigned j = 0; j < dim; ++j) {
      const Complex value = matrix(static_cast<int>(i), static_cast<int>(j));
      if (!std::isfinite(value.real()) || !std::isfinite(value.imag()))
        throw InvalidArgument(
            detail::concat("Pauli decomposition: entry (", i, ", ", j, ") is NaN or infinite"));
      values[std::size_t{i} * dim + j] = value;
      scales[std::size_t{i} * dim + j] = std::abs(value);
    }
  // Site by site, the four entries of each 2 x 2 block become the coefficients of I, X, Y, Z in its
  // place: (row bit, column bit) 00 I, 01 X, 10 Y, 11 Z.
  const Complex i(0, 1);
  for (unsigned bit = 1; bit < dim; bit <<= 1)
    for (unsigned row = 0; row < dim; ++row)
      for (unsigned col = 0; col < dim; ++col) {
        if ((row & bit) != 0 || (col & bit) != 0) continue;
        const std::size_t at = std::size_t{row} * dim + col, below = at + std::size_t{bit} * dim;
        Complex &a = values[at], &b = values[at | bit], &c = values[below],
                &d = values[below | bit];
        scales[at] = scales[below | bit] = (scales[at] + scales[below | bit]) / 2;
        scales[at | bit] = scales[below] = (scales[at | bit] + scales[below]) / 2;
        const Complex identity = (a + d) / 2.0, z = (a - d) / 2.0, x = (b + c) / 2.0,
                      y = (b - c) * i / 2.0;
        a = identity;
        b = x;
        c = y;
        d = z;
      }
  static const char* const names[] = {"I", "X", "Y", "Z"};
  OpSum op(n);
  for (unsigned row = 0; row < dim; ++row)
    for (unsigned col = 0; col < dim; ++col) {
      const Complex value = values[std::size_t{row} * dim + col];
      if (std::abs(value) <= detail::sum_rounding * scales[std::size_t{row} * dim + col]) continue;
      std::vector<OpFactor> factors;
      for (int site = 0; site < n; ++site) {
        const int shift = n - 1 - site;
        const unsigned which = (row >> shift & 1) * 2 + (col >> shift & 1);
        if (which != 0) factors.push_back({names[which], site});
      }
      op.add(value, std::move(factors));
    }
  return op;
}

}  // namespace kronsolve
