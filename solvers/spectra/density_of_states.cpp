#include <algorithm>
#include <cmath>
#include <numbers>
#include <tuple>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/random.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/checkpoint.hpp>
#include <kronsolve/solvers/density_of_states.hpp>

#include "solvers/functions/chebyshev.hpp"

namespace kronsolve {

namespace {

using std::numbers::pi;

/// Moments <v|T_n|v> of a normalised v: 2 <T_k v|T_k v> - m_0 and 2 <T_{k+1} v|T_k v> - m_1 give
/// two a product. Empty if the vectors grew: the spectrum is not inside the bounds.
template <Scalar T>
std::vector<double> moments_of(const LinearMap<T>& a, const SpectralBounds& bounds,
                               Buffer<T>& older, Buffer<T>& newer, index_t count) {
  const double center = bounds.center(), radius = bounds.half_width();
  const Comm& comm = a.comm();
  std::vector<double> m(static_cast<std::size_t>(count) + 2, 0);
  a.apply(older.span(), newer.span());
  vec::scale<T>(1 / radius, newer.span());
  vec::axpy<T>(-center / radius, older.span(), newer.span());
  m[0] = 1;
  m[1] = real_part(vec::dot<T>(comm, older.span(), newer.span()));
  for (index_t k = 1; 2 * k < count; ++k) {
    const double square = vec::norm<T>(comm, newer.span());
    if (!(square <= 1.0001)) return {};
    m[2 * k] = 2 * square * square - m[0];
    (void)a.apply_recurrence(newer.span(), radius / 2, older.span());
    vec::scale<T>(2 / radius, older.span());
    vec::axpy<T>(-2 * center / radius, newer.span(), older.span());
    m[2 * k + 1] = 2 * real_part(vec::dot<T>(comm, newer.span(), older.span())) - m[1];
    std::swap(older, newer);
  }
  m.resize(static_cast<std::size_t>(count));
  return m;
}

}  // namespace

double DensityOfStates::damping(std::size_t n) const {
  const double q = pi / (static_cast<double>(moments.size()) + 1),
               angle = q * static_cast<double>(n);
  const auto size = static_cast<double>(moments.size());
  return ((size - static_cast<double>(n) + 1) * std::cos(angle) + std::sin(angle) / std::tan(q)) /
         (size + 1);
}

double DensityOfStates::density(double energy) const {
  const double x = (energy - bounds.center()) / bounds.half_width();
  if (!(std::abs(x) < 1)) return 0;
  const double theta = std::acos(x);
  double sum = moments[0];
  for (std::size_t n = 1; n < moments.size(); ++n)
    sum += 2 * damping(n) * moments[n] * std::cos(static_cast<double>(n) * theta);
  return static_cast<double>(dimension) * sum / (pi * std::sqrt(1 - x * x) * bounds.half_width());
}

double DensityOfStates::count(double low, double high) const {
  if (!(low < high)) return 0;
  const auto angle = [&](double energy) {
    return std::acos(std::clamp((energy - bounds.center()) / bounds.half_width(), -1.0, 1.0));
  };
  const double from = angle(high), to = angle(low);
  double sum = moments[0] * (to - from);
  for (std::size_t n = 1; n < moments.size(); ++n) {
    const auto order = static_cast<double>(n);
    sum += 2 * damping(n) * moments[n] * (std::sin(order * to) - std::sin(order * from)) / order;
  }
  return static_cast<double>(dimension) * sum / pi;
}

double DensityOfStates::resolution(double energy) const {
  const double x = std::clamp((energy - bounds.center()) / bounds.half_width(), -1.0, 1.0);
  const double n = static_cast<double>(moments.size());
  return bounds.half_width() * pi / n * std::sqrt(1 - x * x + (4 * x * x - 3) / n);
}

template <Scalar T>
DensityOfStates density_of_states(const LinearMap<T>& a, const DensityOfStatesOptions& options) {
  vec::require_square("density_of_states", a);
  if (options.moments < 2 || options.samples < 1)
    throw InvalidArgument(
        detail::concat("density_of_states: moments must be at least 2 and samples at least 1, got ",
                       options.moments, " and ", options.samples));
  const index_t before = a.products();
  DensityOfStates result;
  result.dimension = a.rows();
  const auto size = static_cast<std::size_t>(options.moments);
  std::vector<double> sum(size, 0), squares(size, 0);
  index_t s = 0, spent = 0;  // samples, and products before a checkpoint
  const auto place = [&] {
    return std::tie(s, result.bounds.lower, result.bounds.upper, result.products);
  };
  CheckpointStage stage(options.checkpoint, "moments", [&](CheckpointWriter& writer) {
    result.products = spent + a.products() - before;
    writer.numbers("place", place());
    writer.numbers("sum", sum);
    writer.numbers("squares", squares);
  });
  if (const auto* saved = stage.saved()) {
    saved->numbers("place", place());
    sum = saved->numbers("sum");
    squares = saved->numbers("squares");
  } else {
    result.bounds = options.bounds ? *options.bounds : spectral_bounds(a, {.seed = options.seed});
  }
  spent = result.products;
  Buffer<T> older(a.row_range().size()), newer(a.row_range().size());
  while (s < options.samples) {
    stage.step();
    result.bounds = not_empty(result.bounds);
    fill_normal(older.span(), a.row_range(), options.seed, narrow<std::uint32_t>(s, "samples"));
    vec::scale<T>(1 / vec::norm<T>(a.comm(), older.span()), older.span());
    const auto m = moments_of(a, result.bounds, older, newer, options.moments);
    if (m.empty()) {  // moments of other bounds are other moments
      result.bounds = widened(result.bounds);
      s = 0;
      std::fill(sum.begin(), sum.end(), 0);
      std::fill(squares.begin(), squares.end(), 0);
      continue;
    }
    for (std::size_t n = 0; n < size; ++n) {
      sum[n] += m[n];
      squares[n] += m[n] * m[n];
    }
    ++s;
  }
  const auto samples = static_cast<double>(options.samples);
  for (std::size_t n = 0; n < size; ++n) {
    const double mean = sum[n] / samples;
    result.moments.push_back(mean);
    const double variance =
        samples > 1 ? std::max(0.0, squares[n] / samples - mean * mean) / (samples - 1) : 0;
    result.errors.push_back(std::sqrt(variance));
  }
  result.products = spent + a.products() - before;
  return result;
}

template DensityOfStates density_of_states(const LinearMap<double>&, const DensityOfStatesOptions&);
template DensityOfStates density_of_states(const LinearMap<std::complex<double>>&,
                                           const DensityOfStatesOptions&);

}  // namespace kronsolve
