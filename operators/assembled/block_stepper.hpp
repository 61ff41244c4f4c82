#pragma once
// Steps of a recurrence with several vectors side by side: a row is read once for all of them.

#include <array>
#include <complex>
#include <memory>
#include <span>

#include <kronsolve/core/comm.hpp>

#include "operators/assembled/halo.hpp"
#include "operators/assembled/stored_rows.hpp"
#include "operators/matrix_free/kernels.hpp"

namespace kronsolve::detail {

template <Scalar T>
class BlockStepper {
 public:
  /// Local. All arguments must outlive this.
  /// @param pattern  of the product with one vector
  BlockStepper(const Comm& comm, const StoredRows<T>& rows, const Halo<T>& pattern)
      : comm_(comm), rows_(rows), pattern_(pattern) {}
  /// Collective.
  /// @param step  for 4 or 8 numbers an entry
  void apply(BlockStep step, std::span<const T> x, std::span<T> y, std::span<T> sum);
  index_t bytes() const noexcept;

 private:
  const Comm& comm_;
  const StoredRows<T>& rows_;
  const Halo<T>& pattern_;
  std::array<std::unique_ptr<Halo<T>>, 2> halos_;  ///< of the two widths, when first asked
};

extern template class BlockStepper<double>;
extern template class BlockStepper<std::complex<double>>;

}  // namespace kronsolve::detail
