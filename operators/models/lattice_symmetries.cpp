// The permutations that map a lattice on itself.

#include <set>

#include <kronsolve/operators/lattice.hpp>

namespace kronsolve {

std::optional<SitePermutation> Lattice::translation(int direction) const {
  if (!is_cyclic(direction)) return std::nullopt;
  SitePermutation image(static_cast<std::size_t>(sites_));
  for (int x = 0; x < length(0); ++x)
    for (int y = 0; y < length(1); ++y) {
      const auto to = *cell_at(x + (direction == 0 ? 1 : 0), y + (direction == 1 ? 1 : 0));
      for (int s = 0; s < cell_; ++s)
        image[static_cast<std::size_t>(site(x, y, s))] = site(to[0], to[1], s);
    }
  return image;
}

std::optional<SitePermutation> Lattice::reflection(int direction) const {
  if (direction < 0 || direction >= static_cast<int>(size_.size()) || cell_ != layers_)
    return std::nullopt;
  if (cluster_)
    return moved([&](Place p) { return direction == 0 ? Place{-p.u, p.v} : Place{p.u, -p.v}; });
  SitePermutation image(static_cast<std::size_t>(sites_));
  const int lx = length(0), ly = length(1);
  for (int x = 0; x < lx; ++x)
    for (int y = 0; y < ly; ++y)
      for (int s = 0; s < cell_; ++s)
        image[static_cast<std::size_t>(site(x, y, s))] =
            direction == 0 ? site(lx - 1 - x, y, s) : site(x, ly - 1 - y, s);
  return image;
}

Lattice::Place Lattice::offset(int s) const noexcept {
  s /= layers_;
  if (cell_ == layers_) return {};
  if (name_ == "honeycomb") return {2 * s, 2 * s};  // B in the middle of the triangle of A sites
  return {s == 1 ? 3 : 0, s == 2 ? 3 : 0};          // kagome: half a lattice vector
}

std::optional<SitePermutation> Lattice::moved(const std::function<Place(Place)>& move) const {
  constexpr int sixths = 6;
  if (size_.size() != 2) return std::nullopt;
  const auto whole = [](int at) { return at >= 0 ? at / sixths : -((-at + sixths - 1) / sixths); };
  /// The site of this layer at a place; -1 if there is none.
  const auto site_at = [&](Place at, int layer) {
    for (int t = layer; t < cell_; t += layers_) {
      const Place rest{at.u - offset(t).u, at.v - offset(t).v};
      if (rest.u % sixths != 0 || rest.v % sixths != 0) continue;
      const auto cell = cell_at(whole(rest.u), whole(rest.v));
      return cell ? site((*cell)[0], (*cell)[1], t) : -1;
    }
    return -1;
  };
  SitePermutation image(static_cast<std::size_t>(sites_), -1);
  std::vector<bool> hit(static_cast<std::size_t>(sites_), false);
  for (int x = 0; x < size_[0]; ++x)
    for (int y = 0; y < size_[1]; ++y)
      for (int s = 0; s < cell_; ++s) {
        const Place from{sixths * x + offset(s).u, sixths * y + offset(s).v};
        const int at = site_at(move(from), s % layers_);
        if (at < 0 || hit[static_cast<std::size_t>(at)]) return std::nullopt;
        hit[static_cast<std::size_t>(at)] = true;
        image[static_cast<std::size_t>(site(x, y, s))] = at;
        // What a cluster repeats must go where its images go.
        if (cluster_)
          for (const auto& by : *cluster_)
            if (site_at(move({from.u + sixths * by[0], from.v + sixths * by[1]}), s % layers_) !=
                at)
              return std::nullopt;
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
  if (lx == ly || cluster_) {
    // About a site of the triangular lattice, the middle of a square (of a cluster: a site), and of
    // a hexagon.
    const int last = cluster_ ? 0 : 6 * (lx - 1);
    std::function<Place(Place)> turn = [last](Place p) { return Place{last - p.v, p.u}; };
    int order = 4;
    if (name_ == "triangular") {
      turn = [](Place p) { return Place{p.u - p.v, p.u}; };
      order = 6;
    } else if (cell_ > layers_) {
      const int centre = name_ == "honeycomb" ? 4 : 3;
      turn = [centre](Place p) { return Place{2 * centre - p.v, p.u + p.v - centre}; };
      order = 6;
    }
    if (auto image = moved(turn)) return Rotation{*std::move(image), order};
  }
  const int inside = cell_ / layers_;
  const int last = inside == 2 ? 2 : inside == 3 ? 6 : 0;  // where the last cell has its last site
  const auto half = [&](Place p) {
    return Place{6 * (lx - 1) + last - p.u, 6 * (ly - 1) + last - p.v};
  };
  if (auto image = moved(half)) return Rotation{*std::move(image), 2};
  return std::nullopt;
}

std::optional<SitePermutation> Lattice::diagonal_reflection() const {
  if (size_.size() != 2 || (size_[0] != size_[1] && !cluster_)) return std::nullopt;
  return moved([](Place p) { return Place{p.v, p.u}; });
}

}  // namespace kronsolve
