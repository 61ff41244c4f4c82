// The pool's workers: started, greeted, listened to, replaced when they die, sent home at the end.

#include <algorithm>
#include <cstdlib>

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/warning.hpp>

#include "core/counted.hpp"
#include "exec/remote_pool.hpp"

namespace kronsolve::detail {

using std::chrono::milliseconds;

std::string RemotePool::Peer::name() const {
  return concat("worker ", index, " (", host, ", process ", pid, ")");
}

void RemotePool::report(WorkerEvent::Kind kind, int worker, const std::string& text) {
  if (options_.on_event)
    call_back(options_.on_event, WorkerEvent{kind, worker, text});
  else if (kind != WorkerEvent::Kind::started)
    warn(text);
}

void RemotePool::start_slots() {
  {
    const std::lock_guard lock(mutex_);
    const bool needed = !closing_ || !ready_.empty() || continuations_ > 0;
    if (!boot_requested_ || !broken_.empty() || !needed) return;
  }
  for (Slot& slot : slots_)
    if (slot.state == Slot::State::empty) start_slot(slot);
}

void RemotePool::start_slot(Slot& slot) {
  slot.members.clear();
  slot.world = own_workers_ ? next_world_++ : 0;
  slot.state = Slot::State::starting;
  slot.deadline = Clock::now() + seconds_of(options_.spawn_seconds);
  if (!own_workers_) return;
  LaunchRequest request;
  request.ticket = {listener_.address(), secret_.text(), slot.world,
                    options_.isolation == Isolation::pool};
  request.count = slot.count;
  request.threads = options_.threads;
  request.program = options_.program;
  request.program_arguments = options_.program_arguments;
  request.working_directory = options_.working_directory;
  request.environment = options_.environment;
  request.launcher_arguments = options_.launcher_arguments;
  try {
    slot.launcher = launch(request);
  } catch (const Error& e) {
    slot.state = Slot::State::empty;
    break_pool(e.what());
  }
}

// ---- connections --------------------------------------------------------------------------------

int RemotePool::poll_timeout() const {
  auto next = Clock::time_point::max();
  bool watch = !to_end_.empty();
  for (const Slot& slot : slots_)
    watch = watch || (slot.state == Slot::State::starting && own_workers_);
  if (watch) next = Clock::now() + milliseconds(10);
  for (const Slot& slot : slots_)
    if (slot.state == Slot::State::starting) next = std::min(next, slot.deadline);
  for (const Peer& peer : peers_)
    if (!peer.known)
      next = std::min(next, peer.came + handshake_limit);
    else if (peer.job && peer.job->deadline)
      next = std::min(next, *peer.job->deadline);
  if (lost_ > 0)
    for (const auto& job : ready_)
      if (job->patience) next = std::min(next, *job->patience);
  if (next == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<milliseconds>(next - Clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, 60'000));
}

void RemotePool::wait_for_events() {
  const bool awaited = std::any_of(slots_.begin(), slots_.end(),
                                   [](const Slot& s) { return s.state == Slot::State::starting; });
  std::vector<pollfd> watched = {{wake_.fd(), POLLIN, 0},
                                 {awaited ? listener_.fd() : -1, POLLIN, 0}};
  std::vector<Peer*> who;
  for (Peer& peer : peers_) {
    if (!peer.alive) continue;
    watched.push_back({peer.channel.fd(),
                       static_cast<short>(peer.channel.has_output() ? POLLIN | POLLOUT : POLLIN),
                       0});
    who.push_back(&peer);
  }
  if (::poll(watched.data(), watched.size(), poll_timeout()) < 0) return;
  if (watched[0].revents != 0) wake_.clear();
  for (std::size_t i = 0; i < who.size(); ++i) {
    const short events = watched[i + 2].revents;
    if (who[i]->alive && (events & POLLOUT) != 0) who[i]->channel.flush();
    if (who[i]->alive && (events & (POLLIN | POLLHUP | POLLERR)) != 0) read_peer(*who[i]);
  }
  if (watched[1].revents != 0) accept_peers();
  peers_.remove_if([](const Peer& peer) { return !peer.alive; });
}

void RemotePool::accept_peers() {
  // Not all at once: those that have something to say are heard in between.
  constexpr int most_at_once = 32;
  const std::ptrdiff_t most_strangers = 64 + workers_;
  for (int i = 0; i < most_at_once; ++i) {
    std::optional<Channel> channel;
    try {
      channel = listener_.accept();
    } catch (const Error& e) {
      // Those that are there may be our workers, which the limit keeps out; more than we wait for are not.
      if (strangers() > awaited_workers() && drop_stranger(Clock::time_point::max())) continue;
      return break_pool(concat("a worker cannot be connected: ", e.what()));
    }
    if (!channel) return;
    Peer& peer = peers_.emplace_back();
    peer.channel = std::move(*channel);
    peer.channel.set_nonblocking();
    read_peer(peer);
    if (strangers() > most_strangers) drop_stranger(Clock::time_point::max());
  }
}

std::ptrdiff_t RemotePool::strangers() const {
  return std::count_if(peers_.begin(), peers_.end(),
                       [](const Peer& p) { return p.alive && !p.known; });
}

std::ptrdiff_t RemotePool::awaited_workers() const {
  std::ptrdiff_t count = 0;
  for (const Slot& slot : slots_)
    if (slot.state == Slot::State::starting) count += slot.count - std::ssize(slot.members);
  return count;
}

/// Closes the oldest connection that came before `limit` and has not proved to be of a worker, one
/// that has said nothing before one that has. False if there is none.
bool RemotePool::drop_stranger(Clock::time_point limit) {
  Peer* oldest = nullptr;
  for (Peer& peer : peers_)
    if (peer.alive && !peer.known && peer.came < limit &&
        (oldest == nullptr || (oldest->handshake.greeted() && !peer.handshake.greeted())))
      oldest = &peer;
  if (oldest == nullptr) return false;
  peer_gone(*oldest);
  return true;
}

void RemotePool::shake_hands(Peer& peer, const Frame& frame) {
  if (!peer.handshake.greeted()) {
    peer.channel.queue(peer.handshake.answer(secret_, frame));
    return peer.channel.flush();
  }
  if (!peer.handshake.accepts(secret_, frame)) throw Error("not one of ours");
  peer.channel.set_trusted();
  peer.known = true;
}

void RemotePool::read_peer(Peer& peer) {
  bool there = false;
  do {
    std::vector<Frame> frames;
    try {
      there = peer.channel.receive(frames);
    } catch (const std::bad_alloc&) {
      peer.trouble = "what it sent does not fit into the memory of this process";
      there = false;
    } catch (const std::exception&) {
      there = false;
    }
    for (Frame& frame : frames) {
      if (!peer.alive) return;
      try {
        handle(peer, frame);
      } catch (const std::exception&) {
        there = false;  // says nonsense
      }
    }
  } while (there && peer.alive && peer.channel.has_unread());
  if (!there && peer.alive) peer_gone(peer);
}

void RemotePool::handle(Peer& peer, Frame& frame) {
  if (!peer.known) return shake_hands(peer, frame);
  if (peer.slot == nullptr) return greet(peer, frame);
  if (frame.type == FrameType::ready) return take_ready(peer, frame);
  if (frame.type == FrameType::report) {
    if (!peer.lost && peer.job && peer.job->id == frame.id)
      call_back(peer.job->spec.options.on_report, MessageReader(frame.body));
    return;
  }
  if (frame.type == FrameType::result) {
    if (!frame.body.blocks.empty()) {
      peer.channel.queue({FrameType::taken, 0, {}});
      peer.channel.flush();
    }
    return take_result(peer, frame);
  }
  throw Error("unexpected frame");
}

void RemotePool::greet(Peer& peer, const Frame& frame) {
  if (frame.type != FrameType::hello) throw Error("no greeting");
  MessageReader reader(frame.body);
  const auto hello = unpack<Hello>(reader);
  const auto slot = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& s) {
    return s.state == Slot::State::starting && s.world == hello.world;
  });
  if (slot == slots_.end()) throw Error("not of a start that is awaited");
  peer.pid = hello.pid;
  peer.host = hello.host;
  peer.index = slot->first_index + hello.rank;
  if (hello.digest != digest_ || hello.size != slot->count) {
    peer.channel.queue({FrameType::refuse, 0, {}});
    peer.channel.flush();
    peer.slot = &*slot;
    slot->members.push_back(&peer);
    return break_pool(
        hello.size != slot->count
            ? concat("the workers found themselves in a world of ", hello.size, " instead of ",
                     slot->count,
                     "; is the mpirun that starts them of the MPI library this program uses?")
            : concat(peer.name(), " runs another build, or has other plugins loaded: it is ",
                     hello.program, ", this process ", description_,
                     "; start the same program with the same plugins"));
  }
  peer.slot = &*slot;
  slot->members.push_back(&peer);
  auto window = MemoryWindow::open(hello.memory);
  Message body;
  pack(body, Welcome{peer.index, workers_, options_.initializer.code, options_.initializer.present,
                     own_memory(), window != nullptr});
  peer.channel.read_directly(std::move(window), Channel::Reading::at_once);
  body.append(options_.initializer.arguments);
  peer.channel.queue({FrameType::welcome, 0, std::move(body)});
  peer.channel.flush();
}

void RemotePool::take_ready(Peer& peer, const Frame& frame) {
  MessageReader reader(frame.body);
  const auto answer = unpack<Ready>(reader);
  if (answer.failure)
    return break_pool(concat("the pool's initializer failed on ", peer.name(), ": ",
                             answer.failure.type, ": ", answer.failure.text));
  peer.channel.send_addresses(answer.reads_your_memory);
  peer.ready = true;
  Slot& slot = *peer.slot;
  const bool complete =
      static_cast<int>(slot.members.size()) == slot.count &&
      std::all_of(slot.members.begin(), slot.members.end(), [](const Peer* p) { return p->ready; });
  if (!complete) return;
  slot.state = Slot::State::alive;
  report(WorkerEvent::Kind::started, peer.index, concat(peer.name(), " is ready"));
  if (std::all_of(slots_.begin(), slots_.end(),
                  [](const Slot& s) { return s.state == Slot::State::alive; })) {
    ever_ready_ = true;
    {
      const std::lock_guard lock(mutex_);
      all_ready_ = true;
    }
    changed_.notify_all();
  }
}

// ---- deaths -------------------------------------------------------------------------------------

void RemotePool::peer_gone(Peer& peer) {
  peer.alive = false;
  peer.channel.close();
  if (peer.slot == nullptr || peer.closing) return;
  if (!peer.trouble.empty() && peer.job && !peer.job->failure) {  // another attempt would not help
    peer.job->failure = {Failure::Kind::memory, 0, {}, {}, "std::bad_alloc"};
    peer.job->failed_worker = peer.index;
    peer.job->failed_host = peer.host;
  }
  Slot& slot = *peer.slot;
  // What the others of its world have already sent counts; who is gone with it may be the one to
  // blame as well.
  std::vector<JobPtr> guilty;
  if (peer.job) guilty.push_back(peer.job);
  for (Peer* other : slot.members) {
    if (other == &peer || !other->alive) continue;
    std::vector<Frame> frames;
    bool there = false;
    try {
      there = other->channel.receive(frames);
      for (Frame& frame : frames)
        if (frame.type == FrameType::result) take_result(*other, frame);
    } catch (const std::exception&) {
    }
    if (!there && other->job) guilty.push_back(other->job);
  }
  std::string how = peer.trouble.empty() ? "its connection broke" : peer.trouble;
  if (peer.trouble.empty() && !slot.members.empty() && slot.launcher > 0 &&
      options_.isolation == Isolation::worker)
    for (int tries = 0; tries < 50; ++tries) {
      if (const auto ended = how_it_ended(slot.launcher)) {
        how = *ended;
        slot.launcher = -1;
        break;
      }
      std::this_thread::sleep_for(milliseconds(1));
    }
  const std::string text =
      concat(peer.name(), peer.trouble.empty() ? " died: " : " was ended: ", how,
             peer.job ? " while it ran " + peer.job->name() : std::string());
  if (!own_workers_) {
    // mpirun ends the other ranks too, or (srun) never will: there is no job without this rank.
    warn(text + "; a job under mpirun or srun ends with its first dead rank");
    Environment::abort(1);
  }
  report(WorkerEvent::Kind::died, peer.index, text);
  end_slot(slot, guilty, text, false);
}

std::vector<RemotePool::JobPtr> RemotePool::stop_slot(Slot& slot) {
  std::vector<JobPtr> unfinished;
  for (Peer* peer : slot.members) {
    if (peer->job && std::find(unfinished.begin(), unfinished.end(), peer->job) == unfinished.end())
      unfinished.push_back(peer->job);
    peer->job = nullptr;
    if (peer->alive) {
      peer->channel.queue({FrameType::die, 0, {}});
      peer->channel.flush();
      peer->alive = false;
      if (peer->host == host_name() && peer->pid > 0)
        ::kill(static_cast<pid_t>(peer->pid), SIGKILL);
    }
    peer->channel.close();
    peer->slot = nullptr;
  }
  slot.members.clear();
  slot.state = Slot::State::empty;
  if (slot.launcher > 0) {
    // mpirun ends by itself when its processes are gone, and badly if it is disturbed while it
    // does.
    to_end_.push_back(
        {slot.launcher, Clock::now() + milliseconds(2500), ProcessToEnd::Step::left_alone});
    slot.launcher = -1;
  }
  return unfinished;
}

void RemotePool::end_slot(Slot& slot, const std::vector<JobPtr>& guilty, const std::string& why,
                          bool timed_out) {
  Peer culprit;
  for (const Peer* peer : slot.members)
    if (peer->job && std::find(guilty.begin(), guilty.end(), peer->job) != guilty.end() &&
        (!peer->alive || timed_out)) {
      culprit.index = peer->index;
      culprit.host = peer->host;
      culprit.pid = peer->pid;
      break;
    }
  const bool was_starting = slot.state == Slot::State::starting;
  const auto unfinished = stop_slot(slot);
  // In reverse, so that they stand at the front of the queue in the order they had.
  for (auto i = unfinished.rbegin(); i != unfinished.rend(); ++i) {
    if (std::find(guilty.begin(), guilty.end(), *i) != guilty.end()) {
      retry_or_fail(*i, culprit, why, timed_out);
    } else {
      (*i)->state->requeue();
      ready_.push_front(*i);
    }
  }
  // A start that fails once in a while is tried again; one that never worked, or works no more, is
  // not.
  if (guilty.empty() && !timed_out &&
      (++failures_in_a_row_ > 2 * workers_ + 1 || (was_starting && !ever_ready_)))
    break_pool(concat(why, "; workers cannot be kept running"));
}

void RemotePool::check_launchers() {
  for (Slot& slot : slots_) {
    if (slot.state != Slot::State::starting || slot.launcher <= 0) continue;
    const auto ended = how_it_ended(slot.launcher);
    if (!ended) continue;
    slot.launcher = -1;
    end_slot(slot, {},
             concat("workers ended before they were ready: ", *ended,
                    "; does the program make a Session at the start of main, and can mpirun start ",
                    detail::counted(slot.count, "process"), " here?"),
             false);
  }
  const auto now = Clock::now();
  std::erase_if(to_end_, [&](ProcessToEnd& e) {
    if (how_it_ended(e.pid)) return true;
    if (now < e.next || e.step == ProcessToEnd::Step::killed) return false;
    const bool asked = e.step == ProcessToEnd::Step::asked;
    ::kill(asked ? -e.pid : e.pid, asked ? SIGKILL : SIGTERM);
    e.step = asked ? ProcessToEnd::Step::killed : ProcessToEnd::Step::asked;
    e.next = now + milliseconds(2500);
    return false;
  });
}

void RemotePool::break_pool(const std::string& text) {
  {
    const std::lock_guard lock(mutex_);
    if (!broken_.empty()) return;
    broken_ = text;
    ready_.insert(ready_.end(), incoming_.begin(), incoming_.end());
    incoming_.clear();
  }
  std::vector<JobPtr> lost(ready_.begin(), ready_.end());
  ready_.clear();
  for (Slot& slot : slots_)
    if (own_workers_)
      for (auto& job : stop_slot(slot)) lost.push_back(std::move(job));
  for (const auto& job : lost) job->state->fail(std::make_exception_ptr(BrokenPool(text)));
  changed_.notify_all();
}

// ---- the end ------------------------------------------------------------------------------------

void RemotePool::say_goodbye() {
  const auto deadline = Clock::now() + std::chrono::seconds(10);
  // Ranks of the job may still be on their way to their greeting.
  if (!own_workers_ && slots_[0].state == Slot::State::empty) start_slot(slots_[0]);
  const auto missing = [this] {
    return !own_workers_ && slots_[0].state == Slot::State::starting &&
           Clock::now() < slots_[0].deadline;
  };
  while (missing()) wait_for_events();
  for (Slot& slot : slots_)
    if (own_workers_ && slot.state == Slot::State::starting) stop_slot(slot);
  for (Peer& peer : peers_) {
    if (!peer.alive || peer.slot == nullptr || peer.lost) continue;
    peer.closing = true;
    peer.channel.queue({FrameType::bye, 0, {}});
    peer.channel.flush();
  }
  // With the ranks of a job this process meets again in MPI's own end.
  if (!own_workers_) return;
  const auto running = [this] {
    return !to_end_.empty() ||
           std::any_of(slots_.begin(), slots_.end(), [](const Slot& s) { return s.launcher > 0; });
  };
  for (Slot& slot : slots_)
    if (slot.launcher > 0)
      to_end_.push_back(
          {std::exchange(slot.launcher, -1), deadline, ProcessToEnd::Step::left_alone});
  while (running()) {
    wait_for_events();
    check_launchers();
  }
}

}  // namespace kronsolve::detail
