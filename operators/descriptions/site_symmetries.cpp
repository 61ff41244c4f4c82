#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/site_symmetries.hpp>

#include "operators/descriptions/broken_term.hpp"

namespace kronsolve {

namespace {

using Colour = std::uint64_t;

Colour mixed(Colour a, Colour b) {
  Colour z = a * 0x9E3779B97F4A7C15u + b;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

Colour colour_of(const std::string& text) {
  Colour colour = text.size();
  for (const char c : text) colour = mixed(colour, static_cast<unsigned char>(c));
  return colour;
}

/// Nine digits: what differs less may be the rounding of equal couplings. The proof decides. Zero has
/// no sign: a conjugate coefficient may have -0 where the other has 0.
Colour colour_of(double number) {
  return colour_of(detail::concat(static_cast<float>(number) + 0.0f));
}

/// Sums over the terms, the same for pairs of sites that a symmetry maps on each other.
class Colours {
 public:
  explicit Colours(const OpSum& op)
      : sites_(op.spaces().size()), colours_(sites_ * sites_, Colour{0}) {
    for (std::size_t i = 0; i < sites_; ++i)
      at(i, i) = colour_of(detail::concat(op.spaces()[i].name()));
    for (const auto& term : op.terms()) add(term);
  }

  std::size_t sites() const { return sites_; }
  Colour operator()(int i, int j) const {
    return colours_[static_cast<std::size_t>(i) * sites_ + static_cast<std::size_t>(j)];
  }

 private:
  Colour& at(std::size_t i, std::size_t j) { return colours_[i * sites_ + j]; }
  void add(const OpTerm& term) {
    Colour whole = mixed(colour_of(term.coefficient.real()), colour_of(term.coefficient.imag()));
    for (const auto& factor : term.factors) whole += colour_of(factor.op);  // in any order
    for (const auto& a : term.factors) {
      const auto i = static_cast<std::size_t>(a.site);
      at(i, i) += mixed(whole, colour_of(a.op));
      for (const auto& b : term.factors)
        if (&a != &b)
          at(i, static_cast<std::size_t>(b.site)) +=
              mixed(mixed(whole, colour_of(a.op)), colour_of(b.op));
    }
  }

  std::size_t sites_;
  std::vector<Colour> colours_;
};

/// Looks for permutations that keep all colours.
class Search {
 public:
  explicit Search(const Colours& colours) : colours_(colours), order_(connected_order()) {}

  /// Sites, each joined to one before it where there is such a one.
  const std::vector<int>& order() const { return order_; }

  /// The first `fixed` sites of the order stay, the next one goes to `to`.
  std::optional<SitePermutation> find(std::size_t fixed, int to) {
    image_.assign(colours_.sites(), -1);
    taken_.assign(colours_.sites(), false);
    for (std::size_t i = 0; i < fixed; ++i) place(i, order_[i]);
    if (taken_[static_cast<std::size_t>(to)] || !fits(fixed, to)) return std::nullopt;
    place(fixed, to);
    if (!extend(fixed + 1)) return std::nullopt;
    return image_;
  }
  bool exhausted() const { return steps_ > most_steps; }

 private:
  static constexpr std::size_t most_steps = 200000;

  std::vector<int> connected_order() const {
    const auto n = static_cast<int>(colours_.sites());
    std::vector<int> order;
    std::vector<bool> seen(colours_.sites(), false);
    for (int root = 0; root < n; ++root) {
      if (seen[static_cast<std::size_t>(root)]) continue;
      seen[static_cast<std::size_t>(root)] = true;
      order.push_back(root);
      for (std::size_t next = order.size() - 1; next < order.size(); ++next)
        for (int j = 0; j < n; ++j) {
          if (seen[static_cast<std::size_t>(j)] || colours_(order[next], j) == 0) continue;
          seen[static_cast<std::size_t>(j)] = true;
          order.push_back(j);
        }
    }
    return order;
  }

  void place(std::size_t position, int to) {
    image_[static_cast<std::size_t>(order_[position])] = to;
    taken_[static_cast<std::size_t>(to)] = true;
  }
  bool fits(std::size_t position, int to) const {
    const int from = order_[position];
    if (colours_(from, from) != colours_(to, to)) return false;
    for (std::size_t i = 0; i < position; ++i) {
      const int other = order_[i], image = image_[static_cast<std::size_t>(other)];
      if (colours_(from, other) != colours_(to, image) ||
          colours_(other, from) != colours_(image, to))
        return false;
    }
    return true;
  }
  bool extend(std::size_t position) {
    if (position == order_.size()) return true;
    if (++steps_ > most_steps) return false;
    for (int to = 0; to < static_cast<int>(colours_.sites()); ++to) {
      if (taken_[static_cast<std::size_t>(to)] || !fits(position, to)) continue;
      place(position, to);
      if (extend(position + 1)) return true;
      taken_[static_cast<std::size_t>(to)] = false;
    }
    image_[static_cast<std::size_t>(order_[position])] = -1;
    return false;
  }

  const Colours& colours_;
  std::vector<int> order_;
  SitePermutation image_;
  std::vector<bool> taken_;
  std::size_t steps_ = 0;
};

/// Which sites the permutations found so far join.
class Orbits {
 public:
  explicit Orbits(std::size_t sites) : parent_(sites) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }
  int root(int i) const {
    while (parent_[static_cast<std::size_t>(i)] != i) i = parent_[static_cast<std::size_t>(i)];
    return i;
  }
  void join(const SitePermutation& image) {
    for (int i = 0; i < static_cast<int>(image.size()); ++i) {
      const int a = root(i), b = root(image[static_cast<std::size_t>(i)]);
      parent_[static_cast<std::size_t>(std::max(a, b))] = std::min(a, b);
    }
  }

 private:
  std::vector<int> parent_;
};

}  // namespace

std::vector<SitePermutation> site_symmetries(const OpSum& op) {
  constexpr std::size_t enough = 12;  // sites that are all alike have as many as pairs of them
  const Colours colours(op);
  Search search(colours);
  std::vector<SitePermutation> found;
  // One for each site that another one can go to, with ever more sites that stay (Schreier, Sims).
  for (std::size_t fixed = 0; fixed < colours.sites(); ++fixed) {
    Orbits orbits(colours.sites());
    const int from = search.order()[fixed];
    for (int to = 0; to < static_cast<int>(colours.sites()); ++to) {
      if (search.exhausted() || found.size() == enough) return found;
      if (orbits.root(to) == orbits.root(from)) continue;
      auto image = search.find(fixed, to);
      if (!image || detail::difference(permuted(op, *image), op)) continue;
      orbits.join(*image);
      found.push_back(std::move(*image));
    }
  }
  return found;
}

}  // namespace kronsolve
