#include <algorithm>
#include <cmath>

#include <kronsolve/core/memory.hpp>

#include "solvers/dense/blas_threads.hpp"
#include "solvers/dense/dense_svd.hpp"
#include "solvers/svd/thick_restart.hpp"

namespace kronsolve::svd {

namespace {

using vec::Columns;

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
class Bidiagonalisation final : ThickRestart<T> {
 public:
  Bidiagonalisation(const TallView<T>& a, const SvdsOptions& options, index_t wanted,
                    std::uint64_t seed, Sides sides)
      : ThickRestart<T>(a, options, wanted, bidiagonal_subspace(wanted), seed),
        sides_(sides),
        u_(a.row_partition(), comm_.rank(), ncv_, ColumnStorage::together) {}

  void start(const Triplets<T>* known);
  Triplets<T> run();

 private:
  using Base = ThickRestart<T>;
  using Base::a_, Base::options_, Base::comm_, Base::wanted_, Base::ncv_, Base::v_;
  using Base::b, Base::beta_, Base::kept_, Base::norm_, Base::size_, Base::steps_;

  DistributedVectors<T>* left_vectors() override { return &u_; }
  double nothing() const { return 1e-14 * norm_; }
  double left_vector(index_t j, std::span<T> u);
  bool step(index_t j) override;
  void decompose(LargeVector<double> matrix) override;
  double value(index_t i) const override {
    return small_.values[static_cast<std::size_t>(place(i))];
  }
  double residual(index_t i) const override;
  double largest() const override { return small_.values.front(); }
  void restart();
  index_t place(index_t i) const {
    return options_.which == SingularEnd::largest ? i : size_ - wanted_ + i;
  }
  std::vector<double> selected(const LargeVector<double>& vectors, index_t first,
                               index_t count) const;
  Triplets<T> collect(bool converged);

