#pragma once

#include <complex>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/measure/ground_level.hpp>
#include <kronsolve/measure/thermodynamics.hpp>
#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/op_sum.hpp>
#include <kronsolve/solvers/eigh.hpp>

namespace kronsolve {

/// Operators of a correlation <A delta(w - H + E0) B>: B|0> is what is excited.
struct OperatorPair {
  OpSum a,                         ///< measured: its adjoint leads to what B excites
      b;                           ///< excites the state
  std::vector<int> momentum = {};  ///< m of q = 2 pi m / L, a number for each direction; or nothing
};

/// Sums of one-site operators with plane waves, A = sum_j exp(iq r_j) A_j / sqrt(N) and
/// B = sum_j exp(-iq r_j) B_j / sqrt(N), for every momentum of the lattice, the last direction
/// fastest: the order of the observable `sq:A,B`, which is the sum over all energies. Sites without
/// the operators are left out. Local.
/// @throws InvalidArgument  a graph; an operator that no site has
KRONSOLVE_EXPORT std::vector<OperatorPair> plane_waves(const std::vector<LocalSpace>& spaces,
                                                       const Lattice& lattice, const std::string& a,
                                                       const std::string& b);

/// A sum of delta functions, at energies above that of the ground state; at a temperature, at the
/// energy that each transition takes up.
struct KRONSOLVE_EXPORT DynamicalCorrelation {
  std::vector<int> momentum;                  ///< as in the pair
  std::vector<double> energies;               ///< ascending
  std::vector<std::complex<double>> weights;  ///< not negative where A is the adjoint of B
  /// Integrals over the energy of S and of w S as expectation values, <AB> and <A[H,B]>, which know
  /// nothing of the delta functions, and how far their sums are from that.
  std::complex<double> total,  ///< <AB>: integral of S
      first_moment;            ///< <A[H,B]>: integral of w S
  double total_error = 0,      ///< |sum of the weights - total|, absolute
      first_moment_error = 0;  ///< the same of sum of w times weights
  /// At a temperature T: the integral of exp(-w/T) S as <BA>, since detailed balance makes exp(-w/T)
  /// S(w) the correlation of B and A at -w. NaN if B leads out of the sectors whose states are taken
  /// together.
  std::complex<double> reversed = 0;
  /// How far the sum over the delta functions is from `reversed`, absolute.
  double reversed_error = 0;
  /// From random vectors: standard errors of `total` and of the differences in `first_moment_error`
  /// and `reversed_error`; the weights that leaving out one random vector gives, for each of them.
  double total_deviation = 0,      ///< of `total`
      first_moment_deviation = 0,  ///< of `first_moment_error`
      reversed_deviation = 0;      ///< of `reversed_error`
  /// [random vector][delta function]; empty without them.
  std::vector<std::vector<std::complex<double>>> leaving_out = {};
  index_t dimension = 0;  ///< of the largest sector that B leads to
  index_t products = 0;   ///< with H

  /// Integral of w^power S from the delta functions.
  std::complex<double> moment(int power) const;
};

/// The line that stands for a delta function.
enum class LineShape { lorentzian, gaussian };

/// Real part at energies, each delta function as a line of that width.
/// @param width  half width at half maximum of a Lorentzian, standard deviation of a Gaussian
KRONSOLVE_EXPORT std::vector<double> broadened(const DynamicalCorrelation& lines,
                                               std::span<const double> energies, double width,
                                               LineShape shape);
/// Standard errors of `broadened`, where the lines come from random vectors; else zeros.
KRONSOLVE_EXPORT std::vector<double> broadened_errors(const DynamicalCorrelation& lines,
                                                      std::span<const double> energies,
                                                      double width, LineShape shape);

/// How dynamical_correlations works; the defaults suit zero temperature.
struct DynamicalOptions {
  EighOptions ground = {};  ///< for the ground states; k counts for nothing
  index_t steps = 0;  ///< Lanczos steps of each correlation at most; 0: 200, of random vectors 100
  /// k_B T; nothing: the ground states.
  std::optional<double> temperature = {};
  /// At a temperature: exact, the Lehmann sum over all eigenvectors; ftlm, random vectors; automatic,
  /// exact where that takes seconds.
  ThermodynamicsMethod method = ThermodynamicsMethod::automatic;
  index_t samples = 20;                         ///< ftlm: random vectors of each sector
  std::uint64_t seed = 0;                       ///< of these
  OperatorForm form = OperatorForm::automatic;  ///< of H in each sector
  /// Called on rank 0: parts of the work that are done, and all.
  std::function<void(const char* part, index_t done, index_t all)> progress = {};
};

/// What dynamical_correlations found.
struct DynamicalCorrelations {
  GroundLevel ground;                                         ///< at a temperature: nothing
  std::optional<double> temperature = {};                     ///< as in the options
  ThermodynamicsMethod method = ThermodynamicsMethod::exact;  ///< at a temperature
  Estimate energy = {};                                       ///< at a temperature: <H>
  index_t sectors = 0;  ///< at a temperature: whose states were taken together
  index_t samples = 0;  ///< random vectors of each
  std::vector<DynamicalCorrelation> correlations;  ///< one of each pair
  index_t products = 0;                            ///< with H, of everything together
};

/// Correlations in the ground state, the mean over all states of the lowest level where there are
/// several (the limit of low temperatures), or at a temperature. Collective on `comm`.
///
/// The ground states are found in sectors of the charges and momenta that the operators change by a
/// definite amount; B|0> is taken from there to the sector it belongs to, and the continued fraction
/// is that of H in there. At a temperature the trace is over all sectors that `conditions` name;
/// random vectors take sectors of the charges, of momenta too where these are asked for or Lanczos
/// vectors without them would need more than 1 GiB, and put their lines on a grid of a 4000th of
/// the spectrum, which keeps weights and first moments.
/// @param conditions  charges and momenta of the ground state, as for `parse_sector`; what they leave
///                    open is looked for
/// @throws InvalidArgument  as `ground_level`; a condition other than charges and momenta; operators
///                          that break a momentum asked for; a temperature that is not positive
///                          and finite, fewer than 2 samples, `typical`; random vectors that do not
///                          fit into memory
/// Cost: the ground states; `steps` products in the sector of each B|0>, twice (complex: four times)
/// if A is not the adjoint of B. Momenta q and -q of a real operator are computed once. Exact at a
/// temperature: all eigenvectors of each sector. ftlm: for each random vector `steps` products, and
/// for each correlation as many and as many with A; `steps` vectors and one product of steps^2 inner
/// products.
/// Source: Gagliano and Balseiro 1987, doi:10.1103/PhysRevLett.59.2999; Jaklic and Prelovsek 1994,
/// doi:10.1103/PhysRevB.49.5065.
KRONSOLVE_EXPORT DynamicalCorrelations
dynamical_correlations(const Comm& comm, const OpSum& h, const Lattice& lattice,
                       const std::vector<std::string>& conditions,
                       std::span<const OperatorPair> pairs, const DynamicalOptions& options = {});

}  // namespace kronsolve
