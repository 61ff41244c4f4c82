#include <array>
#include <cmath>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/number.hpp>
#include <kronsolve/operators/local_space.hpp>

namespace kronsolve {

namespace {

constexpr int largest_dim = 255;

int require_dim(int dim, int least, const char* what) {
  if (dim < least || dim > largest_dim)
    throw InvalidArgument(
        detail::concat(what, ": dimension must be in [", least, ", ", largest_dim, "], got ", dim));
  return dim;
}

std::optional<int> to_int(std::string_view text) { return read_number<int>(text); }

/// A matrix with a single kind of entry: value(col) at (row(col), col).
LocalMatrix unit(int dim, std::initializer_list<std::array<int, 3>> entries) {
  LocalMatrix m(dim);
  for (const auto& [row, col, value] : entries) m(row, col) = value;
  return m;
}

std::optional<LocalMatrix> spin_operator(int dim, std::string_view op) {
  const double s = (dim - 1) / 2.0;
  const auto m_of = [&](int digit) { return s - digit; };
  LocalMatrix raise(dim);
  for (int digit = 1; digit < dim; ++digit) {
    const double m = m_of(digit);
    raise(digit - 1, digit) = std::sqrt(s * (s + 1) - m * (m + 1));
  }
  const LocalMatrix lower = raise.adjoint();
  const std::complex<double> i(0, 1);
  const auto axis = [&](char which) -> LocalMatrix {
    if (which == 'x') return 0.5 * (raise + lower);
    if (which == 'y') return (-0.5 * i) * (raise + (-1.0) * lower);
    LocalMatrix z(dim);
    for (int digit = 0; digit < dim; ++digit) z(digit, digit) = m_of(digit);
    return z;
  };
  if (op == "S+") return raise;
  if (op == "S-") return lower;
  if (op == "Sx") return axis('x');
  if (op == "Sy") return axis('y');
  if (op == "Sz") return axis('z');
  if (dim == 2) {
    if (op == "X") return 2.0 * axis('x');
    if (op == "Y") return 2.0 * axis('y');
    if (op == "Z") return 2.0 * axis('z');
  }
  return std::nullopt;
}

std::optional<LocalMatrix> boson_operator(int dim, std::string_view op) {
  LocalMatrix create(dim), number(dim);
  for (int n = 0; n < dim; ++n) {
    number(n, n) = n;
    if (n > 0) create(n, n - 1) = std::sqrt(double(n));
  }
  if (op == "B+") return create;
  if (op == "B-") return create.adjoint();
  if (op == "N") return number;
  return std::nullopt;
}

std::optional<LocalMatrix> fermion_operator(std::string_view op) {
  if (op == "C+") return unit(2, {{1, 0, 1}});
  if (op == "C-") return unit(2, {{0, 1, 1}});
  if (op == "N") return unit(2, {{1, 1, 1}});
  if (op == "Mx") return unit(2, {{1, 0, 1}, {0, 1, 1}});
  if (op == "My") return std::complex<double>(0, 1) * unit(2, {{1, 0, 1}, {0, 1, -1}});
  return std::nullopt;
}

std::optional<LocalMatrix> electron_operator(std::string_view op) {
  // Digits: 0 empty, 1 up, 2 down, 3 = c+up c+down |0>; hence c+down |1> = -|3>.
  const LocalMatrix up = unit(4, {{1, 0, 1}, {3, 2, 1}});
  const LocalMatrix down = unit(4, {{2, 0, 1}, {3, 1, -1}});
  const LocalMatrix raise = unit(4, {{1, 2, 1}});
  const LocalMatrix lower = raise.adjoint();
  if (op == "Cup+") return up;
  if (op == "Cup-") return up.adjoint();
  if (op == "Cdn+") return down;
  if (op == "Cdn-") return down.adjoint();
  if (op == "Nup") return LocalMatrix::diagonal({0, 1, 0, 1});
  if (op == "Ndn") return LocalMatrix::diagonal({0, 0, 1, 1});
  if (op == "N") return LocalMatrix::diagonal({0, 1, 1, 2});
  if (op == "Sz") return LocalMatrix::diagonal({0, 0.5, -0.5, 0});
  if (op == "S+") return raise;
  if (op == "S-") return lower;
  if (op == "Sx") return 0.5 * (raise + lower);
  if (op == "Sy") return std::complex<double>(0, -0.5) * (raise + (-1.0) * lower);
  return std::nullopt;
}

/// The operators of an electron between states without double occupation.
std::optional<LocalMatrix> tj_operator(std::string_view op) {
  const auto whole = electron_operator(op);
  if (!whole) return std::nullopt;
  LocalMatrix projected(3);
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) projected(i, j) = (*whole)(i, j);
  return projected;
}

}  // namespace

