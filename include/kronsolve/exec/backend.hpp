#pragma once
// What stands behind a pool: the state of a task, and the interface that the modes implement. Not
// for users.

#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include <kronsolve/core/callable.hpp>
#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/failure.hpp>
#include <kronsolve/core/serialize.hpp>
#include <kronsolve/exec/errors.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

/// Where a task stands. The last three are final.
enum class TaskStatus { queued, running, done, failed, cancelled };

/// What is done with the reports of a running task: `on_report<Progress>(f)` calls f for those of
/// that type.
using ReportHandler = std::function<void(MessageReader)>;
/// A handler that calls f(report) for reports of type T and leaves others alone.
template <Serializable T, class F>
requires std::invocable<F&, const T&> ReportHandler on_report(F f) {
  return [f = std::move(f)](MessageReader report) mutable {
    if (unpack<std::string>(report) == typeid(T).name()) f(unpack<T>(report));
  };
}

/// How one task is to be run.
struct TaskOptions {
  std::string label = {};  ///< names it in messages
  int retries = 2;  ///< further attempts after its worker died or it ran into its limit; never
                    ///< after an exception
  double timeout_seconds =
      0;  ///< limit of one attempt; 0: none. Enforced where workers are processes of their own
  std::optional<int> worker = {};  ///< only there; gangs take whoever is free
  /// Called when the task calls this_worker::report(): in the pool's own thread, where workers are
  /// processes, else in the thread of the task (syncro: on the ranks that run it). Must be quick
  /// and not throw.
  ReportHandler on_report = {};
};

namespace detail {

using Clock = std::chrono::steady_clock;
/// A number of seconds as the clock counts them; what it cannot count (infinity) is a hundred
/// years.
inline Clock::duration seconds_of(double s) {
  constexpr double most = 100 * 365.25 * 86400;
  if (!(s < most)) s = most;
  return std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double>(s > -most ? s : -most));
}
/// What the user is called back with runs in threads in which nobody could catch what it throws:
/// that ends the program, with its message, wherever it happens.
template <class F, class... Args>
void call_back(const F& f, Args&&... args) noexcept {
  f(std::forward<Args>(args)...);
}
/// Reads arguments, runs, gives the packed result. `gang` is the communicator of an SPMD task, else
/// null.
using TaskCode = Message (*)(MessageReader& arguments, const Comm* gang);

struct TaskSpec {
  CodeId code;
  Message arguments;
  TaskOptions options;
  int ranks = 0;  ///< 0: an ordinary task; else the size of its gang
};

/// What a pool runs on each worker before anything else.
struct Initializer {
  CodeId code;
  Message arguments;
  bool present = false;
};

class Backend;

/// A task between its submission and its result. Thread-safe.
class KRONSOLVE_EXPORT TaskState {
 public:
  explicit TaskState(std::shared_ptr<Backend> backend) : backend_(std::move(backend)) {}
  virtual ~TaskState();
  TaskState(const TaskState&) = delete;
  TaskState& operator=(const TaskState&) = delete;

  virtual TaskStatus status() const;
  bool is_over() const;
  const std::shared_ptr<Backend>& backend() const noexcept { return backend_; }

  bool start();    ///< queued -> running; false if it was cancelled
  void requeue();  ///< running -> queued
  void finish(Message result);
  void fail(std::exception_ptr error);
  /// Makes it known here whether and how the task ended: waits, at most until `deadline`; false if
  /// that passed.
  /// @throws InvalidArgument  called back by the pool, which would wait for itself
  virtual bool wait(std::optional<Clock::time_point> deadline);
  virtual bool cancel();  ///< only a queued task; true if it is cancelled now
  /// Calls `f` once the task is over: at once if it is, else by the thread that ends it. `f` must
  /// not throw. Returns what forget() takes.
  std::uint64_t when_over(std::function<void()> f);
  /// Drops a function that was not called yet.
  void forget(std::uint64_t callback);

