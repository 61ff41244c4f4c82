#pragma once
// The operators that are measured, each with its basis.

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <kronsolve/core/random.hpp>
#include <kronsolve/operators/sectors.hpp>

namespace kronsolve::bench {

struct Case {
  std::string name;
  SectorOperator h;
};

inline void add_bond(OpSum& h, int i, int j, std::complex<double> flip, double zz) {
  h.add(0.5 * flip, {{"S+", i}, {"S-", j}}).add(0.5 * std::conj(flip), {{"S-", i}, {"S+", j}});
  h.add(zz, {{"Sz", i}, {"Sz", j}});
}

/// Complex fermions with a random coupling between every two pairs (Sachdev, Ye and Kitaev).
inline OpSum make_syk(int n) {
  OpSum h(n, LocalSpace::fermion());
  const CounterRandom random(7);
  std::vector<std::pair<int, int>> pairs;
  for (int i = 0; i < n; ++i)
    for (int j = i + 1; j < n; ++j) pairs.emplace_back(i, j);
  std::uint64_t number = 0;
  for (std::size_t p = 0; p < pairs.size(); ++p)
    for (std::size_t q = p; q < pairs.size(); ++q) {
      const auto [i, j] = pairs[p];
      const auto [k, l] = pairs[q];
      std::complex<double> c = random.complex_normal(number++);
      if (p == q) c = c.real();
      h.add(c, {{"C+", i}, {"C+", j}, {"C-", l}, {"C-", k}});
      if (p != q) h.add(std::conj(c), {{"C+", k}, {"C+", l}, {"C-", j}, {"C-", i}});
    }
  return h;
}

/// `name`: heisenberg, xxz-field, j1j2, complex, ising, square (4 x n/4), all-to-all, spin-1,
/// hubbard, syk.
inline OpSum make_operator(const std::string& name, int n) {
  if (name == "syk") return make_syk(n);
  const auto space = name == "spin-1"    ? LocalSpace::spin(2)
                     : name == "hubbard" ? LocalSpace::electron()
                                         : LocalSpace::spin(1);
  OpSum h(n, space);
  const CounterRandom random(7);
  if (name == "square") {
    const int width = n / 4;
    for (int x = 0; x < 4; ++x)
      for (int y = 0; y < width; ++y) {
        add_bond(h, x * width + y, (x + 1) % 4 * width + y, 1, 1);
        add_bond(h, x * width + y, x * width + (y + 1) % width, 1, 1);
      }
    return h;
  }
  if (name == "all-to-all") {
    for (int i = 0; i < n; ++i)
      for (int j = i + 1; j < n; ++j) add_bond(h, i, j, 1, 1);
    return h;
  }
  for (int i = 0; i < n; ++i) {
    const int j = (i + 1) % n;
    if (name == "ising") {
      h.add(1, {{"Sz", i}, {"Sz", j}}).add(-1, {{"Sx", i}});
    } else if (name == "hubbard") {
      for (const char* spin : {"up", "dn"}) {
        const std::string c = std::string("C") + spin;
        h.add(-1, {{c + "+", i}, {c + "-", j}}).add(-1, {{c + "+", j}, {c + "-", i}});
      }
      h.add(4, {{"Nup", i}, {"Ndn", i}});
    } else {
      add_bond(h, i, j, name == "complex" ? std::polar(1.0, 0.3) : 1.0,
               name == "xxz-field" ? 0.7 : 1);
      if (name == "xxz-field")
        h.add(random.uniform(static_cast<std::uint64_t>(i)) - 0.5, {{"Sz", i}});
      if (name == "j1j2") add_bond(h, i, (i + 2) % n, 0.5, 0.5);
    }
  }
  return h;
}

/// @param sector  "full", "sz=0", "nup=5,ndown=5", "sz=0,spinflip=1", "sz=0,momentum=0,reflection=1".
///                Collective on `comm`, which must outlive the case
inline Case make_case(const Comm& comm, const std::string& name, int n, const std::string& sector) {
  OpSum h = make_operator(name, n);
  std::vector<std::string> conditions;
  for (std::size_t at = 0; sector != "full" && at < sector.size();) {
    const std::size_t end = std::min(sector.find(',', at), sector.size());
    conditions.push_back(sector.substr(at, end - at));
    at = end + 1;
  }
  const Lattice lattice =
      name == "square" ? Lattice::square(4, n / 4, Cyclic::all) : Lattice::chain(n, Cyclic::all);
  const Sector parsed = parse_sector(h.spaces(), lattice, conditions);
  return {name + " N=" + std::to_string(n) + " " + sector, in_sector(comm, std::move(h), parsed)};
}

}  // namespace kronsolve::bench
