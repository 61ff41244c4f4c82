#pragma once

#include <algorithm>
#include <complex>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/distributed_vectors.hpp>
#include <kronsolve/operators/linear_map.hpp>

namespace kronsolve {

/// A pair has converged when |Hx - lx| <= tol s, with a scale s that H itself gives.
///
/// A product with random signs r gives, for each row i, |((H - l) r)_i|: on average the norm of
/// that row of H - l, the distance of configuration i from the level. From these distances come
/// - the width: the largest distance from the mean level, about half the width of the spectrum;
/// - the scale of the state: their mean over the configurations that x consists of;
/// - the nearest configurations: the floor(sqrt n)-th smallest one that is more than rounding. It
///   serves where x is one configuration, which has no distance from itself.
///
/// s is the width, but at most twice the larger of the other two. So the unit of H cancels, an
/// added constant changes nothing, and a coupling counts for the states in which it acts: of a
/// repulsion U = 1e10 a state that avoids it sees t only.
///
/// What rounding of |H| leaves open is more than what was asked for if a huge coupling or constant
/// is there: then no pair has converged, whatever its residual, because the levels themselves are
/// not known that well.
template <Scalar T>
class KRONSOLVE_EXPORT Tolerance {
 public:
  /// Y = A x of whole vectors.
  using Multiply = std::function<void(std::span<const T>, std::span<T>)>;
  /// Takes 1 product (4 up to 16384 rows, 16 up to 64) and keeps as many vectors. Collective, as all calls
  /// are then.
  /// @param b  of a generalised problem A x = l B x
  Tolerance(const LinearMap<T>& a, double tol, const LinearMap<T>* b = nullptr);
  /// For a matrix of n rows that this process holds alone. Local, as all calls are then.
  Tolerance(index_t n, double tol, const Multiply& a);

  /// The scale s of a level, without its vector for want of it (the least that it may be).
  double scale(std::complex<double> level) const {
    return scale_of<std::complex<double>>(level, {});
  }
  /// The scale s of a level with its vector.
  /// @param x  owned entries, or all of them where a process holds them alone
  template <Scalar X>
  double scale(std::complex<double> level, std::span<const X> x) const {
    return scale_of<X>(level, x);
  }
  /// About half the width of the spectrum, the most that a scale may be.
  double width() const noexcept { return width_; }
  /// Largest sum over a row of H, about.
  double norm() const noexcept { return norm_; }
  /// What rounding leaves open of any level.
  double rounding() const noexcept;
  /// Values closer to a level than this are taken for that level.
  double margin(double level) const;

  /// The residual that a pair must reach.
  double goal(double scale) const noexcept { return tol_ * scale; }
  /// True if a residual is small enough and levels of that scale are known well enough.
  bool reached(double residual, double scale) const noexcept;
  /// "limited by rounding of |H| = 1e+10: residual 3e-07, ..." if that is why a pair has not converged,
  /// else nothing.
  std::string limit(double residual, double scale) const;

  /// Pairs of a list that have converged, and why others have not.
  struct Verdict {
    index_t converged = 0;   ///< pairs that have converged
    double least_scale = 0;  ///< of those pairs
    std::string limit;  ///< why the worst of the others has not; empty if rounding is no reason
  };
  /// @param vectors  one column a pair, or none where they were skipped
  template <class Value, Scalar X>
  Verdict judge(const std::vector<Value>& values, std::span<const double> residuals,
                const DistributedVectors<X>& vectors) const {
    Verdict verdict;
    double worst = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto at = static_cast<index_t>(i);
      const double s =
          at < vectors.count() ? scale<X>(values[i], vectors.column(at)) : scale(values[i]);
      verdict.least_scale = i == 0 ? s : std::min(verdict.least_scale, s);
      if (reached(residuals[i], s)) {
        ++verdict.converged;
      } else if (residuals[i] >= worst) {
        worst = residuals[i];
        verdict.limit = limit(worst, s);
      }
    }
    return verdict;
  }

 private:
  /// r H r of random signs r, entry by entry (on average the diagonal), and r B r.
  struct Probe {
    Buffer<T> a, b;
  };
  void probe(RowRange rows, const Multiply& a, const Multiply& b);
  template <Scalar X>
  double scale_of(std::complex<double> level, std::span<const X> x) const;

  const Comm* comm_ = nullptr;
  RowRange rows_;
  index_t n_ = 0;
  double tol_, norm_ = 0, width_ = 0;
  std::vector<Probe> probes_;
};

}  // namespace kronsolve
