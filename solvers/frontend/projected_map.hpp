#pragma once

#include <memory>
#include <span>

#include <kronsolve/operators/distributed_vectors.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/solvers/eigh.hpp>

namespace kronsolve::frontend {

/// P A P + level V V^H with P = 1 - V V^H: the given vectors become eigenvectors with the value
/// `level`, out of the way of what is sought, and every solver works as it is.
template <Scalar T>
class ProjectedMap final : public LinearMap<T> {
 public:
  /// Collective. The vectors must outlive the map.
  ProjectedMap(std::unique_ptr<LinearMap<T>> a, const DistributedVectors<T>& against);
  void set_level(double level) { level_ = level; }
  index_t memory_bytes() const noexcept override { return a_->memory_bytes(); }

 protected:
  void apply_impl(std::span<const T> x, std::span<T> y) const override;

 private:
  std::unique_ptr<LinearMap<T>> a_;
  const DistributedVectors<T>* against_;
  double level_ = 0;
};

/// How many vectors a solve stays orthogonal to.
index_t count_against(const EighOptions& options);
/// Those vectors as T, or none.
template <Scalar T>
const DistributedVectors<T>* against(const EighOptions& options);

/// The given vectors: scalar, partition, orthonormal. Collective.
/// @throws InvalidArgument, DimensionError  the same on every rank
template <Scalar T>
void check_against(const Comm& comm, const EighOptions& options, const RowPartition& partition);

/// A projected, the given vectors moved to the far end of its spectrum. Collective; costs the
/// products of spectral_bounds.
template <Scalar T>
std::unique_ptr<LinearMap<T>> project(std::unique_ptr<LinearMap<T>> a, const EighOptions& options);

/// True if A maps the span of the given vectors into itself to rounding. Collective.
template <Scalar T>
bool is_invariant(const LinearMap<T>& a, const DistributedVectors<T>& against);

#define KRONSOLVE_DECLARE(T) extern template class ProjectedMap<T>;
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_DECLARE)
#undef KRONSOLVE_DECLARE

}  // namespace kronsolve::frontend
