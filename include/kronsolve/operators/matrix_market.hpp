#pragma once

#include <optional>
#include <string>
#include <variant>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/csr_rows.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/lazy.hpp>

namespace kronsolve {

/// What the first lines of a Matrix Market file say.
struct MatrixMarketHeader {
  enum class Field { real, complex, integer, pattern };
  enum class Symmetry { general, symmetric, skew_symmetric, hermitian };

  index_t rows = 0, cols = 0;
  index_t entries = 0;  ///< lines that follow; symmetric files store one triangle
  Field field = Field::real;
  Symmetry symmetry = Symmetry::general;
  index_t data_offset = 0;  ///< byte where the entries start
  index_t data_line = 1;    ///< number of that line, from 1
};

/// Reads the header only. Collective: rank 0 reads, all ranks get the same header or the same
/// error.
/// @throws IoError          the file cannot be opened or read
/// @throws InvalidArgument  "file:line: ..." for an empty file, a wrong banner or a wrong size
/// line; `array` files (dense)
KRONSOLVE_EXPORT MatrixMarketHeader read_matrix_market_header(const Comm& comm,
                                                              const std::string& path);

/// The rows of a Matrix Market file that this rank owns, and where the rest is.
template <Scalar T>
struct MatrixMarketRows {
  RowPartition partition;  ///< the even split
  CsrRows<T> rows;         ///< those of this rank; entries given twice are added up
};

/// A Matrix Market file in slices: each rank parses its share of the bytes, sends the entries to
/// the owners of their rows and keeps its own. Symmetric, skew-symmetric and Hermitian files are
/// expanded. Complex files without an imaginary part are real. Collective; memory of a rank: its
/// rows twice while they are sorted, and a buffer.
/// @throws IoError          the file cannot be opened or read (on any rank)
/// @throws InvalidArgument  "file:line: ..." for a line that is not an entry, an index outside the
/// matrix, NaN or infinity, an entry
///                          in the wrong triangle, fewer or more entries than announced
KRONSOLVE_EXPORT std::variant<MatrixMarketRows<double>, MatrixMarketRows<std::complex<double>>>
read_matrix_market(const Comm& comm, const std::string& path);

/// The file as a matrix whose rows can be asked for in any range: the rows held are served from
/// memory, any others are read from the file again (local; reads all of it).
template <Scalar T>
Lazy<T> lazy_matrix(const std::string& path, MatrixMarketRows<T> held);

extern template KRONSOLVE_EXPORT Lazy<double> lazy_matrix(const std::string&,
                                                          MatrixMarketRows<double>);
extern template KRONSOLVE_EXPORT Lazy<std::complex<double>> lazy_matrix(
    const std::string&, MatrixMarketRows<std::complex<double>>);

/// Text of an entry a(i, j) that is not the conjugate of a(j, i) to 1e-14 of the largest entry,
/// counted from 1 as files do; nothing if the matrix is Hermitian. Collective; sends every entry
/// once. Every rank gets the same text.
/// @throws DimensionError  the matrix is not square
template <Scalar T>
std::optional<std::string> non_hermitian_entry(const Comm& comm, const RowPartition& partition,
                                               const CsrRows<T>& rows);

extern template KRONSOLVE_EXPORT std::optional<std::string> non_hermitian_entry(
    const Comm&, const RowPartition&, const CsrRows<double>&);
extern template KRONSOLVE_EXPORT std::optional<std::string> non_hermitian_entry(
    const Comm&, const RowPartition&, const CsrRows<std::complex<double>>&);

}  // namespace kronsolve
