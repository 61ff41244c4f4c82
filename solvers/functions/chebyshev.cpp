#include "solvers/functions/chebyshev.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/vector_operations.hpp>

#include "operators/maps/scaled_map.hpp"

namespace kronsolve {

namespace {

using Complex = std::complex<double>;

/// J_k(x) for 0 < x < count: k = 0 .. count-1. Miller's backward recurrence, normalised by 1 =
/// J_0^2 + 2 sum J_k^2, which has no cancellation; the sign is right because the last ones are
/// positive.
std::vector<double> bessel_j(double x, std::size_t count) {
  std::vector<double> j(count + 1, 0);
  j[count - 1] = 1e-100;
  for (std::size_t k = count - 1; k > 0; --k) {
    j[k - 1] = 2 * static_cast<double>(k) / x * j[k] - j[k + 1];
    if (std::abs(j[k - 1]) > 1e100)
      for (std::size_t i = k - 1; i < count && j[i] != 0; ++i) j[i] *= 1e-200;
  }
  double square = j[0] * j[0];
  for (std::size_t k = 1; k < count; ++k) square += 2 * j[k] * j[k];
  for (double& value : j) value /= std::sqrt(square);
  j.resize(count);
  return j;
}

/// exp(-w) I_k(w) for Re w >= 0, by the same recurrence and exp(w) = I_0 + 2 sum I_k.
std::vector<Complex> scaled_bessel_i(Complex w, std::size_t count) {
  std::vector<Complex> values(count + 1, 0);
  values[count - 1] = 1e-100;
  for (std::size_t k = count - 1; k > 0; --k) {
    values[k - 1] = 2 * static_cast<double>(k) / w * values[k] + values[k + 1];
    if (std::abs(values[k - 1]) > 1e100)
      for (std::size_t i = k - 1; i < count && values[i] != 0.0; ++i) values[i] *= 1e-200;
  }
  Complex sum = values[0];
  for (std::size_t k = 1; k < count; ++k) sum += 2.0 * values[k];
  for (Complex& value : values) value /= sum;
  values.resize(count);
  return values;
}

/// Growth that rounding explains; |T_k| <= 1 on the interval.
constexpr double growth_limit = 1.0001;
/// Degrees between two looks at the norm.
constexpr std::size_t look_every = 16;

}  // namespace

std::size_t ChebyshevSeries::degree(double tol) const {
  std::size_t k = 0;
  while (k + 1 < tail.size() && !(tail[k] <= tol)) ++k;
  return k;
}

ChebyshevSeries exponential_series(Complex z) {
  const double size = std::abs(z);
  ChebyshevSeries series;
  auto& c = series.coefficients;
  const double damping = std::exp(-std::abs(z.real()));
  if (size < 1e-6) {
    // I_0 = 1 + z^2/4, 2 I_1 = z + z^3/8, 2 I_2 = z^2/4, 2 I_3 = z^3/24 up to z^4.
    c = {(1.0 + z * z / 4.0) * damping, (z + z * z * z / 8.0) * damping, z * z / 4.0 * damping,
         z * z * z / 24.0 * damping};
  } else {
    const auto count = static_cast<std::size_t>(size + 14 * std::cbrt(size) + 45);
    c.resize(count);
    if (z.real() == 0) {
      // exp(i y x) = J_0(y) + 2 sum i^k J_k(y) T_k(x), exactly real or imaginary terms
      const auto j = bessel_j(std::abs(z.imag()), count);
      const Complex unit[4] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};
      for (std::size_t k = 0; k < count; ++k)
        c[k] = (k == 0 ? 1.0 : 2.0) * j[k] * unit[z.imag() > 0 ? k % 4 : (4 - k % 4) % 4];
    } else {
      const bool flip = z.real() < 0;
      const Complex w = flip ? -z : z;
      const auto values = scaled_bessel_i(w, count);
      const Complex phase = std::polar(1.0, w.imag());
      for (std::size_t k = 0; k < count; ++k) {
        c[k] = (k == 0 ? 1.0 : 2.0) * values[k] * phase * (flip && k % 2 == 1 ? -1.0 : 1.0);
        if (z.imag() == 0) c[k] = c[k].real();
      }
    }
  }
  double rest = 0;
  series.tail.assign(c.size(), 0);
  for (std::size_t k = c.size(); k-- > 1;) {
    rest += std::abs(c[k]);
    series.tail[k - 1] = rest;
  }
  const std::size_t last = series.degree(1e-18);
  c.resize(last + 1);
  series.tail.resize(last + 1);
  return series;
}

