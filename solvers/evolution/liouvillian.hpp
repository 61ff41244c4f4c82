#pragma once

#include <complex>
#include <vector>

#include <kronsolve/core/csr_rows.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/solvers/open_system.hpp>

namespace kronsolve::evolution {

/// i times what moves a density matrix of an open system, on matrices as vectors, column by column:
/// X -> G X - X G^H + i sum_k L_k X L_k^H with G = H - i/2 sum L^H L. Not Hermitian. Local: its
/// communicator has one process; threads share the columns.
class Liouvillian final : public LinearMap<std::complex<double>> {
 public:
  /// @throws as build_rows: a jump operator leads out of the basis
  Liouvillian(const Comm& comm, const OpenSystem& system);
  index_t memory_bytes() const noexcept override;
  double norm_bound() const noexcept { return norm_bound_; }

 protected:
  void apply_impl(std::span<const std::complex<double>> x,
                  std::span<std::complex<double>> y) const override;

 private:
  using Rows = CsrRows<std::complex<double>>;
  Rows effective_;
  std::vector<Rows> jumps_;
  double norm_bound_ = 0;
};

}  // namespace kronsolve::evolution
