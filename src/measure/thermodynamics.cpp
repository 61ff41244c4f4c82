#include <algorithm>
#include <cmath>
#include <memory>

#include <kronsolve/core/error.hpp>
#include <kronsolve/measure/sector_levels.hpp>
#include <kronsolve/measure/thermodynamics.hpp>
#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/operator_map.hpp>

#include "measure/total_spin.hpp"
#include "measure/value_numbers.hpp"

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

// ---- observables as lists of numbers -------------------------------------------------------------

std::vector<ObservableValue> shapes_of(const Comm& comm, const OpSum& h,
                                       std::span<const Observable> observables) {
  if (observables.empty()) return {};
  const auto basis = make_basis(comm, parse_sector(h.spaces(), Lattice::chain(h.sites()), {}));
  return visit_scalar(
      h.scalar(), [&]<Scalar T>() { return detail::shapes_of<T>(comm, h, *basis, observables); });
}

std::size_t numbers_of(const std::vector<ObservableValue>& shapes) {
  std::size_t count = 0;
  for (const auto& shape : shapes) count += shape.values.size();
  return count;
}

/// Puts the values at one temperature behind those that are there.
void append(std::vector<ThermalObservable>& to,
            std::vector<ObservableValue> ThermalObservable::*part,
            const std::vector<ObservableValue>& values) {
  for (std::size_t i = 0; i < to.size(); ++i) (to[i].*part).push_back(values[i]);
}

// ---- every level ---------------------------------------------------------------------------------

/// Means of what was measured in the eigenstates, each with the weight of its level.
std::vector<double> means(const SectorLevels& found, double t) {
  std::vector<double> sum(found.levels.front().measured.size());
  double weight = 0;
  for (const auto& level : found.levels) {
    const double boltzmann = std::exp(-(level.energy - found.levels.front().energy) / t);
    weight += boltzmann;
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += boltzmann * level.measured[i];
  }
  for (double& value : sum) value /= weight;
  return sum;
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
  const auto conditions = exact_conditions(h, lattice);
  // Sectors with the same levels differ in what is measured.
  auto sectors = options.observe.empty() ? scan_sectors(h, lattice, conditions)
                                         : scan_every_sector(h, lattice, conditions);
  const auto shapes = shapes_of(comm, h, options.observe);
  if (!options.observe.empty()) {
    levels.solve.vectors = Eigenvectors::compute;
    levels.measure = [&](const Comm& ranks, const SectorOperator& op, const EighResult& result,
                         index_t column) {
      return std::visit(
          [&]<Scalar T>(const DistributedVectors<T>& x) {
            const StateView<T> state(ranks, *op.basis, x.column(column));
            return detail::numbers_of(shapes,
                                      evaluate<T>(options.observe, state, {.hamiltonian = &h}));
          },
          result.vectors);
    };
  }
  const auto found = sector_levels(comm, h, std::move(sectors), levels);
  Thermodynamics result{.method = ThermodynamicsMethod::exact};
  result.sectors = std::ssize(found.sectors);
  result.largest = found.sectors.back().dimension;
  std::vector<Copies> copies;
  for (const auto& scanned : found.sectors) copies.push_back(copies_of(scanned, h.spaces()));
  const bool magnetic = conserves_sz(h);
  for (const auto& observable : options.observe)
    result.observables.push_back({observable.text(), {}, {}});
  for (const double t : temperatures) {
    add_exact(result, found, copies, magnetic, t);
    if (!options.observe.empty())
      append(result.observables, &ThermalObservable::values,
             detail::shaped(shapes, means(found, t)));
  }
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

/// The averages of what was measured at one temperature.
void add_sampled(std::vector<ThermalObservable>& to, const std::vector<ObservableValue>& shapes,
                 std::span<const Estimate> found) {
  std::vector<double> values, errors;
  for (const auto& estimate : found) {
    values.push_back(estimate.value);
    errors.push_back(estimate.error);
  }
  append(to, &ThermalObservable::values, detail::shaped(shapes, values));
  append(to, &ThermalObservable::errors, detail::shaped(shapes, errors));
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
    map->on_product([&] {
      const bool known = ftlm && options.observe.empty();
      options.progress(map->products(), known ? options.samples * options.steps : 0);
    });
  const auto shapes = shapes_of(comm, h, options.observe);
  StateNumbers<T> measure;
  if (!options.observe.empty())
    measure = [&](std::span<const T> state) {
      return detail::numbers_of(shapes,
                                evaluate<T>(options.observe, StateView<T>(comm, *basis, state),
                                            {.hamiltonian = &h, .product = map.get()}));
    };
  const auto points = thermal_averages<T>(*map, betas, observables, thermal, measure);
  Thermodynamics result{.method = options.method};
  for (const auto& observable : options.observe)
    result.observables.push_back({observable.text(), {}, {}});
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
    add_sampled(result.observables, shapes,
                std::span(point.observables).subspan(observables.size()));
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
  for (const auto& observable : options.observe)
    if (!observable.is_expectation())
      throw InvalidArgument(detail::concat(
          "observable '", observable.text(),
          "' is no expectation value of an operator and has no thermal mean here; take sz, corr, "
          "sq, bonds, s2, op:... or another one that is"));
}

/// All eigenvalues are a matter of seconds, and `numbers` expectation values in all eigenstates too.
bool is_quick(const OpSum& h, const Lattice& lattice, std::size_t numbers) {
  constexpr double quick_means =
      5e6;  // states times states of the sector times numbers: ten seconds
  const auto sectors = scan_sectors(h, lattice, exact_conditions(h, lattice));
  double work = 0, means = 0;
  for (const auto& sector : sectors) {
    const auto states = static_cast<double>(sector.dimension);
    work += std::pow(states, 3);
    means += sector.copies() * states * states * static_cast<double>(numbers);
  }
  return sectors.back().dimension <= quick_sector &&
         work <= 4 * std::pow(static_cast<double>(quick_sector), 3) && means <= quick_means;
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
    chosen.method = is_quick(h, lattice, numbers_of(shapes_of(comm, h, options.observe)))
                        ? ThermodynamicsMethod::exact
                        : ThermodynamicsMethod::ftlm;
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
