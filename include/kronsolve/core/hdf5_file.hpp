#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

/// An HDF5 file of one process: arrays of numbers under names such as "observables/sz", texts as
/// attributes of the file. Complex numbers are pairs r, i as h5py reads them. Moves, does not copy.
/// Local; one thread at a time in a process.
///
/// A file being written has the name path + ".part" until close(): what ends early leaves an older
/// file of that name as it was.
class KRONSOLVE_EXPORT Hdf5File {
 public:
  /// @throws IoError       it cannot be created; with the system's reason
  /// @throws NotSupported  the module with HDF5, loaded on first use, is not there
  static Hdf5File create(std::string path);
  /// For reading. @throws IoError  it is not there; InvalidArgument: not an HDF5 file;
  /// NotSupported: as create
  static Hdf5File open(std::string path);
  Hdf5File(Hdf5File&& other) noexcept
      : path_(std::move(other.path_)),
        file_(std::exchange(other.file_, -1)),
        writing_(std::exchange(other.writing_, false)) {}
  Hdf5File& operator=(Hdf5File&& other) noexcept;
  ~Hdf5File();  ///< drops what was not closed

  const std::string& path() const noexcept { return path_; }
  /// Ends writing and gives the file its name. @throws IoError  the disk is full, or the like
  void close();

  /// An array of any shape, row-major. @throws IoError
  template <Scalar T>
  KRONSOLVE_EXPORT void write(const std::string& name, std::span<const T> values,
                              const std::vector<index_t>& shape);
  void write_text(const std::string& name, const std::string& text);
  /// A vector to be filled by write_rows. @throws IoError
  void create_vector(const std::string& name, ScalarKind scalar, index_t rows);
  template <Scalar T>
  KRONSOLVE_EXPORT void write_rows(const std::string& name, index_t begin,
                                   std::span<const T> values);

  struct Vector {
    ScalarKind scalar = ScalarKind::real;
    index_t rows = 0;
  };
  /// @throws IoError          it cannot be read
  /// @throws InvalidArgument  there is no such vector, or it is not one of real or complex numbers
  Vector vector(const std::string& name) const;
  /// @throws as vector
  std::string text(const std::string& name) const;
  template <Scalar T>
  KRONSOLVE_EXPORT void read_rows(const std::string& name, index_t begin,
                                  std::span<T> values) const;

 private:
  Hdf5File(std::string path, std::int64_t file, bool writing)
      : path_(std::move(path)), file_(file), writing_(writing) {}
  [[noreturn]] void fail(const char* doing, const std::string& name) const;
  std::string path_;
  std::int64_t file_ = -1;
  bool writing_ = false;
};

/// A distributed vector into the file that rank 0 holds (others give nullptr), in slices of bounded
/// size: it is never together in one place. Collective; every rank throws the same.
template <Scalar T>
KRONSOLVE_EXPORT void write_distributed(const Comm& comm, Hdf5File* file, const std::string& name,
                                        const RowPartition& rows, std::span<const T> owned);
/// Owned rows of a vector of the file that rank 0 holds. Collective; every rank throws the same.
template <Scalar T>
KRONSOLVE_EXPORT void read_distributed(const Comm& comm, const Hdf5File* file,
                                       const std::string& name, const RowPartition& rows,
                                       std::span<T> owned);

}  // namespace kronsolve
