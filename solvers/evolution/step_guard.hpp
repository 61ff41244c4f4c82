#pragma once

#include <functional>
#include <span>
#include <vector>

namespace kronsolve::evolution {

/// A rule of integration on [0, 1].
struct Quadrature {
  std::span<const double> nodes, weights;
};

/// Keeps steps from passing over what coefficients of H(t) do between the nodes of a step.
///
/// Where nothing drives the system a step may be as long as the way ahead, and its nodes, and with
/// them every estimate of its error, may all lie beside a pulse. So before a step is taken the
/// first moments of each coefficient over it are compared: by the rule of the step, and from samples
/// that lie at most 1/65536 of the way between two output times apart. For smooth coefficients the
/// difference is of the order of the step's own error, so that it costs no steps.
class StepGuard {
 public:
  struct Drive {
    std::function<double(double)> coefficient;
    double size = 0;  ///< a bound of the norm of its operator
  };

  /// @param longest  of a step; 0: any will do
  /// @param drives   none for an operator that does not depend on time
  StepGuard(double longest, std::vector<Drive> drives)
      : longest_(longest), drives_(std::move(drives)) {}

  bool is_constant() const noexcept { return drives_.empty(); }
  /// The next steps lead from one output time to another.
  void begin(double from, double to);
  /// The longest step that may be tried where `wanted` is wished for. No step is as short as the
  /// rounding of the time: at a jump of a coefficient that is what ends the search for it.
  double limit(double wanted) const;
  bool is_shortest(double step) const noexcept { return step <= shortest_; }
  /// Bound, to first order, of what the step from t to t + step changes in a state by what its rule
  /// does not see; 0 for a constant operator.
  double missed(double t, double step, const Quadrature& rule) const;

 private:
  double longest_;
  double cell_ = 0, shortest_ = 0;
  std::vector<Drive> drives_;
};

}  // namespace kronsolve::evolution
