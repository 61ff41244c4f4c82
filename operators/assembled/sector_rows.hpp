#pragma once
// The rows of an operator in a sector of symmetries, stored once for all who use them.

#include <memory>

#include <kronsolve/operators/lazy.hpp>
#include <kronsolve/operators/sector_operator.hpp>
#include <kronsolve/operators/symmetry_basis.hpp>

#include "operators/assembled/stored_rows.hpp"

namespace kronsolve::detail {

/// The owned rows of an operator between listed orbits. They cost a search for each entry and
/// messages between ranks, so that they are built once, when somebody needs them.
template <Scalar T>
class SectorRows {
 public:
  explicit SectorRows(SectorOperator h) : h_(std::move(h)) {}
  /// The first call builds and stores them, and is collective on the communicator of the basis.
  /// @throws InvalidArgument  they do not fit into memory
  std::shared_ptr<const StoredRows<T>> stored();
  /// Rows to be asked for, of which pieces are copies; all ranks must have called `stored` before
  /// one asks.
  static Lazy<T> lazy(std::shared_ptr<SectorRows> rows);

 private:
  SectorOperator h_;
  std::shared_ptr<const StoredRows<T>> stored_;
};

extern template class SectorRows<double>;
extern template class SectorRows<std::complex<double>>;

/// Is the basis one of orbits whose representatives are listed?
inline bool has_listed_orbits(const Basis& basis) {
  return basis.orbits() != nullptr && basis.paths() == nullptr;
}

}  // namespace kronsolve::detail
