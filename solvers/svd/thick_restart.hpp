#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include <kronsolve/core/random.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/checkpoint.hpp>

#include "solvers/svd/triplets.hpp"

namespace kronsolve::svd {

/// What the two thick-restart Lanczos processes for singular triplets share: an orthonormal basis V
/// of the short side, a small real matrix B that stands for A in it (diagonal in the kept pairs,
/// coupled to the vector after them, tridiagonal or bidiagonal from there) and the coupling beta to
/// the vector after the last.
template <Scalar T>
class ThickRestart {
 protected:
  /// @param ncv  columns of V at which to restart, as options.ncv or the method's default says
  ThickRestart(const TallView<T>& a, const SvdsOptions& options, index_t wanted, index_t ncv,
               std::uint64_t seed)
      : a_(a),
        options_(options),
        comm_(a.comm()),
        wanted_(wanted),
        ncv_(std::min(a.cols(), options.ncv > 0 ? std::max(options.ncv, wanted + 1) : ncv)),
        v_(a.col_partition(), comm_.rank(), ncv_ + 1, ColumnStorage::together),
        seed_(seed),
        b_(static_cast<std::size_t>(ncv_ * ncv_)),
        stage_(options.checkpoint, "basis", [this](CheckpointWriter& writer) { write(writer); }) {}
  virtual ~ThickRestart() = default;

  /// Vectors of the other side that belong to those of V, if they are kept.
  virtual DistributedVectors<T>* left_vectors() { return nullptr; }
  /// v_{j+1}, beta and column j of B from v_j; false if the process must be given up.
  virtual bool step(index_t j) = 0;
  /// Decomposes B, size_ x size_.
  virtual void decompose(LargeVector<double> matrix) = 0;
  /// Of the decomposition: wanted singular value number i, the residual of its triplet, and the
  /// largest of all.
  virtual double value(index_t i) const = 0;
  virtual double residual(index_t i) const = 0;
  virtual double largest() const = 0;

  double& b(index_t i, index_t j) { return b_[static_cast<std::size_t>(j * ncv_ + i)]; }
  void random_right(std::span<T> x) { fill_normal(x, a_.col_range(), seed_, stream_++); }
  void random_left(std::span<T> x) { fill_normal(x, a_.row_range(), seed_, stream_++); }
  /// Makes x a unit vector orthogonal to the first `count` of V; the norm that was left.
  double orthonormalise_right(index_t count, std::span<T> x, double floor) {
    return vec::orthonormalise(comm_, vec::Columns(v_, 0, count), x, floor,
                               [&](std::span<T> y) { random_right(y); });
  }

  bool goes_on();
  void start(index_t kept);
  bool extend();
  void project();
  index_t keep_count() const { return std::min(wanted_ + (ncv_ - wanted_) * 3 / 10, ncv_ - 1); }
  void restart(index_t keep, std::span<const double> right);
  bool settled() const noexcept { return distance_ <= 1; }
  bool spent() const {
    return steps_ >= (options_.max_iterations > 0 ? options_.max_iterations
                                                  : std::max<index_t>(10000, 100 * ncv_));
  }
  void report() const;

  const TallView<T>& a_;
  const SvdsOptions& options_;
  const Comm& comm_;
  index_t wanted_, ncv_;
  DistributedVectors<T> v_;
  index_t kept_ = 0;  ///< pairs that B starts with
  index_t size_ = 0;  ///< of B now
  double beta_ = 0;   ///< coupling to v_{size_}
  double norm_ = 0;   ///< of what B stands for: largest coefficient or value so far
  index_t steps_ = 0;

 private:
  auto numbers_of_place() {
    return std::tie(next_, kept_, beta_, norm_, steps_, stream_, distance_);
  }
  void write(CheckpointWriter& writer);

  std::uint64_t seed_;
  std::uint32_t stream_ = 0;
  index_t next_ = 0;  ///< column of V that the next step begins with
  std::vector<double> b_;
  double distance_ = std::numeric_limits<double>::infinity();  ///< of the worst triplet; 1: there
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  CheckpointStage stage_;
};

template <Scalar T>
void ThickRestart<T>::write(CheckpointWriter& writer) {
  writer.numbers("place", numbers_of_place());
  writer.numbers("matrix", b_);
  writer.vectors("right", v_, next_ + 1);
  if (const auto* left = left_vectors()) writer.vectors("left", *left, next_);
}

/// True if it was under way when a checkpoint was written, and is again.
template <Scalar T>
bool ThickRestart<T>::goes_on() {
  const auto* saved = stage_.saved();
  if (saved == nullptr) return false;
  saved->numbers("place", numbers_of_place());
  b_ = saved->numbers("matrix");
  saved->vectors("right", v_, next_ + 1);
  if (auto* left = left_vectors()) saved->vectors("left", *left, next_);
  return true;
}

/// The first vector after `kept` ones.
template <Scalar T>
void ThickRestart<T>::start(index_t kept) {
  kept_ = next_ = kept;
  random_right(v_.column(kept));
  (void)orthonormalise_right(kept, v_.column(kept), 0);
}

/// Steps until the subspace is full, or before that when the end is near and has come; false if a
/// step gave up.
template <Scalar T>
bool ThickRestart<T>::extend() {
  constexpr double near = 1e4;
  constexpr index_t steps_between = 4;
  while (next_ < ncv_) {
    stage_.step();
    const index_t j = next_;
    const bool good = step(j);
    ++steps_;
    size_ = next_ = j + 1;
    if (!good) return false;
    if (distance_ > near || size_ <= wanted_ || size_ == ncv_ || (j - kept_) % steps_between != 0)
      continue;
    project();
    if (settled()) return true;
  }
  project();
  return true;
}

/// Decomposes B and finds how far the worst wanted triplet is from its limit.
template <Scalar T>
void ThickRestart<T>::project() {
  LargeVector<double> leading;
  for (index_t j = 0; j < size_; ++j)
    leading.insert(leading.end(), b_.begin() + j * ncv_, b_.begin() + j * ncv_ + size_);
  decompose(std::move(leading));
  // Vectors will be checked with products: leave room for what rounding adds.
  const double part = options_.vectors == SingularVectors::compute ? 0.5 : 1.0;
  distance_ = 0;
  for (index_t i = 0; i < wanted_; ++i) {
    const double r = residual(i);
    if (r > 0)
      distance_ =
          std::max(distance_, r / (part * residual_limit(options_.tol, value(i), largest())));
  }
}

/// Keeps `keep` pairs, and the vector after the last as the one to go on from. B is left zero.
/// @param right  size_ x keep: the pairs' right vectors in V
template <Scalar T>
void ThickRestart<T>::restart(index_t keep, std::span<const double> right) {
  vec::rotate<T, double>(v_, size_, keep, right);
  vec::copy<T>(v_.column(size_), v_.column(keep));
  std::fill(b_.begin(), b_.end(), 0);
  kept_ = next_ = keep;
}

template <Scalar T>
void ThickRestart<T>::report() const {
  if (!options_.progress) return;
  Progress p;
  p.wanted = wanted_;
  for (index_t i = 0; i < wanted_; ++i) {
    const bool good = residual(i) <= residual_limit(options_.tol, value(i), largest());
    p.converged += good ? 1 : 0;
    if (!good) p.worst_residual = std::max(p.worst_residual, a_.unit() * residual(i));
  }
  p.best_value = a_.unit() * value(0);
  p.iterations = steps_;
  p.products = 2 * steps_;
  p.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  options_.progress(p);
}

}  // namespace kronsolve::svd
