// A master that decides what to do next from what its workers have found: the integral of a
// function with a sharp peak, intervals halved where the rule is not yet good enough.
//
//   ./master_workers     mpirun -n 3 ./master_workers
//
// prints
//   integral  3.1215933202
//   exact     3.1215933202
//   intervals 290

#include <cmath>
#include <cstdio>
#include <map>
#include <utility>
#include <vector>

#include <kronsolve/session.hpp>

namespace {

double peak(double x) { return 0.01 / (x * x + 0.0001); }

double simpson(double a, double b) {
  return (b - a) / 6 * (peak(a) + 4 * peak((a + b) / 2) + peak(b));
}

/// The integral over an interval and how far off it may be.
std::pair<double, double> integrate(double a, double b) {
  const double m = (a + b) / 2, halves = simpson(a, m) + simpson(m, b);
  const double change = halves - simpson(a, b);
  return {halves + change / 15, std::abs(change)};  // Richardson's extrapolation
}

}  // namespace

int main() {
  using namespace kronsolve;
  Session session;
  Pool& pool = session.pool();
  using Interval = std::pair<double, double>;
  std::vector<Interval> todo = {{-1, 0}, {0, 1}};
  std::map<double, double> done;  // by left end: added up in order, whoever is first

  while (!todo.empty()) {
    std::vector<Future<std::pair<double, double>>> asked;
    for (const auto& [a, b] : todo) asked.push_back(pool.submit(task<integrate>, a, b));
    std::vector<Interval> next;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const auto [a, b] = todo[i];
      const auto [value, error] = asked[i].get();
      if (error < 1e-9) {
        done[a] = value;
      } else {
        next.emplace_back(a, (a + b) / 2);
        next.emplace_back((a + b) / 2, b);
      }
    }
    todo = std::move(next);
  }

  double sum = 0;
  for (const auto& [a, value] : done) sum += value;
  if (session.is_root())
    std::printf("integral  %.10f\nexact     %.10f\nintervals %zu\n", sum, 2 * std::atan(100.0),
                done.size());
  return 0;
}
