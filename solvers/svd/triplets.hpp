#pragma once
// What the methods of svds hand to the frontend, always for the tall view of the map.

#include <algorithm>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include <kronsolve/solvers/svds.hpp>

#include "solvers/svd/tall_view.hpp"

namespace kronsolve::svd {

template <Scalar T>
struct Triplets {
  std::vector<double> values;     ///< descending
  std::vector<double> residuals;  ///< sqrt(|Av-su|^2 + |A^H u-sv|^2), or a bound of it
  ResidualKind residual_kind = ResidualKind::explicit_;
  double norm = 0;  ///< largest singular value seen: a lower bound of |A|
  index_t steps = 0;
  bool settled = true;  ///< the method itself saw every residual within the tolerance
  SvdMethod method = SvdMethod::automatic;  ///< set where another one took over
  std::string reason;
  DistributedVectors<T> left, right;
};

/// Subspace of the bidiagonalisation when it is left to choose (measured on random sparse
/// matrices).
inline index_t bidiagonal_subspace(index_t k) { return std::max<index_t>(2 * k + 16, 28); }

/// Residual up to which a triplet counts as converged.
inline double residual_limit(double tol, double value, double norm) {
  return tol * std::max(value, std::min(1.0, norm));
}

/// Subspace of restarted_svds when it is left to choose.
inline index_t restarted_subspace(index_t k) { return std::max<index_t>(2 * k + 20, 32); }

/// Values taken anew from vectors may differ in their last digits from those that ordered them.
template <Scalar T>
void sort_descending(Triplets<T>& t) {
  std::vector<std::size_t> order(t.values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t i, std::size_t j) { return t.values[i] > t.values[j]; });
  const auto values = t.values, residuals = t.residuals;
  for (std::size_t i = 0; i < order.size(); ++i) {
    t.values[i] = values[order[i]];
    t.residuals[i] = residuals[order[i]];
  }
  t.right.permute(order);
  t.left.permute(order);
}

/// Thick-restart bidiagonalisation. Options are checked.
/// @param seed   of the start vector, in place of that of the options
/// @param known  triplets that are kept as they are (converged ones of an earlier call): the search
///               goes on from a fresh start vector orthogonal to them; they are among the result's
///               k
template <Scalar T>
Triplets<T> bidiagonal_svds(const TallView<T>& a, const SvdsOptions& options,
                            const Triplets<T>* known, std::uint64_t seed);

/// The same in place of a method that its own products with A^H A have failed.
template <Scalar T>
Triplets<T> bidiagonal_instead(const TallView<T>& a, const SvdsOptions& options,
                               const std::string& why) {
  auto instead = bidiagonal_svds<T>(a, options, nullptr, options.seed);
  instead.method = SvdMethod::bidiagonal;
  instead.reason =
      kronsolve::detail::concat(why, " for A^H A, so by bidiagonalisation: ", instead.reason);
  return instead;
}
/// True if every residual is within the tolerance.
template <Scalar T>
bool all_within(const Triplets<T>& t, double tol) {
  bool good = true;
  for (std::size_t i = 0; i < t.values.size(); ++i)
    good = good && t.residuals[i] <= residual_limit(tol, t.values[i], t.norm);
  return good;
}

/// Thick-restart Lanczos on A^H A for the largest triplets; bidiagonalisation where rounding of A^H
/// A would spoil them.
template <Scalar T>
Triplets<T> restarted_svds(const TallView<T>& a, const SvdsOptions& options);

/// Lanczos on A^H A.
template <Scalar T>
Triplets<T> cross_svds(const TallView<T>& a, const SvdsOptions& options);

/// LAPACK on the first rank; min(rows, cols) products make the matrix.
template <Scalar T>
Triplets<T> dense_svds(const TallView<T>& a, const SvdsOptions& options);

struct TripletCertificate {
  bool certified = false;
  index_t inserted = 0, products = 0;
  std::string text;
};

/// Looks for singular values beyond the last triplet from a fresh start vector, and puts missed
/// ones in. Collective.
template <Scalar T>
TripletCertificate certify_triplets(const TallView<T>& a, Triplets<T>& t,
                                    const SvdsOptions& options);

/// sqrt(|Av-su|^2 + |A^H u-sv|^2) with two products. Collective.
template <Scalar T>
double triplet_residual(const TallView<T>& a, double value, std::span<const T> u,
                        std::span<const T> v);

}  // namespace kronsolve::svd
