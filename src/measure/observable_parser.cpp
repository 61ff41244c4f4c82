#include <algorithm>
#include <array>
#include <optional>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/number.hpp>
#include <kronsolve/core/suggest.hpp>
#include <kronsolve/measure/entanglement.hpp>
#include <kronsolve/measure/observable_info.hpp>
#include <kronsolve/measure/sector_levels.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/op_file.hpp>

#include "core/counted.hpp"
#include "core/split.hpp"
#include "measure/quantity.hpp"
#include "measure/wave_grid.hpp"

namespace kronsolve {

namespace {

using detail::split;
using Quantity = Observable::Quantity;

/// One text with the basis it is about; every failure names it.
class Parser {
 public:
  Parser(std::string_view text, const Comm& comm, const Basis& basis, const Lattice& lattice)
      : text_(text), comm_(comm), basis_(basis), lattice_(lattice), parts_(split(text, ':')) {}

  Quantity parse() const {
    const std::string& head = parts_[0];
    std::vector<std::string> known;
    for (const Word& word : words()) {
      if (word.name == head) {
        if (parts_.size() < word.least || parts_.size() > word.most)
          refuse(detail::concat("it must be ", word.form));
        return (this->*word.read)();
      }
      known.emplace_back(word.name);
    }
    throw InvalidArgument(unknown_name("observable", head, known));
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw InvalidArgument(detail::concat("observable '", text_, "': ", why));
  }

  struct Word {
    std::string_view name;
    std::size_t least, most;  ///< parts of the text, the name among them
    const char* form;
    Quantity (Parser::*read)() const;
    const char* formula;
    const char* example;
  };

 public:
  static std::span<const Word> words();

 private:
  template <class Meaning>
  Quantity plain() const {
    return {Meaning{}};
  }

  int site(const std::string& text) const {
    const auto value = read_number<int>(text);
    if (!value || *value < 0 || *value >= basis_.sites())
      refuse(detail::concat("a site must be in [0, ", basis_.sites() - 1, "], got '", text, "'"));
    return *value;
  }

  OpSum product(std::vector<OpFactor> factors) const {
    OpSum op(basis_.spaces());
    try {
      op.add(1, std::move(factors));
    } catch (const InvalidArgument& error) {
      refuse(error.what());
    }
    return op;
  }

  Quantity sz() const { return local("Sz", 1); }
  Quantity particles() const { return local("N", 1); }
  Quantity any_local() const { return local(parts_[1], 2); }
  Quantity local(const std::string& op, std::size_t site_part) const {
    if (parts_.size() > site_part) {
      OpSum one = product({{op, site(parts_[site_part])}});
      const bool hermitian = one.is_hermitian();
      return {Quantity::Mean{std::move(one), hermitian}};
    }
    Quantity::Profile profile{op, true, true};
    for (int i = 0; i < basis_.sites(); ++i) {
      const OpSum one = product({{op, i}});
      profile.hermitian = profile.hermitian && one.is_hermitian();
      profile.real = profile.real && one.is_real();
    }
    return {std::move(profile)};
  }

  /// The two names of "A,B".
  std::pair<std::string, std::string> operator_pair() const {
    auto names = split(parts_[1], ',');
    if (names.size() != 2)
      refuse(detail::concat("two operators are needed, as in ", parts_[0], ":Sz,Sz, got '",
                            parts_[1], "'"));
    return {std::move(names[0]), std::move(names[1])};
  }

  Quantity::Correlations all_pairs() const {
    const auto [a, b] = operator_pair();
    Quantity::Correlations result{a, b, true, true};
    for (int i = 0; i < basis_.sites(); ++i)
      for (int j = 0; j < basis_.sites(); ++j) {
        const OpSum pair = product({{a, i}, {b, j}});
        result.hermitian = result.hermitian && pair.is_hermitian();
        result.real = result.real && pair.is_real();
      }
    return result;
  }

