// The pool's tasks: taken in, sent to idle workers, finished, tried again. What happens to the
// workers themselves is in remote_workers.cpp.

#include "exec/remote_pool.hpp"

#include <algorithm>
#include <cstdlib>
#include <system_error>

#include <signal.h>

#include "core/binding.hpp"

namespace kronsolve::detail {

namespace {

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

thread_local const RemotePool* managed_here = nullptr;

}  // namespace

bool RemotePool::is_own_thread() const noexcept { return managed_here == this; }

std::string RemotePool::Job::name() const {
  return spec.options.label.empty() ? concat("task ", id)
                                    : concat("task ", id, " '", spec.options.label, "'");
}

RemotePool::RemotePool(PoolOptions options)
    : Backend(options.workers),
      options_(std::move(options)),
      own_workers_(true),
      secret_(Secret::random()),
      listener_(reach_of(options_)) {
  if (options_.isolation == Isolation::pool) {
    slots_.resize(1);
    slots_[0].count = workers_;
  } else {
    slots_.resize(static_cast<std::size_t>(workers_));
    for (int i = 0; i < workers_; ++i) slots_[static_cast<std::size_t>(i)].first_index = i;
  }
}

RemotePool::RemotePool(int workers, Listener listener, const Secret& secret)
    : Backend(workers), own_workers_(false), secret_(secret), listener_(std::move(listener)) {
  options_.workers = workers;
  slots_.resize(1);
  slots_[0].count = workers;
}

RemotePool::~RemotePool() { shutdown(Waiting::wait, Pending::finish); }

// ---- called by anybody --------------------------------------------------------------------------

RemotePool::JobPtr RemotePool::make_job(TaskPtr task, TaskSpec spec) {
  auto job = std::make_shared<Job>();
  job->state = std::move(task);
  job->spec = std::move(spec);
  return job;
}

TaskPtr RemotePool::submit_checked(TaskSpec spec) {
  if (spec.ranks > 1 && !has_gangs())
    throw NotSupported(
        "pool: workers that are isolated from each other share no communicator; gangs need "
        "Isolation::pool");
  auto task = std::make_shared<TaskState>(shared_from_this());
  enqueue(make_job(task, std::move(spec)));
  return task;
}

TaskPtr RemotePool::submit_after_checked(const TaskPtr& before, TaskSpec spec) {
  {
    const std::lock_guard lock(mutex_);
    if (!broken_.empty()) throw BrokenPool(broken_);
    if (ended_) throw InvalidArgument("pool: it was shut down");
    ++continuations_;
  }
  return queue_after(
      before, std::move(spec),
      [this](TaskPtr task, TaskSpec s) { enqueue(make_job(std::move(task), std::move(s))); },
      [this] {
        {
          const std::lock_guard lock(mutex_);
          --continuations_;
        }
        wake_.signal();
      });
}

void RemotePool::enqueue(JobPtr job) {
  bool alone = false;
  {
    const std::lock_guard lock(mutex_);
    if (!broken_.empty()) throw BrokenPool(broken_);
    if (ended_) throw InvalidArgument("pool: it was shut down");
    start_thread();
    alone = incoming_.empty();
    incoming_.push_back(std::move(job));
    boot_requested_ = true;
  }
  if (alone) wake_.signal();  // all that wait are taken at once: one signal is enough
}

void RemotePool::start_thread() {
  if (thread_.joinable() || ended_) return;
  // Signals are for the program's own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::string trouble;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& e) {
    trouble = e.what();
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!trouble.empty()) throw BrokenPool("the pool's own thread cannot be started: " + trouble);
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

void RemotePool::give_up(const TaskPtr& task) {
  if (task->cancel()) return;
  {
    const std::lock_guard lock(mutex_);
    given_up_.push_back(task);
  }
  wake_.signal();
}

void RemotePool::shutdown(Waiting waiting, Pending pending) {
  if (waiting == Waiting::wait && is_own_thread())
    throw InvalidArgument(
        "pool: what a pool calls back cannot wait for its end; shut it down with "
        "Waiting::no_wait");
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    cancel_ = cancel_ || pending == Pending::cancel;
    // Ranks of the job wait for their goodbye even if no task ever came.
    if (!own_workers_) start_thread();
  }
  wake_.signal();
  if (waiting == Waiting::no_wait) return;
  const std::lock_guard lock(joining_);
  if (thread_.joinable()) thread_.join();
}

