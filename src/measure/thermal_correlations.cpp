#include "measure/thermal_correlations.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <kronsolve/core/error.hpp>

namespace kronsolve::detail {

namespace {

void check(const DynamicalOptions& options) {
  const double t = *options.temperature;
  if (!(t > 0) || !std::isfinite(t) || !std::isfinite(1 / t))
    throw InvalidArgument(
        concat("dynamical correlations: the temperature must be positive and finite, got ", t));
  if (options.samples < 2)
    throw InvalidArgument(concat(
        "dynamical correlations: at least 2 samples (errors need them), got ", options.samples));
  if (options.method == ThermodynamicsMethod::typical)
    throw InvalidArgument("dynamical correlations: the method must be auto, exact or ftlm");
}

/// Every Sz, not only the least of each multiplet.
Conditions with_every_sz(Conditions conditions, const Conditions& given) {
  for (auto& condition : conditions)
    if (condition.starts_with("sz=") &&
        std::find(given.begin(), given.end(), condition) == given.end())
      condition = "sz=all";
  return conditions;
}

/// All eigenvectors and what stands between them are a matter of seconds.
bool is_quick(const ThermalTrace& trace) {
  constexpr index_t quick_sector = 700;
  constexpr double quick_lines = 1e6;
  double lines = 0;
  for (const auto& scanned : trace.sectors)
    lines += static_cast<double>(scanned.dimension) * static_cast<double>(scanned.dimension);
  index_t pairs = 0;
  for (std::size_t p = 0; p < trace.pairs.size(); ++p) pairs += trace.partners[p] == p;
  return trace.sectors.back().dimension <= quick_sector &&
         lines * static_cast<double>(pairs) <= quick_lines;
}

std::vector<std::size_t> partners_of(const ThermalTrace& trace) {
  std::set<Conditions> sectors;
  for (const auto& scanned : trace.sectors) sectors.insert(scanned.sector.conditions);
  return conjugate_partners(trace.h, trace.lattice, trace.pairs, sectors);
}

/// Whether neither B nor A^+ leads to states outside the sectors.
std::vector<bool> closed_pairs(const ThermalTrace& trace) {
  std::set<Conditions> sectors;
  for (const auto& scanned : trace.sectors) sectors.insert(scanned.sector.conditions);
  std::vector<bool> closed;
  for (std::size_t p = 0; p < trace.pairs.size(); ++p) {
    const auto& [a, b, momentum] = trace.pairs[p];
    closed.push_back(trace.partners[p] != p ||
                     std::all_of(trace.sectors.begin(), trace.sectors.end(), [&](const auto& from) {
                       for (const auto& pair : {OperatorPair{a, b}, OperatorPair{b, a}})
                         for (const auto& by : transitions(pair, from.sector)) {
                           const Sector to = parse_sector(trace.h.spaces(), trace.lattice, by.to);
                           if (!sectors.contains(to.conditions) && has_states(to)) return false;
                         }
                       return true;
                     }));
  }
  return closed;
}

Conditions without_momenta(Conditions conditions, const Conditions& given) {
  std::erase_if(conditions, [&](const std::string& condition) {
    return condition.starts_with("momentum") &&
           std::find(given.begin(), given.end(), condition) == given.end();
  });
  return conditions;
}

/// Random vectors in sectors of momenta take several times as long and say no more, but the Lanczos
/// vectors that are kept are shorter.
bool fits_without_momenta(const std::vector<ScannedSector>& sectors,
                          const DynamicalOptions& options) {
  constexpr double most_bytes = 0x1p30;
  const double steps =
      static_cast<double>(options.steps > 0 ? options.steps : default_thermal_steps);
  return steps * static_cast<double>(sectors.back().dimension) * sizeof(std::complex<double>) <=
         most_bytes;
}

}  // namespace

void ThermalTrace::finish(DynamicalCorrelations& result) const {
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    auto& found = result.correlations[p];
    if (partners[p] != p) {
      found = result.correlations[partners[p]];
      found.products = 0;
    }
    if (!closed[partners[p]]) {
      found.reversed = std::numeric_limits<double>::quiet_NaN();
      found.reversed_error = found.reversed_deviation = std::numeric_limits<double>::quiet_NaN();
    }
    found.momentum = pairs[p].momentum;
    result.products += found.products;
  }
}

DynamicalCorrelations thermal_correlations(const Comm& comm, const OpSum& h, const Lattice& lattice,
                                           const Conditions& conditions,
                                           std::span<const OperatorPair> pairs,
                                           const DynamicalOptions& options) {
  check(options);
  const auto all = with_every_sz(definite_conditions(h, lattice, conditions, pairs), conditions);
  ThermalTrace trace{comm, h, lattice, pairs, options, scan_every_sector(h, lattice, all), {}, {}};
  trace.partners = partners_of(trace);
  const bool exact = options.method == ThermodynamicsMethod::exact ||
                     (options.method == ThermodynamicsMethod::automatic && is_quick(trace));
  if (!exact) {
    auto sectors = scan_every_sector(h, lattice, without_momenta(all, conditions));
    if (fits_without_momenta(sectors, options)) trace.sectors = std::move(sectors);
    trace.partners = partners_of(trace);
  }
  trace.closed = closed_pairs(trace);
  auto result = exact ? lehmann_sums(trace) : sampled_correlations(trace);
  result.temperature = options.temperature;
  result.method = exact ? ThermodynamicsMethod::exact : ThermodynamicsMethod::ftlm;
  result.sectors = std::ssize(trace.sectors);
  result.ground.converged = true;
  return result;
}

}  // namespace kronsolve::detail
