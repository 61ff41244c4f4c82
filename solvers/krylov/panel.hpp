#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/scalar.hpp>

namespace kronsolve::krylov {

/// Owned rows of several vectors in one block, column after column: what is orthogonalised and
/// recombined as a whole. Moves, does not copy.
template <Scalar T>
class Panel {
 public:
  Panel() = default;
  Panel(index_t local_rows, index_t columns)
      : rows_(local_rows),
        columns_(columns),
        data_(checked_multiply(local_rows, columns, "entries of a block of vectors")) {}
  index_t rows() const noexcept { return rows_; }  ///< of this rank
  index_t columns() const noexcept { return columns_; }
  T* data(index_t j = 0) noexcept { return data_.data() + j * rows_; }
  const T* data(index_t j = 0) const noexcept { return data_.data() + j * rows_; }
  std::span<T> column(index_t j) { return {data(j), static_cast<std::size_t>(rows_)}; }
  std::span<const T> column(index_t j) const { return {data(j), static_cast<std::size_t>(rows_)}; }
  /// Stride for BLAS, which refuses 0.
  index_t stride() const noexcept { return std::max<index_t>(rows_, 1); }

 private:
  index_t rows_ = 0, columns_ = 0;
  Buffer<T> data_;
};

/// Columns first ... first+count-1 of a panel; valid as long as the panel.
template <Scalar T>
struct Columns {
  const Panel<T>* panel = nullptr;
  index_t first = 0;
  index_t count = 0;
  Columns(const Panel<T>& p, index_t first_, index_t count_)
      : panel(&p), first(first_), count(count_) {}
  const T* data() const { return panel->data(first); }
};

/// X^H Y, x.count x y.count, column-major, the same on all ranks. Collective; one reduction. The
/// panels have the same owned rows.
template <Scalar T>
std::vector<T> inner(const Comm& comm, const Columns<T>& x, const Columns<T>& y);

/// y += X h for one vector. Local. @param h  x.count numbers
template <Scalar T>
void add_combination(T factor, const Columns<T>& x, std::span<const T> h, std::span<T> y);

/// Columns of y at `first` += factor X C; C x.count x count, column-major. Local; y must not be
/// among x.
template <Scalar T>
void add_combinations(T factor, const Columns<T>& x, std::span<const T> c, Panel<T>& y,
                      index_t first, index_t count);

/// Columns 0 ... count-1 of p (counted from `first`) become P C, C m x count with m >= count: in
/// place, by blocks of rows. Local. Real coefficients of complex vectors cost no complex
/// arithmetic.
template <Scalar T, Scalar C>
void rotate(Panel<T>& p, index_t m, index_t count, std::span<const C> c, index_t first = 0);

/// What Gram-Schmidt took out of a vector and the norm it left.
template <Scalar T>
struct Projection {
  std::vector<T> coefficients;  ///< <basis, x>, one for each column
  double norm = 0;              ///< of what is left; 0: x was a combination to rounding
};

/// Makes x orthogonal to orthonormal columns (Gram-Schmidt, repeated while it still shortens x
/// much). x is not normalised. Collective.
///
/// @throws InvalidArgument  x has an entry that is not finite
/// Source: the test for a second pass is that of Daniel, Gragg, Kaufman and Stewart 1976,
/// doi:10.1090/S0025-5718-1976-0431641-8.
template <Scalar T>
Projection<T> project_out(const Comm& comm, const Columns<T>& basis, std::span<T> x);

/// The same; the norm that is left.
template <Scalar T>
double orthogonalise(const Comm& comm, const Columns<T>& basis, std::span<T> x) {
  return project_out(comm, basis, x).norm;
}

/// The same and normalises x; where nothing is left, puts in a random unit vector orthogonal to the
/// basis and returns 0. Collective.
/// @param floor   norms up to this count as nothing
/// @param random  fills x anew
/// @return the norm that was left, or 0
template <Scalar T, class F>
double orthonormalise(const Comm& comm, const Columns<T>& basis, std::span<T> x, double floor,
                      F&& random);

}  // namespace kronsolve::krylov

#include "solvers/krylov/vector_kernels.hpp"

namespace kronsolve::krylov {

template <Scalar T, class F>
double orthonormalise(const Comm& comm, const Columns<T>& basis, std::span<T> x, double floor,
                      F&& random) {
  double norm = orthogonalise(comm, basis, x);
  if (norm > floor) {
    scale(1 / norm, x);
    return norm;
  }
  for (int attempt = 0; attempt < 3; ++attempt) {
    random(x);
    norm = orthogonalise(comm, basis, x);
    if (norm > 0) {
      scale(1 / norm, x);
      break;
    }
  }
  return 0;
}

}  // namespace kronsolve::krylov
