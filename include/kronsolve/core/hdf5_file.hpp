#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

/// An HDF5 file of one process: arrays of numbers along named axes, and texts. Complex numbers are
/// pairs r, i as h5py reads them, axes are those of netCDF. Moves, does not copy. Local; one thread
/// at a time in a process.
///
/// A file that is written is whole or not there (OutputFile). A checksum at its end lets open()
/// refuse what was cut, damaged or changed, and nothing but the file itself is ever read.
class KRONSOLVE_EXPORT Hdf5File {
 public:
  /// @throws IoError       it cannot be created; with the system's reason
  /// @throws NotSupported  the module with HDF5, loaded on first use, is not there
  static Hdf5File create(std::string path);
  /// For reading, once all of it has been compared with its checksum.
  /// @throws IoError          it is not there or cannot be read
  /// @throws InvalidArgument  not an HDF5 file, not one that was written by this class, or damaged
  /// @throws NotSupported     as create
  static Hdf5File open(std::string path);
  Hdf5File(Hdf5File&& other) noexcept;
  Hdf5File& operator=(Hdf5File&& other) noexcept;
  ~Hdf5File();  ///< drops what was not closed

  const std::string& path() const noexcept { return path_; }  ///< as it was given
  /// Ends writing, brings everything to the disk and gives the file its name.
  /// @param keep  as OutputFile::close
  /// @throws IoError  the disk is full, or the like; an older file of that name is as it was
  void close(const std::string& keep = {});

  /// An axis by its length, or by a coordinate for each of its places. Everything that writes
  /// throws IoError.
  void write_dimension(const std::string& name, index_t length);
  /// An axis with a coordinate (a time, an energy) for each of its places.
  void write_dimension(const std::string& name, std::span<const double> coordinates);
  /// An array along axes that are there, row-major.
  template <Scalar T>
  KRONSOLVE_EXPORT void write(const std::string& name, std::span<const T> values,
                              const std::vector<std::string>& dimensions);
  void write_text(const std::string& name, const std::string& text);  ///< one text, UTF-8
  /// A vector (row) or several (column, row), to be filled by write_rows.
  void create_vectors(const std::string& name, ScalarKind scalar,
                      const std::vector<std::string>& dimensions);
  /// Entries [begin, begin + values.size()) of vector `column` (0 for a single one).
  /// @throws IoError  it cannot be written
  template <Scalar T>
  KRONSOLVE_EXPORT void write_rows(const std::string& name, index_t column, index_t begin,
                                   std::span<const T> values);

  /// What kind of vectors a name stands for.
  struct Vector {
    ScalarKind scalar = ScalarKind::real;  ///< type of the amplitudes
    index_t rows = 0,                      ///< entries of each vector
        count = 1;                         ///< number of vectors
  };
  /// @throws IoError          it cannot be read
  /// @throws InvalidArgument  there are no such vectors of real or complex numbers in the file
  Vector vector(const std::string& name) const;
  /// An array of numbers.
  struct Array {
    ScalarKind scalar = ScalarKind::real;  ///< of its numbers
    std::vector<index_t> shape;            ///< along its axes
  };
  /// @throws as vector, for arrays of any number of axes
  Array array(const std::string& name) const;
  /// All of an array, row-major.
  /// @param values  as many as it has numbers, of its scalar
  /// @throws as vector
  template <Scalar T>
  KRONSOLVE_EXPORT void read(const std::string& name, std::span<T> values) const;
  /// @throws as vector
  std::string text(const std::string& name) const;
  /// The entries that write_rows wrote. Local.
  /// @throws as vector; InvalidArgument if T is double and the vectors are complex
  template <Scalar T>
  KRONSOLVE_EXPORT void read_rows(const std::string& name, index_t column, index_t begin,
                                  std::span<T> values) const;

 private:
  class Bytes;
  explicit Hdf5File(std::string path, std::unique_ptr<Bytes> bytes);
  void require(bool done, const char* doing, const std::string& name) const;
  std::string path_;
  std::unique_ptr<Bytes> bytes_;
  std::int64_t file_ = -1;
};

/// A distributed vector into the file that rank 0 holds (others give nullptr), in slices of bounded
/// size: it is never together in one place. The array was made by create_vectors. Collective; every
/// rank throws the same.
template <Scalar T>
KRONSOLVE_EXPORT void write_distributed(const Comm& comm, Hdf5File* file, const std::string& name,
                                        index_t column, const RowPartition& rows,
                                        std::span<const T> owned);
/// Owned rows of a vector of the file that rank 0 holds. Collective; every rank throws the same.
template <Scalar T>
KRONSOLVE_EXPORT void read_distributed(const Comm& comm, const Hdf5File* file,
                                       const std::string& name, index_t column,
                                       const RowPartition& rows, std::span<T> owned);

}  // namespace kronsolve
