#include <algorithm>
#include <cmath>
#include <numbers>

#include <kronsolve/solvers/spectral_function.hpp>

#include "solvers/dense/blas_threads.hpp"
#include "solvers/dense/tridiagonal.hpp"
#include "solvers/functions/lanczos_process.hpp"

namespace kronsolve {

using Complex = std::complex<double>;

Complex SpectralFunction::green(Complex z) const {
  Complex tail = 0;  // from the end: 1 / (z - a_j - b_j^2 tail)
  for (std::size_t j = alpha.size(); j-- > 0;) {
    const double square = j + 1 < alpha.size() ? beta[j] * beta[j] : 0;
    tail = 1.0 / (z - alpha[j] - square * tail);
  }
  return norm_squared * tail;
}

double SpectralFunction::density(double energy, double eta) const {
  return -green({energy, eta}).imag() / std::numbers::pi;
}

double SpectralFunction::moment(int power) const {
  double sum = 0;
  for (std::size_t j = 0; j < poles.size(); ++j) sum += weights[j] * std::pow(poles[j], power);
  return sum;
}

namespace {

/// Poles that phi has. The rounding of phi holds a little of every state: once the space is
/// exhausted it brings levels without weight, and second copies of degenerate ones, which share the
/// weight of their level in an arbitrary way.
void set_poles(SpectralFunction& f, const dense::TridiagonalEigen& ritz) {
  constexpr double same_level = 1e-11, no_weight = 1e-26;  // of the largest |pole|, of <phi|phi>
  double scale = 0;
  for (const double value : ritz.values) scale = std::max(scale, std::abs(value));
  for (std::size_t j = 0; j < ritz.values.size(); ++j) {
    const double weight = f.norm_squared * ritz.component(0, j) * ritz.component(0, j);
    if (!(weight > no_weight * f.norm_squared)) continue;
    if (f.poles.empty() || ritz.values[j] - f.poles.back() > same_level * scale) {
      f.poles.push_back(ritz.values[j]);
      f.weights.push_back(weight);
    } else {
      const double both = f.weights.back() + weight;
      f.poles.back() += (ritz.values[j] - f.poles.back()) * (weight / both);
      f.weights.back() = both;
    }
  }
}

}  // namespace

template <Scalar T>
SpectralFunction spectral_function(const LinearMap<T>& h, VectorArgument<T> phi,
                                   const SpectralFunctionOptions& options) {
  vec::require_square("spectral_function", h);
  vec::require_vector("spectral_function", h, phi);
  if (options.steps < 1)
    throw InvalidArgument(
        detail::concat("spectral_function: steps must be at least 1, got ", options.steps));
  const index_t before = h.products();
  // Without the vectors a level that has converged comes up again and again, as poles that share
  // its weight. With many rows that needs more steps than are asked for.
  constexpr index_t most_bytes = index_t{64} << 20;
  const index_t steps = std::min(options.steps, h.rows());
  const index_t most_kept = most_bytes / std::max<index_t>(1, h.row_partition().max_local_rows() *
                                                                  static_cast<index_t>(sizeof(T)));
  const dense::BlasThreads one(1);  // blocks of rows go to our own threads
  LanczosProcess<T> lanczos(h, phi, steps <= most_kept ? KrylovVectors::keep : KrylovVectors::drop);
  SpectralFunction result;
  result.norm_squared = lanczos.start_norm() * lanczos.start_norm();
  while (!lanczos.exhausted() && static_cast<index_t>(lanczos.steps()) < options.steps)
    lanczos.step();
  result.products = h.products() - before;
  if (lanczos.steps() == 0) return result;  // phi = 0
  if (lanczos.imaginary() > 1e-8 * (1 + std::abs(lanczos.alpha()[0])))
    throw InvalidArgument(detail::concat(
        "spectral_function: the operator is not Hermitian: <x,Hx> has the imaginary part ",
        lanczos.imaginary()));
  result.alpha = lanczos.alpha();
  result.beta = lanczos.beta();
  set_poles(result, dense::tridiagonal_eigh(result.alpha, result.beta));
  return result;
}

Complex CrossSpectralFunction::green(Complex z) const {
  Complex sum = 0;
  for (const auto& part : parts) sum += part.factor * part.function.green(z);
  return sum;
}

Complex CrossSpectralFunction::moment(int power) const {
  Complex sum = 0;
  for (const auto& part : parts) sum += part.factor * part.function.moment(power);
  return sum;
}

index_t CrossSpectralFunction::products() const noexcept {
  index_t sum = 0;
  for (const auto& part : parts) sum += part.function.products;
  return sum;
}

template <Scalar T>
CrossSpectralFunction cross_spectral_function(const LinearMap<T>& h, VectorArgument<T> a,
                                              VectorArgument<T> b,
                                              const SpectralFunctionOptions& options) {
  vec::require_square("cross_spectral_function", h);
  vec::require_vector("cross_spectral_function", h, a);
  vec::require_vector("cross_spectral_function", h, b);
  CrossSpectralFunction result;
  Buffer<T> sum(vec::length(a));
  // c = a + p b: <c|G|c> = <a|G|a> + <b|G|b> + p <a|G|b> + conj(p) <b|G|a>; times conj(p), summed
  // over p = 1, -1, i, -i, only 4 <a|G|b> is left. For real vectors <b|G|a> = <a|G|b>, and p = 1,
  // -1 are enough.
  std::vector<Complex> factors = {1, -1};
  if constexpr (is_complex<T>) factors.insert(factors.end(), {Complex(0, 1), Complex(0, -1)});
  for (const Complex p : factors) {
    vec::copy<T>(a, sum.span());
    vec::axpy<T>(from_complex<T>(p), b, sum.span());
    result.parts.push_back(
        {std::conj(p) / 4.0, spectral_function<T>(h, std::as_const(sum).span(), options)});
  }
  return result;
}

#define KRONSOLVE_INSTANTIATE(T)                                                                  \
  template SpectralFunction spectral_function(const LinearMap<T>&, std::span<const T>,            \
                                              const SpectralFunctionOptions&);                    \
  template CrossSpectralFunction cross_spectral_function(const LinearMap<T>&, std::span<const T>, \
                                                         std::span<const T>,                      \
                                                         const SpectralFunctionOptions&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
