// The exact ground-state energy of the periodic Heisenberg chain, from the Bethe equations.
//
//     $ bethe_energy 20
//     exact      -8.904386529876442  (Bethe equations, 20 sites)
//
// With a second number it prints how far that is from the exact one:
//
//     $ bethe_energy 20 -8.904386529876
//     exact      -8.904386529876442  (Bethe equations, 20 sites)
//     difference  4.4e-13
//
// N tan^-1(2 l_j) 2 = 2 pi I_j + sum_{k != j} 2 tan^-1(l_j - l_k), I_j = -(M-1)/2 ... (M-1)/2, M =
// N/2; E = N/4 - (1/2) sum_j 1/(l_j^2 + 1/4). H. Bethe, Z. Phys. 71, 205 (1931),
// doi:10.1007/BF01341708.

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numbers>
#include <vector>

namespace {

using Real = long double;

/// Rapidities by iterating the equations: each is solved for its own l_j with the others held.
std::vector<Real> rapidities(int sites) {
  const int m = sites / 2;
  std::vector<Real> l(static_cast<std::size_t>(m), 0), next = l;
  for (int step = 0; step < 100000; ++step) {
    Real change = 0;
    for (int j = 0; j < m; ++j) {
      const auto at = static_cast<std::size_t>(j);
      Real phase =
          std::numbers::pi_v<Real> * 2 * (static_cast<Real>(j) - static_cast<Real>(m - 1) / 2);
      for (const Real other : l) phase += 2 * std::atan(l[at] - other);
      next[at] = std::tan(phase / (2 * static_cast<Real>(sites))) / 2;
      change = std::fmax(change, std::fabs(next[at] - l[at]));
    }
    l = next;
    if (change < 1e-19L) break;
  }
  return l;
}

Real energy(int sites) {
  Real sum = 0;
  for (const Real l : rapidities(sites)) sum += 1 / (l * l + 0.25L);
  return static_cast<Real>(sites) / 4 - sum / 2;
}

}  // namespace

int main(int argc, char** argv) {
  const long sites = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 0;
  if (sites < 4 || sites > 10000 || sites % 2 != 0) {
    std::fprintf(stderr, "usage: bethe_energy N [ENERGY], N even, from 4 to 10000\n");
    return 2;
  }
  const Real exact = energy(static_cast<int>(sites));
  std::printf("exact      % .15Lf  (Bethe equations, %ld sites)\n", exact, sites);
  if (argc > 2) std::printf("difference % .1Le\n", std::strtold(argv[2], nullptr) - exact);
  return 0;
}
