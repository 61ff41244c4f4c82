#include <algorithm>
#include <cmath>
#include <utility>

#include <kronsolve/core/file.hpp>
#include <kronsolve/solvers/evolution.hpp>

#include "core/counted.hpp"
#include "solvers/evolution/propagator.hpp"

namespace kronsolve {

namespace {

using Complex = std::complex<double>;
using evolution::MapSum;

void check_options(const EvolutionOptions& options, bool time_dependent) {
  if (!(options.tol > 0 && options.tol < 1))
    throw InvalidArgument(detail::concat("evolution: tol must be in (0, 1), got ", options.tol));
  if (!std::isfinite(options.start))
    throw InvalidArgument(
        detail::concat("evolution: the time of the start must be finite, got ", options.start));
  if (options.max_products < 1)
    throw InvalidArgument(
        detail::concat("evolution: max_products must be at least 1, got ", options.max_products));
  if (!std::is_sorted(options.knots.begin(), options.knots.end()) ||
      !std::all_of(options.knots.begin(), options.knots.end(),
                   [](double t) { return std::isfinite(t); }))
    throw InvalidArgument("evolution: knots must be finite and ascending");
  if (!(options.max_step >= 0))
    throw InvalidArgument(
        detail::concat("evolution: max_step must not be negative, got ", options.max_step));
  const auto method = options.method;
  if (time_dependent && (method == EvolutionMethod::solve || method == EvolutionMethod::expm ||
                         method == EvolutionMethod::mfn))
    throw InvalidArgument(
        detail::concat("evolution: method ", to_string(method),
                       " needs an operator that does not depend on time; use integrate or magnus"));
  if (time_dependent && options.axis == TimeAxis::imaginary)
    throw InvalidArgument(
        "evolution: imaginary time needs an operator that does not depend on time");
  if (options.growth) {
    if (time_dependent)
      throw InvalidArgument("evolution: an operator that is not Hermitian must not depend on time");
    if (method != EvolutionMethod::automatic && method != EvolutionMethod::integrate)
      throw InvalidArgument(detail::concat(
          "evolution: method ", to_string(method),
          " needs a Hermitian operator; use integrate where growth says that it is not"));
    if (!options.bounds)
      throw InvalidArgument(
          "evolution: growth without bounds; an operator that is not Hermitian needs those of both "
          "its parts (for_non_hermitian finds them)");
  }
  if (!time_dependent && method == EvolutionMethod::magnus)
    throw InvalidArgument(
        "evolution: method magnus is for operators that depend on time; use expm");
}

/// The parts a state needs: real operators keep real and imaginary part apart, and only one of them
/// where nothing is complex.
template <Scalar T, Scalar V>
DistributedVectors<T> parts_of(const LinearMap<T>& h, const DistributedVectors<V>& psi,
                               TimeAxis axis) {
  const bool fits = psi.count() == 1 && psi.partition() == h.row_partition();
  if (!h.comm().all(fits))
    throw DimensionError(
        detail::concat("evolution: one vector of ", detail::counted(h.rows(), "row"),
                       ", dealt out as the operator's, is needed; got ", psi.count(), " of ",
                       detail::counted(psi.partition().rows(), "row")));
  const auto from = psi.column(0);
  vec::require_vector("evolution", h, from);
  const bool pair = !is_complex<T> && (is_complex<V> || axis == TimeAxis::real);
  DistributedVectors<T> parts(h.row_partition(), h.comm().rank(), pair ? 2 : 1);
  if constexpr (std::same_as<T, V>)
    vec::copy<T>(from, parts.column(0));
  else if constexpr (is_complex<V>)
    vec::split(from, parts.column(0), parts.column(1));
  else
    std::copy(from.begin(), from.end(), parts.column(0).begin());
  return parts;
}

}  // namespace

std::string_view to_string(EvolutionMethod method) {
  switch (method) {
    case EvolutionMethod::automatic:
      return "auto";
    case EvolutionMethod::solve:
      return "solve";
    case EvolutionMethod::expm:
      return "expm";
    case EvolutionMethod::integrate:
      return "integrate";
    case EvolutionMethod::magnus:
      return "magnus";
    case EvolutionMethod::mfn:
      return "mfn";
  }
  return "?";
}

template <Scalar T>
struct Evolution<T>::Impl {
  EvolutionOptions options;
  TimeDependentOperator<T> varying;          // no terms: constant
  std::unique_ptr<MapSum<T>> sum;            // of the terms
  const LinearMap<T>* h = nullptr;           // the constant operator, or `sum`
  std::vector<const LinearMap<T>*> counted;  // whose products are ours
  index_t products_before = 0;
  std::unique_ptr<evolution::Propagator<T>> propagator;
  DistributedVectors<T> parts;
  EvolutionState state;
  double time = 0, start_norm = 0, norm = 0, log_norm = 0, energy = 0, start_energy = 0;
  double norm_drift = 0, energy_drift = 0, error = 0;
  double rate = 0;  // at which the norm grew in the last update
  index_t steps = 0;

