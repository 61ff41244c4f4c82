#pragma once

#include <kronsolve/core/callable.hpp>
#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/failure.hpp>

#include "exec/channel.hpp"
#include "exec/launcher.hpp"

namespace kronsolve::detail {

/// What a worker says when it comes, and what it is told.
struct Hello {
  std::string host;
  int world = 0, rank = 0, size = 1;
  long pid = 0;
  std::uint64_t digest = 0;
  std::string program;  ///< which executable of which build it runs
  MemoryTicket memory;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(host, world, rank, size, pid, digest, program, memory);
  }
};
struct Welcome {
  int index = 0, workers = 1;
  CodeId initializer;
  bool has_initializer = false;
  MemoryTicket memory;  ///< of the owner of the pool
  bool reads_your_memory = false;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(index, workers, initializer, has_initializer, memory, reads_your_memory);
  }
};
/// What a worker says when it can take tasks.
struct Ready {
  Failure failure;  ///< of the initializer
  bool reads_your_memory = false;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(failure, reads_your_memory);
  }
};
/// This executable, the version and the number of callables it has: what tells two builds apart.
std::string program_description();

/// What precedes the arguments of a task.
struct TaskHead {
  CodeId code;
  std::string label;
  std::vector<int> gang;  ///< ranks in the workers' world; empty: an ordinary task
  bool reports = false;   ///< somebody listens to them
  template <class Archive>
  void serialize(Archive& archive) {
    archive(code, label, gang, reports);
  }
};

class OwnerConnection;

/// A worker's place in its pool. Connect early: from then on the worker cannot outlive the owner of
/// its pool.
class PoolConnection {
 public:
  explicit PoolConnection(const WorkerTicket& ticket);
  /// Serves tasks until the pool says goodbye. `world`: the communicator of all workers started
  /// together, or null.
  void serve(const Comm* world, int rank, int size);
  /// After serve(): for a process that does something else from now on.
  void leave();

 private:
  WorkerTicket ticket_;
  OwnerConnection* owner_;  // destroyed by leave() alone: its thread may outlive main
};

}  // namespace kronsolve::detail
