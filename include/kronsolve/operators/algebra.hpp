#pragma once

#include <complex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <kronsolve/export.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/local_matrix.hpp>
#include <kronsolve/operators/op_sum.hpp>
#include <kronsolve/operators/symmetry_group.hpp>

namespace kronsolve {

/// a b - b a, simplified.
/// @throws DimensionError  different sites
KRONSOLVE_EXPORT OpSum commutator(const OpSum& a, const OpSum& b);
/// a b + b a, simplified.
/// @throws DimensionError  different sites
KRONSOLVE_EXPORT OpSum anticommutator(const OpSum& a, const OpSum& b);
/// op * op * ... (exponent factors), simplified after each; the identity for 0.
/// @throws InvalidArgument  negative exponent
KRONSOLVE_EXPORT OpSum power(const OpSum& op, int exponent);

/// The same operator in few terms: sites ascending with fermion signs worked out, equal terms
/// merged, zero ones gone, at most one operator a site and term. Factors keep their names where a
/// named operator is meant; others are defined ("d2", "u01").
KRONSOLVE_EXPORT OpSum simplify(const OpSum& op);

/// Trace divided by the dimension, from the terms alone: also where the trace exceeds a double.
KRONSOLVE_EXPORT std::complex<double> normalized_trace(const OpSum& op);

/// Operators of site i on site image[i]; fermion signs follow.
/// @throws InvalidArgument  no permutation, unlike local spaces
KRONSOLVE_EXPORT OpSum permuted(const OpSum& op, const SitePermutation& image);
/// m -> -m on every spin, up and down operators of electrons exchanged.
KRONSOLVE_EXPORT OpSum spin_flipped(const OpSum& op);

/// Text of a term of `op` that changes the charge (sz, n, nup, ndown, parity of `Charge::parse`);
/// nothing if it is conserved.
/// @throws InvalidArgument  unknown charge, or no site has it
KRONSOLVE_EXPORT std::optional<std::string> breaks(const OpSum& op, std::string_view charge);
/// `breaks` names nothing.
KRONSOLVE_EXPORT bool conserves(const OpSum& op, std::string_view charge);
/// The charges of sz, n, nup, ndown, parity that the sites have and the operator conserves.
KRONSOLVE_EXPORT std::vector<std::string> conserved_charges(const OpSum& op);

/// A matrix on n sites of spin 1/2 as a sum of products of X, Y, Z.
/// @param matrix  2^n x 2^n, row-major
/// @throws DimensionError   not square, or not a power of two
/// @throws InvalidArgument  NaN or infinite entries
/// Cost: n 4^n. Coefficients that are the rounding of a zero are left out.
KRONSOLVE_EXPORT OpSum pauli_decomposition(const LocalMatrix& matrix);

}  // namespace kronsolve