  Quantity correlations() const {
    if (parts_.size() == 2) return {all_pairs()};
    const auto [a, b] = operator_pair();
    const auto sites = split(parts_[2], ',');
    if (sites.size() != 2)
      refuse(detail::concat("two sites are needed, as in 0,5, got '", parts_[2], "'"));
    OpSum pair = product({{a, site(sites[0])}, {b, site(sites[1])}});
    const bool hermitian = pair.is_hermitian();
    return {Quantity::Mean{std::move(pair), hermitian}};
  }

  std::vector<std::vector<int>> neighbours() const {
    std::vector<std::vector<int>> of(static_cast<std::size_t>(basis_.sites()));
    for (const Bond& bond : lattice_.bonds()) {
      of[static_cast<std::size_t>(bond.a)].push_back(bond.b);
      of[static_cast<std::size_t>(bond.b)].push_back(bond.a);
    }
    return of;
  }

  /// Bonds on the shortest way from `start` to each site, -1 where there is none.
  static std::vector<int> distances_from(int start, const std::vector<std::vector<int>>& of) {
    std::vector<int> distance(of.size(), -1), queue = {start};
    distance[static_cast<std::size_t>(start)] = 0;
    for (std::size_t at = 0; at < queue.size(); ++at)
      for (const int next : of[static_cast<std::size_t>(queue[at])])
        if (distance[static_cast<std::size_t>(next)] < 0) {
          distance[static_cast<std::size_t>(next)] =
              distance[static_cast<std::size_t>(queue[at])] + 1;
          queue.push_back(next);
        }
    return distance;
  }

  Quantity by_distance() const {
    Quantity::ByDistance result{all_pairs(), {}};
    const auto of = neighbours();
    for (int i = 0; i < basis_.sites(); ++i) {
      const auto from_here = distances_from(i, of);
      result.distances.insert(result.distances.end(), from_here.begin(), from_here.end());
    }
    return {std::move(result)};
  }

  Quantity structure_factor() const {
    if (lattice_.size().empty())
      refuse("momenta need a chain or a lattice; a graph has none, take corr or distance");
    auto [size, positions] = detail::wave_grid(lattice_);
    Quantity::StructureFactor result{all_pairs(), std::move(positions), std::move(size), true};
    for (int i = 0; i < basis_.sites(); ++i) {
      const auto& space = basis_.spaces()[static_cast<std::size_t>(i)];
      result.hermitian =
          result.hermitian && space.find(result.pairs.b)->adjoint() == *space.find(result.pairs.a);
    }
    return {std::move(result)};
  }

  bool has(int i, std::string_view op) const {
    return basis_.spaces()[static_cast<std::size_t>(i)].find(op).has_value();
  }

  OpSum total_spin() const {
    try {
      return total_spin_squared(basis_.spaces());
    } catch (const InvalidArgument& error) {
      refuse(error.what());
    }
  }
  Quantity spin_squared() const {
    return {Quantity::TotalSpin{total_spin(), Quantity::TotalSpin::Show::square}};
  }
  Quantity spin() const {
    return {Quantity::TotalSpin{total_spin(), Quantity::TotalSpin::Show::spin}};
  }

  Quantity double_occupancy() const {
    const auto both = [&](int i) { return product({{"Nup", i}, {"Ndn", i}}); };
    if (parts_.size() == 2) return {Quantity::Mean{both(site(parts_[1])), true}};
    Quantity::Means means{{}, true};
    for (int i = 0; i < basis_.sites(); ++i) means.ops.push_back(both(i));
    return {std::move(means)};
  }

  Quantity fidelity() const { return {Quantity::Overlap{.squared = true}}; }

  /// S_i . S_j.
  OpSum exchange(int i, int j) const {
    OpSum op = product({{"Sz", i}, {"Sz", j}});
    op += 0.5 * product({{"S+", i}, {"S-", j}});
    op += 0.5 * product({{"S-", i}, {"S+", j}});
    return op;
  }
  const std::vector<Bond>& some_bonds() const {
    if (lattice_.bonds().empty()) refuse("the lattice has no bonds");
    return lattice_.bonds();
  }

