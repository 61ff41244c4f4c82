// Half-chain entropy of a chain that nobody gathers: exact, and within the memory that is
// announced.
#include <cmath>
#include <cstdio>
#include <fstream>

#include <Eigen/Dense>
#include <malloc.h>

#include <kronsolve/core/memory.hpp>
#include <kronsolve/measure/entanglement.hpp>
#include <kronsolve/operators/assembled_map.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/rows.hpp>
#include <kronsolve/solvers/lanczos.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::world;

constexpr int sites = 24;

/// Entropy of the first half of the open XX chain at half filling, from the correlations of free
/// fermions (Peschel 2003, doi:10.1088/0305-4470/36/14/101).
double free_fermion_entropy() {
  Eigen::MatrixXd correlations = Eigen::MatrixXd::Zero(sites / 2, sites / 2);
  for (int k = sites / 2 + 1; k <= sites; ++k)
    for (int i = 0; i < sites / 2; ++i)
      for (int j = 0; j < sites / 2; ++j)
        correlations(i, j) += 2.0 / (sites + 1) * std::sin(M_PI * k * (i + 1) / (sites + 1)) *
                              std::sin(M_PI * k * (j + 1) / (sites + 1));
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(correlations);
  double sum = 0;
  for (const double p : solver.eigenvalues())
    if (p > 0 && p < 1) sum -= p * std::log(p) + (1 - p) * std::log(1 - p);
  return sum;
}

/// What OpenBLAS keeps for itself once it has been used, and the first use of message buffers.
constexpr index_t blas_bytes = index_t{48} << 20;

/// Sets the high-water mark of this process's memory to what it has now, and returns that.
index_t restart_peak() {
  malloc_trim(0);  // what the solver has freed must not hide what comes
  std::ofstream("/proc/self/clear_refs") << 5;
  return peak_resident_memory();
}

TEST(LargeEntropy, half_of_24_sites_is_exact_in_less_memory_than_announced) {
  const Comm& comm = world();
  const OpSum h = make_model("xy", {.sites = sites}).op;
  const auto basis = std::make_shared<const ChargeBasis>(
      h.spaces(), std::vector<Charge>{Charge::sz(h.spaces(), 0)});
  DistributedVectors<double> vectors;
  {
    const AssembledMap<double> map(comm, make_lazy<double>({h, basis}),
                                   basis->partition(comm.size()));
    auto ground = lanczos(map, {.tol = 1e-9});
    ASSERT_TRUE(ground.converged) << ground.reason;
    vectors = std::move(ground.vectors);
  }
  const StateView<double> psi(comm, *basis, std::as_const(vectors).column(0));
  std::vector<int> half(sites / 2);
  for (int i = 0; i < sites / 2; ++i) half[static_cast<std::size_t>(i)] = i;
  const index_t announced = entanglement_memory(*basis, half, ScalarKind::real, comm.size());
  const index_t before = restart_peak();

  const double entropy = entanglement_entropy(psi, half);

  const index_t grown = comm.all_reduce(peak_resident_memory() - before, Reduce::max);
  EXPECT_NEAR(entropy, free_fermion_entropy(), 1e-8);
  EXPECT_LE(grown, announced + blas_bytes);
  const index_t vector_bytes = basis->size() * static_cast<index_t>(sizeof(double));
  EXPECT_LT(announced, 2 * vector_bytes);
  if (comm.is_root())
    std::printf(
        "S = %.12f; %lld rows (%s) on %d ranks; besides the state a rank announced %s and took "
        "%s\n",
        entropy, static_cast<long long>(basis->size()), format_bytes(double(vector_bytes)).c_str(),
        comm.size(), format_bytes(double(announced)).c_str(), format_bytes(double(grown)).c_str());
}

}  // namespace
}  // namespace kronsolve
