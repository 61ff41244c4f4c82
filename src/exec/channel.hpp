#pragma once
// Messages between the process that owns a pool and its workers: TCP sockets. The kernel closes the
// socket of a process that dies, however it dies, which is how its death is seen at once; and a
// process that waits on one uses no CPU.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <kronsolve/core/serialize.hpp>

#include "exec/direct_memory.hpp"

namespace kronsolve::detail {

enum class FrameType : std::uint32_t {
  greeting = 1,
  challenge,
  proof,
  hello,
  welcome,
  refuse,
  ready,
  task,
  report,
  result,
  taken,
  bye,
  die
};

struct Frame {
  FrameType type{};
  std::uint64_t id = 0;
  Message body;
};

/// A file descriptor, closed with its owner.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  void close() { *this = Descriptor(); }

 private:
  int fd_ = -1;
};

/// One connection. The owner of a pool uses it without blocking, a worker blocks. Reading and
/// writing may be done by two threads, each by one only.
class Channel {
 public:
  Channel() = default;
  explicit Channel(Descriptor socket);

  int fd() const noexcept { return socket_.get(); }
  bool open() const noexcept { return static_cast<bool>(socket_); }
  void close() { socket_.close(); }
  /// Ends the connection for both sides; whoever waits for something from it finds its end.
  void shut() noexcept;
  /// Until then frames have a few bytes.
  void set_trusted() noexcept { trusted_ = true; }
  /// Large arrays the other side sends are read out of its memory: at once, or when they are
  /// decoded.
  enum class Reading { at_once, when_decoded };
  void read_directly(std::shared_ptr<const MemoryWindow> window, Reading when) {
    window_ = std::move(window);
    reading_ = when;
  }
  /// The other side reads large arrays out of this memory: what is sent is to be kept until it has.
  void send_addresses(bool on) noexcept { addresses_ = on; }
  bool sends_addresses() const noexcept { return addresses_; }

  // Without blocking.
  void set_nonblocking();
  void queue(Frame frame);
  bool has_output() const noexcept { return !output_.empty(); }
  /// Writes what the socket takes. A write that fails ends the connection, which the next read
  /// finds.
  void flush();
  /// Reads what is there into `frames`, before trust is established one at a time; false if the
  /// other side is gone (what came before is in `frames`).
  bool receive(std::vector<Frame>& frames);
  /// True if receive() has left something that poll() does not know of.
  bool has_unread() const noexcept { return at_ != end_; }

  // Blocking.
  void send(Frame frame);             ///< fails as flush() does
  std::optional<Frame> wait_frame();  ///< nothing if the other side is gone

 private:
  struct Header {
    std::uint32_t magic, type;
    std::uint64_t id, stream_bytes, blocks;
  };
  struct BlockHead {
    std::uint64_t bytes, address;  // address: 0 if the block follows
  };
  struct Output {
    Frame frame;
    Header header;
    std::vector<BlockHead> heads;
    std::vector<std::pair<const char*, std::size_t>> parts;
    std::size_t part = 0, done = 0;
  };
  enum class Step { again, blocked, gone };
  enum class Stage { header, heads, stream, blocks };
  Step write_some();
  /// Fills what is wanted from the socket; small frames by way of a buffer, one call for several.
  Step fetch();
  Step read_some(std::optional<Frame>& complete);
  /// Expects a part of that many bytes; false if there are none to wait for. Room for a large one is
  /// made as it comes.
  bool expect(Stage stage, std::size_t bytes);
  void make_room(std::size_t bytes);
  /// Called when a part is complete: prepares the next one; true if the frame is complete.
  bool next_part();
  void take_from_memory();

  Descriptor socket_;
  bool trusted_ = false, addresses_ = false;
  std::shared_ptr<const MemoryWindow> window_;
  Reading reading_ = Reading::at_once;
  std::deque<Output> output_;
  // Reading: header, what blocks there are, stream, blocks.
  Stage stage_ = Stage::header;
  Header header_{};
  std::vector<BlockHead> heads_;
  Frame input_;
  std::size_t block_ = 0;
  std::shared_ptr<std::byte[]> block_room_;
  char* target_ = nullptr;
  std::size_t announced_ = 0, room_ = 0, got_ = 0;  // bytes of the part being read
  std::vector<char> buffer_;                        // received and not yet looked at: [at_, end_)
  std::size_t at_ = 0, end_ = 0;
  bool drained_ = false;  // the last call got less than it had room for
};

/// A listening socket on any free port: of this machine only, or of all its addresses.
class Listener {
 public:
  enum class Reach { this_machine, network };
  explicit Listener(Reach reach);
  int fd() const noexcept { return socket_.get(); }
  /// "port host address address ...", what connect_to() takes.
  const std::string& address() const noexcept { return address_; }
  /// A new connection, if there is one.
  /// @throws Error  this process may not have more open files
  std::optional<Channel> accept();

 private:
  Descriptor socket_;
  std::string address_;
};

/// Connects to a listener's address; tries each way to reach it.
/// @throws Error  none works
Channel connect_to(const std::string& address);

/// An eventfd that ends a poll() from another thread.
class WakeUp {
 public:
  WakeUp();
  int fd() const noexcept { return event_.get(); }
  void signal() noexcept;
  void clear() noexcept;

 private:
  Descriptor event_;
};

}  // namespace kronsolve::detail
