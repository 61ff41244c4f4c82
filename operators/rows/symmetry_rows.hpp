#pragma once
// Rows of an operator reduced to a symmetry sector.

#include <functional>

#include <kronsolve/core/csr_rows.hpp>
#include <kronsolve/operators/symmetry_basis.hpp>

#include "operators/rows/compiled_operator.hpp"

namespace kronsolve::detail {

/// Rows `range`, all of them owned by this rank. Collective on the basis' communicator if it has
/// several ranks: columns that other ranks know are asked from them, batch by batch. Stores the
/// result and one batch.
template <Scalar T>
CsrRows<T> build_symmetric_rows(const CompiledOperator<T>& op, const SymmetryBasis& basis,
                                RowRange range);

/// The same, handed to `take` batch by batch, ascending. Stores one batch.
template <Scalar T>
void build_symmetric_rows(const CompiledOperator<T>& op, const SymmetryBasis& basis, RowRange range,
                          const std::function<void(const CsrRows<T>&)>& take);

/// Bytes of a batch for an operator with so many entries a row.
double batch_bytes(double local_rows, double entries_per_row);

/// Entries of these rows. Local.
template <Scalar T>
index_t count_symmetric_entries(const CompiledOperator<T>& op, const SymmetryBasis& basis,
                                RowRange range);

}  // namespace kronsolve::detail
