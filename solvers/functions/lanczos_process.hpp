#pragma once

#include <limits>
#include <vector>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/operators/vector_operations.hpp>

namespace kronsolve {

enum class KrylovVectors { drop, keep };

/// The three-term recurrence A v_j = beta_{j-1} v_{j-1} + alpha_j v_j + beta_j v_{j+1}. Two vectors
/// and nothing orthogonalised again is what functions and traces need; kept vectors, to which each
/// new one is made orthogonal, show when the space is exhausted and no level twice. Collective.
template <Scalar T>
class LanczosProcess {
 public:
  /// Starts from v / |v|.
  /// @pre v is finite and has the owned length
  /// @param keep  keep the vectors: one more at each step
  LanczosProcess(const LinearMap<T>& a, std::span<const T> v,
                 KrylovVectors keep = KrylovVectors::drop)
      : a_(&a),
        kept_(a.row_partition(), a.comm().rank(), 0, ColumnStorage::together),
        keep_(keep),
        current_(vec::length(v), vector_placement(a.comm())),
        previous_(vec::length(v), vector_placement(a.comm())) {
    start_norm_ = vec::norm(a.comm(), v);
    if (start_norm_ > 0) vec::scaled_copy<T>(1 / start_norm_, v, current_.span());
    exhausted_ = !(start_norm_ > 0);
  }

  double start_norm() const noexcept { return start_norm_; }
  /// The Krylov space is invariant: no further vector.
  bool exhausted() const noexcept { return exhausted_; }
  std::size_t steps() const noexcept { return alpha_.size(); }
  const std::vector<double>& alpha() const noexcept { return alpha_; }
  const std::vector<double>& beta() const noexcept {
    return beta_;
  }  ///< beta()[j]: to the vector after step j
  std::span<const T> vector() const noexcept {
    return current_.span();
  }  ///< v_j of the step to come, normalised
  /// Vectors of the steps so far, if they are kept.
  const DistributedVectors<T>& kept() const noexcept { return kept_; }
  double imaginary() const noexcept {
    return imaginary_;
  }  ///< largest |Im alpha|: 0 for Hermitian maps but for rounding

  /// One product.
  /// @pre !exhausted()
  void step() {
    const double before = beta_.empty() ? 0 : beta_.back();
    const T overlap = a_->apply_recurrence(current_.span(), before, previous_.span());
    const double alpha = real_part(overlap);
    if constexpr (is_complex<T>) imaginary_ = std::max(imaginary_, std::abs(overlap.imag()));
    double beta = vec::subtract<T>(a_->comm(), alpha, current_.span(), previous_.span());
    double nothing = 1e-14;
    if (keep_ == KrylovVectors::keep) {
      vec::copy<T>(current_.span(), kept_.add_column());
      beta = vec::project_out<T>(a_->comm(), kept_, previous_.span()).norm;
      nothing = kept_.count() < a_->rows() ? 1e-13 : std::numeric_limits<double>::infinity();
    }
    alpha_.push_back(alpha);
    beta_.push_back(beta);
    scale_ = std::max({scale_, std::abs(alpha), beta});
    if (!(beta > nothing * scale_)) {
      exhausted_ = true;
      return;
    }
    vec::scale<T>(1 / beta, previous_.span());
    std::swap(current_, previous_);
  }

 private:
  const LinearMap<T>* a_;
  DistributedVectors<T> kept_;
  KrylovVectors keep_;
  Buffer<T> current_, previous_;
  std::vector<double> alpha_, beta_;
  double start_norm_ = 0, scale_ = 0, imaginary_ = 0;
  bool exhausted_ = false;
};

}  // namespace kronsolve
