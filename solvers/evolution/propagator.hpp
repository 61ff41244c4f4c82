#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <kronsolve/solvers/evolution.hpp>

#include "solvers/evolution/map_sum.hpp"
#include "solvers/evolution/step_guard.hpp"

namespace kronsolve::evolution {

/// What one move cost and how good it is.
struct Advance {
  double error = 0;      ///< 2-norm, relative to the norm of the state
  double amplified = 1;  ///< by how much errors from before may have grown, relative to the norm
  double log_scale = 0;  ///< the true state is exp(log_scale) times what is stored
  index_t steps = 1;
};

/// Moves a state from one time to another. Collective.
template <Scalar T>
class Propagator {
 public:
  virtual ~Propagator() = default;
  virtual Advance advance(DistributedVectors<T>& state, double from, double to, double tol) = 0;
  /// What it has learned on its way that counts for what comes; and of an earlier run.
  virtual std::vector<double> memory() const { return {}; }
  virtual void remember(const std::vector<double>&) {}
  /// Called with the time reached after each step of an integrator, on every rank.
  std::function<void(double)> on_step = {};
};

template <Scalar T>
std::unique_ptr<Propagator<T>> make_chebyshev(const LinearMap<T>& h, TimeAxis axis,
                                              SpectralBounds bounds, index_t max_products);
/// Full diagonalisation on rank 0.
/// @throws InvalidArgument  the matrix does not fit there
template <Scalar T>
std::unique_ptr<Propagator<T>> make_dense(const LinearMap<T>& h, TimeAxis axis);

/// SLEPc's MFN, piece by piece in imaginary time. `width`: a bound of |H|.
/// Its errors are what SLEPc was asked for, not bounds.
template <Scalar T>
std::unique_ptr<Propagator<T>> make_mfn(const LinearMap<T>& h, TimeAxis axis, double width,
                                        index_t max_products);

/// The operator at a time; for constant operators always the same.
template <Scalar T>
using OperatorAt = std::function<const LinearMap<T>&(double)>;

/// How fast a difference of two states can grow: |d(t)| <= exp(rate t) |d(0)|.
struct Growth {
  double forward = 0, backward = 0;  ///< rate with and against time
};

/// Dormand and Prince 8(5,3) with error per unit step. `width`, a bound of |H| at the start, scales
/// the first step.
/// @param growth  of an operator that is not Hermitian; nothing: errors of steps just add up
template <Scalar T>
std::unique_ptr<Propagator<T>> make_runge_kutta(const Comm& comm, OperatorAt<T> h, StepGuard guard,
                                                TimeAxis axis, double width, index_t max_products,
                                                std::optional<Growth> growth = {});

/// Commutator-free Magnus steps of order 4, two exponentials each, step doubling.
/// @param bounds  of the map of each term
template <Scalar T>
std::unique_ptr<Propagator<T>> make_magnus(const TimeDependentOperator<T>& h, MapSum<T>& sum,
                                           std::vector<SpectralBounds> bounds, StepGuard guard,
                                           index_t max_products);

}  // namespace kronsolve::evolution
