#pragma once
// Rows that the ranks hold already.

#include <string_view>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/operators/lazy.hpp>

namespace kronsolve::frontend {

/// Who holds which rows, from what each rank says. Collective.
/// @param who  named by the error
/// @throws DimensionError  rows do not follow one another in rank order, or numbers of columns
///                         differ
template <Scalar T>
RowPartition held_partition(const Comm& comm, const CsrRows<T>& owned, std::string_view who);

/// Rows that are held, as rows to be asked for; `owned` must outlive it.
/// @param rows  of the whole matrix
template <Scalar T>
Lazy<T> held_lazy(const CsrRows<T>& owned, index_t rows);

}  // namespace kronsolve::frontend