  Quantity bonds() const {
    Quantity::Means means{{}, true, "bond"};
    for (const Bond& bond : some_bonds()) {
      if (parts_.size() == 1) {
        means.ops.push_back(exchange(bond.a, bond.b));
        continue;
      }
      const auto [a, b] = operator_pair();
      means.ops.push_back(product({{a, bond.a}, {b, bond.b}}));
      means.hermitian = means.hermitian && means.ops.back().is_hermitian();
    }
    return {std::move(means)};
  }

  /// i (A_a B_b - its adjoint).
  Quantity current() const {
    const auto [a, b] = operator_pair();
    Quantity::Means means{{}, true, "bond"};
    for (const Bond& bond : some_bonds()) {
      const OpSum there = product({{a, bond.a}, {b, bond.b}});
      means.ops.push_back(std::complex<double>(0, 1) * (there - there.adjoint()));
    }
    return {std::move(means)};
  }

  /// Products of every two of them, the rows of a matrix.
  Quantity products_of(const std::vector<OpSum>& parts, const char* axis) const {
    Quantity::Means means{{}, true, axis, static_cast<index_t>(parts.size())};
    for (const OpSum& one : parts)
      for (const OpSum& other : parts) {
        means.ops.push_back(one * other);
        means.hermitian = means.hermitian && means.ops.back().is_hermitian();
      }
    return {std::move(means)};
  }

  Quantity dimers() const {
    std::vector<OpSum> dimers;
    for (const Bond& bond : some_bonds()) dimers.push_back(exchange(bond.a, bond.b));
    return products_of(dimers, "bond");
  }

  /// Three sites that follow each other along a chain, or are joined to each other; ascending.
  std::vector<std::array<int, 3>> triangles() const {
    std::vector<std::array<int, 3>> found;
    const int n = basis_.sites();
    if (lattice_.name() == "chain" && lattice_.layers() == 1) {
      const bool closed = lattice_.is_cyclic(0) && n > 2;
      for (int i = 0; closed ? i < n : i + 2 < n; ++i)
        found.push_back({i, (i + 1) % n, (i + 2) % n});
    } else {
      const auto of = neighbours();
      const auto joined = [&](int i, int j) {
        const auto& near = of[static_cast<std::size_t>(i)];
        return std::find(near.begin(), near.end(), j) != near.end();
      };
      for (int i = 0; i < n; ++i)
        for (int j = i + 1; j < n; ++j)
          for (int k = j + 1; joined(i, j) && k < n; ++k)
            if (joined(i, k) && joined(j, k)) found.push_back({i, j, k});
    }
    if (found.empty()) refuse("the lattice has no triangles");
    return found;
  }

  /// S_i . (S_j x S_k) = i/2 times the sum of (S+ S- - S- S+) Sz over the cyclic permutations.
  OpSum chirality(const std::array<int, 3>& sites) const {
    OpSum op(basis_.spaces());
    for (std::size_t p = 0; p < 3; ++p) {
      const int i = sites[p], j = sites[(p + 1) % 3], k = sites[(p + 2) % 3];
      op += std::complex<double>(0, 0.5) * (product({{"S+", i}, {"S-", j}, {"Sz", k}}) -
                                            product({{"S-", i}, {"S+", j}, {"Sz", k}}));
    }
    return op;
  }
  Quantity chiralities() const {
    if (parts_.size() == 2 && parts_[1] != "corr") refuse("it must be chirality or chirality:corr");
    std::vector<OpSum> all;
    for (const auto& sites : triangles()) all.push_back(chirality(sites));
    if (parts_.size() == 2) return products_of(all, "triangle");
    return {Quantity::Means{std::move(all), true, "triangle"}};
  }

