// Thermal averages from every level of every sector.

#include <algorithm>
#include <cmath>
#include <map>

#include <kronsolve/core/error.hpp>
#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/measure/sector_levels.hpp>
#include <kronsolve/operators/algebra.hpp>

#include "measure/thermal_averages.hpp"
#include "measure/total_spin.hpp"

namespace kronsolve::detail {

namespace {

/// How often a level of a sector is there, images of the sector counted, and the sums of Sz and Sz^2
/// over them.
struct Copies {
  double number = 0, sz = 0, sz_squared = 0;
};

/// A level as often as it is there in one of the sectors asked for.
struct Entry {
  double energy = 0;
  Copies copies;
  std::span<const double> measured;
};

/// exp(-(E - lowest)/T), summed with what it weighs.
struct BoltzmannSums {
  double lowest = 0, weight = 0, energy = 0, energy_squared = 0;
  double sz = 0, sz_squared = 0;
  std::vector<double> measured;

  BoltzmannSums(const std::vector<Entry>& entries, double t)
      : lowest(entries.front().energy), measured(entries.front().measured.size()) {
    for (const auto& entry : entries) lowest = std::min(lowest, entry.energy);
    for (const auto& entry : entries) {
      const double above = entry.energy - lowest, boltzmann = std::exp(-above / t);
      const double all = boltzmann * entry.copies.number;
      weight += all;
      energy += all * above;
      energy_squared += all * above * above;
      sz += boltzmann * entry.copies.sz;
      sz_squared += boltzmann * entry.copies.sz_squared;
      for (std::size_t i = 0; i < measured.size(); ++i) measured[i] += all * entry.measured[i];
    }
  }
};

class ExactAverages {
 public:
  explicit ExactAverages(const Averaging& averaging)
      : averaging_(averaging),
        fine_(split_sectors(averaging.h, averaging.lattice, averaging.options.sector)) {}

  Thermodynamics run() {
    const SectorLevels found = levels();
    deal(found);
    Thermodynamics result;
    result.method = ThermodynamicsMethod::exact;
    result.sectors = std::ssize(found.sectors);
    result.largest = found.sectors.back().dimension;
    static_cast<ThermalCurves&>(result) = curves(all_, averaging_.magnetic);
    if (of_sector_.size() == 1) return result;
    for (std::size_t s = 0; s < of_sector_.size(); ++s) {
      const auto& sector = averaging_.sectors[s];
      ThermalSector part{sector.sector.conditions, sector.dimension};
      part.curves = curves(of_sector_[s], averaging_.magnetic && !fixed(sector.sector));
      for (std::size_t i = 0; i < averaging_.temperatures.size(); ++i)
        part.weight.push_back(
            {std::exp((result.free_energy[i].value - part.curves.free_energy[i].value) /
                      averaging_.temperatures[i]),
             0});
      result.parts.push_back(std::move(part));
    }
    return result;
  }

 private:
  std::optional<double> fixed(const Sector& sector) const {
    return fixed_sz(averaging_.h.spaces(), sector.charges);
  }

  /// Every level, with what was measured in its eigenvector.
  SectorLevels levels() {
    const auto& options = averaging_.options;
    SectorLevelsOptions solve{.solve = {.k = EighOptions::all, .vectors = Eigenvectors::skip}};
    solve.spins = false;
    if (options.progress)
      solve.progress = [&](index_t done, index_t all) { options.progress("sector", done, all); };
    auto sectors = scan_sectors(averaging_.h, averaging_.lattice, fine_);
    measures_sz_ = averaging_.magnetic &&
                   !std::all_of(sectors.begin(), sectors.end(),
                                [&](const ScannedSector& s) { return fixed(s.sector); });
    if (!options.observe.empty() || measures_sz_) {
      // Sectors with the same levels differ in what is measured.
      sectors = scan_every_sector(averaging_.h, averaging_.lattice, fine_);
      solve.solve.vectors = Eigenvectors::compute;
      solve.measure = [&](const Comm& ranks, const SectorOperator& op, const EighResult& result,
                          index_t column) {
        return std::visit(
            [&]<Scalar T>(const DistributedVectors<T>& x) {
              return measured(StateView<T>(ranks, *op.basis, x.column(column)));
            },
            result.vectors);
      };
    }
    return sector_levels(averaging_.comm, averaging_.h, std::move(sectors), solve);
  }

