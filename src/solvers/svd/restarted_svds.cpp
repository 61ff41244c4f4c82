#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>

#include <kronsolve/core/random.hpp>

#include "solvers/dense/blas_threads.hpp"
#include "solvers/dense/dense_eigh.hpp"
#include "solvers/krylov/panel.hpp"
#include "solvers/svd/triplets.hpp"

namespace kronsolve::svd {

namespace {

using krylov::Columns;
using krylov::Panel;

/// A^H A V_m = V_m H + beta v_{m+1} e_m^T with orthonormal V. H is real: diagonal in the kept
/// pairs, a row and column that couple them to the next vector, tridiagonal after it. Its largest
/// eigenvalues tend to squares of singular values.
///
/// Left vectors come at the end, u = A v / s: they are orthogonal as far as s^2 is large beside the
/// rounding of |A|^2, which settled() demands.
template <Scalar T>
class RestartedCross {
 public:
  RestartedCross(const TallView<T>& a, const SvdsOptions& options)
      : a_(a),
        options_(options),
        comm_(a.comm()),
        wanted_(options.k),
        ncv_(std::min(a.cols(), options.ncv > 0 ? std::max(options.ncv, options.k + 1)
                                                : restarted_subspace(options.k))),
        v_(a.col_range().size(), ncv_ + 1),
        h_(static_cast<std::size_t>(ncv_ * ncv_)) {}

  /// Nothing if the wanted values are too small beside |A| for this method.
  std::optional<Triplets<T>> run();

 private:
  double& h(index_t i, index_t j) { return h_[static_cast<std::size_t>(j * ncv_ + i)]; }
  void random(std::span<T> x) { fill_normal(x, a_.col_range(), options_.seed, stream_++); }
  /// Singular value number i, and the residual of its triplet.
  double value(index_t i) const {
    return std::sqrt(std::max(0.0, ritz_.values[static_cast<std::size_t>(size_ - 1 - i)]));
  }
  double residual(index_t i) const { return std::abs(beta_ * component(size_ - 1, i)) / value(i); }
  double component(index_t row, index_t i) const {
    return ritz_.vectors[static_cast<std::size_t>((size_ - 1 - i) * size_ + row)];
  }
  /// Leading columns of H's eigenvectors, largest value first.
  std::vector<double> leading(index_t count) const;
  void step(index_t j);
  void extend();
  void project();
  bool exact_enough() const;
  void restart();
  Triplets<T> collect(bool settled);
  void report() const;

