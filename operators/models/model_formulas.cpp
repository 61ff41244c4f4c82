// The Hamiltonians, each as docs/models.md writes it.

#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/random.hpp>

#include "operators/models/model_arguments.hpp"

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

/// -t sum of (create_a destroy_b + h.c.) over neighbours.
void add_hopping(OpSum& op, const Lattice& lattice, double t, const std::string& create,
                 const std::string& destroy) {
  if (t == 0) return;
  for (const Bond& bond : lattice.bonds())
    op.add(-t, {{create, bond.a}, {destroy, bond.b}})
        .add(-t, {{create, bond.b}, {destroy, bond.a}});
}

void add_on_sites(OpSum& op, double coefficient, const std::vector<std::string>& factors) {
  if (coefficient == 0) return;
  for (int site = 0; site < op.sites(); ++site) {
    std::vector<OpFactor> term;
    for (const auto& name : factors) term.push_back({name, site});
    op.add(coefficient, std::move(term));
  }
}

OpSum hubbard_hardcore(const ModelArguments& p) {
  OpSum op(p.sites(), p.space());
  add_hopping(op, p.lattice(), p.number("t"), "B+", "B-");
  if (const double v = p.number("V"); v != 0)
    for (const Bond& bond : p.lattice().bonds()) op.add(v, {{"N", bond.a}, {"N", bond.b}});
  add_on_sites(op, -p.number("mu"), {"N"});
  return op;
}

OpSum hubbard(const ModelArguments& p) {
  OpSum op(p.sites(), p.space());
  add_hopping(op, p.lattice(), p.number("t"), "Cup+", "Cup-");
  add_hopping(op, p.lattice(), p.number("t"), "Cdn+", "Cdn-");
  add_on_sites(op, p.number("U"), {"Nup", "Ndn"});
  add_on_sites(op, -p.number("mu"), {"N"});
  return op;
}

OpSum tj(const ModelArguments& p) {
  const double j = p.number("J");
  OpSum op = exchange_on_bonds(p, j, j, j);
  if (j != 0)
    for (const Bond& bond : p.lattice().bonds()) op.add(-j / 4, {{"N", bond.a}, {"N", bond.b}});
  add_hopping(op, p.lattice(), p.number("t"), "Cup+", "Cup-");
  add_hopping(op, p.lattice(), p.number("t"), "Cdn+", "Cdn-");
  add_on_sites(op, -p.number("mu"), {"N"});
  return op;
}

OpSum bose_hubbard(const ModelArguments& p) {
  const int dim = 1 + static_cast<int>(p.integer("nmax", 1, 254));
  OpSum op(p.sites(), LocalSpace::boson(dim));
  add_hopping(op, p.lattice(), p.number("t"), "B+", "B-");
  // One matrix: U/2 n n - U/2 n would lose mu where U is large.
  std::vector<double> pairs;
  for (int n = 0; n < dim; ++n) pairs.push_back(n * (n - 1) / 2);
  op.define("N(N-1)/2", LocalMatrix::diagonal(pairs));
  add_on_sites(op, p.number("U"), {"N(N-1)/2"});
  add_on_sites(op, -p.number("mu"), {"N"});
  return op;
}

OpSum aklt(const ModelArguments& p) {
  const double j = p.number("j");
  OpSum op(p.sites(), p.space());
  for (const Bond& bond : p.lattice().bonds()) {
    OpSum exchange(p.sites(), p.space());
    add_exchange(exchange, bond.a, bond.b, 1, 1, 1);
    op += j * exchange;
    op += (j / 3) * (exchange * exchange);
  }
  return op;
}

OpSum haldane_shastry(const ModelArguments& p) {
  OpSum op(p.sites(), p.space());
  for (int a = 0; a < p.sites(); ++a)
    for (int b = a + 1; b < p.sites(); ++b) {
      const double chord =
          p.sites() / std::numbers::pi * std::sin(std::numbers::pi * (b - a) / p.sites());
      const double j = p.number("j") / (chord * chord);
      add_exchange(op, a, b, j, j, j);
    }
  return op;
}

OpSum long_range(const ModelArguments& p) {
  OpSum op(p.sites(), p.space());
  const double alpha = p.number("alpha");
  const std::array j = {p.number("jx"), p.number("jy"), p.number("jz")};
  for (int a = 0; a < p.sites(); ++a)
    for (int b = a + 1; b < p.sites(); ++b) {
      const double decay = std::pow(p.lattice().chain_distance(a, b), -alpha);
      add_exchange(op, a, b, decay * j[0], decay * j[1], decay * j[2]);
    }
  add_field(op, p.number("bx"), p.number("by"), p.number("bz"));
  return op;
}

OpSum ladder(const ModelArguments& p) {
  OpSum op(p.sites(), p.space());
  const std::array j = {p.number("jr"), p.number("jl")};
  for (const Bond& bond : p.lattice().bonds()) {
    const double coupling = j[static_cast<std::size_t>(bond.kind)];
    add_exchange(op, bond.a, bond.b, coupling, coupling, coupling);
  }
  add_field(op, 0, 0, p.number("bz"));
  return op;
}

