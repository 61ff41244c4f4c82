#pragma once

#include <complex>
#include <vector>

#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/solvers/dense_matrix.hpp>
#include <kronsolve/solvers/rsvd.hpp>

// Linear algebra of whole matrices on one process: LAPACK through OpenBLAS with num_threads()
// threads for the call (what was set before is restored). All of it is local. Everything throws
// InvalidArgument for entries that are not finite and memory that cannot fit, DimensionError for
// shapes, EngineError if LAPACK gives up.

namespace kronsolve {

/// What a matrix is known to be.
enum class MatrixKind { general, hermitian };
/// Whether independent diagonal blocks are looked for and solved one by one.
enum class Blocks { ignore, find };

/// All eigenvalues and eigenvectors of a Hermitian matrix.
template <Scalar T>
struct EigenPairs {
  std::vector<double> values;  ///< ascending
  DenseMatrix<T> vectors;      ///< columns; of blocks: zero outside their block
};

/// All eigenpairs of a Hermitian matrix.
/// @throws InvalidArgument  not Hermitian (names the entry)
/// Cost: O(n^3); with blocks the sum of their cubes, after one pass over the entries.
template <Scalar T>
KRONSOLVE_EXPORT EigenPairs<T> eigh(const DenseMatrix<T>& a, Blocks blocks = Blocks::ignore);

/// Eigenpairs of A x = lambda B x; vectors with X^H B X = 1.
/// @throws InvalidArgument  A or B not Hermitian, B not positive definite
template <Scalar T>
KRONSOLVE_EXPORT EigenPairs<T> eigh(const DenseMatrix<T>& a, const DenseMatrix<T>& b);

/// All eigenvalues and right eigenvectors of a general matrix.
struct GeneralEigenPairs {
  std::vector<std::complex<double>> values;   ///< by real, then imaginary part
  DenseMatrix<std::complex<double>> vectors;  ///< right eigenvectors, norm 1, columns
};
/// All eigenpairs of any square matrix.
template <Scalar T>
KRONSOLVE_EXPORT GeneralEigenPairs eig(const DenseMatrix<T>& a);

/// A = Q T Q^H with unitary Q and upper triangular T. Of a normal matrix T is diagonal, and the
/// columns of Q are eigenvectors, orthogonal also where eigenvalues are equal.
struct SchurForm {
  DenseMatrix<std::complex<double>> q;  ///< unitary
  DenseMatrix<std::complex<double>> t;  ///< upper triangular
};
/// The Schur form of any square matrix.
/// Cost: O(n^3), about 25 n^3 operations.
template <Scalar T>
KRONSOLVE_EXPORT SchurForm schur(const DenseMatrix<T>& a);

/// A = U diag(values) V^H.
template <Scalar T>
struct SingularTriplets {
  DenseMatrix<T> u;            ///< rows x min(rows, cols), orthonormal columns
  std::vector<double> values;  ///< descending
  DenseMatrix<T> v;            ///< cols x min(rows, cols): A = U diag(values) V^H
};
/// The thin singular value decomposition.
template <Scalar T>
KRONSOLVE_EXPORT SingularTriplets<T> svd(const DenseMatrix<T>& a);
/// The singular values alone, descending; min(rows, cols) of them.
template <Scalar T>
KRONSOLVE_EXPORT std::vector<double> singular_values(const DenseMatrix<T>& a);

/// exp(A). Hermitian by eigenvectors, general by scaling and squaring: Higham 2005,
/// doi:10.1137/04061101X.
template <Scalar T>
KRONSOLVE_EXPORT DenseMatrix<T> expm(const DenseMatrix<T>& a,
                                     MatrixKind kind = MatrixKind::general);
/// The square root with eigenvalues in the right half plane (negative ones give positive imaginary
/// ones). General by Schur form: Bjorck and Hammarling 1983, doi:10.1016/0024-3795(83)80010-X.
/// @throws InvalidArgument  singular in a way that has no square root
template <Scalar T>
KRONSOLVE_EXPORT DenseMatrix<std::complex<double>> sqrtm(const DenseMatrix<T>& a,
                                                         MatrixKind kind = MatrixKind::general);
/// The logarithm with imaginary parts of its eigenvalues in (-pi, pi]. General by square roots of
/// the Schur form and a Pade approximant in partial fractions: Cheng, Higham, Kenney and Laub 2001,
/// doi:10.1137/S0895479899364015.
/// @throws InvalidArgument  singular
template <Scalar T>
KRONSOLVE_EXPORT DenseMatrix<std::complex<double>> logm(const DenseMatrix<T>& a,
                                                        MatrixKind kind = MatrixKind::general);
/// Largest singular value (two), root of the sum of squares (frobenius), or sum of singular values
/// (trace).
template <Scalar T>
KRONSOLVE_EXPORT double norm(const DenseMatrix<T>& a, NormKind which);

/// Groups of indices that no non-zero entry connects, each ascending, by first index.
template <Scalar T>
KRONSOLVE_EXPORT std::vector<std::vector<index_t>> diagonal_blocks(const DenseMatrix<T>& a);

/// a b, a^H b.
/// @throws DimensionError
template <Scalar T>
KRONSOLVE_EXPORT DenseMatrix<T> multiply(const DenseMatrix<T>& a, const DenseMatrix<T>& b);
/// a^H b.
/// @throws DimensionError  other rows
template <Scalar T>
KRONSOLVE_EXPORT DenseMatrix<T> adjoint_multiply(const DenseMatrix<T>& a, const DenseMatrix<T>& b);

}  // namespace kronsolve