LocalSpace LocalSpace::spin(int twice_spin) {
  return {Kind::spin, require_dim(twice_spin + 1, 2, "spin")};
}
LocalSpace LocalSpace::boson(int dim) { return {Kind::boson, require_dim(dim, 2, "boson")}; }
LocalSpace LocalSpace::fermion() { return {Kind::fermion, 2}; }
LocalSpace LocalSpace::electron() { return {Kind::electron, 4}; }
LocalSpace LocalSpace::tj() { return {Kind::tj, 3}; }
LocalSpace LocalSpace::plain(int dim) { return {Kind::plain, require_dim(dim, 1, "site")}; }

LocalSpace LocalSpace::parse(std::string_view text) {
  const auto starts = [&](std::string_view prefix) {
    return text.substr(0, prefix.size()) == prefix;
  };
  if (text == "fermion") return fermion();
  if (text == "electron") return electron();
  if (text == "tj") return tj();
  if (starts("boson:"))
    if (const auto dim = to_int(text.substr(6))) return boson(*dim);
  if (starts("dim:"))
    if (const auto dim = to_int(text.substr(4))) return plain(*dim);
  if (starts("spin-")) {
    const std::string_view value = text.substr(5);
    const auto slash = value.find('/');
    if (slash == std::string_view::npos) {
      if (const auto whole = to_int(value)) return spin(2 * *whole);
    } else if (value.substr(slash) == "/2") {
      const auto twice = to_int(value.substr(0, slash));
      if (twice && *twice % 2 != 0) return spin(*twice);
    }
  }
  throw InvalidArgument(
      detail::concat("local space must be spin-1/2, spin-1, spin-3/2, ..., boson:DIM, fermion, "
                     "electron, tj or dim:D, got '",
                     text, "'"));
}

std::string LocalSpace::name() const {
  switch (kind_) {
    case Kind::spin:
      return dim_ % 2 == 1 ? detail::concat("spin-", (dim_ - 1) / 2)
                           : detail::concat("spin-", dim_ - 1, "/2");
    case Kind::boson:
      return detail::concat("boson:", dim_);
    case Kind::fermion:
      return "fermion";
    case Kind::electron:
      return "electron";
    case Kind::tj:
      return "tj";
    case Kind::plain:
      break;
  }
  return detail::concat("dim:", dim_);
}

std::vector<std::string> LocalSpace::operator_names() const {
  std::vector<std::string> names;
  switch (kind_) {
    case Kind::spin:
      names = {"Sx", "Sy", "Sz", "S+", "S-"};
      if (dim_ == 2) names.insert(names.end(), {"X", "Y", "Z"});
      break;
    case Kind::boson:
      names = {"B+", "B-", "N"};
      break;
    case Kind::fermion:
      names = {"C+", "C-", "N", "Mx", "My"};
      break;
    case Kind::electron:
    case Kind::tj:
      names = {"Cup+", "Cup-", "Cdn+", "Cdn-", "Nup", "Ndn", "N", "Sz", "S+", "S-", "Sx", "Sy"};
      break;
    case Kind::plain:
      break;
  }
  names.push_back("I");
  for (int digit = 0; digit < dim_; ++digit) names.push_back(detail::concat("P", digit));
  return names;
}

std::optional<LocalMatrix> LocalSpace::find(std::string_view op) const {
  if (op == "I") return LocalMatrix::identity(dim_);
  if (op.size() > 1 && op.front() == 'P')
    if (const auto digit = to_int(op.substr(1)); digit && *digit >= 0 && *digit < dim_) {
      LocalMatrix projector(dim_);
      projector(*digit, *digit) = 1;
      return projector;
    }
  switch (kind_) {
    case Kind::spin:
      return spin_operator(dim_, op);
    case Kind::boson:
      return boson_operator(dim_, op);
    case Kind::fermion:
      return fermion_operator(op);
    case Kind::electron:
      return electron_operator(op);
    case Kind::tj:
      return tj_operator(op);
    case Kind::plain:
      break;
  }
  return std::nullopt;
}

LocalSpace::FermionParity LocalSpace::fermion_parity(std::string_view op) const noexcept {
  if (kind_ == Kind::fermion) return {.up = op == "C+" || op == "C-" || op == "Mx" || op == "My"};
  if (!has_electrons()) return {};
  if (op == "Cup+" || op == "Cup-") return {.up = true};
  if (op == "Cdn+" || op == "Cdn-") return {.down = true};
  // A spin flip removes one fermion of each kind: odd in both.
  if (op == "S+" || op == "S-" || op == "Sx" || op == "Sy") return {.up = true, .down = true};
  return {};
}

LocalMatrix LocalSpace::up_parity() const {
  if (kind_ == Kind::fermion) return LocalMatrix::diagonal({1, -1});
  if (kind_ == Kind::electron) return LocalMatrix::diagonal({1, -1, 1, -1});
  if (kind_ == Kind::tj) return LocalMatrix::diagonal({1, -1, 1});
  return LocalMatrix::identity(dim_);
}

LocalMatrix LocalSpace::down_parity() const {
  if (kind_ == Kind::electron) return LocalMatrix::diagonal({1, 1, -1, -1});
  if (kind_ == Kind::tj) return LocalMatrix::diagonal({1, 1, -1});
  return LocalMatrix::identity(dim_);
}

}  // namespace kronsolve
