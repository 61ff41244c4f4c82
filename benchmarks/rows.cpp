// What generating rows costs, in products with them: the periodic Heisenberg chain on the full
// space.
//
//     benchmark_rows [SITES [THREADS]]
//
// One JSON line. The answer is checked first: trace of H^2 over the dimension is 3 N / 16.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/rows.hpp>

#include "clock.hpp"

namespace {

using namespace kronsolve;
using bench::now;

void multiply(const CsrRows<double>& a, const std::vector<double>& x, std::vector<double>& y) {
#pragma omp parallel for schedule(static)
  for (index_t i = 0; i < a.range.size(); ++i) {
    double sum = 0;
    const auto row = static_cast<std::size_t>(i);
    for (auto e = static_cast<std::size_t>(a.offsets[row]);
         e < static_cast<std::size_t>(a.offsets[row + 1]); ++e)
      sum += a.values[e] * x[static_cast<std::size_t>(a.columns[e])];
    y[row] = sum;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int sites = argc > 1 ? std::atoi(argv[1]) : 20;
  if (argc > 2) set_threads(std::atoi(argv[2]));
  const Model model = make_model("heisenberg", {.sites = sites, .cyclic = Cyclic::all});
  const FullBasis basis(model.op.spaces());
  const RowRange all{0, basis.size()};

  double build_seconds = 1e300, product_seconds = 1e300;
  CsrRows<double> rows;
  for (int repeat = 0; repeat < 3; ++repeat) {
    rows = {};
    const double begin = now();
    rows = build_rows<double>(model.op, basis, all);
    build_seconds = std::min(build_seconds, now() - begin);
  }
  double squares = 0;
  for (const double v : rows.values) squares += v * v;
  const double expected = 3.0 * sites / 16;
  if (sites < 3 || std::abs(squares / double(basis.size()) - expected) > 1e-9 * expected) {
    std::fprintf(stderr, "rows: wrong matrix, Tr H^2 / D = %.15g instead of %.15g\n",
                 squares / double(basis.size()), expected);
    return 1;
  }
  const auto n = static_cast<std::size_t>(basis.size());
  std::vector<double> x(n, 1.0), y(n);
  for (int repeat = 0; repeat < 10; ++repeat) {
    const double begin = now();
    multiply(rows, x, y);
    product_seconds = std::min(product_seconds, now() - begin);
  }
  std::printf(
      "{\"benchmark\": \"rows\", \"sites\": %d, \"n\": %lld, \"nnz\": %lld, \"threads\": %d, "
      "\"build_seconds\": %.4g, "
      "\"product_seconds\": %.4g, \"products\": %.2f}\n",
      sites, static_cast<long long>(basis.size()), static_cast<long long>(rows.entries()),
      num_threads(), build_seconds, product_seconds, build_seconds / product_seconds);
  return 0;
}
