#include <algorithm>
#include <cmath>
#include <optional>

#include "core/counted.hpp"
#include "solvers/dense/blas_threads.hpp"
#include "solvers/dense/dense_eigh.hpp"
#include "solvers/svd/thick_restart.hpp"

namespace kronsolve::svd {

namespace {

using vec::Columns;

/// A^H A V_m = V_m B + beta v_{m+1} e_m^T with orthonormal V. B is real: diagonal in the kept
/// pairs, a row and column that couple them to the next vector, tridiagonal after it. Its largest
/// eigenvalues tend to squares of singular values.
///
/// Left vectors come at the end, u = A v / s: they are orthogonal as far as s^2 is large beside the
/// rounding of |A|^2, which settled() demands.
template <Scalar T>
class RestartedCross final : ThickRestart<T> {
 public:
  RestartedCross(const TallView<T>& a, const SvdsOptions& options)
      : ThickRestart<T>(a, options, options.k, restarted_subspace(options.k), options.seed) {}

  /// Nothing if the wanted values are too small beside |A| for this method.
  std::optional<Triplets<T>> run();

 private:
  using Base = ThickRestart<T>;
  using Base::a_, Base::options_, Base::comm_, Base::wanted_, Base::ncv_, Base::v_;
  using Base::b, Base::beta_, Base::kept_, Base::norm_, Base::size_, Base::steps_;

  bool step(index_t j) override;
  void decompose(LargeVector<double> matrix) override;
  double value(index_t i) const override {
    return std::sqrt(std::max(0.0, ritz_.values[static_cast<std::size_t>(size_ - 1 - i)]));
  }
  double residual(index_t i) const override {
    return std::abs(beta_ * component(size_ - 1, i)) / value(i);
  }
  double largest() const override { return value(0); }
  double component(index_t row, index_t i) const {
    return ritz_.vectors[static_cast<std::size_t>((size_ - 1 - i) * size_ + row)];
  }
  /// Leading columns of B's eigenvectors, largest value first.
  std::vector<double> leading(index_t count) const;
  bool exact_enough() const;
  void restart();
  Triplets<T> collect(bool settled);

  dense::DenseEigen<double> ritz_;
};

/// v_{j+1} and the column j of B from v_j.
template <Scalar T>
bool RestartedCross<T>::step(index_t j) {
  const std::span<const T> v = std::as_const(v_).column(j);
  const std::span<T> next = v_.column(j + 1);
  const double alpha = b(j, j) = a_.apply_cross(v, next);
  // Squares of these would leave the range of doubles or lose digits at its lower end.
  if (steps_ == 0 && !(alpha > 1e-200 && alpha < 1e200)) return false;
  norm_ = std::max(norm_, alpha);
  if (j + 1 == a_.cols()) {
    beta_ = 0;  // the small side is exhausted: B has all values
    return true;
  }
  // Known, and taken out first: what is left is not short beside what the projection finds in it.
  const index_t first = j > kept_ ? j - 1 : 0;
  std::vector<T> known;
  for (index_t i = first; i <= j; ++i) known.emplace_back(b(i, j));
  vec::add_combination<T>(T(-1), Columns(v_, first, j + 1 - first), known, next);
  beta_ = this->orthonormalise_right(j + 1, next, 1e-14 * norm_);
  norm_ = std::max(norm_, beta_);
  if (j + 1 < ncv_) b(j + 1, j) = b(j, j + 1) = beta_;
  return true;
}

template <Scalar T>
void RestartedCross<T>::decompose(LargeVector<double> matrix) {
  ritz_ = dense::dense_eigh<double>(std::move(matrix), size_, 0, size_, Eigenvectors::compute);
  norm_ = std::max(norm_, ritz_.values.back());
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

/// Keeps the largest pairs.
template <Scalar T>
void RestartedCross<T>::restart() {
  const index_t keep = this->keep_count();
  Base::restart(keep, leading(keep));
  for (index_t i = 0; i < keep; ++i) {
    b(i, i) = ritz_.values[static_cast<std::size_t>(size_ - 1 - i)];
    b(keep, i) = b(i, keep) = beta_ * component(size_ - 1, i);
  }
}

template <Scalar T>
Triplets<T> RestartedCross<T>::collect(bool settled) {
  Triplets<T> result;
  result.steps = steps_;
  result.settled = settled;
  result.norm = value(0);
  result.reason =
      settled ? detail::concat("every residual is within the tolerance after ",
                               detail::counted(steps_, "step"), " of A^H A")
              : detail::concat("stopped after ", detail::counted(steps_, "step"), " of A^H A");
  for (index_t i = 0; i < wanted_; ++i) {
    result.values.push_back(value(i));
    result.residuals.push_back(residual(i));
  }
  result.residual_kind = ResidualKind::bound;
  // The check for missed copies needs the vectors as well.
  const bool wanted = options_.vectors == SingularVectors::compute;
  if (!wanted && options_.certify == Certification::off) return result;
  if (wanted) result.residual_kind = ResidualKind::explicit_;
  vec::rotate<T, double>(v_, size_, wanted_, leading(wanted_));
  result.right = DistributedVectors<T>(a_.col_partition(), comm_.rank(), wanted_);
  result.left = DistributedVectors<T>(a_.row_partition(), comm_.rank(), wanted_);
  Buffer<T> back(a_.col_range().size());
  for (index_t i = 0; i < wanted_; ++i) {
    const auto at = static_cast<std::size_t>(i);
    vec::copy<T>(v_.column(i), result.right.column(i));
    const std::span<const T> v = std::as_const(result.right).column(i);
    a_.apply(v, result.left.column(i));
    const double s = vec::norm<T>(comm_, std::as_const(result.left).column(i));
    vec::scale<T>(1 / s, result.left.column(i));
    if (!wanted) continue;
    // A v = s u to rounding now; what remains is the other side.
    a_.apply_adjoint(std::as_const(result.left).column(i), back.span());
    result.values[at] = s;
    result.residuals[at] = vec::subtract<T>(comm_, T(s), v, back.span());
  }
  sort_descending(result);
  return result;
}

template <Scalar T>
std::optional<Triplets<T>> RestartedCross<T>::run() {
  if (!this->goes_on()) this->start(0);
  while (true) {
    if (!this->extend() || !exact_enough()) return std::nullopt;
    this->report();
    if (this->settled()) return collect(true);
    if (this->spent()) return collect(false);
    restart();
  }
}

}  // namespace

template <Scalar T>
Triplets<T> restarted_svds(const TallView<T>& a, const SvdsOptions& options) {
  const dense::BlasThreads one(1);  // blocks of rows go to our own threads
  std::string why;                  // it was given up
  const CheckpointStage stage(options.checkpoint, "restarted",
                              [&](CheckpointWriter& writer) { writer.text("given up", why); });
  if (const auto* saved = stage.saved()) why = saved->text("given up");
  if (why.empty()) {
    auto found = RestartedCross<T>(a, options).run();
    if (found && (!found->settled || all_within(*found, options.tol))) return std::move(*found);
    why = found ? "residuals with products were too large"
                : "a wanted value is too small beside the norm";
  }
  return bidiagonal_instead(a, options, why);
}

#define KRONSOLVE_INSTANTIATE(T) \
  template Triplets<T> restarted_svds(const TallView<T>&, const SvdsOptions&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::svd
