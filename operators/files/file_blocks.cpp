#include "operators/files/file_blocks.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <kronsolve/core/random.hpp>

namespace kronsolve::detail {

namespace {

/// coefficient * factor * operators, of which the k-th acts on the first or second end.
struct BlockTerm {
  Coefficient coefficient;
  std::complex<double> factor;
  std::vector<std::pair<std::string, int>> operators;
  bool with_conjugate;
  const toml::node* node;
};

/// Where a block acts: a bond, or a site as its first end.
struct Place {
  Bond bond;
  std::uint64_t key = 0;  ///< the same however many sites there are
};

class Block {
 public:
  enum class Kind { bond, site };

  Block(const FileReader& file, const Lattice& lattice, const toml::node& node, Kind kind,
        std::uint64_t number)
      : file_(file),
        lattice_(lattice),
        table_(file.table_of(node, kind == Kind::bond ? "[[bond]]" : "[[site]]")),
        node_(node),
        kind_(kind),
        number_(number),
        scope_(file.scope()) {
    auto known = kind == Kind::bond ? std::vector<std::string>{"neighbours", "kind", "j"}
                                    : std::vector<std::string>{};
    for (const char* key : {"terms", "where", "values", "random", "seed"}) known.emplace_back(key);
    for (const auto& [component, operators] : components()) known.push_back(component);
    file.check_keys(table_, known);
    read_terms();
    if (terms_.empty())
      file.fail(node, kind == Kind::bond
                          ? "a [[bond]] needs couplings such as j = 1, zz = \"delta\", or terms = "
                            "[[1, \"S+\", \"S-\", \"h.c.\"]]"
                          : "a [[site]] needs fields such as z = \"-h\", or terms = [[1, \"N\"]]");
    if (const auto* where = table_.get("where")) where_ = file.expression(*where);
  }

  /// @param half  takes what is to be added together with its conjugate
  void add(OpSum& sum, OpSum& half) {
    const auto places = chosen(all());
    const auto values = listed(places.size());
    const auto numbers = drawn(places);
    for (std::size_t i = 0; i < places.size(); ++i) {
      describe(places[i]);
      if (!values.empty()) scope_["value"] = values[i];
      if (!numbers.empty()) scope_["random"] = numbers[i];
      for (const auto& term : terms_) {
        const auto c = term.coefficient.value(scope_) * term.factor * places[i].bond.weight;
        if (c == 0.0) continue;
        std::vector<OpFactor> factors;
        for (const auto& [name, end] : term.operators)
          factors.push_back({name, end == 0 ? places[i].bond.a : places[i].bond.b});
        file_.located(*term.node,
                      [&] { (term.with_conjugate ? half : sum).add(c, std::move(factors)); });
      }
    }
  }

 private:
  using Operators = std::vector<std::pair<std::string, int>>;

  /// Keys for single components of spins: xx, xy, ..., or x, y, z.
  std::vector<std::pair<std::string, Operators>> components() const {
    std::vector<std::pair<std::string, Operators>> all;
    for (const char a : std::string_view("xyz")) {
      if (kind_ == Kind::site) all.push_back({{a}, {{std::string("S") + a, 0}}});
      for (const char b : std::string_view(kind_ == Kind::bond ? "xyz" : ""))
        all.push_back({{a, b}, {{std::string("S") + a, 0}, {std::string("S") + b, 1}}});
    }
    return all;
  }

  void read_terms() {
    if (const auto* j = table_.get("j"); j != nullptr && kind_ == Kind::bond) {
      const Coefficient c(file_, *j, "j");
      terms_.push_back({c, 1, {{"Sz", 0}, {"Sz", 1}}, false, j});
      terms_.push_back({c, 0.5, {{"S+", 0}, {"S-", 1}}, false, j});
      terms_.push_back({c, 0.5, {{"S-", 0}, {"S+", 1}}, false, j});
    }
    for (const auto& [component, operators] : components())
      if (const auto* node = table_.get(component))
        terms_.push_back({Coefficient(file_, *node, component), 1, operators, false, node});
    const auto* node = table_.get("terms");
    if (node == nullptr) return;
    const auto* list = node->as_array();
    if (list == nullptr) file_.fail(*node, "terms must be a list of terms");
    for (const auto& one : *list) read_term(one);
  }

