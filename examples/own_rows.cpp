// A matrix of one's own, given by a function that builds any range of its rows: sent to where it is
// solved as a few numbers, for eigenpairs and for singular triplets.
//
//   ./own_rows     mpirun -n 3 ./own_rows     KRONSOLVE_MODE=syncro mpirun -n 3 ./own_rows
//
// prints
//   eigenvalues     0.9992787912  2.9963918673  4.9906127801
//   singular values 1.9997532650  1.9990131207

#include <cstdio>

#include <kronsolve/session.hpp>

namespace {

using namespace kronsolve;

/// -d^2/dx^2 + x^2 on n points of [-width, width], second differences.
struct Oscillator {
  index_t n = 1;
  double width = 1;

  CsrRows<double> operator()(RowRange range) const {
    const double step = 2 * width / double(n - 1);
    MatrixEntries<double> entries;
    for (index_t i = range.begin; i < range.end; ++i) {
      const double x = -width + step * double(i);
      entries.add(i, i, 2 / (step * step) + x * x);
      for (const index_t neighbour : {i - 1, i + 1})
        if (neighbour >= 0 && neighbour < n) entries.add(i, neighbour, -1 / (step * step));
    }
    return entries.csr_rows(range, n);
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(n, width);
  }
};

/// Differences of neighbours: n - 1 rows, n columns.
CsrRows<double> differences(RowRange range) {
  MatrixEntries<double> entries;
  for (index_t i = range.begin; i < range.end; ++i) {
    entries.add(i, i, -1);
    entries.add(i, i + 1, 1);
  }
  return entries.csr_rows(range, 100);
}

}  // namespace

int main() {
  Session session;
  const int workers = session.default_workers();
  const PortableLazy<double> oscillator(150, 150, Oscillator{150, 8});
  const auto levels = session.eigh(oscillator, {.k = 3}, {.workers = workers});
  const auto triplets =
      session.svds(PortableLazy<double>(99, 100, differences), {.k = 2}, {.workers = workers});
  if (!session.is_root()) return 0;
  const auto& e = levels.result.require_converged().eigenvalues;
  const auto& s = triplets.result.require_converged().singular_values;
  std::printf("eigenvalues     %.10f  %.10f  %.10f\nsingular values %.10f  %.10f\n", e[0], e[1],
              e[2], s[0], s[1]);
  return 0;
}
