#pragma once

#include <string>
#include <vector>

#include <kronsolve/export.hpp>
#include <kronsolve/measure/dynamical_correlations.hpp>
#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/op_sum.hpp>
#include <kronsolve/solvers/stochastic.hpp>

namespace kronsolve {

/// How an operator carries its charge along one direction. A term that moves charge by d lattice
/// constants has the factor exp(i phi d) in a field: H(phi) has the first derivative -J and the
/// second -K at phi = 0.
struct CurrentOperator {
  std::string charge;  ///< what flows: n (particles of charge 1), or sz
  OpSum current;       ///< J = i [H, sum_i x_i n_i] = -i sum d (term)
  OpSum kinetic;       ///< K = sum d^2 (term): of nearest neighbours, the hopping terms themselves
};

/// Of the particles, or of Sz where no site has particles. Local.
/// @param direction  0 or 1: along this lattice vector, in its units; the shortest way round
/// @throws InvalidArgument  neither is conserved; a graph or tilted cluster; no such direction; a
///                          term that reaches over half of a cyclic direction; nothing that moves
KRONSOLVE_EXPORT CurrentOperator current_operator(const OpSum& h, const Lattice& lattice,
                                                  int direction);

/// The pairs that `conductivity` needs of `dynamical_correlations`: J with itself, as -iJ, which is
/// real where the hopping is, and its adjoint; and K with the identity, which is its expectation
/// value.
KRONSOLVE_EXPORT std::vector<OperatorPair> conductivity_pairs(const CurrentOperator& of);

/// sigma(w) = 2 pi D delta(w) + sigma_reg(w) of a site, charge, lattice constant and hbar 1. Errors
/// are standard errors, 0 but for random vectors.
struct Conductivity {
  Estimate kinetic;            ///< <K> of a site
  Estimate regular;            ///< integral of sigma_reg over w > 0
  Estimate drude_weight;       ///< D = -<K>/2 - regular/pi: the f-sum rule; 0 with open ends
  double drude_below = 0;      ///< what is at |w| < this is counted to D
  DynamicalCorrelation lines;  ///< of sigma_reg, at w and -w; without moments
};

/// sigma_reg(w) = pi / (N w) (S(w) - S(-w)) with S of J and J; what is at w = 0 belongs to D. Local.
///
/// At a temperature this is pi / (N w) tanh(w / 2T) (S(w) + S(-w)) by detailed balance, which takes
/// nothing away from anything: random vectors know sums better than differences. Their lines are as
/// sharp as the Lanczos steps allow (about the width of the spectrum over their number), so that a
/// delta function at 0 and what lies near it are told apart no finer than that.
/// @param found        of `conductivity_pairs`, in the ground state or at a temperature
/// @param drude_below  energy: lines at |w| below it belong to D, too; 0: only what is at w = 0
/// @throws InvalidArgument  drude_below is negative or not finite
/// Source: Shastry and Sutherland 1990, doi:10.1103/PhysRevLett.65.243; Dagotto 1994,
/// doi:10.1103/RevModPhys.66.763; at temperatures Jaklic and Prelovsek 2000,
/// doi:10.1080/000187300243381.
KRONSOLVE_EXPORT Conductivity conductivity(const DynamicalCorrelations& found, int sites,
                                           double drude_below = 0);

}  // namespace kronsolve
