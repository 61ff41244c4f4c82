// Where LAPACK ends and iterations begin: the same pairs of open Heisenberg chains by every method
// that `eigh` chooses from, each twice; the second time an engine has started.
//
//     benchmark_crossover [real|complex [THREADS [K ...]]]      (real 1 1 4 16)
//
// One JSON line a case; values must agree with LAPACK's.

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/solvers/eigh.hpp>

#include "clock.hpp"

namespace {

using namespace kronsolve;
using bench::now;

/// sum of S.S over neighbours; hopping turns by an angle where it is to be complex.
SectorOperator chain(int sites, int twice_sz, ScalarKind scalar) {
  const auto turn = scalar == ScalarKind::complex ? std::polar(0.5, 0.3) : 0.5;
  OpSum h(sites);
  for (int i = 0; i + 1 < sites; ++i)
    h.add(turn, {{"S+", i}, {"S-", i + 1}})
        .add(std::conj(turn), {{"S-", i}, {"S+", i + 1}})
        .add(1, {{"Sz", i}, {"Sz", i + 1}});
  auto basis = std::make_shared<const ChargeBasis>(h.spaces(),
                                                   std::vector{Charge::sz(h.spaces(), twice_sz)});
  return {std::move(h), std::move(basis)};
}

bool measure(const Comm& comm, const SectorOperator& h, index_t k, Eigenvectors vectors) {
  std::vector<double> exact;
  for (const auto method : {Method::dense, Method::slepc, Method::lanczos}) {
    double seconds[2] = {};
    EighResult result;
    for (double& time : seconds) {
      const double begin = now();
      result = eigh(comm, h, {.k = k, .method = method, .vectors = vectors});
      time = now() - begin;
    }
    if (method == Method::dense) exact = result.eigenvalues;
    bool right = result.converged && result.eigenvalues.size() == exact.size();
    for (std::size_t i = 0; right && i < exact.size(); ++i)
      right = std::abs(result.eigenvalues[i] - exact[i]) < 1e-8;
    if (!right) {
      std::fprintf(stderr, "crossover: %s is wrong at %lld rows\n",
                   std::string(to_string(method)).c_str(),
                   static_cast<long long>(result.dimension));
      return false;
    }
    std::printf(
        "{\"case\": \"crossover\", \"rows\": %lld, \"scalar\": \"%s\", \"k\": %lld, "
        "\"vectors\": %s, \"threads\": %d, \"method\": \"%s\", \"first_seconds\": %.4f, "
        "\"seconds\": %.4f, \"products\": %lld}\n",
        static_cast<long long>(result.dimension),
        h.scalar() == ScalarKind::complex ? "complex" : "real", static_cast<long long>(k),
        vectors == Eigenvectors::compute ? "true" : "false", num_threads(),
        std::string(to_string(method)).c_str(), seconds[0], seconds[1],
        static_cast<long long>(result.products));
    std::fflush(stdout);
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const auto scalar =
      argc > 1 && std::strcmp(argv[1], "complex") == 0 ? ScalarKind::complex : ScalarKind::real;
  set_threads(argc > 2 ? std::atoi(argv[2]) : 1);
  std::vector<index_t> wanted;
  for (int i = 3; i < argc; ++i) wanted.push_back(std::atoll(argv[i]));
  if (wanted.empty()) wanted = {1, 4, 16};
  const Comm comm;
  // 462, 715, 1001, 1287, 1716, 2002, 3003 rows
  const int chains[][2] = {{11, 1}, {13, 5}, {14, 6}, {13, 3}, {13, 1}, {14, 4}, {14, 2}};
  for (const auto& [sites, twice_sz] : chains)
    for (const index_t k : wanted)
      for (const auto vectors : {Eigenvectors::compute, Eigenvectors::skip})
        if (!measure(comm, chain(sites, twice_sz, scalar), k, vectors)) return 1;
  return 0;
}
