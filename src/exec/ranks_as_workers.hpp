#pragma once

#include <memory>
#include <optional>

#include <kronsolve/core/comm.hpp>

#include "exec/channel.hpp"
#include "exec/launcher.hpp"

namespace kronsolve::detail {

class RemotePool;

/// How one rank of a communicator becomes the owner of a pool and the others its workers.
struct Meeting {
  std::optional<Listener> listener;  ///< of the owner alone
  WorkerTicket ticket;
  Comm colleagues;  ///< of the workers; serial for the owner
};
/// Collective.
Meeting meet(const Comm& comm, int owner);

/// Ends what is left of a pool on ranks: tasks are waited for. A worker stuck in a task that was
/// given up ends the job.
void dismiss(std::shared_ptr<RemotePool>& pool);

}  // namespace kronsolve::detail
