#include <kronsolve/core/random.hpp>
#include <kronsolve/solvers/spectral_bounds.hpp>

#include "solvers/dense/tridiagonal.hpp"
#include "solvers/functions/lanczos_process.hpp"

namespace kronsolve {

namespace {

/// For a Hermitian map the vector after the second step is orthogonal to the first one by itself.
template <Scalar T>
void require_hermitian(const LinearMap<T>& a, const LanczosProcess<T>& lanczos,
                       std::span<const T> first) {
  const double norm = vec::norm(a.comm(), first);
  const double lost =
      std::abs(vec::dot<T>(a.comm(), first, lanczos.vector())) / norm * lanczos.beta().back();
  const double size = std::abs(lanczos.alpha()[0]) + lanczos.beta()[0] + lanczos.beta()[1];
  if (lost > 1e-8 * size || lanczos.imaginary() > 1e-8 * size)
    throw InvalidArgument(detail::concat(
        "spectral_bounds: the operator is not Hermitian: <x,Ay> and <Ax,y> differ by ",
        std::max(lost, lanczos.imaginary()), " for unit vectors; a Hermitian operator is needed"));
}

}  // namespace

template <Scalar T>
SpectralBounds spectral_bounds(const LinearMap<T>& a, const SpectralBoundsOptions& options) {
  vec::require_square("spectral_bounds", a);
  if (!(options.accuracy > 0 && options.accuracy < 1) || options.max_steps < 1)
    throw InvalidArgument(
        detail::concat("spectral_bounds: accuracy must be in (0, 1) and max_steps at least 1, got ",
                       options.accuracy, " and ", options.max_steps));
  Buffer<T> start(a.row_range().size());
  fill_normal(start.span(), a.row_range(), options.seed, 0x5b0u);
  LanczosProcess<T> lanczos(a, std::as_const(start).span());
  SpectralBounds bounds;
  while (!lanczos.exhausted()) {
    lanczos.step();
    const std::size_t m = lanczos.steps();
    if (m == 2 && !lanczos.exhausted())
      require_hermitian<T>(a, lanczos, std::as_const(start).span());
    const bool last = lanczos.exhausted() || static_cast<index_t>(m) >= options.max_steps;
    if (!last && (m < 10 || m % 4 != 0)) continue;
    const auto ritz = dense::tridiagonal_eigh(lanczos.alpha(), lanczos.beta());
    const double width = ritz.values.back() - ritz.values.front();
    const double beta = lanczos.exhausted() ? 0 : lanczos.beta().back();
    const double low = beta * std::abs(ritz.component(m - 1, 0));
    const double high = beta * std::abs(ritz.component(m - 1, m - 1));
    const double size = std::max(std::abs(ritz.values.front()), std::abs(ritz.values.back()));
    const double margin = 0.005 * width + 1e-12 * size;
    bounds.lower = ritz.values.front() - 2 * low - margin;
    bounds.upper = ritz.values.back() + 2 * high + margin;
    if (last || std::max(low, high) <= options.accuracy * width / 2) break;
  }
  bounds.products = static_cast<index_t>(lanczos.steps());
  return bounds;
}

template SpectralBounds spectral_bounds(const LinearMap<double>&, const SpectralBoundsOptions&);
template SpectralBounds spectral_bounds(const LinearMap<std::complex<double>>&,
                                        const SpectralBoundsOptions&);

}  // namespace kronsolve
