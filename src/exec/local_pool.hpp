#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include <kronsolve/exec/backend.hpp>
#include <kronsolve/exec/this_worker.hpp>

namespace kronsolve::detail {

/// Tasks on threads of this process, or with no threads at all right where they are submitted.
/// Arguments and results go through messages as they do to other processes, so that nothing is
/// shared that would not be shared there.
class LocalPool final : public Backend {
 public:
  /// `threads` 0: run tasks when they are submitted. `loop_threads`: of the loops in each task.
  LocalPool(int threads, int loop_threads, const Initializer& initializer);
  ~LocalPool() override;

  void boot(Waiting waiting) override;
  int num_workers() override;
  void shutdown(Waiting waiting, Pending pending) override;
  bool has_gangs() const noexcept override { return false; }

 protected:
  TaskPtr submit_checked(TaskSpec spec) override;
  TaskPtr submit_after_checked(const TaskPtr& before, TaskSpec spec) override;

 private:
  struct Job {
    TaskPtr state;
    TaskSpec spec;
  };
  void enqueue(Job job);
  void start_threads();
  void serve(int worker);
  /// The next job for this worker; nothing when the pool is over.
  std::optional<Job> next_job(int worker);
  void run(Job& job, int worker);
  void initialize(int worker);
  bool is_broken();

  const bool inline_;
  const int loop_threads_;
  Initializer initializer_;
  std::vector<WorkerContext> contexts_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> queue_;
  std::vector<std::thread> threads_;
  int continuations_ = 0;  // submitted after a task that is not over
  int initialized_ = 0;
  std::size_t ended_ = 0;  // of the threads
  bool started_ = false, closing_ = false, cancel_ = false, broken_ = false;
  std::string broken_text_;
  std::mutex joining_;
  std::recursive_mutex inline_run_;  // the one worker runs one task at a time, whoever submits
};

}  // namespace kronsolve::detail
