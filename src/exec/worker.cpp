#include "exec/worker.hpp"

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <future>
#include <iostream>
#include <mutex>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <kronsolve/core/file.hpp>
#include <kronsolve/core/version.hpp>
#include <kronsolve/exec/backend.hpp>
#include <kronsolve/exec/this_worker.hpp>

#include "exec/handshake.hpp"

namespace kronsolve::detail {

/// A worker's connection to the owner of its pool. A thread watches it, so that the end of the owner
/// ends this process at once, whatever it is doing.
class OwnerConnection {
 public:
  explicit OwnerConnection(Channel channel) : channel_(std::move(channel)) {
    std::thread([this, left = left_watch_] {
      watch();
      left->set_value();
    }).detach();
  }
  /// Ends the watch after a goodbye, for a process that goes on without the pool.
  ~OwnerConnection() {
    closing_ = true;
    {
      const std::lock_guard lock(parting_);
      parted_ = true;
    }
    part_.notify_all();
    channel_.shut();
    left_watch_->get_future().wait();
  }
  OwnerConnection(const OwnerConnection&) = delete;
  OwnerConnection& operator=(const OwnerConnection&) = delete;

  /// What does not arrive is seen by next(), which finds the end.
  void send(Frame frame) { channel_.send(std::move(frame)); }
  /// Sends a result and keeps its arrays while the pool may still read them.
  void send_result(Frame frame) {
    if (channel_.sends_addresses()) sent_ = frame.body.owners;
    send(std::move(frame));
  }
  void forget_result() { sent_.clear(); }
  /// Known once a welcome has come.
  bool reads_memory() const noexcept { return reads_memory_; }
  /// Waits for what the pool says next; ends the process if the pool ends first.
  Frame next() {
    const std::lock_guard lock(reading_);
    if (left_.empty()) {
      auto frame = read();
      if (!frame) ::_exit(1);
      return std::move(*frame);
    }
    Frame frame = std::move(left_.front());
    left_.pop_front();
    return frame;
  }
  void close_gracefully() noexcept { closing_ = true; }
  /// In a process that a task has forked off: while that held the connection too, this worker's
  /// death would not be seen. The number stays taken.
  void let_go() const noexcept {
    const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0) return;
    ::dup3(nothing, channel_.fd(), O_CLOEXEC);
    ::close(nothing);
  }
  bool closing() const noexcept { return closing_; }

 private:
  void agree_on_memory(const Frame& frame) {
    MessageReader reader(frame.body);
    const auto welcome = unpack<Welcome>(reader);
    auto window = MemoryWindow::open(welcome.memory);
    reads_memory_ = window != nullptr;
    channel_.read_directly(std::move(window), Channel::Reading::when_decoded);
    channel_.send_addresses(welcome.reads_your_memory);
  }

  /// What comes next, or nothing at the end.
  /// @pre reading_ is held
  std::optional<Frame> read() {
    try {
      auto frame = channel_.wait_frame();
      if (!frame) return {};
      if (frame->type == FrameType::welcome) agree_on_memory(*frame);
      if (frame->type == FrameType::die) ::_exit(9);
      if (frame->type == FrameType::bye) closing_ = true;
      return frame;
    } catch (const std::exception&) {
      ::_exit(1);  // says nonsense
    }
  }

  /// Sleeps until the other side closes its socket; what it sends wakes only next().
  void watch() {
    pollfd end{channel_.fd(), POLLRDHUP, 0};
    while (::poll(&end, 1, -1) < 0)
      if (errno != EINTR) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    {
      // Its last words may be unread: a goodbye while a task runs.
      const std::lock_guard lock(reading_);
      while (auto frame = read()) left_.push_back(std::move(*frame));
    }
    // Nothing a task could still do would be seen by anybody. A process that is on its way out gets
    // time for it: MPI's end takes long on a crowded machine, and leaving before it would fail the
    // job.
    if (closing_) {
      std::unique_lock lock(parting_);
      if (part_.wait_for(lock, std::chrono::seconds(120), [this] { return parted_; })) return;
    }
    remove_unfinished_files();
    ::_exit(1);
  }

  Channel channel_;
  std::vector<std::shared_ptr<const void>> sent_;
  bool reads_memory_ = false;
  std::atomic<bool> closing_{false};
  std::mutex reading_;
  std::deque<Frame> left_;  // read after the other side had closed
  std::mutex parting_;
  std::condition_variable part_;
  bool parted_ = false;
  std::shared_ptr<std::promise<void>> left_watch_ = std::make_shared<std::promise<void>>();
};

