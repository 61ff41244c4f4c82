#include <algorithm>
#include <cmath>
#include <numeric>

#include <kronsolve/core/random.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/stochastic.hpp>

#include "solvers/dense/tridiagonal.hpp"
#include "solvers/functions/chebyshev.hpp"
#include "solvers/functions/lanczos_process.hpp"
#include "solvers/spectra/jackknife.hpp"

namespace kronsolve {

namespace {

using Sample = ThermalSamples::Sample;

/// Mean of sum_r w_r x_r / sum_r w_r and its error by leaving out one sample at a time.
template <class F>
Estimate jackknife(std::size_t samples, F&& leaving_out) {
  std::vector<double> parts;
  for (std::size_t r = 0; r < samples; ++r) parts.push_back(leaving_out(r));
  return {leaving_out(samples), detail::jackknife_error(parts)};
}

/// Sums over samples but one (`out` = number of samples: over all), weights relative to
/// exp(reference).
struct Sums {
  double weight = 0, energy = 0, energy_squared = 0;
  double count = 0;
};

Sums sums(const std::vector<Sample>& samples, double reference, std::size_t out) {
  Sums s;
  for (std::size_t r = 0; r < samples.size(); ++r) {
    if (r == out) continue;
    const double w = std::exp(samples[r].log_norm - reference);
    s.weight += w;
    s.energy += w * samples[r].energy;
    s.energy_squared += w * samples[r].energy_squared;
    s.count += 1;
  }
  return s;
}

/// @param samples  log_norm of which is that of all states, not of one
ThermalPoint combine(double beta, const std::vector<Sample>& samples) {
  ThermalPoint point{.beta = beta};
  double reference = samples[0].log_norm;
  for (const auto& s : samples) reference = std::max(reference, s.log_norm);
  const std::size_t n = samples.size();
  const auto log_z = [&](std::size_t out) {
    const auto s = sums(samples, reference, out);
    return reference + std::log(s.weight / s.count);
  };
  const auto energy = [&](std::size_t out) {
    const auto s = sums(samples, reference, out);
    return s.energy / s.weight;
  };
  point.log_partition = jackknife(n, log_z);
  point.energy = jackknife(n, energy);
  point.heat_capacity = jackknife(n, [&](std::size_t out) {
    const auto s = sums(samples, reference, out);
    const double mean = s.energy / s.weight;
    return beta * beta * (s.energy_squared / s.weight - mean * mean);
  });
  point.entropy = jackknife(n, [&](std::size_t out) { return beta * energy(out) + log_z(out); });
  for (std::size_t i = 0; i < samples[0].observables.size(); ++i)
    point.observables.push_back(jackknife(n, [&](std::size_t out) {
      double weight = 0, sum = 0;
      for (std::size_t r = 0; r < n; ++r) {
        if (r == out) continue;
        const double w = std::exp(samples[r].log_norm - reference);
        weight += w;
        sum += w * samples[r].observables[i];
      }
      return sum / weight;
    }));
  return point;
}

/// log of the weight of all states that sample r of a sector stands for.
double log_weight(const ThermalSamples& sector, std::size_t beta, std::size_t r) {
  return sector.samples[beta][r].log_norm + std::log(sector.states);
}

/// Sample r of every sector as one.
Sample joined(std::span<const ThermalSamples> sectors, std::size_t beta, std::size_t r) {
  double reference = log_weight(sectors[0], beta, r), all = 0;
  for (const auto& sector : sectors) reference = std::max(reference, log_weight(sector, beta, r));
  Sample sum;
  sum.observables.resize(sectors[0].samples[beta][r].observables.size());
  for (const auto& sector : sectors) {
    const Sample& sample = sector.samples[beta][r];
    const double weight = std::exp(log_weight(sector, beta, r) - reference);
    all += weight;
    sum.energy += weight * sample.energy;
    sum.energy_squared += weight * sample.energy_squared;
    for (std::size_t i = 0; i < sum.observables.size(); ++i)
      sum.observables[i] += weight * sample.observables[i];
  }
  sum.log_norm = reference + std::log(all);
  sum.energy /= all;
  sum.energy_squared /= all;
  for (double& value : sum.observables) value /= all;
  return sum;
}

std::vector<Sample> joined(std::span<const ThermalSamples> sectors, std::size_t beta) {
  std::vector<Sample> samples;
  for (std::size_t r = 0; r < sectors[0].samples[beta].size(); ++r)
    samples.push_back(joined(sectors, beta, r));
  return samples;
}

template <Scalar T>
void check(const LinearMap<T>& h, std::span<const double> betas,
           std::span<const LinearMap<T>* const> observables, const ThermalOptions& o) {
  vec::require_square("thermal_averages", h);
  for (const double beta : betas)
    if (!(beta >= 0) || !std::isfinite(beta))
      throw InvalidArgument(
          detail::concat("thermal_averages: beta must be finite and at least 0, got ", beta));
  if (o.samples < 2 || !(o.tol > 0 && o.tol < 1) || o.steps < 1)
    throw InvalidArgument(detail::concat(
        "thermal_averages: at least 2 samples (errors need them), tol in (0, 1) and at least 1 "
        "step, got ",
        o.samples, ", ", o.tol, " and ", o.steps));
  for (const auto* a : observables)
    if (a == nullptr || a->row_partition() != h.row_partition() ||
        a->col_partition() != h.row_partition())
      throw DimensionError(
          "thermal_averages: observables must have the rows of the Hamiltonian, dealt out alike");
}

/// Real Hermitian maps cannot be told from others by one run; complex ones show it in <v|H v>.
void require_hermitian_steps(double imaginary, const std::vector<double>& alpha) {
  double size = 0;
  for (const double a : alpha) size = std::max(size, std::abs(a));
  if (imaginary > 1e-8 * std::max(size, 1e-300))
    throw InvalidArgument("thermal_averages: the operator is not Hermitian");
}

using Samples = std::vector<std::vector<Sample>>;  // as in ThermalSamples

std::uint32_t stream(const ThermalOptions& o, index_t r) {
  return narrow<std::uint32_t>(o.first_stream + r, "random vectors");
}

template <Scalar T>
void append(std::vector<double>& observables, const StateNumbers<T>& measure,
            std::span<const T> state) {
  if (!measure) return;
  const auto numbers = measure(state);
  observables.insert(observables.end(), numbers.begin(), numbers.end());
}

template <Scalar T>
Samples typical_samples(const LinearMap<T>& h, std::span<const double> betas,
                        std::span<const LinearMap<T>* const> observables, const ThermalOptions& o,
                        const StateNumbers<T>& measure) {
  const Comm& comm = h.comm();
  std::vector<std::size_t> order(betas.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t x, std::size_t y) { return betas[x] < betas[y]; });
  auto bounds = o.bounds ? *o.bounds : spectral_bounds(h, {.seed = o.seed});
  Samples samples(betas.size());
  Buffer<T> state(h.row_range().size()), product(h.row_range().size());
  for (index_t r = 0; r < o.samples; ++r) {
    fill_normal(state.span(), h.row_range(), o.seed, stream(o, r));
    vec::scale<T>(1 / vec::norm<T>(comm, state.span()), state.span());
    double beta = 0, log_norm = 0;
    for (const std::size_t i : order) {
      if (betas[i] > beta) {
        const auto e =
            exponentiate<T>(h, -(betas[i] - beta) / 2, state.span(), bounds, o.tol, 10'000'000);
        bounds = e.bounds;
        const double norm = vec::norm<T>(comm, state.span());
        vec::scale<T>(1 / norm, state.span());
        log_norm += 2 * (e.log_scale + std::log(norm));
        beta = betas[i];
      }
      Sample s{.log_norm = log_norm};
      h.apply(state.span(), product.span());
      s.energy = real_part(vec::dot<T>(comm, state.span(), product.span()));
      s.energy_squared = vec::norm_squared<T>(comm, product.span());
      for (const auto* a : observables) {
        a->apply(state.span(), product.span());
        s.observables.push_back(real_part(vec::dot<T>(comm, state.span(), product.span())));
      }
      append(s.observables, measure, std::as_const(state).span());
      samples[i].push_back(std::move(s));
    }
  }
  return samples;
}

/// exp(-beta H/2)|r> at each beta, out of the Krylov space of |r>, whose vectors come again by the
/// same steps.
template <Scalar T>
void lanczos_states(const LinearMap<T>& h, std::span<const double> betas,
                    const dense::TridiagonalEigen& ritz, std::span<const T> random,
                    const StateNumbers<T>& measure, std::span<std::vector<Sample>> samples) {
  DistributedVectors<T> states(h.row_partition(), h.comm().rank(), std::ssize(betas));
  LanczosProcess<T> lanczos(h, random);
  const std::size_t m = ritz.values.size();
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t b = 0; b < betas.size(); ++b) {
      double component = 0;
      for (std::size_t j = 0; j < m; ++j)
        component += std::exp(-betas[b] * (ritz.values[j] - ritz.values[0]) / 2) *
                     ritz.component(0, j) * ritz.component(i, j);
      vec::axpy<T>(component, lanczos.vector(), states.column(static_cast<index_t>(b)));
    }
    if (i + 1 < m) lanczos.step();
  }
  for (std::size_t b = 0; b < betas.size(); ++b) {
    const auto state = states.column(static_cast<index_t>(b));
    vec::scale<T>(1 / vec::norm<T>(h.comm(), state), state);
    append(samples[b].back().observables, measure, std::span<const T>(state));
  }
}

