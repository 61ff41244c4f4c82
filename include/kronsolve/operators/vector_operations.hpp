#pragma once
// What is done with distributed vectors: the one set of loops over owned rows. Threads by
// num_threads().
//
// Sums are taken block by block and the blocks added with compensation, always in the same order: a
// sum over 10^9 entries keeps its digits, and they do not depend on the number of threads. Norms
// neither overflow nor underflow where the entries do not.

#include <cmath>
#include <complex>
#include <span>
#include <string_view>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/distributed_vectors.hpp>
#include <kronsolve/operators/linear_map.hpp>

namespace kronsolve::vec {

/// Below this many rows a loop is not worth waking threads for.
inline constexpr index_t parallel_rows = 1 << 13;

template <class T>  ///< entries on this rank
index_t length(std::span<T> x) noexcept {
  return static_cast<index_t>(x.size());
}

/// sum conj(x_i) y_i over the owned rows. Local.
template <Scalar T>
KRONSOLVE_EXPORT T local_dot(std::span<const T> x, std::span<const T> y);
/// sum |x_i|^2 over the owned rows. Local.
template <Scalar T>
KRONSOLVE_EXPORT double local_norm_squared(std::span<const T> x);

/// Global <x, y>. Collective.
template <Scalar T>
T dot(const Comm& comm, std::span<const T> x, std::span<const T> y) {
  return comm.all_reduce(local_dot(x, y));
}
/// Global |x|^2, for those who keep it within the range of doubles. Collective.
template <Scalar T>
double norm_squared(const Comm& comm, std::span<const T> x) {
  return comm.all_reduce(local_norm_squared(x));
}
/// Global 2-norm. Collective.
template <Scalar T>
KRONSOLVE_EXPORT double norm(const Comm& comm, std::span<const T> x);
/// Global |y - a x|: of a residual, or of a difference. Collective; one pass.
template <Scalar T>
KRONSOLVE_EXPORT double distance(const Comm& comm, T a, std::span<const T> x, std::span<const T> y);
/// y -= a x; returns the global |y| of the result. Collective; one pass.
template <Scalar T>
KRONSOLVE_EXPORT double subtract(const Comm& comm, T a, std::span<const T> x, std::span<T> y);

/// y += a x. Local.
template <Scalar T>
KRONSOLVE_EXPORT void axpy(T a, std::span<const T> x, std::span<T> y);
/// x *= a. Local.
template <Scalar T>
KRONSOLVE_EXPORT void scale(T a, std::span<T> x);
/// y = a x. Local.
template <Scalar T>
KRONSOLVE_EXPORT void scaled_copy(T a, std::span<const T> x, std::span<T> y);
/// y = x. Local.
template <Scalar T>
KRONSOLVE_EXPORT void copy(std::span<const T> x, std::span<T> y);
/// x = 0. Local.
template <Scalar T>
KRONSOLVE_EXPORT void set_zero(std::span<T> x);
/// True if no entry is NaN, infinite or so large that its square is. Local.
template <Scalar T>
KRONSOLVE_EXPORT bool all_finite(std::span<const T> x);

/// Real and imaginary part of complex vectors, and back. Local.
KRONSOLVE_EXPORT void split(std::span<const std::complex<double>> z, std::span<double> re,
                            std::span<double> im);
/// z = re + i im. Local.
KRONSOLVE_EXPORT void join(std::span<const double> re, std::span<const double> im,
                           std::span<std::complex<double>> z);

// ---- columns taken as one long vector: a state in parts

/// Zero vectors of the same shape. Local.
template <Scalar T>
DistributedVectors<T> like(const DistributedVectors<T>& x) {
  return {x.partition(), x.rank(), x.count()};
}
/// y = x, all columns. Local.
template <Scalar T>
void copy(const DistributedVectors<T>& x, DistributedVectors<T>& y) {
  for (index_t j = 0; j < x.count(); ++j) copy<T>(x.column(j), y.column(j));
}
/// x *= a, all columns. Local.
template <Scalar T>
void scale(double a, DistributedVectors<T>& x) {
  for (index_t j = 0; j < x.count(); ++j) scale<T>(a, x.column(j));
}
/// Global 2-norm of all columns together. Collective.
template <Scalar T>
double norm(const Comm& comm, const DistributedVectors<T>& x) {
  double size = 0;
  for (index_t j = 0; j < x.count(); ++j) size = std::hypot(size, norm<T>(comm, x.column(j)));
  return size;
}
/// Global |x - y| of all columns together. Collective.
template <Scalar T>
double distance(const Comm& comm, const DistributedVectors<T>& x, const DistributedVectors<T>& y) {
  double size = 0;
  for (index_t j = 0; j < x.count(); ++j)
    size = std::hypot(size, distance<T>(comm, 1, x.column(j), y.column(j)));
  return size;
}

// ---- several vectors at once: BLAS on blocks of rows, which go to our threads. BLAS itself must
// ---- be set to one thread.

/// Columns first ... first+count-1 of some vectors; valid as long as these and their columns.
template <Scalar T>
struct Columns {
  const DistributedVectors<T>* vectors = nullptr;  ///< whose columns these are
  index_t first = 0,                               ///< of the columns
      count = 0;                                   ///< how many
  /// These columns of the vectors.
  Columns(const DistributedVectors<T>& v, index_t first_, index_t count_)
      : vectors(&v), first(first_), count(count_) {}
  /// All columns of the vectors.
  Columns(const DistributedVectors<T>& v) : Columns(v, 0, v.count()) {}  // NOLINT: all of them
};

/// X^H Y, x.count x y.count, column-major, the same on all ranks. Collective; one reduction.
template <Scalar T>
KRONSOLVE_EXPORT std::vector<T> inner(const Comm& comm, const Columns<T>& x, const Columns<T>& y);
/// X^H y, x.count numbers. Collective; one reduction.
template <Scalar T>
KRONSOLVE_EXPORT std::vector<T> inner(const Comm& comm, const Columns<T>& x, std::span<const T> y);

/// y += factor X h. Local.
/// @param h  x.count numbers
template <Scalar T>
KRONSOLVE_EXPORT void add_combination(T factor, const Columns<T>& x, std::span<const T> h,
                                      std::span<T> y);
/// Columns of y at `first` += factor X C; C x.count x count, column-major. Local; y must not be
/// among x.
template <Scalar T>
KRONSOLVE_EXPORT void add_combinations(T factor, const Columns<T>& x, std::span<const T> c,
                                       DistributedVectors<T>& y, index_t first, index_t count);
/// Columns 0 ... count-1 of v (counted from `first`) become V C, C m x count with m >= count: in
/// place, by blocks of rows. Local. Real coefficients of complex vectors cost no complex
/// arithmetic.
/// @pre v is stored together
template <Scalar T, Scalar C>
KRONSOLVE_EXPORT void rotate(DistributedVectors<T>& v, index_t m, index_t count,
                             std::span<const C> c, index_t first = 0);

/// What Gram-Schmidt took out of a vector and the norm it left.
template <Scalar T>
struct Projection {
  std::vector<T> coefficients;  ///< <basis, x>, one for each column
  double norm = 0;              ///< of what is left; 0: x was a combination to rounding
};

/// Makes x orthogonal to orthonormal columns (Gram-Schmidt, repeated while it still shortens x
/// much). x is not normalised. Collective.
/// @throws InvalidArgument  x has an entry that is not finite
/// Source: the test for a second pass is that of Daniel, Gragg, Kaufman and Stewart 1976,
/// doi:10.1090/S0025-5718-1976-0431641-8.
template <Scalar T>
KRONSOLVE_EXPORT Projection<T> project_out(const Comm& comm, const Columns<T>& basis,
                                           std::span<T> x);

/// The same and normalises x; where nothing is left, puts in a random unit vector orthogonal to the
/// basis and returns 0. Collective.
/// @param floor   norms up to this count as nothing
/// @param random  fills x anew
/// @return the norm that was left, or 0
template <Scalar T, class F>
double orthonormalise(const Comm& comm, const Columns<T>& basis, std::span<T> x, double floor,
                      F&& random) {
  const double left = project_out(comm, basis, x).norm;
  double norm = left > floor ? left : 0;
  for (int attempt = 0; attempt < 3 && !(norm > 0); ++attempt) {
    random(x);
    norm = project_out(comm, basis, x).norm;
  }
  if (norm > 0) scale<T>(1 / norm, x);
  return left > floor ? left : 0;
}

/// Multiplies each column of v so that its component of largest modulus (the first that comes
/// within 1e-8 of it: rounding must not pick another one on another number of ranks) is real and
/// positive; the columns of `along`, if given, by the same phases. Collective.
template <Scalar T>
KRONSOLVE_EXPORT void fix_phases(const Comm& comm, DistributedVectors<T>& v,
                                 DistributedVectors<T>* along = nullptr);

/// Deals columns first ... first+count-1 of rank 0's matrix (column-major) to the owners of their
/// rows. Collective.
template <Scalar T>
KRONSOLVE_EXPORT DistributedVectors<T> deal(const Comm& comm, const RowPartition& partition,
                                            std::span<const T> columns, index_t first,
                                            index_t count);

// ---- what solvers ask of their arguments; all ranks throw the same

/// @throws DimensionError   the operator is not square
/// @throws InvalidArgument  it has no rows
template <Scalar T>
KRONSOLVE_EXPORT void require_square(std::string_view where, const LinearMap<T>& a);
/// @throws DimensionError   v has not the owned length
/// @throws InvalidArgument  it is not finite
template <Scalar T, Scalar V>
KRONSOLVE_EXPORT void require_vector(std::string_view where, const LinearMap<T>& a,
                                     std::span<const V> v);

}  // namespace kronsolve::vec
