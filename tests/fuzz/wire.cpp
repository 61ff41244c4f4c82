// Whatever bytes come over a connection between a pool and its workers: they are frames, or the
// connection ends with an exception. How they are cut into pieces changes nothing, and frames that
// are written again are the bytes that came.

#include "fuzz/wire.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include "exec/channel.hpp"
#include "exec/handshake.hpp"
#include "exec/worker.hpp"

namespace kronsolve::fuzz {
namespace {

using detail::Channel;
using detail::Descriptor;
using detail::Frame;
using detail::FrameType;

/// One end is ours to write into, the other one a channel.
class Connection {
 public:
  Connection() {
    int ends[2];
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "no pair of sockets");
    far_ = Descriptor(ends[0]);
    channel = Channel(Descriptor(ends[1]));
  }
  void write(const std::string& bytes, std::size_t from, std::size_t count) const {
    count = std::min(count, bytes.size() - from);
    require(
        ::send(far_.get(), bytes.data() + from, count, MSG_NOSIGNAL) == static_cast<ssize_t>(count),
        "the socket takes less than was written");
  }
  void end() { ::shutdown(far_.get(), SHUT_WR); }
  std::string sent_by_channel() const {
    std::string all(1 << 14, '\0');  // inputs are shorter
    const ssize_t n = ::recv(far_.get(), all.data(), all.size(), MSG_DONTWAIT);
    all.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return all;
  }

  Channel channel;

 private:
  Descriptor far_;
};

struct Received {
  std::vector<Frame> frames;
  bool refused = false;
};

/// As the owner of a pool reads: what there is, without waiting.
Received in_pieces(const std::string& bytes, std::size_t piece) {
  Connection connection;
  connection.channel.set_trusted();
  connection.channel.set_nonblocking();
  Received got;
  try {
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      connection.write(bytes, at, piece);
      require(connection.channel.receive(got.frames), "the connection ended before its end");
      while (connection.channel.has_unread()) (void)connection.channel.receive(got.frames);
    }
    connection.end();
    while (connection.channel.receive(got.frames)) {
    }
  } catch (const Error&) {
    got.refused = true;
  }
  return got;
}

/// As a worker reads: it waits for each frame.
Received one_by_one(const std::string& bytes) {
  Connection connection;
  connection.channel.set_trusted();
  connection.write(bytes, 0, bytes.size());
  connection.end();
  Received got;
  try {
    while (auto frame = connection.channel.wait_frame()) got.frames.push_back(std::move(*frame));
  } catch (const Error&) {
    got.refused = true;
  }
  return got;
}

std::string written(const std::vector<Frame>& frames) {
  if (frames.empty()) return "";
  Connection connection;
  for (const Frame& frame : frames) connection.channel.send(frame);
  return connection.sent_by_channel();
}

template <class T>
void read_as(const Frame& frame) {
  MessageReader reader(frame.body);
  const T value = unpack<T>(reader);
  Message again;
  pack(again, value);
  require(frame.body.stream.compare(0, again.stream.size(), again.stream) == 0,
          "a body is written as something else than what was read");
}

/// As the side that it is meant for reads it.
void read_body(const Frame& frame) {
  switch (frame.type) {
    case FrameType::hello:
      return read_as<detail::Hello>(frame);
    case FrameType::welcome:
      return read_as<detail::Welcome>(frame);
    case FrameType::ready:
      return read_as<detail::Ready>(frame);
    case FrameType::task:
      return read_as<detail::TaskHead>(frame);
    case FrameType::result:
      return read_as<Failure>(frame);
    case FrameType::report:
      return read_as<std::vector<double>>(frame);
    default:
      return;
  }
}

}  // namespace

void worker_connection(const std::string& bytes) {
  if (bytes.empty()) return;
  const std::string rest = bytes.substr(1);
  const auto piece = static_cast<std::size_t>(static_cast<unsigned char>(bytes[0])) + 1;
  const Received got = in_pieces(rest, piece), other = one_by_one(rest);
  require(got.refused == other.refused && got.frames.size() == other.frames.size(),
          "pieces of another size are other frames");
  require(rest.starts_with(written(got.frames)), "frames are written as other bytes");
  for (const Frame& frame : got.frames) {
    try {
      read_body(frame);
    } catch (const std::exception&) {  // nonsense: the connection is ended
    }
  }
}

void strange_connection(const std::string& bytes) {
  Connection connection;
  connection.channel.set_nonblocking();
  connection.write(bytes, 0, bytes.size());
  connection.end();
  const detail::Secret secret({1, 2});
  detail::OwnerHandshake handshake;
  for (bool there = true; there;) {
    std::vector<Frame> frames;
    there = connection.channel.receive(frames);
    for (const Frame& frame : frames) {
      require(frame.body.stream.size() <= 64 && frame.body.blocks.empty(),
              "a stranger was listened to for long");
      if (handshake.greeted())
        require(!handshake.accepts(secret, frame), "a stranger was believed");
      else
        (void)handshake.answer(secret, frame);
    }
  }
}

}  // namespace kronsolve::fuzz
