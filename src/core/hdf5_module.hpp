#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <kronsolve/core/hdf5_file.hpp>

namespace kronsolve {

/// The bytes of a file. HDF5 opens, reads and writes no file by itself: what it wants of any other
/// name is refused, and what fails here it is not told of. It would end in a crash at exit.
class Hdf5Storage {
 public:
  virtual ~Hdf5Storage() = default;
  virtual index_t size() const noexcept = 0;
  /// What lies behind the end reads as zeros. False: it failed.
  virtual bool read(index_t offset, std::span<char> bytes) noexcept = 0;
  virtual void write(index_t offset, std::span<const char> bytes) noexcept = 0;
};

/// What the module exports under the name `kronsolve_hdf5_module`: HDF5 behind plain data. Nothing
/// throws; false, a negative file or an empty optional say that HDF5 failed.
struct Hdf5Module {
  static constexpr std::uint32_t current_abi = 3;
  using File = std::int64_t;
  enum class Missing { name, numbers, storage, text };  ///< why nothing was read
  template <class V>
  struct Found {
    std::optional<V> value;
    Missing missing = Missing::name;
  };

  std::uint32_t abi;
  /// The storage must outlive the file.
  File (*create)(Hdf5Storage& storage);
  File (*open)(Hdf5Storage& storage);  ///< for reading
  bool (*close)(File file);
  /// An axis of arrays; its coordinates, or null for none.
  bool (*dimension)(File file, const std::string& name, index_t length, const double* values);
  /// An array along these axes; what stands there already is a failure.
  bool (*create_array)(File file, const std::string& name, ScalarKind scalar,
                       const std::vector<std::string>& dimensions);
  bool (*write)(File file, const std::string& name, ScalarKind scalar, const void* values);
  bool (*write_rows)(File file, const std::string& name, ScalarKind scalar, index_t column,
                     RowRange rows, const void* values);
  bool (*write_text)(File file, const std::string& name, const std::string& text);
  Found<Hdf5File::Array> (*array)(File file, const std::string& name);
  bool (*read)(File file, const std::string& name, ScalarKind scalar, void* values);
  bool (*read_rows)(File file, const std::string& name, ScalarKind scalar, index_t column,
                    RowRange rows, void* values);
  Found<std::string> (*text)(File file, const std::string& name);
};

}  // namespace kronsolve