/// One pass over memory a degree: the recurrence runs on t_k = s_k T_k with s_k = r (r/2)^(k-1), so
/// that the product needs no factor. Before s_k leaves the range of doubles both vectors are scaled
/// back.
template <Scalar T>
bool chebyshev_sum(const LinearMap<T>& a, const SpectralBounds& bounds, std::span<const T> x,
                   std::span<const ChebyshevOutput<T>> outputs) {
  std::size_t terms = 0;
  for (const auto& output : outputs) terms = std::max(terms, output.coefficients.size());
  const auto active = [&](std::size_t k) {
    std::vector<std::pair<T, std::span<T>>> list;
    for (const auto& output : outputs)
      if (k < output.coefficients.size() && output.coefficients[k] != T{})
        list.emplace_back(output.coefficients[k], output.out);
    return list;
  };
  if (terms == 0) return true;
  for (const auto& [coefficient, out] : active(0)) vec::axpy<T>(coefficient, x, out);
  if (terms == 1) return true;
  constexpr double large = 1e60;
  const double center = bounds.center(), radius = bounds.half_width();
  const double limit = growth_limit * vec::norm<T>(a.comm(), x);
  const Placement placement = vector_placement(a.comm());
  Buffer<T> older(vec::length(x), placement), newer(vec::length(x), placement);
  vec::copy<T>(x, newer.span());
  double newer_size = 1, older_size = 0;  // s of both; the first step sees no older one
  for (std::size_t k = 1; k < terms; ++k) {
    const double size = (k == 1 ? radius : radius / 2) * newer_size;
    const double beta = k == 1 ? 0 : size / older_size;
    const auto list = active(k);
    const bool fused = list.size() == 1 && list[0].first == T(real_part(list[0].first));
    if (fused) {
      a.apply_known_step(newer.span(), center, beta, older.span(), real_part(list[0].first) / size,
                         list[0].second);
    } else {
      (void)a.apply_recurrence(newer.span(), beta, older.span());
      vec::axpy<T>(-center, newer.span(), older.span());
      for (const auto& [coefficient, out] : list)
        vec::axpy<T>(coefficient / size, older.span(), out);
    }
    std::swap(older, newer);
    older_size = newer_size;
    newer_size = size;
    if (k % look_every == 0 || k + 1 == terms) {
      if (!(vec::norm<T>(a.comm(), newer.span()) / size <= limit)) return false;
    }
    if (size > large || size < 1 / large) {
      vec::scale<T>(1 / size, newer.span());
      vec::scale<T>(1 / size, older.span());
      older_size /= size;
      newer_size = 1;
    }
  }
  return true;
}

