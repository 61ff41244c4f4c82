#pragma once

#include <functional>
#include <span>
#include <vector>

namespace kronsolve::evolution {

/// Keeps the steps of an integrator so short that its nodes see what the coefficients of H(t) do: a
/// pulse between two nodes leaves no trace in the integrator's own estimate of its error.
///
/// The integral of each coefficient over a step, as the nodes have it, is compared with one over
/// many samples. Between two output times a thousand samples are taken at least; what is shorter
/// than their distance is seen by chance only, unless max_step says how short steps have to be.
class StepWatch {
 public:
  using Coefficient = std::function<double(double)>;
  /// Of an operator that does not depend on time: any step will do.
  explicit StepWatch(double max_step = 0) : max_step_(max_step) {}
  /// @param sizes     half the width of the spectrum of each coefficient's map
  /// @param max_step  0: no such limit
  StepWatch(std::vector<Coefficient> coefficients, std::vector<double> sizes, double max_step)
      : coefficients_(std::move(coefficients)), sizes_(std::move(sizes)), max_step_(max_step) {}

  bool constant() const noexcept { return coefficients_.empty(); }

  /// The longest step from `t`, at most `h` (negative: backwards) with errors of at most `tol`.
  /// @param total    time between the output times, above 0; the step may take its share of tol
  /// @param nodes, weights  of the quadrature on [0, 1] that the integrator makes of a coefficient
  double limit(double t, double h, double total, double tol, std::span<const double> nodes,
               std::span<const double> weights) const;

 private:
  double unseen(double t, double h, double spacing, std::span<const double> nodes,
                std::span<const double> weights) const;
  std::vector<Coefficient> coefficients_;
  std::vector<double> sizes_;
  double max_step_ = 0;
};

}  // namespace kronsolve::evolution
