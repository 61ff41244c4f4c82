// A sparse matrix made with Eigen, solved here: three lowest levels and the largest singular value.
//
//   ./eigen_matrix     mpirun -n 2 ./eigen_matrix
//
// prints
//   levels      0.0000000000   0.0009868793   0.0039465431
//   largest     5.9990131207
//   residual    small

#include <cstdio>

#include <Eigen/SparseCore>

#include <kronsolve/eigen.hpp>
#include <kronsolve/kronsolve.hpp>

/// The Laplacian of two rows of n/2 sites with rungs between them.
Eigen::SparseMatrix<double> ladder(int n) {
  Eigen::SparseMatrix<double> a(n, n);
  const auto bond = [&](int i, int j) {
    a.coeffRef(i, i) += 1;
    a.coeffRef(j, j) += 1;
    a.coeffRef(i, j) -= 1;
    a.coeffRef(j, i) -= 1;
  };
  for (int i = 0; i < n / 2; ++i) bond(i, i + n / 2);
  for (int i = 0; i + 1 < n / 2; ++i) {
    bond(i, i + 1);
    bond(n / 2 + i, n / 2 + i + 1);
  }
  return a;
}

int main() {
  using namespace kronsolve;
  const Comm comm = launched_by_mpi() ? Comm::world() : Comm::serial();
  const Eigen::SparseMatrix<double> a = ladder(200);

  const auto lowest = eigh(comm, lazy(a), {.k = 3});
  lowest.require_converged();
  const EigenMap map(comm, a);  // the product by Eigen itself
  const auto largest = svds(map, {.k = 1});
  const Eigen::VectorXd levels = as_eigen(lowest.eigenvalues);
  const Eigen::VectorXd residuals = as_eigen(lowest.residuals);
  if (comm.is_root())
    std::printf("levels   %15.10f%15.10f%15.10f\nlargest  %15.10f\nresidual    %s\n",
                std::abs(levels[0]), levels[1], levels[2], largest.singular_values.front(),
                residuals.maxCoeff() < 1e-9 ? "small" : "LARGE");
  return 0;
}