  Sides sides_;
  DistributedVectors<T> u_;
  dense::DenseSvd<double> small_;
};

template <Scalar T>
void Bidiagonalisation<T>::start(const Triplets<T>* known) {
  if (this->goes_on()) return;
  const index_t kept = known ? static_cast<index_t>(known->values.size()) : 0;
  for (index_t i = 0; i < kept; ++i) {
    vec::copy<T>(known->right.column(i), v_.column(i));
    vec::copy<T>(known->left.column(i), u_.column(i));
    b(i, i) = known->values[static_cast<std::size_t>(i)];
    norm_ = std::max(norm_, b(i, i));
  }
  Base::start(kept);
}

/// A v_j in u, what is known of it taken out and normalised; its length.
template <Scalar T>
double Bidiagonalisation<T>::left_vector(index_t j, std::span<T> u) {
  a_.apply(std::as_const(v_).column(j), u);
  if (j > kept_) {
    const double length =
        vec::subtract<T>(comm_, T(b(j - 1, j)), std::as_const(u_).column(j - 1), u);
    // While no length is small beside |A|, left vectors inherit the orthogonality of right ones.
    if (sides_ == Sides::right && length > short_length * norm_) {
      vec::scale<T>(1 / length, u);
      return length;
    }
  }
  return vec::orthonormalise(comm_, Columns(u_, 0, j), u, nothing(),
                             [&](std::span<T> x) { this->random_left(x); });
}

/// u_j, v_{j+1} and the column j of B from v_j: two products.
template <Scalar T>
bool Bidiagonalisation<T>::step(index_t j) {
  const std::span<T> u = u_.column(j), next = v_.column(j + 1);
  const double alpha = left_vector(j, u);
  b(j, j) = alpha;
  norm_ = std::max(norm_, alpha);
  a_.apply_adjoint(std::as_const(u_).column(j), next);
  vec::axpy<T>(T(-alpha), std::as_const(v_).column(j), next);
  if (j + 1 == a_.cols()) {
    beta_ = 0;  // the small side is exhausted: B has all singular values
    return true;
  }
  beta_ = this->orthonormalise_right(j + 1, next, nothing());
  norm_ = std::max(norm_, beta_);
  if (j + 1 < ncv_) b(j, j + 1) = beta_;
  return true;
}

template <Scalar T>
void Bidiagonalisation<T>::decompose(LargeVector<double> matrix) {
  small_ = dense::dense_svd<double>(std::move(matrix), size_, size_, dense::SvdVectors::thin);
  norm_ = std::max(norm_, small_.values.front());
}

/// |A^H u - s v|; A v = s u holds by construction.
template <Scalar T>
double Bidiagonalisation<T>::residual(index_t i) const {
  return std::abs(beta_ * small_.left[static_cast<std::size_t>(place(i) * size_ + size_ - 1)]);
}

template <Scalar T>
std::vector<double> Bidiagonalisation<T>::selected(const LargeVector<double>& vectors,
                                                   index_t first, index_t count) const {
  return {vectors.begin() + first * size_, vectors.begin() + (first + count) * size_};
}

/// Keeps the triplets nearest to the wanted end.
template <Scalar T>
void Bidiagonalisation<T>::restart() {
  const index_t keep = this->keep_count();
  const index_t first = options_.which == SingularEnd::largest ? 0 : size_ - keep;
  const auto left = selected(small_.left, first, keep);
  vec::rotate<T, double>(u_, size_, keep, left);
  Base::restart(keep, selected(small_.right, first, keep));
  for (index_t i = 0; i < keep; ++i) {
    b(i, i) = small_.values[static_cast<std::size_t>(first + i)];
    b(i, keep) = beta_ * left[static_cast<std::size_t>(i * size_ + size_ - 1)];
  }
}

template <Scalar T>
Triplets<T> Bidiagonalisation<T>::collect(bool converged) {
  Triplets<T> result;
  const index_t first = place(0);
  result.steps = steps_;
  result.settled = converged;
  result.norm = largest();
  result.reason = converged ? detail::concat("every residual is within the tolerance after ",
                                             steps_, " bidiagonalisation steps")
                            : detail::concat("stopped after ", steps_, " bidiagonalisation steps");
  const auto right = selected(small_.right, first, wanted_),
             left = selected(small_.left, first, wanted_);
  result.right = DistributedVectors<T>(a_.col_partition(), comm_.rank(), wanted_);
  result.left = DistributedVectors<T>(a_.row_partition(), comm_.rank(), wanted_);
  vec::rotate<T, double>(v_, size_, wanted_, right);
  vec::rotate<T, double>(u_, size_, wanted_, left);
  const bool check = options_.vectors == SingularVectors::compute;
  result.residual_kind = check ? ResidualKind::explicit_ : ResidualKind::bound;
  for (index_t i = 0; i < wanted_; ++i) {
    vec::copy<T>(v_.column(i), result.right.column(i));
    vec::copy<T>(u_.column(i), result.left.column(i));
    result.values.push_back(value(i));
    result.residuals.push_back(
        check ? triplet_residual<T>(a_, value(i), result.left.column(i), result.right.column(i))
              : residual(i));
  }
  return result;
}

template <Scalar T>
Triplets<T> Bidiagonalisation<T>::run() {
  while (true) {
    (void)this->extend();
    this->report();
    const bool exhausted = beta_ == 0 && size_ == a_.cols();
    if (this->settled()) return collect(true);
    if (exhausted || this->spent()) return collect(false);
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
  // Residuals with products show whether the left vectors were good enough.
  const bool shown = options.vectors == SingularVectors::compute;
  Sides sides = options.which == SingularEnd::smallest || !shown ? Sides::both : Sides::right;
  const CheckpointStage stage(
      options.checkpoint, "bidiagonalisation",
      [&](CheckpointWriter& writer) { writer.numbers("sides", std::tie(sides)); });
  if (const auto* saved = stage.saved()) saved->numbers("sides", std::tie(sides));
  while (true) {
    Bidiagonalisation<T> process(a, options, wanted, seed, sides);
    process.start(known);
    auto result = process.run();
    if (sides == Sides::both || !result.settled || all_within(result, options.tol)) return result;
    sides = Sides::both;
  }
}

template <Scalar T>
double triplet_residual(const TallView<T>& a, double value, std::span<const T> u,
                        std::span<const T> v) {
  Buffer<T> left(a.row_range().size()), right(a.col_range().size());
  a.apply(v, left.span());
  a.apply_adjoint(u, right.span());
  return std::hypot(vec::subtract<T>(a.comm(), T(value), u, left.span()),
                    vec::subtract<T>(a.comm(), T(value), v, right.span()));
}

#define KRONSOLVE_INSTANTIATE(T)                                                                   \
  template Triplets<T> bidiagonal_svds(const TallView<T>&, const SvdsOptions&, const Triplets<T>*, \
                                       std::uint64_t);                                             \
  template double triplet_residual(const TallView<T>&, double, std::span<const T>,                 \
                                   std::span<const T>);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::svd
