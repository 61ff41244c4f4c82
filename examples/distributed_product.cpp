// A distributed matrix-vector product: every rank builds the rows it owns and keeps its part of the
// vectors; the power method finds the largest eigenvalue of the Laplacian of a ring of 1000 sites.
//
//   ./distributed_product     mpirun -n 3 ./distributed_product
//
// prints
//   largest eigenvalue 4.000000
//   sum of the vector  0.000000

#include <cmath>
#include <cstdio>
#include <numeric>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/operators/assembled_map.hpp>

namespace {

using namespace kronsolve;

CsrRows<double> ring_laplacian(index_t n, RowRange range) {
  MatrixEntries<double> entries;
  for (index_t i = range.begin; i < range.end; ++i) {
    entries.add(i, i, 2);
    entries.add(i, (i + 1) % n, -1);
    entries.add(i, (i + n - 1) % n, -1);
  }
  return entries.csr_rows(range, n);
}

}  // namespace

int main() {
  const Comm comm = launched_by_mpi() ? Comm::world() : Comm::serial();
  constexpr index_t n = 1000;
  const Lazy<double> matrix(n, n, [](RowRange range) { return ring_laplacian(n, range); });
  const AssembledMap<double> map(comm, matrix, RowPartition(n, comm.size()));

  const RowRange mine = map.row_range();
  std::vector<double> x(static_cast<std::size_t>(mine.size())), y(x.size());
  for (index_t i = mine.begin; i < mine.end; ++i)  // the eigenvector and something else
    x[static_cast<std::size_t>(i - mine.begin)] = (i % 2 == 0 ? 1 : -1) + 0.1 * std::cos(double(i));
  double eigenvalue = 0;
  for (int step = 0; step < 200; ++step) {
    map.apply(x, y);
    const double squares = comm.all_reduce(std::inner_product(y.begin(), y.end(), y.begin(), 0.0));
    eigenvalue = std::sqrt(squares);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = y[i] / eigenvalue;
  }
  const double sum = comm.all_reduce(std::accumulate(x.begin(), x.end(), 0.0));
  if (comm.is_root())
    std::printf("largest eigenvalue %.6f\nsum of the vector  %.6f\n", eigenvalue, std::abs(sum));
  return 0;
}
