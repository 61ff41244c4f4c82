#pragma once

#include <memory>
#include <optional>

#include <kronsolve/core/comm.hpp>

#include "exec/channel.hpp"
#include "exec/handshake.hpp"
#include "exec/launcher.hpp"

namespace kronsolve::detail {

class RemotePool;

/// What one rank of a communicator needs to own a pool, and the others to work for it.
struct RankRoles {
  std::optional<Listener> listener;  ///< of the owner alone
  WorkerTicket ticket;
  Comm workers;  ///< all but the owner, whose own is serial
};
/// Collective.
RankRoles assign_roles(const Comm& comm, int owner);

/// Ends what is left of a pool on ranks: tasks are waited for. A worker stuck in a task that was
/// given up ends the job.
void dismiss(std::shared_ptr<RemotePool>& pool);

}  // namespace kronsolve::detail
