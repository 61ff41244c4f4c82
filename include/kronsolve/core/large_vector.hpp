#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include <kronsolve/export.hpp>

namespace kronsolve {

namespace detail {
/// Bytes aligned to huge pages, asked for as such, when there are many; untouched.
/// @throws std::bad_alloc
KRONSOLVE_EXPORT void* allocate_large(std::size_t bytes);
KRONSOLVE_EXPORT void free_large(void* memory) noexcept;
}  // namespace detail

/// Allocator for large arrays that are filled by the threads which use them: resize(n) leaves new
/// elements unset (unlike std::allocator, which would touch all the memory from one thread first),
/// resize(n, value) sets them.
template <class T>
struct LargeAllocator {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
  using value_type = T;  ///< of the elements; plain data

  LargeAllocator() = default;
  template <class U>
  LargeAllocator(const LargeAllocator<U>&) noexcept {}  ///< allocators have no state

  /// Memory for n elements, not touched.
  /// @throws std::bad_alloc  there is none
  T* allocate(std::size_t n) {
    if (n > static_cast<std::size_t>(-1) / sizeof(T)) throw std::bad_alloc();
    return static_cast<T*>(detail::allocate_large(n * sizeof(T)));
  }
  /// Gives it back.
  void deallocate(T* memory, std::size_t) noexcept { detail::free_large(memory); }
  /// Sets an element from the arguments; without any it stays as the memory is.
  template <class U, class... Args>
  void construct(U* at, Args&&... args) {
    if constexpr (sizeof...(Args) > 0) std::construct_at(at, std::forward<Args>(args)...);
  }
  /// Any allocator can free what another one gave.
  friend bool operator==(const LargeAllocator&, const LargeAllocator&) noexcept { return true; }
};

/// A std::vector for millions of numbers. resize(n) does not set them.
template <class T>
using LargeVector = std::vector<T, LargeAllocator<T>>;

}  // namespace kronsolve
