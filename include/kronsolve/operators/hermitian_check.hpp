#pragma once

#include <complex>
#include <limits>
#include <string_view>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/csr_rows.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/lazy.hpp>
#include <kronsolve/operators/op_sum.hpp>

namespace kronsolve {

/// @throws InvalidArgument  naming the term that has no Hermitian partner. Local.
/// @param where  leads the text
KRONSOLVE_EXPORT void require_hermitian(const OpSum& op, std::string_view where);

/// A matrix counts as Hermitian while every |a_ij - conj(a_ji)| is at most `entries` times the
/// larger of the two, or `rows` times the largest entry of row i and of row j: rounding of what the
/// entries were computed from. No other row matters.
struct HermitianTolerance {
  double entries = 1e-12,  ///< part of the larger of two mirrored entries
      rows = 64 * std::numeric_limits<double>::epsilon();  ///< part of the largest entry of a row
};
inline constexpr HermitianTolerance hermitian_tolerance;  ///< what all checks of matrices use

/// Checks every stored entry of a distributed square matrix against its mirror image. Collective.
/// @param rows       the owned rows of this rank, rows.range = partition.range(comm.rank())
/// @param partition  who owns which rows
/// @param where      leads the text
/// @throws InvalidArgument  naming the first entry that has no partner, and the defect
/// Cost: one exchange of the entries in other ranks' columns.
template <Scalar T>
KRONSOLVE_EXPORT void require_hermitian(const Comm& comm, const CsrRows<T>& rows,
                                        const RowPartition& partition, std::string_view where);

/// The same for rows built on demand: all of them up to 2000 rows, else the neighbours of 64 rows
/// spread by `seed`. Collective.
/// @throws DimensionError   not square
/// @throws InvalidArgument  naming an entry that has no partner, and the defect
template <Scalar T>
KRONSOLVE_EXPORT void require_hermitian_sampled(const Comm& comm, const Lazy<T>& a,
                                                std::string_view where, std::uint64_t seed = 0);

}  // namespace kronsolve