  /// @param h  a map, or a TimeDependentOperator
  template <class H, Scalar V>
  static std::unique_ptr<Impl> begun(H&& h, const DistributedVectors<V>& psi,
                                     EvolutionOptions options) {
    check_options(options, std::is_same_v<std::remove_cvref_t<H>, TimeDependentOperator<T>>);
    auto impl = std::make_unique<Impl>();
    impl->options = std::move(options);
    impl->set_operator(std::forward<H>(h));
    impl->begin(psi);
    return impl;
  }

  const Comm& comm() const { return h->comm(); }
  index_t products() const {
    index_t sum_of = -products_before;
    for (const auto* map : counted) sum_of += map->products();
    return sum_of;
  }

  void set_operator(const LinearMap<T>& constant) {
    vec::require_square("evolution", constant);
    h = &constant;
    counted = {h};
    products_before = products();
  }

  void set_operator(TimeDependentOperator<T> operators) {
    if (operators.terms.empty())
      throw InvalidArgument("evolution: a time-dependent operator needs at least one term");
    for (const auto& term : operators.terms) {
      if (term.map == nullptr || !term.coefficient)
        throw InvalidArgument(
            "evolution: each term of a time-dependent operator needs a map and a coefficient");
      vec::require_square("evolution", *term.map);
      if (term.map->row_partition() != operators.terms[0].map->row_partition())
        throw DimensionError(
            "evolution: the maps of a time-dependent operator must have the same rows on each "
            "rank");
      counted.push_back(term.map);
    }
    varying = std::move(operators);
    sum = std::make_unique<MapSum<T>>(counted);
    h = sum.get();
    products_before = products();
  }

  const LinearMap<T>& at(double t) {
    if (sum) {
      std::vector<double> c;
      for (const auto& term : varying.terms) c.push_back(term.coefficient(t));
      sum->set(std::move(c));
    }
    return *h;
  }

  evolution::StepGuard step_guard(const std::vector<SpectralBounds>& of_terms) const {
    std::vector<evolution::StepGuard::Drive> drives;
    for (std::size_t j = 0; j < of_terms.size(); ++j)
      drives.push_back({varying.terms[j].coefficient,
                        std::max(std::abs(of_terms[j].lower), std::abs(of_terms[j].upper))});
    return {options.max_step, std::move(drives)};
  }

  static double largest(const SpectralBounds& bounds) {
    return std::max(std::abs(bounds.lower), std::abs(bounds.upper));
  }

  /// The logarithmic norm of -iG, or in imaginary time of -G.
  std::optional<evolution::Growth> growth(const SpectralBounds& bounds) const {
    if (!options.growth) return std::nullopt;
    if (options.axis == TimeAxis::imaginary) return evolution::Growth{-bounds.lower, bounds.upper};
    return evolution::Growth{options.growth->upper, -options.growth->lower};
  }

  /// What is left of a tolerance for now, if errors may grow faster than the state on a way ahead of
  /// that length.
  double left_for_now(double way) const {
    const auto most = options.bounds ? growth(*options.bounds) : std::nullopt;
    if (!most) return 1;
    return std::exp(-std::max(std::max(most->forward, most->backward) - rate, 0.0) * way);
  }

  void choose() {
    auto& method = options.method;
    if (method == EvolutionMethod::automatic)
      method = sum              ? EvolutionMethod::magnus
               : options.growth ? EvolutionMethod::integrate
                                : EvolutionMethod::expm;
    std::vector<SpectralBounds> of_terms;
    for (const auto& term : varying.terms) of_terms.push_back(spectral_bounds(*term.map));
    if (method == EvolutionMethod::solve) {
      propagator = evolution::make_dense(*h, options.axis);
    } else if (method == EvolutionMethod::magnus) {
      propagator = evolution::make_magnus(varying, *sum, of_terms, step_guard(of_terms),
                                          options.max_products);
    } else {
      const auto bounds = options.bounds ? *options.bounds : spectral_bounds(at(time));
      if (method == EvolutionMethod::expm) {
        propagator = evolution::make_chebyshev(*h, options.axis, bounds, options.max_products);
      } else if (const double size =
                     largest(bounds) + (options.growth ? largest(*options.growth) : 0);
                 method == EvolutionMethod::mfn) {
        propagator = evolution::make_mfn(*h, options.axis, size, options.max_products);
      } else {
        propagator = evolution::make_runge_kutta<T>(
            comm(), [this](double t) -> const LinearMap<T>& { return at(t); }, step_guard(of_terms),
            options.axis, size, options.max_products, growth(bounds));
      }
    }
    propagator->on_step = options.progress;
  }

