#include <array>
#include <cstdio>

#include <unistd.h>

#include <kronsolve/exec/this_worker.hpp>

namespace kronsolve {

namespace detail {

namespace {
thread_local WorkerContext* current = nullptr;
}

WorkerContext* worker_context() noexcept { return current; }

WorkerContext& require_worker_context() {
  if (current == nullptr)
    throw InvalidArgument("this_worker: only a running task can ask for this");
  return *current;
}

WorkerScope::WorkerScope(WorkerContext& context) noexcept : before_(current) { current = &context; }
WorkerScope::~WorkerScope() { current = before_; }

const std::string& host_name() {
  static const std::string name = [] {
    std::array<char, 256> text{};
    gethostname(text.data(), text.size() - 1);
    return std::string(text.data());
  }();
  return name;
}

void send_report(WorkerContext& context, Message message) {
  if (!message.blocks.empty())
    throw InvalidArgument(
        "this_worker::report: the value holds an array above 64 KiB; return it as a result");
  context.report(std::move(message));
}

}  // namespace detail

namespace this_worker {
bool is_task() noexcept { return detail::worker_context() != nullptr; }
int rank() { return detail::require_worker_context().rank; }
bool is_heard() { return static_cast<bool>(detail::require_worker_context().report); }
int size() { return detail::require_worker_context().size; }
const Comm& comm() {
  const Comm* comm = detail::require_worker_context().comm;
  if (comm == nullptr)
    throw NotSupported("this_worker::comm: the workers of this pool share no communicator");
  return *comm;
}
}  // namespace this_worker

void print_in_order(const Comm& comm, const std::string& text) {
  const auto all = comm.gather_v(std::span<const char>(text.data(), text.size()));
  if (!comm.is_root()) return;
  std::fwrite(all.data(), 1, all.size(), stdout);
  std::fflush(stdout);
}

}  // namespace kronsolve
