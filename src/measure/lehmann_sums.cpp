// Correlations at a temperature from all eigenvectors of all sectors.

#include <cmath>
#include <map>

#include <kronsolve/core/comm_objects.hpp>
#include <kronsolve/core/error.hpp>
#include <kronsolve/measure/sector_levels.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/operator_map.hpp>
#include <kronsolve/solvers/spectral_function.hpp>

#include "measure/spectral_lines.hpp"
#include "measure/thermal_correlations.hpp"
#include "solvers/dense/blas_threads.hpp"

namespace kronsolve::detail {

namespace {

using Complex = std::complex<double>;
using Vectors = DistributedVectors<Complex>;

/// All eigenpairs of a sector on one process.
struct Spectrum {
  SectorOperator op;
  std::vector<double> energies;
  Vectors vectors;
};

Vectors as_complex(const EighResult& result) {
  return std::visit(
      [](const auto& x) {
        Vectors copy(x.partition(), x.rank(), x.count(), ColumnStorage::together);
        for (index_t j = 0; j < x.count(); ++j)
          for (std::size_t i = 0; i < x.column(j).size(); ++i) copy.column(j)[i] = x.column(j)[i];
        return copy;
      },
      result.vectors);
}

/// What one correlation comes to on one process; sums over processes are the correlation.
struct Part {
  std::vector<Line> lines;
  Complex total = 0, first_moment = 0, reversed = 0, reversed_lines = 0;
  index_t dimension = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(lines, total, first_moment, reversed, reversed_lines, dimension);
  }
};

class LehmannSums {
 public:
  explicit LehmannSums(const ThermalTrace& trace)
      : trace_(trace), alone_(trace.comm.split(trace.comm.rank())), parts_(trace.pairs.size()) {}

  DynamicalCorrelations run() {
    find_levels();
    trace_.comm.agree([&] {
      const auto ranks = static_cast<std::size_t>(trace_.comm.size());
      for (auto i = static_cast<std::size_t>(trace_.comm.rank()); i < trace_.sectors.size();
           i += ranks) {
        if (trace_.options.progress && trace_.comm.is_root())
          trace_.options.progress("sector", static_cast<index_t>(i), std::ssize(trace_.sectors));
        excite_from(trace_.sectors[i].sector);
      }
    });
    return joined();
  }

 private:
  void find_levels() {
    SectorLevelsOptions options{.solve = {.k = EighOptions::all, .vectors = Eigenvectors::skip},
                                .spins = false};
    const auto found = sector_levels(trace_.comm, trace_.h, trace_.sectors, options);
    lowest_ = found.levels.front().energy;
    highest_ = found.levels.back().energy;
    for (const auto& level : found.levels) {
      const double weight = boltzmann(level.energy);
      partition_ += weight;
      energy_ += weight * (level.energy - lowest_);
    }
    energy_ = lowest_ + energy_ / partition_;
  }

  double boltzmann(double energy) const { return std::exp(-trace_.beta() * (energy - lowest_)); }

  const Spectrum& spectrum(const Conditions& conditions) {
    const auto known = spectra_.find(conditions);
    if (known != spectra_.end()) return known->second;
    SectorOperator op =
        in_sector(alone_, trace_.h, parse_sector(trace_.h.spaces(), trace_.lattice, conditions));
    const EighResult all = eigh(alone_, op, {.k = EighOptions::all});
    return spectra_.emplace(conditions, Spectrum{op, all.eigenvalues, as_complex(all)})
        .first->second;
  }

  void excite_from(const Sector& sector) {
    for (std::size_t p = 0; p < trace_.pairs.size(); ++p) {
      if (trace_.partners[p] != p) continue;
      const auto& pair = trace_.pairs[p];
      for (const auto& by : transitions(pair, sector)) add_lines(parts_[p], sector, by);
      for (const auto& by : transitions({pair.b, pair.a}, sector))
        parts_[p].reversed += mean(sector, by);
    }
  }

  /// Each eigenvector of `from` under op.
  Vectors images(const OpSum& op, const Spectrum& from, const Spectrum& to) const {
    Vectors result(to.op.basis->partition(1), 0, from.vectors.count(), ColumnStorage::together);
    for (index_t j = 0; j < from.vectors.count(); ++j) {
      const auto image =
          apply_operator<Complex>(alone_, op, *from.op.basis, from.vectors.column(j), *to.op.basis);
      vec::copy<Complex>(image.column(0), result.column(j));
    }
    return result;
  }

