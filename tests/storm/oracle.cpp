#include "storm/oracle.hpp"

#include <cmath>
#include <stdexcept>

namespace kronsolve::storm {

namespace {

using Kind = LocalSpace::Kind;

Matrix kronecker(const Matrix& a, const Matrix& b) {
  Matrix c(a.rows() * b.rows(), a.cols() * b.cols());
  for (Index i = 0; i < a.rows(); ++i)
    for (Index j = 0; j < a.cols(); ++j)
      c.block(i * b.rows(), j * b.cols(), b.rows(), b.cols()) = a(i, j) * b;
  return c;
}

Sparse kronecker(const Sparse& a, const Matrix& b) {
  std::vector<Eigen::Triplet<Complex>> entries;
  for (int column = 0; column < a.outerSize(); ++column)
    for (Sparse::InnerIterator e(a, column); e; ++e)
      for (Index i = 0; i < b.rows(); ++i)
        for (Index j = 0; j < b.cols(); ++j)
          if (b(i, j) != 0.0)
            entries.emplace_back(static_cast<int>(e.row() * b.rows() + i),
                                 static_cast<int>(e.col() * b.cols() + j), e.value() * b(i, j));
  Sparse c(a.rows() * b.rows(), a.cols() * b.cols());
  c.setFromTriplets(entries.begin(), entries.end());
  return c;
}

Matrix unit(Index dim, Index row, Index column) {
  Matrix m = Matrix::Zero(dim, dim);
  m(row, column) = 1;
  return m;
}

/// A matrix on (up mode) x (down mode) in the digits 0, up, down, up and down; t-J sites lack the last.
Matrix electron_matrix(const LocalSpace& space, const Matrix& up, const Matrix& down) {
  const int mode_state[] = {0, 2, 1, 3};  // 2 * up + down
  const Matrix modes = kronecker(up, down);
  Matrix m(space.dim(), space.dim());
  for (int i = 0; i < space.dim(); ++i)
    for (int j = 0; j < space.dim(); ++j) m(i, j) = modes(mode_state[i], mode_state[j]);
  return m;
}

Matrix adjoint(const Matrix& m) { return m.adjoint(); }

Matrix electron_operator(const LocalSpace& space, const std::string& op) {
  const Matrix one = Matrix::Identity(2, 2), create = unit(2, 1, 0), number = unit(2, 1, 1);
  const Matrix sign = one - 2 * number;
  const Matrix up = electron_matrix(space, create, one);
  const Matrix down = electron_matrix(space, sign, create);
  const Matrix n_up = electron_matrix(space, number, one);
  const Matrix n_down = electron_matrix(space, one, number);
  if (op == "Cup+") return up;
  if (op == "Cup-") return adjoint(up);
  if (op == "Cdn+") return down;
  if (op == "Cdn-") return adjoint(down);
  if (op == "Nup") return n_up;
  if (op == "Ndn") return n_down;
  if (op == "N") return n_up + n_down;
  if (op == "Sz") return 0.5 * (n_up - n_down);
  throw std::logic_error("no electron operator " + op);
}

Matrix spin_operator(int dim, const std::string& op) {
  const double s = (dim - 1) / 2.0;
  Matrix plus = Matrix::Zero(dim, dim), z = plus;
  for (int i = 0; i < dim; ++i) z(i, i) = s - i;
  for (int i = 1; i < dim; ++i) plus(i - 1, i) = std::sqrt((s - (s - i)) * (s + (s - i) + 1));
  const Matrix minus = plus.transpose();
  const double pauli = op.size() == 1 ? 2 : 1;
  const char axis = op.size() == 1 ? static_cast<char>(op[0] - 'X' + 'x') : op[1];
  if (axis == '+') return plus;
  if (axis == '-') return minus;
  if (axis == 'x') return pauli * 0.5 * (plus + minus);
  if (axis == 'y') return pauli * Complex(0, -0.5) * (plus - minus);
  return pauli * z;
}

Matrix boson_operator(int dim, const std::string& op) {
  Matrix create = Matrix::Zero(dim, dim);
  for (int n = 1; n < dim; ++n) create(n, n - 1) = std::sqrt(double(n));
  if (op == "B+") return create;
  if (op == "B-") return create.transpose();
  return create * create.transpose();
}

Matrix fermion_operator(const std::string& op) {
  const Matrix create = unit(2, 1, 0);
  if (op == "C+") return create;
  if (op == "C-") return create.transpose();
  if (op == "Mx") return create + adjoint(create);
  if (op == "My") return Complex(0, 1) * (create - adjoint(create));
  return unit(2, 1, 1);
}

/// Modes that an operator changes an odd number of times: 'u' (up and spinless), 'd', ' ' none.
char odd_mode(const LocalSpace& space, const std::string& op) {
  if (space.has_electrons() && op.starts_with("Cup")) return 'u';
  if (space.has_electrons() && op.starts_with("Cdn")) return 'd';
  if (space.kind() == Kind::fermion && (op[0] == 'C' || op[0] == 'M')) return 'u';
  return ' ';
}

/// (-1)^(up modes), (-1)^(down modes) of a site.
Matrix mode_sign(const LocalSpace& space, bool up, bool down) {
  Matrix m = Matrix::Identity(space.dim(), space.dim());
  for (int digit = 0; digit < space.dim(); ++digit) {
    const int n = (up ? charge_of(space, "up modes", digit) : 0) +
                  (down ? charge_of(space, "down modes", digit) : 0);
    if (n % 2 != 0) m(digit, digit) = -1;
  }
  return m;
}

/// One operator on the whole space. The modes stand in the order up modes by site, down modes by site.
Sparse on_all_sites(const Spaces& spaces, int site, const Matrix& local, char odd) {
  Sparse product(1, 1);
  product.insert(0, 0) = 1;
  for (int j = 0; j < static_cast<int>(spaces.size()); ++j) {
    const LocalSpace& space = spaces[static_cast<std::size_t>(j)];
    const bool up = odd == 'u' ? j < site : odd == 'd' && j != site;
    const bool down = odd == 'd' && j < site;
    product = kronecker(product, j == site ? local : mode_sign(space, up, down));
  }
  return product;
}

Sparse factor(const Spaces& spaces, const OpFactor& f, const Definitions& definitions) {
  const LocalSpace& space = spaces[static_cast<std::size_t>(f.site)];
  const auto product = [&](const char* a, const char* b) {
    return Sparse(factor(spaces, {a, f.site}, definitions) *
                  factor(spaces, {b, f.site}, definitions));
  };
  if (space.has_electrons() && f.op[0] == 'S' && f.op != "Sz") {
    const Sparse plus = product("Cup+", "Cdn-"), minus = product("Cdn+", "Cup-");
    if (f.op == "S+") return plus;
    if (f.op == "S-") return minus;
    return f.op == "Sx" ? Sparse(0.5 * (plus + minus)) : Sparse(Complex(0, -0.5) * (plus - minus));
  }
  return on_all_sites(spaces, f.site, site_matrix(space, f.op, definitions), odd_mode(space, f.op));
}

/// Fermionic modes of a configuration in standard order, as (0 up or spinless, 1 down; site).
using Mode = std::pair<int, int>;
std::vector<Mode> modes(const Spaces& spaces, const std::vector<int>& digits) {
  std::vector<Mode> list;
  for (int spin = 0; spin < 2; ++spin)
    for (int i = 0; i < static_cast<int>(spaces.size()); ++i)
      if (charge_of(spaces[static_cast<std::size_t>(i)], spin == 0 ? "up modes" : "down modes",
                    digits[static_cast<std::size_t>(i)]) != 0)
        list.emplace_back(spin, i);
  return list;
}

template <class T>
int sorting_sign(const std::vector<T>& list) {
  int sign = 1;
  for (std::size_t i = 0; i < list.size(); ++i)
    for (std::size_t j = i + 1; j < list.size(); ++j)
      if (list[j] < list[i]) sign = -sign;
  return sign;
}

/// P v of the projector on the character of one symmetry.
Vector project(const Spaces& spaces, const std::vector<Index>& configurations, const Symmetry& s,
               const Vector& v) {
  std::map<Index, Index> place;
  for (std::size_t i = 0; i < configurations.size(); ++i)
    place[configurations[i]] = static_cast<Index>(i);
  const Complex back = std::polar(1.0, -2 * M_PI * s.turns / s.of);
  Vector sum = v, image = v;
  const auto next = [&] {
    Vector moved = Vector::Zero(v.size());
    for (Index i = 0; i < v.size(); ++i)
      if (image[i] != 0.0) {
        const auto [to, sign] = image_of(spaces, s, configurations[static_cast<std::size_t>(i)]);
        moved[place.at(to)] = back * double(sign) * image[i];
      }
    return moved;
  };
  int order = 1;  // where the character contradicts U^m = 1 the sum cancels
  for (image = next(); (image - v).norm() > 1e-12; image = next(), ++order) sum += image;
  return sum / double(order);
}

}  // namespace

Matrix site_matrix(const LocalSpace& space, const std::string& op, const Definitions& definitions) {
  if (const auto own = definitions.find(op); own != definitions.end()) return own->second;
  if (op == "I") return Matrix::Identity(space.dim(), space.dim());
  if (op[0] == 'P') {
    const int digit = std::stoi(op.substr(1));
    return unit(space.dim(), digit, digit);
  }
  switch (space.kind()) {
    case Kind::spin:
      return spin_operator(space.dim(), op);
    case Kind::boson:
      return boson_operator(space.dim(), op);
    case Kind::fermion:
      return fermion_operator(op);
    case Kind::electron:
    case Kind::tj:
      return electron_operator(space, op);
    case Kind::plain:
      break;
  }
  throw std::logic_error("no operator " + op);
}

Sparse dense_operator(const Spaces& spaces, const Terms& terms, const Definitions& definitions) {
  const Index n = dimension(spaces);
  Sparse one(n, n), sum(n, n);
  one.setIdentity();
  for (const auto& term : terms) {
    Sparse product = one;
    for (const auto& f : term.factors) product = Sparse(product * factor(spaces, f, definitions));
    sum += Sparse(term.coefficient * product);
  }
  return sum;
}

Index dimension(const Spaces& spaces) {
  Index n = 1;
  for (const auto& space : spaces) n *= space.dim();
  return n;
}

std::vector<int> digits(const Spaces& spaces, Index configuration) {
  std::vector<int> result(spaces.size());
  for (std::size_t i = spaces.size(); i-- > 0;) {
    result[i] = static_cast<int>(configuration % spaces[i].dim());
    configuration /= spaces[i].dim();
  }
  return result;
}

Index configuration(const Spaces& spaces, const std::vector<int>& digits) {
  Index n = 0;
  for (std::size_t i = 0; i < spaces.size(); ++i) n = n * spaces[i].dim() + digits[i];
  return n;
}

int charge_of(const LocalSpace& space, const std::string& charge, int digit) {
  const bool electrons = space.has_electrons();
  const int up = electrons && (digit == 1 || digit == 3), down = electrons && digit >= 2;
  const int spinless = space.kind() == Kind::fermion ? digit : 0;
  if (charge == "up modes") return up + spinless;
  if (charge == "down modes") return down;
  if (charge == "nup") return up;
  if (charge == "ndown") return down;
  if (charge == "sz")
    return electrons ? up - down : space.kind() == Kind::spin ? space.dim() - 1 - 2 * digit : 0;
  const int number = up + down + spinless + (space.kind() == Kind::boson ? digit : 0);
  if (charge == "n") return number;
  const bool particles = space.is_fermionic() || space.kind() == Kind::boson;
  return particles ? number : digit;  // parity
}

int charge_of(const Spaces& spaces, const std::string& charge, const std::vector<int>& digits) {
  int sum = 0;
  for (std::size_t i = 0; i < spaces.size(); ++i) sum += charge_of(spaces[i], charge, digits[i]);
  return charge == "parity" ? sum % 2 : sum;
}

std::pair<Index, int> image_of(const Spaces& spaces, const Symmetry& symmetry,
                               Index configuration_) {
  const auto before = digits(spaces, configuration_);
  std::vector<int> after(before.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    const LocalSpace& space = spaces[i];
    int digit = before[i];
    if (symmetry.flip && space.kind() == Kind::spin) digit = space.dim() - 1 - digit;
    if (symmetry.flip && space.has_electrons() && (digit == 1 || digit == 2)) digit = 3 - digit;
    after[static_cast<std::size_t>(symmetry.image[i])] = digit;
  }
  std::vector<Mode> list = modes(spaces, before);
  for (auto& [spin, site] : list) {
    const LocalSpace& space = spaces[static_cast<std::size_t>(site)];
    if (symmetry.flip && space.has_electrons()) spin = 1 - spin;
    site = symmetry.image[static_cast<std::size_t>(site)];
  }
  return {configuration(spaces, after), sorting_sign(list)};
}

Subspace subspace(const Spaces& spaces, const Charges& charges,
                  const std::vector<Symmetry>& symmetries) {
  Subspace result;
  for (Index c = 0; c < dimension(spaces); ++c) {
    const auto d = digits(spaces, c);
    bool inside = true;
    for (const auto& [charge, value] : charges) inside &= charge_of(spaces, charge, d) == value;
    if (inside) result.configurations.push_back(c);
  }
  const auto n = static_cast<Index>(result.configurations.size());
  if (symmetries.empty()) {
    result.basis = Matrix::Identity(n, n);
    return result;
  }
  std::vector<Vector> columns;
  std::vector<bool> covered(static_cast<std::size_t>(n), false);
  for (Index c = 0; c < n; ++c) {
    if (covered[static_cast<std::size_t>(c)]) continue;
    Vector v = Vector::Unit(n, c);
    for (const auto& s : symmetries) v = project(spaces, result.configurations, s, v);
    if (v.norm() < 1e-8) continue;
    for (Index i = 0; i < n; ++i)
      if (std::abs(v[i]) > 1e-8) covered[static_cast<std::size_t>(i)] = true;
    columns.push_back(v.normalized());
  }
  result.basis.resize(n, static_cast<Index>(columns.size()));
  for (std::size_t j = 0; j < columns.size(); ++j)
    result.basis.col(static_cast<Index>(j)) = columns[j];
  return result;
}

Matrix bipartite(const Spaces& spaces, const Vector& psi, const std::vector<int>& chosen) {
  std::vector<bool> inside(spaces.size(), false);
  for (const int site : chosen) inside[static_cast<std::size_t>(site)] = true;
  Spaces a, b;
  for (std::size_t i = 0; i < spaces.size(); ++i) (inside[i] ? a : b).push_back(spaces[i]);
  Matrix m = Matrix::Zero(dimension(a), dimension(b));
  for (Index c = 0; c < psi.size(); ++c) {
    const auto d = digits(spaces, c);
    std::vector<int> da, db;
    for (std::size_t i = 0; i < spaces.size(); ++i) (inside[i] ? da : db).push_back(d[i]);
    std::vector<std::pair<int, Mode>> order;  // chosen modes first
    for (const Mode& mode : modes(spaces, d))
      order.emplace_back(inside[static_cast<std::size_t>(mode.second)] ? 0 : 1, mode);
    m(configuration(a, da), configuration(b, db)) += double(sorting_sign(order)) * psi[c];
  }
  return m;
}

}  // namespace kronsolve::storm
