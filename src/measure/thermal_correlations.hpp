#pragma once

#include <set>

#include <kronsolve/measure/dynamical_correlations.hpp>
#include <kronsolve/operators/sector_scan.hpp>

#include "measure/excitation.hpp"

namespace kronsolve::detail {

/// `dynamical_correlations` at options.temperature. Collective.
DynamicalCorrelations thermal_correlations(const Comm& comm, const OpSum& h, const Lattice& lattice,
                                           const Conditions& conditions,
                                           std::span<const OperatorPair> pairs,
                                           const DynamicalOptions& options);

constexpr index_t default_thermal_steps = 100;  ///< Lanczos steps of a random vector

/// What the two ways to a trace over sectors share.
struct ThermalTrace {
  const Comm& comm;
  const OpSum& h;
  const Lattice& lattice;
  std::span<const OperatorPair> pairs;
  const DynamicalOptions& options;
  std::vector<ScannedSector> sectors;  ///< one by one, without images
  std::vector<std::size_t> partners;   ///< `conjugate_partners`
  std::vector<bool> closed;            ///< of each pair: it does not lead out of the sectors

  double beta() const { return 1 / *options.temperature; }
  /// Copies the answers of partners, and sets the momenta.
  void finish(DynamicalCorrelations& result) const;
};

/// From all eigenvectors of each sector (Lehmann).
DynamicalCorrelations lehmann_sums(const ThermalTrace& trace);
/// From random vectors in each sector.
DynamicalCorrelations sampled_correlations(const ThermalTrace& trace);

}  // namespace kronsolve::detail
