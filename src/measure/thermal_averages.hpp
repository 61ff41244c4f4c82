#pragma once
// What both ways to thermal averages share: every level, and random vectors.

#include <optional>
#include <span>
#include <vector>

#include <kronsolve/measure/thermodynamics.hpp>
#include <kronsolve/operators/sector_scan.hpp>

#include "measure/value_numbers.hpp"

namespace kronsolve::detail {

/// The sectors that are averaged over, and what is wanted of their states.
struct Averaging {
  const Comm& comm;
  const OpSum& h;
  const Lattice& lattice;
  std::span<const double> temperatures;
  const ThermodynamicsOptions& options;
  std::vector<ScannedSector> sectors;        ///< one by one, without images
  std::vector<ObservableValue> shapes = {};  ///< of the observables: as they come, without numbers
  bool magnetic = false;                     ///< Sz is conserved, and not the same in all states
};

/// Total Sz of all states of a sector; nothing if they differ. Local.
std::optional<double> fixed_sz(const std::vector<LocalSpace>& spaces,
                               const std::vector<Charge>& charges);

/// Empty curves of the observables asked for.
ThermalCurves empty_curves(const Averaging& averaging);

/// From every level of every sector. Collective.
Thermodynamics exact_averages(const Averaging& averaging);
/// From random vectors in each sector, by options.method. Collective.
Thermodynamics sampled_averages(const Averaging& averaging);

}  // namespace kronsolve::detail
