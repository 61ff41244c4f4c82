#pragma once

#include <complex>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include <kronsolve/export.hpp>
#include <kronsolve/operators/sector_operator.hpp>
#include <kronsolve/solvers/evolution.hpp>

namespace kronsolve {

/// A system that an environment without memory acts on:
///
///     d rho / dt = -i [H, rho] + sum_k (L_k rho L_k^H - (L_k^H L_k rho + rho L_k^H L_k) / 2)
///
/// with H and the jump operators L_k in one basis (hbar = 1; the rate of a jump operator is in its
/// coefficients, L = sqrt(rate) A). A small value; local.
/// Source: Lindblad 1976, doi:10.1007/BF01608499.
struct KRONSOLVE_EXPORT OpenSystem {
  SectorOperator h;          ///< the Hamiltonian in its basis
  std::vector<OpSum> jumps;  ///< L_k, on the sites of h

  /// sum_k L_k^H L_k: how fast jumps come, and what damps a state meanwhile.
  OpSum damping() const;
  /// H - i damping() / 2, what moves a state between two jumps.
  OpSum effective() const;
  /// @throws InvalidArgument  no basis, H not Hermitian (names the term)
  /// @throws DimensionError   a jump operator has other sites
  void require_valid(const char* who) const;
};

/// States that are thrown from one to another at random times, so that the mean of |psi><psi| over
/// many of them is the density matrix of the open system. Local to its process; as large as a few
/// vectors where the density matrix is as large as their squares.
///
/// Between two jumps a state moves by Runge-Kutta steps under H - i/2 sum L^H L, until its norm,
/// which falls, has come to a random number; the time of a jump is found to 1e-8 of the norm.
/// Memory: 16 complex vectors and a product for each operator.
/// Source: Dalibard, Castin and Molmer 1992, doi:10.1103/PhysRevLett.68.580.
class KRONSOLVE_EXPORT QuantumTrajectories {
 public:
  /// @param options  tol, start, max_products and max_step as for method integrate; `seed` decides
  ///                 on all that is random
  /// @throws as OpenSystem::require_valid; InvalidArgument: a jump operator leads out of the basis,
  ///         imaginary time, options out of range
  QuantumTrajectories(const OpenSystem& system, const EvolutionOptions& options,
                      std::uint64_t seed = 0);
  QuantumTrajectories(QuantumTrajectories&&) noexcept;  ///< what is moved from is empty
  QuantumTrajectories& operator=(QuantumTrajectories&&) noexcept;
  ~QuantumTrajectories();

  /// What a trajectory has gone through.
  struct Course {
    index_t jumps = 0;  ///< that happened
    index_t steps = 0;  ///< Runge-Kutta steps taken
    double error = 0;   ///< 2-norm of what the steps may have missed, of a state of norm 1
  };
  /// The trajectory of this number: always the same one, whichever others there are. Shows the state,
  /// of norm 1, at each time.
  /// @param psi    at options.start, all rows
  /// @param times  ascending, none before options.start
  /// @throws DimensionError   psi has another length than the basis
  /// @throws InvalidArgument  psi is zero or not finite, times that do not ascend, too many products
  Course run(index_t number, std::span<const std::complex<double>> psi,
             std::span<const double> times,
             const std::function<void(std::size_t time, std::span<const std::complex<double>> psi)>&
                 observer);
  /// With the operator, so far.
  index_t products() const noexcept;
  /// Called after each product; must not throw.
  void on_product(std::function<void()> callback);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kronsolve