namespace {

/// The same for vectors side by side, at most as many as the map takes.
template <Scalar T>
bool chebyshev_block(const LinearMap<T>& a, const SpectralBounds& bounds,
                     std::span<const double> coefficients,
                     std::span<const std::span<const T>> inputs,
                     std::span<const std::span<T>> outputs) {
  const auto vectors = static_cast<index_t>(inputs.size());
  const index_t rows = a.row_range().size(), most = a.block_width();
  const index_t width = 2 * vectors <= most ? most / 2 : most;
  const double center = bounds.center(), radius = bounds.half_width();
  Buffer<T> older(rows * width), newer(rows * width), sum(rows * width);
#pragma omp parallel for num_threads(num_threads()) schedule(static) if (rows >= vec::parallel_rows)
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < width; ++j) {
      const T value =
          j < vectors ? inputs[static_cast<std::size_t>(j)][static_cast<std::size_t>(i)] : T{};
      newer.data()[i * width + j] = value;
      older.data()[i * width + j] = T{};
      sum.data()[i * width + j] = coefficients[0] * value;
    }
  const double limit = growth_limit * vec::norm<T>(a.comm(), newer.span());
  for (std::size_t k = 1; k < coefficients.size(); ++k) {
    const RecurrenceStep step{.scale = (k == 1 ? 1 : 2) / radius,
                              .center = center,
                              .beta = k == 1 ? 0.0 : 1.0,
                              .weight = coefficients[k]};
    a.apply_block_step(width, vectors, newer.span(), step, older.span(), sum.span());
    std::swap(older, newer);
    if (k % look_every == 0 || k + 1 == coefficients.size())
      if (!(vec::norm<T>(a.comm(), newer.span()) <= limit)) return false;
  }
#pragma omp parallel for num_threads(num_threads()) schedule(static) if (rows >= vec::parallel_rows)
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < vectors; ++j)
      outputs[static_cast<std::size_t>(j)][static_cast<std::size_t>(i)] = sum.data()[i * width + j];
  return true;
}

}  // namespace

template <Scalar T>
bool chebyshev_columns(const LinearMap<T>& a, const SpectralBounds& bounds,
                       std::span<const double> coefficients,
                       std::span<const std::span<const T>> inputs,
                       std::span<const std::span<T>> outputs) {
  const auto most = static_cast<std::size_t>(a.block_width());
  if (most > 1) {
    for (std::size_t j = 0; j < inputs.size(); j += most) {
      const std::size_t count = std::min(most, inputs.size() - j);
      if (!chebyshev_block(a, bounds, coefficients, inputs.subspan(j, count),
                           outputs.subspan(j, count)))
        return false;
    }
    return true;
  }
  const std::vector<T> scalars(coefficients.begin(), coefficients.end());
  for (std::size_t j = 0; j < inputs.size(); ++j) {
    vec::set_zero<T>(outputs[j]);
    const ChebyshevOutput<T> out[] = {{scalars, outputs[j]}};
    if (!chebyshev_sum<T>(a, bounds, inputs[j], out)) return false;
  }
  return true;
}

SpectralBounds not_empty(SpectralBounds bounds) {
  const double least = 1e-12 * std::max(std::abs(bounds.lower), std::abs(bounds.upper));
  const double need = std::max(least, 1e-290) - bounds.half_width();
  if (need > 0) {
    bounds.lower -= need;
    bounds.upper += need;
  }
  return bounds;
}

SpectralBounds widened(SpectralBounds bounds) {
  const double more = 0.1 * bounds.half_width();
  bounds.lower -= more;
  bounds.upper += more;
  return bounds;
}

