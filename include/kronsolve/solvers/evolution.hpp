#pragma once

#include <complex>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/distributed_vectors.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/solvers/checkpoint.hpp>
#include <kronsolve/solvers/spectral_bounds.hpp>

namespace kronsolve {

/// How a state is moved in time. solve: by full diagonalisation on one process (small operators,
/// any time); expm: by Chebyshev series; integrate: by an adaptive Runge-Kutta method of order 8;
/// magnus: by commutator-free Magnus steps of order 4 (time-dependent operators); mfn: by SLEPc's
/// MFN (for comparison: slower, its error is what SLEPc was asked for and no bound; needs the
/// complex engine in real time).
enum class EvolutionMethod { automatic, solve, expm, integrate, magnus, mfn };
/// real: exp(-i H t); imaginary: exp(-H t).
enum class TimeAxis { real, imaginary };

KRONSOLVE_EXPORT std::string_view to_string(EvolutionMethod);

/// H(t) = sum_j coefficient_j(t) map_j with Hermitian maps of one shape and distribution, which
/// must outlive it.
///
/// Before a step is taken the coefficients are sampled along it, 65536 times or more between two
/// output times: it is shortened until its own nodes see what the samples see. For a pulse that is
/// shorter than that give EvolutionOptions::max_step, no longer than it, or output times around it.
template <Scalar T>
struct TimeDependentOperator {
  /// A part of the operator with its factor in time.
  struct Term {
    std::function<double(double)> coefficient;  ///< the same on all ranks
    const LinearMap<T>* map = nullptr;          ///< Hermitian; what the factor multiplies
  };
  std::vector<Term> terms;  ///< at least one
};

/// One column; real only where nothing is complex (imaginary time of a real state under a real
/// operator).
using EvolutionState =
    std::variant<DistributedVectors<double>, DistributedVectors<std::complex<double>>>;

/// Where an evolution is: what observers see. The same on all ranks but for the owned rows of the
/// state.
struct EvolutionPoint {
  double time = 0;              ///< of the state, units of 1/energy (hbar = 1)
  const EvolutionState& state;  ///< of the norm at the start, where EvolutionOptions::normalises()
  double norm = 0;              ///< of the state
  double log_norm = 0;          ///< what was divided out: log(|exp(-H t) psi0| / |psi0|)
  double energy = 0;            ///< real part of <psi|H(t)|psi> / <psi|psi>
  double error = 0;             ///< 2-norm error of the state so far: bound (expm) or estimate
  index_t products = 0;         ///< so far
};

/// What an observer answers: go on, or end the evolution here.
enum class Continue { yes, no };
using EvolutionObserver =
    std::function<Continue(const EvolutionPoint&)>;  ///< must return the same on all ranks

/// How a state is moved and how exactly.
struct EvolutionOptions {
  EvolutionMethod method =
      EvolutionMethod::automatic;  ///< automatic: expm, or magnus if the operator depends on time
  TimeAxis axis = TimeAxis::real;  ///< exp(-i H t) or exp(-H t)
  double start = 0;                ///< time of the initial state
  double tol = 1e-10;  ///< 2-norm error of the state at each output time, relative to its norm
  std::optional<SpectralBounds> bounds = {};  ///< of the operator, if known
  /// Given for an operator G that is not Hermitian, which is refused without: an interval that holds
  /// the spectrum of (G - G^+) / 2i. `bounds` must then hold that of (G + G^+) / 2, the method is
  /// integrate, and the state is normalised. `for_non_hermitian` finds both.
  std::optional<SpectralBounds> growth = {};
  index_t max_products = 10'000'000;  ///< of one update
  /// Longest step of integrate and magnus, in units of time: no longer than the shortest pulse of
  /// the coefficients. 0: no such limit.
  double max_step = 0;
  /// Times that no step goes across, ascending: where coefficients jump or are abrupt. The same on
  /// all ranks.
  std::vector<double> knots = {};
  /// Called on every rank with the time reached after each step of integrate and magnus; must not
  /// throw.
  std::function<void(double time)> progress = {};
  Checkpoint* checkpoint =
      nullptr;  ///< of evolve(): asked after each output time; part `evolution`

