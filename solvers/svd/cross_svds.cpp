#include <cmath>
#include <tuple>

#include <kronsolve/core/random.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/checkpoint.hpp>
#include <kronsolve/solvers/lanczos.hpp>

#include "solvers/svd/triplets.hpp"

namespace kronsolve::svd {

namespace {

/// u = A v / s for column i, orthogonal to the left vectors before it; returns s. Where s is rounding
/// beside |A|, A v / s is no direction of its own: the residual says whether what is left is one for
/// A.
template <Scalar T>
double left_vector(const TallView<T>& a, Triplets<T>& t, index_t i, std::uint64_t seed) {
  const std::span<T> u = t.left.column(i);
  a.apply(std::as_const(t.right).column(i), u);
  const double value = vec::norm<T>(a.comm(), u);
  std::uint32_t stream = 0;
  vec::orthonormalise(a.comm(), vec::Columns(t.left, 0, i), u, 1e-14 * t.norm, [&](std::span<T> x) {
    fill_normal(x, a.row_range(), seed + static_cast<std::uint64_t>(i), stream++);
  });
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
  double norm = 0;
  bool given_up = false;
  const CheckpointStage stage(options.checkpoint, "cross", [&](CheckpointWriter& writer) {
    writer.numbers("place", std::tie(norm, given_up));
  });
  if (const auto* saved = stage.saved())
    saved->numbers("place", std::tie(norm, given_up));
  else
    norm = rough_norm(a, options.seed);
  const auto instead = [&] {
    given_up = true;
    return bidiagonal_instead(a, options, "residuals with products were too large");
  };
  if (given_up) return instead();
  const CrossProduct<T> cross(a, norm);
  const bool largest = options.which == SingularEnd::largest;
  LanczosOptions search{.k = options.k,
                        .which = largest ? Which::LA : Which::SA,
                        .tol = options.tol,
                        .scale = 1,
                        .max_iterations = options.max_iterations,
                        .seed = options.seed,
                        .progress = options.progress,
                        .checkpoint = options.checkpoint};
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
    result.values.push_back(left_vector<T>(a, result, i, options.seed));
    result.residuals.push_back(triplet_residual<T>(a, result.values.back(), result.left.column(i),
                                                   result.right.column(i)));
    result.norm = std::max(result.norm, result.values.back());
  }
  sort_descending(result);
  // A v / s is no vector where s is rounding beside |A|, and squares bring the small end together.
  const bool cut_short = !pairs.converged && options.max_iterations > 0;
  if (!cut_short && !all_within(result, options.tol)) return instead();
  return result;
}

#define KRONSOLVE_INSTANTIATE(T) \
  template Triplets<T> cross_svds(const TallView<T>&, const SvdsOptions&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::svd
