// Correlations at a temperature from random vectors: finite-temperature Lanczos.

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/random.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/operator_map.hpp>
#include <kronsolve/solvers/spectral_bounds.hpp>
#include <kronsolve/solvers/spectral_function.hpp>

#include "core/counted.hpp"
#include "measure/thermal_correlations.hpp"
#include "solvers/dense/blas_threads.hpp"
#include "solvers/dense/tridiagonal.hpp"
#include "solvers/functions/lanczos_process.hpp"
#include "solvers/spectra/sector_transfer.hpp"

namespace kronsolve::detail {

namespace {

using Complex = std::complex<double>;

/// Weights on a grid of energies. A line between two points is shared by them, so that its weight
/// and first moment stay.
class Histogram {
 public:
  void add(double place, Complex weight) {
    const double below = std::floor(place), part = place - below;
    at(static_cast<long>(below)) += (1 - part) * weight;
    at(static_cast<long>(below) + 1) += part * weight;
  }
  void scale(double factor) {
    for (auto& weight : weights_) weight *= factor;
  }
  long first() const { return first_; }
  const std::vector<Complex>& weights() const { return weights_; }
  Complex value(long point) const {
    return point < first_ || point >= first_ + std::ssize(weights_)
               ? 0
               : weights_[static_cast<std::size_t>(point - first_)];
  }

 private:
  Complex& at(long point) {
    if (weights_.empty()) first_ = point;
    if (point < first_) {
      weights_.insert(weights_.begin(), static_cast<std::size_t>(first_ - point), 0.0);
      first_ = point;
    }
    if (point >= first_ + std::ssize(weights_))
      weights_.resize(static_cast<std::size_t>(point - first_ + 1));
    return weights_[static_cast<std::size_t>(point - first_)];
  }
  long first_ = 0;
  std::vector<Complex> weights_;
};

/// Sums over the sectors for one random vector of each, relative to exp(-beta reference).
struct Sample {
  double partition = 0, energy = 0;
  struct Pair {
    Histogram lines;
    /// From the lines, and as expectation values.
    Complex total = 0, first_moment = 0, reversed = 0;
    Complex mean_total = 0, mean_first_moment = 0, mean_reversed = 0;
  };
  std::vector<Pair> pairs;

  void scale(double factor) {
    partition *= factor;
    energy *= factor;
    for (auto& pair : pairs) {
      pair.lines.scale(factor);
      for (Complex* sum : {&pair.total, &pair.first_moment, &pair.reversed, &pair.mean_total,
                           &pair.mean_first_moment, &pair.mean_reversed})
        *sum *= factor;
    }
  }
};

/// One random vector and its Krylov space.
template <Scalar T>
struct Krylov {
  std::span<const T> random;       ///< |r>, normalised
  const DistributedVectors<T>& v;  ///< its Lanczos vectors
  dense::TridiagonalEigen ritz;
  std::vector<double> weights;  ///< states * exp(-beta e_j) <r|psi_j>
};

template <Scalar T>
class Sampling {
 public:
  Sampling(const ThermalTrace& trace, index_t steps)
      : trace_(trace), comm_(trace.comm), steps_(steps), samples_(samples()) {
    for (auto& sample : samples_) sample.pairs.resize(trace.pairs.size());
    for (const auto& pair : trace.pairs) is_number_.push_back(is_number(pair.b));
    result_.correlations.resize(trace.pairs.size());
    const auto& largest = at(trace.sectors.back().sector);
    const auto bounds = spectral_bounds(*largest.map, {.seed = trace.options.seed});
    // A sector may have one level alone, whose lines at 0 are apart by rounding.
    constexpr double points = 4000, least = 1e-3;
    const double scale = std::max(std::abs(bounds.lower), std::abs(bounds.upper));
    grid_ = std::max(bounds.upper - bounds.lower, scale > 0 ? least * scale : 1) / points;
  }

  DynamicalCorrelations run() {
    const auto sectors = trace_.sectors.size();
    for (std::size_t s = 0; s < sectors; ++s) {
      for (std::size_t r = 0; r < samples_.size(); ++r) {
        if (trace_.options.progress && comm_.is_root())
          trace_.options.progress("random vector", static_cast<index_t>(s * samples_.size() + r),
                                  static_cast<index_t>(sectors * samples_.size()));
        add_sector(r, s, narrow<std::uint32_t>(static_cast<index_t>(r * sectors + s), "vectors"));
      }
      // What other sectors need is made again: that takes less than one random vector, and all
      // sectors together may not fit.
      ways_.clear();
      places_.clear();
    }
    return averaged();
  }

 private:
  /// A sector and the Hamiltonian in it.
  struct Place {
    std::shared_ptr<const Basis> basis;
    std::unique_ptr<LinearMap<T>> map;
  };