  /// Whether the state keeps its norm by division and log_norm says what was divided out: in
  /// imaginary time, and under operators that are not Hermitian.
  bool normalises() const noexcept { return axis == TimeAxis::imaginary || growth.has_value(); }
};

/// A state that moves in time. Collective on the operator's communicator; the operator must outlive
/// it.
///
/// Operators that are not Hermitian (EvolutionOptions::growth) may make errors grow faster than the
/// state. What a step misses is taken to grow by the logarithmic norm, exp of the largest eigenvalue
/// of (G - G^+) / 2i times time, which is never too little; early steps are shorter for it.
/// Source: Soderlind 2006, doi:10.1007/s10543-006-0069-9.
///
/// Real time under a real operator keeps the operator real: real and imaginary part are vectors of
/// their own. Memory, in complex vectors besides the returned state: expm 4 (3 for real operators),
/// integrate 12, magnus 6, mfn about 35, solve n x n on one process.
template <Scalar T>
class KRONSOLVE_EXPORT Evolution {
 public:
  /// @param psi  one column, any norm above 0
  /// @throws DimensionError   map not square, other distribution of psi, more or less than one
  ///                          column
  /// @throws InvalidArgument  psi is zero or not finite, tol not in (0, 1), start not finite,
  ///                          operator not Hermitian (as far as its first products show) and no
  ///                          growth given, growth without bounds or with another method, method
  ///                          solve for an operator too large for one process
  Evolution(const LinearMap<T>& h, const DistributedVectors<double>& psi,
            EvolutionOptions options = {});
  /// The same for a complex state.
  Evolution(const LinearMap<T>& h, const DistributedVectors<std::complex<double>>& psi,
            EvolutionOptions options = {});
  /// Time-dependent: methods integrate and magnus, real time.
  Evolution(TimeDependentOperator<T> h, const DistributedVectors<double>& psi,
            EvolutionOptions options = {});
  /// The same for a complex state.
  Evolution(TimeDependentOperator<T> h, const DistributedVectors<std::complex<double>>& psi,
            EvolutionOptions options = {});
  Evolution(const LinearMap<T>&&, const DistributedVectors<double>&,
            EvolutionOptions = {}) = delete;  ///< it would be gone
  Evolution(const LinearMap<T>&&, const DistributedVectors<std::complex<double>>&,
            EvolutionOptions = {}) = delete;
  Evolution(Evolution&&) noexcept;
  Evolution& operator=(Evolution&&) noexcept;
  ~Evolution();

  /// Moves the state to time t, before or after where it is. Collective.
  /// @throws InvalidArgument  t not finite, more than max_products products needed
  void update_to(double t);
  /// Moves through `times` in their order and shows each point to `observer`, until it answers no.
  /// Collective.
  /// @param share_of  so many times share the tolerance, if more than these
  /// @return true if all times were reached
  bool at_times(std::span<const double> times, const EvolutionObserver& observer,
                std::size_t share_of = 0);

  index_t rows() const noexcept;                 ///< of the state
  double time() const noexcept;                  ///< of the state now
  const EvolutionState& state() const noexcept;  ///< the state now, one column
  EvolutionState take_state() &&;    ///< gives the state away; nothing else may be asked then
  double norm() const noexcept;      ///< of the state now
  double log_norm() const noexcept;  ///< log of the norm that was divided out
  double energy() const noexcept;    ///< now
  double norm_drift()
      const noexcept;  ///< largest | |psi(t)| / |psi(0)| - 1 | of the updates so far (real time)
  double energy_drift() const
      noexcept;  ///< largest |E(t) - E(0)| so far (real time, constant Hermitian operator; else 0)
  double error() const noexcept;  ///< accumulated, relative to the norm of the state
  index_t products()
      const noexcept;              ///< with all terms of the operator, those for energies included
  index_t steps() const noexcept;  ///< internal steps: series, Runge-Kutta or Magnus steps accepted
  EvolutionMethod method() const noexcept;  ///< never automatic
  EvolutionPoint point() const;             ///< all that observers see, of the state now

  /// Where it is and all that counts for what comes, for a checkpoint; and back there, of the same
  /// evolution. Collective.
  void write(CheckpointWriter& writer) const;
  /// Takes the state back to what write() has put down. Collective.
  void restore(const CheckpointReader& reader);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

extern template class Evolution<double>;
extern template class Evolution<std::complex<double>>;

/// An evolution from beginning to end.
struct EvolutionResult {
  std::vector<double> times;                            ///< reached, as asked
  std::vector<double> energies;                         ///< at those
  std::vector<double> norms;                            ///< of the state, at those
  std::vector<double> log_norms;                        ///< where it is normalised; else empty
  std::vector<double> errors;                           ///< of the state, accumulated
  double norm_drift = 0,                                ///< as Evolution::norm_drift
      energy_drift = 0;                                 ///< as Evolution::energy_drift
  index_t products = 0,                                 ///< with the operator
      steps = 0;                                        ///< internal steps
  bool converged = false;                               ///< every error <= tol
  bool stopped = false;                                 ///< an observer said no
  EvolutionMethod method = EvolutionMethod::automatic;  ///< never automatic
  std::string reason;                                   ///< which method and how good, for people
  EvolutionState state;                                 ///< at the last time
};

/// Evolves `psi` (given at options.start) through `times` and shows each point to `observer` (may
/// be empty). Collective. As Evolution, which see for errors and cost.
template <Scalar T, Scalar V>
KRONSOLVE_EXPORT EvolutionResult evolve(const LinearMap<T>& h, const DistributedVectors<V>& psi,
                                        std::span<const double> times,
                                        const EvolutionOptions& options = {},
                                        const EvolutionObserver& observer = {});
/// The same under an operator that depends on time: integrate or magnus, real time.
template <Scalar T, Scalar V>
KRONSOLVE_EXPORT EvolutionResult evolve(const TimeDependentOperator<T>& h,
                                        const DistributedVectors<V>& psi,
                                        std::span<const double> times,
                                        const EvolutionOptions& options = {},
                                        const EvolutionObserver& observer = {});

}  // namespace kronsolve
