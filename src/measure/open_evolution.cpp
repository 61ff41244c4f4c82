#include <algorithm>
#include <cmath>

#include <kronsolve/measure/open_evolution.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/dense.hpp>
#include <kronsolve/solvers/density_evolution.hpp>
#include <kronsolve/solvers/operator_map.hpp>

#include "measure/value_numbers.hpp"

namespace kronsolve {

namespace {

using Complex = std::complex<double>;
using State = std::span<const Complex>;

/// A density matrix of so many states and what its steps need: a quarter of a GiB.
constexpr index_t small = 512;

void check(const OpenSystem& system, State psi, std::span<const double> times,
           const OpenEvolutionOptions& options) {
  system.require_valid("open evolution");
  if (std::ssize(psi) != system.h.dimension())
    throw DimensionError(detail::concat("open evolution: the state has ", psi.size(),
                                        " entries, the basis ", system.h.dimension()));
  if (!vec::all_finite(psi) || !(vec::local_norm_squared(psi) > 0))
    throw InvalidArgument("open evolution: the state is zero or not finite");
  double before = options.steps.start;
  for (const double time : times) {
    if (!(time >= before) || !std::isfinite(time))
      throw InvalidArgument(detail::concat("open evolution: times must ascend from the start; ",
                                           time, " follows ", before));
    before = time;
  }
  if (options.trajectories < 2)
    throw InvalidArgument(detail::concat(
        "open evolution: at least 2 trajectories (errors need them), got ", options.trajectories));
  for (const auto& observable : options.observe)
    if (!observable.is_expectation())
      throw InvalidArgument(detail::concat(
          "observable '", observable.text(),
          "' is no expectation value of an operator and has no mean over states here; take sz, "
          "corr, sq, bonds, s2, op:... or another one that is"));
}

/// What is looked at in a state: its energy and the observables, as a list of numbers.
class Meter {
 public:
  Meter(const OpenSystem& system, const std::vector<Observable>& observables)
      : system_(&system),
        observables_(&observables),
        product_(make_operator_map<Complex>(comm_, system.h)),
        image_(system.h.dimension()),
        shapes_(detail::shapes_of<Complex>(comm_, system.h.op, *system.h.basis, observables)) {}

  const std::vector<ObservableValue>& shapes() const noexcept { return shapes_; }
  std::size_t length() const { return 1 + detail::numbers_of(shapes_); }
  std::vector<double> numbers(State psi) {
    product_->apply(psi, image_.span());
    std::vector<double> all = {vec::dot<Complex>(comm_, psi, image_.span()).real()};
    if (observables_->empty()) return all;
    const StateView<Complex> view(comm_, *system_->h.basis, psi);
    const auto values = evaluate<Complex>(
        *observables_, view, {.hamiltonian = &system_->h.op, .product = product_.get()});
    const auto measured = detail::flat(shapes_, values);
    all.insert(all.end(), measured.begin(), measured.end());
    return all;
  }
  /// The mean over the eigenstates of a density matrix, over its trace.
  std::vector<double> numbers(const DenseMatrix<Complex>& rho, double trace) {
    constexpr double nothing = 1e-16;
    const auto eigen = eigh(rho);
    std::vector<double> sum(length(), 0.0);
    for (index_t j = 0; j < rho.cols(); ++j) {
      const double weight = eigen.values[static_cast<std::size_t>(j)] / trace;
      if (std::abs(weight) < nothing) continue;
      const auto of = numbers(State(eigen.vectors.column(j), static_cast<std::size_t>(rho.rows())));
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += weight * of[i];
    }
    return sum;
  }

 private:
  Comm comm_ = Comm::serial();
  const OpenSystem* system_;
  const std::vector<Observable>* observables_;
  std::unique_ptr<LinearMap<Complex>> product_;
  Buffer<Complex> image_;
  std::vector<ObservableValue> shapes_;
};

/// Puts the numbers of one time, with errors or without, behind those that are there.
void append(OpenEvolution& to, const std::vector<ObservableValue>& shapes,
            std::span<const double> numbers, std::span<const double> errors) {
  to.energies.push_back({numbers[0], errors.empty() ? 0 : errors[0]});
  const auto values = detail::shaped(shapes, numbers.subspan(1));
  for (std::size_t i = 0; i < values.size(); ++i) to.observables[i].values.push_back(values[i]);
  if (errors.empty()) return;
  const auto spreads = detail::shaped(shapes, errors.subspan(1));
  for (std::size_t i = 0; i < spreads.size(); ++i) to.observables[i].errors.push_back(spreads[i]);
}

// ---- the density matrix --------------------------------------------------------------------------

DenseMatrix<Complex> projector(State psi) {
  const auto n = std::ssize(psi);
  const double norm = vec::local_norm_squared(psi);
  DenseMatrix<Complex> rho(n, n);
  for (index_t j = 0; j < n; ++j)
    for (index_t i = 0; i < n; ++i)
      rho(i, j) =
          psi[static_cast<std::size_t>(i)] * std::conj(psi[static_cast<std::size_t>(j)]) / norm;
  return rho;
}

/// On rank 0; the others get its numbers.
void follow_density(const Comm& comm, const OpenSystem& system, State psi,
                    std::span<const double> times, const OpenEvolutionOptions& options,
                    Meter& meter, OpenEvolution& result) {
  constexpr std::size_t beside = 3;  // trace, purity and error
  const std::size_t width = beside + meter.length();
  std::vector<double> all(times.size() * width), counts(2);
  comm.agree([&] {
    if (!comm.is_root()) return;
    EvolutionOptions steps = options.steps;
    steps.method = EvolutionMethod::integrate;
    DensityEvolution evolution(system, projector(psi), steps);
    double* to = all.data();
    (void)evolution.at_times(times, [&](double, const DenseMatrix<Complex>& rho) {
      const double trace = evolution.trace();
      const auto numbers = meter.numbers(rho, trace);
      for (const double x : {trace, evolution.purity(), evolution.error()}) *to++ = x;
      to = std::copy(numbers.begin(), numbers.end(), to);
      if (options.progress)
        options.progress((to - all.data()) / static_cast<index_t>(width), std::ssize(times));
      return Continue::yes;
    });
    counts = {double(evolution.steps()), double(evolution.products())};
  });
  comm.broadcast(std::span(all));
  comm.broadcast(std::span(counts));
  for (std::size_t t = 0; t < times.size(); ++t) {
    const auto numbers = std::span<const double>(all).subspan(t * width, width);
    result.traces.push_back(numbers[0]);
    result.purities.push_back(numbers[1]);
    result.errors.push_back(numbers[2]);
    append(result, meter.shapes(), numbers.subspan(beside), {});
  }
  result.steps = static_cast<index_t>(counts[0]);
  result.products = static_cast<index_t>(counts[1]);
}

// ---- trajectories --------------------------------------------------------------------------------

/// Means and squared deviations from them of many numbers, one sample after the other (Welford 1962,
/// doi:10.1080/00401706.1962.10490022).
struct Moments {
  explicit Moments(std::size_t length) : means(length), deviations(length) {}
  double count = 0;
  std::vector<double> means, deviations;

