#include "exec/remote_pool.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/threads.hpp>

namespace kronsolve::detail {

namespace {

using std::chrono::milliseconds;

Clock::duration seconds_of(double s) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(s));
}

/// Workers of this job's batch allocation may be on other machines; otherwise nobody outside need
/// reach us.
Listener::Reach reach_of(const PoolOptions& options) {
  const char* nodes = std::getenv("SLURM_JOB_NUM_NODES");
  const bool several = nodes != nullptr && std::atoi(nodes) > 1;
  for (const char* name : {"PBS_NODEFILE", "LSB_HOSTS", "OMPI_MCA_orte_default_hostfile"})
    if (std::getenv(name) != nullptr) return Listener::Reach::network;
  return several || !options.launcher_arguments.empty() ? Listener::Reach::network
                                                        : Listener::Reach::this_machine;
}

std::string seconds_text(double s) {
  std::ostringstream out;
  out << s;
  return out.str();
}

}  // namespace

std::string RemotePool::Job::name() const {
  return spec.options.label.empty() ? concat("task ", id)
                                    : concat("task ", id, " '", spec.options.label, "'");
}
std::string RemotePool::Peer::name() const {
  return concat("worker ", index, " (", host, ", process ", pid, ")");
}

RemotePool::RemotePool(PoolOptions options)
    : options_(std::move(options)),
      own_workers_(true),
      workers_(options_.workers),
      token_(random_token()),
      listener_(reach_of(options_)) {
  if (options_.isolation == Isolation::pool) {
    slots_.resize(1);
    slots_[0].count = workers_;
  } else {
    slots_.resize(static_cast<std::size_t>(workers_));
    for (int i = 0; i < workers_; ++i) slots_[static_cast<std::size_t>(i)].first_index = i;
  }
}

RemotePool::RemotePool(int workers, Listener listener, std::string token)
    : own_workers_(false),
      workers_(workers),
      token_(std::move(token)),
      listener_(std::move(listener)) {
  options_.workers = workers;
  slots_.resize(1);
  slots_[0].count = workers;
}

RemotePool::~RemotePool() { shutdown(Waiting::wait, Pending::finish); }

// ---- called by anybody -------------------------------------------------------------------------

void RemotePool::check(const TaskSpec& spec) const {
  if (spec.ranks > workers_)
    throw InvalidArgument(concat("pool: a gang of ", spec.ranks,
                                 " ranks was asked for, the pool has ", workers_, " workers"));
  if (spec.ranks > 1 && options_.isolation == Isolation::worker)
    throw NotSupported(
        "pool: workers that are isolated from each other share no communicator; gangs need "
        "Isolation::pool");
  const auto& worker = spec.options.worker;
  if (worker && (*worker < 0 || *worker >= workers_))
    throw InvalidArgument(concat("pool: worker must be in [0, ", workers_ - 1, "], got ", *worker));
}

TaskPtr RemotePool::submit(TaskSpec spec) {
  check(spec);
  auto job = std::make_shared<Job>();
  job->state = std::make_shared<TaskState>(shared_from_this());
  job->spec = std::move(spec);
  auto state = job->state;
  enqueue(std::move(job));
  return state;
}

TaskPtr RemotePool::submit_after(const TaskPtr& before, TaskSpec spec) {
  check(spec);
  auto job = std::make_shared<Job>();
  job->state = std::make_shared<TaskState>(shared_from_this());
  job->spec = std::move(spec);
  {
    const std::lock_guard lock(mutex_);
    if (!broken_.empty()) throw BrokenPool(broken_);
    if (ended_) throw InvalidArgument("pool: it was shut down");
    ++continuations_;
  }
  before->when_over([this, self = shared_from_this(), before, job] {
    try {
      if (const auto error = before->error()) {
        job->state->fail(error);
      } else {
        Message arguments = before->result();
        job->spec.arguments = std::move(arguments.append(job->spec.arguments));
        enqueue(job);
      }
    } catch (...) {
      job->state->fail(std::current_exception());
    }
    {
      const std::lock_guard lock(mutex_);
      --continuations_;
    }
    wake_.signal();
  });
  return job->state;
}

