#pragma once
// Lazy rows on their way to and from one process, and from real to complex.

#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/large_vector.hpp>
#include <kronsolve/operators/lazy.hpp>

namespace kronsolve::frontend {

/// The matrix dense on rank 0 (empty elsewhere), column-major. Collective; each rank builds the
/// rows it owns, a few at a time.
template <Scalar T>
LargeVector<T> gather_dense(const Comm& comm, const Lazy<T>& rows, const RowPartition& partition,
                            double entries_per_row);

/// The diagonal entries of the rows in the range, a few rows at a time. Local.
template <Scalar T>
std::vector<T> owned_diagonal(const Lazy<T>& rows, RowRange owned);

/// The same matrix with complex entries.
Lazy<std::complex<double>> as_complex(const Lazy<double>& rows);
inline Lazy<std::complex<double>> as_complex(const Lazy<std::complex<double>>& rows) {
  return rows;
}

/// The real symmetric matrix of twice the size that a Hermitian one is over the reals: rows 2i and
/// 2i+1 are [Re, -Im; Im, Re]. Every eigenvalue occurs twice.
Lazy<double> as_real_pairs(const Lazy<std::complex<double>>& rows);

}  // namespace kronsolve::frontend
