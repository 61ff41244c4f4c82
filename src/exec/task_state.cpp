#include <deque>

#include <kronsolve/exec/backend.hpp>
#include <kronsolve/exec/future.hpp>
#include <kronsolve/exec/map.hpp>

#include "core/counted.hpp"

namespace kronsolve {

Cancelled::~Cancelled() = default;
TimeoutError::~TimeoutError() = default;
TaskTimeout::~TaskTimeout() = default;
BrokenPool::~BrokenPool() = default;
WorkerDied::~WorkerDied() = default;

namespace detail {

namespace {
bool over(TaskStatus s) { return s != TaskStatus::queued && s != TaskStatus::running; }
}  // namespace

Backend::~Backend() = default;
TaskState::~TaskState() = default;

TaskStatus TaskState::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

bool TaskState::is_over() const { return over(status()); }

bool TaskState::start() {
  const std::lock_guard lock(mutex_);
  if (status_ != TaskStatus::queued) return false;
  status_ = TaskStatus::running;
  return true;
}

void TaskState::requeue() {
  const std::lock_guard lock(mutex_);
  if (status_ == TaskStatus::running) status_ = TaskStatus::queued;
}

void TaskState::end(TaskStatus status, Message result, std::exception_ptr error) {
  decltype(callbacks_) callbacks;
  {
    const std::lock_guard lock(mutex_);
    if (over(status_)) return;
    status_ = status;
    result_ = std::move(result);
    error_ = std::move(error);
    callbacks.swap(callbacks_);
  }
  changed_.notify_all();
  for (const auto& [id, f] : callbacks) call_back(f);
}

void TaskState::finish(Message result) { end(TaskStatus::done, std::move(result), nullptr); }
void TaskState::fail(std::exception_ptr error) { end(TaskStatus::failed, {}, std::move(error)); }

bool TaskState::cancel() {
  {
    const std::lock_guard lock(mutex_);
    if (status_ == TaskStatus::cancelled) return true;
    if (status_ != TaskStatus::queued) return false;
    // Claimed here, so that no worker can start it while the callbacks are collected below.
    status_ = TaskStatus::running;
  }
  end(TaskStatus::cancelled, {}, std::make_exception_ptr(Cancelled("the task was cancelled")));
  return true;
}

bool TaskState::wait(std::optional<Clock::time_point> deadline) {
  std::unique_lock lock(mutex_);
  const auto is_done = [this] { return over(status_); };
  if (!is_done() && backend_->is_own_thread())
    throw InvalidArgument(
        "pool: what a pool calls back cannot wait for its tasks; chain what comes next with "
        "then()");
  if (deadline) return changed_.wait_until(lock, *deadline, is_done);
  changed_.wait(lock, is_done);
  return true;
}

std::uint64_t TaskState::when_over(std::function<void()> f) {
  {
    const std::lock_guard lock(mutex_);
    if (!over(status_)) {
      callbacks_.emplace_back(++last_callback_, std::move(f));
      return last_callback_;
    }
  }
  call_back(f);
  return 0;
}

void TaskState::forget(std::uint64_t callback) {
  const std::lock_guard lock(mutex_);
  std::erase_if(callbacks_, [&](const auto& c) { return c.first == callback; });
}

const Message& TaskState::result() const {
  const std::lock_guard lock(mutex_);
  if (error_) std::rethrow_exception(error_);
  KRONSOLVE_ASSERT(status_ == TaskStatus::done);
  return result_;
}

std::exception_ptr TaskState::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

std::shared_ptr<void> TaskState::value(
    const std::function<std::shared_ptr<void>(MessageReader&)>& decode) {
  const std::lock_guard lock(mutex_);
  if (error_) std::rethrow_exception(error_);
  if (!value_) {
    MessageReader reader(result_);
    value_ = decode(reader);
  }
  return value_;
}

std::function<void(Message)> reports_to(const ReportHandler& handler) {
  if (!handler) return {};
  return [handler](const Message& report) { call_back(handler, MessageReader(report)); };
}

void refuse_in_task() {
  if (this_worker::is_task())
    throw InvalidArgument(
        "pool: a task cannot submit tasks; return what is left to do, or chain it with then()");
}

TaskPtr submit_after(const TaskPtr& before, TaskSpec spec) {
  refuse_in_task();
  return before->backend()->submit_after(before, std::move(spec));
}

void Backend::check(const TaskSpec& spec) const {
  const auto& worker = spec.options.worker;
  if (worker && (*worker < 0 || *worker >= workers_))
    throw InvalidArgument(concat("pool: worker must be in [0, ", workers_ - 1, "], got ", *worker));
  if (has_gangs() && spec.ranks > workers_)
    throw InvalidArgument(concat("pool: a gang of ", detail::counted(spec.ranks, "rank"),
                                 " was asked for, there are ",
                                 detail::counted(workers_, "worker")));
}

TaskPtr Backend::submit(TaskSpec spec) {
  check(spec);
  return submit_checked(std::move(spec));
}

TaskPtr Backend::submit_after(const TaskPtr& before, TaskSpec spec) {
  check(spec);
  return submit_after_checked(before, std::move(spec));
}

TaskPtr Backend::queue_after(const TaskPtr& before, TaskSpec spec,
                             std::function<void(TaskPtr, TaskSpec)> enqueue,
                             std::function<void()> done) {
  auto task = std::make_shared<TaskState>(shared_from_this());
  before->when_over([self = shared_from_this(), before, task, enqueue = std::move(enqueue),
                     done = std::move(done), spec = std::make_shared<TaskSpec>(std::move(spec))] {
    try {
      if (const auto error = before->error()) {
        task->fail(error);
      } else {
        Message arguments = before->result();
        spec->arguments = std::move(arguments.append(spec->arguments));
        enqueue(task, std::move(*spec));
      }
    } catch (...) {
      task->fail(std::current_exception());
    }
    done();
  });
  return task;
}

Failure run_initializer(const CodeId& code, MessageReader arguments, WorkerContext& context) {
  const WorkerScope scope(context);
  return run_task(code, arguments, nullptr).failure;
}

Outcome run_task(const CodeId& code, MessageReader arguments, const Comm* gang) {
  Outcome outcome;
  try {
    outcome.result = reinterpret_cast<TaskCode>(find_code(code))(arguments, gang);
  } catch (...) {
    outcome.failure = Failure::current();
  }
  return outcome;
}

// ---- several tasks at once ---------------------------------------------------------------------

struct Completion::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::size_t> ended;
};

Completion::Completion(const std::vector<TaskPtr>& tasks) : shared_(std::make_shared<Shared>()) {
  for (const auto& task : tasks) add(task);
}
Completion::~Completion() {
  for (const Awaited& awaited : tasks_)
    if (awaited.task && awaited.callback != 0) awaited.task->forget(awaited.callback);
}
Completion::Completion(Completion&&) noexcept = default;

void Completion::add(const TaskPtr& task) {
  if (!task) throw InvalidArgument("Future: empty; it was not given by a pool");
  const std::size_t i = tasks_.size();
  tasks_.push_back({task, 0});
  ++left_;
  collective_ = task->backend()->is_collective();
  if (collective_) return;
  tasks_.back().callback = task->when_over([shared = shared_, i] {
    {
      const std::lock_guard lock(shared->mutex);
      shared->ended.push_back(i);
    }
    shared->changed.notify_all();
  });
}

std::optional<std::size_t> Completion::next(std::optional<Clock::time_point> deadline) {
  if (left_ == 0) return {};
  if (collective_) {
    // Which task ends first differs from rank to rank: the order of submission is the one they
    // share.
    tasks_[next_collective_].task->wait(deadline);
    --left_;
    return next_collective_++;
  }
  std::unique_lock lock(shared_->mutex);
  const auto some = [this] { return !shared_->ended.empty(); };
  if (!deadline)
    shared_->changed.wait(lock, some);
  else if (!shared_->changed.wait_until(lock, *deadline, some))
    return {};
  const std::size_t i = shared_->ended.front();
  shared_->ended.pop_front();
  --left_;
  tasks_[i].task.reset();
  return i;
}

std::size_t wait_for_tasks(const std::vector<TaskPtr>& tasks, WaitFor what,
                           std::optional<double> seconds) {
  const auto deadline = deadline_after(seconds);
  Completion completion(tasks);
  std::size_t ended = 0;
  while (completion.left() > 0) {
    const auto i = completion.next(deadline);
    if (!i) break;
    ++ended;
    if (what == WaitFor::first_completed) break;
    if (what == WaitFor::first_exception && tasks[*i]->status() == TaskStatus::failed) break;
  }
  return ended;
}

void check_map(const MapOptions& o, bool collective) {
  if (o.chunk_size < 1)
    throw InvalidArgument(concat("map: chunk_size must be at least 1, got ", o.chunk_size));
  if (o.max_in_flight < 0)
    throw InvalidArgument(
        concat("map: max_in_flight must be at least 1, or 0 for no limit, got ", o.max_in_flight));
  if (o.ranks_per_task < 0)
    throw InvalidArgument(
        concat("map: ranks_per_task must not be negative, got ", o.ranks_per_task));
  if (o.ranks_per_task > 0 && o.chunk_size > 1)
    throw InvalidArgument("map: chunk_size and ranks_per_task exclude each other");
  if (o.timeout_seconds && collective)
    throw NotSupported(
        "map: a time limit is not possible in syncro mode, where the ranks could disagree about "
        "it");
}

}  // namespace detail
}  // namespace kronsolve
