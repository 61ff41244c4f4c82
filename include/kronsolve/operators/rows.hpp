#pragma once

#include <complex>

#include <kronsolve/core/csr_rows.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/basis.hpp>
#include <kronsolve/operators/lazy.hpp>
#include <kronsolve/operators/op_sum.hpp>
#include <kronsolve/operators/sector_operator.hpp>

namespace kronsolve {

/// Rows `range` of the matrix of `op` in `basis`: element (i, j) is <state(i)| op |state(j)>. Zeros
/// are left out.
///
/// Local. Nothing larger than the result is stored, which is allocated once at its exact size (a
/// counting pass comes first); the rows are the same to the bit however the matrix is cut into
/// ranges and on any number of threads.
/// In a listed SymmetryBasis on several ranks it is collective: every rank builds rows of its own
/// (perhaps none), and columns that other ranks know are asked from them.
/// @throws DimensionError   op and basis have other sites, or the range is outside the rows
/// @throws InvalidArgument  T is real and the operator is not; the operator leads out of the basis
///                          (names the states)
/// Cost: about entries + rows * (terms of a row) / 8 operations.
template <Scalar T>
KRONSOLVE_EXPORT CsrRows<T> build_rows(const OpSum& op, const Basis& basis, RowRange range);

/// Entries that build_rows would return, without building them. Local; about a third of its cost.
KRONSOLVE_EXPORT index_t count_entries(const OpSum& op, const Basis& basis, RowRange range);

/// The matrix as a lazy one; the operator is prepared once and shared by all copies. Local.
///
/// In a listed SymmetryBasis the owned rows are built now (collective on its communicator) and held
/// in about 5 bytes an entry; any pieces of them can then be asked for, locally. In a CountedBasis
/// there are no rows to be had.
/// @throws as build_rows
template <Scalar T>
KRONSOLVE_EXPORT Lazy<T> make_lazy(const SectorOperator& h);

/// About what make_lazy holds on a rank with so many rows of a symmetry sector, and takes while it
/// builds them: a few bytes an entry. Local.
template <Scalar T>
KRONSOLVE_EXPORT double held_rows_bytes(const SectorOperator& h, double local_rows);

/// How full the rows of an operator on the full space are.
struct EntriesPerRow {
  double mean = 0;   ///< entries / rows, coincidental zeros counted as entries
  index_t most = 0;  ///< no row of the full space or of a sector has more
};
/// Local; from the terms alone.
KRONSOLVE_EXPORT EntriesPerRow entries_per_row(const OpSum& op);

/// About how many entries a row has: as on the full space, or, where local rules leave configurations
/// out, in a sample of those that are left. Local.
KRONSOLVE_EXPORT double mean_entries(const SectorOperator& h);

}  // namespace kronsolve
