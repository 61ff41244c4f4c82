#pragma once
// Memory that several ranks see, and files that all ranks write together.

#include <span>
#include <string>
#include <utility>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

/// The ranks that share this one's memory. Collective.
KRONSOLVE_EXPORT Comm same_machine(const Comm& comm);

namespace detail {
class KRONSOLVE_EXPORT WindowHandle {
 public:
  enum class Kind { one_sided, node_shared };
  /// Collective. `bytes`: of this rank's memory (node_shared: looked at on the first rank of each
  /// machine only).
  WindowHandle(const Comm& comm, Kind kind, index_t bytes, int element_bytes);
  WindowHandle(WindowHandle&& other) noexcept
      : window_(std::exchange(other.window_, MPI_WIN_NULL)),
        base_(std::exchange(other.base_, nullptr)),
        bytes_(other.bytes_) {}
  WindowHandle& operator=(WindowHandle&&) = delete;
  ~WindowHandle();
  void* base() const noexcept { return base_; }
  index_t bytes() const noexcept { return bytes_; }
  void fence() const;
  void put(const void* data, index_t count, MPI_Datatype type, int rank, index_t offset) const;
  void get(void* data, index_t count, MPI_Datatype type, int rank, index_t offset) const;
  void add(const void* data, index_t count, MPI_Datatype type, int rank, index_t offset) const;

 private:
  void clear() const;
  MPI_Win window_ = MPI_WIN_NULL;
  void* base_ = nullptr;
  index_t bytes_ = 0;
};
}  // namespace detail

/// One array per machine, seen by all its ranks: a table is stored once and not once per rank. Zero
/// at first. Moves, does not copy.
template <class T>
class NodeShared {
 public:
  /// Collective. The first rank of each machine says how long it is.
  NodeShared(const Comm& comm, index_t count)
      : window_(comm, detail::WindowHandle::Kind::node_shared,
                count * static_cast<index_t>(sizeof(T)), int(sizeof(T))) {}
  std::span<T> values() const noexcept {  ///< the whole array, on every rank of the machine
    return {static_cast<T*>(window_.base()), static_cast<std::size_t>(window_.bytes()) / sizeof(T)};
  }
  /// Collective on the ranks of the machine: what was written before is seen after.
  void fence() const { window_.fence(); }

 private:
  detail::WindowHandle window_;
};

/// An array on each rank that the others may read, write and add to; zero at first. Moves, does not
/// copy.
///
/// Between two fence() calls (collective) a place may be written by one rank, or added to by
/// several.
template <class T>
class Window {
 public:
  /// Of `count` elements on this rank, which may differ from rank to rank. Collective.
  Window(const Comm& comm, index_t count)
      : window_(comm, detail::WindowHandle::Kind::one_sided,
                count * static_cast<index_t>(sizeof(T)), int(sizeof(T))) {
    window_.fence();
  }
  std::span<T> local() const noexcept {  ///< this rank's own elements
    return {static_cast<T*>(window_.base()), static_cast<std::size_t>(window_.bytes()) / sizeof(T)};
  }
  /// Writes to the elements [offset, offset + values.size()) of a rank; there after the next
  /// fence().
  void put(std::span<const T> values, int rank, index_t offset) const {
    window_.put(values.data(), static_cast<index_t>(values.size()), mpi_type<T>(), rank, offset);
  }
  void get(std::span<T> values, int rank, index_t offset) const {  ///< there after the next fence()
    window_.get(values.data(), static_cast<index_t>(values.size()), mpi_type<T>(), rank, offset);
  }
  /// Adds to the elements [offset, offset + values.size()) of a rank; there after the next fence().
  void add(std::span<const T> values, int rank, index_t offset) const {
    window_.add(values.data(), static_cast<index_t>(values.size()), mpi_type<T>(), rank, offset);
  }
  void fence() const { window_.fence(); }  ///< collective; what was begun before is done after

 private:
  detail::WindowHandle window_;
};

namespace detail {
KRONSOLVE_EXPORT void write_file(const Comm& comm, const std::string& path, const void* data,
                                 index_t first, index_t count, index_t total, MPI_Datatype type);
KRONSOLVE_EXPORT void read_file(const Comm& comm, const std::string& path, void* data,
                                index_t first, index_t count, index_t total, MPI_Datatype type);
}  // namespace detail

/// Writes a distributed vector as raw numbers in row order, all ranks together: the file does not
/// depend on how many there are. Collective.
/// @throws IoError  on every rank, naming the path
template <class T>
void write_distributed(const Comm& comm, const std::string& path, std::span<const T> owned) {
  const auto count = static_cast<index_t>(owned.size());
  detail::write_file(comm, path, owned.data(), comm.exclusive_sum(count), count,
                     comm.all_reduce(count), mpi_type<T>());
}
/// Reads the owned rows of a vector that write_distributed wrote, on any number of ranks.
/// Collective.
/// @throws IoError  on every rank: the file cannot be read or has another length
template <class T>
void read_distributed(const Comm& comm, const std::string& path, std::span<T> owned) {
  const auto count = static_cast<index_t>(owned.size());
  detail::read_file(comm, path, owned.data(), comm.exclusive_sum(count), count,
                    comm.all_reduce(count), mpi_type<T>());
}

}  // namespace kronsolve