  const TallView<T>& a_;
  const SvdsOptions& options_;
  const Comm& comm_;
  index_t wanted_, ncv_;
  std::uint32_t stream_ = 0;
  Panel<T> v_;
  std::vector<double> h_;
  index_t kept_ = 0;  // pairs that H starts with
  index_t size_ = 0;  // of H now
  double beta_ = 0;   // coupling to v_{m+1}
  double distance_ = std::numeric_limits<double>::infinity();
  double norm_ = 0;  // of A^H A: largest coefficient or value so far
  index_t steps_ = 0;
  bool in_range_ = true;
  dense::DenseEigen<double> ritz_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

/// v_{j+1} and the column j of H from v_j.
template <Scalar T>
void RestartedCross<T>::step(index_t j) {
  const std::span<const T> v = std::as_const(v_).column(j);
  const std::span<T> next = v_.column(j + 1);
  const double alpha = h(j, j) = a_.apply_cross(v, next);
  ++steps_;
  size_ = j + 1;
  // Squares of these would leave the range of doubles or lose digits at its lower end.
  if (steps_ == 1 && !(alpha > 1e-200 && alpha < 1e200)) {
    in_range_ = false;
    return;
  }
  norm_ = std::max(norm_, alpha);
  if (size_ == a_.cols()) {
    beta_ = 0;  // the small side is exhausted: H has all values
    return;
  }
  // Known, and taken out first: what is left is not short beside what the projection finds in it.
  const index_t first = j > kept_ ? j - 1 : 0;
  std::vector<T> known;
  for (index_t i = first; i <= j; ++i) known.emplace_back(h(i, j));
  krylov::add_combination<T>(T(-1), Columns(v_, first, j + 1 - first), known, next);
  beta_ = krylov::orthonormalise(comm_, Columns(v_, 0, j + 1), next, 1e-14 * norm_,
                                 [&](std::span<T> x) { random(x); });
  norm_ = std::max(norm_, beta_);
  if (j + 1 < ncv_) h(j + 1, j) = h(j, j + 1) = beta_;
}

/// Steps until the subspace is full, or before that when the end is near and has come.
template <Scalar T>
void RestartedCross<T>::extend() {
  constexpr double near = 1e4;
  constexpr index_t steps_between = 4;
  for (index_t j = kept_; j < ncv_; ++j) {
    step(j);
    if (!in_range_) return;
    if (distance_ > near || size_ <= wanted_ || size_ == ncv_ || (j - kept_) % steps_between != 0)
      continue;
    project();
    if (distance_ <= 1) return;
  }
  project();
}

/// Eigenpairs of H and how far the worst wanted triplet is from its limit (1: there).
template <Scalar T>
void RestartedCross<T>::project() {
  LargeVector<double> leading;
  for (index_t j = 0; j < size_; ++j)
    leading.insert(leading.end(), h_.begin() + j * ncv_, h_.begin() + j * ncv_ + size_);
  ritz_ = dense::dense_eigh<double>(std::move(leading), size_, 0, size_, Eigenvectors::compute);
  norm_ = std::max(norm_, ritz_.values.back());
  // Vectors will be checked with products: leave room for what rounding adds.
  const double part = options_.vectors == SingularVectors::compute ? 0.5 : 1.0;
  distance_ = 0;
  for (index_t i = 0; i < wanted_; ++i) {
    const double limit = part * residual_limit(options_.tol, value(i), value(0));
    if (beta_ > 0) distance_ = std::max(distance_, residual(i) / limit);
  }
}

/// Products with A^H A are exact to the rounding of |A|^2: divided by s, that must stay below what
/// is asked of the residual.
template <Scalar T>
bool RestartedCross<T>::exact_enough() const {
  constexpr double rounding = 4e-16;
  const double last = value(wanted_ - 1), most = value(0);
  return rounding * most * most <= 0.1 * residual_limit(options_.tol, last, most) * last &&
         last > 1e-3 * most;
}

template <Scalar T>
std::vector<double> RestartedCross<T>::leading(index_t count) const {
  std::vector<double> columns;
  for (index_t i = 0; i < count; ++i)
    for (index_t row = 0; row < size_; ++row) columns.push_back(component(row, i));
  return columns;
}

/// Keeps the largest pairs, and v_{m+1} as the vector to go on from.
template <Scalar T>
void RestartedCross<T>::restart() {
  const index_t keep = std::min(wanted_ + (ncv_ - wanted_) * 3 / 10, ncv_ - 1);
  krylov::rotate<T, double>(v_, size_, keep, leading(keep));
  std::copy_n(v_.data(size_), v_.rows(), v_.data(keep));
  std::fill(h_.begin(), h_.end(), 0);
  for (index_t i = 0; i < keep; ++i) {
    h(i, i) = ritz_.values[static_cast<std::size_t>(size_ - 1 - i)];
    h(keep, i) = h(i, keep) = beta_ * component(size_ - 1, i);
  }
  kept_ = keep;
}

template <Scalar T>
void RestartedCross<T>::report() const {
  if (!options_.progress) return;
  Progress p;
  p.wanted = wanted_;
  for (index_t i = 0; i < wanted_; ++i) {
    const bool good = residual(i) <= residual_limit(options_.tol, value(i), value(0));
    p.converged += good ? 1 : 0;
    if (!good) p.worst_residual = std::max(p.worst_residual, residual(i));
  }
  p.best_value = value(0);
  p.iterations = steps_;
  p.products = 2 * steps_;
  p.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  options_.progress(p);
}

template <Scalar T>
Triplets<T> RestartedCross<T>::collect(bool settled) {
  Triplets<T> result;
  result.steps = steps_;
  result.settled = settled;
  result.norm = value(0);
  result.reason = settled ? detail::concat("every residual is within the tolerance after ", steps_,
                                           " steps of A^H A")
                          : detail::concat("stopped after ", steps_, " steps of A^H A");
  for (index_t i = 0; i < wanted_; ++i) {
    result.values.push_back(value(i));
    result.residuals.push_back(residual(i));
  }
  result.residual_kind = ResidualKind::bound;
  // The check for missed copies needs the vectors as well.
  const bool wanted = options_.vectors == SingularVectors::compute;
  if (!wanted && options_.certify == Certification::off) return result;
  if (wanted) result.residual_kind = ResidualKind::explicit_;
  krylov::rotate<T, double>(v_, size_, wanted_, leading(wanted_));
  result.right = DistributedVectors<T>(a_.col_partition(), comm_.rank(), wanted_);
  result.left = DistributedVectors<T>(a_.row_partition(), comm_.rank(), wanted_);
  Buffer<T> back(a_.col_range().size());
  for (index_t i = 0; i < wanted_; ++i) {
    const auto at = static_cast<std::size_t>(i);
    std::copy_n(v_.data(i), v_.rows(), result.right.column(i).data());
    const std::span<const T> v = std::as_const(result.right).column(i);
    a_.apply(v, result.left.column(i));
    const double s =
        std::sqrt(krylov::norm_squared<T>(comm_, std::as_const(result.left).column(i)));
    krylov::scale<T>(1 / s, result.left.column(i));
    if (!wanted) continue;
    // A v = s u to rounding now; what remains is the other side.
    a_.apply_adjoint(std::as_const(result.left).column(i), back.span());
    result.values[at] = s;
    result.residuals[at] = std::sqrt(krylov::subtract<T>(comm_, T(s), v, back.span()));
  }
  sort_descending(result);
  return result;
}

template <Scalar T>
std::optional<Triplets<T>> RestartedCross<T>::run() {
  const index_t limit =
      options_.max_iterations > 0 ? options_.max_iterations : std::max<index_t>(10000, 100 * ncv_);
  random(v_.column(0));
  (void)krylov::orthonormalise(comm_, Columns(v_, 0, 0), v_.column(0), 0,
                               [&](std::span<T> x) { random(x); });
  while (true) {
    extend();
    if (!in_range_ || !exact_enough()) return std::nullopt;
    report();
    if (distance_ <= 1) return collect(true);
    if (steps_ >= limit) return collect(false);
    restart();
  }
}

}  // namespace

template <Scalar T>
Triplets<T> restarted_svds(const TallView<T>& a, const SvdsOptions& options) {
  const dense::BlasThreads one(1);  // blocks of rows go to our own threads
  auto found = RestartedCross<T>(a, options).run();
  std::string why = "a wanted value is too small beside the norm";
  if (found) {
    if (!found->settled) return std::move(*found);
    bool good = true;
    for (std::size_t i = 0; i < found->values.size(); ++i)
      good =
          good && found->residuals[i] <= residual_limit(options.tol, found->values[i], found->norm);
    if (good) return std::move(*found);
    why = "residuals with products were too large";
  }
  auto instead = bidiagonal_svds<T>(a, options, nullptr, options.seed);
  instead.method = SvdMethod::bidiagonal;
  instead.reason = detail::concat(why, " for A^H A, so by bidiagonalisation: ", instead.reason);
  return instead;
}

#define KRONSOLVE_INSTANTIATE(T) \
  template Triplets<T> restarted_svds(const TallView<T>&, const SvdsOptions&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::svd