  std::vector<int> sublattices() const {
    try {
      return lattice_.sublattices();
    } catch (const InvalidArgument& error) {
      refuse(error.what());
    }
  }

  Quantity moment(const std::vector<int>& signs) const {
    int power = 1;
    if (parts_.size() == 2) {
      const auto given = read_number<int>(parts_[1]);
      if (parts_[1] != "binder" && (!given || *given < 1 || *given > 16))
        refuse(detail::concat("behind the colon stands a power from 1 to 16, or binder, got '",
                              parts_[1], "'"));
      power = given.value_or(0);
    }
    Quantity::Moment result{{}, power};
    bool spins = false;
    for (int i = 0; i < basis_.sites(); ++i) {
      const auto& space = basis_.spaces()[static_cast<std::size_t>(i)];
      const auto matrix = space.find("Sz");
      spins = spins || matrix.has_value();
      result.values.emplace_back(static_cast<std::size_t>(space.dim()), 0.0);
      for (int digit = 0; matrix && digit < space.dim(); ++digit)
        result.values.back()[static_cast<std::size_t>(digit)] =
            signs[static_cast<std::size_t>(i)] * (*matrix)(digit, digit).real() / basis_.sites();
    }
    if (!spins) refuse("no site has a spin");
    return {std::move(result)};
  }
  Quantity magnetisation() const {
    for (const Charge& charge : basis_.charges())
      if (charge.name == "sz" && charge.rule.target == 0 && parts_.back() == "binder")
        refuse("in a sector with sz=0 the magnetisation is 0 and has no Binder ratio");
    return moment(std::vector<int>(static_cast<std::size_t>(basis_.sites()), 1));
  }
  Quantity staggered() const { return moment(sublattices()); }

  Quantity imbalance() const {
    const auto signs = sublattices();
    bool particles = false;
    for (int i = 0; i < basis_.sites(); ++i) particles = particles || has(i, "N");
    Quantity::Ratio ratio{OpSum(basis_.spaces()), OpSum(basis_.spaces())};
    double spins = 0;
    for (int i = 0; i < basis_.sites(); ++i) {
      const double sign = signs[static_cast<std::size_t>(i)];
      const auto& space = basis_.spaces()[static_cast<std::size_t>(i)];
      if (particles && has(i, "N")) {
        ratio.over.add(sign, {{"N", i}});
        ratio.under.add(1, {{"N", i}});
      } else if (!particles && space.kind() == LocalSpace::Kind::spin) {
        ratio.over.add(sign, {{"Sz", i}});
        spins += space.twice_spin() / 2.0;
      }
    }
    if (!particles) {
      if (spins == 0) refuse("no site has a spin or holds particles");
      ratio.under.add(spins, {});
    }
    return {std::move(ratio)};
  }

  /// "0,3-5" as sites, ascending.
  std::vector<int> set_of_sites(const std::string& text) const {
    std::vector<int> sites;
    for (const auto& piece : split(text, ',')) {
      const auto dash = piece.find('-');
      const int first = site(piece.substr(0, dash));
      const int last = dash == piece.npos ? first : site(piece.substr(dash + 1));
      if (last < first) refuse(detail::concat("'", piece, "' must ascend"));
      for (int i = first; i <= last; ++i) sites.push_back(i);
    }
    std::sort(sites.begin(), sites.end());
    if (std::adjacent_find(sites.begin(), sites.end()) != sites.end())
      refuse(detail::concat("a site is named twice in '", text, "'"));
    return sites;
  }

  std::vector<int> cut(const std::string& text) const {
    std::vector<int> sites;
    if (text.find_first_of(",-", 1) != text.npos) {
      sites = set_of_sites(text);
    } else {
      const auto count =
          text == "half" ? std::optional<int>(basis_.sites() / 2) : read_number<int>(text);
      if (!count || *count < 0 || *count > basis_.sites())
        refuse(detail::concat("a cut must be half, a number of sites in [0, ", basis_.sites(),
                              "] or a set of sites such as 0,3-5, got '", text, "'"));
      for (int i = 0; i < *count; ++i) sites.push_back(i);
    }
    (void)entanglement_memory(basis_, sites, ScalarKind::real,
                              1);  // refuses bases that have no cut
    return sites;
  }

