#pragma once
// Amplitudes that other ranks hold.

#include <complex>
#include <span>
#include <vector>

#include <kronsolve/operators/state_view.hpp>

namespace kronsolve::detail {

/// Reads rows of a distributed state, wherever they are.
template <Scalar T>
class RemoteRows {
 public:
  explicit RemoteRows(const StateView<T>& psi);

  bool owns(index_t row) const noexcept { return mine_.contains(row); }
  T owned(index_t row) const noexcept {
    return owned_[static_cast<std::size_t>(row - mine_.begin)];
  }
  /// Amplitudes of `rows` in that order; any rows of the basis, each rank its own list. Collective.
  /// About 16 bytes and one amplitude a row of memory and of messages; callers bound the list.
  std::vector<T> fetch(std::span<const index_t> rows) const;

 private:
  const Comm* comm_;
  RowPartition partition_;
  RowRange mine_;
  std::span<const T> owned_;
};

extern template class RemoteRows<double>;
extern template class RemoteRows<std::complex<double>>;

}  // namespace kronsolve::detail
