// Models of spins.

#include <cmath>
#include <complex>
#include <limits>
#include <numbers>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/random.hpp>

#include "operators/models/model_formulas.hpp"

namespace kronsolve::detail {

namespace {

constexpr std::array<const char*, 3> axis_names = {"x", "y", "z"};

/// - sum of (bx Sx + by Sy + bz Sz).
void add_field(OpSum& op, const Vector3& b) {
  for (std::size_t axis = 0; axis < 3; ++axis) add_on_sites(op, -b[axis], {spin_axes[axis]});
}

Vector3 vector_of(const ModelArguments& p, const std::string& name) {
  return {p.number(name + "x"), p.number(name + "y"), p.number(name + "z")};
}

OpSum exchange_on_bonds(const ModelArguments& p, const Vector3& j, const Vector3& d = {}) {
  OpSum op(p.sites(), p.space());
  for (const Bond& bond : p.lattice().bonds()) add_exchange(op, p, bond, j, d);
  return op;
}

}  // namespace

void add_exchange(OpSum& op, const ModelArguments& p, const Bond& bond, const Vector3& j,
                  const Vector3& d) {
  const auto [a, b, kind, weight, step] = bond;
  const auto add = [&, a = a, b = b, weight = weight](std::complex<double> c, const char* left,
                                                      const char* right) {
    if (c != 0.0) op.add(weight * c, {{left, a}, {right, b}});
  };
  if (j[0] == j[1]) {  // S_a x S_b has z part i/2 (S+_a S-_b - h.c.)
    const auto flip = std::polar(1.0, p.angle(bond)) * std::complex(j[0], d[2]) / 2.0;
    add(flip, "S+", "S-");
    add(std::conj(flip), "S-", "S+");
  } else {
    add(j[0], "Sx", "Sx");
    add(j[1], "Sy", "Sy");
    add(d[2], "Sx", "Sy");
    add(-d[2], "Sy", "Sx");
  }
  add(j[2], "Sz", "Sz");
  add(d[0], "Sy", "Sz");
  add(-d[0], "Sz", "Sy");
  add(d[1], "Sz", "Sx");
  add(-d[1], "Sx", "Sz");
}

void add_on_sites(OpSum& op, double coefficient, const std::vector<std::string>& factors, int first,
                  int step) {
  if (coefficient == 0) return;
  for (int site = first; site < op.sites(); site += step) {
    std::vector<OpFactor> term;
    for (const auto& name : factors) term.push_back({name, site});
    op.add(coefficient, std::move(term));
  }
}

void add_on_sites(OpSum& op, const std::vector<double>& coefficients, const std::string& factor) {
  for (int site = 0; site < op.sites(); ++site)
    if (const double c = coefficients[static_cast<std::size_t>(site)]; c != 0)
      op.add(c, {{factor, site}});
}

void add_site_terms(OpSum& op, const ModelArguments& p) {
  const double along = p.number("D"), across = p.number("E");
  if (p.space().dim() == 2 && (along != 0 || across != 0))
    throw InvalidArgument(concat(p.where(along != 0 ? "D" : "E"),
                                 " acts on spins of 1 and more; spin 1/2 knows no such term"));
  add_on_sites(op, along, {"Sz", "Sz"});
  add_on_sites(op, across, {"Sx", "Sx"});
  add_on_sites(op, -across, {"Sy", "Sy"});
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const auto name = concat("h", axis_names[axis]);
    if (p.given(name)) add_on_sites(op, p.pattern(name), spin_axes[axis]);
  }
}

OpSum heisenberg(const ModelArguments& p) {
  const bool has_dm = p.has("dmz");
  OpSum op = exchange_on_bonds(p, vector_of(p, "j"), has_dm ? vector_of(p, "dm") : Vector3{});
  add_field(op, vector_of(p, "b"));
  return op;
}

OpSum ising(const ModelArguments& p) {
  OpSum op = exchange_on_bonds(p, {0, 0, p.number("jz")});
  add_field(op, {p.number("bx"), 0, 0});
  return op;
}

