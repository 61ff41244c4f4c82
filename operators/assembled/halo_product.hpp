#pragma once
// Products of the stored rows with one vector, ghosts fetched meanwhile.

#include <complex>
#include <span>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/large_vector.hpp>

#include "operators/assembled/halo.hpp"
#include "operators/assembled/stored_rows.hpp"

namespace kronsolve::detail {

/// All products are collective and complete on return.
template <Scalar T>
class HaloProduct {
 public:
  /// Collective.
  /// @param rows    must outlive this
  /// @param ghosts  those of the rows
  HaloProduct(const Comm& comm, const RowPartition& cols, const StoredRows<T>& rows,
              std::span<const index_t> ghosts)
      : rows_(rows), halo_(comm, cols, ghosts) {}

  /// y = A x.
  void apply(std::span<const T> x, std::span<T> y);
  /// y = A x - beta y; this rank's part of x^H y.
  T apply_recurrence(std::span<const T> x, double beta, std::span<T> y);
  /// y = A x - alpha x - beta y; and sum += weight y where there are no ghosts: false if the caller
  /// still has to.
  bool apply_known_step(std::span<const T> x, double alpha, double beta, std::span<T> y,
                        double weight, std::span<T> sum);
  /// y = A^H x.
  void apply_adjoint(std::span<const T> x, std::span<T> y);
  /// y = A^H A x, each row read once; this rank's part of |A x|^2.
  double apply_cross(std::span<const T> x, std::span<T> y);

  const Halo<T>& halo() const noexcept { return halo_; }
  index_t bytes() const noexcept;

 private:
  template <class Finish>
  void multiply(std::span<const T> x, std::span<T> y, const Finish& finish);
  template <class Scatter>
  void add_blocks(std::span<T> y, const Scatter& scatter);

  const StoredRows<T>& rows_;
  Halo<T> halo_;
  // Kept between products: fresh pages cost as much as the sums.
  LargeVector<T> sums_;     ///< of each thread but the first: what it adds to y and to ghosts
  LargeVector<T> ghost_x_;  ///< of a cross product
};

extern template class HaloProduct<double>;
extern template class HaloProduct<std::complex<double>>;

}  // namespace kronsolve::detail