  /// A part of B with the sector it leads to, and the part of A that leads back.
  struct Way {
    const Place* target;
    SectorTransfer<T> a, b;
  };
  struct Ways {
    std::vector<Way> there, reversed;
  };

  /// Of a pair from a sector, found once.
  const Ways& ways_of(std::size_t p, std::size_t s) {
    const auto [place, fresh] = ways_.try_emplace({p, s});
    if (!fresh) return place->second;
    const auto& pair = trace_.pairs[p];
    place->second.there = ways(pair, trace_.sectors[s].sector);
    if (trace_.closed[p]) place->second.reversed = ways({pair.b, pair.a}, trace_.sectors[s].sector);
    return place->second;
  }
  std::vector<Way> ways(const OperatorPair& pair, const Sector& from) {
    std::vector<Way> result;
    for (const auto& by : transitions(pair, from)) {
      const Sector to = parse_sector(trace_.h.spaces(), trace_.lattice, by.to);
      if (!has_states(to)) continue;
      const Place &here = at(from), &there = at(to);
      result.push_back({&there,
                        {comm_, by.a_adjoint.adjoint(), *there.basis, *here.basis},
                        {comm_, by.b, *here.basis, *there.basis}});
    }
    return result;
  }

  /// A multiple of the identity, which excites nothing: the correlation is <AB> at w = 0.
  static bool is_number(const OpSum& op) {
    return std::all_of(op.terms().begin(), op.terms().end(),
                       [](const OpTerm& term) { return term.factors.empty(); });
  }

  std::size_t samples() const { return static_cast<std::size_t>(trace_.options.samples); }

  const Place& at(const Sector& sector) {
    auto& place = places_[sector.conditions];
    if (!place.map) {
      const SectorOperator op = in_sector(comm_, trace_.h, sector);
      place = {op.basis, make_operator_map<T>(comm_, op, trace_.options.form)};
    }
    return place;
  }

  void add_sector(std::size_t r, std::size_t s, std::uint32_t stream) {
    const Place& here = at(trace_.sectors[s].sector);
    Buffer<T> random(here.map->row_range().size());
    fill_normal(random.span(), here.map->row_range(), trace_.options.seed, stream);
    vec::scale<T>(1 / vec::norm<T>(comm_, random.span()), random.span());
    LanczosProcess<T> lanczos(*here.map, std::as_const(random).span(), KrylovVectors::keep);
    while (!lanczos.exhausted() && static_cast<index_t>(lanczos.steps()) < steps_) lanczos.step();
    Krylov<T> krylov{std::as_const(random).span(),
                     lanczos.kept(),
                     dense::tridiagonal_eigh(lanczos.alpha(), lanczos.beta()),
                     {}};
    lower_reference(krylov.ritz.values.front());
    const auto states = static_cast<double>(here.basis->size());
    for (std::size_t j = 0; j < krylov.ritz.values.size(); ++j) {
      const double first = krylov.ritz.component(0, j), energy = krylov.ritz.values[j];
      krylov.weights.push_back(states * boltzmann(energy) * first);
      samples_[r].partition += krylov.weights.back() * first;
      samples_[r].energy += krylov.weights.back() * first * energy;
    }
    for (std::size_t p = 0; p < trace_.pairs.size(); ++p) {
      if (trace_.partners[p] != p) continue;
      auto& sums = samples_[r].pairs[p];
      const auto& ways = ways_of(p, s);
      for (const auto& way : ways.there) add_lines(p, sums, here, krylov, way);
      for (const auto& way : ways.reversed) {
        const auto b = way.b(krylov.random);
        sums.mean_reversed += mean(krylov, way.a(column(b)));
      }
    }
  }

  double boltzmann(double energy) const { return std::exp(-trace_.beta() * (energy - reference_)); }
  /// Weights are relative to the lowest energy seen, so that none overflows.
  void lower_reference(double energy) {
    if (!(energy < reference_)) return;
    if (std::isfinite(reference_)) {
      const double factor = std::exp(-trace_.beta() * (reference_ - energy));
      for (auto& sample : samples_) sample.scale(factor);
    }
    reference_ = energy;
  }

  static std::span<const T> column(const DistributedVectors<T>& x) { return x.column(0); }

  /// <r|exp(-beta H)|x> in the Krylov space.
  Complex mean(const Krylov<T>& krylov, const DistributedVectors<T>& x) const {
    const auto in_v = vec::inner<T>(comm_, krylov.v, column(x));
    Complex sum = 0;
    for (std::size_t j = 0; j < krylov.weights.size(); ++j)
      for (std::size_t i = 0; i < in_v.size(); ++i)
        sum += krylov.weights[j] * krylov.ritz.component(i, j) * Complex(in_v[i]);
    return sum;
  }

