// The table of models: what docs/models.md writes, with parameters and defaults.

#include "operators/models/model_formulas.hpp"

namespace kronsolve::detail {

namespace {

const std::vector<std::string> anywhere = {
    "chain", "square", "ladder", "triangular", "honeycomb", "kagome", "star", "complete", "edges"};
/// Where sites have places.
const std::vector<std::string> in_space = {"chain",      "square",    "ladder",
                                           "triangular", "honeycomb", "kagome"};

ModelParameter parameter(std::string name, std::string value, std::string doc) {
  return {std::move(name), std::move(value), std::move(doc), {}};
}
ModelParameter shorthand(std::string name, std::string doc, std::vector<std::string> for_these) {
  return {std::move(name), "", std::move(doc), std::move(for_these)};
}

using Parameters = std::vector<ModelParameter>;

Parameters joined(Parameters first, const Parameters& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

const ModelParameter twist =
    parameter("twist", "0", "angle of the boundaries in radians, along x or as x,y");

/// Of every spin model.
Parameters with_site_terms(Parameters own) {
  return joined(std::move(own),
                {parameter("D", "0", "of D Sz^2 on every site"),
                 parameter("E", "0", "of E (Sx^2 - Sy^2) on every site"),
                 parameter("hx", "",
                           "fields +h_i Sx_i: numbers repeated over the sites, or "
                           "staggered:H"),
                 parameter("hy", "", "the same along y"), parameter("hz", "", "the same along z")});
}
/// Of spins with an exchange that a twist can turn.
Parameters with_exchange_terms(Parameters own) {
  own.push_back(twist);
  return with_site_terms(std::move(own));
}

const Parameters couplings = {shorthand("j", "all three couplings", {"jx", "jy", "jz"}),
                              parameter("jx", "1", "coupling of SxSx"),
                              parameter("jy", "1", "coupling of SySy"),
                              parameter("jz", "1", "coupling of SzSz")};
const Parameters fields = {
    shorthand("b", "field along z", {"bz"}), parameter("bx", "0", "field along x"),
    parameter("by", "0", "field along y"), parameter("bz", "0", "field along z")};

Parameters with_couplings_and_fields(const Parameters& more) {
  return with_exchange_terms(joined(joined(couplings, fields), more));
}

const ModelParameter field_b = shorthand("b", "field along z", {"bz"});
const ModelParameter field_bz = parameter("bz", "0", "field along z");

const ModelParameter hopping = parameter("t", "1", "hopping");
const ModelParameter repulsion = parameter("U", "4", "repulsion on a site");
const ModelParameter neighbours = parameter("V", "1", "repulsion of neighbours");
const ModelParameter chemical_potential = parameter("mu", "0", "chemical potential");

Parameters anisotropic_parameters() {
  auto all = with_couplings_and_fields({});
  for (auto& one : all)
    if (one.name == "D") one.default_value = "1";
  return all;
}

}  // namespace

const std::vector<ModelEntry>& model_entries() {
  static const std::vector<ModelEntry> entries = {
      {{"heisenberg", "sum jx SxSx + jy SySy + jz SzSz over neighbours - sum b.S",
        with_couplings_and_fields({}), anywhere, "spin-S"},
       heisenberg},
      {{"ising", "sum jz SzSz over neighbours - sum bx Sx",
        with_site_terms(
            {parameter("jz", "1", "coupling of SzSz"), parameter("bx", "1", "transverse field")}),
        anywhere, "spin-S"},
       ising},
      {{"xy", "sum jxy (SxSx + SySy) over neighbours - bz sum Sz",
        with_exchange_terms({parameter("jxy", "1", "coupling of SxSx + SySy"), field_b, field_bz}),
        anywhere, "spin-S"},
       xy},
      {{"xxz", "sum jxy (SxSx + SySy) + delta SzSz over neighbours - bz sum Sz",
        with_exchange_terms({parameter("jxy", "1", "coupling of SxSx + SySy"),
                             parameter("delta", "1", "coupling of SzSz"), field_b, field_bz}),
        anywhere, "spin-S"},
       xxz},
      {{"xyz", "sum jx SxSx + jy SySy + jz SzSz over neighbours - sum b.S",
        with_couplings_and_fields({}), anywhere, "spin-S"},
       heisenberg},
      {{"j1j2", "j1, j2, j3 sum S.S over first, second, third neighbours - bz sum Sz",
        with_exchange_terms({parameter("j1", "1", "coupling of first neighbours"),
                             parameter("j2", "0.5", "coupling of second neighbours"),
                             parameter("j3", "0", "coupling of third neighbours"), field_b,
                             field_bz}),
        in_space, "spin-S"},
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
      {{"dm",
        "heisenberg + sum d.(S_i x S_j) over neighbours, i before j as the lattice lists them",
        with_couplings_and_fields({parameter("dmx", "0", "x part of d"),
                                   parameter("dmy", "0", "y part of d"),
                                   parameter("dmz", "0.1", "z part of d")}),
        anywhere, "spin-S"},
       heisenberg},
      {{"anisotropic", "heisenberg + D sum Sz^2 + E sum (Sx^2 - Sy^2), spin 1",
        anisotropic_parameters(), anywhere, "spin-1"},
       heisenberg},
      {{"kitaev",
        "sum over bonds of K Sc Sc + J S.S + Gamma (Sa Sb + Sb Sa) - sum b.S, c the axis of the "
        "bond: z in a cell, x and y along x and y",
        with_site_terms(joined({parameter("K", "1", "coupling of the axis of a bond"),
                                parameter("J", "0", "coupling of S.S"),
                                parameter("Gamma", "0", "coupling of the other two axes")},
                               fields)),
        {"honeycomb", "edges"},
        "spin-1/2"},
       kitaev},
      {{"cluster",
        "-k sum X_i prod Z_j over the neighbours j of i (X = 2Sx, Z = 2Sz) + jz sum SzSz - sum b.S",
        with_site_terms(joined({parameter("k", "1", "strength of the stabilizers"),
                                parameter("jz", "0", "coupling of SzSz")},
                               fields)),
        anywhere, "spin-1/2"},
       cluster},
      {{"su3", "j sum P_ij over neighbours, P_ij exchanges the states of two spins 1",
        with_site_terms({parameter("j", "1", "coupling")}), anywhere, "spin-1"},
       su3},
      {{"t-v",
        "-t sum (c+ c + h.c.) + V sum n n over neighbours - mu sum n, spinless fermions",
        {hopping, neighbours, twist, chemical_potential},
        anywhere,
        "fermion"},
       t_v},
      {{"hubbard-hardcore",
        "-t sum (b+ b + h.c.) + V sum n n over neighbours - mu sum n, hard-core bosons",
        {parameter("t", "0.5", "hopping"), neighbours, twist,
         parameter("mu", "1", "chemical potential")},
        anywhere,
        "boson:2"},
       hubbard_hardcore},
      {{"hubbard",
        "-t sum (c+ c + h.c.) over neighbours and spins + U sum nup ndown - mu sum n",
        {hopping, repulsion, twist, chemical_potential},
        anywhere,
        "electron"},
       hubbard},
      {{"extended-hubbard",
        "hubbard + V sum n n over neighbours",
        {hopping, repulsion, neighbours, twist, chemical_potential},
        anywhere,
        "electron"},
       extended_hubbard},
      {{"ionic-hubbard",
        "hubbard + delta/2 sum +-n, + and - on the two sublattices",
        {hopping, repulsion, parameter("delta", "1", "difference of the two sublattices"), twist,
         chemical_potential},
        anywhere,
        "electron"},
       ionic_hubbard},
      {{"tj",
        "-t sum P (c+ c + h.c.) P + J sum (S.S - n n/4) over neighbours - mu sum n, no doubly "
        "occupied site",
        {hopping, parameter("J", "0.4", "exchange"), twist, chemical_potential},
        anywhere,
        "tj"},
       tj},
      {{"bose-hubbard",
        "-t sum (b+ b + h.c.) over neighbours + U/2 sum n (n-1) - mu sum n, at most nmax on a site",
        {hopping, repulsion, twist, chemical_potential,
         parameter("nmax", "3", "most bosons on a site")},
        anywhere,
        "boson:4"},
       bose_hubbard},
      {{"aklt", "j sum S.S + (S.S)^2/3 over neighbours, spin 1",
        with_exchange_terms({parameter("j", "1", "coupling")}), anywhere, "spin-1"},
       aklt},
      {{"haldane-shastry",
        "sum over pairs of j (pi/N)^2 / sin(pi (i-k)/N)^2 S_i.S_k, a ring",
        with_site_terms({parameter("j", "1", "coupling")}),
        {"chain"},
        "spin-S"},
       haldane_shastry},
      {{"long-range",
        "sum over pairs of (jx SxSx + jy SySy + jz SzSz)/d^alpha - sum b.S, d the distance (the "
        "shorter way round)",
        with_site_terms(joined(joined(couplings, fields), {parameter("alpha", "2", "power")})),
        {"chain"},
        "spin-S"},
       long_range},
      {{"ladder",
        "jr sum S.S over rungs + jl sum S.S over legs - bz sum Sz, size LEGSxLENGTH",
        with_exchange_terms({parameter("jr", "1", "coupling of rungs"),
                             parameter("jl", "1", "coupling of legs"), field_b, field_bz}),
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
      {{"rydberg",
        "rabi/2 sum (b+ + b) - sum delta n + V sum n n / r^6 over pairs, r their distance; "
        "hard-core bosons, n = 1 an excited atom",
        {parameter("rabi", "1", "Rabi frequency"),
         parameter("delta", "1", "detuning: one number, or several repeated over the sites"),
         parameter("V", "1", "interaction at the distance of neighbours"),
         parameter("radius", "0", "pairs farther apart are left out; 0: none is")},
        in_space,
        "boson:2"},
       rydberg},
      {{"pxp",
        "omega sum P (b+ + b) P - mu sum n, P: no particle on any neighbour; hard-core bosons",
        {parameter("omega", "1", "Rabi frequency"), chemical_potential},
        anywhere,
        "boson:2"},
       pxp},
      {{"kondo",
        "-t sum (c+ c + h.c.) over neighbours and spins + J sum s.S + U sum nup ndown - mu sum n, "
        "sites: electron 0, spin 0, electron 1, ...",
        {hopping, parameter("J", "1", "exchange of an electron with the spin of its place"),
         parameter("U", "0", "repulsion on a site"), twist, chemical_potential},
        anywhere,
        "electron, spin-1/2"},
       kondo,
       2},
      {{"holstein",
        "-t sum (c+ c + h.c.) over neighbours and spins + w sum b+ b + g sum n (b+ + b) + U sum "
        "nup ndown - mu sum n, sites: electron 0, phonon 0, electron 1, ...",
        {hopping, parameter("w", "1", "frequency of the phonons"),
         parameter("g", "1", "coupling of density and phonons"),
         parameter("U", "0", "repulsion on a site"), twist, chemical_potential,
         parameter("nmax", "4", "most phonons of a place")},
        anywhere,
        "electron, boson:5"},
       holstein,
       2},
      {{"dicke",
        "w b+ b + w0 sum Sz + g/sqrt(M) (b+ + b) sum (S+ + S-), site 0 the mode, the others M "
        "spins",
        {parameter("w", "1", "frequency of the mode"), parameter("w0", "1", "splitting of a spin"),
         parameter("g", "0.5", "coupling"), parameter("nmax", "10", "most quanta of the mode")},
        {"star"},
        "boson:11, spin-1/2"},
       dicke},
      {{"jaynes-cummings",
        "w b+ b + w0 sum Sz + g sum (b+ S- + b S+), site 0 the mode, the others spins",
        {parameter("w", "1", "frequency of the mode"), parameter("w0", "1", "splitting of a spin"),
         parameter("g", "0.1", "coupling"), parameter("nmax", "10", "most quanta of the mode")},
        {"star"},
        "boson:11, spin-1/2"},
       jaynes_cummings},
  };
  return entries;
}

}  // namespace kronsolve::detail
