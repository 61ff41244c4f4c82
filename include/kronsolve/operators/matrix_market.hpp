#pragma once

#include <string>
#include <variant>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/csr_rows.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

/// What the first lines of a Matrix Market file say.
struct MatrixMarketHeader {
  /// Number type that the banner names.
  enum class Field { real, complex, integer, pattern };
  /// What the file leaves out.
  enum class Symmetry { general, symmetric, skew_symmetric, hermitian };

  index_t rows = 0,                       ///< of the matrix
      cols = 0;                           ///< of the matrix
  index_t entries = 0;                    ///< lines that follow; symmetric files store one triangle
  Field field = Field::real;              ///< pattern: every entry is 1
  Symmetry symmetry = Symmetry::general;  ///< which half is stored
  index_t data_offset = 0;                ///< byte where the entries start
  index_t data_line = 1;                  ///< number of that line, from 1
};

/// Reads the header only. Collective: rank 0 reads, all ranks get the same header or the same
/// error.
/// @throws IoError          the file cannot be opened or read
/// @throws InvalidArgument  "file:line: ..." for an empty file, a wrong banner or a wrong size
///                          line; `array` files (dense)
KRONSOLVE_EXPORT MatrixMarketHeader read_matrix_market_header(const Comm& comm,
                                                              const std::string& path);

/// The rows of a Matrix Market file that this rank owns, and who owns the rest.
template <Scalar T>
struct MatrixMarketRows {
  RowPartition partition;  ///< the even split
  CsrRows<T> rows;         ///< those of this rank; entries given twice are added up
};

/// A Matrix Market file in slices: each rank parses its share of the bytes, sends the entries to
/// the owners of their rows and keeps its own. Symmetric, skew-symmetric and Hermitian files are
/// expanded. Complex files without an imaginary part are real. Collective; memory of a rank: its
/// entries twice while they are sorted, a number for each row, and a buffer.
/// @throws IoError          the file cannot be opened or read (on any rank)
/// @throws InvalidArgument  "file:line: ..." for a line that is not an entry, an index outside the
///                          matrix, NaN or infinity, an entry in the wrong triangle, fewer or more
///                          entries than announced, 2.5 in a file of integers
KRONSOLVE_EXPORT std::variant<MatrixMarketRows<double>, MatrixMarketRows<std::complex<double>>>
read_matrix_market(const Comm& comm, const std::string& path);
/// The same where the header has been read.
KRONSOLVE_EXPORT std::variant<MatrixMarketRows<double>, MatrixMarketRows<std::complex<double>>>
read_matrix_market(const Comm& comm, const std::string& path, const MatrixMarketHeader& header);

}  // namespace kronsolve
