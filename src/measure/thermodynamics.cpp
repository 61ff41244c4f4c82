#include <algorithm>
#include <cmath>

#include <kronsolve/core/error.hpp>
#include <kronsolve/measure/thermodynamics.hpp>
#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/operators/vector_operations.hpp>

#include "measure/thermal_averages.hpp"

namespace kronsolve {

namespace {

/// All eigenvalues of one sector of this size take about ten seconds.
constexpr index_t quick_sector = 3000;

bool conserves_sz(const OpSum& h) {
  const auto conserved = conserved_charges(h);
  return std::find(conserved.begin(), conserved.end(), "sz") != conserved.end();
}

/// Sz is conserved, and not the same in all states.
bool is_magnetic(const OpSum& h, const std::vector<ScannedSector>& sectors) {
  if (!conserves_sz(h)) return false;
  const auto first = detail::fixed_sz(h.spaces(), sectors.front().sector.charges);
  return !first || std::any_of(sectors.begin(), sectors.end(), [&](const ScannedSector& s) {
    return detail::fixed_sz(h.spaces(), s.sector.charges) != first;
  });
}

/// Complex as soon as one sector is: of momenta that are not taken together with their opposites
/// means may be.
std::vector<ObservableValue> shapes_of(const Comm& comm, const OpSum& h,
                                       const std::vector<ScannedSector>& sectors,
                                       std::span<const Observable> observables) {
  if (observables.empty()) return {};
  auto kind = h.scalar();
  for (const auto& s : sectors) {
    const SymmetryGroup group(s.sector.spaces, s.sector.generators);
    if (group.scalar() == ScalarKind::complex) kind = ScalarKind::complex;
  }
  const auto basis = make_basis(comm, sectors.front().sector);
  return visit_scalar(
      kind, [&]<Scalar T>() { return detail::shapes_of<T>(comm, h, *basis, observables); });
}

void check(std::span<const double> temperatures, const ThermodynamicsOptions& options) {
  if (temperatures.empty())
    throw InvalidArgument("thermodynamics: at least one temperature is needed");
  for (const double t : temperatures)
    if (!(t > 0) || !std::isfinite(t) || !std::isfinite(1 / t))
      throw InvalidArgument(
          detail::concat("thermodynamics: a temperature must be positive and finite, got ", t));
  if (options.samples < 2 || options.steps < 1)
    throw InvalidArgument(
        detail::concat("thermodynamics: at least 2 samples (errors need them) and 1 step, got ",
                       options.samples, " and ", options.steps));
  for (const auto& observable : options.observe)
    if (!observable.is_expectation())
      throw InvalidArgument(detail::concat(
          "observable '", observable.text(),
          "' is no expectation value of an operator and has no thermal mean here; take sz, corr, "
          "sq, bonds, s2, op:... or another one that is"));
}

/// All eigenvalues are a matter of seconds, and the observables in all eigenstates too.
bool is_quick(const detail::Averaging& averaging) {
  constexpr double quick_means =
      5e6;  // states times states of the sector times numbers: ten seconds
  const auto sectors =
      scan_sectors(averaging.h, averaging.lattice,
                   split_sectors(averaging.h, averaging.lattice, averaging.options.sector));
  const auto numbers = static_cast<double>(detail::numbers_of(averaging.shapes));
  double work = 0, means = 0;
  for (const auto& sector : sectors) {
    const auto states = static_cast<double>(sector.dimension);
    work += std::pow(states, 3);
    means += sector.copies() * states * states * numbers;
  }
  return sectors.back().dimension <= quick_sector &&
         work <= 4 * std::pow(static_cast<double>(quick_sector), 3) && means <= quick_means;
}

}  // namespace

namespace detail {

std::optional<double> fixed_sz(const std::vector<LocalSpace>& spaces,
                               const std::vector<Charge>& charges) {
  const auto target = [&](const char* name) -> std::optional<int> {
    for (const auto& charge : charges)
      if (charge.name == name) return charge.rule.target;
    return std::nullopt;
  };
  if (const auto sz = target("sz")) return *sz / 2.0;
  const auto up = target("nup"), down = target("ndown");
  const bool spins = std::any_of(spaces.begin(), spaces.end(), [](const LocalSpace& space) {
    return space.kind() == LocalSpace::Kind::spin;
  });
  if (up && down && !spins) return (*up - *down) / 2.0;
  return std::nullopt;
}

ThermalCurves empty_curves(const Averaging& averaging) {
  ThermalCurves curves;
  for (const auto& observable : averaging.options.observe)
    curves.observables.push_back({observable.text(), {}, {}});
  return curves;
}

}  // namespace detail

std::string_view to_string(ThermodynamicsMethod method) {
  switch (method) {
    case ThermodynamicsMethod::automatic:
      return "auto";
    case ThermodynamicsMethod::exact:
      return "exact";
    case ThermodynamicsMethod::ftlm:
      return "ftlm";
    case ThermodynamicsMethod::typical:
      break;
  }
  return "typical";
}

Thermodynamics thermodynamics(const Comm& comm, const OpSum& h, const Lattice& lattice,
                              std::span<const double> temperatures,
                              const ThermodynamicsOptions& options) {
  check(temperatures, options);
  ThermodynamicsOptions chosen = options;
  detail::Averaging averaging{comm,         h,      lattice,
                              temperatures, chosen, scan_every_sector(h, lattice, options.sector)};
  averaging.shapes = shapes_of(comm, h, averaging.sectors, options.observe);
  averaging.magnetic = is_magnetic(h, averaging.sectors);
  if (chosen.method == ThermodynamicsMethod::automatic)
    chosen.method = is_quick(averaging) ? ThermodynamicsMethod::exact : ThermodynamicsMethod::ftlm;
  auto result = chosen.method == ThermodynamicsMethod::exact ? detail::exact_averages(averaging)
                                                             : detail::sampled_averages(averaging);
  result.temperatures.assign(temperatures.begin(), temperatures.end());
  for (const auto& sector : averaging.sectors) result.states += sector.dimension;
  return result;
}

}  // namespace kronsolve
