#include "exec/local_pool.hpp"

#include <algorithm>
#include <system_error>

#include <kronsolve/core/threads.hpp>

#include "core/binding.hpp"

namespace kronsolve::detail {

LocalPool::LocalPool(int threads, int loop_threads, const Initializer& initializer)
    : Backend(std::max(1, threads)),
      inline_(threads == 0),
      loop_threads_(loop_threads),
      initializer_(initializer),
      contexts_(static_cast<std::size_t>(workers_)) {
  static const Comm serial;
  for (int w = 0; w < workers_; ++w) {
    auto& c = contexts_[static_cast<std::size_t>(w)];
    c.rank = w;
    c.size = workers_;
    c.comm = workers_ == 1 ? &serial : nullptr;
  }
}

LocalPool::~LocalPool() { shutdown(Waiting::wait, Pending::finish); }

TaskPtr LocalPool::submit_checked(TaskSpec spec) {
  auto state = std::make_shared<TaskState>(shared_from_this());
  enqueue({state, std::move(spec)});
  return state;
}

TaskPtr LocalPool::submit_after_checked(const TaskPtr& before, TaskSpec spec) {
  {
    const std::lock_guard lock(mutex_);
    if (closing_ && ended_ == threads_.size()) throw InvalidArgument("pool: it was shut down");
    ++continuations_;
  }
  return queue_after(
      before, std::move(spec),
      [this](TaskPtr task, TaskSpec s) {
        enqueue({std::move(task), std::move(s)});
      },
      [this] {
        const std::lock_guard lock(mutex_);
        --continuations_;
        changed_.notify_all();
      });
}

void LocalPool::enqueue(Job job) {
  if (inline_) {
    boot(Waiting::wait);
    if (job.state->start()) run(job, 0);
    return;
  }
  bool cancelled = false;
  {
    const std::lock_guard lock(mutex_);
    start_threads();
    if (threads_.empty()) throw BrokenPool(broken_text_);
    if (!cancel_) queue_.push_back(job);
    cancelled = cancel_;
  }
  if (cancelled) job.state->cancel();  // what was to follow a task that was running then
  changed_.notify_all();
}

void LocalPool::start_threads() {
  if (started_) return;
  started_ = true;
  try {
    for (int w = 0; w < workers_; ++w) threads_.emplace_back([this, w] { serve(w); });
  } catch (const std::system_error& e) {
    broken_ = true;
    broken_text_ = concat("the pool's workers cannot be started: thread ", threads_.size() + 1,
                          " of ", workers_, ": ", e.what());
    initialized_ += workers_ - static_cast<int>(threads_.size());  // nobody need wait for these
  }
}

void LocalPool::boot(Waiting waiting) {
  if (inline_) {
    const std::lock_guard lock(inline_run_);
    if (!started_) {
      started_ = true;
      initialize(0);
    }
    if (broken_) throw BrokenPool(broken_text_);
    return;
  }
  std::unique_lock lock(mutex_);
  start_threads();
  if (waiting == Waiting::no_wait) return;
  changed_.wait(lock, [this] { return initialized_ == workers_; });
  if (broken_) throw BrokenPool(broken_text_);
}

int LocalPool::num_workers() {
  {
    const std::lock_guard lock(mutex_);
    if (closing_) return 0;
  }
  try {
    boot(Waiting::wait);
  } catch (const BrokenPool&) {
    return 0;
  }
  return workers_;
}

void LocalPool::initialize(int worker) {
  Failure failure;
  if (initializer_.present)
    failure = run_initializer(initializer_.code, MessageReader(initializer_.arguments),
                              contexts_[static_cast<std::size_t>(worker)]);
  const std::lock_guard lock(mutex_);
  ++initialized_;
  if (failure && !broken_) {
    broken_ = true;
    broken_text_ = concat("the pool's initializer failed on worker ", worker, ": ", failure.type,
                          ": ", failure.text);
  }
  changed_.notify_all();
}

std::optional<LocalPool::Job> LocalPool::next_job(int worker) {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto mine = std::find_if(queue_.begin(), queue_.end(), [&](const Job& j) {
      return !j.spec.options.worker || *j.spec.options.worker == worker || broken_;
    });
    if (mine != queue_.end()) {
      Job job = std::move(*mine);
      queue_.erase(mine);
      return job;
    }
    if (closing_ && queue_.empty() && continuations_ == 0) {
      ++ended_;
      return {};
    }
    changed_.wait(lock);
  }
}

bool LocalPool::is_broken() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return initialized_ == workers_; });
  return broken_;
}

void LocalPool::serve(int worker) {
  unbind_thread();
  initialize(worker);
  while (auto job = next_job(worker)) {
    if (job->state->start()) {
      if (is_broken())
        job->state->fail(std::make_exception_ptr(BrokenPool(broken_text_)));
      else
        run(*job, worker);
    }
    changed_.notify_all();
  }
}

void LocalPool::run(Job& job, int worker) {
  Outcome outcome;
  {
    std::unique_lock lock(inline_run_, std::defer_lock);
    if (inline_) lock.lock();
    auto& context = contexts_[static_cast<std::size_t>(worker)];
    context.report = reports_to(job.spec.options.on_report);
    const WorkerScope scope(context);
    const Comm alone;
    const ThreadShare share(loop_threads_ * std::max(1, job.spec.ranks));
    outcome = run_task(job.spec.code, MessageReader(job.spec.arguments),
                       job.spec.ranks > 0 ? &alone : nullptr);
  }
  job.spec.arguments = {};
  if (outcome.failure)
    job.state->fail(outcome.failure.rebuilt(worker, host_name()));
  else
    job.state->finish(std::move(outcome.result));
}

void LocalPool::shutdown(Waiting waiting, Pending pending) {
  std::deque<Job> dropped;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    if (pending == Pending::cancel) {
      cancel_ = true;
      dropped.swap(queue_);
    }
  }
  for (const Job& job : dropped) job.state->cancel();
  changed_.notify_all();
  if (waiting == Waiting::no_wait) return;
  const std::lock_guard lock(joining_);
  for (auto& thread : threads_)
    if (thread.joinable()) thread.join();
}

}  // namespace kronsolve::detail