  Quantity shared(Quantity::Shared::What what) const {
    auto a = set_of_sites(parts_[1]), b = set_of_sites(parts_[2]);
    for (const int i : a)
      if (std::find(b.begin(), b.end(), i) != b.end())
        refuse(detail::concat("site ", i, " is in both sets"));
    (void)entanglement_memory(basis_, a, ScalarKind::real, 1);
    return {Quantity::Shared{std::move(a), std::move(b), what}};
  }
  Quantity mutual_information() const { return shared(Quantity::Shared::What::information); }
  Quantity negativity() const { return shared(Quantity::Shared::What::negativity); }

  Quantity entropy_of(const std::string& text, double alpha) const {
    const bool cuts = text == "cuts";
    return {Quantity::Entropy{cut(cuts ? "half" : text), alpha, cuts}};
  }
  Quantity entropy() const { return entropy_of(parts_[1], 1); }
  Quantity schmidt() const { return {Quantity::Schmidt{cut(parts_[1])}}; }
  Quantity renyi() const {
    const auto alpha = read_number<double>(parts_[1]);
    if (!alpha || !(*alpha > 0))
      refuse(detail::concat("the order must be a number > 0, got '", parts_[1], "'"));
    return entropy_of(parts_[2], *alpha);
  }

  Quantity amplitude() const {
    const bool separated = parts_[1].find(',') != std::string::npos;
    Quantity::Amplitude result;
    std::vector<std::string> texts;
    if (separated)
      texts = split(parts_[1], ',');
    else
      for (const char c : parts_[1]) texts.emplace_back(1, c);
    if (static_cast<int>(texts.size()) != basis_.sites())
      refuse(detail::concat(detail::counted(texts.size(), "digit"), " for ",
                            detail::counted(basis_.sites(), "site")));
    for (int i = 0; i < basis_.sites(); ++i) {
      const auto& digit = texts[static_cast<std::size_t>(i)];
      const auto value = read_number<int>(digit);
      if (!value || *value < 0 || *value >= basis_.code().dim(i))
        refuse(detail::concat("the digit of site ", i, " must be in [0, ", basis_.code().dim(i) - 1,
                              "], got '", digit, "'"));
      result.digits.push_back(*value);
    }
    return {std::move(result)};
  }

  Quantity any_operator() const {
    const std::string what(text_.substr(3));  // a path may contain ':'
    if (what.empty()) refuse("it must be op:FILE.toml or an operator such as op:Sz 0 Sz 3");
    OpSum op(basis_.spaces());
    if (what.ends_with(".toml") || what.find_first_of(" _") == what.npos) {
      const auto file = read_operator_file(comm_, what);
      file.require_constant(what);
      file.require_no_rules(what);
      op = file.op;
    } else {
      try {
        op = OpSum::parse(what, basis_.spaces());
      } catch (const InvalidArgument& error) {
        refuse(error.what());
      }
    }
    if (op.spaces() != basis_.spaces())
      refuse(detail::concat("the operator is on ", detail::counted(op.sites(), "site"),
                            ", the state on ", basis_.sites(), ", or their local spaces differ"));
    const bool hermitian = op.is_hermitian();
    return {Quantity::Mean{std::move(op), hermitian}};
  }

