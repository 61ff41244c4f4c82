// The Hamiltonians, each as docs/models.md writes it.

#include <array>
#include <cmath>
#include <numbers>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/random.hpp>

#include "operators/model_arguments.hpp"

namespace kronsolve::detail {

namespace {

constexpr std::array<const char*, 3> spin_axes = {"Sx", "Sy", "Sz"};
constexpr std::array<const char*, 3> axis_names = {"x", "y", "z"};

/// jx SxSx + jy SySy + jz SzSz on one bond.
void add_exchange(OpSum& op, int a, int b, double jx, double jy, double jz) {
  if (jx == jy && jx != 0) {
    op.add(jx / 2, {{"S+", a}, {"S-", b}}).add(jx / 2, {{"S-", a}, {"S+", b}});
  } else {
    if (jx != 0) op.add(jx, {{"Sx", a}, {"Sx", b}});
    if (jy != 0) op.add(jy, {{"Sy", a}, {"Sy", b}});
  }
  if (jz != 0) op.add(jz, {{"Sz", a}, {"Sz", b}});
}

/// - sum of (bx Sx + by Sy + bz Sz).
void add_field(OpSum& op, double bx, double by, double bz) {
  const std::array b = {bx, by, bz};
  for (int site = 0; site < op.sites(); ++site)
    for (std::size_t axis = 0; axis < 3; ++axis)
      if (b[axis] != 0) op.add(-b[axis], {{spin_axes[axis], site}});
}

OpSum exchange_on_bonds(const ModelArguments& p, double jx, double jy, double jz) {
  OpSum op(p.sites(), p.space());
  for (const Bond& bond : p.lattice().bonds()) add_exchange(op, bond.a, bond.b, jx, jy, jz);
  return op;
}

OpSum heisenberg(const ModelArguments& p) {
  OpSum op = exchange_on_bonds(p, p.number("jx"), p.number("jy"), p.number("jz"));
  add_field(op, p.number("bx"), p.number("by"), p.number("bz"));
  return op;
}

OpSum ising(const ModelArguments& p) {
  OpSum op = exchange_on_bonds(p, 0, 0, p.number("jz"));
  add_field(op, p.number("bx"), 0, 0);
  return op;
}

OpSum xy(const ModelArguments& p) {
  OpSum op = exchange_on_bonds(p, p.number("jxy"), p.number("jxy"), 0);
  add_field(op, 0, 0, p.number("bz"));
  return op;
}

OpSum xxz(const ModelArguments& p) {
  OpSum op = exchange_on_bonds(p, p.number("jxy"), p.number("jxy"), p.number("delta"));
  add_field(op, 0, 0, p.number("bz"));
  return op;
}

OpSum j1j2(const ModelArguments& p) {
  const double j1 = p.number("j1"), j2 = p.number("j2");
  OpSum op = exchange_on_bonds(p, j1, j1, j1);
  for (const Bond& bond : p.lattice().second_bonds()) add_exchange(op, bond.a, bond.b, j2, j2, j2);
  add_field(op, 0, 0, p.number("bz"));
  return op;
}

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

OpSum mbl(const ModelArguments& p) {
  OpSum op = heisenberg(p);
  const std::string& axes = p.text("axes");
  if (axes.empty() || axes.find_first_not_of("xyz") != std::string::npos)
    throw InvalidArgument(
        concat(p.where("axes"), " must be some of x, y and z, such as z or xyz, got '", axes, "'"));
  for (unsigned axis = 0; axis < 3; ++axis) {
    if (axes.find(axis_names[axis]) == std::string::npos) continue;
    const auto fields = local_fields(p, axis);
    for (int site = 0; site < p.sites(); ++site)
      if (const double h = fields[static_cast<std::size_t>(site)]; h != 0)
        op.add(h, {{spin_axes[axis], site}});
  }
  return op;
}

// ---- the registry ----

const std::vector<std::string> anywhere = {"chain",     "square", "ladder", "triangular",
                                           "honeycomb", "kagome", "edges"};

ModelParameter parameter(std::string name, std::string value, std::string doc) {
  return {std::move(name), std::move(value), std::move(doc), {}};
}
ModelParameter shorthand(std::string name, std::string doc, std::vector<std::string> for_these) {
  return {std::move(name), "", std::move(doc), std::move(for_these)};
}

std::vector<ModelParameter> with_couplings_and_fields(std::vector<ModelParameter> more) {
  std::vector<ModelParameter> all = {shorthand("j", "all three couplings", {"jx", "jy", "jz"}),
                                     parameter("jx", "1", "coupling of SxSx"),
                                     parameter("jy", "1", "coupling of SySy"),
                                     parameter("jz", "1", "coupling of SzSz"),
                                     shorthand("b", "field along z", {"bz"}),
                                     parameter("bx", "0", "field along x"),
                                     parameter("by", "0", "field along y"),
                                     parameter("bz", "0", "field along z")};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

const ModelParameter field_b = shorthand("b", "field along z", {"bz"});
const ModelParameter field_bz = parameter("bz", "0", "field along z");

}  // namespace

const std::vector<ModelEntry>& model_entries() {
  static const std::vector<ModelEntry> entries = {
      {{"heisenberg", "sum jx SxSx + jy SySy + jz SzSz over neighbours - sum b.S",
        with_couplings_and_fields({}), anywhere, "spin-S"},
       heisenberg},
      {{"ising",
        "sum jz SzSz over neighbours - sum bx Sx",
        {parameter("jz", "1", "coupling of SzSz"), parameter("bx", "1", "transverse field")},
        anywhere,
        "spin-S"},
       ising},
      {{"xy",
        "sum jxy (SxSx + SySy) over neighbours - bz sum Sz",
        {parameter("jxy", "1", "coupling of SxSx + SySy"), field_b, field_bz},
        anywhere,
        "spin-S"},
       xy},
      {{"xxz",
        "sum jxy (SxSx + SySy) + delta SzSz over neighbours - bz sum Sz",
        {parameter("jxy", "1", "coupling of SxSx + SySy"),
         parameter("delta", "1", "coupling of SzSz"), field_b, field_bz},
        anywhere,
        "spin-S"},
       xxz},
      {{"xyz", "sum jx SxSx + jy SySy + jz SzSz over neighbours - sum b.S",
        with_couplings_and_fields({}), anywhere, "spin-S"},
       heisenberg},
      {{"j1j2",
        "j1 sum S.S over first + j2 sum S.S over second neighbours - bz sum Sz",
        {parameter("j1", "1", "coupling of first neighbours"),
         parameter("j2", "0.5", "coupling of second neighbours"), field_b, field_bz},
        {"chain", "square"},
        "spin-S"},
       j1j2},
      {{"mbl", "heisenberg + sum h_i.S_i, h random",
        with_couplings_and_fields(
            {parameter("dh", "1", "strength of the local fields"),
             parameter("axes", "z", "directions of the local fields, some of xyz"),
             parameter("dist", "uniform",
                       "uniform on [-dh,dh], gauss (deviation dh) or "
                       "quasiperiodic, dh cos(2 pi beta i + phase)"),
             parameter("seed", "0", "seed of the fields"),
             parameter("beta", "0.6180339887498949", "frequency of quasiperiodic fields"),
             parameter("h", "", "the fields themselves, separated by commas, instead of dh")}),
        anywhere, "spin-S"},
       mbl},
  };
  return entries;
}

}  // namespace kronsolve::detail
