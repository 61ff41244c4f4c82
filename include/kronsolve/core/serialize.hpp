#pragma once
// How values travel between processes: cereal for structure, large arrays beside the stream without
// a copy.

#include <complex>
#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <cereal/cereal.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/common.hpp>
#include <cereal/types/complex.hpp>
#include <cereal/types/deque.hpp>
#include <cereal/types/list.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/set.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/index.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

class Comm;

/// Memory of another process, which blocks of a message may lie in.
class KRONSOLVE_EXPORT BlockSource {
 public:
  virtual ~BlockSource();
  /// Copies `bytes` bytes at `from` of the other process to `to` here.
  /// @throws Error  the other process does not answer any more
  virtual void read(const std::byte* from, std::size_t bytes, void* to) const = 0;
};

/// Serialised values: a stream of small things, and large arrays as blocks of their own that are
/// never copied into it.
///
/// Blocks point into memory that `owners` keep alive, or that the caller does. Moves and copies are
/// cheap for the blocks.
struct KRONSOLVE_EXPORT Message {
  using Block = std::span<const std::byte>;  ///< a large array, not owned
  std::string stream;                        ///< small things, one after the other
  std::vector<Block> blocks;                 ///< large arrays, in the order in which they are met
  std::vector<std::shared_ptr<const void>> owners;  ///< what the blocks point into
  /// If set, all blocks lie in another process: they cannot be looked at, only read.
  std::shared_ptr<const BlockSource> source;

  /// Adds what another message holds; reading then gives the values of both in order.
  Message& append(const Message& other);
  index_t bytes() const noexcept;  ///< of the stream and the blocks together
};

/// Where reading stands in a message.
struct MessageReader {
  /// From the beginning of a message, which must outlive it.
  explicit MessageReader(const Message& from) : message(&from) {}
  const Message* message;     ///< that is read
  std::size_t stream_at = 0;  ///< bytes of the stream that were read
  std::size_t block_at = 0;   ///< blocks that were read
  /// Ranks that read the same values together (a gang its arguments); null: this process alone.
  const Comm* comm = nullptr;
  bool at_end() const noexcept {  ///< everything was read
    return stream_at == message->stream.size() && block_at == message->blocks.size();
  }
};

/// Arrays of at least this many bytes become blocks.
inline constexpr std::size_t block_threshold = std::size_t{1} << 16;

/// Tells the system that this much of fresh memory is about to be filled: huge pages take large
/// arrays several times faster.
KRONSOLVE_EXPORT void expect_large(void* data, std::size_t bytes) noexcept;

/// cereal output archive that writes a Message.
class KRONSOLVE_EXPORT PackArchive : public cereal::OutputArchive<PackArchive> {
 public:
  /// Appends to a message, which must outlive it.
  explicit PackArchive(Message& to) : cereal::OutputArchive<PackArchive>(this), to_(to) {}
  void write(const void* data, std::size_t bytes) {  ///< appends bytes to the stream
    to_.stream.append(static_cast<const char*>(data), bytes);
  }
  /// Contiguous plain data; large ones are referred to, not copied.
  void write_array(const void* data, std::size_t bytes);

 private:
  Message& to_;
};

/// cereal input archive that reads a Message; every read is checked against its end.
class KRONSOLVE_EXPORT UnpackArchive : public cereal::InputArchive<UnpackArchive> {
 public:
  /// Goes on where the reader stands.
  explicit UnpackArchive(MessageReader& from)
      : cereal::InputArchive<UnpackArchive>(this), from_(from) {}
  /// @throws InvalidArgument  the message ends before
  void read(void* data, std::size_t bytes);
  /// What write_array wrote; `bytes` must be the same.
  /// @throws InvalidArgument  the message ends before, or holds an array of another length
  void read_array(void* data, std::size_t bytes);
  /// A length of elements of at least `element_bytes`; refused if the message cannot hold that
  /// many.
  std::size_t read_length();
  /// For values that the ranks of a gang set up together. Null: this process alone.
  const Comm* comm() const noexcept { return from_.comm; }
  /// A vector of plain data. Large ones are filled straight from their block.
  template <class T, class Allocator>
  void read_vector(std::vector<T, Allocator>& values) {
    const std::size_t length = read_length();
    if constexpr (std::is_same_v<Allocator, std::allocator<T>>)
      if (length * sizeof(T) >= block_threshold && !from_.message->source) {
        // Constructed from what is read: memory that was set to zero before would be written twice.
        const auto* const first = reinterpret_cast<const T*>(next_block(length * sizeof(T)));
        values.clear();
        values.reserve(length);
        expect_large(values.data(), length * sizeof(T));
        values.assign(first, first + length);
        return;
      }
    values.reserve(length);
    expect_large(values.data(), length * sizeof(T));
    values.resize(length);
    read_array(values.data(), length * sizeof(T));
  }

