#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <kronsolve/core/index.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

/// A regular file opened for reading at any offset. Moves, does not copy. Local.
class KRONSOLVE_EXPORT InputFile {
 public:
  /// @throws IoError  the file is not there, not readable or not a regular file; with the system's
  ///                  reason
  explicit InputFile(std::string path);
  InputFile(InputFile&& other) noexcept
      : path_(std::move(other.path_)),
        descriptor_(std::exchange(other.descriptor_, -1)),
        size_(other.size_) {}
  InputFile& operator=(InputFile&& other) noexcept;
  ~InputFile();

  const std::string& path() const noexcept { return path_; }  ///< as it was given
  index_t size() const noexcept { return size_; }             ///< bytes when it was opened
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

/// A file that is whole or not there: everything that is saved is written by one of these. Until
/// close() it has a name of its own in the same folder, so that two that write to one path do not
/// meet; what ends early leaves an older file as it was. Moves, does not copy. Local.
class KRONSOLVE_EXPORT OutputFile {
 public:
  /// @throws IoError  the folder is not there or not writable, or something other than a file
  ///                  stands at the path; with the system's reason
  explicit OutputFile(std::string path);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&& other) noexcept;
  ~OutputFile();  ///< drops what was not closed

  /// As it was given; the file has this name after close().
  const std::string& path() const noexcept { return path_; }
  index_t size() const noexcept { return size_; }  ///< up to the last byte written
  /// @throws IoError  the system reports an error: a full disk, a quota, a limit
  void write(index_t offset, std::span<const char> bytes);
  /// Writes at the end; errors as write().
  void append(std::string_view text) { write(size_, std::span(text.data(), text.size())); }
  /// As InputFile, from what was written.
  std::size_t read(index_t offset, std::span<char> bytes) const;
  /// Brings everything to the disk, gives the file its name, and brings that to the disk.
  /// @param keep  the name that an older file gets, in the same folder; empty: it is replaced
  /// @throws IoError  as write; the older file is as it was, or in its place the whole new one
  void close(const std::string& keep = {});

 private:
  void drop() noexcept;
  bool keep_older(const std::string& name) noexcept;
  std::string path_, name_;  ///< name_: in the folder, at the end
  int slot_ = -1;            ///< of what a signal removes
  std::string temporary_;    ///< name until then
  int folder_ = -1, descriptor_ = -1;
  index_t size_ = 0;
};

/// Removes the unfinished files of this process, which is about to end. May be called by a handler
/// of signals.
KRONSOLVE_EXPORT void remove_unfinished_files() noexcept;

/// A checksum of 64 bits over bytes that come in pieces. A change of up to eight neighbouring bytes
/// always changes it, any other with probability 1 - 2^-64.
class KRONSOLVE_EXPORT Checksum {
 public:
  /// The next bytes; how they are cut into pieces does not matter.
  void add(std::span<const char> bytes) noexcept;
  std::uint64_t value() const noexcept;  ///< of all bytes so far

 private:
  void word(std::uint64_t word) noexcept;
  void add_byte(char byte) noexcept;
  std::uint64_t lanes_[4] = {1, 2, 3, 4};
  std::uint64_t count_ = 0, partial_ = 0;  ///< bytes so far; those of the last, unfinished word
};

}  // namespace kronsolve
