#include "exec/channel.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <kronsolve/exec/this_worker.hpp>

namespace kronsolve::detail {

namespace {

constexpr std::uint32_t magic_number = 0x6b726f6e;  // "kron"
constexpr std::uint64_t untrusted_limit = 64;
/// Room for this much is made before it is there; what precedes blocks is short.
constexpr std::size_t first_room = std::size_t{1} << 24, first_heads = std::size_t{1} << 12;
constexpr std::size_t buffer_bytes = 1 << 14;

[[noreturn]] void fail(const char* call) { throw Error(concat(call, ": ", std::strerror(errno))); }

/// Small messages leave at once; a host that vanished without a word is noticed within half a
/// minute.
void tune(int fd) {
  const auto set = [fd](int level, int option, int value) {
    setsockopt(fd, level, option, &value, sizeof value);
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 10);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(IPPROTO_TCP, TCP_KEEPCNT, 4);
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Channel::Channel(Descriptor socket) : socket_(std::move(socket)) { tune(socket_.get()); }

void Channel::shut() noexcept { (void)::shutdown(fd(), SHUT_RDWR); }

void Channel::set_nonblocking() { fcntl(fd(), F_SETFL, fcntl(fd(), F_GETFL) | O_NONBLOCK); }

void Channel::queue(Frame frame) {
  Output& out = output_.emplace_back();
  out.frame = std::move(frame);
  const Message& body = out.frame.body;
  out.header = {magic_number, static_cast<std::uint32_t>(out.frame.type), out.frame.id,
                body.stream.size(), body.blocks.size()};
  KRONSOLVE_ASSERT(!body.source);
  for (const auto& block : body.blocks)
    out.heads.push_back(
        {block.size(), addresses_ ? reinterpret_cast<std::uint64_t>(block.data()) : 0});
  const auto add = [&](const void* data, std::size_t bytes) {
    if (bytes > 0) out.parts.emplace_back(static_cast<const char*>(data), bytes);
  };
  add(&out.header, sizeof out.header);
  add(out.heads.data(), out.heads.size() * sizeof(BlockHead));
  add(body.stream.data(), body.stream.size());
  if (addresses_) return;
  for (const auto& block : body.blocks) add(block.data(), block.size());
}

Channel::Step Channel::write_some() {
  Output& out = output_.front();
  std::array<iovec, 16> pieces{};
  std::size_t n = 0;
  for (std::size_t p = out.part; p < out.parts.size() && n < pieces.size(); ++p, ++n) {
    const std::size_t skip = p == out.part ? out.done : 0;
    pieces[n] = {const_cast<char*>(out.parts[p].first) + skip, out.parts[p].second - skip};
  }
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = n;
  const ssize_t sent = sendmsg(fd(), &message, MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno == EINTR) return Step::again;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return Step::blocked;
    // Also where the other side is there and could wait for what was not sent.
    shut();
    output_.clear();
    return Step::gone;
  }
  out.done += static_cast<std::size_t>(sent);
  while (out.part < out.parts.size() && out.done >= out.parts[out.part].second) {
    out.done -= out.parts[out.part].second;
    ++out.part;
  }
  if (out.part == out.parts.size()) output_.pop_front();
  return Step::again;
}

void Channel::flush() {
  while (!output_.empty() && write_some() == Step::again) {
  }
}

void Channel::make_room(std::size_t bytes) {
  switch (stage_) {
    case Stage::header:
      target_ = reinterpret_cast<char*>(&header_);
      break;
    case Stage::heads:
      heads_.resize(bytes / sizeof(BlockHead));
      target_ = reinterpret_cast<char*>(heads_.data());
      break;
    case Stage::stream:
      input_.body.stream.resize(bytes);
      target_ = input_.body.stream.data();
      break;
    case Stage::blocks: {
      auto larger = block_memory(bytes);
      if (got_ > 0) std::memcpy(larger.get(), block_room_.get(), got_);
      block_room_ = std::move(larger);
      target_ = reinterpret_cast<char*>(block_room_.get());
      break;
    }
  }
  room_ = bytes;
}

bool Channel::expect(Stage stage, std::size_t bytes) {
  stage_ = stage;
  announced_ = bytes;
  got_ = 0;
  make_room(std::min(bytes, stage == Stage::heads ? first_heads : first_room));
  return bytes > 0;
}

bool Channel::next_part() {
  switch (stage_) {
    case Stage::header:
      if (header_.magic != magic_number) throw Error("a peer that does not speak this protocol");
      if (!trusted_ && (header_.stream_bytes > untrusted_limit || header_.blocks > 0))
        throw Error("a peer sent more than a greeting before it was known");
      if (header_.blocks > SIZE_MAX / sizeof(BlockHead)) throw Error("a frame without end");
      input_ = {static_cast<FrameType>(header_.type), header_.id, {}};
      if (expect(Stage::heads, header_.blocks * sizeof(BlockHead))) return false;
      [[fallthrough]];
    case Stage::heads:
      if (std::any_of(heads_.begin(), heads_.end(), [&](const BlockHead& head) {
            return (head.address == 0) != (heads_.front().address == 0);
          }))
        throw Error("a frame with some blocks in it and some elsewhere");
      if (expect(Stage::stream, header_.stream_bytes)) return false;
      [[fallthrough]];
    case Stage::stream:
      block_ = 0;
      break;
    case Stage::blocks:
      input_.body.blocks.emplace_back(block_room_.get(), heads_[block_].bytes);
      input_.body.owners.push_back(std::move(block_room_));
      ++block_;
      break;
  }
  if (!heads_.empty() && heads_.front().address != 0) {
    take_from_memory();
  } else if (block_ < heads_.size()) {
    expect(Stage::blocks, heads_[block_].bytes);
    return false;
  }
  target_ = nullptr;
  return true;
}

void Channel::take_from_memory() {
  if (!window_) throw Error("a peer sent addresses without having been asked to");
  Message& body = input_.body;
  for (const BlockHead& head : heads_) {
    const auto* there = reinterpret_cast<const std::byte*>(head.address);
    if (reading_ == Reading::when_decoded) {
      body.blocks.emplace_back(there, head.bytes);
      continue;
    }
    std::byte last{};  // there, before room is made for all
    if (head.bytes > 0) window_->read(there + head.bytes - 1, 1, &last);
    auto memory = block_memory(head.bytes);
    window_->read(there, head.bytes, memory.get());
    body.blocks.emplace_back(memory.get(), head.bytes);
    body.owners.push_back(std::move(memory));
  }
  if (reading_ == Reading::when_decoded) body.source = window_;
}

Channel::Step Channel::read_some(std::optional<Frame>& complete) {
  if (target_ == nullptr) expect(Stage::header, sizeof header_);
  if (at_ == end_ && got_ < room_) {
    const Step step = fetch();
    if (step != Step::again) return step;
  }
  const std::size_t n = std::min(end_ - at_, room_ - got_);
  std::copy_n(buffer_.data() + at_, n, target_ + got_);
  at_ += n;
  got_ += n;
  if (got_ < room_) return Step::again;
  if (got_ < announced_)
    make_room(std::min(announced_, 2 * room_));
  else if (next_part())
    complete = std::move(input_);
  return Step::again;
}

Channel::Step Channel::fetch() {
  const std::size_t missing = room_ - got_;
  const bool straight = missing >= buffer_bytes;
  if (!straight) buffer_.resize(buffer_bytes);
  const std::size_t room = straight ? missing : buffer_bytes;
  const ssize_t n = ::recv(fd(), straight ? target_ + got_ : buffer_.data(), room, 0);
  if (n == 0) return Step::gone;
  if (n < 0) {
    if (errno == EINTR) return Step::again;
    return errno == EAGAIN || errno == EWOULDBLOCK ? Step::blocked : Step::gone;
  }
  const auto bytes = static_cast<std::size_t>(n);
  drained_ = bytes < room;
  if (straight) {
    got_ += bytes;
  } else {
    at_ = 0;
    end_ = bytes;
  }
  return Step::again;
}

bool Channel::receive(std::vector<Frame>& frames) {
  drained_ = false;
  for (;;) {
    // Another call would find nothing, or the end, which the next poll() tells as well.
    if (drained_ && at_ == end_) return true;
    std::optional<Frame> complete;
    const Step step = read_some(complete);
    if (complete) {
      frames.push_back(std::move(*complete));
      if (!trusted_) return true;
    }
    if (step == Step::gone) return false;
    if (step == Step::blocked) return true;
  }
}

void Channel::send(Frame frame) {
  queue(std::move(frame));
  while (!output_.empty()) (void)write_some();
}

std::optional<Frame> Channel::wait_frame() {
  std::optional<Frame> complete;
  while (!complete)
    if (read_some(complete) == Step::gone) return {};
  return complete;
}

// ---- addresses ---------------------------------------------------------------------------------

namespace {

/// Numeric IPv4 addresses of this machine, loopback left out.
std::vector<std::string> own_addresses() {
  std::vector<std::string> all;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return all;
  for (const ifaddrs* i = list; i != nullptr; i = i->ifa_next) {
    if (i->ifa_addr == nullptr || i->ifa_addr->sa_family != AF_INET ||
        (i->ifa_flags & IFF_LOOPBACK) != 0 || (i->ifa_flags & IFF_UP) == 0)
      continue;
    std::array<char, INET_ADDRSTRLEN> text{};
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(i->ifa_addr)->sin_addr, text.data(),
              text.size());
    all.emplace_back(text.data());
  }
  freeifaddrs(list);
  return all;
}

/// Connects within five seconds; nothing if that fails.
std::optional<Channel> try_connect(const std::string& host, const std::string& port) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) return {};
  std::optional<Channel> result;
  for (const addrinfo* a = found; a != nullptr && !result; a = a->ai_next) {
    Descriptor s(::socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!s) continue;
    int status = ::connect(s.get(), a->ai_addr, a->ai_addrlen);
    if (status != 0 && errno == EINPROGRESS) {
      pollfd p{s.get(), POLLOUT, 0};
      int error = 1;
      socklen_t size = sizeof error;
      if (::poll(&p, 1, 5000) == 1 &&
          getsockopt(s.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0)
        status = 0;
    }
    if (status != 0) continue;
    fcntl(s.get(), F_SETFL, fcntl(s.get(), F_GETFL) & ~O_NONBLOCK);
    result.emplace(std::move(s));
  }
  freeaddrinfo(found);
  return result;
}

}  // namespace

