#pragma once
// Amplitudes of configurations, wherever they are and however the basis combines configurations.

#include <complex>
#include <span>
#include <vector>

#include <kronsolve/operators/state_view.hpp>

namespace kronsolve::detail {

/// Reads psi(configuration) of a distributed state.
///
/// A configuration's amplitude is a factor times an entry of the vector, which a key names (see
/// Basis::locate). Keys tell who owns the entry; only the owner knows its row.
template <Scalar T>
class Amplitudes {
 public:
  explicit Amplitudes(const StateView<T>& psi)
      : comm_(&psi.comm()),
        basis_(&psi.basis()),
        partition_(psi.partition()),
        mine_(partition_.range(psi.comm().rank())),
        owned_(psi.owned()) {}

  /// psi(states[i]) = factors[i] * entry keys[i]; where the factor is 0 there is no such entry.
  /// Local. `keys` and `states` may not overlap.
  void locate(std::span<const state_t> states, std::span<index_t> keys, std::span<T> factors) const;
  bool owns(index_t key) const {
    return comm_->size() == 1 || basis_->owner(key, partition_) == comm_->rank();
  }
  T owned(index_t key) const {
    return owned_[static_cast<std::size_t>(basis_->row(key) - mine_.begin)];
  }
  /// The entries of `keys` in that order, each rank its own list. Collective.
  /// About 16 bytes and one amplitude a key of memory and of messages; callers bound the list.
  std::vector<T> fetch(std::span<const index_t> keys) const;
  /// psi(states[i]) for every i, each rank its own list. Collective; memory as fetch.
  std::vector<T> read(std::span<const state_t> states) const;

 private:
  const Comm* comm_;
  const Basis* basis_;
  RowPartition partition_;
  RowRange mine_;
  std::span<const T> owned_;
};

extern template class Amplitudes<double>;
extern template class Amplitudes<std::complex<double>>;

}  // namespace kronsolve::detail
