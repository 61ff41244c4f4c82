#pragma once

#include <span>
#include <type_traits>
#include <utility>

#include <kronsolve/core/index.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

/// Where the memory of a Buffer lies: with this process alone, or where other ranks of the same
/// machine can read it in place (a product then needs no messages between them). Node memory costs
/// a file descriptor and, on most machines, huge pages; where there is none it is process memory.
enum class Placement { process, node };

class Comm;
/// Where vectors belong that are multiplied by maps on `comm`: on the node if there are several
/// ranks. Local.
KRONSOLVE_EXPORT Placement vector_placement(const Comm& comm) noexcept;

/// Memory of one large vector: aligned to huge pages, asked for as such, touched first by the
/// threads that will use it (rows split evenly among num_threads()). Zero-filled. Moves, does not
/// copy.
template <Scalar T>
class KRONSOLVE_EXPORT Buffer {
 public:
  Buffer() = default;
  /// @throws InvalidArgument  the memory is not there (see require_memory)
  explicit Buffer(index_t size, Placement placement = Placement::process);
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Buffer();

  index_t size() const noexcept { return size_; }  ///< elements, each of sizeof(T) bytes
  T* data() noexcept { return data_; }             ///< null if there are none
  /// The same of a Buffer that is only read.
  const T* data() const noexcept { return data_; }
  /// All elements. The span is valid until the Buffer is moved, assigned to or gone.
  std::span<T> span() noexcept { return {data_, static_cast<std::size_t>(size_)}; }
  /// The same of a Buffer that is only read.
  std::span<const T> span() const noexcept { return {data_, static_cast<std::size_t>(size_)}; }
  /// First element, for range loops.
  T* begin() noexcept { return data_; }
  T* end() noexcept { return data_ + size_; }  ///< one past the last element
  /// The same of a Buffer that is only read.
  const T* begin() const noexcept { return data_; }
  /// The same of a Buffer that is only read.
  const T* end() const noexcept { return data_ + size_; }
  /// Element i; not checked.
  /// @pre 0 <= i < size()
  T& operator[](index_t i) noexcept { return data_[i]; }
  /// The same of a Buffer that is only read.
  const T& operator[](index_t i) const noexcept { return data_[i]; }

 private:
  T* data_ = nullptr;
  index_t size_ = 0;
};

/// A vector that is read, as an argument beside something else that says what T is: a Buffer,
/// std::vector, std::array or span of T.
template <Scalar T>
using VectorArgument = std::type_identity_t<std::span<const T>>;

extern template class Buffer<double>;
extern template class Buffer<std::complex<double>>;

}  // namespace kronsolve
