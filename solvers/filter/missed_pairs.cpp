#include "solvers/filter/missed_pairs.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/checkpoint.hpp>
#include <kronsolve/solvers/lanczos.hpp>

#include "solvers/dense/hermitian.hpp"
#include "solvers/functions/chebyshev.hpp"
#include "solvers/krylov/miss_probability.hpp"

namespace kronsolve::filter {

namespace {

/// The polynomial of an operator as an operator.
template <Scalar T>
class PolynomialMap final : public LinearMap<T> {
 public:
  PolynomialMap(const LinearMap<T>& a, const SpectralBounds& bounds,
                std::span<const double> coefficients)
      : LinearMap<T>(a.comm(), a.row_partition(), a.col_partition()),
        a_(&a),
        bounds_(bounds),
        coefficients_(coefficients.begin(), coefficients.end()) {}
  index_t memory_bytes() const noexcept override { return 0; }

 protected:
  void apply_impl(std::span<const T> x, std::span<T> y) const override {
    const std::span<const T> in[] = {x};
    const std::span<T> out[] = {y};
    if (!chebyshev_columns<T>(*a_, bounds_, coefficients_, in, out))
      throw InvalidArgument("filter: a part of the spectrum lies outside the bounds given");
  }

 private:
  const LinearMap<T>* a_;
  SpectralBounds bounds_;
  std::vector<double> coefficients_;
};

/// What the search for missed pairs came to.
struct WindowCheck {
  bool certified = false;
  double probability = 1;
  index_t inserted = 0;
  index_t products = 0;
};

/// Pairs above this value of the polynomial belong to the answer: those of the window, or, where the
/// k nearest to a target are wanted and k are there, those nearer than the k-th. Copies of the k-th
/// level are no nearer, however many there are.
double value_of_wanted(const Window& window, const FilterOptions& o, double tolerance,
                       const std::vector<double>& values) {
  // Half way down to the pairs that were collected: what is above was missed.
  const double of_window = window.threshold - collected_below / 2;
  if (o.interval || std::ssize(values) < o.k) return of_window;
  std::vector<double> distances;
  for (const double value : values) distances.push_back(std::abs(value - o.sigma));
  std::nth_element(distances.begin(), distances.begin() + (o.k - 1), distances.end());
  const double kth = distances[static_cast<std::size_t>(o.k - 1)];
  // The polynomial falls to both sides of the target, if not alike.
  const double edge = std::min(window.value(o.sigma - kth), window.value(o.sigma + kth));
  return std::max(of_window, edge + 10 * tolerance);
}

/// Lanczos on the polynomial from a fresh random vector, orthogonal to `vectors`: until it shows a
/// pair of the window (then computed and appended, and once more), or one would have been seen.
/// Collective.
template <Scalar T>
WindowCheck search_missed(const LinearMap<T>& a, const PolynomialMap<T>& polynomial,
                          const Window& window, const FilterOptions& o, double tolerance,
                          std::vector<double> values, DistributedVectors<T>& vectors) {
  constexpr index_t most_steps = 2000;
  WindowCheck check;
  const index_t n = polynomial.rows();
  index_t before = a.products();
  bool computing = false;  // what was seen
  const auto place = [&] { return std::tie(check.inserted, computing, check.products); };
  const CheckpointStage stage(o.checkpoint, "missed pairs", [&](CheckpointWriter& writer) {
    check.products = a.products() - before;
    writer.numbers("place", place());
    writer.numbers("values", values);
  });
  if (const auto* saved = stage.saved()) {
    saved->numbers("place", place());
    before -= check.products;
    values = saved->numbers("values");
  }
  DistributedVectors<T> product(a.row_partition(), a.comm().rank(), 1);
  while (vectors.count() < n) {
    if (o.progress) o.progress(vectors.count(), std::ssize(values));
    const double missed = value_of_wanted(window, o, tolerance, values);
    const double wanted = std::max(window.threshold, missed);
    LanczosOptions search{.which = Which::LA,
                          .tol = std::max(tolerance, 1e-12),
                          .scale = 1,
                          .max_iterations = most_steps,
                          .seed = o.seed + 0x51ed + static_cast<std::uint64_t>(check.inserted),
                          .vectors = Eigenvectors::skip,
                          .checkpoint = o.checkpoint};
    search.stop = [&](const LanczosOptions::Ritz& ritz) {
      check.probability = krylov::miss_probability(
          wanted - ritz.value, std::abs(ritz.value - ritz.opposite_value), n, ritz.steps);
      return ritz.value > missed || check.probability <= o.miss_probability;
    };
    if (!computing) {
      const auto rest = lanczos<T>(polynomial, search, vectors);
      computing = rest.eigenvalues[0] > missed;
      if (!computing) {
        // Where the value itself has converged first, little was left to search.
        check.certified = rest.converged || check.probability <= o.miss_probability;
        if (rest.converged) check.probability = 0;
        break;
      }
    }
    search.vectors = Eigenvectors::compute;
    search.stop = {};
    auto pair = lanczos<T>(polynomial, search, vectors);
    if (!pair.converged || pair.eigenvalues[0] <= missed) break;
    computing = false;
    a.apply(pair.vectors.column(0), product.column(0));
    values.push_back(real_part(vec::dot<T>(a.comm(), pair.vectors.column(0), product.column(0))));
    vectors.append(std::move(pair.vectors));
    ++check.inserted;
  }
  if (vectors.count() == n) {
    check.certified = true;  // the pairs are all there are
    check.probability = 0;
  }
  check.products = a.products() - before;
  return check;
}

}  // namespace

double polynomial_tolerance(const FilterOptions& options) {
  return std::max(0.05 * options.tol, 2e-13);
}

template <Scalar T>
FilterResult<T> rayleigh_ritz(const LinearMap<T>& a, DistributedVectors<T> x) {
  const index_t k = x.count();
  const auto block = [&](index_t columns, ColumnStorage storage) {
    return DistributedVectors<T>(a.row_partition(), a.comm().rank(), columns, storage);
  };
  auto ax = block(k, ColumnStorage::together);
  for (index_t j = 0; j < k; ++j) a.apply(x.column(j), ax.column(j));
  const auto inner = vec::inner<T>(a.comm(), x, ax);
  DenseMatrix<T> small(k, k);
  std::copy(inner.begin(), inner.end(), small.data());
  const auto eigen = dense::hermitian_eigh(std::move(small));
  FilterResult<T> r;
  r.eigenvalues = eigen.values;
  const std::span<const T> turn(eigen.vectors.data(), static_cast<std::size_t>(k * k));
  vec::rotate<T, T>(ax, k, k, turn);
  vec::rotate<T, T>(x, k, k, turn);
  r.vectors = block(k, ColumnStorage::apart);
  for (index_t j = 0; j < k; ++j) {
    const double value = eigen.values[static_cast<std::size_t>(j)];
    r.residuals.push_back(vec::distance<T>(a.comm(), value, x.column(j), ax.column(j)));
    vec::copy<T>(x.column(j), r.vectors.column(j));
  }
  r.memory_bytes = 3 * x.memory_bytes();
  return r;
}

template <Scalar T>
void certify_window(const LinearMap<T>& a, const SpectralBounds& bounds, const Window& window,
                    const FilterOptions& o, FilterResult<T>& r) {
  const PolynomialMap<T> polynomial(a, bounds, window.polynomial.coefficients);
  const auto check =
      search_missed(a, polynomial, window, o, polynomial_tolerance(o), r.eigenvalues, r.vectors);
  const index_t before = a.products();
  if (check.inserted > 0) {
    DistributedVectors<T> x(a.row_partition(), a.comm().rank(), r.vectors.count(),
                            ColumnStorage::together);
    for (index_t j = 0; j < x.count(); ++j) vec::copy<T>(r.vectors.column(j), x.column(j));
    r = rayleigh_ritz(a, std::move(x));
  }
  r.certified = check.certified;
  r.inserted = check.inserted;
  r.certify_products = check.products + a.products() - before;
  const auto where =
      o.interval ? detail::concat("no other pair in [", window.lower, ", ", window.upper, "]")
                 : detail::concat("no other pair nearer to ", o.sigma, " than the last");
  r.certificate = !check.certified
                      ? "not certified: the search for missed pairs ended without an answer"
                  : check.probability > 0
                      ? detail::concat(where, ", missed with probability below ", check.probability)
                      : "the search for more pairs came to its end";
  if (check.inserted > 0)
    r.certificate += detail::concat("; ", check.inserted, " missed pair(s) were found and put in");
}

#define KRONSOLVE_DEFINE(T)                                                               \
  template FilterResult<T> rayleigh_ritz(const LinearMap<T>&, DistributedVectors<T>);     \
  template void certify_window(const LinearMap<T>&, const SpectralBounds&, const Window&, \
                               const FilterOptions&, FilterResult<T>&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_DEFINE)
#undef KRONSOLVE_DEFINE

}  // namespace kronsolve::filter
