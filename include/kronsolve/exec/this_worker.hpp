#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <typeindex>
#include <typeinfo>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/serialize.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

namespace detail {
/// What a worker is and keeps; one per worker process, thread or rank.
struct WorkerContext {
  int rank = 0;
  int size = 1;
  const Comm* comm = nullptr;
  std::map<std::type_index, std::shared_ptr<void>> by_type;
  std::map<std::uint64_t, std::shared_ptr<void>> by_id;
  std::function<void(Message)> report;  ///< of the running task; empty if nobody listens
};
/// Of the task running on this thread; null outside tasks.
KRONSOLVE_EXPORT WorkerContext* worker_context() noexcept;
/// Makes `context` the one of this thread while it lives.
class KRONSOLVE_EXPORT WorkerScope {
 public:
  explicit WorkerScope(WorkerContext& context) noexcept;
  ~WorkerScope();
  WorkerScope(const WorkerScope&) = delete;
  WorkerScope& operator=(const WorkerScope&) = delete;

 private:
  WorkerContext* before_;
};
KRONSOLVE_EXPORT WorkerContext& require_worker_context();
KRONSOLVE_EXPORT const std::string& host_name();
/// @throws InvalidArgument  it holds an array above 64 KiB
KRONSOLVE_EXPORT void send_report(WorkerContext& context, Message message);
}  // namespace detail

/// What a running task can ask about the worker it runs on. All throw InvalidArgument outside
/// tasks, but for `is_task`.
namespace this_worker {
KRONSOLVE_EXPORT bool is_task() noexcept;  ///< true in a task, false elsewhere
KRONSOLVE_EXPORT int rank();               ///< number in the pool, from 0
KRONSOLVE_EXPORT int size();               ///< workers of the pool
/// All workers of the pool as a communicator. Its collectives need a task on every worker at the
/// same time, as a gang is.
KRONSOLVE_EXPORT const Comm& comm();
/// An object of this worker that lives between tasks, made by T() when first asked for; gone when
/// the worker is replaced.
template <class T>
T& state() {
  auto& slot = detail::require_worker_context().by_type[typeid(T)];
  if (!slot) slot = std::make_shared<T>();
  return *static_cast<T*>(slot.get());
}
/// True if somebody listens to report(): the same on all ranks of a gang.
KRONSOLVE_EXPORT bool is_heard();
/// Tells whoever submitted the running task how it is doing: its TaskOptions::on_report is called
/// there, in the order of the reports and before the task is over. Without one nothing is sent.
/// @throws InvalidArgument  the value holds an array above 64 KiB: reports are small
template <Serializable T>
void report(const T& value) {
  auto& context = detail::require_worker_context();
  if (!context.report) return;
  Message message;
  pack(message, std::string(typeid(T).name()));
  pack(message, value);
  detail::send_report(context, std::move(message));
}
}  // namespace this_worker

/// Prints one text per rank in rank order on rank 0's standard output. Collective.
KRONSOLVE_EXPORT void print_in_order(const Comm& comm, const std::string& text);

}  // namespace kronsolve
