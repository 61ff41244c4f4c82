#pragma once
// Memory of one process that other processes of the same machine can map and read in place.

#include <cstddef>
#include <cstdint>
#include <vector>

#include <kronsolve/core/index.hpp>

namespace kronsolve::detail {

/// Memory that allocate_on_node could give, nullptr if this system has no such memory (or none
/// left): whoever asks takes other memory then. Zero-filled.
void* allocate_on_node(std::size_t bytes) noexcept;
/// Gives it back to the system, whoever still maps it. False if it is not from there.
bool free_on_node(void* memory) noexcept;

/// What another process needs to map a piece of node memory. Plain numbers, sent as they are.
struct NodeAddress {
  std::int64_t process = 0;
  std::int64_t descriptor = 0;
  std::int64_t serial = 0;  ///< of the allocation, never used twice by a process; 0: none
  std::int64_t device = 0, inode = 0;
  std::int64_t bytes = 0;   ///< of the allocation
  std::int64_t offset = 0;  ///< of the piece in it
};

/// Where `memory` lies; serial 0 if it is not node memory.
NodeAddress node_address(const void* memory) noexcept;

/// Allocations of one other process, mapped for reading. The last few stay mapped.
class NodeView {
 public:
  NodeView() = default;
  NodeView(NodeView&&) noexcept = default;
  NodeView& operator=(NodeView&&) = delete;
  ~NodeView();
  /// The piece at `address`, nullptr if it cannot be mapped from here.
  const void* map(const NodeAddress& address) noexcept;

 private:
  struct Mapping {
    std::int64_t serial;
    void* base;
    std::size_t bytes;
  };
  void drop_oldest() noexcept;
  std::vector<Mapping> mappings_;  ///< oldest first
};

/// The part of a peak of the resident set, bytes, that is this process's own: without what it read
/// in memory of others, which counts there.
index_t own_part_of_peak(index_t peak);

}  // namespace kronsolve::detail