  void add_lines(std::size_t p, typename Sample::Pair& sums, const Place& here,
                 const Krylov<T>& krylov, const Way& way) {
    auto& found = result_.correlations[p];
    found.dimension = std::max(found.dimension, way.target->basis->size());
    const index_t before = way.target->map->products();
    const auto excited = way.b(krylov.random);
    const Complex total = mean(krylov, way.a(column(excited)));
    sums.mean_total += total;
    if (is_number_[p]) {
      sums.lines.add(0, total);
      sums.total += total;
      sums.reversed += total;
      return;
    }
    add_mean_first_moment(sums, here, krylov, way, excited);

    LanczosProcess<T> lanczos(*way.target->map, column(excited));
    if (lanczos.exhausted()) return;
    std::vector<std::vector<T>> elements;  // <v_i|A|w_k>, by k
    while (!lanczos.exhausted() && static_cast<index_t>(lanczos.steps()) < steps_) {
      const auto back = way.a(lanczos.vector());
      elements.push_back(vec::inner<T>(comm_, krylov.v, column(back)));
      lanczos.step();
    }
    const auto ritz = dense::tridiagonal_eigh(lanczos.alpha(), lanczos.beta());
    add_between(sums, krylov, ritz, lanczos.start_norm(), elements);
    found.products += way.target->map->products() - before;
  }

  /// <r|exp(-beta H) A [H, B]|r>.
  void add_mean_first_moment(typename Sample::Pair& sums, const Place& here,
                             const Krylov<T>& krylov, const Way& way,
                             const DistributedVectors<T>& excited) {
    DistributedVectors<T> moved(excited.partition(), comm_.rank(), 1);
    way.target->map->apply(column(excited), moved.column(0));
    Buffer<T> product(here.map->row_range().size());
    here.map->apply(krylov.random, product.span());
    const auto other = way.b(std::as_const(product).span());
    vec::axpy<T>(-1, column(other), moved.column(0));
    sums.mean_first_moment += mean(krylov, way.a(column(moved)));
  }

  /// Lines between the levels of the two Krylov spaces.
  void add_between(typename Sample::Pair& sums, const Krylov<T>& krylov,
                   const dense::TridiagonalEigen& ritz, double norm,
                   const std::vector<std::vector<T>>& elements) {
    const std::size_t m = krylov.ritz.values.size(), n = ritz.values.size();
    std::vector<Complex> half(m * n);  // <psi_j|A|w_k>
    for (std::size_t k = 0; k < n; ++k)
      for (std::size_t j = 0; j < m; ++j) {
        T sum = 0;
        for (std::size_t i = 0; i < m; ++i) sum += krylov.ritz.component(i, j) * elements[k][i];
        half[j * n + k] = sum;
      }
    for (std::size_t j = 0; j < m; ++j)
      for (std::size_t l = 0; l < n; ++l) {
        Complex element = 0;
        for (std::size_t k = 0; k < n; ++k) element += half[j * n + k] * ritz.component(k, l);
        element *= norm * ritz.component(0, l);
        const double w = ritz.values[l] - krylov.ritz.values[j];
        const Complex weight = krylov.weights[j] * element;
        sums.lines.add(w / grid_, weight);
        sums.total += weight;
        sums.first_moment += w * weight;
        // exp(-beta w) of a line puts the Boltzmann factor of the other level on it.
        const double first = krylov.ritz.component(0, j);
        sums.reversed += states_of(krylov) * first * boltzmann(ritz.values[l]) * element;
      }
  }

  static double states_of(const Krylov<T>& krylov) {
    return static_cast<double>(krylov.v.partition().rows());
  }

  // ---- averages and their errors by leaving out one sample at a time

  /// Sum over samples but one, divided by that of the partition function; `out` = samples: all.
  template <class F>
  Complex average(std::size_t out, F&& of) const {
    Complex sum = 0;
    double partition = 0;
    for (std::size_t r = 0; r < samples_.size(); ++r) {
      if (r == out) continue;
      sum += of(samples_[r]);
      partition += samples_[r].partition;
    }
    return sum / partition;
  }
  /// Of the real and imaginary part together.
  template <class F>
  double deviation(F&& of) const {
    const std::size_t n = samples_.size();
    std::vector<Complex> parts;
    Complex mean = 0;
    for (std::size_t r = 0; r < n; ++r) {
      parts.push_back(average(r, of));
      mean += parts.back() / static_cast<double>(n);
    }
    double square = 0;
    for (const Complex part : parts) square += std::norm(part - mean);
    return std::sqrt(square * static_cast<double>(n - 1) / static_cast<double>(n));
  }