  std::string_view text_;
  const Comm& comm_;
  const Basis& basis_;
  const Lattice& lattice_;
  std::vector<std::string> parts_;
};

std::span<const Parser::Word> Parser::words() {
  using P = Parser;
  constexpr std::size_t any = ~std::size_t{0};
  static const Word table[] = {
      {"energy", 1, 1, "energy", &P::plain<Quantity::Energy>, "<H>", "energy"},
      {"variance", 1, 1, "variance", &P::plain<Quantity::Variance>, "<H^2> - <H>^2", "variance"},
      {"norm", 1, 1, "norm", &P::plain<Quantity::Norm>, "sqrt <psi|psi>", "norm"},
      {"overlap", 1, 1, "overlap", &P::plain<Quantity::Overlap>,
       "<psi0|psi> with the initial state of evolve, or with --reference, [re, im]", "overlap"},
      {"fidelity", 1, 1, "fidelity", &P::fidelity, "|<psi0|psi>|^2 of normalised states",
       "fidelity"},
      {"participation", 1, 1, "participation", &P::plain<Quantity::Participation>,
       "1 / sum_c p_c^2 over configurations c, p_c = |<c|psi>|^2", "participation"},
      {"sz", 1, 2, "sz or sz:SITE", &P::sz, "<Sz_i> of every site, or of one", "sz:3"},
      {"n", 1, 2, "n or n:SITE", &P::particles, "<N_i> of every site, or of one: particles", "n:0"},
      {"local", 2, 3, "local:OP or local:OP:SITE", &P::any_local,
       "<OP_i> of every site, or of one: any operator of the sites", "local:Sx"},
      {"double-occupancy", 1, 2, "double-occupancy or double-occupancy:SITE", &P::double_occupancy,
       "<Nup_i Ndn_i> of every site, or of one", "double-occupancy"},
      {"corr", 2, 3, "corr:A,B or corr:A,B:I,J", &P::correlations,
       "<A_i B_j>, not connected: every pair of sites, or one", "corr:Sz,Sz:0,5"},
      {"distance", 2, 2, "distance:A,B", &P::by_distance,
       "mean of <A_i B_j> over the sites i, j that are 0, 1, 2 ... bonds apart", "distance:Sz,Sz"},
      {"sq", 2, 2, "sq:A,B", &P::structure_factor,
       "sum_ij exp(iq(r_i - r_j)) <A_i B_j> / N at q = 2 pi m/N", "sq:Sz,Sz"},
      {"bonds", 1, 2, "bonds or bonds:A,B", &P::bonds,
       "<S_i . S_j>, or <A_i B_j>, of every bond of the lattice", "bonds"},
      {"current", 2, 2, "current:A,B", &P::current,
       "<i (A_i B_j - its adjoint)> of every bond: what flows from j to i", "current:S+,S-"},
      {"dimers", 1, 1, "dimers", &P::dimers,
       "<(S_i . S_j)(S_k . S_l)>, not connected: every pair of bonds", "dimers"},
      {"chirality", 1, 2, "chirality or chirality:corr", &P::chiralities,
       "<S_i . (S_j x S_k)> of every triangle, or of a chain's i, i+1, i+2; products of every two",
       "chirality"},
      {"s2", 1, 1, "s2", &P::spin_squared, "<S^2> of the total spin", "s2"},
      {"spin", 1, 1, "spin", &P::spin, "S of <S^2> = S(S+1)", "spin"},
      {"magnetisation", 1, 2, "magnetisation, magnetisation:POWER or magnetisation:binder",
       &P::magnetisation, "<m> of m = sum_i Sz_i / N; <m^POWER>; binder: 1 - <m^4> / (3 <m^2>^2)",
       "magnetisation:2"},
      {"staggered", 1, 2, "staggered, staggered:POWER or staggered:binder", &P::staggered,
       "the same with +Sz and -Sz on the two sublattices", "staggered:binder"},
      {"imbalance", 1, 1, "imbalance", &P::imbalance,
       "particles of sublattice A minus those of B over all; of spins sum_i +-<Sz_i> / sum_i S_i",
       "imbalance"},
      {"entropy", 2, 2, "entropy:half, entropy:SITES, entropy:0,3-5 or entropy:cuts", &P::entropy,
       "-Tr rho_A ln rho_A: A the first sites, or a set of them; cuts: the first 0, 1, 2 ... sites",
       "entropy:half"},
      {"renyi", 3, 3, "renyi:ALPHA:half, renyi:ALPHA:SITES, renyi:ALPHA:0,3-5 or renyi:ALPHA:cuts",
       &P::renyi, "ln Tr rho_A^ALPHA / (1 - ALPHA)", "renyi:2:half"},
      {"schmidt", 2, 2, "schmidt:half, schmidt:SITES or schmidt:0,3-5", &P::schmidt,
       "Schmidt values of the cut, descending", "schmidt:half"},
      {"mutual", 3, 3, "mutual:0,1:4-5", &P::mutual_information,
       "S(A) + S(B) - S(AB) of two sets of sites", "mutual:0,1:4-5"},
      {"negativity", 3, 3, "negativity:0,1:4-5", &P::negativity,
       "ln || rho_AB^(T_B) ||_1 of two sets of sites", "negativity:0,1:4-5"},
      {"amplitude", 2, 2, "amplitude:DIGITS", &P::amplitude,
       "<DIGITS|psi> of one configuration, [re, im]", "amplitude:0101"},
      {"op", 2, any, "op:FILE.toml or an operator such as op:Sz 0 Sz 3", &P::any_operator,
       "<OP>; [re, im] if it is not Hermitian", "op:Sz 0 Sz 3 + 0.5 S+ 0 S- 1"},
  };
  return table;
}

}  // namespace

const std::vector<ObservableInfo>& observables() {
  static const std::vector<ObservableInfo> all = [] {
    std::vector<ObservableInfo> result;
    for (const auto& word : Parser::words())
      result.push_back({std::string(word.name), word.form, word.formula, word.example});
    return result;
  }();
  return all;
}

Observable Observable::parse(const Comm& comm, std::string_view text, const Basis& basis,
                             const std::optional<Lattice>& lattice) {
  const Lattice places = lattice ? *lattice : Lattice::chain(basis.sites());
  if (places.sites() != basis.sites())
    throw DimensionError(detail::concat("observable '", text, "': the lattice has ",
                                        detail::counted(places.sites(), "site"), ", the basis ",
                                        basis.sites()));
  return {std::string(text),
          std::make_shared<const Quantity>(Parser(text, comm, basis, places).parse())};
}

bool Observable::needs_hamiltonian() const noexcept {
  return std::holds_alternative<Quantity::Energy>(quantity_->meaning) ||
         std::holds_alternative<Quantity::Variance>(quantity_->meaning);
}

bool Observable::is_expectation() const {
  using Q = Quantity;
  return std::visit(
      []<class Meaning>(const Meaning& meaning) {
        if constexpr (std::is_same_v<Meaning, Q::Moment>)
          return meaning.power > 0;
        else if constexpr (std::is_same_v<Meaning, Q::TotalSpin>)
          return meaning.show == Q::TotalSpin::Show::square;
        else if constexpr (std::is_same_v<Meaning, Q::Ratio>)  // over a number: of spins
          return std::all_of(meaning.under.terms().begin(), meaning.under.terms().end(),
                             [](const auto& term) { return term.factors.empty(); });
        else
          return std::is_same_v<Meaning, Q::Energy> || std::is_same_v<Meaning, Q::Mean> ||
                 std::is_same_v<Meaning, Q::Means> || std::is_same_v<Meaning, Q::Profile> ||
                 std::is_same_v<Meaning, Q::Correlations> ||
                 std::is_same_v<Meaning, Q::ByDistance> ||
                 std::is_same_v<Meaning, Q::StructureFactor>;
      },
      quantity_->meaning);
}

bool Observable::needs_reference() const noexcept {
  return std::holds_alternative<Quantity::Overlap>(quantity_->meaning);
}

}  // namespace kronsolve
