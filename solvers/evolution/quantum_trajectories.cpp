#include <algorithm>
#include <cmath>
#include <limits>

#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/random.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/open_system.hpp>
#include <kronsolve/solvers/operator_map.hpp>

#include "solvers/evolution/propagator.hpp"

namespace kronsolve {

namespace {

using Complex = std::complex<double>;
using Map = LinearMap<Complex>;

/// How near the norm at a jump is to the number that was drawn.
constexpr double jump_tolerance = 1e-8;

void check(const OpenSystem& system, const EvolutionOptions& options) {
  system.require_valid("quantum trajectories");
  if (!(options.tol > 0 && options.tol < 1))
    throw InvalidArgument(
        detail::concat("quantum trajectories: tol must be in (0, 1), got ", options.tol));
  if (options.axis == TimeAxis::imaginary)
    throw InvalidArgument("quantum trajectories: real time only");
  if (!std::isfinite(options.start) || options.max_products < 1 || !(options.max_step >= 0))
    throw InvalidArgument(
        "quantum trajectories: start must be finite, max_products positive, max_step not negative");
}

double largest(const Map& map) {
  const auto bounds = spectral_bounds(map);
  return std::max(std::abs(bounds.lower), std::abs(bounds.upper));
}

}  // namespace

struct QuantumTrajectories::Impl {
  Comm comm = Comm::serial();
  EvolutionOptions options;
  std::uint64_t seed;
  std::unique_ptr<Map> effective, damping;
  std::vector<std::unique_ptr<Map>> jumps;
  double width = 0;
  std::unique_ptr<evolution::Propagator<Complex>> propagator;
  DistributedVectors<Complex> psi, before, image;

  // of the trajectory under way
  Course course;
  double end = 0;
  std::uint64_t drawn = 0;

  Impl(const OpenSystem& system, const EvolutionOptions& asked, std::uint64_t seed_)
      : options(asked), seed(seed_) {
    check(system, options);
    const auto& basis = system.h.basis;
    constexpr double vectors = 3 + 13;
    require_memory(comm, static_cast<index_t>(vectors * 16 * double(basis->size())),
                   "quantum trajectories");
    const auto make = [&](const OpSum& op) {
      return make_operator_map<Complex>(comm, SectorOperator{op, basis});
    };
    for (const auto& jump : system.jumps) jumps.push_back(make(jump));
    damping = make(system.damping());
    width = largest(*make(system.h.op)) + largest(*damping) / 2;
    effective = make(system.effective());
    const RowPartition rows(basis->size(), 1);
    for (auto* vector : {&psi, &before, &image}) *vector = DistributedVectors<Complex>(rows, 0, 1);
  }

  double next_uniform(const CounterRandom& random) { return random.uniform(drawn++); }

  double log_norm() const { return 2 * std::log(vec::norm(comm, psi)); }

  /// Jumps a unit of time of what is now in psi, whatever its norm.
  double rate() {
    damping->apply(psi.column(0), image.column(0));
    const double size = vec::norm_squared<Complex>(comm, psi.column(0));
    return vec::dot<Complex>(comm, psi.column(0), image.column(0)).real() / size;
  }

  evolution::Advance advance(double from, double to) {
    const double share = (to - from) / (end - options.start);
    return propagator->advance(psi, from, to, options.tol * share);
  }
  /// A part of the way that is not tried again.
  void take(const evolution::Advance& done) {
    course.error += done.error;
    course.steps += done.steps;
  }

  /// The time in (from, to] at which log |psi|^2 falls to `threshold`, and psi there; `before` is psi
  /// at `from`. False position, with the end that stays halved (Illinois): each try begins at the
  /// latest time before the jump that is known.
  double find_jump(double from, double to, double above, double below) {
    while (true) {
      const double span = to - from;
      const double part = std::clamp(above / (above - below), 1e-3, 1 - 1e-3);
      const double t = from + part * span;
      vec::copy(before, psi);
      if (t <= from || t >= to) return from;
      const auto done = advance(from, t);
      const double here = log_norm() - threshold;
      if (here > 0 || std::abs(here) <= jump_tolerance) take(done);
      if (std::abs(here) <= jump_tolerance) return t;
      if (here > 0) {
        from = t;
        vec::copy(psi, before);
        above = here;
        below /= 2;
      } else {
        to = t;
        below = here;
        above /= 2;
      }
    }
  }
  double threshold = 0;

