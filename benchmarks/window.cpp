// All pairs in a window in the middle of the spectrum of the Heisenberg ring in random fields
// (model mbl, dh = 3, Sz = 0): by factors with inertia counts, by the filter on stored rows and on
// the matrix-free product.
//
// benchmark_window SITES HALF_WIDTH [PAIRS] [METHOD ...]
//   METHOD: filter matrix-free factors ciss (filter factors); PAIRS: what must come out.
// One process a method, so that its peak memory is its own. One JSON line a case; every method is
// first held against LAPACK on 12 sites.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/solvers/eigh_interval.hpp>

namespace {

using namespace kronsolve;

SectorOperator ring(int sites) {
  OpSum h = make_model("mbl", {.sites = sites, .cyclic = Cyclic::all, .params = {{"dh", "3"}}}).op;
  auto basis = std::make_shared<ChargeBasis>(h.spaces(), std::vector{Charge::sz(h.spaces(), 0)});
  return {std::move(h), std::move(basis)};
}

void require(bool right, const std::string& what) {
  if (right) return;
  std::fprintf(stderr, "benchmark_window: %s\n", what.c_str());
  std::exit(1);
}

EighOptions options_of(const std::string& method) {
  if (method == "filter") return {.method = Method::filter};
  if (method == "matrix-free") return {.method = Method::filter, .form = OperatorForm::matrix_free};
  if (method == "ciss") return {.method = Method::ciss};
  require(method == "factors",
          "the method must be filter, matrix-free, factors or ciss, got " + method);
  return {.method = Method::slepc};
}

void check_against_dense(const Comm& comm, const std::string& method) {
  const auto h = ring(12);
  const auto dense = eigh_interval(comm, h, -0.2, 0.2, {.method = Method::dense});
  const auto found = eigh_interval(comm, h, -0.2, 0.2, options_of(method));
  require(found.converged && found.certified.value_or(false),
          method + ", 12 sites: " + found.reason);
  require(found.eigenvalues.size() == dense.eigenvalues.size(), method + ", 12 sites: wrong count");
  for (std::size_t i = 0; i < dense.eigenvalues.size(); ++i)
    require(std::abs(found.eigenvalues[i] - dense.eigenvalues[i]) < 1e-9,
            method + ", 12 sites: wrong values");
}

void run(int sites, double half, long pairs, const std::string& method) {
  const Comm comm = launched_by_mpi() ? Comm::world() : Comm::serial();
  check_against_dense(comm, method);
  const index_t before = peak_resident_memory();
  const auto h = ring(sites);
  const auto began = std::chrono::steady_clock::now();
  const auto r = eigh_interval(comm, h, -half, half, options_of(method));
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const auto count = static_cast<long>(r.eigenvalues.size());
  require(r.converged && r.certified.value_or(false),
          method + ": " + r.reason + "; " + r.certificate);
  require(pairs == 0 || count == pairs,
          method + ": " + std::to_string(count) + " pairs, must be " + std::to_string(pairs));
  double worst = 0, sum = 0;
  for (const double residual : r.residuals) worst = std::max(worst, residual);
  for (const double value : r.eigenvalues) sum += value;
  if (!comm.is_root()) return;
  std::printf(
      "{\"case\": \"window\", \"sites\": %d, \"dimension\": %lld, \"method\": \"%s\", "
      "\"ranks\": %d, \"threads\": %d, \"half_width\": %g, \"pairs\": %ld, \"sum\": %.10f, "
      "\"seconds\": %.3f, \"products\": %lld, \"products_per_pair\": %.1f, "
      "\"certify_products\": %lld, \"worst_residual\": %.1e, \"peak_rss_bytes\": %lld, "
      "\"peak_rss_before_bytes\": %lld, \"certificate\": \"%s\"}\n",
      sites, static_cast<long long>(h.dimension()), method.c_str(), comm.size(), num_threads(),
      half, count, sum, seconds, static_cast<long long>(r.products),
      static_cast<double>(r.products) / static_cast<double>(std::max(count, 1L)),
      static_cast<long long>(r.certify_products), worst,
      static_cast<long long>(peak_resident_memory()), static_cast<long long>(before),
      r.certificate.c_str());
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) try {
  require(argc > 2, "give SITES HALF_WIDTH [PAIRS] [METHOD ...]");
  const int sites = std::atoi(argv[1]);
  const double half = std::atof(argv[2]);
  int at = 3;
  const long pairs = argc > at && std::atol(argv[at]) > 0 ? std::atol(argv[at++]) : 0;
  std::vector<std::string> methods(argv + at, argv + argc);
  if (methods.empty()) methods = {"filter", "factors"};
  if (methods.size() == 1 || launched_by_mpi()) {
    for (const auto& method : methods) run(sites, half, pairs, method);
    return 0;
  }
  for (const auto& method : methods) {
    const pid_t child = fork();  // before anything has started threads
    require(child >= 0, "no process could be started");
    if (child == 0) {
      run(sites, half, pairs, method);
      return 0;
    }
    int status = 0;
    require(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0,
            method + " failed");
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "benchmark_window: %s\n", error.what());
  return 1;
}
