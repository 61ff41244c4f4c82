#include "exec/direct_memory.hpp"

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <new>
#include <random>
#include <string_view>
#include <system_error>
#include <thread>

#include <sys/uio.h>
#include <unistd.h>

#include <kronsolve/core/threads.hpp>

namespace kronsolve::detail {

namespace {

using Secret = std::array<std::uint64_t, 2>;

const Secret& own_secret() {
  static const Secret secret = [] {
    std::random_device random;
    Secret s;
    for (auto& word : s) word = (std::uint64_t{random()} << 32) | random();
    return s;
  }();
  return secret;
}

bool switched_off() {
  const char* choice = std::getenv("KRONSOLVE_DIRECT_MEMORY");
  return choice != nullptr && std::string_view(choice) == "off";
}

}  // namespace

MemoryTicket own_memory() {
  if (switched_off()) return {};
  return {static_cast<long>(::getpid()), reinterpret_cast<std::uint64_t>(own_secret().data()),
          own_secret()};
}

std::shared_ptr<const MemoryWindow> MemoryWindow::open(const MemoryTicket& ticket) {
  if (ticket.pid <= 0 || switched_off()) return nullptr;
  const std::shared_ptr<const MemoryWindow> window(new MemoryWindow(ticket));
  return window->try_read(nullptr, 0, nullptr) ? window : nullptr;
}

bool MemoryWindow::try_read(const std::byte* from, std::size_t bytes, void* to) const {
  // The secret comes with every piece: the process of that number is still the one we mean.
  Secret secret{};
  const iovec local[] = {{&secret, sizeof secret}, {to, bytes}};
  const iovec remote[] = {{reinterpret_cast<void*>(ticket_.address), sizeof secret},
                          {const_cast<std::byte*>(from), bytes}};
  const unsigned long pieces = bytes > 0 ? 2 : 1;
  const ssize_t got =
      ::process_vm_readv(static_cast<pid_t>(ticket_.pid), local, pieces, remote, pieces, 0);
  return got == static_cast<ssize_t>(sizeof secret + bytes) && secret == ticket_.secret;
}

bool MemoryWindow::read_pieces(const std::byte* from, std::size_t bytes, std::byte* to) const {
  constexpr std::size_t piece = std::size_t{1} << 30;  // one call moves less than 2 GiB
  for (std::size_t done = 0; done < bytes; done += piece)
    if (!try_read(from + done, std::min(piece, bytes - done), to + done)) return false;
  return true;
}

void MemoryWindow::read(const std::byte* from, std::size_t bytes, void* to) const {
  // The system call looks up every page it copies: half of its time is not the memory's, and a
  // second thread has it done meanwhile. The process that is read has nothing to do but wait.
  constexpr std::size_t worth_a_thread = std::size_t{16} << 20;
  auto* const target = static_cast<std::byte*>(to);
  std::size_t mine = bytes;
  bool rest_read = true;
  std::thread helper;
  if (bytes >= worth_a_thread && available_cores() > 1) {
    mine = bytes / 2;
    try {
      helper =
          std::thread([&] { rest_read = read_pieces(from + mine, bytes - mine, target + mine); });
    } catch (const std::system_error&) {  // no thread to be had
      mine = bytes;
    }
  }
  const bool begin_read = read_pieces(from, mine, target);
  if (helper.joinable()) helper.join();
  if (!begin_read || !rest_read) throw Error("the process that holds an array is gone");
}

namespace {

/// The block that was given back last.
class Spare {
 public:
  struct Block {
    std::byte* data = nullptr;
    std::size_t bytes = 0;
  };
  Block take(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    return block_.bytes >= bytes ? std::exchange(block_, {}) : Block{};
  }
  /// Keeps the larger of the two, gives the other one for release.
  Block put(Block back) {
    const std::lock_guard lock(mutex_);
    if (back.bytes > block_.bytes) std::swap(back, block_);
    return back;
  }

 private:
  std::mutex mutex_;
  Block block_;
};

constexpr std::size_t smallest_kept = std::size_t{1} << 20;
constexpr std::size_t largest_kept = std::size_t{1} << 27;

Spare& spare() {
  static auto* const one = new Spare;  // threads may give blocks back until the very end
  return *one;
}

void give_back(Spare::Block block) {
  if (block.bytes >= smallest_kept && block.bytes <= largest_kept) block = spare().put(block);
  ::operator delete(block.data);
}

}  // namespace

std::shared_ptr<std::byte[]> block_memory(std::size_t bytes) {
  Spare::Block block = bytes >= smallest_kept ? spare().take(bytes) : Spare::Block{};
  if (block.data == nullptr) {
    block = {static_cast<std::byte*>(::operator new(bytes)), bytes};
    expect_large(block.data, bytes);
  }
  return {block.data, [block](std::byte*) { give_back(block); }};
}

}  // namespace kronsolve::detail
