#include <algorithm>
#include <cstdlib>
#include <limits>
#include <set>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/suggest.hpp>
#include <kronsolve/operators/lattice.hpp>

namespace kronsolve {

namespace {

constexpr index_t most_sites = 10000;

void add_once(std::vector<Bond>& bonds, Bond bond) {
  const bool known = std::any_of(bonds.begin(), bonds.end(), [&](const Bond& old) {
    return (old.a == bond.a && old.b == bond.b) || (old.a == bond.b && old.b == bond.a);
  });
  if (!known && bond.a != bond.b) bonds.push_back(bond);
}

}  // namespace

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

Lattice Lattice::chain(int n, Cyclic cyclic) {
  Lattice lattice("chain", {n}, 1, cyclic);
  lattice.join(lattice.bonds_, 0, 1, 0, 0, 0);
  return lattice;
}

Lattice Lattice::square(int lx, int ly, Cyclic cyclic) {
  Lattice lattice("square", {lx, ly}, 1, cyclic);
  lattice.join(lattice.bonds_, 0, 1, 0, 0, 0);
  lattice.join(lattice.bonds_, 0, 0, 1, 0, 1);
  return lattice;
}

Lattice Lattice::ladder(int legs, int length, Cyclic cyclic) {
  Lattice lattice = square(legs, length, cyclic);
  lattice.name_ = "ladder";
  return lattice;
}

Lattice Lattice::triangular(int lx, int ly, Cyclic cyclic) {
  Lattice lattice = square(lx, ly, cyclic);
  lattice.name_ = "triangular";
  lattice.join(lattice.bonds_, 0, 1, 1, 0, 2);
  return lattice;
}

Lattice Lattice::honeycomb(int lx, int ly, Cyclic cyclic) {
  Lattice lattice("honeycomb", {lx, ly}, 2, cyclic);
  lattice.join(lattice.bonds_, 0, 0, 0, 1, 0);
  lattice.join(lattice.bonds_, 1, 1, 0, 0, 1);
  lattice.join(lattice.bonds_, 1, 0, 1, 0, 2);
  return lattice;
}

Lattice Lattice::kagome(int lx, int ly, Cyclic cyclic) {
  Lattice lattice("kagome", {lx, ly}, 3, cyclic);
  lattice.join(lattice.bonds_, 0, 0, 0, 1, 0);
  lattice.join(lattice.bonds_, 0, 0, 0, 2, 1);
  lattice.join(lattice.bonds_, 1, 0, 0, 2, 2);
  lattice.join(lattice.bonds_, 1, 1, 0, 0, 0);
  lattice.join(lattice.bonds_, 2, 0, 1, 0, 1);
  lattice.join(lattice.bonds_, 1, 1, -1, 2, 2);
  return lattice;
}

Lattice Lattice::from_edges(int sites, const std::vector<std::pair<int, int>>& edges) {
  if (sites < 1)
    throw InvalidArgument(detail::concat("lattice: sites must be at least 1, got ", sites));
  Lattice lattice("edges", {}, sites, Cyclic::none);
  for (const auto& [a, b] : edges) {
    for (const int end : {a, b})
      if (end < 0 || end >= sites)
        throw InvalidArgument(detail::concat("edge (", a, ", ", b, "): site must be in [0, ",
                                             sites - 1, "], got ", end));
    if (a == b)
      throw InvalidArgument(detail::concat("edge (", a, ", ", b, ") joins a site to itself"));
    add_once(lattice.bonds_, {a, b, 0});
  }
  return lattice;
}

const std::vector<std::string>& Lattice::names() {
  static const std::vector<std::string> all = {"chain",      "square",    "ladder",
                                               "triangular", "honeycomb", "kagome"};
  return all;
}

Lattice Lattice::make(std::string_view name, const std::vector<int>& size, Cyclic cyclic) {
  if (std::find(names().begin(), names().end(), name) == names().end())
    throw InvalidArgument(unknown_name("lattice", name, names()));
  const std::size_t wanted = name == "chain" ? 1 : 2;
  if (size.size() != wanted)
    throw InvalidArgument(detail::concat(
        "the ", name, " lattice has ", wanted, wanted == 1 ? " length" : " lengths", ", got ",
        size.size(), wanted == 1 ? "; give N" : "; give LXxLY, such as 4x4"));
  if (name == "chain") return chain(size[0], cyclic);
  if (name == "square") return square(size[0], size[1], cyclic);
  if (name == "ladder") return ladder(size[0], size[1], cyclic);
  if (name == "triangular") return triangular(size[0], size[1], cyclic);
  if (name == "honeycomb") return honeycomb(size[0], size[1], cyclic);
  return kagome(size[0], size[1], cyclic);
}

bool Lattice::is_cyclic(int direction) const noexcept {
  if (direction < 0 || direction >= static_cast<int>(size_.size())) return false;
  return cyclic_ == Cyclic::all || cyclic_ == (direction == 0 ? Cyclic::x : Cyclic::y);
}

int Lattice::site(int x, int y, int s) const noexcept {
  const int ly = size_.size() > 1 ? size_[1] : 1;
  return (x * ly + y) * cell_ + s;
}

void Lattice::join(std::vector<Bond>& bonds, int s, int dx, int dy, int t, int kind) const {
  const int lx = size_[0];
  const int ly = size_.size() > 1 ? size_[1] : 1;
  // Between like sites two cells already are neighbours both ways: around the ring lies the same
  // bond again. It takes three.
  const int shortest_ring = s == t ? 3 : 2;
  const auto move = [&](int at, int by, int length, int direction) {
    const int to = at + by;
    if (0 <= to && to < length) return to;
    if (!is_cyclic(direction) || length < shortest_ring) return -1;
    return (to % length + length) % length;
  };
  for (int x = 0; x < lx; ++x)
    for (int y = 0; y < ly; ++y) {
      const int to_x = move(x, dx, lx, 0);
      const int to_y = move(y, dy, ly, 1);
      if (to_x >= 0 && to_y >= 0) add_once(bonds, {site(x, y, s), site(to_x, to_y, t), kind});
    }
}

std::vector<Bond> Lattice::second_bonds() const {
  std::vector<Bond> bonds;
  if (name_ == "chain") {
    join(bonds, 0, 2, 0, 0, 0);
  } else if (name_ == "square" || name_ == "ladder") {
    join(bonds, 0, 1, 1, 0, 0);
    join(bonds, 0, 1, -1, 0, 1);
  } else {
    throw NotSupported(detail::concat(
        "second neighbours are known of chains and square lattices, not of '", name_, "'"));
  }
  return bonds;
}

std::array<double, 2> Lattice::position(int site) const {
  if (size_.empty()) throw NotSupported("the sites of a graph have no positions");
  const int cell = site / cell_, ly = size_.size() > 1 ? size_[1] : 1;
  const Place place = cell_ > 1 ? offset(site % cell_) : Place{};
  return {cell / ly + place.u / 6.0, cell % ly + place.v / 6.0};
}

std::optional<SitePermutation> Lattice::translation(int direction) const {
  if (!is_cyclic(direction)) return std::nullopt;
  SitePermutation image(static_cast<std::size_t>(sites_));
  const int lx = size_[0];
  const int ly = size_.size() > 1 ? size_[1] : 1;
  for (int x = 0; x < lx; ++x)
    for (int y = 0; y < ly; ++y)
      for (int s = 0; s < cell_; ++s)
        image[static_cast<std::size_t>(site(x, y, s))] =
            direction == 0 ? site((x + 1) % lx, y, s) : site(x, (y + 1) % ly, s);
  return image;
}

std::optional<SitePermutation> Lattice::reflection(int direction) const {
  if (direction < 0 || direction >= static_cast<int>(size_.size()) || cell_ != 1)
    return std::nullopt;
  SitePermutation image(static_cast<std::size_t>(sites_));
  const int lx = size_[0];
  const int ly = size_.size() > 1 ? size_[1] : 1;
  for (int x = 0; x < lx; ++x)
    for (int y = 0; y < ly; ++y)
      image[static_cast<std::size_t>(site(x, y, 0))] =
          direction == 0 ? site(lx - 1 - x, y, 0) : site(x, ly - 1 - y, 0);
  return image;
}

Lattice::Place Lattice::offset(int s) const noexcept {
  if (name_ == "honeycomb") return {2 * s, 2 * s};  // B in the middle of the triangle of A sites
  return {s == 1 ? 3 : 0, s == 2 ? 3 : 0};          // kagome: half a lattice vector
}

std::optional<SitePermutation> Lattice::moved(const std::function<Place(Place)>& move) const {
  constexpr int sixths = 6;
  if (size_.size() != 2) return std::nullopt;
  const auto cell_of = [&](int at, int direction) {  // -1 outside
    const int length = size_[static_cast<std::size_t>(direction)];
    const int cell = at >= 0 ? at / sixths : -((-at + sixths - 1) / sixths);
    if (is_cyclic(direction)) return (cell % length + length) % length;
    return cell < length ? std::max(cell, -1) : -1;
  };
  SitePermutation image(static_cast<std::size_t>(sites_), -1);
  std::vector<bool> hit(static_cast<std::size_t>(sites_), false);
  for (int x = 0; x < size_[0]; ++x)
    for (int y = 0; y < size_[1]; ++y)
      for (int s = 0; s < cell_; ++s) {
        const Place from = offset(s), to = move({sixths * x + from.u, sixths * y + from.v});
        for (int t = 0; t < cell_; ++t) {
          const Place rest{to.u - offset(t).u, to.v - offset(t).v};
          if (rest.u % sixths != 0 || rest.v % sixths != 0) continue;
          const int cx = cell_of(rest.u, 0), cy = cell_of(rest.v, 1);
          if (cx < 0 || cy < 0) return std::nullopt;
          image[static_cast<std::size_t>(site(x, y, s))] = site(cx, cy, t);
        }
        const int at = image[static_cast<std::size_t>(site(x, y, s))];
        if (at < 0 || hit[static_cast<std::size_t>(at)]) return std::nullopt;
        hit[static_cast<std::size_t>(at)] = true;
      }
  std::set<std::pair<int, int>> pairs;
  for (const Bond& bond : bonds_) pairs.insert(std::minmax(bond.a, bond.b));
  for (const Bond& bond : bonds_)
    if (!pairs.contains(std::minmax(image[static_cast<std::size_t>(bond.a)],
                                    image[static_cast<std::size_t>(bond.b)])))
      return std::nullopt;
  return image;
}

std::optional<Lattice::Rotation> Lattice::rotation() const {
  if (size_.size() != 2) return std::nullopt;
  const int lx = size_[0], ly = size_[1];
  if (lx == ly) {
    // About a site of the triangular lattice, the middle of a square, and of a hexagon.
    std::function<Place(Place)> turn = [&](Place p) { return Place{6 * (lx - 1) - p.v, p.u}; };
    int order = 4;
    if (name_ == "triangular") {
      turn = [](Place p) { return Place{p.u - p.v, p.u}; };
      order = 6;
    } else if (cell_ > 1) {
      const int centre = name_ == "honeycomb" ? 4 : 3;
      turn = [centre](Place p) { return Place{2 * centre - p.v, p.u + p.v - centre}; };
      order = 6;
    }
    if (auto image = moved(turn)) return Rotation{*std::move(image), order};
  }
  const int last = cell_ == 2 ? 2 : cell_ == 3 ? 6 : 0;  // where the last cell has its last site
  const auto half = [&](Place p) {
    return Place{6 * (lx - 1) + last - p.u, 6 * (ly - 1) + last - p.v};
  };
  if (auto image = moved(half)) return Rotation{*std::move(image), 2};
  return std::nullopt;
}

std::optional<SitePermutation> Lattice::diagonal_reflection() const {
  if (size_.size() != 2 || size_[0] != size_[1]) return std::nullopt;
  return moved([](Place p) { return Place{p.v, p.u}; });
}

int Lattice::chain_distance(int i, int j) const noexcept {
  const int d = std::abs(i - j);
  return is_cyclic(0) ? std::min(d, sites_ - d) : d;
}

}  // namespace kronsolve