OpSum syk(const ModelArguments& p) {
  const int majoranas = 2 * p.sites();
  if (majoranas < 4)
    throw InvalidArgument("model syk: four Majorana fermions need at least 2 sites, got 1");
  const double deviation = p.number("j") * std::sqrt(6.0 / std::pow(majoranas, 3));
  const CounterRandom random(
      static_cast<std::uint64_t>(p.integer("seed", 0, std::numeric_limits<long>::max())));
  const auto majorana = [](int m) { return OpFactor{m % 2 == 0 ? "Mx" : "My", m / 2}; };
  OpSum op(p.sites(), p.space());
  std::uint64_t number =
      0;  // by (d, c, b, a), so that more sites keep the couplings among the first ones
  for (int d = 3; d < majoranas; ++d)
    for (int c = 2; c < d; ++c)
      for (int b = 1; b < c; ++b)
        for (int a = 0; a < b; ++a)  // chi = Mx/sqrt 2 or My/sqrt 2, four of them: 1/4
          op.add(deviation / 4 * random.normal(number++),
                 {majorana(a), majorana(b), majorana(c), majorana(d)});
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
      {{"heisenberg2d",
        "heisenberg on LX x LY sites, site = x*LY + y",
        with_couplings_and_fields({}),
        {"square"},
        "spin-S"},
       heisenberg},
      {{"hubbard-hardcore",
        "-t sum (b+ b + h.c.) + V sum n n over neighbours - mu sum n, hard-core bosons",
        {parameter("t", "0.5", "hopping"), parameter("V", "1", "repulsion of neighbours"),
         parameter("mu", "1", "chemical potential")},
        anywhere,
        "boson:2"},
       hubbard_hardcore},
      {{"hubbard",
        "-t sum (c+ c + h.c.) over neighbours and spins + U sum nup ndown - mu sum n",
        {parameter("t", "1", "hopping"), parameter("U", "4", "repulsion on a site"),
         parameter("mu", "0", "chemical potential")},
        anywhere,
        "electron"},
       hubbard},
      {{"tj",
        "-t sum P (c+ c + h.c.) P + J sum (S.S - n n/4) over neighbours - mu sum n, no doubly "
        "occupied site",
        {parameter("t", "1", "hopping"), parameter("J", "0.4", "exchange"),
         parameter("mu", "0", "chemical potential")},
        anywhere,
        "tj"},
       tj},
      {{"bose-hubbard",
        "-t sum (b+ b + h.c.) over neighbours + U/2 sum n (n-1) - mu sum n, at most nmax on a site",
        {parameter("t", "1", "hopping"), parameter("U", "4", "repulsion on a site"),
         parameter("mu", "0", "chemical potential"),
         parameter("nmax", "3", "most bosons on a site")},
        anywhere,
        "boson:4"},
       bose_hubbard},
      {{"aklt",
        "j sum S.S + (S.S)^2/3 over neighbours, spin 1",
        {parameter("j", "1", "coupling")},
        anywhere,
        "spin-1"},
       aklt},
      {{"haldane-shastry",
        "sum over pairs of j (pi/N)^2 / sin(pi (i-k)/N)^2 S_i.S_k, a ring",
        {parameter("j", "1", "coupling")},
        {"chain"},
        "spin-S"},
       haldane_shastry},
      {{"long-range",
        "sum over pairs of (jx SxSx + jy SySy + jz SzSz)/d^alpha - sum b.S, d the distance (the "
        "shorter way round)",
        with_couplings_and_fields({parameter("alpha", "2", "power")}),
        {"chain"},
        "spin-S"},
       long_range},
      {{"ladder",
        "jr sum S.S over rungs + jl sum S.S over legs - bz sum Sz, size LEGSxLENGTH",
        {parameter("jr", "1", "coupling of rungs"), parameter("jl", "1", "coupling of legs"),
         field_b, field_bz},
        {"ladder"},
        "spin-S"},
       ladder},
      {{"kagome",
        "heisenberg on a kagome lattice of LX x LY cells of three sites",
        with_couplings_and_fields({}),
        {"kagome"},
        "spin-S"},
       heisenberg},
      {{"triangular",
        "heisenberg on a triangular lattice of LX x LY sites",
        with_couplings_and_fields({}),
        {"triangular"},
        "spin-S"},
       heisenberg},
      {{"syk",
        "sum over a<b<c<d of J_abcd chi_a chi_b chi_c chi_d, 2N Majorana fermions, J normal with "
        "variance 6 j^2/(2N)^3",
        {parameter("j", "1", "strength"), parameter("seed", "0", "seed of the couplings")},
        {"chain"},
        "fermion"},
       syk},
  };
  return entries;
}

}  // namespace kronsolve::detail
