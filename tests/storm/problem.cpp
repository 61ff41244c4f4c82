#include "storm/problem.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <kronsolve/core/error.hpp>

namespace kronsolve::storm {

namespace {

using Kind = LocalSpace::Kind;

std::vector<std::string> names(const LocalSpace& space) {
  std::vector<std::string> list;
  switch (space.kind()) {
    case Kind::spin:
      list = {"Sz", "S+", "S-", "Sx", "Sy", "Sz", "S+", "S-"};
      if (space.dim() == 2) list.insert(list.end(), {"X", "Y", "Z"});
      break;
    case Kind::boson:
      list = {"B+", "B-", "N", "B+", "B-"};
      break;
    case Kind::fermion:
      list = {"C+", "C-", "N", "C+", "C-", "Mx", "My"};
      break;
    case Kind::electron:
    case Kind::tj:
      list = {"Cup+", "Cup-", "Cdn+", "Cdn-", "Nup", "Ndn",  "N",
              "Sz",   "S+",   "S-",   "Sx",   "Sy",  "Cup+", "Cdn-"};
      break;
    case Kind::plain:
      break;
  }
  for (int digit = 0; digit < space.dim(); ++digit) list.push_back("P" + std::to_string(digit));
  return list;
}

/// The change of a charge, the same for every entry of the matrix; nothing if it is not.
std::optional<int> change(const LocalSpace& space, const std::string& charge, const Matrix& m) {
  std::optional<int> found;
  for (Index i = 0; i < m.rows(); ++i)
    for (Index j = 0; j < m.cols(); ++j) {
      if (m(i, j) == 0.0) continue;
      int d = charge_of(space, charge, static_cast<int>(i)) -
              charge_of(space, charge, static_cast<int>(j));
      if (charge == "parity") d = (d % 2 + 2) % 2;
      if (found && *found != d) return std::nullopt;
      found = d;
    }
  return found.value_or(0);
}

Matrix matrix_of(const LocalSpace& space, const std::string& op, const Definitions& definitions) {
  if (!space.has_electrons() || op[0] != 'S' || op == "Sz")
    return site_matrix(space, op, definitions);
  const Matrix up = site_matrix(space, "Cup+", {}), down = site_matrix(space, "Cdn+", {});
  const Matrix plus = up * down.adjoint(), minus = down * up.adjoint();
  return op == "S+" ? plus : op == "S-" ? minus : Matrix(plus + minus);
}

bool conserves(const Problem& p, const OpTerm& term, const std::string& charge) {
  int sum = 0;
  for (const auto& f : term.factors) {
    const LocalSpace& space = p.spaces[static_cast<std::size_t>(f.site)];
    const auto d = change(space, charge, matrix_of(space, f.op, p.definitions));
    if (!d) return false;
    sum += *d;
  }
  return charge == "parity" ? sum % 2 == 0 : sum == 0;
}

LocalSpace random_space(Dice& dice) {
  switch (dice.below(10)) {
    case 0:
      return LocalSpace::spin(2);
    case 1:
      return LocalSpace::spin(3);
    case 2:
      return LocalSpace::boson(2 + dice.below(3));
    case 3:
      return LocalSpace::fermion();
    case 4:
      return LocalSpace::fermion();
    case 5:
      return LocalSpace::electron();
    case 6:
      return LocalSpace::tj();
    case 7:
      return LocalSpace::plain(1 + dice.below(4));
    default:
      return LocalSpace::spin(1);
  }
}

/// Sites of all kinds; equal ones, in pairs or all, where a permutation shall have something to do.
Spaces random_spaces(Dice& dice, Index most) {
  const int sites = 1 + dice.below(8);
  const int period = dice.chance(0.4) ? 1 + dice.below(2) : 8;
  Spaces spaces;
  Index n = 1;
  for (int i = 0; i < sites; ++i) {
    const LocalSpace space = i < period ? random_space(dice) : spaces[std::size_t(i - period)];
    if (n * space.dim() > most) break;
    n *= space.dim();
    spaces.push_back(space);
  }
  if (spaces.empty()) spaces.push_back(LocalSpace());
  return spaces;
}

OpTerm random_product(Dice& dice, const Problem& p, int most) {
  OpTerm term{1, {}};
  for (int f = 1 + dice.below(most); f > 0; --f) {
    const int site = dice.below(static_cast<int>(p.spaces.size()));
    const LocalSpace& space = p.spaces[static_cast<std::size_t>(site)];
    auto list = names(space);
    for (const auto& [name, m] : p.definitions)
      if (m.rows() == space.dim() && !space.is_fermionic()) list.push_back(name);
    term.factors.push_back({dice.pick(list), site});
  }
  return term;
}

Complex random_coefficient(Dice& dice, bool complex) {
  const double c = dice.chance(0.4) ? 0.5 * (1 + dice.below(3)) : dice.uniform(-1, 1);
  return complex && dice.chance(0.6) ? Complex(c, dice.uniform(-1, 1)) : Complex(c);
}

void define_matrices(Dice& dice, Problem& p, bool complex) {
  const int dim = 2 + dice.below(3);
  const bool useful = std::any_of(p.spaces.begin(), p.spaces.end(), [&](const LocalSpace& s) {
    return s.dim() == dim && !s.is_fermionic();
  });
  if (!useful) return;
  Matrix m(dim, dim);
  for (Index i = 0; i < dim; ++i)
    for (Index j = 0; j < dim; ++j)
      m(i, j) = dice.chance(0.4) ? Complex(0) : random_coefficient(dice, complex);
  p.definitions["M"] = m + Matrix(m.adjoint());  // Hermitian: the adjoint has the same name
}

std::vector<int> identity(std::size_t n) {
  std::vector<int> image(n);
  std::iota(image.begin(), image.end(), 0);
  return image;
}

int order_of(const std::vector<int>& image) {
  int order = 1;
  auto power = image;
  for (; !std::is_sorted(power.begin(), power.end()); ++order)
    for (auto& i : power) i = image[static_cast<std::size_t>(i)];
  return order;
}

/// A rotation, a mirror or an exchange that joins equal sites only.
std::vector<int> random_permutation(Dice& dice, const Spaces& spaces) {
  const auto n = static_cast<int>(spaces.size());
  std::vector<int> image = identity(spaces.size());
  const int kind = dice.below(3), shift = 1 + dice.below(2), a = dice.below(n), b = dice.below(n);
  for (int i = 0; i < n; ++i)
    image[static_cast<std::size_t>(i)] = kind == 0   ? (i + shift) % n
                                         : kind == 1 ? n - 1 - i
                                         : i == a    ? b
                                         : i == b    ? a
                                                     : i;
  for (std::size_t i = 0; i < image.size(); ++i)
    if (spaces[i] != spaces[static_cast<std::size_t>(image[i])]) return identity(spaces.size());
  return image;
}

bool can_flip(const Spaces& spaces) {
  return std::any_of(spaces.begin(), spaces.end(), [](const LocalSpace& s) {
    return s.kind() == Kind::spin || s.has_electrons();
  });
}

void choose_symmetries(Dice& dice, Problem& p) {
  const auto image = random_permutation(dice, p.spaces);
  const int order = order_of(image);
  const bool defined_spins = !p.definitions.empty();  // a defined matrix has no flipped name
  if (order > 1) p.symmetries.push_back({image, false, dice.below(order), order});
  if (can_flip(p.spaces) && !defined_spins && dice.chance(0.5))
    p.symmetries.push_back({identity(p.spaces.size()), true, dice.below(2), 2});
}

void choose_charges(Dice& dice, Problem& p) {
  const auto d = digits(p.spaces, dice.below(static_cast<int>(dimension(p.spaces))));
  const auto any = [&](const auto& has) {
    return std::any_of(p.spaces.begin(), p.spaces.end(), has);
  };
  const bool electrons = any([](const LocalSpace& s) { return s.has_electrons(); });
  const bool particles =
      any([](const LocalSpace& s) { return s.is_fermionic() || s.kind() == Kind::boson; });
  const auto add = [&](const char* name, bool there, double probability) {
    if (there && dice.chance(probability))
      p.charges.emplace_back(name, charge_of(p.spaces, name, d));
  };
  add("sz", can_flip(p.spaces), 0.6);
  add("n", particles, 0.5);
  add("nup", electrons, 0.3);
  add("ndown", electrons, 0.3);
  add("parity", true, 0.25);
}

/// A flip keeps a charge only where it takes the sector to itself.
bool flip_keeps_charges(const Problem& p) {
  const bool flips = std::any_of(p.symmetries.begin(), p.symmetries.end(),
                                 [](const Symmetry& s) { return s.flip; });
  if (!flips) return true;
  std::optional<int> up, down;
  bool keeps = true;
  for (const auto& [name, value] : p.charges) {
    if (name == "sz") keeps &= value == 0;
    if (name == "nup") up = value;
    if (name == "ndown") down = value;
    if (name == "parity")  // digits of spins other than 1/2 and particles
      for (const auto& space : p.spaces) keeps &= space.kind() != Kind::spin;
  }
  return keeps && up == down;
}

std::string flipped(const LocalSpace& space, const std::string& op, Complex& sign) {
  if (op[0] == 'P') {
    const int digit = std::stoi(op.substr(1));
    if (space.kind() == Kind::spin) return "P" + std::to_string(space.dim() - 1 - digit);
    return space.has_electrons() && (digit == 1 || digit == 2) ? "P" + std::to_string(3 - digit)
                                                               : op;
  }
  if (space.kind() == Kind::spin || space.has_electrons()) {
    if (op == "Sz" || op == "Sy" || op == "Z" || op == "Y") sign = -sign;
    if (op == "S+") return "S-";
    if (op == "S-") return "S+";
  }
  if (space.has_electrons() && op.starts_with("Cup")) return "Cdn" + op.substr(3);
  if (space.has_electrons() && op.starts_with("Cdn")) return "Cup" + op.substr(3);
  if (op == "Nup") return "Ndn";
  if (op == "Ndn") return "Nup";
  return op;
}

OpTerm moved(const Spaces& spaces, const Symmetry& s, OpTerm term) {
  for (auto& f : term.factors) {
    if (s.flip) f.op = flipped(spaces[static_cast<std::size_t>(f.site)], f.op, term.coefficient);
    f.site = s.image[static_cast<std::size_t>(f.site)];
  }
  return term;
}

OpTerm adjoint(OpTerm term) {
  term.coefficient = std::conj(term.coefficient);
  std::reverse(term.factors.begin(), term.factors.end());
  for (auto& f : term.factors)
    if (f.op.back() == '+' || f.op.back() == '-') f.op.back() = f.op.back() == '+' ? '-' : '+';
  return term;
}

std::string number_text(Complex c) {
  return c.imag() == 0 ? detail::concat(c.real() == 0 ? 0.0 : c.real())
                       : detail::concat("[", c.real(), ", ", c.imag(), "]");
}

/// Floats in TOML need a point or an exponent only to be floats; integers are read as numbers too.
std::string matrix_text(const Matrix& m) {
  std::string text = "[";
  for (Index i = 0; i < m.rows(); ++i) {
    text += i == 0 ? "[" : ", [";
    for (Index j = 0; j < m.cols(); ++j) text += (j == 0 ? "" : ", ") + number_text(m(i, j));
    text += "]";
  }
  return text + "]";
}

}  // namespace

Terms Problem::terms() const {
  Terms all;
  for (const auto& seed : seeds) {
    Terms orbit = {seed};
    for (const auto& s : symmetries) {
      const int order = s.flip ? 2 : order_of(s.image);
      const Terms before = orbit;
      for (OpTerm term : before)
        for (int k = 1; k < order; ++k) orbit.push_back(term = moved(spaces, s, term));
    }
    for (auto& term : orbit) {
      term.coefficient *= unit;
      all.push_back(term);
      all.push_back(adjoint(term));
    }
  }
  return all;
}

std::vector<std::string> Problem::conditions() const {
  std::vector<std::string> all;
  for (const auto& [name, value] : charges)
    all.push_back(name == "sz" && value % 2 != 0 ? detail::concat("sz=", value, "/2")
                  : name == "sz"                 ? detail::concat("sz=", value / 2)
                                                 : detail::concat(name, "=", value));
  for (const auto& s : symmetries) {
    if (s.flip) {
      all.push_back(s.turns == 0 ? "spinflip=1" : "spinflip=-1");
      continue;
    }
    std::string text = "permutation=";
    for (std::size_t i = 0; i < s.image.size(); ++i)
      text += (i == 0 ? "" : ",") + std::to_string(s.image[i]);
    all.push_back(detail::concat(text, ":", s.turns, "/", s.of));
  }
  return all;
}

OpSum Problem::op() const {
  OpSum sum(spaces);
  for (const auto& [name, m] : definitions) {
    LocalMatrix local(static_cast<int>(m.rows()));
    for (int i = 0; i < local.dim(); ++i)
      for (int j = 0; j < local.dim(); ++j) local(i, j) = m(i, j);
    sum.define(name, local);
  }
  for (const auto& term : terms()) sum.add(term.coefficient, term.factors);
  return sum;
}

Sector Problem::sector() const {
  return parse_sector(spaces, Lattice::chain(static_cast<int>(spaces.size())), conditions());
}

std::string Problem::file() const {
  std::string text = detail::concat("sites = ", spaces.size(), "\nlocal = [");
  for (std::size_t i = 0; i < spaces.size(); ++i)
    text += (i == 0 ? "\"" : ", \"") + spaces[i].name() + "\"";
  text += "]\nterms = [\n";
  for (const auto& term : terms()) text += "  " + term_text(term) + ",\n";
  if (seeds.empty()) text += "  [0],\n";
  text += "]\n";
  for (const auto& [name, m] : definitions)
    text += detail::concat("define.", name, " = ", matrix_text(m), "\n");
  return text;
}

std::string Problem::options() const {
  std::string text = "--terms storm.toml";
  for (const auto& condition : conditions()) text += " --sector " + condition;
  return text;
}

std::string term_text(const OpTerm& term) {
  std::string text = "[" + number_text(term.coefficient);
  for (const auto& f : term.factors) text += detail::concat(", \"", f.op, "\", ", f.site);
  return text + "]";
}

Terms random_terms(Dice& dice, const Problem& problem, int count) {
  Terms terms;
  for (int t = 0; t < count; ++t) {
    terms.push_back(random_product(dice, problem, 3));
    terms.back().coefficient = random_coefficient(dice, true);
  }
  return terms;
}

Problem random_problem(Dice& dice, const Limits& limits) {
  Problem p;
  p.spaces = random_spaces(dice, dice.chance(0.15) ? limits.dimension : limits.dimension / 4);
  const bool complex = dice.chance(0.5);
  if (dice.chance(0.3)) define_matrices(dice, p, complex);
  const int kind = dice.below(4);  // 0: nothing is conserved
  if (kind == 1 || kind == 3) choose_charges(dice, p);
  if (kind >= 2) choose_symmetries(dice, p);
  if (!flip_keeps_charges(p)) p.charges.clear();
  if (dice.chance(0.1)) p.unit = std::pow(10.0, dice.below(25) - 12);
  const int wanted = dice.chance(0.03) ? 0 : 1 + dice.below(10);
  for (int tries = 0; static_cast<int>(p.seeds.size()) < wanted && tries < 40 * wanted; ++tries) {
    OpTerm term = random_product(dice, p, 5);
    term.coefficient = random_coefficient(dice, complex);
    const bool kept = std::all_of(p.charges.begin(), p.charges.end(),
                                  [&](const auto& c) { return conserves(p, term, c.first); });
    if (kept) p.seeds.push_back(term);
  }
  if (dice.chance(0.2)) p.seeds.push_back({dice.uniform(-2, 2), {}});
  return p;
}

namespace {

/// Without a site that nothing acts on; a state of it is fixed, so charges may be lost as well.
std::optional<Problem> without_site(const Problem& p, std::size_t site) {
  if (p.spaces.size() == 1 || !p.symmetries.empty() || !p.charges.empty()) return std::nullopt;
  Problem less = p;
  less.spaces.erase(less.spaces.begin() + static_cast<std::ptrdiff_t>(site));
  for (auto& term : less.seeds)
    for (auto& f : term.factors) {
      if (f.site == static_cast<int>(site)) return std::nullopt;
      if (f.site > static_cast<int>(site)) --f.site;
    }
  return less;
}

}  // namespace

std::optional<Problem> smaller(const Problem& p, std::size_t which) {
  Problem less = p;
  if (which < p.seeds.size()) {
    less.seeds.erase(less.seeds.begin() + static_cast<std::ptrdiff_t>(which));
    return less;
  }
  which -= p.seeds.size();
  if (which < p.charges.size()) {
    less.charges.erase(less.charges.begin() + static_cast<std::ptrdiff_t>(which));
    return less;
  }
  which -= p.charges.size();
  if (which < p.symmetries.size()) {
    less.symmetries.erase(less.symmetries.begin() + static_cast<std::ptrdiff_t>(which));
    return less;
  }
  which -= p.symmetries.size();
  if (which < p.seeds.size()) {
    less.seeds[which].coefficient = 1;
    return p.seeds[which].coefficient == 1.0 ? p : less;
  }
  which -= p.seeds.size();
  if (which == 0) {
    less.unit = 1;
    return less;
  }
  if (--which < p.spaces.size()) {
    const auto without = without_site(p, which);
    return without ? *without : p;
  }
  return std::nullopt;
}

}  // namespace kronsolve::storm
