#pragma once
// An operator in a basis as a linear map that gathers the whole vector for every product: slow,
// simple, right.

#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/operators/rows.hpp>

namespace kronsolve::test {

template <Scalar T>
class GatheringMap final : public LinearMap<T> {
 public:
  GatheringMap(const Comm& comm, const OpSum& op, const Basis& basis)
      : LinearMap<T>(comm, basis.partition(comm.size()), basis.partition(comm.size())),
        rows_(build_rows<T>(op, basis, this->row_range())) {}
  index_t memory_bytes() const noexcept override { return rows_.entries() * 16; }

 protected:
  void apply_impl(std::span<const T> x, std::span<T> y) const override {
    const auto whole = this->comm().all_gather_v(x);
    for (index_t row = rows_.range.begin; row < rows_.range.end; ++row) {
      T sum{};
      const auto columns = rows_.row_columns(row);
      const auto values = rows_.row_values(row);
      for (std::size_t e = 0; e < columns.size(); ++e)
        sum += values[e] * whole[static_cast<std::size_t>(columns[e])];
      y[static_cast<std::size_t>(row - rows_.range.begin)] = sum;
    }
  }

 private:
  CsrRows<T> rows_;
};

}  // namespace kronsolve::test