  void jump(const CounterRandom& random) {
    std::vector<double> weights;
    double sum = 0;
    for (const auto& one : jumps) {
      one->apply(psi.column(0), image.column(0));
      sum += vec::norm_squared<Complex>(comm, image.column(0));
      weights.push_back(sum);
    }
    const double drawn_weight = next_uniform(random) * sum;
    const auto at = std::upper_bound(weights.begin(), weights.end(), drawn_weight);
    const auto chosen = std::min<std::ptrdiff_t>(at - weights.begin(), std::ssize(weights) - 1);
    jumps[static_cast<std::size_t>(chosen)]->apply(psi.column(0), image.column(0));
    std::swap(psi, image);
    vec::scale(1 / vec::norm(comm, psi), psi);
    ++course.jumps;
    threshold = std::log(next_uniform(random));
  }

  void move(const CounterRandom& random, double from, double to) {
    while (from < to) {
      const double expected = rate();
      const double until = expected > 0 ? std::min(to, from + 1 / expected) : to;
      if (until <= from) return;
      const double above = log_norm() - threshold;
      vec::copy(psi, before);
      const auto done = advance(from, until);
      const double below = log_norm() - threshold;
      if (below > 0) {
        take(done);
        from = until;
        continue;
      }
      from = find_jump(from, until, above, below);
      jump(random);
    }
  }
};

QuantumTrajectories::QuantumTrajectories(const OpenSystem& system, const EvolutionOptions& options,
                                         std::uint64_t seed)
    : impl_(std::make_unique<Impl>(system, options, seed)) {}
QuantumTrajectories::QuantumTrajectories(QuantumTrajectories&&) noexcept = default;
QuantumTrajectories& QuantumTrajectories::operator=(QuantumTrajectories&&) noexcept = default;
QuantumTrajectories::~QuantumTrajectories() = default;

QuantumTrajectories::Course QuantumTrajectories::run(
    index_t number, std::span<const Complex> psi, std::span<const double> times,
    const std::function<void(std::size_t, std::span<const Complex>)>& observer) {
  auto& t = *impl_;
  if (std::ssize(psi) != t.effective->rows())
    throw DimensionError(detail::concat("quantum trajectories: the state has ", psi.size(),
                                        " entries, the basis ", t.effective->rows()));
  double time = t.options.start;
  for (const double next : times) {
    if (!(next >= time) || !std::isfinite(next))
      throw InvalidArgument(detail::concat(
          "quantum trajectories: times must ascend from the start; ", next, " follows ", time));
    time = next;
  }
  vec::copy<Complex>(psi, t.psi.column(0));
  const double norm = vec::norm(t.comm, t.psi);
  if (!(norm > 0) || !std::isfinite(norm))
    throw InvalidArgument("quantum trajectories: the state is zero or not finite");
  vec::scale(1 / norm, t.psi);
  t.propagator = evolution::make_runge_kutta<Complex>(
      t.comm, [&t](double) -> const Map& { return *t.effective; }, {t.options.max_step, {}},
      TimeAxis::real, t.width, t.options.max_products);
  const CounterRandom random(t.seed, static_cast<std::uint32_t>(number));
  t.course = {};
  t.end = time;
  t.drawn = 0;
  t.threshold = std::log(t.next_uniform(random));
  time = t.options.start;
  for (std::size_t i = 0; i < times.size(); ++i) {
    t.move(random, time, times[i]);
    time = times[i];
    vec::copy(t.psi, t.before);
    vec::scale(1 / vec::norm(t.comm, t.before), t.before);
    observer(i, t.before.column(0));
  }
  return t.course;
}

index_t QuantumTrajectories::products() const noexcept { return impl_->effective->products(); }
void QuantumTrajectories::on_product(std::function<void()> callback) {
  impl_->effective->on_product(std::move(callback));
}

}  // namespace kronsolve
