#include "solvers/evolution/liouvillian.hpp"

#include <algorithm>
#include <cmath>

#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/rows.hpp>

namespace kronsolve::evolution {

namespace {

using Complex = std::complex<double>;
using Rows = CsrRows<Complex>;

Rows all_rows(const OpSum& op, const Basis& basis) {
  return build_rows<Complex>(op, basis, {0, basis.size()});
}

/// Of the 2-norm: the square root of the largest sums of sizes in a row and in a column.
double bound_of_norm(const Rows& a) {
  std::vector<double> columns(static_cast<std::size_t>(a.cols), 0.0);
  double rows = 0;
  for (index_t i = a.range.begin; i < a.range.end; ++i) {
    double row = 0;
    const auto at = a.row_columns(i);
    const auto values = a.row_values(i);
    for (std::size_t k = 0; k < at.size(); ++k) {
      row += std::abs(values[k]);
      columns[static_cast<std::size_t>(at[k])] += std::abs(values[k]);
    }
    rows = std::max(rows, row);
  }
  return std::sqrt(rows * *std::max_element(columns.begin(), columns.end()));
}

/// Plain multiplication: that of the standard looks for what is no number, and no loop is fast then.
Complex times(Complex a, Complex b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

/// to += factor A x.
void add_product(const Rows& a, Complex factor, const Complex* x, Complex* to) {
  for (index_t i = 0; i < a.range.end; ++i) {
    const auto columns = a.row_columns(i);
    if (columns.empty()) continue;
    const auto values = a.row_values(i);
    Complex sum = 0;
    for (std::size_t k = 0; k < columns.size(); ++k) sum += times(values[k], x[columns[k]]);
    to[i] += times(factor, sum);
  }
}

}  // namespace

Liouvillian::Liouvillian(const Comm& comm, const OpenSystem& system)
    : LinearMap<Complex>(comm, RowPartition(system.h.dimension() * system.h.dimension(), 1),
                         RowPartition(system.h.dimension() * system.h.dimension(), 1)),
      effective_(all_rows(system.effective(), *system.h.basis)) {
  norm_bound_ = 2 * bound_of_norm(effective_);
  for (const auto& jump : system.jumps) {
    jumps_.push_back(all_rows(jump, *system.h.basis));
    norm_bound_ += std::pow(bound_of_norm(jumps_.back()), 2);
  }
}

index_t Liouvillian::memory_bytes() const noexcept {
  const auto bytes = [](const Rows& rows) {
    constexpr index_t entry = sizeof(index_t) + sizeof(Complex);
    return rows.entries() * entry + std::ssize(rows.offsets) * index_t{sizeof(index_t)};
  };
  index_t sum = bytes(effective_);
  for (const auto& jump : jumps_) sum += bytes(jump);
  return sum;
}

void Liouvillian::apply_impl(std::span<const Complex> x, std::span<Complex> y) const {
  const index_t n = effective_.cols;
  // Columns take different times: that of a state that nothing leads to has no jumps.
#pragma omp parallel for schedule(dynamic, 8) num_threads(num_threads()) if (n >= 64)
  for (index_t j = 0; j < n; ++j) {
    Complex* const to = y.data() + j * n;
    std::fill_n(to, n, Complex(0));
    add_product(effective_, 1, x.data() + j * n, to);
    const auto columns = effective_.row_columns(j);
    const auto values = effective_.row_values(j);
    for (std::size_t l = 0; l < columns.size(); ++l) {
      const Complex factor = std::conj(values[l]);
      const Complex* const from = x.data() + columns[l] * n;
      for (index_t i = 0; i < n; ++i) to[i] -= times(factor, from[i]);
    }
    for (const auto& jump : jumps_) {
      const auto at = jump.row_columns(j);
      const auto factors = jump.row_values(j);
      for (std::size_t l = 0; l < at.size(); ++l)
        add_product(jump, Complex(0, 1) * std::conj(factors[l]), x.data() + at[l] * n, to);
    }
  }
}

}  // namespace kronsolve::evolution
