#include "exec/syncro_pool.hpp"

#include <algorithm>
#include <array>
#include <thread>

#include <kronsolve/core/comm_objects.hpp>

namespace kronsolve::detail {

class SyncroTask final : public TaskState {
 public:
  SyncroTask(std::shared_ptr<SyncroPool> pool, std::uint64_t number, std::vector<int> members)
      : TaskState(pool), pool_(std::move(pool)), number_(number), members_(std::move(members)) {}

  /// It ran when it was submitted: every rank says so, also before the result was broadcast.
  TaskStatus status() const override { return resolved_ ? TaskState::status() : TaskStatus::done; }
  bool cancel() override {
    throw NotSupported(
        "cancel: in syncro mode a task runs when it is submitted and cannot be cancelled");
  }
  bool wait(std::optional<Clock::time_point>) override;

  std::uint64_t number() const noexcept { return number_; }
  int owner() const noexcept { return members_.front(); }
  const std::vector<int>& members() const noexcept { return members_; }
  bool resolved() const noexcept { return resolved_; }
  Outcome outcome;  ///< on the ranks that ran it

 private:
  std::shared_ptr<SyncroPool> pool_;
  std::uint64_t number_;
  std::vector<int> members_;
  bool resolved_ = false;
};

namespace {

/// Waits for a request without using the core: the others may compute for hours.
void wait_gently(MPI_Request& request) {
  auto pause = std::chrono::microseconds(1);
  constexpr auto longest = std::chrono::microseconds(1000);
  for (int tries = 0;; ++tries) {
    int done = 0;
    check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
    if (done) return;
    if (tries < 100) {
      std::this_thread::yield();
      continue;
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, longest);
  }
}

}  // namespace

bool SyncroTask::wait(std::optional<Clock::time_point>) {
  if (resolved_) return true;
  const Comm& comm = pool_->control_;
  // Which task is asked for, and what was submitted before, must be the same on all ranks; the
  // lowest rank whose part failed speaks for all. Minima of x and ~x give minimum and maximum in
  // one reduction.
  const auto failed = static_cast<std::uint64_t>(outcome.failure ? comm.rank() : comm.size());
  std::array<std::uint64_t, 5> facts = {number_, ~number_, pool_->history_, ~pool_->history_,
                                        failed};
  if (comm.size() > 1) {
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Iallreduce(MPI_IN_PLACE, facts.data(), static_cast<int>(facts.size()),
                             MPI_UINT64_T, MPI_MIN, comm.handle(), &request),
              "MPI_Iallreduce");
    wait_gently(request);
  }
  if (facts[0] != ~facts[1] || facts[2] != ~facts[3])
    throw InvalidArgument(concat(
        "syncro mode: rank ", comm.rank(), " asks for the result of task ", number_,
        facts[0] != ~facts[1] ? concat(", other ranks for tasks from ", facts[0], " to ", ~facts[1])
                              : std::string(", but the ranks have submitted different tasks"),
        "; every rank must submit the same tasks and ask for their results in the same order"));
  const bool fails = facts[4] < static_cast<std::uint64_t>(comm.size());
  const int speaker = fails ? static_cast<int>(facts[4]) : owner();
  if (fails) {
    const auto told = broadcast_object(comm, std::pair(outcome.failure, host_name()), speaker);
    resolved_ = true;
    fail(told.first.rebuilt(speaker, told.second));
  } else {
    Message message = broadcast_message(comm, std::move(outcome.result), speaker);
    resolved_ = true;
    finish(std::move(message));
  }
  return true;
}

SyncroPool::SyncroPool(const Comm& world, const Initializer& initializer)
    : Backend(world.size()), control_(world.duplicate()), world_(world.duplicate()) {
  context_.rank = world_.rank();
  context_.size = world_.size();
  context_.comm = &world_;
  if (!initializer.present) return;
  const Failure failure =
      run_initializer(initializer.code, MessageReader(initializer.arguments), context_);
  const int first = control_.all_reduce(failure ? control_.rank() : control_.size(), Reduce::min);
  if (first < control_.size())
    broken_ = control_.broadcast(concat("the pool's initializer failed on rank ", first, ": ",
                                        failure.type, ": ", failure.text),
                                 first);
}

std::vector<int> SyncroPool::choose_gang(int ranks) {
  std::vector<int> members;
  for (int i = 0; i < ranks; ++i) members.push_back((gang_offset_ + i) % world_.size());
  // The next gang begins where this one ends, so that consecutive small gangs run side by side.
  gang_offset_ = ranks == world_.size() ? 0 : (gang_offset_ + ranks) % world_.size();
  return members;
}

Outcome SyncroPool::run(const TaskSpec& spec, const std::vector<int>& members) {
  if (std::find(members.begin(), members.end(), world_.rank()) == members.end()) return {};
  Comm gang;
  if (members.size() > 1) gang = world_.group(members);
  context_.report = reports_to(spec.options.on_report);
  const WorkerScope scope(context_);
  return run_task(spec.code, MessageReader(spec.arguments), spec.ranks > 0 ? &gang : nullptr);
}

/// The number of a new task. `place`: what else it depends on, the worker or the task before it.
std::uint64_t SyncroPool::number_task(const TaskSpec& spec, std::uint64_t place) {
  for (const std::uint64_t fact :
       {spec.code.name_hash, static_cast<std::uint64_t>(spec.ranks), place, submitted_})
    history_ = (history_ ^ fact) * 0x100000001b3u;
  return submitted_++;
}

TaskPtr SyncroPool::submit_checked(TaskSpec spec) {
  if (!broken_.empty()) throw BrokenPool(broken_);
  const auto& worker = spec.options.worker;
  const std::uint64_t number =
      number_task(spec, worker ? static_cast<std::uint64_t>(*worker) + 1 : 0);
  std::vector<int> members;
  if (spec.ranks > 0)
    members = choose_gang(spec.ranks);
  else
    members = {worker ? *worker
                      : static_cast<int>(number % static_cast<std::uint64_t>(world_.size()))};
  auto task = std::make_shared<SyncroTask>(std::static_pointer_cast<SyncroPool>(shared_from_this()),
                                           number, members);
  task->outcome = run(spec, members);
  return task;
}

TaskPtr SyncroPool::submit_after_checked(const TaskPtr& before, TaskSpec spec) {
  if (!broken_.empty()) throw BrokenPool(broken_);
  auto& first = static_cast<SyncroTask&>(*before);
  // Any member of a gang may have failed: only together do the ranks know.
  if (first.members().size() > 1) first.wait({});
  const std::uint64_t number = number_task(spec, first.number());
  const std::vector<int> members = {first.owner()};
  auto task = std::make_shared<SyncroTask>(std::static_pointer_cast<SyncroPool>(shared_from_this()),
                                           number, members);
  if (world_.rank() != first.owner()) return task;
  Outcome earlier;
  if (first.resolved()) {
    try {
      earlier.result = before->result();
    } catch (...) {
      earlier.failure = Failure::current();
    }
  } else {
    earlier = first.outcome;
  }
  if (earlier.failure) {
    task->outcome.failure = earlier.failure;
    return task;
  }
  spec.arguments = std::move(earlier.result.append(spec.arguments));
  task->outcome = run(spec, members);
  return task;
}

void SyncroPool::boot(Waiting) {
  if (!broken_.empty()) throw BrokenPool(broken_);
}
int SyncroPool::num_workers() { return closed_ || !broken_.empty() ? 0 : world_.size(); }
void SyncroPool::shutdown(Waiting, Pending) { closed_ = true; }

}  // namespace kronsolve::detail
