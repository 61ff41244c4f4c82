// Where the sites of a lattice are: places, distances, what boundaries turn by.

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <queue>

#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/lattice.hpp>

#include "operators/models/bonds.hpp"

namespace kronsolve {

namespace {

using Vector = std::array<double, 2>;

double dot(const Vector& a, const Vector& b) { return a[0] * b[0] + a[1] * b[1]; }
Vector minus(const Vector& a, const Vector& b, double times) {
  return {a[0] - times * b[0], a[1] - times * b[1]};
}

void require_places(const Lattice& lattice) {
  if (lattice.size().empty()) throw NotSupported("the sites of a graph have no positions");
}

/// By which cells a lattice repeats itself.
ClusterVectors repeats(const Lattice& lattice) {
  const auto& size = lattice.size();
  if (lattice.cluster()) return *lattice.cluster();
  return {{{size.empty() ? 1 : size[0], 0}, {0, size.size() > 1 ? size[1] : 1}}};
}

int determinant(const ClusterVectors& v) { return v[0][0] * v[1][1] - v[0][1] * v[1][0]; }

/// det * the vector k whose products with the two vectors are r.
template <class Number>
std::array<Number, 2> dual(const ClusterVectors& v, const std::array<Number, 2>& r) {
  return {v[1][1] * r[0] - v[0][1] * r[1], v[0][0] * r[1] - v[1][0] * r[0]};
}

}  // namespace

std::array<double, 2> Lattice::position(int site) const {
  require_places(*this);
  const int cell = site / cell_;
  const Place place = offset(site % cell_);
  return {cell / length(1) + place.u / 6.0, cell % length(1) + place.v / 6.0};
}

std::array<double, 2> Lattice::plane(double u, double v) const noexcept {
  const double h = std::sqrt(3.0) / 2;
  if (name_ == "triangular") return {u - v / 2, h * v};  // the diagonal is as short as the sides
  if (name_ == "honeycomb") return {1.5 * (u + v), h * (u - v)};
  if (name_ == "kagome") return {2 * u + v, 2 * h * v};
  return {u, v};
}

std::vector<std::array<double, 2>> Lattice::periods() const {
  const auto cells = repeats(*this);
  std::vector<Vector> result;
  for (int d = 0; d < 2; ++d)
    if (is_cyclic(d)) {
      const auto& by = cells[static_cast<std::size_t>(d)];
      result.push_back(plane(by[0], by[1]));
    }
  // The shorter from the longer as often as it makes that shorter (Lagrange).
  while (result.size() == 2) {
    if (dot(result[0], result[0]) > dot(result[1], result[1])) std::swap(result[0], result[1]);
    const double share = dot(result[0], result[1]) / dot(result[0], result[0]);
    if (std::abs(share) < 0.5 + 1e-9) break;  // at half, as in triangles, both ways are as short
    result[1] = minus(result[1], result[0], std::round(share));
  }
  return result;
}

double Lattice::distance(int a, int b) const {
  const auto from = position(a), to = position(b);
  const Vector apart = plane(to[0] - from[0], to[1] - from[1]);
  const auto by = periods();
  // Of short vectors, the nearest image is among those next to where the last one ends.
  double least = std::hypot(apart[0], apart[1]);
  const std::function<void(Vector, std::size_t)> look = [&](const Vector& at, std::size_t d) {
    if (d == 0) {
      least = std::min(least, std::hypot(at[0], at[1]));
      return;
    }
    const auto& period = by[d - 1];
    // What the second has across the first cannot be taken back by the first.
    Vector across = period;
    if (d == 2) across = minus(period, by[0], dot(period, by[0]) / dot(by[0], by[0]));
    const double middle = std::round(dot(at, across) / dot(across, across));
    for (const double times : {middle - 1, middle, middle + 1})
      look(minus(at, period, times), d - 1);
  };
  look(apart, by.size());
  return least;
}

std::vector<Bond> Lattice::neighbours(int n) const {
  constexpr int most = 20;
  if (n < 1 || n > most)
    throw InvalidArgument(
        detail::concat("neighbours are counted from 1 to ", most, " (the nearest are 1), got ", n));
  if (n == 1) {
    auto nearest = bonds_;
    std::erase_if(nearest, [&](const Bond& bond) { return bond.a / layers_ == bond.b / layers_; });
    return nearest;
  }
  if (size_.empty())
    throw NotSupported(
        detail::concat("farther neighbours are known of lattices, not of the graph '", name_, "'"));
  struct Step {
    double distance;
    int s, dx, dy, t;
  };
  std::vector<Step> steps;  // one of each and its reverse
  const bool line = size_.size() == 1;
  const int reach = line ? most : 12, inside = cell_ / layers_;
  for (int dx = 0; dx <= reach; ++dx)
    for (int dy = line ? 0 : reach; dy >= (line ? 0 : -reach); --dy)
      for (int s = 0; s < inside; ++s)
        for (int t = 0; t < inside; ++t) {
          if (dx == 0 && (dy < 0 || (dy == 0 && s >= t))) continue;
          const Place from = offset(s * layers_), to = offset(t * layers_);
          const Vector at = plane(dx + (to.u - from.u) / 6.0, dy + (to.v - from.v) / 6.0);
          steps.push_back({std::hypot(at[0], at[1]), s, dx, dy, t});
        }
  constexpr double same = 1e-6;
  std::vector<double> distances;
  for (const Step& step : steps) distances.push_back(step.distance);
  std::sort(distances.begin(), distances.end());
  distances.erase(std::unique(distances.begin(), distances.end(),
                              [](double a, double b) { return b - a < same; }),
                  distances.end());
  std::vector<Bond> result;
  int kind = 0;
  for (const Step& step : steps)
    if (std::abs(step.distance - distances[static_cast<std::size_t>(n) - 1]) < same)
      join(result, step.s, step.dx, step.dy, step.t, kind++);
  detail::keep_first(result);
  return result;
}

std::vector<int> Lattice::sublattices() const {
  std::vector<std::vector<int>> near(static_cast<std::size_t>(sites_));
  for (const Bond& bond : bonds_) {
    near[static_cast<std::size_t>(bond.a)].push_back(bond.b);
    near[static_cast<std::size_t>(bond.b)].push_back(bond.a);
  }
  std::vector<int> sign(near.size(), 0);
  for (std::size_t start = 0; start < near.size(); ++start) {
    if (sign[start] != 0) continue;
    sign[start] = 1;
    std::queue<std::size_t> next({start});
    for (; !next.empty(); next.pop())
      for (const int site : near[next.front()]) {
        const auto i = static_cast<std::size_t>(site);
        if (sign[i] == 0) {
          sign[i] = -sign[next.front()];
          next.push(i);
        }
      }
  }
  for (const Bond& bond : bonds_)
    if (sign[static_cast<std::size_t>(bond.a)] == sign[static_cast<std::size_t>(bond.b)])
      throw InvalidArgument(detail::concat("the lattice has no two sublattices: sites ", bond.a,
                                           " and ", bond.b,
                                           " are neighbours, but would be on the same one"));
  return sign;
}

double Lattice::angle(const Bond& bond, const std::array<double, 2>& twist) const noexcept {
  const auto cells = repeats(*this);
  const auto k = dual(cells, twist);
  return (k[0] * bond.step[0] + k[1] * bond.step[1]) / determinant(cells);
}

Lattice::Momentum Lattice::momentum(const std::array<int, 2>& m) const noexcept {
  const auto cells = repeats(*this);
  const int of = determinant(cells), order = std::abs(of);
  auto turns = dual(cells, m);
  for (int& turn : turns) turn = ((of < 0 ? -turn : turn) % order + order) % order;
  return {turns, order};
}

std::vector<std::array<int, 2>> Lattice::momenta() const {
  std::array<int, 2> counts = {is_cyclic(0) ? length(0) : 1, is_cyclic(1) ? length(1) : 1};
  if (cluster_) {
    // m and m + (column of the vectors) are the same: as many first ones as their parts of x have
    // in common.
    const auto& v = *cluster_;
    const int common = std::gcd(v[0][0], v[0][1]);
    counts = {common, sites_ / cell_ / common};
  }
  std::vector<std::array<int, 2>> result;
  for (int x = 0; x < counts[0]; ++x)
    for (int y = 0; y < counts[1]; ++y) result.push_back({x, y});
  return result;
}

int Lattice::chain_distance(int i, int j) const noexcept {
  const int d = std::abs(i - j);
  return is_cyclic(0) ? std::min(d, sites_ - d) : d;
}

}  // namespace kronsolve
