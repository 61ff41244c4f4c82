#pragma once

#include <vector>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/operators/linear_map.hpp>

#include "solvers/functions/vector_ops.hpp"

namespace kronsolve {

/// The three-term recurrence A v_j = beta_{j-1} v_{j-1} + alpha_j v_j + beta_j v_{j+1}, two
/// vectors, nothing orthogonalised again: what functions, traces and spectra need (not
/// eigenvectors). Collective.
template <Scalar T>
class LanczosProcess {
 public:
  /// Starts from v / |v|. @pre v is finite and has the owned length
  LanczosProcess(const LinearMap<T>& a, std::span<const T> v)
      : a_(&a),
        current_(vec::length(v), vector_placement(a.comm())),
        previous_(vec::length(v), vector_placement(a.comm())) {
    start_norm_ = vec::norm(a.comm(), v);
    if (start_norm_ > 0) vec::scaled_copy(1 / start_norm_, v, current_.span());
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
  double imaginary() const noexcept {
    return imaginary_;
  }  ///< largest |Im alpha|: 0 for Hermitian maps but for rounding

  /// One product. @pre !exhausted()
  void step() {
    const double before = beta_.empty() ? 0 : beta_.back();
    const T overlap = a_->apply_recurrence(current_.span(), before, previous_.span());
    const double alpha = real_part(overlap);
    if constexpr (is_complex<T>) imaginary_ = std::max(imaginary_, std::abs(overlap.imag()));
    vec::axpy<T>(-alpha, current_.span(), previous_.span());
    const double beta = vec::norm<T>(a_->comm(), previous_.span());
    alpha_.push_back(alpha);
    beta_.push_back(beta);
    scale_ = std::max({scale_, std::abs(alpha), beta});
    if (!(beta > 1e-14 * scale_)) {
      exhausted_ = true;
      return;
    }
    vec::scale<T>(1 / beta, previous_.span());
    std::swap(current_, previous_);
  }

 private:
  const LinearMap<T>* a_;
  Buffer<T> current_, previous_;
  std::vector<double> alpha_, beta_;
  double start_norm_ = 0, scale_ = 0, imaginary_ = 0;
  bool exhausted_ = false;
};

}  // namespace kronsolve