  DynamicalCorrelations averaged() {
    const std::size_t all = samples_.size();
    const auto energy = [](const Sample& s) { return Complex(s.energy); };
    result_.energy = {average(all, energy).real(), deviation(energy)};
    result_.samples = std::ssize(samples_);
    for (std::size_t p = 0; p < trace_.pairs.size(); ++p) {
      if (trace_.partners[p] != p) continue;
      auto& found = result_.correlations[p];
      const auto of = [p](Complex Sample::Pair::*sum) {
        return [p, sum](const Sample& s) { return s.pairs[p].*sum; };
      };
      const auto difference = [p](Complex Sample::Pair::*x, Complex Sample::Pair::*y) {
        return [p, x, y](const Sample& s) { return s.pairs[p].*x - s.pairs[p].*y; };
      };
      using Pair = typename Sample::Pair;
      found.total = average(all, of(&Pair::mean_total));
      found.first_moment = average(all, of(&Pair::mean_first_moment));
      found.reversed = average(all, of(&Pair::mean_reversed));
      const auto first = difference(&Pair::first_moment, &Pair::mean_first_moment),
                 reversed = difference(&Pair::reversed, &Pair::mean_reversed);
      found.total_error = std::abs(average(all, difference(&Pair::total, &Pair::mean_total)));
      found.first_moment_error = std::abs(average(all, first));
      found.reversed_error = std::abs(average(all, reversed));
      found.total_deviation = deviation(of(&Pair::mean_total));
      found.first_moment_deviation = deviation(first);
      found.reversed_deviation = deviation(reversed);
      set_grid(found, p);
    }
    trace_.finish(result_);
    return std::move(result_);
  }

  void set_grid(DynamicalCorrelation& found, std::size_t p) const {
    long begin = std::numeric_limits<long>::max(), end = std::numeric_limits<long>::min();
    for (const auto& sample : samples_) {
      const auto& lines = sample.pairs[p].lines;
      if (lines.weights().empty()) continue;
      begin = std::min(begin, lines.first());
      end = std::max(end, lines.first() + static_cast<long>(lines.weights().size()));
    }
    found.leaving_out.resize(samples_.size());
    for (long point = begin; point < end; ++point) {
      const auto of = [&](const Sample& s) { return s.pairs[p].lines.value(point); };
      const Complex weight = average(samples_.size(), of);
      if (weight == 0.0) continue;
      found.energies.push_back(grid_ * static_cast<double>(point));
      found.weights.push_back(weight);
      for (std::size_t r = 0; r < samples_.size(); ++r)
        found.leaving_out[r].push_back(average(r, of));
    }
  }

  const ThermalTrace& trace_;
  const Comm& comm_;
  index_t steps_;
  double grid_ = 0;  ///< energy between two points
  double reference_ = std::numeric_limits<double>::infinity();
  std::vector<Sample> samples_;
  std::vector<bool> is_number_;  ///< of each pair: B is
  std::map<Conditions, Place> places_;
  std::map<std::pair<std::size_t, std::size_t>, Ways> ways_;  ///< by pair and sector
  DynamicalCorrelations result_;
};

/// Everything is real, in every sector.
bool is_real(const ThermalTrace& trace) {
  return trace.h.is_real() &&
         std::all_of(trace.pairs.begin(), trace.pairs.end(),
                     [](const OperatorPair& p) { return p.a.is_real() && p.b.is_real(); }) &&
         std::all_of(trace.sectors.begin(), trace.sectors.end(),
                     [](const ScannedSector& s) { return s.sector.generators.empty(); });
}

void require_memory(const ThermalTrace& trace, index_t steps, std::size_t scalar) {
  const auto rows = static_cast<double>(trace.sectors.back().dimension) / trace.comm.size();
  const double needed = rows * static_cast<double>(scalar) *
                        (static_cast<double>(std::min(steps, trace.sectors.back().dimension)) + 8);
  const auto available = static_cast<double>(available_memory());
  if (!trace.comm.all(needed < available))
    throw InvalidArgument(concat("dynamical correlations: ", steps, " Lanczos vectors of ",
                                 detail::counted(trace.sectors.back().dimension, "state"), " need ",
                                 format_bytes(needed), ", more than the ", format_bytes(available),
                                 " there are; take fewer steps or more ranks"));
}

}  // namespace

DynamicalCorrelations sampled_correlations(const ThermalTrace& trace) {
  const index_t steps = trace.options.steps > 0 ? trace.options.steps : default_thermal_steps;
  const bool real = is_real(trace);
  const dense::BlasThreads one(1);  // blocks of rows go to our own threads
  require_memory(trace, steps, real ? sizeof(double) : sizeof(Complex));
  return visit_scalar(real ? ScalarKind::real : ScalarKind::complex,
                      [&]<Scalar T>() { return Sampling<T>(trace, steps).run(); });
}

}  // namespace kronsolve::detail