  void read_term(const toml::node& node) {
    const auto* term = node.as_array();
    const auto refuse = [&] {
      file_.fail(node,
                 kind_ == Kind::bond
                     ? "a term of a bond is [coefficient, \"operator\", \"operator\"], the "
                       "first on one end and the second on the other, and \"h.c.\" if wanted"
                     : "a term of a site is [coefficient, \"operator\", ...], and \"h.c.\" if "
                       "wanted");
    };
    if (term == nullptr || term->size() < 2) refuse();
    Operators operators;
    bool conjugate = false;
    for (std::size_t k = 1; k < term->size(); ++k) {
      const auto name = (*term)[k].value_exact<std::string>();
      if (!name || conjugate) refuse();
      conjugate = *name == "h.c.";
      if (!conjugate)
        operators.emplace_back(*name, kind_ == Kind::bond ? static_cast<int>(k) - 1 : 0);
    }
    if (operators.empty() || (kind_ == Kind::bond && operators.size() != 2)) refuse();
    terms_.push_back(
        {Coefficient(file_, (*term)[0], "a coefficient"), 1, operators, conjugate, &node});
  }

  std::vector<Place> all() const {
    std::vector<Place> places;
    if (kind_ == Kind::site) {
      for (int i = 0; i < lattice_.sites(); ++i)
        places.push_back({{i, i}, static_cast<std::uint64_t>(i)});
      return places;
    }
    const auto* shell = table_.get("neighbours");
    const auto* kind = table_.get("kind");
    const auto n = shell == nullptr ? 1 : file_.integer(*shell, "neighbours", 1, 20);
    const auto wanted = kind == nullptr ? -1 : file_.integer(*kind, "kind", 0, 1 << 20);
    const auto bonds = file_.located(shell == nullptr ? node_ : *shell, [&] {
      try {
        return lattice_.neighbours(static_cast<int>(n));
      } catch (const NotSupported& error) {
        throw InvalidArgument(error.what());
      }
    });
    for (const Bond& bond : bonds)
      if (kind == nullptr || bond.kind == wanted)
        places.push_back({bond, static_cast<std::uint64_t>(std::min(bond.a, bond.b)) << 20 |
                                    static_cast<std::uint64_t>(std::max(bond.a, bond.b))});
    if (kind != nullptr && places.empty() && !bonds.empty())
      file_.fail(*kind, concat("no bond of this lattice is of kind ", wanted));
    return places;
  }

  /// What expressions may say about a place.
  void describe(const Place& place) {
    const auto& [a, b, kind, weight, step] = place.bond;
    scope_["i"] = a;
    if (!lattice_.size().empty()) {
      const auto at = lattice_.position(a);
      scope_["x"] = std::floor(at[0]);
      scope_["y"] = std::floor(at[1]);
      scope_["place"] = a % lattice_.sites_per_cell();
    }
    if (!sublattices_.empty()) scope_["sublattice"] = sublattices_[static_cast<std::size_t>(a)];
    if (kind_ == Kind::site) return;
    scope_["j"] = b;
    scope_["kind"] = kind;
    scope_["dx"] = step[0];
    scope_["dy"] = step[1];
    if (uses_distance_) scope_["distance"] = lattice_.distance(a, b);
  }

  bool uses(std::string_view name) const {
    if (where_) {
      const auto names = where_->names();
      if (std::find(names.begin(), names.end(), name) != names.end()) return true;
    }
    return std::any_of(terms_.begin(), terms_.end(),
                       [&](const auto& term) { return term.coefficient.uses(name); });
  }