  template <Scalar V>
  void begin(const DistributedVectors<V>& psi) {
    time = options.start;
    parts = parts_of(*h, psi, options.axis);
    start_norm = norm = vec::norm(comm(), parts);
    if (!(norm > 0)) throw InvalidArgument("evolution: the initial state is zero");
    choose();
    const RowPartition& rows = h->row_partition();
    if (!is_complex<T> && parts.count() == 1)
      state = DistributedVectors<double>(rows, comm().rank(), 1);
    else
      state = DistributedVectors<Complex>(rows, comm().rank(), 1);
    show();
    start_energy = energy;
  }

  /// Energy now, and the state as others see it.
  void show() {
    const LinearMap<T>& now = at(time);
    Buffer<T> product(h->row_range().size(), vector_placement(comm()));
    double sum_of = 0;
    for (index_t p = 0; p < parts.count(); ++p) {
      now.apply(parts.column(p), product.span());
      sum_of += real_part(vec::dot<T>(comm(), parts.column(p), product.span()));
    }
    energy = sum_of / (norm * norm);
    show_state();
  }

  void show_state() {
    if constexpr (is_complex<T>) {
      vec::copy<T>(parts.column(0), std::get<1>(state).column(0));
    } else if (parts.count() == 2) {
      vec::join(parts.column(0), parts.column(1), std::get<1>(state).column(0));
    } else {
      vec::copy<T>(parts.column(0), std::get<0>(state).column(0));
    }
  }

  /// The knots between now and then, and then; on the way back in time, too.
  std::vector<double> stops_before(double to) const {
    std::vector<double> stops;
    for (const double knot : options.knots)
      if (std::min(time, to) < knot && knot < std::max(time, to)) stops.push_back(knot);
    if (to < time) std::reverse(stops.begin(), stops.end());
    stops.push_back(to);
    return stops;
  }