Listener::Listener(Reach reach)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  if (!socket_) fail("socket");
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(reach == Reach::network ? INADDR_ANY : INADDR_LOOPBACK);
  if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0)
    fail("bind");
  if (::listen(socket_.get(), 1024) != 0) fail("listen");
  socklen_t size = sizeof where;
  if (getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&where), &size) != 0)
    fail("getsockname");
  address_ = concat(ntohs(where.sin_port), " ", host_name());
  if (reach == Reach::network)
    for (const auto& a : own_addresses()) address_ += " " + a;
}

std::optional<Channel> Listener::accept() {
  Descriptor s(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!s && (errno == EMFILE || errno == ENFILE))
    throw Error(concat("accept: ", std::strerror(errno), "; raise the limit (ulimit -n)"));
  if (!s) return {};
  return Channel(std::move(s));
}

Channel connect_to(const std::string& address) {
  std::istringstream in(address);
  std::string port, host, other;
  in >> port >> host;
  std::vector<std::string> ways;
  if (host == host_name()) ways.emplace_back("127.0.0.1");
  ways.push_back(host);
  while (in >> other) ways.push_back(other);
  for (const auto& way : ways)
    if (auto channel = try_connect(way, port)) return std::move(*channel);
  throw Error(concat("cannot connect to the process that owns the pool at ", address,
                     "; are TCP connections between the nodes allowed?"));
}

WakeUp::WakeUp() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!event_) fail("eventfd");
}
void WakeUp::signal() noexcept {
  const std::uint64_t one = 1;
  (void)!::write(event_.get(), &one, sizeof one);
}
void WakeUp::clear() noexcept {
  std::uint64_t count = 0;
  (void)!::read(event_.get(), &count, sizeof count);
}

}  // namespace kronsolve::detail
