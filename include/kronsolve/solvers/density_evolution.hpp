#pragma once

#include <complex>
#include <functional>
#include <memory>
#include <span>

#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/solvers/dense_matrix.hpp>
#include <kronsolve/solvers/evolution.hpp>
#include <kronsolve/solvers/open_system.hpp>

namespace kronsolve {

/// A density matrix that moves in time, rho(t) = exp(-i H t) rho exp(i H t), or as an open system
/// does. Dense; local to its process.
///
/// Methods: solve (automatic; by the eigenvectors of H, any time), expm and integrate (series or
/// Runge-Kutta steps on the commutator); of open systems integrate alone. Real time only.
/// Memory: 4 n x n matrices (solve, expm), 15 (integrate).
class KRONSOLVE_EXPORT DensityEvolution {
 public:
  /// @throws DimensionError   H and rho are not square of one size
  /// @throws InvalidArgument  H or rho not Hermitian (names the entry), rho zero, imaginary time,
  ///                          method magnus, bad options
  template <Scalar T>
  KRONSOLVE_EXPORT DensityEvolution(const DenseMatrix<T>& h, DenseMatrix<std::complex<double>> rho,
                                    const EvolutionOptions& options = {});
  /// @throws DimensionError   rho is not square of the basis' size; jump operators on other sites
  /// @throws InvalidArgument  as above; a jump operator leads out of the basis; another method
  DensityEvolution(const OpenSystem& system, DenseMatrix<std::complex<double>> rho,
                   const EvolutionOptions& options = {});
  DensityEvolution(DensityEvolution&&) noexcept;
  DensityEvolution& operator=(DensityEvolution&&) noexcept;
  ~DensityEvolution();

  /// @throws InvalidArgument  t not finite, more than max_products products needed
  void update_to(double t);
  /// Moves through `times` and shows each matrix to `observer`, until it answers no; true if all
  /// were reached.
  bool at_times(
      std::span<const double> times,
      const std::function<Continue(double, const DenseMatrix<std::complex<double>>&)>& observer);

  double time() const noexcept;  ///< of the matrix now; 0 at first, or EvolutionOptions::start
  const DenseMatrix<std::complex<double>>& state() const noexcept;  ///< rho at that time, n x n
  double trace() const;                                             ///< real part
  double energy() const;                                            ///< tr(H rho) / tr(rho)
  double purity() const;                                            ///< tr(rho^2) / tr(rho)^2
  double error() const noexcept;      ///< accumulated, Frobenius norm, relative to rho's
  index_t products() const noexcept;  ///< with H or the whole right-hand side; 0 for solve
  index_t steps() const noexcept;     ///< internal ones; 0 for solve

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kronsolve
