#pragma once

#include <complex>
#include <concepts>
#include <ranges>
#include <span>
#include <type_traits>
#include <vector>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/basis.hpp>

namespace kronsolve {

/// A distributed state that somebody else holds: whose ranks, which configurations, and this rank's
/// amplitudes.
///
/// Row i of rank r's amplitudes belongs to state (in sectors of charges: configuration)
/// basis.state(basis.partition(comm.size()).range(r).begin + i). Communicator, basis and amplitudes
/// must outlive the view. A small value.
template <Scalar T>
class StateView {
 public:
  /// @param owned  amplitudes of the owned rows; their number is checked by what uses the view (see
  ///               require_fitting)
  StateView(const Comm& comm, const Basis& basis, std::span<const T> owned)
      : comm_(&comm), basis_(&basis), owned_(owned) {}
  /// Nothing that ends with the statement: the view would refer to what is gone.
  template <class C, class B, class Owned>
  requires(!std::is_lvalue_reference_v<C> || !std::is_lvalue_reference_v<B> ||
           std::same_as<std::remove_cv_t<Owned>, Buffer<T>> ||
           std::same_as<std::remove_cv_t<Owned>, std::vector<T>>)
      StateView(C&& comm, B&& basis, Owned&& owned)
  = delete;

  const Comm& comm() const noexcept { return *comm_; }     ///< whose ranks hold the state
  const Basis& basis() const noexcept { return *basis_; }  ///< states that the amplitudes belong to
  std::span<const T> owned() const noexcept { return owned_; }  ///< this rank's amplitudes
  /// Who has which rows.
  RowPartition partition() const { return basis_->partition(comm_->size()); }

 private:
  const Comm* comm_;
  const Basis* basis_;
  std::span<const T> owned_;
};
/// StateView(comm, basis, vector): of a Buffer, std::vector or span of T.
template <std::ranges::contiguous_range Owned>
StateView(const Comm&, const Basis&, Owned&&) -> StateView<std::ranges::range_value_t<Owned>>;

/// Collective.
/// @throws DimensionError  on every rank, if any holds another number of amplitudes than it owns
///                         rows; `where` is named
template <Scalar T>
KRONSOLVE_EXPORT void require_fitting(const StateView<T>& psi, std::string_view where);

/// <a|b>. Collective; local work O(owned rows).
/// @throws DimensionError  the lengths do not fit; the two states are in different bases (other
///                         sites, sector or size)
template <Scalar T>
KRONSOLVE_EXPORT T overlap(const StateView<T>& a, const StateView<T>& b);

/// sqrt(<psi|psi>). Collective.
template <Scalar T>
KRONSOLVE_EXPORT double norm(const StateView<T>& psi);

}  // namespace kronsolve
