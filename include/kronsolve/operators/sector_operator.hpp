#pragma once

#include <memory>

#include <kronsolve/operators/basis.hpp>
#include <kronsolve/operators/op_sum.hpp>

namespace kronsolve {

/// An operator sum together with the states it acts on. A small value: the basis is shared.
struct SectorOperator {
  OpSum op;                            ///< the sum of products
  std::shared_ptr<const Basis> basis;  ///< states it acts on; shared, never null

  index_t dimension() const { return basis->size(); }  ///< rows of the matrix, all ranks together
  /// Real if both the operator and the basis are.
  ScalarKind scalar() const {
    return basis->scalar() == ScalarKind::complex ? ScalarKind::complex : op.scalar();
  }
};

/// The operator on every configuration of its sites.
inline SectorOperator on_full_space(OpSum op) {
  auto basis = std::make_shared<const FullBasis>(op.spaces());
  return {std::move(op), std::move(basis)};
}

}  // namespace kronsolve
