#pragma once

#include <complex>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/basis.hpp>
#include <kronsolve/operators/local_space.hpp>
#include <kronsolve/operators/state_view.hpp>

namespace kronsolve {

/// A state as a description: small, the same on every rank, put on a basis by `make_state`. A
/// value.
struct KRONSOLVE_EXPORT StateDescription {
  /// A superposition of configurations; digits in site order.
  struct Configurations {
    /// Amplitude and digits of each.
    std::vector<std::pair<std::complex<double>, std::vector<int>>> terms;
  };
  /// A product over disjoint groups of sites that together are all sites. amplitudes[c]: c is the
  /// number of the group's configuration, its digits in mixed radix, sites[0] the most significant.
  /// Amplitudes are those of the computational basis also for fermions (no signs are added).
  struct Product {
    /// Sites that are in one state of their own together, entangled or not.
    struct Group {
      std::vector<int> sites;                        ///< which sites, in the order of their digits
      std::vector<std::complex<double>> amplitudes;  ///< of each configuration of the group
    };
    std::vector<Group> groups;  ///< together they are all sites, each once
  };
  /// Independent normal amplitudes by row: after normalisation uniform (Haar) on the unit sphere of
  /// the basis.
  struct Random {
    std::uint64_t seed = 0;  ///< the same seed gives the same state on any number of ranks
  };

  std::string name;                                       ///< for messages
  std::vector<LocalSpace> spaces;                         ///< the sites that it is a state of
  std::variant<Configurations, Product, Random> content;  ///< what it is

  /// Complex if an amplitude has an imaginary part. (Random states are made in either scalar.)
  ScalarKind scalar() const;
};

/// Every site in its own state: spinors[i] holds the amplitudes of site i's digits, any norm but
/// zero. Local.
/// @throws DimensionError   not one spinor per site, or its length is not the site's dimension
/// @throws InvalidArgument  a spinor is zero or not finite
KRONSOLVE_EXPORT StateDescription product_state(
    const std::vector<LocalSpace>& spaces, std::vector<std::vector<std::complex<double>>> spinors);

/// One configuration.
/// @throws DimensionError, InvalidArgument  digits do not fit the sites
KRONSOLVE_EXPORT StateDescription configuration_state(const std::vector<LocalSpace>& spaces,
                                                      std::vector<int> digits);

/// What `u` and `d` mean on a site: a spin's largest and smallest Sz (first and last digit), an
/// electron up or down (1, 2), no particle and one on other sites (0, 1).
/// @throws InvalidArgument  a site of dimension 1
KRONSOLVE_EXPORT std::pair<int, int> up_down_digits(const LocalSpace& space);

/// What the first site of a Néel state is.
enum class NeelStart { up, down };
/// u d u d ... or d u d u ... (see up_down_digits); on spin-1/2 sites 0101... and 1010...
KRONSOLVE_EXPORT StateDescription neel_state(const std::vector<LocalSpace>& spaces,
                                             NeelStart start = NeelStart::up);
/// u on the first floor(N/2) sites, d on the others.
KRONSOLVE_EXPORT StateDescription domain_wall_state(const std::vector<LocalSpace>& spaces);
/// Every spin along +x: amplitudes sqrt(binomial(2S, digit)) / 2^S.
/// @throws InvalidArgument  a site is not a spin
KRONSOLVE_EXPORT StateDescription plus_state(const std::vector<LocalSpace>& spaces);
/// (|d u u ...> + |u d u ...> + ...) / sqrt(N).
KRONSOLVE_EXPORT StateDescription w_state(const std::vector<LocalSpace>& spaces);
/// (|u u ... u> + |d d ... d>) / sqrt(2).
KRONSOLVE_EXPORT StateDescription ghz_state(const std::vector<LocalSpace>& spaces);

/// phi: (|00> +- |11>)/sqrt2; psi: (|01> +- |10>)/sqrt2.
enum class Bell { phi_plus, phi_minus, psi_plus, psi_minus };
/// Bell states (|00> +- |11>)/sqrt2 and (|01> +- |10>)/sqrt2 on sites (0,1), (2,3), ...; psi_minus:
/// singlets.
/// @throws InvalidArgument  an odd number of sites, or a site of dimension other than 2
KRONSOLVE_EXPORT StateDescription bell_pairs(const std::vector<LocalSpace>& spaces, Bell which);
/// Spin singlets sum_m (-1)^(S-m) |m, -m> / sqrt(2S+1) on the given pairs, which cover every site
/// once (default: (0,1), (2,3), ...).
/// @throws InvalidArgument  otherwise, or the spins of a pair differ
KRONSOLVE_EXPORT StateDescription singlet_pairs(const std::vector<LocalSpace>& spaces,
                                                std::vector<std::pair<int, int>> pairs = {});
/// Independent normal amplitudes; the same seed gives the same state on any number of ranks.
KRONSOLVE_EXPORT StateDescription random_state(const std::vector<LocalSpace>& spaces,
                                               std::uint64_t seed);

/// From the name that the command line takes: `neel`, `neel-down`, `domain-wall`, `up`, `down`,
/// `plus`, `w`, `ghz`, `singlets`, `bell:phi+` (phi-, psi+, psi-), `random`, or one letter a site:
/// digits, `u`, `d`, and on spin-1/2 sites `+`, `-` (along x); with dimensions above 10 digits
/// separated by commas. Local.
/// @throws InvalidArgument  naming what is allowed
KRONSOLVE_EXPORT StateDescription parse_state(std::string_view text,
                                              const std::vector<LocalSpace>& spaces,
                                              std::uint64_t seed = 0);

/// The owned amplitudes of the state in a basis, normalised. Collective.
///
/// A rank computes its own rows only; random states are the same on any number of ranks (rounding
/// of the norm aside).
/// @throws DimensionError   the basis is on other sites
/// @throws InvalidArgument  T is real and the state is not; the state is not in the basis: the norm
///                          squared of its part there is below 1 - 1e-12 (the text gives it)
/// Cost: O(owned rows x groups) for products, O(owned rows) else.
template <Scalar T>
KRONSOLVE_EXPORT Buffer<T> make_state(const Comm& comm, const Basis& basis,
                                      const StateDescription& description);

/// Amplitudes by a function of the configuration (its digits in site order), called by several
/// threads at once; normalised. Collective.
/// @throws InvalidArgument  on every rank: a value is not finite, or all are zero
template <Scalar T>
KRONSOLVE_EXPORT Buffer<T> make_state(
    const Comm& comm, const Basis& basis,
    const std::function<T(std::span<const int> digits)>& amplitude);

/// Divides by the norm, which is returned. Collective.
/// @throws InvalidArgument  on every rank: the norm is zero or not finite
template <Scalar T>
KRONSOLVE_EXPORT double normalize(const Comm& comm, std::span<T> owned);

}  // namespace kronsolve