  void add(std::span<const double> sample) {
    ++count;
    for (std::size_t i = 0; i < means.size(); ++i) {
      const double away = sample[i] - means[i];
      means[i] += away / count;
      deviations[i] += away * (sample[i] - means[i]);
    }
  }
  /// Those of the samples of all ranks. Collective.
  void join(const Comm& comm) {
    const double all = comm.all_reduce(count);
    std::vector<double> joint(means.size());
    for (std::size_t i = 0; i < means.size(); ++i) joint[i] = means[i] * count / all;
    comm.all_reduce(std::span(joint));
    for (std::size_t i = 0; i < means.size(); ++i)
      deviations[i] += count * (means[i] - joint[i]) * (means[i] - joint[i]);
    comm.all_reduce(std::span(deviations));
    means = std::move(joint);
    count = all;
  }
  std::vector<double> standard_errors() const {
    std::vector<double> errors;
    for (const double d : deviations)
      errors.push_back(std::sqrt(std::max(0.0, d) / (count * (count - 1))));
    return errors;
  }
};

void follow_trajectories(const Comm& comm, const OpenSystem& system, State psi,
                         std::span<const double> times, const OpenEvolutionOptions& options,
                         Meter& meter, OpenEvolution& result) {
  const std::size_t width = meter.length();
  Moments moments(times.size() * width);
  double error = 0;
  index_t products = 0;
  comm.agree([&] {
    QuantumTrajectories trajectories(system, options.steps, options.seed);
    for (index_t number = comm.rank(); number < options.trajectories; number += comm.size()) {
      std::vector<double> sample;
      const auto course = trajectories.run(number, psi, times, [&](std::size_t, State now) {
        const auto numbers = meter.numbers(now);
        sample.insert(sample.end(), numbers.begin(), numbers.end());
      });
      moments.add(sample);
      error = std::max(error, course.error);
      result.jumps += course.jumps;
      result.steps += course.steps;
      if (comm.is_root() && options.progress)
        options.progress(std::min(number + comm.size(), options.trajectories),
                         options.trajectories);
    }
    products = trajectories.products();
  });
  moments.join(comm);
  result.jumps = comm.all_reduce(result.jumps);
  result.steps = comm.all_reduce(result.steps);
  result.products = comm.all_reduce(products);
  result.trajectories = options.trajectories;
  error = comm.all_reduce(error, Reduce::max);
  const auto spreads = moments.standard_errors();
  for (std::size_t t = 0; t < times.size(); ++t) {
    append(result, meter.shapes(), std::span<const double>(moments.means).subspan(t * width, width),
           std::span<const double>(spreads).subspan(t * width, width));
    result.errors.push_back(error);
  }
}

}  // namespace

std::string_view to_string(OpenMethod method) {
  switch (method) {
    case OpenMethod::automatic:
      return "auto";
    case OpenMethod::density:
      return "density";
    case OpenMethod::trajectories:
      break;
  }
  return "trajectories";
}

OpenEvolution evolve_open(const Comm& comm, const OpenSystem& system, State psi,
                          std::span<const double> times, const OpenEvolutionOptions& options) {
  check(system, psi, times, options);
  OpenEvolution result{.method = options.method};
  if (result.method == OpenMethod::automatic)
    result.method = system.h.dimension() <= small ? OpenMethod::density : OpenMethod::trajectories;
  result.times.assign(times.begin(), times.end());
  for (const auto& observable : options.observe)
    result.observables.push_back({observable.text(), {}, {}});
  Meter meter(system, options.observe);
  if (result.method == OpenMethod::density)
    follow_density(comm, system, psi, times, options, meter, result);
  else
    follow_trajectories(comm, system, psi, times, options, meter, result);
  result.converged = std::all_of(result.errors.begin(), result.errors.end(),
                                 [&](double e) { return e <= options.steps.tol; });
  return result;
}

}  // namespace kronsolve