/// One Lanczos run from |r>: with H psi_j = e_j psi_j in its Krylov space, <r|f(H) A|r> is
/// sum_j f(e_j) <r|psi_j><psi_j|A r>.
template <Scalar T>
void lanczos_sample(const LinearMap<T>& h, std::span<const double> betas,
                    std::span<const LinearMap<T>* const> observables, const ThermalOptions& o,
                    std::span<T> random, const StateNumbers<T>& measure, Samples& samples) {
  const Comm& comm = h.comm();
  std::vector<Buffer<T>> applied;  // A|r>
  for (const auto* a : observables) {
    applied.emplace_back(h.row_range().size());
    a->apply(random, applied.back().span());
  }
  LanczosProcess<T> lanczos(h, std::span<const T>(random));
  std::vector<std::vector<double>> overlaps(observables.size());  // Re <v_i|A r>
  while (!lanczos.exhausted() && static_cast<index_t>(lanczos.steps()) < o.steps) {
    for (std::size_t a = 0; a < applied.size(); ++a)
      overlaps[a].push_back(
          real_part(vec::dot<T>(comm, lanczos.vector(), std::as_const(applied[a]).span())));
    lanczos.step();
  }
  require_hermitian_steps(lanczos.imaginary(), lanczos.alpha());
  const auto ritz = dense::tridiagonal_eigh(lanczos.alpha(), lanczos.beta());
  const std::size_t m = ritz.values.size();
  for (std::size_t b = 0; b < betas.size(); ++b) {
    Sample s{.observables = std::vector<double>(observables.size())};
    double weight = 0;
    for (std::size_t j = 0; j < m; ++j) {
      const double first = ritz.component(0, j), energy = ritz.values[j];
      const double boltzmann = std::exp(-betas[b] * (energy - ritz.values[0]));
      weight += boltzmann * first * first;
      s.energy += boltzmann * first * first * energy;
      s.energy_squared += boltzmann * first * first * energy * energy;
      for (std::size_t a = 0; a < overlaps.size(); ++a) {
        double overlap = 0;
        for (std::size_t i = 0; i < m; ++i) overlap += ritz.component(i, j) * overlaps[a][i];
        s.observables[a] += boltzmann * first * overlap;
      }
    }
    s.energy /= weight;
    s.energy_squared /= weight;
    for (double& value : s.observables) value /= weight;
    s.log_norm = std::log(weight) - betas[b] * ritz.values[0];
    samples[b].push_back(std::move(s));
  }
  constexpr std::size_t at_once = 16;
  for (std::size_t b = 0; measure && b < betas.size(); b += at_once) {
    const std::size_t count = std::min(at_once, betas.size() - b);
    lanczos_states<T>(h, betas.subspan(b, count), ritz, random, measure,
                      std::span(samples).subspan(b, count));
  }
}

