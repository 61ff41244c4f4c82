#pragma once

#include <kronsolve/exec/backend.hpp>
#include <kronsolve/exec/this_worker.hpp>

namespace kronsolve::detail {

/// Every rank runs the program and submits the same tasks: task i runs at once on rank i modulo the
/// number of ranks, its result is broadcast when it is asked for.
class SyncroPool final : public Backend {
 public:
  /// Collective. Control and the computations of tasks have communicators of their own.
  SyncroPool(const Comm& world, const Initializer& initializer);

  void boot(Waiting waiting) override;
  int num_workers() override;
  void shutdown(Waiting waiting, Pending pending) override;
  bool is_collective() const noexcept override { return true; }
  bool has_gangs() const noexcept override { return true; }

 protected:
  TaskPtr submit_checked(TaskSpec spec) override;
  TaskPtr submit_after_checked(const TaskPtr& before, TaskSpec spec) override;

 private:
  friend class SyncroTask;
  std::vector<int> choose_gang(int ranks);
  std::uint64_t number_task(const TaskSpec& spec, std::uint64_t place);
  Outcome run(const TaskSpec& spec, const std::vector<int>& members);

  Comm control_, world_;
  WorkerContext context_;
  std::uint64_t submitted_ = 0;  // tasks, all kinds
  std::uint64_t history_ =
      0;  // hash of what was submitted, equal on all ranks of a correct program
  int gang_offset_ = 0;
  bool closed_ = false;
  std::string broken_;
};

}  // namespace kronsolve::detail
