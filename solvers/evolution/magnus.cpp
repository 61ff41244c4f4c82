#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/counted.hpp"
#include "solvers/evolution/propagator.hpp"
#include "solvers/functions/chebyshev.hpp"

namespace kronsolve::evolution {

namespace {

using Complex = std::complex<double>;

/// Two exponentials of combinations of H at the two Gauss points. Blanes and Moan 2006,
/// doi:10.1016/j.apnum.2005.11.004; Alvermann and Fehske 2011, doi:10.1016/j.jcp.2011.04.006.
template <Scalar T>
class Magnus final : public Propagator<T> {
 public:
  Magnus(const TimeDependentOperator<T>& h, MapSum<T>& sum, std::vector<SpectralBounds> bounds,
         StepGuard guard, index_t max_products)
      : h_(&h),
        sum_(&sum),
        guard_(std::move(guard)),
        most_products_(max_products),
        bounds_(std::move(bounds)) {
    step_ = 0.5 / std::max(combined(coefficients(0, 0, 1, 0)).half_width(), 1e-3);
  }

  std::vector<double> memory() const override { return {step_}; }
  void remember(const std::vector<double>& memory) override { step_ = memory.at(0); }

  Advance advance(DistributedVectors<T>& state, double from, double to, double tol) override {
    const double total = std::abs(to - from), sign = to < from ? -1 : 1;
    const double norm = vec::norm(sum_->comm(), state);
    DistributedVectors<T> whole = vec::like(state), halves = vec::like(state);
    const index_t before = sum_->products();
    Advance result{.steps = 0};
    double done = 0;
    guard_.begin(from, to);
    while (done < total) {
      if (sum_->products() - before > most_products_)
        throw InvalidArgument(detail::concat(
            "evolution: Magnus steps reached time ", from + sign * done, " of ", to, " with ",
            detail::counted(sum_->products() - before, "product"), "; raise max_products"));
      const double t = from + sign * done, rest = total - done;
      const double h = std::min(guard_.limit(step_), rest);
      const bool last = h >= rest;
      const double allowed = std::max(tol * h / total, 8 * std::numeric_limits<double>::epsilon());
      const double missed = guard_.missed(t, sign * h, halves_rule);
      if (missed > allowed && !guard_.is_shortest(h)) {
        step_ = h / 2;
        continue;
      }
      vec::copy(state, whole);
      vec::copy(state, halves);
      double series = move(whole, t, sign * h, allowed / 50);
      series += move(halves, t, sign * h / 2, allowed / 50);
      series += move(halves, t + sign * h / 2, sign * h / 2, allowed / 50);
      const double estimate = vec::distance(sum_->comm(), whole, halves) / 15 / norm + missed;
      const double factor =
          std::clamp(0.9 * std::pow(allowed / std::max(estimate, 1e-300), 0.25), 0.2, 4.0);
      if (!(estimate <= allowed) && !guard_.is_shortest(h)) {
        step_ = h * std::min(factor, 0.9);
        continue;
      }
      std::swap(state, halves);
      done = last ? total : done + h;
      if (this->on_step) this->on_step(from + sign * done);
      if (!last || factor < 1) step_ = h * factor;
      result.error += estimate + series / norm;
      ++result.steps;
    }
    return result;
  }

 private:
  /// One step of order 4; returns the error of its two series.
  double move(DistributedVectors<T>& state, double t, double h, double tol) {
    const double first = t + (0.5 - root) * h, second = t + (0.5 + root) * h;
    const double large = 0.25 + root, small = 0.25 - root;
    return exponential(state, coefficients(first, second, large, small), h, tol) +
           exponential(state, coefficients(first, second, small, large), h, tol);
  }

  std::vector<double> coefficients(double t1, double t2, double w1, double w2) const {
    std::vector<double> c;
    for (const auto& term : h_->terms)
      c.push_back(w1 * term.coefficient(t1) + w2 * term.coefficient(t2));
    return c;
  }
  SpectralBounds combined(const std::vector<double>& c) const {
    SpectralBounds sum;
    for (std::size_t j = 0; j < c.size(); ++j) {
      sum.lower += std::min(c[j] * bounds_[j].lower, c[j] * bounds_[j].upper);
      sum.upper += std::max(c[j] * bounds_[j].lower, c[j] * bounds_[j].upper);
    }
    return sum;
  }

  double exponential(DistributedVectors<T>& state, std::vector<double> c, double h, double tol) {
    const auto bounds = combined(c);
    sum_->set(std::move(c));
    if constexpr (is_complex<T>)
      return exponentiate<T>(*sum_, Complex(0, -h), state.column(0), bounds, tol, most_products_)
          .error;
    else
      return exponentiate_pair(*sum_, Complex(0, -h), state.column(0), state.column(1), bounds, tol,
                               most_products_)
          .error;
  }

  /// The Gauss points of a step lie this far from its middle.
  static constexpr double root = 0.28867513459481287;

  /// What the two halves of a step integrate with.
  static constexpr std::array<double, 4> halves_nodes = {0.25 - root / 2, 0.25 + root / 2,
                                                         0.75 - root / 2, 0.75 + root / 2};
  static constexpr std::array<double, 4> halves_weights = {0.25, 0.25, 0.25, 0.25};
  static constexpr Quadrature halves_rule = {halves_nodes, halves_weights};

  const TimeDependentOperator<T>* h_;
  MapSum<T>* sum_;
  StepGuard guard_;
  index_t most_products_;
  std::vector<SpectralBounds> bounds_;
  double step_ = 0;
};

}  // namespace

template <Scalar T>
std::unique_ptr<Propagator<T>> make_magnus(const TimeDependentOperator<T>& h, MapSum<T>& sum,
                                           std::vector<SpectralBounds> bounds, StepGuard guard,
                                           index_t max_products) {
  return std::make_unique<Magnus<T>>(h, sum, std::move(bounds), std::move(guard), max_products);
}

#define KRONSOLVE_INSTANTIATE(T)                                                                   \
  template std::unique_ptr<Propagator<T>> make_magnus(const TimeDependentOperator<T>&, MapSum<T>&, \
                                                      std::vector<SpectralBounds>, StepGuard,      \
                                                      index_t);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::evolution
