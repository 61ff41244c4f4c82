#include <algorithm>
#include <atomic>
#include <mutex>
#include <numeric>

#include <kronsolve/exec/pool.hpp>

namespace kronsolve {

using detail::Backend;
using detail::TaskPtr;

int detail::require_ranks(int ranks) {
  if (ranks < 1) throw InvalidArgument(concat("pool: a gang needs at least one rank, got ", ranks));
  return ranks;
}

struct Pool::Core {
  std::shared_ptr<Backend> backend;
  bool owns_backend = true;
  std::recursive_mutex mutex;  // a task may run where it is submitted, and ask
  bool open = true;
  std::string broken;
  std::vector<std::weak_ptr<detail::TaskState>>
      tasks;  // of this handle, if others share the backend

  void remember(const TaskPtr& task) {
    if (owns_backend) return;
    if (tasks.size() % 1024 == 1023)
      std::erase_if(tasks, [](const auto& t) {
        const auto alive = t.lock();
        return !alive || alive->is_over();
      });
    tasks.push_back(task);
  }

  void shutdown(Waiting waiting, Pending pending) {
    std::vector<std::weak_ptr<detail::TaskState>> mine;
    {
      const std::lock_guard lock(mutex);
      open = false;
      mine = tasks;
    }
    if (owns_backend) return backend->shutdown(waiting, pending);
    const auto each = [&](const auto& f) {
      for (const auto& weak : mine)
        if (const auto task = weak.lock()) f(*task);
    };
    // All at first: while one is waited for, the workers would begin the next.
    if (pending == Pending::cancel && !backend->is_collective())
      each([](detail::TaskState& task) { (void)task.cancel(); });
    if (waiting == Waiting::wait) each([](detail::TaskState& task) { task.TaskState::wait({}); });
  }
};

Pool::Pool(std::shared_ptr<Backend> backend, bool owns_backend) : core_(std::make_shared<Core>()) {
  core_->backend = std::move(backend);
  core_->owns_backend = owns_backend;
}

Pool::Pool(Pool&&) noexcept = default;

Pool& Pool::operator=(Pool&& other) noexcept {
  std::swap(core_, other.core_);
  return *this;
}

Pool::~Pool() {
  if (core_) core_->shutdown(Waiting::wait, Pending::finish);
}

TaskPtr Pool::submit_task(const std::shared_ptr<Core>& core, detail::TaskSpec spec) {
  detail::refuse_in_task();
  if (spec.options.retries < 0)
    throw InvalidArgument(
        detail::concat("pool: retries must not be negative, got ", spec.options.retries));
  if (!(spec.options.timeout_seconds >= 0))
    throw InvalidArgument(detail::concat("pool: timeout_seconds must not be negative, got ",
                                         spec.options.timeout_seconds));
  const std::lock_guard lock(core->mutex);
  if (!core->open) throw InvalidArgument("pool: it was shut down");
  if (!core->broken.empty()) throw BrokenPool(core->broken);
  auto task = core->backend->submit(std::move(spec));
  core->remember(task);
  return task;
}

void Pool::boot(Waiting waiting) {
  if (!is_open()) throw InvalidArgument("pool: it was shut down");
  if (!core_->broken.empty()) throw BrokenPool(core_->broken);
  core_->backend->boot(waiting);
}

int Pool::num_workers() {
  return is_open() && core_->broken.empty() ? core_->backend->num_workers() : 0;
}

Pool::Workers Pool::workers() {
  boot();
  std::vector<int> all(static_cast<std::size_t>(std::max(1, num_workers())));
  std::iota(all.begin(), all.end(), 0);
  return {*this, std::move(all)};
}

Pool::Workers Pool::workers(std::vector<int> numbers) {
  boot();
  const int there = num_workers();
  std::vector<int> sorted = numbers;
  std::sort(sorted.begin(), sorted.end());
  if (sorted.empty() || sorted.front() < 0 || sorted.back() >= there ||
      std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    throw InvalidArgument(detail::concat("pool: workers are numbers from 0 to ", there - 1,
                                         ", at least one and none twice"));
  return {*this, std::move(numbers)};
}

void Pool::run_initializer(const detail::Initializer& initializer) {
  std::vector<TaskPtr> tasks;
  const int workers = num_workers();
  for (int w = 0; w < workers; ++w)
    tasks.push_back(submit_task(
        core_,
        {initializer.code, initializer.arguments, {.label = "initializer", .worker = w}, 0}));
  for (const auto& task : tasks) {
    task->wait({});
    try {
      (void)task->result();
    } catch (const std::exception& e) {
      const auto* origin = remote_origin(e);
      core_->broken = detail::concat(
          "the pool's initializer failed: ", origin ? origin->text() + ": " : "", e.what());
    }
  }
}
void Pool::shutdown(Waiting waiting, Pending pending) { core_->shutdown(waiting, pending); }

bool Pool::is_open() const noexcept {
  const std::lock_guard lock(core_->mutex);
  return core_->open;
}

bool Pool::has_gangs() const { return core_->backend->has_gangs(); }
const std::shared_ptr<Backend>& Pool::backend() const noexcept { return core_->backend; }

std::uint64_t Pool::next_id() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace kronsolve