OpSum xy(const ModelArguments& p) {
  OpSum op = exchange_on_bonds(p, {p.number("jxy"), p.number("jxy"), 0});
  add_field(op, {0, 0, p.number("bz")});
  return op;
}

OpSum xxz(const ModelArguments& p) {
  OpSum op = exchange_on_bonds(p, {p.number("jxy"), p.number("jxy"), p.number("delta")});
  add_field(op, {0, 0, p.number("bz")});
  return op;
}

OpSum j1j2(const ModelArguments& p) {
  OpSum op(p.sites(), p.space());
  for (int n = 1; n <= 3; ++n) {
    const double j = p.number(concat("j", n));
    if (j == 0) continue;
    for (const Bond& bond : p.lattice().neighbours(n)) add_exchange(op, p, bond, {j, j, j});
  }
  add_field(op, {0, 0, p.number("bz")});
  return op;
}

namespace {

/// Local fields along one axis (0 x, 1 y, 2 z).
std::vector<double> local_fields(const ModelArguments& p, unsigned axis) {
  const auto n = static_cast<std::size_t>(p.sites());
  if (p.given("h")) {
    for (const char* other : {"dh", "dist", "seed", "beta"})
      if (p.given(other))
        throw InvalidArgument(concat(p.where("h"), " gives the fields; '", other,
                                     "' would choose them, give one of them"));
    return p.numbers("h", p.sites());
  }
  const double dh = p.number("dh");
  const CounterRandom random(
      static_cast<std::uint64_t>(p.integer("seed", 0, std::numeric_limits<long>::max())));
  const std::string& dist = p.text("dist");
  if (dist != "quasiperiodic" && p.given("beta"))
    throw InvalidArgument(concat(p.where("beta"), " is of dist=quasiperiodic, not of dist=", dist));
  std::vector<double> fields(n);
  for (std::size_t i = 0; i < n; ++i) {
    // By site and axis, so that neither the number of sites nor the other axes change a field.
    const std::uint64_t at = 3 * i + axis;
    if (dist == "uniform") {
      fields[i] = dh * (2 * random.uniform(at) - 1);
    } else if (dist == "gauss") {
      fields[i] = dh * random.normal(at);
    } else if (dist == "quasiperiodic") {
      const double phase = 2 * std::numbers::pi * random.uniform(axis);
      fields[i] =
          dh * std::cos(2 * std::numbers::pi * p.number("beta") * static_cast<double>(i) + phase);
    } else {
      throw InvalidArgument(
          concat(p.where("dist"), " must be uniform, gauss or quasiperiodic, got '", dist, "'"));
    }
  }
  return fields;
}

}  // namespace

OpSum mbl(const ModelArguments& p) {
  OpSum op = heisenberg(p);
  const std::string& axes = p.text("axes");
  if (axes.empty() || axes.find_first_not_of("xyz") != std::string::npos)
    throw InvalidArgument(
        concat(p.where("axes"), " must be some of x, y and z, such as z or xyz, got '", axes, "'"));
  for (unsigned axis = 0; axis < 3; ++axis) {
    if (axes.find(axis_names[axis]) != std::string::npos)
      add_on_sites(op, local_fields(p, axis), spin_axes[axis]);
  }
  return op;
}

/// Bonds of kind 0, 1, 2 are those of z, x, y.
OpSum kitaev(const ModelArguments& p) {
  const double k = p.number("K"), j = p.number("J"), gamma = p.number("Gamma");
  OpSum op(p.sites(), p.space());
  for (const Bond& bond : p.lattice().bonds()) {
    if (bond.kind > 2)
      throw InvalidArgument(concat("model kitaev: edges are of kind 0 (z), 1 (x) or 2 (y), got ",
                                   bond.kind, " between ", bond.a, " and ", bond.b));
    const auto own = static_cast<std::size_t>((bond.kind + 2) % 3);
    const std::size_t one = (own + 1) % 3, other = (own + 2) % 3;
    add_exchange(op, p, bond, {j, j, j});
    const auto add = [&](double c, std::size_t left, std::size_t right) {
      if (c != 0) op.add(c * bond.weight, {{spin_axes[left], bond.a}, {spin_axes[right], bond.b}});
    };
    add(k, own, own);
    add(gamma, one, other);
    add(gamma, other, one);
  }
  add_field(op, vector_of(p, "b"));
  return op;
}

