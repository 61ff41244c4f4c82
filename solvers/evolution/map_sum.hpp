#pragma once

#include <vector>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/operators/vector_operations.hpp>

namespace kronsolve::evolution {

/// sum_j c_j A_j with coefficients that may be set between products.
template <Scalar T>
class MapSum final : public LinearMap<T> {
 public:
  /// @pre at least one map, all of one shape and distribution
  explicit MapSum(std::vector<const LinearMap<T>*> maps)
      : LinearMap<T>(maps[0]->comm(), maps[0]->row_partition(), maps[0]->col_partition()),
        maps_(std::move(maps)),
        coefficients_(maps_.size(), 1),
        product_(this->row_range().size()) {}
  void set(std::vector<double> coefficients) { coefficients_ = std::move(coefficients); }
  index_t memory_bytes() const noexcept override {
    return product_.size() * static_cast<index_t>(sizeof(T));
  }

 protected:
  void apply_impl(std::span<const T> x, std::span<T> y) const override {
    vec::set_zero<T>(y);
    for (std::size_t j = 0; j < maps_.size(); ++j) {
      if (coefficients_[j] == 0) continue;
      maps_[j]->apply(x, product_.span());
      vec::axpy<T>(coefficients_[j], product_.span(), y);
    }
  }

 private:
  std::vector<const LinearMap<T>*> maps_;
  std::vector<double> coefficients_;
  mutable Buffer<T> product_;
};

}  // namespace kronsolve::evolution
