#pragma once
// Small sparse matrices on the low sites in the formats of the kernels.

#include <cstdint>
#include <vector>

#include <kronsolve/core/scalar.hpp>

#include "operators/matrix_free/kernels.hpp"

namespace kronsolve::detail {

struct RealEntry {
  std::uint32_t row, col;
  double value;
};

/// A real matrix between tiles; owns what its view points to.
class RegisterMatrix {
 public:
  RegisterMatrix() = default;
  /// @param entries    row by row
  /// @param every_row  the first group has all `rows` rows, as a product with a diagonal wants
  RegisterMatrix(const std::vector<RealEntry>& entries, std::size_t rows, bool every_row);
  RegisterMatrix(RegisterMatrix&&) = default;
  RegisterMatrix& operator=(RegisterMatrix&&) = default;

  bool empty() const noexcept { return entries_ == 0; }
  const MatrixView& view() const noexcept { return view_; }
  std::size_t entries() const noexcept { return entries_; }  ///< register operations of one product
  std::size_t memory_bytes() const noexcept;

 private:
  /// The entries of equal value, or (valued) those with a value each, that `keep` picks.
  template <class Keep>
  void add_group(const std::vector<RealEntry>& entries, std::size_t rows, double common,
                 bool valued, bool every_row, const Keep& keep);

  std::size_t entries_ = 0;
  std::vector<std::vector<std::uint16_t>> indices_;
  std::vector<std::vector<double>> values_;
  std::vector<std::vector<EntryBucket>> buckets_;
  std::vector<EntryGroup> groups_;
  MatrixView view_{};
};

/// A low operator from one class to another: real and imaginary part, and contiguous pieces if it
/// falls into few.
struct LowMatrix {
  /// Entries of the real and the imaginary part, row by row. One for many matrices: fresh memory
  /// for each would cost more than filling it.
  struct Scratch {
    std::vector<RealEntry> re, im;
  };
  /// @param rows  size of the class it leads to
  LowMatrix(const Scratch& entries, std::size_t rows, bool every_row);

  RegisterMatrix real, imaginary;
  std::vector<Run> runs;  ///< not empty: the better form
  int from_class = 0;
  bool empty() const noexcept { return real.empty() && imaginary.empty() && runs.empty(); }
  /// Register operations of a product with one register of rows.
  double operations() const noexcept;
  std::size_t memory_bytes() const noexcept {
    return real.memory_bytes() + imaginary.memory_bytes() + runs.size() * sizeof(Run);
  }
};

}  // namespace kronsolve::detail