namespace {

void require_products(Complex z, index_t max_products) {
  if (!(std::abs(z) < static_cast<double>(max_products)))
    throw InvalidArgument(detail::concat("exp(tA): about ", std::round(std::abs(z)),
                                         " products are needed, max_products is ", max_products,
                                         "; shorten the time or raise max_products"));
}

/// Series of exp(tA), its interval and its cost. `run` sums it into fresh outputs and returns the
/// norm of what it was applied to; nothing if the spectrum was not inside the interval, which is
/// then widened.
template <Scalar T, class Run>
Exponential with_bounds(const LinearMap<T>& a, Complex t, SpectralBounds bounds, double tol,
                        index_t max_products, Run&& run) {
  Exponential result;
  const index_t before = a.products();
  for (int attempt = 0; attempt < 40; ++attempt) {
    bounds = not_empty(bounds);
    const Complex z = t * bounds.half_width();
    require_products(z, max_products);
    auto series = exponential_series(z);
    // With growth the result may be much smaller than the bound of the series, so nothing is cut
    // off there.
    const std::size_t degree = series.degree(t.real() == 0 ? tol / 4 : 0);
    series.coefficients.resize(degree + 1);
    const Complex shift = t * bounds.center();
    const std::optional<double> norm =
        run(bounds, series.coefficients, std::polar(1.0, shift.imag()));
    if (norm) {
      const double rounding =
          std::numeric_limits<double>::epsilon() * (4 + static_cast<double>(degree));
      result.error = *norm * (series.tail[degree] + rounding);
      result.log_scale = shift.real() + std::abs(z.real());
      result.bounds = bounds;
      result.degree = static_cast<index_t>(degree);
      result.products = a.products() - before;
      return result;
    }
    bounds = widened(bounds);
  }
  throw InvalidArgument(
      "exp(tA): the vectors of the Chebyshev series grow on every interval tried; the operator is "
      "not Hermitian");
}

/// Growth is taken in pieces: a series is exact relative to the largest value of the exponential on
/// its interval, which is wider than the spectrum, and over a long time exp() of the difference
/// would be lost. `piece(dt, bounds)` moves the state, `norm()` and `scale(factor)` are about it.
template <class Piece, class Norm, class Scale>
Exponential in_pieces(Complex t, SpectralBounds bounds, index_t max_products, Piece&& piece,
                      Norm&& norm, Scale&& scale) {
  constexpr double longest = 50;
  require_products(t * bounds.half_width(), max_products);
  const double growth = std::abs(t.real()) * bounds.half_width();
  const double pieces = std::max(1.0, std::ceil(growth / longest));
  if (pieces == 1) return piece(t, bounds);
  const double start = norm();
  Exponential sum{.bounds = bounds};
  double relative = 0;
  for (double i = 0; i < pieces; ++i) {
    const Exponential e = piece(t / pieces, sum.bounds);
    const double size = norm();
    sum.bounds = e.bounds;
    sum.products += e.products;
    sum.degree += e.degree;
    sum.log_scale += e.log_scale;
    if (!(size > 0)) return sum;  // of zero
    relative += e.error / size;
    if (i + 1 < pieces) {
      scale(start / size);
      sum.log_scale += std::log(size / start);
    }
    sum.error = relative * size;
  }
  return sum;
}

template <Scalar T>
std::vector<T> as_scalars(std::span<const Complex> c) {
  std::vector<T> result;
  for (const Complex value : c) result.push_back(from_complex<T>(value));
  return result;
}
std::vector<double> imaginary_parts(std::span<const Complex> c, double sign) {
  std::vector<double> result;
  for (const Complex value : c) result.push_back(sign * value.imag());
  return result;
}

/// Where numbers of the operator are too large or small to be squared: run(map, t, bounds) of the
/// operator in other units.
template <Scalar T, class Run>
std::optional<Exponential> in_safe_units(const LinearMap<T>& a, Complex t, SpectralBounds bounds,
                                         Run&& run) {
  const double factor =
      ScaledMap<T>::factor_for(std::max(std::abs(bounds.lower), std::abs(bounds.upper)));
  if (factor == 1) return {};
  bounds.lower *= factor;
  bounds.upper *= factor;
  Exponential e = run(ScaledMap<T>(a, factor), t / factor, bounds);
  e.bounds.lower /= factor;
  e.bounds.upper /= factor;
  return e;
}

}  // namespace

