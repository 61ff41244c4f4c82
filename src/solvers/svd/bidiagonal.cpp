#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/random.hpp>

#include "solvers/dense/blas_threads.hpp"
#include "solvers/dense/dense_svd.hpp"
#include "solvers/krylov/panel.hpp"
#include "solvers/svd/triplets.hpp"

namespace kronsolve::svd {

namespace {

using krylov::Columns;
using krylov::Panel;

/// Which vectors are orthogonalised against all before them; the left ones may inherit it.
enum class Sides { right, both };

/// Lengths of left vectors up to this part of |A| ask for orthogonalisation in any case.
constexpr double short_length = 0.01;

/// A V_m = U_m B, A^H U_m = V_m B^T + beta v_{m+1} e_m^T with orthonormal V, U. B is real: diagonal
/// in the kept triplets, a column that couples them to the next vector, upper bidiagonal after it.
///
/// Every new right vector is orthogonalised against all before it, and every left one unless only
/// large singular values are wanted (Simon and Zha 2000, doi:10.1137/S1064827597327309). Where
/// nothing is left (an invariant space: few distinct singular values, a deficient rank, an
/// exhausted small side) a random vector with coupling 0 goes on.
template <Scalar T>
class Bidiagonalisation {
 public:
  Bidiagonalisation(const TallView<T>& a, const SvdsOptions& options, index_t wanted,
                    std::uint64_t seed, Sides sides)
      : a_(a),
        options_(options),
        comm_(a.comm()),
        wanted_(wanted),
        ncv_(subspace(options, wanted, a.cols())),
        seed_(seed),
        sides_(sides),
        v_(a.col_range().size(), ncv_ + 1),
        u_(a.row_range().size(), ncv_),
        b_(static_cast<std::size_t>(ncv_ * ncv_)) {}

  void start(const Triplets<T>* known);
  Triplets<T> run();

 private:
  static index_t subspace(const SvdsOptions& options, index_t wanted, index_t n) {
    const index_t ncv =
        options.ncv > 0 ? std::max(options.ncv, wanted + 1) : bidiagonal_subspace(wanted);
    return std::min(n, ncv);
  }
  double& b(index_t i, index_t j) { return b_[static_cast<std::size_t>(j * ncv_ + i)]; }
  void random_right(std::span<T> x) { fill_normal(x, a_.col_range(), seed_, stream_++); }
  void random_left(std::span<T> x) { fill_normal(x, a_.row_range(), seed_, stream_++); }
  double nothing() const { return 1e-14 * norm_; }
  double left_vector(index_t j, std::span<T> u);
  void step(index_t j);
  void extend();
  void project();
  void restart();
  double estimate(index_t place) const;
  index_t place(index_t i) const {
    return options_.which == SingularEnd::largest ? i : size_ - wanted_ + i;
  }
  std::vector<double> selected(const LargeVector<double>& vectors, index_t first,
                               index_t count) const;
  Triplets<T> collect(bool converged);
  void report() const;