void RemotePool::enqueue(JobPtr job) {
  {
    const std::lock_guard lock(mutex_);
    if (!broken_.empty()) throw BrokenPool(broken_);
    if (ended_) throw InvalidArgument("pool: it was shut down");
    incoming_.push_back(std::move(job));
    boot_requested_ = true;
    start_thread();
  }
  wake_.signal();
}

void RemotePool::start_thread() {
  if (thread_.joinable() || ended_) return;
  // Signals are for the program's own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void RemotePool::boot(Waiting waiting) {
  std::unique_lock lock(mutex_);
  if (!broken_.empty()) throw BrokenPool(broken_);
  boot_requested_ = true;
  start_thread();
  wake_.signal();
  if (waiting == Waiting::no_wait) return;
  changed_.wait(lock, [this] { return all_ready_ || !broken_.empty() || ended_; });
  if (!broken_.empty()) throw BrokenPool(broken_);
}

int RemotePool::num_workers() {
  {
    const std::lock_guard lock(mutex_);
    if (closing_ || !broken_.empty()) return 0;
  }
  try {
    boot(Waiting::wait);
  } catch (const BrokenPool&) {
    return 0;
  }
  return workers_;
}

void RemotePool::shutdown(Waiting waiting, Pending pending) {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    cancel_ = cancel_ || pending == Pending::cancel;
    // Ranks of the job wait for their goodbye even if no task ever came.
    if (!own_workers_) start_thread();
  }
  wake_.signal();
  if (waiting == Waiting::wait && thread_.joinable()) thread_.join();
}

// ---- the manager thread ------------------------------------------------------------------------

void RemotePool::run() {
  for (;;) {
    take_incoming();
    start_slots();
    dispatch();
    if (all_done()) break;
    wait_for_events();
    check_launchers();
    check_deadlines();
  }
  changed_.notify_all();
  say_goodbye();
}

void RemotePool::take_incoming() {
  std::deque<JobPtr> fresh;
  bool cancel = false;
  {
    const std::lock_guard lock(mutex_);
    fresh.swap(incoming_);
    cancel = std::exchange(cancel_, false);
  }
  for (auto& job : fresh) {
    job->id = next_job_++;
    ready_.push_back(std::move(job));
  }
  if (!cancel) return;
  for (const auto& job : std::exchange(ready_, {})) job->state->cancel();
}

