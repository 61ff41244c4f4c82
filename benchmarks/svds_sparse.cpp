// svds of a random sparse matrix: svds_sparse [rows cols density k [ncv]] (20000 15000 1e-3 6).
// One JSON line; compare with handwritten_slepc_svd, which takes the same arguments.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/assembled_map.hpp>
#include <kronsolve/solvers/svds.hpp>

#include "random_sparse.hpp"

namespace {

using Clock = std::chrono::steady_clock;
double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

int main(int argc, char** argv) {
  using namespace kronsolve;
  const Comm comm = launched_by_mpi() ? Comm::world() : Comm::serial();
  const index_t m = argc > 1 ? std::atoll(argv[1]) : 20000,
                n = argc > 2 ? std::atoll(argv[2]) : 15000;
  const double density = argc > 3 ? std::atof(argv[3]) : 1e-3;
  const index_t k = argc > 4 ? std::atoll(argv[4]) : 6, ncv = argc > 5 ? std::atoll(argv[5]) : 0;
  const Lazy<double> lazy(m, n, [=](RowRange range) {
    CsrRows<double> rows;
    rows.range = range;
    rows.cols = n;
    for (index_t i = range.begin; i < range.end; ++i) {
      const auto r = random_sparse::row(i, n, density);
      rows.columns.insert(rows.columns.end(), r.columns.begin(), r.columns.end());
      rows.values.insert(rows.values.end(), r.values.begin(), r.values.end());
      rows.offsets.push_back(rows.entries());
    }
    return rows;
  });
  const auto setup = Clock::now();
  const AssembledMap<double> map(comm, lazy, RowPartition(m, comm.size()),
                                 RowPartition(n, comm.size()));
  const double setup_seconds = since(setup);
  double best = 1e300, certified = 1e300;
  SvdsResult<double> r;
  for (int repeat = 0; repeat < 3; ++repeat) {
    auto start = Clock::now();
    r = svds(map, {.k = k, .ncv = ncv, .certify = Certification::off});
    best = std::min(best, since(start));
    start = Clock::now();
    const auto checked = svds(map, {.k = k, .ncv = ncv});
    certified = std::min(certified, since(start));
    if (!checked.certified || !r.converged) {
      std::fprintf(stderr, "%s; %s\n", r.reason.c_str(), checked.certificate.c_str());
      return 1;
    }
    r.certify_products = checked.certify_products;
  }
  if (comm.is_root())
    std::printf(
        "{\"program\": \"kronsolve\", \"rows\": %lld, \"cols\": %lld, \"nnz\": %lld, \"ranks\": "
        "%d, "
        "\"threads\": %d, \"setup_seconds\": %.4f, \"seconds\": %.4f, \"seconds_with_check\": "
        "%.4f, "
        "\"products\": %lld, \"check_products\": %lld, \"s1\": %.12f, \"sk\": %.12f, \"residual\": "
        "%.2e}\n",
        static_cast<long long>(m), static_cast<long long>(n),
        static_cast<long long>(map.local_entries()), comm.size(), num_threads(), setup_seconds,
        best, certified, static_cast<long long>(r.products),
        static_cast<long long>(r.certify_products), r.singular_values.front(),
        r.singular_values.back(), *std::max_element(r.residuals.begin(), r.residuals.end()));
}