  /// After wait(): throws what the task threw, Cancelled if it was cancelled.
  const Message& result() const;
  std::exception_ptr error() const;
  /// The decoded result, made once by `decode`.
  std::shared_ptr<void> value(const std::function<std::shared_ptr<void>(MessageReader&)>& decode);

 protected:
  void end(TaskStatus status, Message result, std::exception_ptr error);

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  TaskStatus status_ = TaskStatus::queued;
  Message result_;
  std::exception_ptr error_;
  std::shared_ptr<void> value_;
  std::uint64_t last_callback_ = 0;
  std::vector<std::pair<std::uint64_t, std::function<void()>>> callbacks_;
  std::shared_ptr<Backend> backend_;
};

using TaskPtr = std::shared_ptr<TaskState>;

enum class Pending { finish, cancel };
enum class Waiting { wait, no_wait };

/// One way of running tasks: processes, threads, or all ranks of a job.
class KRONSOLVE_EXPORT Backend : public std::enable_shared_from_this<Backend> {
 public:
  explicit Backend(int workers) : workers_(workers) {}
  virtual ~Backend();
  /// @throws InvalidArgument  a worker, or a gang, that cannot be; it was shut down
  /// @throws BrokenPool       it cannot serve any more
  TaskPtr submit(TaskSpec spec);
  /// Runs `spec` with the result of `before` as first argument, once that is there.
  TaskPtr submit_after(const TaskPtr& before, TaskSpec spec);
  virtual void boot(Waiting waiting) = 0;
  virtual int num_workers() = 0;  ///< waits until it is known; 0 when broken or shut down
  virtual void shutdown(Waiting waiting, Pending pending) = 0;
  /// A task that nobody waits for any more: it is cancelled, or ended together with its workers,
  /// which are then replaced. Returns at once. Where workers are not processes of the pool's own a
  /// running task goes on.
  virtual void give_up(const TaskPtr& task) { (void)task->cancel(); }
  /// True if every rank of the job makes the same calls in the same order (syncro).
  virtual bool is_collective() const noexcept { return false; }
  /// True if gangs of more than one rank can be had.
  virtual bool has_gangs() const noexcept = 0;
  /// True in the thread that ends the tasks: it calls back and must not wait for one.
  virtual bool is_own_thread() const noexcept { return false; }

 protected:
  virtual TaskPtr submit_checked(TaskSpec spec) = 0;
  virtual TaskPtr submit_after_checked(const TaskPtr& before, TaskSpec spec) = 0;
  /// A task that goes to `enqueue` when `before` is over, or fails as that did; then calls `done`.
  TaskPtr queue_after(const TaskPtr& before, TaskSpec spec,
                      std::function<void(TaskPtr, TaskSpec)> enqueue, std::function<void()> done);

  const int workers_;

 private:
  void check(const TaskSpec& spec) const;
};

/// @throws InvalidArgument  this is a task: who submits and waits there may wait for itself
KRONSOLVE_EXPORT void refuse_in_task();
/// A task that begins with the result of `before` once that is done.
/// @throws InvalidArgument  as refuse_in_task() does
KRONSOLVE_EXPORT TaskPtr submit_after(const TaskPtr& before, TaskSpec spec);

/// Runs packed code and gives what it gave; never throws. Fails with the exception's own
/// description.
struct Outcome {
  Message result;
  Failure failure;
};
/// Where a task runs in the process that listens to it.
KRONSOLVE_EXPORT std::function<void(Message)> reports_to(const ReportHandler& handler);
KRONSOLVE_EXPORT Outcome run_task(const CodeId& code, MessageReader arguments, const Comm* gang);
struct WorkerContext;
/// Runs what a pool runs first on the worker of that context.
Failure run_initializer(const CodeId& code, MessageReader arguments, WorkerContext& context);

}  // namespace detail
}  // namespace kronsolve
