#include <algorithm>
#include <cmath>
#include <cstdint>
#include <unordered_map>
#include <unordered_set>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/suggest.hpp>
#include <kronsolve/operators/lattice.hpp>

#include "operators/models/bonds.hpp"

namespace kronsolve {

namespace {

constexpr index_t most_sites = 10000;

std::int64_t pair_key(const Bond& bond) {
  const auto [low, high] = std::minmax(bond.a, bond.b);
  return std::int64_t{low} << 32 | high;
}

int floor_quotient(int a, int b) { return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0); }

}  // namespace

void detail::keep_first(std::vector<Bond>& bonds) {
  std::unordered_set<std::int64_t> known;
  std::erase_if(bonds, [&](const Bond& bond) {
    return bond.a == bond.b || !known.insert(pair_key(bond)).second;
  });
}

Lattice::Lattice(std::string name, std::vector<int> size, int cell, Cyclic cyclic)
    : name_(std::move(name)), size_(std::move(size)), cell_(cell), cyclic_(cyclic) {
  index_t sites = cell;
  for (const int length : size_) {
    if (length < 1)
      throw InvalidArgument(
          detail::concat(name_, " lattice: every length must be at least 1, got ", length));
    sites = std::min(sites * length, most_sites + 1);
  }
  if (sites > most_sites)
    throw InvalidArgument(
        detail::concat(name_, " lattice: more than ", most_sites, " sites asked"));
  if (size_.size() == 1 && cyclic == Cyclic::y)
    throw InvalidArgument(
        detail::concat(name_, " lattice: it has one direction, x; it cannot be cyclic along y"));
  sites_ = static_cast<int>(sites);
}

Lattice Lattice::graph(std::string name, int sites) {
  constexpr int most = 2000;  // of a complete one: 2e6 bonds
  if (sites < 1 || sites > most)
    throw InvalidArgument(
        detail::concat(name, " lattice: sites must be in [1, ", most, "], got ", sites));
  return Lattice(std::move(name), {}, sites, Cyclic::none);
}

void Lattice::join_neighbours() {
  const auto add = [&](int s, int dx, int dy, int t, int kind) {
    join(bonds_, s, dx, dy, t, kind);
  };
  if (name_ == "honeycomb") {
    add(0, 0, 0, 1, 0);
    add(1, 1, 0, 0, 1);
    add(1, 0, 1, 0, 2);
  } else if (name_ == "kagome") {
    add(0, 0, 0, 1, 0);
    add(0, 0, 0, 2, 1);
    add(1, 0, 0, 2, 2);
    add(1, 1, 0, 0, 0);
    add(2, 0, 1, 0, 1);
    add(1, 1, -1, 2, 2);
  } else {
    add(0, 1, 0, 0, 0);
    if (size_.size() > 1) add(0, 0, 1, 0, 1);
    if (name_ == "triangular") add(0, 1, 1, 0, 2);
  }
  detail::keep_first(bonds_);
}

Lattice Lattice::chain(int n, Cyclic cyclic) { return make("chain", {n}, cyclic); }
Lattice Lattice::square(int lx, int ly, Cyclic cyclic) { return make("square", {lx, ly}, cyclic); }
Lattice Lattice::ladder(int legs, int length, Cyclic cyclic) {
  return make("ladder", {legs, length}, cyclic);
}
Lattice Lattice::triangular(int lx, int ly, Cyclic cyclic) {
  return make("triangular", {lx, ly}, cyclic);
}
Lattice Lattice::honeycomb(int lx, int ly, Cyclic cyclic) {
  return make("honeycomb", {lx, ly}, cyclic);
}
Lattice Lattice::kagome(int lx, int ly, Cyclic cyclic) { return make("kagome", {lx, ly}, cyclic); }

Lattice Lattice::star(int sites) {
  Lattice lattice = graph("star", sites);
  for (int i = 1; i < sites; ++i) lattice.bonds_.push_back({0, i});
  return lattice;
}

Lattice Lattice::complete(int sites) {
  Lattice lattice = graph("complete", sites);
  for (int i = 0; i < sites; ++i)
    for (int j = i + 1; j < sites; ++j) lattice.bonds_.push_back({i, j});
  return lattice;
}

Lattice Lattice::from_edges(int sites, const std::vector<Bond>& edges) {
  if (sites < 1)
    throw InvalidArgument(detail::concat("lattice: sites must be at least 1, got ", sites));
  Lattice lattice("edges", {}, sites, Cyclic::none);
  std::unordered_map<std::int64_t, std::size_t> known;
  for (const Bond& edge : edges) {
    const auto text = [&] { return detail::concat("edge (", edge.a, ", ", edge.b, ")"); };
    for (const int end : {edge.a, edge.b})
      if (end < 0 || end >= sites)
        throw InvalidArgument(
            detail::concat(text(), ": site must be in [0, ", sites - 1, "], got ", end));
    if (edge.a == edge.b) throw InvalidArgument(text() + " joins a site to itself");
    if (!std::isfinite(edge.weight))
      throw InvalidArgument(detail::concat(text(), ": its weight must be finite"));
    const auto [at, is_new] = known.emplace(pair_key(edge), lattice.bonds_.size());
    const Bond& first = is_new ? edge : lattice.bonds_[at->second];
    if (first.kind != edge.kind || first.weight != edge.weight)
      throw InvalidArgument(text() + " is given twice, with another kind or weight; give it once");
    if (is_new) lattice.bonds_.push_back({edge.a, edge.b, edge.kind, edge.weight});
  }
  return lattice;
}

