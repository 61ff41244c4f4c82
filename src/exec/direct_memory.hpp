#pragma once
// Large arrays between processes of one machine: the receiver reads them out of the sender's memory
// (process_vm_readv), one copy instead of the four that a socket costs.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <kronsolve/core/serialize.hpp>

namespace kronsolve::detail {

/// What another process must know to read this one's memory, and to be sure that it is this one's.
struct MemoryTicket {
  long pid = 0;  ///< 0: nobody may
  std::uint64_t address = 0;
  std::array<std::uint64_t, 2> secret{};
  template <class Archive>
  void serialize(Archive& archive) {
    archive(pid, address, secret);
  }
};

/// This process's own. Empty if KRONSOLVE_DIRECT_MEMORY is `off`.
MemoryTicket own_memory();

/// The memory of another process of this machine. That process must keep what is read unchanged
/// meanwhile.
class MemoryWindow final : public BlockSource {
 public:
  /// Null where it cannot be read: another machine, another container, forbidden by the system.
  static std::shared_ptr<const MemoryWindow> open(const MemoryTicket& ticket);
  /// @throws Error  the process is gone
  void read(const std::byte* from, std::size_t bytes, void* to) const override;

 private:
  explicit MemoryWindow(const MemoryTicket& ticket) : ticket_(ticket) {}
  bool try_read(const std::byte* from, std::size_t bytes, void* to) const;
  bool read_pieces(const std::byte* from, std::size_t bytes, std::byte* to) const;
  MemoryTicket ticket_;
};

/// Memory for a block that arrives. The last one given back is kept for the next (up to 128 MiB):
/// fresh memory costs more than the copy into it.
std::shared_ptr<std::byte[]> block_memory(std::size_t bytes);

}  // namespace kronsolve::detail
