#include <algorithm>

#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/local_matrix.hpp>

#include "core/counted.hpp"

namespace kronsolve {

namespace {

void require_same_dim(const LocalMatrix& a, const LocalMatrix& b, const char* what) {
  if (a.dim() != b.dim())
    throw DimensionError(detail::concat("local matrices: cannot ", what, " ", a.dim(), " x ",
                                        a.dim(), " and ", b.dim(), " x ", b.dim()));
}

}  // namespace

LocalMatrix::LocalMatrix(int dim)
    : dim_(dim), values_(static_cast<std::size_t>(dim) * static_cast<std::size_t>(dim)) {}

LocalMatrix::LocalMatrix(int dim, std::vector<std::complex<double>> values)
    : dim_(dim), values_(std::move(values)) {
  if (values_.size() != static_cast<std::size_t>(dim) * static_cast<std::size_t>(dim))
    throw DimensionError(detail::concat("LocalMatrix: ", detail::counted(values_.size(), "value"),
                                        " for ", dim, " x ", dim));
}

LocalMatrix LocalMatrix::identity(int dim) {
  LocalMatrix m(dim);
  for (int i = 0; i < dim; ++i) m(i, i) = 1;
  return m;
}

LocalMatrix LocalMatrix::diagonal(const std::vector<double>& values) {
  LocalMatrix m(static_cast<int>(values.size()));
  for (int i = 0; i < m.dim(); ++i) m(i, i) = values[static_cast<std::size_t>(i)];
  return m;
}

LocalMatrix LocalMatrix::adjoint() const {
  LocalMatrix m(dim_);
  for (int i = 0; i < dim_; ++i)
    for (int j = 0; j < dim_; ++j) m(i, j) = std::conj((*this)(j, i));
  return m;
}

bool LocalMatrix::is_zero() const noexcept {
  return std::all_of(values_.begin(), values_.end(), [](auto v) { return v == 0.0; });
}

bool LocalMatrix::is_identity() const noexcept { return *this == identity(dim_); }

bool LocalMatrix::is_diagonal() const noexcept {
  for (int i = 0; i < dim_; ++i)
    for (int j = 0; j < dim_; ++j)
      if (i != j && (*this)(i, j) != 0.0) return false;
  return true;
}

bool LocalMatrix::is_real() const noexcept {
  return std::all_of(values_.begin(), values_.end(), [](auto v) { return v.imag() == 0; });
}

LocalMatrix operator+(const LocalMatrix& a, const LocalMatrix& b) {
  require_same_dim(a, b, "add");
  LocalMatrix c = a;
  for (std::size_t i = 0; i < c.values_.size(); ++i) c.values_[i] += b.values_[i];
  return c;
}

LocalMatrix operator*(const LocalMatrix& a, const LocalMatrix& b) {
  require_same_dim(a, b, "multiply");
  LocalMatrix c(a.dim_);
  for (int i = 0; i < a.dim_; ++i)
    for (int l = 0; l < a.dim_; ++l) {
      if (a(i, l) == 0.0) continue;
      for (int j = 0; j < a.dim_; ++j) c(i, j) += a(i, l) * b(l, j);
    }
  return c;
}

LocalMatrix operator*(std::complex<double> factor, const LocalMatrix& a) {
  LocalMatrix c = a;
  for (auto& v : c.values_) v *= factor;
  return c;
}

LocalMatrix kron(const LocalMatrix& a, const LocalMatrix& b) {
  LocalMatrix c(a.dim_ * b.dim_);
  for (int i = 0; i < a.dim_; ++i)
    for (int j = 0; j < a.dim_; ++j)
      for (int r = 0; r < b.dim_; ++r)
        for (int s = 0; s < b.dim_; ++s) c(i * b.dim_ + r, j * b.dim_ + s) = a(i, j) * b(r, s);
  return c;
}

}  // namespace kronsolve
