#pragma once

#include <complex>
#include <span>
#include <string>
#include <vector>

#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/op_sum.hpp>
#include <kronsolve/operators/state_view.hpp>

namespace kronsolve {

// All functions are collective on the state's communicator and return the same on every rank.
// Nothing is gathered: a rank walks over the rows it owns and asks other ranks for single
// amplitudes, in rounds of bounded size (tens of MiB). States need not be normalised; no result is
// divided by a norm unless said. Operators may lead out of the sector: what leaves has no overlap
// with the state. In sectors of momentum, reflection or spin flip an operator is replaced by its
// mean over the group, which has the same expectation value; for transitions between different
// sectors of that kind the states are written out in configurations, spread over the ranks
// (expand).

/// <bra|op|ket>; the two may be in different sectors of the same sites.
/// Cost: owned rows x moves of the operator (its patterns of changed digits).
/// @throws DimensionError   sites or local spaces differ, or a state does not fit its basis
template <Scalar T>
KRONSOLVE_EXPORT std::complex<double> matrix_element(const StateView<T>& bra, const OpSum& op,
                                                     const StateView<T>& ket);

/// <psi|op|psi>; real (to rounding) if the operator is Hermitian.
template <Scalar T>
KRONSOLVE_EXPORT std::complex<double> expectation(const StateView<T>& psi, const OpSum& op);

/// The same for several operators in one pass.
template <Scalar T>
KRONSOLVE_EXPORT std::vector<std::complex<double>> expectations(const StateView<T>& psi,
                                                                std::span<const OpSum> ops);

/// <op^2> - <op>^2 of a normalised state, computed as |(op - <op>) psi|^2, so that small variances
/// are not lost in cancellation; what leads out of the sector is counted. Zero for an eigenstate.
/// @throws InvalidArgument  the operator is not Hermitian (names a term)
template <Scalar T>
KRONSOLVE_EXPORT double variance(const StateView<T>& psi, const OpSum& op);

/// |<a|b>|^2 / (<a|a> <b|b>), states in the same basis.
/// @throws InvalidArgument  a state is zero
template <Scalar T>
KRONSOLVE_EXPORT double fidelity(const StateView<T>& a, const StateView<T>& b);

/// Amplitude of one configuration, digits in site order; 0 if it is not in the basis.
/// @throws InvalidArgument  digits do not fit the sites
template <Scalar T>
KRONSOLVE_EXPORT T amplitude(const StateView<T>& psi, std::span<const int> digits);

/// <op_i> for every site i.
/// @throws InvalidArgument  a site has no operator of that name
template <Scalar T>
KRONSOLVE_EXPORT std::vector<std::complex<double>> site_profile(const StateView<T>& psi,
                                                                const std::string& op);

/// <A_i B_j> for all pairs of sites (not connected), entry [i * sites + j]; for i = j the product
/// of the two matrices. Fermion signs as in OpSum. One pass over the state; for diagonal operators
/// without any message.
/// Cost: owned rows x sites^2.
/// @throws InvalidArgument  a site has no operator of one of the names
template <Scalar T>
KRONSOLVE_EXPORT std::vector<std::complex<double>> correlation_matrix(const StateView<T>& psi,
                                                                      const std::string& a,
                                                                      const std::string& b);

}  // namespace kronsolve