template <Scalar T>
Samples lanczos_samples(const LinearMap<T>& h, std::span<const double> betas,
                        std::span<const LinearMap<T>* const> observables, const ThermalOptions& o,
                        const StateNumbers<T>& measure) {
  Samples samples(betas.size());
  Buffer<T> random(h.row_range().size());
  for (index_t r = 0; r < o.samples; ++r) {
    fill_normal(random.span(), h.row_range(), o.seed, stream(o, r));
    vec::scale<T>(1 / vec::norm<T>(h.comm(), random.span()), random.span());
    lanczos_sample<T>(h, betas, observables, o, random.span(), measure, samples);
  }
  return samples;
}

}  // namespace

template <Scalar T>
ThermalSamples thermal_samples(const LinearMap<T>& h, std::span<const double> betas,
                               std::span<const LinearMap<T>* const> observables,
                               const ThermalOptions& o,
                               const std::type_identity_t<StateNumbers<T>>& measure) {
  check(h, betas, observables, o);
  return {{betas.begin(), betas.end()},
          static_cast<double>(h.rows()),
          o.method == ThermalMethod::ftlm ? lanczos_samples<T>(h, betas, observables, o, measure)
                                          : typical_samples<T>(h, betas, observables, o, measure)};
}

std::vector<ThermalPoint> thermal_points(std::span<const ThermalSamples> sectors) {
  std::vector<ThermalPoint> points;
  const auto& betas = sectors.front().betas;
  for (std::size_t b = 0; b < betas.size(); ++b)
    points.push_back(combine(betas[b], joined(sectors, b)));
  return points;
}

