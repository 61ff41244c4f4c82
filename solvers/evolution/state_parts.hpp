#pragma once

#include <variant>
#include <vector>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/solvers/evolution.hpp>

#include "solvers/functions/vector_ops.hpp"

namespace kronsolve::evolution {

/// A state as its operator wants it: one vector of the operator's scalar, or real and imaginary
/// part for real operators.
template <Scalar T>
class StateParts {
 public:
  StateParts() = default;
  StateParts(index_t rows, std::size_t parts) {
    for (std::size_t p = 0; p < parts; ++p) parts_.emplace_back(rows);
  }
  std::size_t parts() const noexcept { return parts_.size(); }
  std::span<T> part(std::size_t p) { return parts_[p].span(); }
  std::span<const T> part(std::size_t p) const { return parts_[p].span(); }
  index_t rows() const noexcept { return parts_.empty() ? 0 : parts_[0].size(); }
  StateParts like() const { return StateParts(rows(), parts()); }

  void copy_from(const StateParts& other) {
    for (std::size_t p = 0; p < parts(); ++p) vec::copy<T>(other.part(p), part(p));
  }
  void scale(double factor) {
    for (std::size_t p = 0; p < parts(); ++p) vec::scale<T>(factor, part(p));
  }
  double norm(const Comm& comm) const {
    double square = 0;
    for (std::size_t p = 0; p < parts(); ++p) square += vec::local_norm_squared<T>(part(p));
    return std::sqrt(comm.all_reduce(square));
  }
  double distance(const Comm& comm, const StateParts& other) const {
    double square = 0;
    const index_t n = rows();
    for (std::size_t p = 0; p < parts(); ++p) {
      const auto x = part(p), y = other.part(p);
#pragma omp parallel for simd schedule(static) reduction(+ : square) if (n >= vec::parallel_rows)
      for (index_t i = 0; i < n; ++i) square += norm_squared(x[i] - y[i]);
    }
    return std::sqrt(comm.all_reduce(square));
  }

 private:
  std::vector<Buffer<T>> parts_;
};

}  // namespace kronsolve::evolution