void RemotePool::report(WorkerEvent::Kind kind, int worker, const std::string& text) {
  if (options_.on_event)
    options_.on_event({kind, worker, text});
  else if (kind != WorkerEvent::Kind::started)
    std::cerr << concat("kronsolve: ", text, "\n") << std::flush;
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
  request.ticket = {listener_.address(), token_, slot.world, options_.isolation == Isolation::pool};
  request.count = slot.count;
  request.threads = options_.threads;
  request.program = options_.program;
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

void RemotePool::dispatch() {
  for (auto i = ready_.begin(); i != ready_.end();) {
    if ((*i)->state->is_over()) {  // cancelled
      i = ready_.erase(i);
    } else if (try_dispatch(*i)) {
      i = ready_.erase(i);
    } else if ((*i)->spec.options.worker) {
      ++i;  // waits for its own worker; the others need not
    } else {
      break;  // in turn: a gang that waits for workers is not overtaken for ever
    }
  }
}

RemotePool::Peer* RemotePool::idle_peer(const Job& job) {
  Peer* best = nullptr;
  int best_distance = 0;
  for (Peer& peer : peers_) {
    if (!peer.idle()) continue;
    if (job.spec.options.worker) {
      if (peer.index == *job.spec.options.worker) return &peer;
      continue;
    }
    const int distance = (peer.index - idle_cursor_ + workers_) % workers_;
    if (best == nullptr || distance < best_distance) {
      best = &peer;
      best_distance = distance;
    }
  }
  return best;
}

bool RemotePool::try_dispatch(const JobPtr& job) {
  std::vector<Peer*> members;
  if (job->spec.ranks > 1) {
    for (Peer& peer : peers_)
      if (peer.idle()) members.push_back(&peer);
    if (static_cast<int>(members.size()) < job->spec.ranks) return false;
    std::sort(members.begin(), members.end(),
              [](const Peer* a, const Peer* b) { return a->index < b->index; });
    members.resize(static_cast<std::size_t>(job->spec.ranks));
  } else {
    Peer* peer = idle_peer(*job);
    if (peer == nullptr) return false;
    members.push_back(peer);
    idle_cursor_ = (peer->index + 1) % workers_;
  }
  if (job->state->start()) send_task(job, members);
  return true;
}

void RemotePool::send_task(const JobPtr& job, const std::vector<Peer*>& members) {
  TaskHead head{job->spec.code, job->spec.options.label, {}};
  if (job->spec.ranks > 0)
    for (const Peer* peer : members) head.gang.push_back(peer->index);
  job->members_left = static_cast<int>(members.size());
  job->first_member = members.front()->index;
  job->failure = {};
  job->result = {};
  job->overdue_is_straggler = false;
  job->deadline.reset();
  if (job->spec.options.timeout_seconds > 0)
    job->deadline = Clock::now() + seconds_of(job->spec.options.timeout_seconds);
  for (Peer* peer : members) {
    peer->job = job;
    Message body;
    pack(body, head);
    body.append(job->spec.arguments);
    peer->channel.queue({FrameType::task, job->id, std::move(body)});
  }
  // A write that fails means a death, which the next poll() reports: not to be dealt with while the
  // queue is walked.
  for (Peer* peer : members) (void)peer->channel.flush();
}

int RemotePool::poll_timeout() const {
  auto next = Clock::time_point::max();
  bool watch = !ending_.empty();
  for (const Slot& slot : slots_)
    watch = watch || (slot.state == Slot::State::starting && own_workers_);
  if (watch) next = Clock::now() + milliseconds(10);
  for (const Slot& slot : slots_)
    if (slot.state == Slot::State::starting) next = std::min(next, slot.deadline);
  for (const Peer& peer : peers_)
    if (peer.job && peer.job->deadline) next = std::min(next, *peer.job->deadline);
  if (next == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<milliseconds>(next - Clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, 60'000));
}

void RemotePool::wait_for_events() {
  std::vector<pollfd> watched = {{wake_.fd(), POLLIN, 0}, {listener_.fd(), POLLIN, 0}};
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
    if (who[i]->alive && (events & POLLOUT) != 0) (void)who[i]->channel.flush();
    if (who[i]->alive && (events & (POLLIN | POLLHUP | POLLERR)) != 0) read_peer(*who[i]);
  }
  if (watched[1].revents != 0) accept_peers();
  peers_.remove_if([](const Peer& peer) { return !peer.alive; });
}

void RemotePool::accept_peers() {
  while (auto channel = listener_.accept()) {
    Peer& peer = peers_.emplace_back();
    peer.channel = std::move(*channel);
    peer.channel.set_nonblocking();
  }
}

void RemotePool::read_peer(Peer& peer) {
  std::vector<Frame> frames;
  bool there = false;
  try {
    there = peer.channel.receive(frames);
  } catch (const Error&) {
  }
  for (Frame& frame : frames) {
    if (!peer.alive) return;
    try {
      handle(peer, frame);
    } catch (const std::exception&) {
      there = false;  // says nonsense
    }
  }
  if (!there && peer.alive) peer_gone(peer);
}

void RemotePool::handle(Peer& peer, Frame& frame) {
  if (peer.slot == nullptr) return greet(peer, frame);
  if (frame.type == FrameType::ready) return take_ready(peer, frame);
  if (frame.type == FrameType::result) return take_result(peer, frame);
  throw Error("unexpected frame");
}

void RemotePool::greet(Peer& peer, const Frame& frame) {
  if (frame.type != FrameType::hello) throw Error("no greeting");
  MessageReader reader(frame.body);
  const auto hello = unpack<Hello>(reader);
  const auto slot = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& s) {
    return s.state == Slot::State::starting && s.world == hello.world;
  });
  if (hello.token != token_ || slot == slots_.end()) throw Error("not one of ours");
  peer.channel.set_trusted();
  peer.pid = hello.pid;
  peer.host = hello.host;
  peer.index = slot->first_index + hello.rank;
  if (hello.digest != code_digest() || hello.size != slot->count) {
    peer.channel.queue({FrameType::refuse, 0, {}});
    (void)peer.channel.flush();
    peer.slot = &*slot;
    slot->members.push_back(&peer);
    return break_pool(
        hello.size != slot->count
            ? concat("the workers found themselves in a world of ", hello.size, " instead of ",
                     slot->count,
                     "; is the mpirun that starts them of the MPI library this program uses?")
            : concat(peer.name(),
                     " runs another build, or has other plugins loaded, than this process; start "
                     "the same program"));
  }
  peer.slot = &*slot;
  slot->members.push_back(&peer);
  Message body;
  pack(body,
       Welcome{peer.index, workers_, options_.initializer.code, options_.initializer.present});
  body.append(options_.initializer.arguments);
  peer.channel.queue({FrameType::welcome, 0, std::move(body)});
  (void)peer.channel.flush();
}

