// pi by chance, 64 batches over the workers: the same digits in every mode and for any number of
// workers, because the random numbers are counted, not drawn in turn.
//
//   ./monte_carlo_pi
//   mpirun -n 3 ./monte_carlo_pi
//   KRONSOLVE_MODE=syncro mpirun -n 3 ./monte_carlo_pi
//
// prints
//   pi = 3.141486 +- 0.001

#include <cmath>
#include <cstdio>
#include <ranges>

#include <kronsolve/core/random.hpp>
#include <kronsolve/session.hpp>

int main() {
  kronsolve::Session session;
  constexpr int batches = 64;
  constexpr long points = 50'000;

  auto hits = session.pool().map(
      [](int batch) {
        const kronsolve::CounterRandom random(2024, static_cast<std::uint32_t>(batch));
        long inside = 0;
        for (long i = 0; i < points; ++i) {
          const double x = random.uniform(2 * i), y = random.uniform(2 * i + 1);
          if (x * x + y * y < 1) ++inside;
        }
        return inside;
      },
      std::views::iota(0, batches));

  double sum = 0;
  for (const long h : hits) sum += double(h);
  const double pi = 4 * sum / (double(batches) * points);
  if (session.is_root())
    std::printf("pi = %.6f +- %.3f\n", pi, std::sqrt(pi * (4 - pi) / (double(batches) * points)));
  return 0;
}
