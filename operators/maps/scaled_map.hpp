#pragma once

#include <cmath>

#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/operators/vector_operations.hpp>

namespace kronsolve {

/// factor A, factor a power of two: the same digits in other units. For operators whose numbers are
/// so large or small that their squares would leave the range of doubles.
template <Scalar T>
class ScaledMap final : public LinearMap<T> {
 public:
  /// @param a  must outlive this map
  ScaledMap(const LinearMap<T>& a, double factor)
      : LinearMap<T>(a.comm(), a.row_partition(), a.col_partition()), a_(&a), factor_(factor) {}
  index_t memory_bytes() const noexcept override { return 0; }

  /// 1 for sizes that are safe to be squared; else what brings them to about 1.
  static double factor_for(double size) {
    constexpr double safe = 1e90;
    if (!(size > 0) || !std::isfinite(size) || (size < safe && size > 1 / safe)) return 1;
    return std::ldexp(1.0, std::min(1000, -std::ilogb(size)));
  }

 protected:
  void apply_impl(std::span<const T> x, std::span<T> y) const override {
    a_->apply(x, y);
    vec::scale<T>(factor_, y);
  }
  void apply_adjoint_impl(std::span<const T> x, std::span<T> y) const override {
    a_->apply_adjoint(x, y);
    vec::scale<T>(factor_, y);
  }

 private:
  const LinearMap<T>* a_;
  double factor_;
};

}  // namespace kronsolve
