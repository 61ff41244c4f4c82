#pragma once
// The rows of an operator in a sector of symmetries, stored once for all who use them.

#include <memory>

#include <kronsolve/operators/lazy.hpp>
#include <kronsolve/operators/sector_operator.hpp>
#include <kronsolve/operators/symmetry_basis.hpp>

#include "operators/assembled/stored_rows.hpp"

namespace kronsolve::detail {

/// Builds and stores the owned rows: they cost a search for each entry and messages between ranks.
/// Collective on the communicator of the basis.
/// @throws InvalidArgument  they do not fit into memory
template <Scalar T>
std::shared_ptr<const StoredRows<T>> store_sector_rows(const OpSum& op, const SymmetryBasis& basis);

/// Stored rows as rows to be asked for, of which pieces are copies.
template <Scalar T>
Lazy<T> stored_lazy(std::shared_ptr<const StoredRows<T>> stored);

}  // namespace kronsolve::detail