template <Scalar T>
Exponential exponentiate(const LinearMap<T>& a, Complex t, std::span<T> x, SpectralBounds bounds,
                         double tol, index_t max_products) {
  KRONSOLVE_ASSERT(is_complex<T> || t.imag() == 0);
  if (const auto e = in_safe_units(a, t, bounds, [&](const auto& map, Complex time, auto interval) {
        return exponentiate<T>(map, time, x, interval, tol, max_products);
      }))
    return *e;
  Buffer<T> out(vec::length(x));
  double norm = 0;
  const auto run = [&](const SpectralBounds& interval, std::span<const Complex> c,
                       Complex phase) -> std::optional<double> {
    vec::set_zero<T>(out.span());
    const ChebyshevOutput<T> outputs[] = {{as_scalars<T>(c), out.span()}};
    if (norm > 0 && !chebyshev_sum<T>(a, interval, x, outputs)) return {};
    vec::scaled_copy<T>(from_complex<T>(phase), out.span(), x);
    return norm;
  };
  const auto size = [&] { return norm = vec::norm<T>(a.comm(), x); };
  const auto piece = [&](Complex dt, const SpectralBounds& start) {
    size();
    return with_bounds(a, dt, start, tol, max_products, run);
  };
  return in_pieces(t, bounds, max_products, piece, size,
                   [&](double factor) { vec::scale<T>(factor, x); });
}

Exponential exponentiate_pair(const LinearMap<double>& a, Complex t, std::span<double> re,
                              std::span<double> im, SpectralBounds bounds, double tol,
                              index_t max_products) {
  if (const auto e = in_safe_units(a, t, bounds, [&](const auto& map, Complex time, auto interval) {
        return exponentiate_pair(map, time, re, im, interval, tol, max_products);
      }))
    return *e;
  double norm_re = 0, norm_im = 0;
  Buffer<double> out_re(vec::length(re)), out_im(vec::length(im));
  const auto run = [&](const SpectralBounds& interval, std::span<const Complex> c,
                       Complex phase) -> std::optional<double> {
    vec::set_zero<double>(out_re.span());
    vec::set_zero<double>(out_im.span());
    const auto real = as_scalars<double>(c);
    // (u + iv) c = (u Re c - v Im c) + i (u Im c + v Re c); each of u and v is one real recurrence.
    const ChebyshevOutput<double> of_re[] = {{real, out_re.span()},
                                             {imaginary_parts(c, 1), out_im.span()}};
    const ChebyshevOutput<double> of_im[] = {{real, out_im.span()},
                                             {imaginary_parts(c, -1), out_re.span()}};
    if (norm_re > 0 && !chebyshev_sum<double>(a, interval, re, of_re)) return {};
    if (norm_im > 0 && !chebyshev_sum<double>(a, interval, im, of_im)) return {};
    const index_t n = vec::length(re);
#pragma omp parallel for simd num_threads(num_threads()) \
    schedule(static) if (n >= vec::parallel_rows)
    for (index_t i = 0; i < n; ++i) {
      re[i] = phase.real() * out_re[i] - phase.imag() * out_im[i];
      im[i] = phase.real() * out_im[i] + phase.imag() * out_re[i];
    }
    return std::hypot(norm_re, norm_im);
  };
  const auto size = [&] {
    norm_re = vec::norm<double>(a.comm(), re);
    norm_im = vec::norm<double>(a.comm(), im);
    return std::hypot(norm_re, norm_im);
  };
  const auto piece = [&](Complex dt, const SpectralBounds& start) {
    size();
    return with_bounds(a, dt, start, tol, max_products, run);
  };
  return in_pieces(t, bounds, max_products, piece, size, [&](double factor) {
    vec::scale<double>(factor, re);
    vec::scale<double>(factor, im);
  });
}

#define KRONSOLVE_INSTANTIATE(T)                                                                \
  template bool chebyshev_sum(const LinearMap<T>&, const SpectralBounds&, std::span<const T>,   \
                              std::span<const ChebyshevOutput<T>>);                             \
  template bool chebyshev_columns(const LinearMap<T>&, const SpectralBounds&,                   \
                                  std::span<const double>, std::span<const std::span<const T>>, \
                                  std::span<const std::span<T>>);                               \
  template Exponential exponentiate(const LinearMap<T>&, Complex, std::span<T>, SpectralBounds, \
                                    double, index_t);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