 private:
  const std::byte* next_block(std::size_t bytes);
  MessageReader& from_;
};

/// What can travel: arithmetic types, enumerations, standard containers, and classes with cereal's
/// `serialize` (or `save` and `load`).
template <class T>
concept Serializable =
    cereal::traits::is_output_serializable<std::remove_cvref_t<T>, PackArchive>::value &&
    cereal::traits::is_input_serializable<std::remove_cvref_t<T>, UnpackArchive>::value;

/// How an object comes to be before its contents are read: default-constructed; a class without a
/// default constructor specialises this.
template <class T>
struct Blank {
  static T make() { return T(); }  ///< T(); what is read then replaces it
};

/// Appends a value. Large arrays in it are referred to: it must outlive the message (or be among
/// its owners).
template <Serializable T>
void pack(Message& to, const T& value) {
  PackArchive archive(to);
  archive(value);
}

/// Reads the next value.
/// @throws whatever the type's own reading throws; InvalidArgument if the message ends before
template <Serializable T>
T unpack(MessageReader& from) {
  T value = Blank<T>::make();
  UnpackArchive archive(from);
  archive(value);
  return value;
}

/// A message that owns the value it holds.
template <class T>
requires Serializable<T> Message packed(T value) {
  Message message;
  auto owned = std::make_shared<const T>(std::move(value));
  pack(message, *owned);
  if (!message.blocks.empty()) message.owners.push_back(std::move(owned));
  return message;
}

}  // namespace kronsolve

// What cereal asks of an archive.
namespace cereal {

template <class T>
requires std::is_arithmetic_v<T>
void CEREAL_SAVE_FUNCTION_NAME(kronsolve::PackArchive& archive, const T& value) {
  archive.write(&value, sizeof value);
}
template <class T>
requires std::is_arithmetic_v<T>
void CEREAL_LOAD_FUNCTION_NAME(kronsolve::UnpackArchive& archive, T& value) {
  archive.read(&value, sizeof value);
}
template <class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(kronsolve::PackArchive& archive, NameValuePair<T>& pair) {
  archive(pair.value);
}
template <class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(kronsolve::UnpackArchive& archive, NameValuePair<T>& pair) {
  archive(pair.value);
}
template <class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(kronsolve::PackArchive& archive, SizeTag<T>& tag) {
  archive(tag.size);
}
template <class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(kronsolve::UnpackArchive& archive, SizeTag<T>& tag) {
  tag.size = archive.read_length();
}
template <class T>
void CEREAL_SAVE_FUNCTION_NAME(kronsolve::PackArchive& archive, const BinaryData<T>& data) {
  archive.write_array(data.data, static_cast<std::size_t>(data.size));
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(kronsolve::UnpackArchive& archive, BinaryData<T>& data) {
  archive.read_array(data.data, static_cast<std::size_t>(data.size));
}

// cereal knows arrays of arithmetic types as plain data, complex ones only element by element.
template <class T, class Allocator>
requires(std::is_arithmetic_v<T> &&
         !std::same_as<T, bool>) void CEREAL_LOAD_FUNCTION_NAME(kronsolve::UnpackArchive& archive,
                                                                std::vector<T, Allocator>& values) {
  archive.read_vector(values);
}
template <class Real, class Allocator>
void CEREAL_SAVE_FUNCTION_NAME(kronsolve::PackArchive& archive,
                               const std::vector<std::complex<Real>, Allocator>& values) {
  archive(make_size_tag(static_cast<size_type>(values.size())));
  archive.write_array(values.data(), values.size() * sizeof(std::complex<Real>));
}
template <class Real, class Allocator>
void CEREAL_LOAD_FUNCTION_NAME(kronsolve::UnpackArchive& archive,
                               std::vector<std::complex<Real>, Allocator>& values) {
  archive.read_vector(values);
}

}  // namespace cereal

CEREAL_SETUP_ARCHIVE_TRAITS(kronsolve::UnpackArchive, kronsolve::PackArchive)
