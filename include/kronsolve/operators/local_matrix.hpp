#pragma once

#include <complex>
#include <vector>

#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

/// A small dense square matrix on the states of one site (or of a few); row-major. A value.
class KRONSOLVE_EXPORT LocalMatrix {
 public:
  LocalMatrix() = default;
  explicit LocalMatrix(int dim);  ///< zero
  /// @throws DimensionError  values are not dim*dim
  LocalMatrix(int dim, std::vector<std::complex<double>> values);
  static LocalMatrix identity(int dim);                            ///< of that dimension
  static LocalMatrix diagonal(const std::vector<double>& values);  ///< with these real values

  int dim() const noexcept { return dim_; }  ///< rows, and columns
  /// Not checked.
  std::complex<double>& operator()(int row, int col) { return values_[at(row, col)]; }
  /// Not checked.
  const std::complex<double>& operator()(int row, int col) const { return values_[at(row, col)]; }

  LocalMatrix adjoint() const;        ///< conjugate transpose
  bool is_zero() const noexcept;      ///< every entry exactly 0
  bool is_identity() const noexcept;  ///< exactly
  bool is_diagonal() const noexcept;  ///< exactly
  bool is_real() const noexcept;      ///< exactly
  friend bool operator==(const LocalMatrix&, const LocalMatrix&) = default;

  /// Sum.
  /// @throws DimensionError  other dimensions
  KRONSOLVE_EXPORT friend LocalMatrix operator+(const LocalMatrix& a, const LocalMatrix& b);
  /// Matrix product.
  /// @throws DimensionError  other dimensions
  KRONSOLVE_EXPORT friend LocalMatrix operator*(const LocalMatrix& a, const LocalMatrix& b);
  /// Every entry times c.
  KRONSOLVE_EXPORT friend LocalMatrix operator*(std::complex<double> c, const LocalMatrix& a);
  /// Kronecker product, `a` the leading factor.
  KRONSOLVE_EXPORT friend LocalMatrix kron(const LocalMatrix& a, const LocalMatrix& b);

 private:
  std::size_t at(int row, int col) const noexcept {
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(dim_) +
           static_cast<std::size_t>(col);
  }
  int dim_ = 0;
  std::vector<std::complex<double>> values_;
};

}  // namespace kronsolve
