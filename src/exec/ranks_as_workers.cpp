#include "exec/ranks_as_workers.hpp"

#include <exception>

#include <kronsolve/core/warning.hpp>
#include <kronsolve/exec/pool.hpp>

#include "exec/local_pool.hpp"
#include "exec/remote_pool.hpp"
#include "exec/worker.hpp"

namespace kronsolve {

namespace detail {

RankRoles assign_roles(const Comm& comm, int owner) {
  const bool here = comm.rank() == owner;
  const std::string host = comm.broadcast(host_name(), owner);
  const bool one_machine = comm.all(host == host_name());
  RankRoles roles;
  roles.ticket.mpi = true;
  std::string text;
  comm.agree([&] {
    if (!here) return;
    roles.listener.emplace(one_machine ? Listener::Reach::this_machine : Listener::Reach::network);
    roles.ticket.address = roles.listener->address();
    roles.ticket.secret = Secret::random().text();
    text = roles.ticket.text();
  });
  roles.ticket = WorkerTicket::parse(comm.broadcast(text, owner));
  roles.workers = comm.split(here ? -1 : 0);
  return roles;
}

void dismiss(std::shared_ptr<RemotePool>& pool) {
  pool->shutdown(Waiting::wait, Pending::finish);
  if (pool->has_lost_workers()) {
    warn("a worker is still in a task that was given up; the job is ended");
    Environment::abort(1);
  }
  pool.reset();
}

}  // namespace detail

namespace {

void own_pool(const Comm& comm, detail::RankRoles roles, const std::function<void(Pool&)>& f) {
  auto workers = std::make_shared<detail::RemotePool>(comm.size() - 1, std::move(*roles.listener),
                                                      detail::Secret::parse(roles.ticket.secret));
  std::exception_ptr error;
  try {
    Pool pool(workers, true);
    f(pool);
  } catch (...) {
    error = std::current_exception();
  }
  detail::dismiss(workers);
  if (error) std::rethrow_exception(error);
}

void work_for_pool(const detail::RankRoles& roles) {
  detail::PoolConnection connection(roles.ticket);
  connection.serve(&roles.workers, roles.workers.rank(), roles.workers.size());
  connection.leave();
}

}  // namespace

void with_pool(const Comm& comm, int root, const std::function<void(Pool&)>& f) {
  comm.require_all(
      root >= 0 && root < comm.size(),
      detail::concat("with_pool: root must be in [0, ", comm.size() - 1, "], got ", root));
  comm.require_all(!this_worker::is_task(), "with_pool: a task cannot have a pool");
  if (comm.size() == 1) {
    Pool pool(std::make_shared<detail::LocalPool>(1, 1, detail::Initializer{}), true);
    return f(pool);
  }
  detail::RankRoles roles = detail::assign_roles(comm, root);
  comm.agree([&] {
    if (comm.rank() == root)
      own_pool(comm, std::move(roles), f);
    else
      work_for_pool(roles);
  });
}

}  // namespace kronsolve
