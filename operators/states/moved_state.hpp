#pragma once

#include <span>

#include <kronsolve/export.hpp>
#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/state_view.hpp>

#include "operators/bases/group_action.hpp"

namespace kronsolve::detail {

/// Takes states to where a permutation of the sites leads: U psi, with fermion signs. The same
/// basis, whose rows are configurations and which the permutation maps on itself.
class KRONSOLVE_EXPORT SiteMove {
 public:
  /// @throws InvalidArgument  no permutation, unlike local spaces
  SiteMove(const Basis& basis, const SitePermutation& image);

  /// Owned rows of U psi into `to`. Collective; a few look-ups a row, and on several ranks one
  /// message a row at most.
  template <Scalar T>
  void operator()(const StateView<T>& psi, std::span<T> to) const;

 private:
  SymmetryGroup group_;  ///< all powers of it
  GroupAction action_;
  int inverse_ = 0;
};

}  // namespace kronsolve::detail