  const TallView<T>& a_;
  const SvdsOptions& options_;
  const Comm& comm_;
  index_t wanted_, ncv_;
  std::uint64_t seed_;
  Sides sides_;
  std::uint32_t stream_ = 0;
  Panel<T> v_, u_;
  std::vector<double> b_;
  index_t kept_ = 0;  // triplets that B starts with
  index_t size_ = 0;  // of B now
  double beta_ = 0;   // coupling to v_{m+1}
  double distance_ = std::numeric_limits<double>::infinity();
  double norm_ = 0;  // largest coefficient or value so far
  index_t steps_ = 0;
  dense::DenseSvd<double> small_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

template <Scalar T>
void Bidiagonalisation<T>::start(const Triplets<T>* known) {
  kept_ = known ? static_cast<index_t>(known->values.size()) : 0;
  for (index_t i = 0; i < kept_; ++i) {
    const auto right = known->right.column(i), left = known->left.column(i);
    std::copy(right.begin(), right.end(), v_.data(i));
    std::copy(left.begin(), left.end(), u_.data(i));
    b(i, i) = known->values[static_cast<std::size_t>(i)];
    norm_ = std::max(norm_, b(i, i));
  }
  random_right(v_.column(kept_));
  (void)krylov::orthonormalise(comm_, Columns(v_, 0, kept_), v_.column(kept_), 0,
                               [&](std::span<T> x) { random_right(x); });
}

/// A v_j in u, what is known of it taken out and normalised; its length.
template <Scalar T>
double Bidiagonalisation<T>::left_vector(index_t j, std::span<T> u) {
  a_.apply(std::as_const(v_).column(j), u);
  if (j > kept_) {
    const double norm2 =
        krylov::subtract<T>(comm_, T(b(j - 1, j)), std::as_const(u_).column(j - 1), u);
    // While no length is small beside |A|, left vectors inherit the orthogonality of right ones.
    if (sides_ == Sides::right && norm2 > short_length * short_length * norm_ * norm_) {
      krylov::scale<T>(1 / std::sqrt(norm2), u);
      return std::sqrt(norm2);
    }
  }
  return krylov::orthonormalise(comm_, Columns(u_, 0, j), u, nothing(),
                                [&](std::span<T> x) { random_left(x); });
}

/// u_j, v_{j+1} and the column j of B from v_j: two products.
template <Scalar T>
void Bidiagonalisation<T>::step(index_t j) {
  const std::span<T> u = u_.column(j), next = v_.column(j + 1);
  const double alpha = left_vector(j, u);
  b(j, j) = alpha;
  norm_ = std::max(norm_, alpha);
  a_.apply_adjoint(std::as_const(u_).column(j), next);
  krylov::add<T>(T(-alpha), std::as_const(v_).column(j), next);
  ++steps_;
  size_ = j + 1;
  if (size_ == a_.cols()) {
    beta_ = 0;  // the small side is exhausted: B has all singular values
    return;
  }
  beta_ = krylov::orthonormalise(comm_, Columns(v_, 0, j + 1), next, nothing(),
                                 [&](std::span<T> x) { random_right(x); });
  norm_ = std::max(norm_, beta_);
  if (j + 1 < ncv_) b(j, j + 1) = beta_;
}

/// Steps until the subspace is full, or before that when the end is near and has come.
template <Scalar T>
void Bidiagonalisation<T>::extend() {
  constexpr double near = 1e4;
  constexpr index_t steps_between = 4;
  for (index_t j = kept_; j < ncv_; ++j) {
    step(j);
    if (distance_ > near || size_ <= wanted_ || size_ == ncv_ || (j - kept_) % steps_between != 0)
      continue;
    project();
    if (distance_ <= 1) return;
  }
  project();
}

/// Singular values of B and how far the worst wanted triplet is from its limit (1: there).
template <Scalar T>
void Bidiagonalisation<T>::project() {
  LargeVector<double> leading;
  for (index_t j = 0; j < size_; ++j)
    leading.insert(leading.end(), b_.begin() + j * ncv_, b_.begin() + j * ncv_ + size_);
  small_ = dense::dense_svd<double>(std::move(leading), size_, size_, dense::SvdVectors::thin);
  norm_ = std::max(norm_, small_.values.front());
  // Vectors will be checked with products: leave room for what rounding adds.
  const double part = options_.vectors == SingularVectors::compute ? 0.5 : 1.0;
  distance_ = 0;
  for (index_t i = 0; i < wanted_; ++i) {
    const double value = small_.values[static_cast<std::size_t>(place(i))];
    const double limit = part * residual_limit(options_.tol, value, small_.values.front());
    const double r = estimate(place(i));
    if (r > 0) distance_ = std::max(distance_, r / limit);
  }
}

/// |A^H u - s v| of the triplet at that place of B's; A v = s u holds by construction.
template <Scalar T>
double Bidiagonalisation<T>::estimate(index_t place) const {
  return std::abs(beta_ * small_.left[static_cast<std::size_t>(place * size_ + size_ - 1)]);
}

template <Scalar T>
std::vector<double> Bidiagonalisation<T>::selected(const LargeVector<double>& vectors,
                                                   index_t first, index_t count) const {
  return {vectors.begin() + first * size_, vectors.begin() + (first + count) * size_};
}

/// Keeps the triplets nearest to the wanted end, and v_{m+1} as the vector to go on from.
template <Scalar T>
void Bidiagonalisation<T>::restart() {
  const index_t keep = std::min(wanted_ + (ncv_ - wanted_) * 3 / 10, ncv_ - 1);
  const index_t first = options_.which == SingularEnd::largest ? 0 : size_ - keep;
  const auto right = selected(small_.right, first, keep), left = selected(small_.left, first, keep);
  krylov::rotate<T, double>(v_, size_, keep, right);
  krylov::rotate<T, double>(u_, size_, keep, left);
  std::copy_n(v_.data(size_), v_.rows(), v_.data(keep));
  std::fill(b_.begin(), b_.end(), 0);
  for (index_t i = 0; i < keep; ++i) {
    b(i, i) = small_.values[static_cast<std::size_t>(first + i)];
    b(i, keep) = beta_ * left[static_cast<std::size_t>(i * size_ + size_ - 1)];
  }
  kept_ = keep;
}

template <Scalar T>
void Bidiagonalisation<T>::report() const {
  if (!options_.progress) return;
  Progress p;
  p.wanted = wanted_;
  for (index_t i = 0; i < wanted_; ++i) {
    const double value = small_.values[static_cast<std::size_t>(place(i))], r = estimate(place(i));
    const bool good = r <= residual_limit(options_.tol, value, norm_);
    p.converged += good ? 1 : 0;
    if (!good) p.worst_residual = std::max(p.worst_residual, r);
  }
  p.best_value = small_.values[static_cast<std::size_t>(place(0))];
  p.iterations = steps_;
  p.products = 2 * steps_;
  p.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  options_.progress(p);
}

template <Scalar T>
Triplets<T> Bidiagonalisation<T>::collect(bool converged) {
  Triplets<T> result;
  const index_t first = place(0);
  result.steps = steps_;
  result.settled = converged;
  result.norm = small_.values.front();
  result.reason = converged ? detail::concat("every residual is within the tolerance after ",
                                             steps_, " bidiagonalisation steps")
                            : detail::concat("stopped after ", steps_, " bidiagonalisation steps");
  const auto right = selected(small_.right, first, wanted_),
             left = selected(small_.left, first, wanted_);
  result.right = DistributedVectors<T>(a_.col_partition(), comm_.rank(), wanted_);
  result.left = DistributedVectors<T>(a_.row_partition(), comm_.rank(), wanted_);
  krylov::rotate<T, double>(v_, size_, wanted_, right);
  krylov::rotate<T, double>(u_, size_, wanted_, left);
  const bool check = options_.vectors == SingularVectors::compute;
  result.residual_kind = check ? ResidualKind::explicit_ : ResidualKind::bound;
  for (index_t i = 0; i < wanted_; ++i) {
    std::copy_n(v_.data(i), v_.rows(), result.right.column(i).data());
    std::copy_n(u_.data(i), u_.rows(), result.left.column(i).data());
    const double value = small_.values[static_cast<std::size_t>(first + i)];
    result.values.push_back(value);
    result.residuals.push_back(
        check ? triplet_residual<T>(a_, value, result.left.column(i), result.right.column(i))
              : estimate(first + i));
  }
  return result;
}

template <Scalar T>
Triplets<T> Bidiagonalisation<T>::run() {
  const index_t limit =
      options_.max_iterations > 0 ? options_.max_iterations : std::max<index_t>(10000, 100 * ncv_);
  while (true) {
    extend();
    report();
    const bool done = beta_ == 0 && size_ == a_.cols();
    if (distance_ <= 1) return collect(true);
    if (done || steps_ >= limit) return collect(false);
    restart();
  }
}

}  // namespace

template <Scalar T>
Triplets<T> bidiagonal_svds(const TallView<T>& a, const SvdsOptions& options,
                            const Triplets<T>* known, std::uint64_t seed) {
  const dense::BlasThreads one(1);  // blocks of rows go to our own threads
  // With known triplets one more is sought: the one that was missed.
  const index_t wanted = known ? std::min(options.k + 1, a.cols()) : options.k;
  const auto run = [&](Sides sides) {
    Bidiagonalisation<T> process(a, options, wanted, seed, sides);
    process.start(known);
    return process.run();
  };
  // Residuals with products show whether the left vectors were good enough.
  const bool shown = options.vectors == SingularVectors::compute;
  if (options.which == SingularEnd::smallest || !shown) return run(Sides::both);
  auto result = run(Sides::right);
  if (!result.settled) return result;
  for (std::size_t i = 0; i < result.values.size(); ++i)
    if (result.residuals[i] > residual_limit(options.tol, result.values[i], result.norm))
      return run(Sides::both);
  return result;
}

template <Scalar T>
double triplet_residual(const TallView<T>& a, double value, std::span<const T> u,
                        std::span<const T> v) {
  Buffer<T> left(a.row_range().size()), right(a.col_range().size());
  a.apply(v, left.span());
  a.apply_adjoint(u, right.span());
  return std::hypot(std::sqrt(krylov::subtract<T>(a.comm(), T(value), u, left.span())),
                    std::sqrt(krylov::subtract<T>(a.comm(), T(value), v, right.span())));
}

#define KRONSOLVE_INSTANTIATE(T)                                                                   \
  template Triplets<T> bidiagonal_svds(const TallView<T>&, const SvdsOptions&, const Triplets<T>*, \
                                       std::uint64_t);                                             \
  template double triplet_residual(const TallView<T>&, double, std::span<const T>,                 \
                                   std::span<const T>);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::svd
