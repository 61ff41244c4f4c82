#pragma once

#include <complex>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/operators/vector_operations.hpp>

namespace kronsolve {

/// A real square map as a complex one: the product is applied to real and imaginary part. Two real
/// products each; four real vectors.
class ComplexView final : public LinearMap<std::complex<double>> {
 public:
  /// @param real  must outlive the view
  explicit ComplexView(const LinearMap<double>& real)
      : LinearMap(real.comm(), real.row_partition(), real.col_partition()),
        real_(&real),
        x_re_(real.row_range().size()),
        x_im_(real.row_range().size()),
        y_re_(real.row_range().size()),
        y_im_(real.row_range().size()) {}

  index_t memory_bytes() const noexcept override {
    return 4 * x_re_.size() * static_cast<index_t>(sizeof(double));
  }

 protected:
  void apply_impl(std::span<const std::complex<double>> x,
                  std::span<std::complex<double>> y) const override {
    vec::split(x, x_re_.span(), x_im_.span());
    real_->apply(x_re_.span(), y_re_.span());
    real_->apply(x_im_.span(), y_im_.span());
    vec::join(y_re_.span(), y_im_.span(), y);
  }

 private:
  const LinearMap<double>* real_;
  mutable Buffer<double> x_re_, x_im_, y_re_, y_im_;
};

}  // namespace kronsolve