const std::vector<std::string>& Lattice::names() {
  static const std::vector<std::string> all = {"chain",     "square", "ladder", "triangular",
                                               "honeycomb", "kagome", "star",   "complete"};
  return all;
}

namespace {

int cell_of(std::string_view name) { return name == "honeycomb" ? 2 : name == "kagome" ? 3 : 1; }

}  // namespace

Lattice Lattice::make(std::string_view name, const std::vector<int>& size, Cyclic cyclic) {
  if (std::find(names().begin(), names().end(), name) == names().end())
    throw InvalidArgument(unknown_name("lattice", name, names()));
  const bool is_graph = name == "star" || name == "complete";
  const std::size_t wanted = name == "chain" || is_graph ? 1 : 2;
  if (size.size() != wanted)
    throw InvalidArgument(detail::concat(
        "the ", name, " lattice has ", wanted, wanted == 1 ? " length" : " lengths", ", got ",
        size.size(), wanted == 1 ? "; give N" : "; give LXxLY, such as 4x4"));
  if (is_graph && cyclic != Cyclic::none)
    throw InvalidArgument(
        detail::concat("the ", name, " lattice has no direction that could be cyclic"));
  if (is_graph) return name == "star" ? star(size[0]) : complete(size[0]);
  Lattice lattice(std::string(name), size, cell_of(name), cyclic);
  lattice.join_neighbours();
  return lattice;
}

Lattice Lattice::make_cluster(std::string_view name, const ClusterVectors& vectors) {
  const auto fail = [&](const auto&... parts) {
    throw InvalidArgument(detail::concat("cluster: ", parts...));
  };
  const std::vector<std::string> planes = {"square", "triangular", "honeycomb", "kagome"};
  if (std::find(planes.begin(), planes.end(), name) == planes.end())
    fail("it is cut from a square, triangular, honeycomb or kagome lattice, not from '", name, "'");
  for (const auto& vector : vectors)
    for (const int part : vector)
      if (std::abs(static_cast<index_t>(part)) > most_sites)
        fail("a vector has parts from -", most_sites, " to ", most_sites, ", got ", part);
  // Combinations of the two of which one has no x: then each cell has one (x, y) with y below its
  // length and x below the other's.
  auto [a, b] = vectors;
  while (b[0] != 0) {
    const int times = floor_quotient(a[0], b[0]);
    a = {a[0] - times * b[0], a[1] - times * b[1]};
    std::swap(a, b);
  }
  if (a[0] == 0 || b[1] == 0) fail("its two vectors are parallel; give two that span an area");
  if (a[0] < 0) a = {-a[0], -a[1]};
  const int ly = std::abs(b[1]);
  Lattice lattice(std::string(name), {a[0], ly}, cell_of(name), Cyclic::all);
  lattice.shift_ = a[1] - floor_quotient(a[1], ly) * ly;
  lattice.cluster_ = vectors;
  lattice.join_neighbours();
  return lattice;
}

Lattice Lattice::with_layers(int layers) const {
  KRONSOLVE_ASSERT(layers >= 1 && layers_ == 1);
  Lattice result = *this;
  result.layers_ = layers;
  result.cell_ *= layers;
  if (static_cast<index_t>(sites_) * layers > most_sites)
    throw InvalidArgument(
        detail::concat(name_, " lattice: more than ", most_sites, " sites asked"));
  result.sites_ *= layers;
  for (Bond& bond : result.bonds_) bond.a *= layers, bond.b *= layers;
  for (int i = 0; i < sites_; ++i)
    for (int l = 1; l < layers; ++l) result.bonds_.push_back({i * layers, i * layers + l, 3});
  return result;
}

bool Lattice::is_cyclic(int direction) const noexcept {
  if (direction < 0 || direction >= static_cast<int>(size_.size())) return false;
  return cyclic_ == Cyclic::all || cyclic_ == (direction == 0 ? Cyclic::x : Cyclic::y);
}

int Lattice::length(int direction) const noexcept {
  const auto d = static_cast<std::size_t>(direction);
  return d < size_.size() ? size_[d] : 1;
}

int Lattice::site(int x, int y, int s) const noexcept { return (x * length(1) + y) * cell_ + s; }

std::optional<std::array<int, 2>> Lattice::cell_at(int x, int y) const noexcept {
  const auto place = [&](int at, int direction) -> std::optional<int> {
    const int rounds = floor_quotient(at, length(direction));
    if (rounds != 0 && !is_cyclic(direction)) return std::nullopt;
    return at - rounds * length(direction);
  };
  if (cluster_) y -= floor_quotient(x, length(0)) * shift_;
  const auto to_x = place(x, 0), to_y = place(y, 1);
  if (!to_x || !to_y) return std::nullopt;
  return std::array{*to_x, *to_y};
}

void Lattice::join(std::vector<Bond>& bonds, int s, int dx, int dy, int t, int kind) const {
  // Between like sites two cells already are neighbours both ways: around the ring lies the same
  // bond again. It takes three. (A cluster has its images whatever they join.)
  const int shortest_ring = s == t ? 3 : 2;
  const auto leaves = [&](int at, int direction) {
    const int l = length(direction);
    return (at < 0 || at >= l) && l < shortest_ring && !cluster_;
  };
  for (int x = 0; x < length(0); ++x)
    for (int y = 0; y < length(1); ++y) {
      if (leaves(x + dx, 0) || leaves(y + dy, 1)) continue;
      if (const auto to = cell_at(x + dx, y + dy))
        bonds.push_back(
            {site(x, y, s * layers_), site((*to)[0], (*to)[1], t * layers_), kind, 1, {dx, dy}});
    }
}

}  // namespace kronsolve
