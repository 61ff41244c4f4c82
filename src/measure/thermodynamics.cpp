#include <algorithm>
#include <cmath>
#include <memory>

#include <kronsolve/core/error.hpp>
#include <kronsolve/measure/sector_levels.hpp>
#include <kronsolve/measure/thermodynamics.hpp>
#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/solvers/operator_map.hpp>

#include "measure/total_spin.hpp"

namespace kronsolve {

namespace {

/// All eigenvalues of one sector of this size take about ten seconds.
constexpr index_t quick_sector = 3000;

bool conserves_sz(const OpSum& h) {
  const auto conserved = conserved_charges(h);
  return std::find(conserved.begin(), conserved.end(), "sz") != conserved.end();
}

/// Every level of every sector: with Sz in the conditions where it is conserved, because M is
/// wanted.
std::vector<std::string> exact_conditions(const OpSum& h, const Lattice& lattice) {
  auto conditions = all_sectors(h, lattice);
  for (auto& condition : conditions)
    if (condition.starts_with("sz=")) condition = "sz=all";
  return conditions;
}

/// How often a level of a sector is there, images of the sector counted, and the sums of Sz and Sz^2
/// over them.
struct Copies {
  double number = 0, sz = 0, sz_squared = 0;
};

Copies copies_of(const ScannedSector& scanned, const std::vector<LocalSpace>& spaces) {
  Copies copies;
  const auto add = [&](const std::vector<std::string>& conditions) {
    ++copies.number;
    for (const auto& condition : conditions) {
      if (!condition.starts_with("sz=")) continue;
      const double sz = Charge::parse(spaces, condition)->rule.target / 2.0;
      copies.sz += sz;
      copies.sz_squared += sz * sz;
    }
  };
  add(scanned.sector.conditions);
  for (const auto& image : scanned.images) add(image);
  return copies;
}

/// Averages over all levels at one temperature.
void add_exact(Thermodynamics& result, const SectorLevels& found, const std::vector<Copies>& copies,
               bool magnetic, double t) {
  const double ground = found.levels.front().energy;
  double weight = 0, energy = 0, energy_squared = 0, sz = 0, sz_squared = 0;
  for (const auto& level : found.levels) {
    const auto& of = copies[level.sector];
    const double above = level.energy - ground, boltzmann = std::exp(-above / t);
    weight += of.number * boltzmann;
    energy += of.number * boltzmann * above;
    energy_squared += of.number * boltzmann * above * above;
    sz += of.sz * boltzmann;
    sz_squared += of.sz_squared * boltzmann;
  }
  const double above = energy / weight, log_z = std::log(weight);
  result.energy.push_back({ground + above, 0});
  result.heat_capacity.push_back({(energy_squared / weight - above * above) / (t * t), 0});
  result.entropy.push_back({above / t + log_z, 0});
  result.free_energy.push_back({ground - t * log_z, 0});
  if (!magnetic) return;
  const double mean = sz / weight;
  result.susceptibility.push_back({(sz_squared / weight - mean * mean) / t, 0});
}

Thermodynamics exact(const Comm& comm, const OpSum& h, const Lattice& lattice,
                     std::span<const double> temperatures, const ThermodynamicsOptions& options) {
  SectorLevelsOptions levels{.solve = {.k = EighOptions::all, .vectors = Eigenvectors::skip}};
  levels.spins = false;
  levels.progress = options.progress;
  const auto found = sector_levels(comm, h, lattice, exact_conditions(h, lattice), levels);
  Thermodynamics result{.method = ThermodynamicsMethod::exact};
  result.sectors = std::ssize(found.sectors);
  result.largest = found.sectors.back().dimension;
  std::vector<Copies> copies;
  for (const auto& scanned : found.sectors) copies.push_back(copies_of(scanned, h.spaces()));
  const bool magnetic = conserves_sz(h);
  for (const double t : temperatures) add_exact(result, found, copies, magnetic, t);
  return result;
}

/// A spin flip maps the operator on itself, so that <M> = 0.
bool is_balanced(const OpSum& h, const Lattice& lattice) {
  try {
    require_respects(h, parse_sector(h.spaces(), lattice, {"spinflip=1"}));
    return true;
  } catch (const InvalidArgument&) {
    return false;
  }
}

template <Scalar T>
Thermodynamics sampled(const Comm& comm, const OpSum& h, const Lattice& lattice,
                       std::span<const double> temperatures, const ThermodynamicsOptions& options) {
  const auto basis = make_basis(comm, parse_sector(h.spaces(), lattice, {}));
  const auto map = make_operator_map<T>(comm, SectorOperator{h, basis}, options.form);
  std::vector<std::unique_ptr<LinearMap<T>>> kept;
  std::vector<const LinearMap<T>*> observables;
  if (conserves_sz(h)) {
    const OpSum sz = detail::spin_total(h.spaces(), "Sz");
    for (const OpSum& op : {sz, simplify(sz * sz)}) {
      kept.push_back(make_operator_map<T>(comm, SectorOperator{op, basis}));
      observables.push_back(kept.back().get());
    }
  }
  std::vector<double> betas;
  for (const double t : temperatures) betas.push_back(1 / t);
  const bool ftlm = options.method == ThermodynamicsMethod::ftlm;
  ThermalOptions thermal{.method = ftlm ? ThermalMethod::ftlm : ThermalMethod::typical,
                         .steps = options.steps,
                         .samples = options.samples,
                         .seed = options.seed};
  if (comm.is_root() && options.progress)
    map->on_product(
        [&] { options.progress(map->products(), ftlm ? options.samples * options.steps : 0); });
  const auto points = thermal_averages<T>(*map, betas, observables, thermal);
  Thermodynamics result{.method = options.method};
  result.products = map->products();
  result.samples = options.samples;
  const bool balanced = is_balanced(h, lattice);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto& point = points[i];
    const double t = temperatures[i];
    result.energy.push_back(point.energy);
    result.heat_capacity.push_back(point.heat_capacity);
    result.entropy.push_back(point.entropy);
    result.free_energy.push_back({-t * point.log_partition.value, t * point.log_partition.error});
    if (observables.empty()) continue;
    const Estimate m = balanced ? Estimate{} : point.observables[0], square = point.observables[1];
    result.susceptibility.push_back({(square.value - m.value * m.value) / t,
                                     std::hypot(square.error, 2 * m.value * m.error) / t});
  }
  return result;
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
}

/// All eigenvalues are a matter of seconds.
bool is_quick(const OpSum& h, const Lattice& lattice) {
  const auto sectors = scan_sectors(h, lattice, exact_conditions(h, lattice));
  double work = 0;
  for (const auto& sector : sectors) work += std::pow(static_cast<double>(sector.dimension), 3);
  return sectors.back().dimension <= quick_sector &&
         work <= 4 * std::pow(static_cast<double>(quick_sector), 3);
}

}  // namespace

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
  if (chosen.method == ThermodynamicsMethod::automatic)
    chosen.method = is_quick(h, lattice) ? ThermodynamicsMethod::exact : ThermodynamicsMethod::ftlm;
  auto result = chosen.method == ThermodynamicsMethod::exact
                    ? exact(comm, h, lattice, temperatures, chosen)
                    : visit_scalar(h.scalar(), [&]<Scalar T>() {
                        return sampled<T>(comm, h, lattice, temperatures, chosen);
                      });
  result.temperatures.assign(temperatures.begin(), temperatures.end());
  result.states = h.dimension();
  return result;
}

}  // namespace kronsolve
