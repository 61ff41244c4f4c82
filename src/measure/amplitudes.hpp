#pragma once
// Amplitudes of configurations, wherever they are and however the basis combines configurations.

#include <complex>
#include <memory>
#include <span>
#include <vector>

#include <kronsolve/operators/state_view.hpp>
#include <kronsolve/operators/symmetry_basis.hpp>

namespace kronsolve::detail {

/// The configurations that a basis is about, as a basis of their own: the charges without the
/// symmetries. For bases whose rows are configurations that basis itself, which must then outlive
/// the result.
std::shared_ptr<const Basis> configurations_of(const Basis& basis);

/// Reads psi(configuration) of a distributed state.
///
/// A configuration's amplitude is a factor times an entry of the vector, which a key names: the
/// row, or in a basis of orbits the representative. Keys tell who owns the entry; only the owner
/// knows its row.
template <Scalar T>
class Amplitudes {
 public:
  explicit Amplitudes(const StateView<T>& psi);

  /// psi(states[i]) = factors[i] * entry keys[i], 0 where the key is negative. Local. `keys` and
  /// `states` may not overlap.
  void locate(std::span<const state_t> states, std::span<index_t> keys, std::span<T> factors) const;
  bool owns(index_t key) const noexcept;
  T owned(index_t key) const;
  /// The entries of `keys` in that order; none negative, each rank its own list. Collective.
  /// About 16 bytes and one amplitude a key of memory and of messages; callers bound the list.
  std::vector<T> fetch(std::span<const index_t> keys) const;

 private:
  int owner(index_t key) const;
  const Comm* comm_;
  const Basis* basis_;
  const SymmetryBasis* orbits_;  ///< nothing if rows are configurations
  std::shared_ptr<const Basis> configurations_;
  RowPartition partition_;
  RowRange mine_;
  std::span<const T> owned_;
};

extern template class Amplitudes<double>;
extern template class Amplitudes<std::complex<double>>;

}  // namespace kronsolve::detail