OpSum cluster(const ModelArguments& p) {
  std::vector<std::vector<OpFactor>> stabilizers;
  for (int site = 0; site < p.sites(); ++site) stabilizers.push_back({{"X", site}});
  for (const Bond& bond : p.lattice().bonds()) {
    stabilizers[static_cast<std::size_t>(bond.a)].push_back({"Z", bond.b});
    stabilizers[static_cast<std::size_t>(bond.b)].push_back({"Z", bond.a});
  }
  OpSum op = exchange_on_bonds(p, {0, 0, p.number("jz")});
  if (const double k = p.number("k"); k != 0)
    for (auto& factors : stabilizers) op.add(-k, std::move(factors));
  add_field(op, vector_of(p, "b"));
  return op;
}

OpSum aklt(const ModelArguments& p) {
  const double j = p.number("j");
  OpSum op(p.sites(), p.space());
  for (const Bond& bond : p.lattice().bonds()) {
    Bond plain = bond;
    plain.weight = 1;
    OpSum exchange(p.sites(), p.space());
    add_exchange(exchange, p, plain, {1, 1, 1});
    op += (j * bond.weight) * exchange;
    op += (j * bond.weight / 3) * (exchange * exchange);
  }
  return op;
}

/// The exchange of two sites is the sum of |a><b| (x) |b><a|.
OpSum su3(const ModelArguments& p) {
  OpSum op(p.sites(), p.space());
  const int dim = p.space().dim();
  for (int a = 0; a < dim; ++a)
    for (int b = 0; b < dim; ++b) {
      LocalMatrix unit(dim);
      unit(a, b) = 1;
      op.define(concat("E", a, b), std::move(unit));
    }
  if (const double j = p.number("j"); j != 0)
    for (const Bond& bond : p.lattice().bonds())
      for (int a = 0; a < dim; ++a)
        for (int b = 0; b < dim; ++b)
          op.add(j * bond.weight, {{concat("E", a, b), bond.a}, {concat("E", b, a), bond.b}});
  return op;
}

OpSum haldane_shastry(const ModelArguments& p) {
  OpSum op(p.sites(), p.space());
  for (int a = 0; a < p.sites(); ++a)
    for (int b = a + 1; b < p.sites(); ++b) {
      const double chord =
          p.sites() / std::numbers::pi * std::sin(std::numbers::pi * (b - a) / p.sites());
      const double j = p.number("j") / (chord * chord);
      add_exchange(op, p, {a, b}, {j, j, j});
    }
  return op;
}

OpSum long_range(const ModelArguments& p) {
  OpSum op(p.sites(), p.space());
  const double alpha = p.number("alpha");
  const Vector3 j = vector_of(p, "j");
  for (int a = 0; a < p.sites(); ++a)
    for (int b = a + 1; b < p.sites(); ++b) {
      const double decay = std::pow(p.lattice().chain_distance(a, b), -alpha);
      add_exchange(op, p, {a, b}, {decay * j[0], decay * j[1], decay * j[2]});
    }
  add_field(op, vector_of(p, "b"));
  return op;
}

OpSum ladder(const ModelArguments& p) {
  OpSum op(p.sites(), p.space());
  const std::array couplings = {p.number("jr"), p.number("jl")};
  for (const Bond& bond : p.lattice().bonds()) {
    const double j = couplings[static_cast<std::size_t>(bond.kind)];
    add_exchange(op, p, bond, {j, j, j});
  }
  add_field(op, {0, 0, p.number("bz")});
  return op;
}

}  // namespace kronsolve::detail
