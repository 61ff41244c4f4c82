#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include <kronsolve/exec/backend.hpp>
#include <kronsolve/exec/task_code.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

/// The result of a task, there or still to come. A handle: copies refer to the same task.
///
/// In syncro mode `get`, `wait` and `error` are collective: every rank calls them for the same
/// tasks in the same order.
template <class R>
class Future {
 public:
  using value_type = R;  ///< what the task returns
  Future() = default;
  /// Used by Pool.
  explicit Future(detail::TaskPtr state) : state_(std::move(state)) {}

  /// False if made by Future(): everything but valid() then throws InvalidArgument.
  bool valid() const noexcept { return state_ != nullptr; }
  /// Waits for the result. Once it is there, further calls are free and local.
  /// @throws what the task threw (see remote_origin), Cancelled, WorkerDied, TaskTimeout,
  ///         BrokenPool
  decltype(auto) get() const& {
    state().wait({});
    if constexpr (std::is_void_v<R>)
      (void)state().result();
    else
      return static_cast<const R&>(*decoded());
  }
  /// The same, moving the result out: nobody may ask for it again.
  R get() && {
    state().wait({});
    if constexpr (std::is_void_v<R>)
      (void)state().result();
    else
      return std::move(*decoded());
  }
  /// @throws TimeoutError  the task is not over after that many seconds
  void wait(std::optional<double> seconds = {}) const {
    if (!wait_for(seconds))
      throw TimeoutError(detail::concat("a task is not over after ", *seconds, " s"));
  }
  /// False if the task is not over after that many seconds. (Syncro: always waits, the ranks could
  /// disagree.)
  bool wait_for(std::optional<double> seconds) const {
    return state().wait(detail::deadline_after(seconds));
  }
  /// Waits; the exception of the task, null if it succeeded.
  std::exception_ptr error() const {
    state().wait({});
    return state().error();
  }

  TaskStatus status() const { return state().status(); }  ///< where the task stands; never waits
  bool done() const { return state().is_over(); }  ///< has a result, an exception, or is cancelled
  bool running() const { return status() == TaskStatus::running; }  ///< a worker has it now
  /// It was cancelled before a worker had begun it.
  bool cancelled() const { return status() == TaskStatus::cancelled; }
  /// Only a task that no worker has begun can be cancelled; true if it is cancelled now.
  /// @throws NotSupported  in syncro mode, where tasks run when they are submitted
  bool cancel() const { return state().cancel(); }
  /// Calls `f(*this)` once the task is over: at once if it is, else in the pool's own thread. `f`
  /// must be quick, wait for no other task, and not throw: an exception ends the program (get()
  /// throws what the task threw; error() does not).
  void on_done(std::function<void(const Future&)> f) const {
    state().when_over([self = *this, f = std::move(f)] { f(self); });
  }

  /// A further task f(result, args...) on a worker, begun when this one is done; an exception of
  /// this one is that of the next. The result goes there without being decoded here.
  /// @throws InvalidArgument  called by a task
  template <class F, class... Args>
  auto then(F f, Args&&... args) const {
    if constexpr (std::is_void_v<R>) {
      auto spec = detail::make_task(detail::kept(std::move(f)), std::forward<Args>(args)...);
      using U = detail::TaskResult<F, std::decay_t<Args>...>;
      return Future<U>(detail::submit_after(require_state(), std::move(spec)));
    } else {
      auto spec =
          detail::make_continuation<R>(detail::kept(std::move(f)), std::forward<Args>(args)...);
      using U = detail::TaskResult<F, R, std::decay_t<Args>...>;
      return Future<U>(detail::submit_after(require_state(), std::move(spec)));
    }
  }

  /// What stands behind it; for wait() and as_completed().
  const detail::TaskPtr& task_state() const noexcept { return state_; }
  friend bool operator==(const Future&, const Future&) = default;

 private:
  const detail::TaskPtr& require_state() const {
    if (!state_) throw InvalidArgument("Future: empty; it was not given by a pool");
    return state_;
  }
  detail::TaskState& state() const { return *require_state(); }
  R* decoded() const requires(!std::is_void_v<R>) {
    return static_cast<R*>(state()
                               .value([](MessageReader& from) -> std::shared_ptr<void> {
                                 return std::make_shared<R>(unpack<R>(from));
                               })
                               .get());
  }
  detail::TaskPtr state_;
};

/// When wait() returns. all: all tasks are over; first_completed: one is; first_exception: one has
/// failed, or all are over.
enum class WaitFor { all, first_completed, first_exception };

namespace detail {
/// Waits on several tasks at once and tells them in the order in which they end.
class KRONSOLVE_EXPORT Completion {
 public:
  explicit Completion(const std::vector<TaskPtr>& tasks);
  ~Completion();
  Completion(Completion&&) noexcept;
  Completion& operator=(Completion&&) = delete;
  void add(const TaskPtr& task);
  std::size_t left() const noexcept { return left_; }
  /// Position (as added) of the next task that ends; nothing if `deadline` passes before.
  std::optional<std::size_t> next(std::optional<Clock::time_point> deadline);

 private:
  struct Shared;
  struct Awaited {
    TaskPtr task;
    std::uint64_t callback;  // at the task, which may outlive this; 0: none
  };
  std::shared_ptr<Shared> shared_;
  std::vector<Awaited> tasks_;
  bool collective_ = false;
  std::size_t next_collective_ = 0;
  std::size_t left_ = 0;
};
KRONSOLVE_EXPORT std::size_t wait_for_tasks(const std::vector<TaskPtr>& tasks, WaitFor what,
                                            std::optional<double> seconds);
}  // namespace detail

/// Waits until all are over, the first is, or the first has failed; at most `seconds`. Returns how
/// many it has seen end: with first_completed one, whatever else is over by then.
template <class R>
std::size_t wait(const std::vector<Future<R>>& futures, WaitFor what = WaitFor::all,
                 std::optional<double> seconds = {}) {
  std::vector<detail::TaskPtr> tasks;
  for (const auto& f : futures) tasks.push_back(f.task_state());
  return detail::wait_for_tasks(tasks, what, seconds);
}

/// Calls `f(future)` for each as it ends, equal ones once. (Syncro: in the order given, which every
/// rank shares.)
/// @throws TimeoutError  not all were over after `seconds` from the call
template <class R, class F>
void as_completed(const std::vector<Future<R>>& futures, F&& f,
                  std::optional<double> seconds = {}) {
  std::vector<Future<R>> unique;
  std::vector<detail::TaskPtr> tasks;
  std::unordered_set<const detail::TaskState*> seen;
  for (const auto& future : futures)
    if (seen.insert(future.task_state().get()).second) {
      unique.push_back(future);
      tasks.push_back(future.task_state());
    }
  const auto deadline = detail::deadline_after(seconds);
  detail::Completion completion(tasks);
  while (completion.left() > 0) {
    const auto i = completion.next(deadline);
    if (!i)
      throw TimeoutError(detail::concat(completion.left(), " of ", unique.size(),
                                        " tasks are not over after ", *seconds, " s"));
    f(unique[*i]);
  }
}

/// The results of all, in order.
/// @throws the exception of the first (in order) that failed
template <class R>
std::vector<R> get_all(const std::vector<Future<R>>& futures) {
  std::vector<R> results;
  results.reserve(futures.size());
  for (const auto& f : futures) results.push_back(f.get());
  return results;
}

}  // namespace kronsolve