// ---- the manager thread -------------------------------------------------------------------------

void RemotePool::run() {
  managed_here = this;
  unbind_thread();  // the workers are started from here
  for (;;) {
    take_incoming();
    start_slots();
    dispatch();
    fail_unservable();
    if (all_done()) break;
    wait_for_events();
    check_launchers();
    check_deadlines();
    end_given_up();
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
    cancel = cancel_;
  }
  if (cancel && !std::exchange(queue_cancelled_, true))
    for (const auto& job : std::exchange(ready_, {})) job->state->cancel();
  for (auto& job : fresh) {
    if (cancel) {  // also what was to follow a task that was running then
      job->state->cancel();
      continue;
    }
    job->id = next_job_++;
    ready_.push_back(std::move(job));
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

bool RemotePool::needs_lost_worker(const Job& job) const {
  if (job.spec.ranks > workers_ - lost_) return true;
  return job.spec.ranks <= 1 && job.spec.options.worker &&
         std::any_of(peers_.begin(), peers_.end(),
                     [&](const Peer& p) { return p.lost && p.index == *job.spec.options.worker; });
}

/// Workers of a job that are stuck in a task that was given up may come back; not for ever.
void RemotePool::fail_unservable() {
  if (lost_ == 0) return;
  const auto now = Clock::now();
  std::vector<JobPtr> hopeless;
  for (const auto& job : ready_) {
    if (!needs_lost_worker(*job))
      job->patience.reset();
    else if (!job->patience)
      job->patience = now + seconds_of(options_.straggler_seconds);
    else if (now >= *job->patience)
      hopeless.push_back(job);
  }
  for (const auto& job : hopeless) {
    std::erase(ready_, job);
    job->state->fail(std::make_exception_ptr(BrokenPool(
        concat(job->name(), " needs a worker that is stuck in a task that was given up; ",
               lost_.load(), " of ", workers_, " workers are"))));
  }
}

void RemotePool::send_task(const JobPtr& job, const std::vector<Peer*>& members) {
  TaskHead head{
      job->spec.code, job->spec.options.label, {}, static_cast<bool>(job->spec.options.on_report)};
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
  // A write that fails ends the connection, which the next poll() reports: not to be dealt with
  // while the queue is walked.
  for (Peer* peer : members) peer->channel.flush();
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
  // A worker that was given up may still read them. Giving large memory back takes long: after the
  // result.
  const Message arguments =
      job->members_left == 0 ? std::exchange(job->spec.arguments, {}) : Message();
  if (job->failure)
    job->state->fail(job->failure.rebuilt(job->failed_worker, job->failed_host));
  else
    job->state->finish(std::move(job->result));
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

void RemotePool::end_given_up() {
  std::vector<TaskPtr> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(given_up_);
  }
  for (const auto& task : tasks) {
    const auto runs_it = std::find_if(peers_.begin(), peers_.end(), [&](const Peer& peer) {
      return peer.alive && !peer.lost && peer.job && peer.job->state == task;
    });
    if (runs_it == peers_.end() || runs_it->slot == nullptr || !own_workers_) continue;
    const JobPtr job = runs_it->job;
    job->spec.options.retries = 0;
    end_slot(*runs_it->slot, {job}, concat(job->name(), " was given up"), true);
  }
}

void RemotePool::check_deadlines() {
  const auto now = Clock::now();
  while (drop_stranger(now - handshake_limit)) {
  }
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

bool RemotePool::all_done() {
  const std::lock_guard lock(mutex_);
  if (!closing_ || !incoming_.empty() || !ready_.empty() || continuations_ > 0) return false;
  ended_ = std::none_of(peers_.begin(), peers_.end(),
                        [](const Peer& p) { return p.alive && p.job && !p.lost; });
  return ended_;
}

}  // namespace kronsolve::detail
