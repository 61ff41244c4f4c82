#pragma once

#include <memory>
#include <span>
#include <type_traits>
#include <variant>

#include <kronsolve/export.hpp>
#include <kronsolve/operators/basis.hpp>
#include <kronsolve/operators/distributed_vectors.hpp>
#include <kronsolve/operators/op_sum.hpp>

#include "operators/rows/operator_moves.hpp"

namespace kronsolve::detail {

/// An operator from one sector into another, made ready for many vectors; comm and both bases must
/// outlive it.
template <Scalar T>
class KRONSOLVE_EXPORT SectorTransfer {
 public:
  /// @throws DimensionError, InvalidArgument  as `apply_operator`, but for what only a vector shows
  SectorTransfer(const Comm& comm, const OpSum& op, const Basis& from, const Basis& to);

  /// op |psi> in `to`. Collective.
  DistributedVectors<T> operator()(std::span<const T> psi) const;
  /// @throws InvalidArgument  op leads from a configuration of psi to one outside `to`
  void require_inside(std::span<const T> psi) const;

 private:
  template <Scalar C>
  using Shared = std::shared_ptr<const OperatorMoves<C>>;
  using Moves =
      std::conditional_t<is_complex<T>, std::variant<Shared<double>, Shared<std::complex<double>>>,
                         std::variant<Shared<double>>>;
  const Comm* comm_;
  const Basis *from_, *to_;
  Moves moves_;
};

}  // namespace kronsolve::detail