  std::vector<Place> chosen(std::vector<Place> places) {
    uses_distance_ = uses("distance") && !lattice_.size().empty();
    if (uses("sublattice"))
      sublattices_ = file_.located(node_, [&] { return lattice_.sublattices(); });
    if (!where_) return places;
    const auto& node = *table_.get("where");
    const bool any = !places.empty();
    std::erase_if(places, [&](const Place& place) {
      describe(place);
      return !file_.located(node, [&] { return where_->holds(scope_); });
    });
    if (any && places.empty())
      file_.fail(node, kind_ == Kind::bond ? "it holds on no bond" : "it holds on no site");
    return places;
  }

  /// `values`, a number for each place.
  std::vector<double> listed(std::size_t count) const {
    const auto* node = table_.get("values");
    if (node == nullptr) return {};
    if (!uses("value"))
      file_.fail(*node,
                 "no coefficient of this block names value, which takes these numbers in turn");
    const auto* list = node->as_array();
    if (list == nullptr || list->size() != count)
      file_.fail(*node, concat("values must be a list of ", count, " numbers, one for each ",
                               kind_ == Kind::bond ? "bond" : "site", " in the lattice's order",
                               list == nullptr ? "" : concat(", got ", list->size())));
    std::vector<double> values;
    for (const auto& one : *list) values.push_back(file_.number(one, "a value"));
    return values;
  }

  /// Random numbers that depend on the seed, the block and the place alone.
  std::vector<double> drawn(const std::vector<Place>& places) const {
    const auto* node = table_.get("random");
    const auto* seed = table_.get("seed");
    if (node == nullptr) {
      if (seed != nullptr)
        file_.fail(*seed, "a seed is of random = \"uniform\", which is not here");
      if (uses("random"))
        file_.fail(node_,
                   "random has no distribution here; write random = \"uniform\" (from -1 to 1), "
                   "\"normal\" or \"binary\" (-1 or 1)");
      return {};
    }
    const auto distribution = file_.text(*node, "random");
    if (distribution != "uniform" && distribution != "normal" && distribution != "binary")
      file_.fail(*node, concat("random must be uniform (from -1 to 1), normal or binary (-1 or 1), "
                               "got '",
                               distribution, "'"));
    if (!uses("random")) file_.fail(*node, "no coefficient of this block names random");
    constexpr long most = std::int64_t{1} << 53;
    long number = 0;
    if (seed != nullptr)
      number = file_.integer(*seed, "seed", 0, most);
    else if (const auto given = file_.scope().find("seed"); given != file_.scope().end())
      number = static_cast<long>(given->get<double>());
    const CounterRandom random(static_cast<std::uint64_t>(number),
                               static_cast<std::uint32_t>(number_));
    std::vector<double> numbers;
    for (const Place& place : places) {
      const double uniform = 2 * random.uniform(place.key) - 1;
      numbers.push_back(distribution == "normal"    ? random.normal(place.key)
                        : distribution == "uniform" ? uniform
                                                    : (uniform < 0 ? -1 : 1));
    }
    return numbers;
  }

  const FileReader& file_;
  const Lattice& lattice_;
  const toml::table& table_;
  const toml::node& node_;
  Kind kind_;
  std::uint64_t number_;  ///< of the block in the file
  Json scope_;
  std::vector<BlockTerm> terms_;
  std::optional<Expression> where_;
  std::vector<int> sublattices_;  ///< where an expression asks
  bool uses_distance_ = false;
};

}  // namespace

void add_blocks(OpSum& sum, const FileReader& file, const toml::table& table,
                const Lattice& lattice, std::uint64_t number) {
  OpSum half(sum.spaces());
  for (const auto& [name, matrix] : sum.definitions()) half.define(name, matrix);
  for (const auto& [key, kind] :
       {std::pair{"bond", Block::Kind::bond}, std::pair{"site", Block::Kind::site}}) {
    const auto* node = table.get(key);
    if (node == nullptr) continue;
    if (!node->is_array_of_tables()) file.fail(*node, concat(key, " must be tables"));
    for (const auto& one : *node->as_array())
      Block(file, lattice, one, kind, number++).add(sum, half);
  }
  if (half.terms().empty()) return;
  sum += half;
  sum += half.adjoint();
}

}  // namespace kronsolve::detail