  void add_lines(Part& part, const Sector& sector, const Transition& by) {
    const Sector target = parse_sector(trace_.h.spaces(), trace_.lattice, by.to);
    if (!has_states(target)) return;
    const Spectrum &from = spectrum(sector.conditions), &to = spectrum(target.conditions);
    const Vectors b = images(by.b, from, to);
    const Vectors own_a = by.same ? Vectors() : images(by.a_adjoint, from, to);
    const Vectors& a = by.same ? b : own_a;
    part.dimension = std::max(part.dimension, to.op.basis->size());
    const auto in_b = vec::inner<Complex>(alone_, to.vectors, b);
    const auto in_a = by.same ? std::vector<Complex>() : vec::inner<Complex>(alone_, to.vectors, a);
    const auto map = make_operator_map<Complex>(alone_, to.op);
    Buffer<Complex> moved(to.op.basis->size());
    std::size_t at = 0;
    for (std::size_t n = 0; n < from.energies.size(); ++n) {
      const double weight = boltzmann(from.energies[n]);
      for (std::size_t m = 0; m < to.energies.size(); ++m, ++at) {
        const Complex element = std::conj(by.same ? in_b[at] : in_a[at]) * in_b[at];
        part.reversed_lines += boltzmann(to.energies[m]) * element;
        // What is below rounding of the sum rules is nobody's line.
        if (weight * std::abs(element) > 1e-18)
          part.lines.push_back({to.energies[m] - from.energies[n], weight * element});
      }
      const auto bra = a.column(static_cast<index_t>(n)), ket = b.column(static_cast<index_t>(n));
      const Complex overlap = vec::dot<Complex>(alone_, bra, ket);
      map->apply(ket, moved.span());
      part.total += weight * overlap;
      part.first_moment += weight * (vec::dot<Complex>(alone_, bra, std::as_const(moved).span()) -
                                     from.energies[n] * overlap);
    }
  }

  /// Trace of exp(-beta H) A B over the sector, without eigenvectors of where B leads.
  Complex mean(const Sector& sector, const Transition& by) {
    const Sector target = parse_sector(trace_.h.spaces(), trace_.lattice, by.to);
    if (!has_states(target)) return 0;
    const Spectrum &from = spectrum(sector.conditions), &to = spectrum(target.conditions);
    Complex sum = 0;
    for (std::size_t n = 0; n < from.energies.size(); ++n) {
      const double weight = boltzmann(from.energies[n]);
      if (weight < 1e-20) continue;
      const auto column = from.vectors.column(static_cast<index_t>(n));
      const auto apply = [&](const OpSum& op) {
        return apply_operator<Complex>(alone_, op, *from.op.basis, column, *to.op.basis);
      };
      const Vectors b = apply(by.b), own_a = by.same ? Vectors() : apply(by.a_adjoint);
      sum += weight * vec::dot<Complex>(alone_, std::as_const(by.same ? b : own_a).column(0),
                                        std::as_const(b).column(0));
    }
    return sum;
  }

  DynamicalCorrelations joined() {
    DynamicalCorrelations result;
    result.energy = {energy_, 0};
    result.correlations.resize(parts_.size());
    for (std::size_t p = 0; p < parts_.size(); ++p) {
      if (trace_.partners[p] != p) continue;
      auto& found = result.correlations[p];
      std::vector<Line> lines;
      Complex reversed_lines = 0;
      for (const auto& part : all_gather_objects(trace_.comm, parts_[p])) {
        lines.insert(lines.end(), part.lines.begin(), part.lines.end());
        found.total += part.total / partition_;
        found.first_moment += part.first_moment / partition_;
        found.reversed += part.reversed / partition_;
        reversed_lines += part.reversed_lines / partition_;
        found.dimension = std::max(found.dimension, part.dimension);
      }
      set_lines(found, std::move(lines), partition_, std::abs(lowest_) + std::abs(highest_));
      found.total_error = std::abs(found.moment(0) - found.total);
      found.first_moment_error = std::abs(found.moment(1) - found.first_moment);
      found.reversed_error = std::abs(reversed_lines - found.reversed);
    }
    trace_.finish(result);
    return result;
  }

  const ThermalTrace& trace_;
  Comm alone_;
  std::map<Conditions, Spectrum> spectra_;  ///< by sector, as needed on this process
  std::vector<Part> parts_;                 ///< of each pair
  double lowest_ = 0, highest_ = 0, partition_ = 0, energy_ = 0;
};

}  // namespace

DynamicalCorrelations lehmann_sums(const ThermalTrace& trace) {
  const dense::BlasThreads one(1);  // blocks of rows go to our own threads
  return LehmannSums(trace).run();
}

}  // namespace kronsolve::detail
