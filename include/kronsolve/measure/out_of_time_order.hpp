#pragma once

#include <complex>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/op_sum.hpp>
#include <kronsolve/operators/sector_operator.hpp>
#include <kronsolve/solvers/eigh.hpp>
#include <kronsolve/solvers/evolution.hpp>

namespace kronsolve {

/// What out_of_time_order may be told.
struct OutOfTimeOrderOptions {
  EvolutionOptions steps = {};  ///< method, start, tol and max_products of each course in time
  OperatorForm form = OperatorForm::automatic;  ///< of H, in each sector
  index_t samples = 10;    ///< random states, where the mean over all states is meant; at least 2
  std::uint64_t seed = 0;  ///< of these
  /// Called on rank 0: courses back in time that are done, and all.
  std::function<void(index_t done, index_t all)> progress = {};
};

/// F and C of one probe at one time.
struct OutOfTimeOrderPoint {
  std::complex<double> correlation;  ///< F = <W(t)^+ V^+ W(t) V>
  double commutator = 0;             ///< C = <[W(t), V]^+ [W(t), V]>, not negative
  double error = 0;  ///< of both, from the courses in time: bound (expm) or estimate
  /// From random states: standard errors, of F of real and imaginary part together; else 0.
  double correlation_deviation = 0,
         commutator_deviation = 0;  ///< of C
};

/// Correlations out of time order. The same on every rank.
struct OutOfTimeOrder {
  std::vector<double> times = {};                             ///< as asked
  std::vector<std::vector<OutOfTimeOrderPoint>> points = {};  ///< [probe][time]
  index_t samples = 0;                                        ///< random states; 0: a given state
  index_t products = 0;                                       ///< with H, of everything together
  bool converged = false;  ///< the state is within the tolerance after each course
};

/// F(t) = <W(t)^+ V^+ W(t) V> and the squared commutator C(t) = <|[W(t), V]|^2> in a state, with
/// W(t) = exp(iHt) W exp(-iHt), for each V of `probes`. Collective on `comm`.
///
/// C is the square of the length of W(t) V|psi> - V W(t)|psi>, so that small ones keep their digits.
/// W and V may lead out of the sector: each part that changes charges by its own amount goes to the
/// sector that it leads to. Momenta stay where all operators have one; other symmetries are left
/// for the configurations of the charges. Configurations that a rule forbids stay forbidden. Two
/// operators of fermions that are both odd do not commute at any distance: take even ones.
/// @param h       Hermitian, in the sector of `psi`
/// @param moved   W, of any kind; on the sites of h
/// @param probes  V, at least one
/// @param psi     one column on the rows of h.basis, any norm above 0: the state is normalised
/// @param times   in any order, units of 1/energy (hbar = 1)
/// @throws DimensionError   operators on other sites, psi of another distribution
/// @throws InvalidArgument  h not Hermitian, an operator that leads to configurations that a rule
///                          of the sector forbids, psi zero, it does not fit into memory; as
///                          Evolution
/// Cost: per time, a course back to the start for W and one for each probe: (probes + 1) R t
/// products, R half the width of the spectrum; probes + 10 complex vectors of memory.
/// Source: Swingle, Bentsen, Schleier-Smith, Hayden 2016, doi:10.1103/PhysRevA.94.040302; Luitz and
/// Bar Lev 2017, doi:10.1103/PhysRevB.96.020406.
KRONSOLVE_EXPORT OutOfTimeOrder out_of_time_order(const Comm& comm, const SectorOperator& h,
                                                  const OpSum& moved, std::span<const OpSum> probes,
                                                  const EvolutionState& psi,
                                                  std::span<const double> times,
                                                  const OutOfTimeOrderOptions& options = {});

/// The same as the mean over all states of the sector of h, infinite temperature: from random
/// states, whose spread gives the standard errors. They become smaller as 1 / sqrt(samples states).
/// Collective on `comm`.
/// @throws InvalidArgument  fewer than 2 samples; as above
/// Cost: that of a state, times `samples`.
/// Source: as above; Goldstein, Lebowitz, Tumulka, Zanghi 2006, doi:10.1103/PhysRevLett.96.050403.
KRONSOLVE_EXPORT OutOfTimeOrder mean_out_of_time_order(const Comm& comm, const SectorOperator& h,
                                                       const OpSum& moved,
                                                       std::span<const OpSum> probes,
                                                       std::span<const double> times,
                                                       const OutOfTimeOrderOptions& options = {});

}  // namespace kronsolve
