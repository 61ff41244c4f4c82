#pragma once

#include <span>
#include <string>
#include <utility>

#include <kronsolve/core/index.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

/// A regular file opened for reading at any offset. Moves, does not copy. Local.
class KRONSOLVE_EXPORT InputFile {
 public:
  /// @throws IoError  the file is not there, not readable or not a regular file; with the system's
  /// reason
  explicit InputFile(std::string path);
  InputFile(InputFile&& other) noexcept
      : path_(std::move(other.path_)),
        descriptor_(std::exchange(other.descriptor_, -1)),
        size_(other.size_) {}
  InputFile& operator=(InputFile&& other) noexcept;
  ~InputFile();

  const std::string& path() const noexcept { return path_; }
  index_t size() const noexcept { return size_; }  ///< bytes when it was opened
  /// Reads from `offset` until `bytes` is full or the file ends; returns what was read.
  /// @throws IoError  the system reports an error
  std::size_t read(index_t offset, std::span<char> bytes) const;

 private:
  std::string path_;
  int descriptor_ = -1;
  index_t size_ = 0;
};

/// The whole of a small text file. Local.
/// @throws IoError          as InputFile
/// @throws InvalidArgument  above 256 MiB
KRONSOLVE_EXPORT std::string read_text_file(const std::string& path);

}  // namespace kronsolve