void RemotePool::take_ready(Peer& peer, const Frame& frame) {
  MessageReader reader(frame.body);
  const auto failure = unpack<Failure>(reader);
  if (failure)
    return break_pool(concat("the pool's initializer failed on ", peer.name(), ": ", failure.type,
                             ": ", failure.text));
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

void RemotePool::take_result(Peer& peer, const Frame& frame) {
  const JobPtr job = std::exchange(peer.job, nullptr);
  if (peer.lost) {  // it came back after its task had been given up
    peer.lost = false;
    --lost_;
    return;
  }
  if (!job || job->id != frame.id) throw Error("a result that nobody asked for");
  failures_in_a_row_ = 0;
  MessageReader reader(frame.body);
  auto failure = unpack<Failure>(reader);
  if (failure && !job->failure) {
    job->failure = std::move(failure);
    job->failed_worker = peer.index;
    job->failed_host = peer.host;
    if (job->members_left > 1) {
      // The others may be in a collective that this one will never join.
      job->deadline = Clock::now() + seconds_of(options_.straggler_seconds);
      job->overdue_is_straggler = true;
    }
  } else if (!failure && peer.index == job->first_member) {
    job->result.stream = frame.body.stream.substr(reader.stream_at);
    job->result.blocks = frame.body.blocks;
    job->result.owners = frame.body.owners;
  }
  if (--job->members_left == 0) finish_job(job);
}

void RemotePool::finish_job(const JobPtr& job) {
  job->spec.arguments = {};
  if (job->failure)
    job->state->fail(job->failure.rebuilt(job->failed_worker, job->failed_host));
  else
    job->state->finish(std::move(job->result));
}

// ---- deaths ------------------------------------------------------------------------------------

void RemotePool::peer_gone(Peer& peer) {
  peer.alive = false;
  peer.channel.close();
  if (peer.slot == nullptr || peer.closing) return;
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
  std::string how = "its connection broke";
  if (!slot.members.empty() && slot.launcher > 0 && options_.isolation == Isolation::worker)
    for (int tries = 0; tries < 50; ++tries) {
      if (const auto ended = how_it_ended(slot.launcher)) {
        how = *ended;
        slot.launcher = -1;
        break;
      }
      std::this_thread::sleep_for(milliseconds(1));
    }
  const std::string text = concat(peer.name(), " died: ", how,
                                  peer.job ? " while it ran " + peer.job->name() : std::string());
  if (!own_workers_) {
    // mpirun ends the other ranks too, or (srun) never will: there is no job without this rank.
    std::cerr << concat("kronsolve: ", text,
                        "; a job under mpirun or srun ends with its first dead rank\n")
              << std::flush;
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
      (void)peer->channel.flush();
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
    ending_.push_back({slot.launcher, Clock::now() + milliseconds(2500), Ending::Step::left_alone});
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

void RemotePool::retry_or_fail(const JobPtr& job, const Peer& peer, const std::string& why,
                               bool timed_out) {
  if (job->failure) return finish_job(job);  // a member of the gang had thrown before
  ++job->attempts;
  if (job->attempts <= job->spec.options.retries) {
    job->state->requeue();
    ready_.push_front(job);
    return;
  }
  const std::string tries =
      job->attempts == 1 ? std::string() : concat(" in each of ", job->attempts, " attempts");
  if (timed_out)
    job->state->fail(std::make_exception_ptr(TaskTimeout(
        concat(job->name(), " was not done after ", seconds_text(job->spec.options.timeout_seconds),
               " s", tries, "; its worker was ended"))));
  else
    job->state->fail(std::make_exception_ptr(
        WorkerDied(concat(job->name(), " lost its worker", tries, "; last: ", why), peer.index,
                   peer.host, peer.pid)));
}

std::vector<RemotePool::Peer*> RemotePool::peers_of(const JobPtr& job) {
  std::vector<Peer*> all;
  for (Peer& peer : peers_)
    if (peer.alive && peer.job == job) all.push_back(&peer);
  return all;
}

void RemotePool::check_deadlines() {
  const auto now = Clock::now();
  for (Slot& slot : slots_)
    if (slot.state == Slot::State::starting && now >= slot.deadline) {
      stop_slot(slot);
      break_pool(concat("workers did not come up within ", seconds_text(options_.spawn_seconds),
                        " s (",
                        "spawn_seconds); was the program's Session made at the start of main?"));
    }
  std::vector<JobPtr> overdue;
  for (const Peer& peer : peers_)
    if (peer.alive && !peer.lost && peer.job && peer.job->deadline && now >= *peer.job->deadline &&
        std::find(overdue.begin(), overdue.end(), peer.job) == overdue.end())
      overdue.push_back(peer.job);
  for (const auto& job : overdue) {
    const auto members = peers_of(job);
    if (members.empty() || members.front()->slot == nullptr) continue;
    Peer& peer = *members.front();
    const std::string why =
        job->overdue_is_straggler
            ? concat(job->name(), " failed on one rank and did not end on ", peer.name())
            : concat(peer.name(), " was ended: ", job->name(), " was not done after ",
                     seconds_text(job->spec.options.timeout_seconds), " s");
    if (own_workers_) {
      report(WorkerEvent::Kind::timed_out, peer.index, why);
      end_slot(*peer.slot, {job}, why, true);
      continue;
    }
    // A rank of the job cannot be replaced: its task is given up, and it is not used until it comes
    // back.
    for (Peer* member : members) {
      member->lost = true;
      ++lost_;
    }
    job->deadline.reset();
    if (job->failure)
      finish_job(job);
    else
      job->state->fail(std::make_exception_ptr(TaskTimeout(
          concat(job->name(), " was not done after ",
                 seconds_text(job->spec.options.timeout_seconds), " s on ", peer.name()))));
    if (lost_ == workers_) break_pool("every worker is stuck in a task that was given up");
  }
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
                    slot.count, " processes here?"),
             false);
  }
  const auto now = Clock::now();
  std::erase_if(ending_, [&](Ending& e) {
    if (how_it_ended(e.pid)) return true;
    if (now < e.next || e.step == Ending::Step::killed) return false;
    const bool asked = e.step == Ending::Step::asked;
    ::kill(asked ? -e.pid : e.pid, asked ? SIGKILL : SIGTERM);
    e.step = asked ? Ending::Step::killed : Ending::Step::asked;
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

// ---- the end -----------------------------------------------------------------------------------

bool RemotePool::all_done() {
  const std::lock_guard lock(mutex_);
  if (!closing_ || !incoming_.empty() || !ready_.empty() || continuations_ > 0) return false;
  ended_ = std::none_of(peers_.begin(), peers_.end(),
                        [](const Peer& p) { return p.alive && p.job && !p.lost; });
  return ended_;
}

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
    (void)peer.channel.flush();
  }
  // With the ranks of a job this process meets again in MPI's own end.
  if (!own_workers_) return;
  const auto running = [this] {
    return !ending_.empty() ||
           std::any_of(slots_.begin(), slots_.end(), [](const Slot& s) { return s.launcher > 0; });
  };
  for (Slot& slot : slots_)
    if (slot.launcher > 0)
      ending_.push_back({std::exchange(slot.launcher, -1), deadline, Ending::Step::left_alone});
  while (running()) {
    wait_for_events();
    check_launchers();
  }
}

}  // namespace kronsolve::detail
