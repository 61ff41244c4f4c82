// Models of particles, alone and together with spins or phonons.

#include <cmath>
#include <complex>
#include <limits>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/random.hpp>

#include "operators/models/model_formulas.hpp"

namespace kronsolve::detail {

namespace {

/// -t sum of (create_a destroy_b + h.c.) over neighbours, the first turned by the twist.
void add_hopping(OpSum& op, const ModelArguments& p, const std::string& create,
                 const std::string& destroy) {
  const double t = p.number("t");
  if (t == 0) return;
  for (const Bond& bond : p.lattice().neighbours(1)) {
    const auto hop = -t * bond.weight * std::polar(1.0, p.angle(bond));
    op.add(hop, {{create, bond.a}, {destroy, bond.b}})
        .add(std::conj(hop), {{create, bond.b}, {destroy, bond.a}});
  }
}

void add_electron_hopping(OpSum& op, const ModelArguments& p) {
  add_hopping(op, p, "Cup+", "Cup-");
  add_hopping(op, p, "Cdn+", "Cdn-");
}

/// v sum of n_a n_b over neighbours.
void add_repulsion(OpSum& op, const ModelArguments& p, double v) {
  if (v == 0) return;
  for (const Bond& bond : p.lattice().bonds())
    op.add(v * bond.weight, {{"N", bond.a}, {"N", bond.b}});
}

/// Two kinds of sites in turn.
std::vector<LocalSpace> in_turn(const ModelArguments& p, const LocalSpace& first,
                                const LocalSpace& second) {
  std::vector<LocalSpace> spaces;
  for (int site = 0; site < p.sites(); ++site) spaces.push_back(site % 2 == 0 ? first : second);
  return spaces;
}

LocalSpace phonons(const ModelArguments& p) {
  return LocalSpace::boson(1 + static_cast<int>(p.integer("nmax", 1, 254)));
}

/// A mode of light at site 0 and spins at the others.
OpSum light_and_spins(const ModelArguments& p) {
  if (p.sites() < 2)
    throw InvalidArgument(concat("model ", p.name(),
                                 ": site 0 is the mode, the others are spins; give --sites 2 or "
                                 "more, got 1"));
  std::vector<LocalSpace> spaces(static_cast<std::size_t>(p.sites()));
  spaces[0] = phonons(p);
  OpSum op(spaces);
  if (const double w = p.number("w"); w != 0) op.add(w, {{"N", 0}});
  add_on_sites(op, p.number("w0"), {"Sz"}, 1);
  return op;
}

/// Particles of one kind, at most one on a site.
OpSum hard_core(const ModelArguments& p, const std::string& create, const std::string& destroy) {
  OpSum op(p.sites(), p.space());
  add_hopping(op, p, create, destroy);
  add_repulsion(op, p, p.number("V"));
  add_on_sites(op, -p.number("mu"), {"N"});
  return op;
}

}  // namespace

OpSum t_v(const ModelArguments& p) { return hard_core(p, "C+", "C-"); }

OpSum hubbard_hardcore(const ModelArguments& p) { return hard_core(p, "B+", "B-"); }

OpSum hubbard(const ModelArguments& p) {
  OpSum op(p.sites(), p.space());
  add_electron_hopping(op, p);
  add_on_sites(op, p.number("U"), {"Nup", "Ndn"});
  add_on_sites(op, -p.number("mu"), {"N"});
  return op;
}

OpSum extended_hubbard(const ModelArguments& p) {
  OpSum op = hubbard(p);
  add_repulsion(op, p, p.number("V"));
  return op;
}

OpSum ionic_hubbard(const ModelArguments& p) {
  OpSum op = hubbard(p);
  if (const double delta = p.number("delta"); delta != 0) {
    std::vector<double> potential;
    for (const int sign : p.sublattices("delta")) potential.push_back(sign * delta / 2);
    add_on_sites(op, potential, "N");
  }
  return op;
}

OpSum tj(const ModelArguments& p) {
  const double j = p.number("J");
  OpSum op(p.sites(), p.space());
  for (Bond bond : p.lattice().bonds()) {
    bond.step = {0, 0};  // the twist is of the charge
    add_exchange(op, p, bond, {j, j, j});
  }
  add_repulsion(op, p, -j / 4);
  add_electron_hopping(op, p);
  add_on_sites(op, -p.number("mu"), {"N"});
  return op;
}

OpSum bose_hubbard(const ModelArguments& p) {
  const int dim = 1 + static_cast<int>(p.integer("nmax", 1, 254));
  OpSum op(p.sites(), LocalSpace::boson(dim));
  add_hopping(op, p, "B+", "B-");
  // One matrix: U/2 n n - U/2 n would lose mu where U is large.
  std::vector<double> pairs;
  for (int n = 0; n < dim; ++n) pairs.push_back(n * (n - 1) / 2);
  op.define("N(N-1)/2", LocalMatrix::diagonal(pairs));
  add_on_sites(op, p.number("U"), {"N(N-1)/2"});
  add_on_sites(op, -p.number("mu"), {"N"});
  return op;
}

OpSum rydberg(const ModelArguments& p) {
  OpSum op(p.sites(), p.space());
  const double rabi = p.number("rabi"), v = p.number("V"), radius = p.number("radius");
  add_on_sites(op, rabi / 2, {"B+"});
  add_on_sites(op, rabi / 2, {"B-"});
  auto potential = p.pattern("delta");
  for (double& delta : potential) delta = -delta;
  add_on_sites(op, potential, "N");
  if (!(radius >= 0))
    throw InvalidArgument(concat(p.where("radius"), " must be 0 (all pairs) or a distance above"));
  if (v == 0) return op;
  constexpr double rounding = 1e-9;
  for (int a = 0; a < p.sites(); ++a)
    for (int b = a + 1; b < p.sites(); ++b) {
      const double r = p.lattice().distance(a, b);
      if (radius == 0 || r <= radius + rounding) op.add(v / std::pow(r, 6), {{"N", a}, {"N", b}});
    }
  return op;
}

OpSum pxp(const ModelArguments& p) {
  OpSum op(p.sites(), p.space());
  std::vector<std::vector<OpFactor>> around(static_cast<std::size_t>(p.sites()));
  for (const Bond& bond : p.lattice().bonds()) {
    around[static_cast<std::size_t>(bond.a)].push_back({"P0", bond.b});
    around[static_cast<std::size_t>(bond.b)].push_back({"P0", bond.a});
  }
  if (const double omega = p.number("omega"); omega != 0)
    for (int site = 0; site < p.sites(); ++site)
      for (const char* flip : {"B+", "B-"}) {
        auto factors = around[static_cast<std::size_t>(site)];
        factors.push_back({flip, site});
        op.add(omega, std::move(factors));
      }
  add_on_sites(op, -p.number("mu"), {"N"});
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

OpSum kondo(const ModelArguments& p) {
  OpSum op(in_turn(p, LocalSpace::electron(), LocalSpace::spin(1)));
  add_electron_hopping(op, p);
  const double j = p.number("J");
  for (int site = 0; site < p.sites(); site += 2) add_exchange(op, p, {site, site + 1}, {j, j, j});
  add_on_sites(op, p.number("U"), {"Nup", "Ndn"}, 0, 2);
  add_on_sites(op, -p.number("mu"), {"N"}, 0, 2);
  return op;
}

OpSum holstein(const ModelArguments& p) {
  OpSum op(in_turn(p, LocalSpace::electron(), phonons(p)));
  add_electron_hopping(op, p);
  if (const double g = p.number("g"); g != 0)
    for (int site = 0; site < p.sites(); site += 2)
      op.add(g, {{"N", site}, {"B+", site + 1}}).add(g, {{"N", site}, {"B-", site + 1}});
  add_on_sites(op, p.number("U"), {"Nup", "Ndn"}, 0, 2);
  add_on_sites(op, -p.number("mu"), {"N"}, 0, 2);
  add_on_sites(op, p.number("w"), {"N"}, 1, 2);
  return op;
}

OpSum dicke(const ModelArguments& p) {
  OpSum op = light_and_spins(p);
  const double g = 2 * p.number("g") / std::sqrt(p.sites() - 1.0);
  if (g != 0)
    for (int site = 1; site < p.sites(); ++site)
      op.add(g, {{"B+", 0}, {"Sx", site}}).add(g, {{"B-", 0}, {"Sx", site}});
  return op;
}

OpSum jaynes_cummings(const ModelArguments& p) {
  OpSum op = light_and_spins(p);
  if (const double g = p.number("g"); g != 0)
    for (int site = 1; site < p.sites(); ++site)
      op.add(g, {{"B+", 0}, {"S-", site}}).add(g, {{"B-", 0}, {"S+", site}});
  return op;
}

}  // namespace kronsolve::detail
