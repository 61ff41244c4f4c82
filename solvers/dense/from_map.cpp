#include "solvers/dense/from_map.hpp"

#include <algorithm>
#include <cmath>

namespace kronsolve::dense {

template <Scalar T>
void require_hermitian(const DenseMatrix<T>& a, std::string_view where) {
  if (a.rows() != a.cols())
    throw DimensionError(
        detail::concat(where, ": the matrix must be square, it is ", a.rows(), " x ", a.cols()));
  double largest = 0, worst = 0;
  index_t row = 0, column = 0;
  for (index_t j = 0; j < a.cols(); ++j)
    for (index_t i = j; i < a.rows(); ++i) {
      largest = std::max({largest, std::abs(a(i, j)), std::abs(a(j, i))});
      const double difference = std::abs(a(i, j) - conj(a(j, i)));
      if (!(difference <= worst)) {
        worst = difference;
        row = i;
        column = j;
      }
    }
  if (!(worst <= 1e-10 * largest))
    throw InvalidArgument(detail::concat(where, ": the matrix is not Hermitian: entry (", row, ", ",
                                         column, ") is ", a(row, column), ", entry (", column, ", ",
                                         row, ") is ", a(column, row)));
}

template <Scalar T>
std::vector<T> times(const DenseMatrix<T>& a, const std::vector<T>& x) {
  std::vector<T> y(static_cast<std::size_t>(a.rows()), T{});
  for (index_t j = 0; j < a.cols(); ++j) {
    const T* column = a.column(j);
    const T factor = x[j];
    for (index_t i = 0; i < a.rows(); ++i) y[i] += column[i] * factor;
  }
  return y;
}

template <Scalar T>
std::vector<T> adjoint_times(const DenseMatrix<T>& a, const std::vector<T>& x) {
  std::vector<T> y(static_cast<std::size_t>(a.cols()), T{});
  for (index_t j = 0; j < a.cols(); ++j) {
    const T* column = a.column(j);
    T sum{};
    for (index_t i = 0; i < a.rows(); ++i) sum += conj(column[i]) * x[i];
    y[j] = sum;
  }
  return y;
}

#define KRONSOLVE_INSTANTIATE(T)                                               \
  template void require_hermitian(const DenseMatrix<T>&, std::string_view);    \
  template std::vector<T> times(const DenseMatrix<T>&, const std::vector<T>&); \
  template std::vector<T> adjoint_times(const DenseMatrix<T>&, const std::vector<T>&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::dense
