#include <cmath>

#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/lanczos.hpp>

#include "solvers/svd/triplets.hpp"

namespace kronsolve::svd {

namespace {

/// u = A v / s, or any unit vector where s = 0: its residual says whether it is one for A.
template <Scalar T>
double left_vector(const TallView<T>& a, std::span<const T> v, std::span<T> u) {
  a.apply(v, u);
  const double value = vec::norm<T>(a.comm(), u);
  if (value > 0)
    vec::scale<T>(1 / value, u);
  else if (a.row_range().contains(0))
    u[0] = 1;
  return value;
}

/// |A| to some ten percent: enough to scale A^H A to 1, on which the tolerance of Lanczos rests.
template <Scalar T>
double rough_norm(const TallView<T>& a, std::uint64_t seed) {
  const CrossProduct<T> cross(a);
  const auto top = lanczos<T>(cross, {.which = Which::LA,
                                      .tol = 0.1,
                                      .scale = 0,
                                      .max_iterations = 12,
                                      .seed = seed,
                                      .vectors = Eigenvectors::skip});
  return std::sqrt(std::max(0.0, top.eigenvalues.front()));
}

}  // namespace

template <Scalar T>
Triplets<T> cross_svds(const TallView<T>& a, const SvdsOptions& options) {
  const double norm = rough_norm(a, options.seed);
  const CrossProduct<T> cross(a, norm);
  const bool largest = options.which == SingularEnd::largest;
  LanczosOptions search{.k = options.k,
                        .which = largest ? Which::LA : Which::SA,
                        .tol = options.tol,
                        .scale = 1,
                        .max_iterations = options.max_iterations,
                        .seed = options.seed,
                        .progress = options.progress};
  auto pairs = lanczos<T>(cross, search);
  Triplets<T> result;
  result.norm = norm;
  result.steps = pairs.iterations;
  result.reason = detail::concat("A^H A: ", pairs.reason);
  result.right = std::move(pairs.vectors);
  result.left = DistributedVectors<T>(a.row_partition(), a.comm().rank(), options.k);
  std::vector<std::size_t> descending;
  for (index_t i = options.k; i-- > 0;) descending.push_back(static_cast<std::size_t>(i));
  result.right.permute(descending);
  for (index_t i = 0; i < options.k; ++i) {
    const std::span<const T> v = std::as_const(result.right).column(i);
    result.values.push_back(left_vector<T>(a, v, result.left.column(i)));
    result.residuals.push_back(
        triplet_residual<T>(a, result.values.back(), result.left.column(i), v));
    result.norm = std::max(result.norm, result.values.back());
  }
  sort_descending(result);
  // A v / s is no vector where s is rounding beside |A|.
  if (pairs.converged && !all_within(result, options.tol))
    return bidiagonal_instead(a, options, "residuals with products were too large");
  return result;
}

#define KRONSOLVE_INSTANTIATE(T) \
  template Triplets<T> cross_svds(const TallView<T>&, const SvdsOptions&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::svd