std::vector<std::vector<Estimate>> thermal_weights(std::span<const ThermalSamples> sectors) {
  std::vector<std::vector<Estimate>> weights(sectors.size());
  for (std::size_t b = 0; b < sectors.front().betas.size(); ++b) {
    const auto all = joined(sectors, b);
    double reference = all[0].log_norm;
    for (const auto& sample : all) reference = std::max(reference, sample.log_norm);
    for (std::size_t s = 0; s < sectors.size(); ++s)
      weights[s].push_back(jackknife(all.size(), [&](std::size_t out) {
        double part = 0, whole = 0;
        for (std::size_t r = 0; r < all.size(); ++r) {
          if (r == out) continue;
          part += std::exp(log_weight(sectors[s], b, r) - reference);
          whole += std::exp(all[r].log_norm - reference);
        }
        return part / whole;
      }));
  }
  return weights;
}

template <Scalar T>
std::vector<ThermalPoint> thermal_averages(const LinearMap<T>& h, std::span<const double> betas,
                                           std::span<const LinearMap<T>* const> observables,
                                           const ThermalOptions& o,
                                           const std::type_identity_t<StateNumbers<T>>& measure) {
  const auto samples = thermal_samples<T>(h, betas, observables, o, measure);
  return thermal_points(std::span(&samples, 1));
}

#define KRONSOLVE_INSTANTIATE(T)                                                          \
  template ThermalSamples thermal_samples(                                                \
      const LinearMap<T>&, std::span<const double>, std::span<const LinearMap<T>* const>, \
      const ThermalOptions&, const std::type_identity_t<StateNumbers<T>>&);               \
  template std::vector<ThermalPoint> thermal_averages(                                    \
      const LinearMap<T>&, std::span<const double>, std::span<const LinearMap<T>* const>, \
      const ThermalOptions&, const std::type_identity_t<StateNumbers<T>>&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