  template <Scalar T>
  std::vector<double> measured(const StateView<T>& state) const {
    auto numbers = flat(averaging_.shapes, evaluate<T>(averaging_.options.observe, state,
                                                       {.hamiltonian = &averaging_.h}));
    if (!measures_sz_) return numbers;
    const OpSum sz = spin_total(averaging_.h.spaces(), "Sz");
    const OpSum both[] = {sz, simplify(sz * sz)};
    for (const auto& mean : expectations(state, std::span<const OpSum>(both)))
      numbers.push_back(mean.real());
    return numbers;
  }

  /// Gives each level to the sector asked for that it belongs to.
  void deal(const SectorLevels& found) {
    of_sector_.resize(averaging_.sectors.size());
    std::vector<std::map<std::size_t, Copies>> places;  // by solved sector
    for (const auto& solved : found.sectors) {
      auto& copies = places.emplace_back();
      add(copies, solved.sector);
      for (const auto& image : solved.images)
        add(copies, parse_sector(averaging_.h.spaces(), averaging_.lattice, image));
    }
    const std::size_t observed = numbers_of(averaging_.shapes);
    for (const auto& level : found.levels)
      for (const auto& [sector, copies] : places[level.sector]) {
        Entry entry{level.energy, copies, std::span(level.measured).first(observed)};
        if (measures_sz_)
          entry.copies = {1, level.measured[observed], level.measured[observed + 1]};
        of_sector_[sector].push_back(entry);
        all_.push_back(entry);
      }
  }

  void add(std::map<std::size_t, Copies>& copies, const Sector& part) const {
    const auto whole =
        std::find_if(averaging_.sectors.begin(), averaging_.sectors.end(),
                     [&](const ScannedSector& asked) { return is_part_of(part, asked.sector); });
    KRONSOLVE_ASSERT(whole != averaging_.sectors.end());
    auto& of = copies[static_cast<std::size_t>(whole - averaging_.sectors.begin())];
    const double sz = fixed(part).value_or(0);
    ++of.number;
    of.sz += sz;
    of.sz_squared += sz * sz;
  }

  ThermalCurves curves(const std::vector<Entry>& entries, bool magnetic) const {
    ThermalCurves to = empty_curves(averaging_);
    for (const double t : averaging_.temperatures) {
      const BoltzmannSums sums(entries, t);
      const double above = sums.energy / sums.weight, log_z = std::log(sums.weight);
      to.energy.push_back({sums.lowest + above, 0});
      to.heat_capacity.push_back(
          {(sums.energy_squared / sums.weight - above * above) / (t * t), 0});
      to.entropy.push_back({above / t + log_z, 0});
      to.free_energy.push_back({sums.lowest - t * log_z, 0});
      if (magnetic) {
        const double mean = sums.sz / sums.weight;
        to.susceptibility.push_back({(sums.sz_squared / sums.weight - mean * mean) / t, 0});
      }
      auto means = sums.measured;
      for (double& mean : means) mean /= sums.weight;
      const auto values = shaped(averaging_.shapes, means);
      for (std::size_t i = 0; i < values.size(); ++i) to.observables[i].values.push_back(values[i]);
    }
    return to;
  }

  const Averaging& averaging_;
  std::vector<std::string> fine_;  ///< conditions of the sectors that are solved
  bool measures_sz_ = false;       ///< behind the observables
  std::vector<std::vector<Entry>> of_sector_;
  std::vector<Entry> all_;
};

}  // namespace

Thermodynamics exact_averages(const Averaging& averaging) { return ExactAverages(averaging).run(); }

}  // namespace kronsolve::detail
