// Thermal averages from random vectors in each sector.

#include <algorithm>
#include <cmath>
#include <memory>

#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/solvers/operator_map.hpp>

#include "measure/thermal_averages.hpp"
#include "measure/total_spin.hpp"

namespace kronsolve::detail {

namespace {

/// A spin flip maps the operator on itself.
bool is_balanced(const OpSum& h, const Lattice& lattice) {
  try {
    require_respects(h, parse_sector(h.spaces(), lattice, {"spinflip=1"}));
    return true;
  } catch (const InvalidArgument&) {
    return false;
  }
}

class SampledAverages {
 public:
  explicit SampledAverages(const Averaging& averaging)
      : averaging_(averaging),
        options_(averaging.options),
        balanced_(is_balanced(averaging.h, averaging.lattice)) {
    for (const double t : averaging.temperatures) betas_.push_back(1 / t);
  }

  Thermodynamics run() {
    std::vector<ThermalSamples> samples;
    for (std::size_t s = 0; s < averaging_.sectors.size(); ++s) samples.push_back(samples_of(s));
    Thermodynamics result;
    result.method = options_.method;
    result.products = products_;
    result.samples = options_.samples;
    static_cast<ThermalCurves&>(result) = curves(samples, averaging_.magnetic);
    if (samples.size() == 1) return result;
    const auto weights = thermal_weights(samples);
    for (std::size_t s = 0; s < samples.size(); ++s) {
      const auto& sector = averaging_.sectors[s];
      const bool magnetic = averaging_.magnetic && !fixed(sector.sector);
      result.parts.push_back({sector.sector.conditions, sector.dimension, weights[s],
                              curves(std::span(samples).subspan(s, 1), magnetic)});
    }
    return result;
  }

 private:
  bool ftlm() const { return options_.method == ThermodynamicsMethod::ftlm; }
  std::optional<double> fixed(const Sector& sector) const {
    return fixed_sz(averaging_.h.spaces(), sector.charges);
  }
  /// <Sz> = 0, since the spin flip maps the states of the sector on each other.
  bool has_no_sz(const Sector& sector) const {
    return std::any_of(sector.generators.begin(), sector.generators.end(),
                       [](const auto& g) { return g.flip == SpinFlip::yes; }) ||
           (balanced_ && sector.charges.empty());
  }

  ThermalSamples samples_of(std::size_t s) {
    const Sector& sector = averaging_.sectors[s].sector;
    const SectorOperator op = in_sector(averaging_.comm, averaging_.h, sector);
    auto samples =
        visit_scalar(op.scalar(), [&]<Scalar T>() { return samples_of<T>(op, sector, s); });
    if (!averaging_.magnetic) return samples;
    // Sz and Sz^2 come first, and are known without a measurement here and there.
    std::vector<double> known;
    if (const auto sz = fixed(sector))
      known = {*sz, *sz * *sz};
    else if (has_no_sz(sector))
      known = {0};
    for (auto& at_beta : samples.samples)
      for (auto& sample : at_beta)
        sample.observables.insert(sample.observables.begin(), known.begin(), known.end());
    return samples;
  }

  template <Scalar T>
  ThermalSamples samples_of(const SectorOperator& op, const Sector& sector, std::size_t s) {
    const auto map = make_operator_map<T>(averaging_.comm, op, options_.form);
    const auto kept = sz_maps<T>(op, sector);
    std::vector<const LinearMap<T>*> observables;
    for (const auto& one : kept) observables.push_back(one.get());
    if (averaging_.comm.is_root() && options_.progress)
      map->on_product(
          [&] { options_.progress("product", products_ + map->products(), all_products()); });
    StateNumbers<T> measure;
    if (!options_.observe.empty())
      measure = [&](std::span<const T> state) {
        return flat(averaging_.shapes,
                    evaluate<T>(options_.observe, StateView<T>(averaging_.comm, *op.basis, state),
                                {.hamiltonian = &op.op, .product = map.get()}));
      };
    auto samples =
        thermal_samples<T>(*map, betas_, observables,
                           {.method = ftlm() ? ThermalMethod::ftlm : ThermalMethod::typical,
                            .steps = options_.steps,
                            .samples = options_.samples,
                            .seed = options_.seed,
                            .first_stream = narrow<std::uint32_t>(
                                static_cast<index_t>(s) * options_.samples, "random vectors")},
                           measure);
    products_ += map->products();
    return samples;
  }

  /// Sz and its square, as far as they are not known beforehand.
  template <Scalar T>
  std::vector<std::unique_ptr<LinearMap<T>>> sz_maps(const SectorOperator& op,
                                                     const Sector& sector) const {
    std::vector<std::unique_ptr<LinearMap<T>>> maps;
    if (!averaging_.magnetic || fixed(sector)) return maps;
    const OpSum sz = spin_total(averaging_.h.spaces(), "Sz");
    const auto add = [&](const OpSum& wanted) {
      maps.push_back(make_operator_map<T>(averaging_.comm, SectorOperator{wanted, op.basis}));
    };
    if (!has_no_sz(sector)) add(sz);
    add(simplify(sz * sz));
    return maps;
  }

  /// Of all sectors, with H; 0: not known.
  index_t all_products() const {
    if (!ftlm() || !options_.observe.empty()) return 0;
    index_t sum = 0;
    for (const auto& sector : averaging_.sectors)
      sum += options_.samples * std::min(options_.steps, sector.dimension);
    return sum;
  }

  ThermalCurves curves(std::span<const ThermalSamples> samples, bool magnetic) const {
    ThermalCurves to = empty_curves(averaging_);
    const auto points = thermal_points(samples);
    for (std::size_t i = 0; i < points.size(); ++i) {
      const auto& point = points[i];
      const double t = averaging_.temperatures[i];
      to.energy.push_back(point.energy);
      to.heat_capacity.push_back(point.heat_capacity);
      to.entropy.push_back(point.entropy);
      to.free_energy.push_back({-t * point.log_partition.value, t * point.log_partition.error});
      add_observables(to.observables,
                      std::span(point.observables).subspan(averaging_.magnetic ? 2 : 0));
      if (!magnetic) continue;
      const Estimate m = point.observables[0], square = point.observables[1];
      to.susceptibility.push_back({(square.value - m.value * m.value) / t,
                                   std::hypot(square.error, 2 * m.value * m.error) / t});
    }
    return to;
  }

  void add_observables(std::vector<ThermalObservable>& to, std::span<const Estimate> found) const {
    std::vector<double> values, errors;
    for (const auto& estimate : found) {
      values.push_back(estimate.value);
      errors.push_back(estimate.error);
    }
    const auto means = shaped(averaging_.shapes, values),
               spread = shaped(averaging_.shapes, errors);
    for (std::size_t i = 0; i < to.size(); ++i) {
      to[i].values.push_back(means[i]);
      to[i].errors.push_back(spread[i]);
    }
  }

  const Averaging& averaging_;
  const ThermodynamicsOptions& options_;
  bool balanced_;
  std::vector<double> betas_;
  index_t products_ = 0;  ///< of the sectors that are done
};

}  // namespace

Thermodynamics sampled_averages(const Averaging& averaging) {
  return SampledAverages(averaging).run();
}

}  // namespace kronsolve::detail