  void update(double to, double tol) {
    if (!std::isfinite(to))
      throw InvalidArgument(detail::concat("evolution: times must be finite, got ", to));
    if (to == time) return;
    const double duration = std::abs(to - time);
    double log_scale = 0;
    const auto stops = stops_before(to);
    for (const double stop : stops) {
      const auto done =
          propagator->advance(parts, time, stop, tol / static_cast<double>(stops.size()));
      time = stop;
      error = error * done.amplified + done.error;
      steps += done.steps;
      log_scale += done.log_scale;
    }
    norm = vec::norm(comm(), parts);
    if (options.normalises()) {
      const double grown = log_scale + std::log(norm / start_norm);
      log_norm += grown;
      rate = grown / duration;
      vec::scale(start_norm / norm, parts);
      norm = start_norm;
    }
    show();
    if (!options.normalises()) {
      norm_drift = std::max(norm_drift, std::abs(norm / start_norm - 1));
      if (!sum) energy_drift = std::max(energy_drift, std::abs(energy - start_energy));
    }
  }
};

template <Scalar T>
Evolution<T>::Evolution(const LinearMap<T>& h, const DistributedVectors<double>& psi,
                        EvolutionOptions options)
    : impl_(Impl::begun(h, psi, std::move(options))) {}
template <Scalar T>
Evolution<T>::Evolution(const LinearMap<T>& h, const DistributedVectors<Complex>& psi,
                        EvolutionOptions options)
    : impl_(Impl::begun(h, psi, std::move(options))) {}
template <Scalar T>
Evolution<T>::Evolution(TimeDependentOperator<T> h, const DistributedVectors<double>& psi,
                        EvolutionOptions options)
    : impl_(Impl::begun(std::move(h), psi, std::move(options))) {}
template <Scalar T>
Evolution<T>::Evolution(TimeDependentOperator<T> h, const DistributedVectors<Complex>& psi,
                        EvolutionOptions options)
    : impl_(Impl::begun(std::move(h), psi, std::move(options))) {}
template <Scalar T>
Evolution<T>::Evolution(Evolution&&) noexcept = default;
template <Scalar T>
Evolution<T>& Evolution<T>::operator=(Evolution&&) noexcept = default;
template <Scalar T>
Evolution<T>::~Evolution() = default;

template <Scalar T>
void Evolution<T>::update_to(double t) {
  // How many updates follow is not known; what a tighter series costs is next to nothing.
  impl_->update(t, impl_->options.tol / 16);
}

template <Scalar T>
bool Evolution<T>::at_times(std::span<const double> times, const EvolutionObserver& observer,
                            std::size_t share_of) {
  const double share =
      impl_->options.tol /
      static_cast<double>(std::max<std::size_t>(std::max(times.size(), share_of), 1)) / 1.1;
  double way = 0, last = impl_->time;
  for (const double t : times) way += std::abs(t - std::exchange(last, t));
  for (const double t : times) {
    way = std::max(way - std::abs(t - impl_->time), 0.0);
    impl_->update(t, share * impl_->left_for_now(way));
    if (observer && observer(point()) == Continue::no) return false;
  }
  return true;
}

template <Scalar T>
double Evolution<T>::time() const noexcept {
  return impl_->time;
}
template <Scalar T>
index_t Evolution<T>::rows() const noexcept {
  return impl_->h->rows();
}
template <Scalar T>
const EvolutionState& Evolution<T>::state() const noexcept {
  return impl_->state;
}
template <Scalar T>
EvolutionState Evolution<T>::take_state() && {
  return std::move(impl_->state);
}
template <Scalar T>
double Evolution<T>::norm() const noexcept {
  return impl_->norm;
}
template <Scalar T>
double Evolution<T>::log_norm() const noexcept {
  return impl_->log_norm;
}
template <Scalar T>
double Evolution<T>::energy() const noexcept {
  return impl_->energy;
}
template <Scalar T>
double Evolution<T>::norm_drift() const noexcept {
  return impl_->norm_drift;
}
template <Scalar T>
double Evolution<T>::energy_drift() const noexcept {
  return impl_->energy_drift;
}
template <Scalar T>
double Evolution<T>::error() const noexcept {
  return impl_->error;
}
template <Scalar T>
index_t Evolution<T>::products() const noexcept {
  return impl_->products();
}
template <Scalar T>
index_t Evolution<T>::steps() const noexcept {
  return impl_->steps;
}
template <Scalar T>
EvolutionMethod Evolution<T>::method() const noexcept {
  return impl_->options.method;
}
template <Scalar T>
EvolutionPoint Evolution<T>::point() const {
  return {time(), state(), norm(), log_norm(), energy(), error(), products()};
}

template <Scalar T>
void Evolution<T>::write(CheckpointWriter& writer) const {
  const auto& e = *impl_;
  writer.numbers("evolution", std::vector<double>{
                                  e.time, e.start_norm, e.norm, e.log_norm, e.energy,
                                  e.start_energy, e.norm_drift, e.energy_drift, e.error, e.rate,
                                  static_cast<double>(e.steps), static_cast<double>(e.products())});
  writer.numbers("propagator", e.propagator->memory());
  writer.vectors("parts", e.parts, e.parts.count());
}

template <Scalar T>
void Evolution<T>::restore(const CheckpointReader& reader) {
  auto& e = *impl_;
  const auto numbers = reader.numbers("evolution");
  std::size_t at = 0;
  for (double* number : {&e.time, &e.start_norm, &e.norm, &e.log_norm, &e.energy, &e.start_energy,
                         &e.norm_drift, &e.energy_drift, &e.error, &e.rate})
    *number = numbers.at(at++);
  e.steps = static_cast<index_t>(numbers.at(at++));
  const auto products = static_cast<index_t>(numbers.at(at++));
  e.propagator->remember(reader.numbers("propagator"));
  reader.vectors("parts", e.parts, e.parts.count());
  e.show_state();
  e.products_before += e.products() - products;
}

namespace {

/// The numbers of a result that grow from time to time.
std::vector<std::vector<double>*> lists_of(EvolutionResult& result) {
  return {&result.times, &result.energies, &result.norms, &result.log_norms, &result.errors};
}

void identify(Checkpoint& checkpoint, std::span<const double> times,
              const EvolutionOptions& options, EvolutionMethod method, index_t rows) {
  checkpoint.identify("dimension", std::to_string(rows));
  checkpoint.identify("method", std::string(to_string(method)));
  checkpoint.identify("axis", options.axis == TimeAxis::real ? "real time" : "imaginary time");
  checkpoint.identify("Hermitian", options.growth ? "no" : "yes");
  checkpoint.identify("start", detail::concat(options.start));
  checkpoint.identify("tol", detail::concat(options.tol));
  checkpoint.identify("max_step", detail::concat(options.max_step));
  Checksum sum;
  sum.add({reinterpret_cast<const char*>(times.data()), times.size_bytes()});
  sum.add(
      {reinterpret_cast<const char*>(options.knots.data()), options.knots.size() * sizeof(double)});
  checkpoint.identify(
      "times",
      detail::concat(times.size(), " times from ", times.empty() ? 0 : times.front(), " to ",
                     times.empty() ? 0 : times.back(), ", checksum ", sum.value()));
}

template <Scalar T>
EvolutionResult run(Evolution<T> evolution, std::span<const double> times,
                    const EvolutionOptions& options, const EvolutionObserver& observer) {
  for (const double t : times)
    if (!std::isfinite(t))
      throw InvalidArgument(detail::concat("evolution: times must be finite, got ", t));
  EvolutionResult result;
  if (options.checkpoint != nullptr)
    identify(*options.checkpoint, times, options, evolution.method(), evolution.rows());
  CheckpointStage stage(options.checkpoint, "evolution", [&](CheckpointWriter& writer) {
    evolution.write(writer);
    std::vector<double> all;
    for (const auto* list : lists_of(result)) all.insert(all.end(), list->begin(), list->end());
    writer.numbers("reached", std::vector<double>{double(result.times.size())});
    writer.numbers("lists", all);
  });
  if (const auto* saved = stage.saved()) {
    evolution.restore(*saved);
    const auto reached = static_cast<std::size_t>(saved->numbers("reached").at(0));
    const auto all = saved->numbers("lists");
    auto next = all.begin();
    for (auto* list : lists_of(result)) {
      if (list == &result.log_norms && !options.normalises()) continue;
      list->assign(next, next + static_cast<std::ptrdiff_t>(reached));
      next += static_cast<std::ptrdiff_t>(reached);
    }
  }
  const auto observe = [&](const EvolutionPoint& point) {
    result.times.push_back(point.time);
    result.energies.push_back(point.energy);
    result.norms.push_back(point.norm);
    if (options.normalises()) result.log_norms.push_back(point.log_norm);
    result.errors.push_back(point.error);
    if (observer && observer(point) == Continue::no) return Continue::no;
    if (result.times.size() < times.size()) stage.step();
    return Continue::yes;
  };
  result.stopped = !evolution.at_times(times.subspan(result.times.size()), observe, times.size());
  result.norm_drift = evolution.norm_drift();
  result.energy_drift = evolution.energy_drift();
  result.products = evolution.products();
  result.steps = evolution.steps();
  result.converged = evolution.error() <= options.tol;
  result.method = evolution.method();
  result.reason = detail::concat(
      "method ", to_string(result.method), ", ", detail::counted(result.steps, "step"), ", ",
      detail::counted(result.products, "product"), ", error ", evolution.error(),
      result.converged ? " within tol"
      : options.growth ? " above tol: errors may have grown faster than the state"
                       : " above tol: rounding is the limit");
  result.state = std::move(evolution).take_state();
  return result;
}

}  // namespace

template <Scalar T, Scalar V>
EvolutionResult evolve(const LinearMap<T>& h, const DistributedVectors<V>& psi,
                       std::span<const double> times, const EvolutionOptions& options,
                       const EvolutionObserver& observer) {
  return run(Evolution<T>(h, psi, options), times, options, observer);
}
template <Scalar T, Scalar V>
EvolutionResult evolve(const TimeDependentOperator<T>& h, const DistributedVectors<V>& psi,
                       std::span<const double> times, const EvolutionOptions& options,
                       const EvolutionObserver& observer) {
  return run(Evolution<T>(h, psi, options), times, options, observer);
}

template class Evolution<double>;
template class Evolution<Complex>;
#define KRONSOLVE_INSTANTIATE(T, V)                                                              \
  template EvolutionResult evolve(const LinearMap<T>&, const DistributedVectors<V>&,             \
                                  std::span<const double>, const EvolutionOptions&,              \
                                  const EvolutionObserver&);                                     \
  template EvolutionResult evolve(const TimeDependentOperator<T>&, const DistributedVectors<V>&, \
                                  std::span<const double>, const EvolutionOptions&,              \
                                  const EvolutionObserver&);
KRONSOLVE_INSTANTIATE(double, double)
KRONSOLVE_INSTANTIATE(double, Complex)
KRONSOLVE_INSTANTIATE(Complex, double)
KRONSOLVE_INSTANTIATE(Complex, Complex)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