namespace {

std::atomic<OwnerConnection*> serving{nullptr};

/// A task that calls exit() must not take MPI's end with it, which would wait for workers that
/// never come.
void leave_at_once_unless_closing(int status, void*) {
  const OwnerConnection* owner = serving;
  if (owner != nullptr && !owner->closing()) {
    std::cout.flush();
    std::fflush(nullptr);
    ::_exit(status == 0 ? 1 : status);
  }
}

void let_go_after_fork() {
  if (const OwnerConnection* owner = serving) owner->let_go();
}

Frame frame_of(FrameType type, std::uint64_t id, Message body) {
  return {type, id, std::move(body)};
}

void run_one(OwnerConnection& owner, Frame& frame, WorkerContext& context) {
  MessageReader reader(frame.body);
  Outcome outcome;
  try {
    const auto head = unpack<TaskHead>(reader);
    const Comm alone;
    Comm gang;
    if (head.gang.size() > 1) gang = context.comm->group(head.gang);
    context.report = {};
    if (head.reports)
      context.report = [&owner, id = frame.id](Message m) {
        owner.send(frame_of(FrameType::report, id, std::move(m)));
      };
    const WorkerScope scope(context);
    outcome = run_task(head.code, reader,
                       head.gang.size() > 1    ? &gang
                       : head.gang.size() == 1 ? &alone
                                               : nullptr);
    if (head.gang.size() > 1 && gang.rank() != 0) outcome.result = {};  // the first one's counts
  } catch (...) {
    outcome.failure = Failure::current();
  }
  std::cout.flush();
  Message reply;
  try {
    pack(reply, outcome.failure);
    reply.append(outcome.result);
  } catch (const std::bad_alloc&) {  // a result of many small values is copied once
    reply = {};
    pack(reply, Failure::current());
  }
  outcome.result = {};
  // Where it arrives nowhere, next() finds a goodbye, or the end.
  owner.send_result(frame_of(FrameType::result, frame.id, std::move(reply)));
}

}  // namespace

std::string program_description() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  return concat(error ? std::string("?") : path.string(), " (kronsolve ", version(), ", ",
                code_count(), " callables)");
}

namespace {

/// Connects to the owner of the pool. One that many talk to may drop a connection before it has
/// listened to it.
Channel connect_to_owner(const WorkerTicket& ticket) {
  const Secret secret = Secret::parse(ticket.secret);
  std::string port, host;
  std::istringstream(ticket.address) >> port >> host;
  for (int tries = 0; tries < 100; ++tries) {
    if (tries > 0) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    std::optional<Channel> channel;
    try {
      channel = connect_to(ticket.address);
    } catch (const Error&) {
      // On its own machine nothing can be in the way: the owner of the pool has ended meanwhile,
      // and nobody is there to be told.
      if (host == host_name()) ::_exit(1);
      throw;
    }
    if (greet_owner(*channel, secret)) return std::move(*channel);
  }
  throw Error("the owner of the pool at " + ticket.address + " drops every connection");
}

}  // namespace

PoolConnection::PoolConnection(const WorkerTicket& ticket)
    : ticket_(ticket), owner_(new OwnerConnection(connect_to_owner(ticket))) {}

void PoolConnection::leave() {
  serving = nullptr;
  delete std::exchange(owner_, nullptr);
}

void PoolConnection::serve(const Comm* world, int rank, int size) {
  serving = owner_;
  static const int registered = on_exit(leave_at_once_unless_closing, nullptr) |
                                ::pthread_atfork(nullptr, nullptr, let_go_after_fork);
  (void)registered;
  const Hello hello{
      host_name(),   ticket_.world,         rank,        size, static_cast<long>(::getpid()),
      code_digest(), program_description(), own_memory()};
  owner_->send(frame_of(FrameType::hello, 0, packed(hello)));

  WorkerContext context;
  for (;;) {
    Frame frame = owner_->next();
    MessageReader reader(frame.body);
    switch (frame.type) {
      case FrameType::welcome: {
        const auto welcome = unpack<Welcome>(reader);
        context.rank = welcome.index;
        context.size = welcome.workers;
        context.comm = world;
        Ready answer;
        answer.reads_your_memory = owner_->reads_memory();
        if (welcome.has_initializer)
          answer.failure = run_initializer(welcome.initializer, reader, context);
        owner_->send(frame_of(FrameType::ready, 0, packed(answer)));
        break;
      }
      case FrameType::task:
        run_one(*owner_, frame, context);
        break;
      case FrameType::taken:
        owner_->forget_result();
        break;
      case FrameType::refuse:
      case FrameType::bye:
        owner_->close_gracefully();
        return;
      default:
        break;
    }
  }
}

}  // namespace kronsolve::detail
