#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <kronsolve/core/hdf5_file.hpp>

namespace kronsolve {

/// What the module exports under the name `kronsolve_hdf5_module`: HDF5 behind plain data. Nothing
/// throws; false, a negative file or an empty optional say that HDF5 failed.
struct Hdf5Module {
  static constexpr std::uint32_t current_abi = 1;
  using File = std::int64_t;
  enum class Missing { name, vector, numbers, text };  ///< why nothing was read
  template <class V>
  struct Found {
    std::optional<V> value;
    Missing missing = Missing::name;
  };

  std::uint32_t abi;
  File (*create)(const char* path);  ///< replaces what is there
  File (*open)(const char* path);    ///< for reading
  bool (*close)(File file, bool flush);
  /// Row-major; groups above the name are made; what stands there already is a failure.
  bool (*write)(File file, const std::string& name, ScalarKind scalar, const void* values,
                const std::vector<index_t>& shape);
  bool (*create_vector)(File file, const std::string& name, ScalarKind scalar, index_t rows);
  bool (*write_rows)(File file, const std::string& name, ScalarKind scalar, RowRange rows,
                     const void* values);
  bool (*read_rows)(File file, const std::string& name, ScalarKind scalar, RowRange rows,
                    void* values);
  Found<Hdf5File::Vector> (*vector)(File file, const std::string& name);
  bool (*write_text)(File file, const std::string& name, const std::string& text);
  Found<std::string> (*text)(File file, const std::string& name);
};

}  // namespace kronsolve
