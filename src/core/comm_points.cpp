#include <kronsolve/core/comm_points.hpp>

#include "core/pieces.hpp"

namespace kronsolve {

namespace detail {

namespace {

/// As for_each_piece, but an empty message is a message.
template <class F>
void in_pieces(const void* data, index_t count, MPI_Datatype type, const F& f) {
  if (count == 0)
    f(static_cast<char*>(const_cast<void*>(data)), 0);
  else
    for_each_piece(data, count, type, [&](char* at, int n, index_t) { f(at, n); });
}

/// One process would wait for itself.
void require_sent(const Comm& comm, int from, int tag) {
  if (!comm.is_serial()) return;
  int found = 0;
  check_mpi(MPI_Iprobe(from, tag, comm.handle(), &found, MPI_STATUS_IGNORE), "MPI_Iprobe");
  if (found == 0)
    throw InvalidArgument(
        "receive: a serial Comm is one process, and it has not sent anything to itself");
}

}  // namespace

void send(const Comm& comm, const void* data, index_t count, MPI_Datatype type, int to, int tag) {
  if (comm.is_serial())
    throw InvalidArgument(
        "send: a serial Comm is one process, which cannot receive while it sends; start_send can "
        "be received later");
  in_pieces(data, count, type, [&](const char* at, int n) {
    check_mpi(MPI_Send(at, n, type, to, tag, comm.handle()), "MPI_Send");
  });
}

void receive(const Comm& comm, void* data, index_t count, MPI_Datatype type, int from, int tag) {
  require_sent(comm, from, tag);
  in_pieces(data, count, type, [&](char* at, int n) {
    MPI_Status status;
    check_mpi(MPI_Recv(at, n, type, from, tag, comm.handle(), &status), "MPI_Recv");
    int got = 0;
    check_mpi(MPI_Get_count(&status, type, &got), "MPI_Get_count");
    if (got != n)
      throw MpiError(MPI_ERR_COUNT,
                     concat("receive: ", got, " elements came where ", n,
                            " were expected; use probe() where the length is not known"));
    // Whoever sent the first piece sends the others.
    from = status.MPI_SOURCE;
    tag = status.MPI_TAG;
  });
}

Transfer::Transfer(const Comm& comm, Kind kind, void* data, index_t count, MPI_Datatype type,
                   int other, int tag)
    : kind_(kind) {
  const bool receives = kind == Kind::receive || kind == Kind::persistent_receive;
  if (receives && count > piece && (other == any_rank || tag == any_tag))
    throw InvalidArgument(concat("receive: ", count,
                                 " elements from any rank come in pieces, and another's may come "
                                 "between; name the rank"));
  const MPI_Comm raw = comm.handle();
  in_pieces(data, count, type, [&](char* at, int n) {
    MPI_Request& r = requests_.emplace_back();
    switch (kind) {
      case Kind::send:
        return check_mpi(MPI_Isend(at, n, type, other, tag, raw, &r), "MPI_Isend");
      case Kind::receive:
        return check_mpi(MPI_Irecv(at, n, type, other, tag, raw, &r), "MPI_Irecv");
      case Kind::persistent_send:
        return check_mpi(MPI_Send_init(at, n, type, other, tag, raw, &r), "MPI_Send_init");
      case Kind::persistent_receive:
        return check_mpi(MPI_Recv_init(at, n, type, other, tag, raw, &r), "MPI_Recv_init");
    }
  });
}

Transfer::~Transfer() {
  if (!Environment::running()) return;
  for (MPI_Request& request : requests_) {
    if (request == MPI_REQUEST_NULL) continue;
    if (kind_ == Kind::receive) MPI_Cancel(&request);
    MPI_Wait(&request, MPI_STATUS_IGNORE);  // at once for what is cancelled or not started
    if (request != MPI_REQUEST_NULL) MPI_Request_free(&request);
  }
}

void Transfer::start() {
  check_mpi(MPI_Startall(static_cast<int>(requests_.size()), requests_.data()), "MPI_Startall");
}

void Transfer::wait() {
  check_mpi(MPI_Waitall(static_cast<int>(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE),
            "MPI_Waitall");
}

bool Transfer::test() {
  int done = 0;
  check_mpi(
      MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done, MPI_STATUSES_IGNORE),
      "MPI_Testall");
  return done != 0;
}

void scatter_v(const Comm& comm, const void* all, std::span<const index_t> counts, void* mine,
               MPI_Datatype type, int root) {
  const auto me = static_cast<std::size_t>(comm.rank());
  std::vector<Transfer> transfers;
  transfers.emplace_back(comm, Transfer::Kind::receive, mine, counts[me], type, root, scatter_tag);
  if (comm.rank() == root) {
    int size = 0;
    check_mpi(MPI_Type_size(type, &size), "MPI_Type_size");
    auto* at = static_cast<char*>(const_cast<void*>(all));
    for (std::size_t r = 0; r < counts.size(); ++r) {
      transfers.emplace_back(comm, Transfer::Kind::send, at, counts[r], type, static_cast<int>(r),
                             scatter_tag);
      at += counts[r] * size;
    }
  }
  for (auto& t : transfers) t.wait();
}

void scan(const Comm& comm, void* values, index_t count, MPI_Datatype type, Reduce op) {
  in_pieces(values, count, type, [&](char* at, int n) {
    check_mpi(MPI_Scan(MPI_IN_PLACE, at, n, type, operation(op), comm.handle()), "MPI_Scan");
  });
}

void reduce(const Comm& comm, void* values, index_t count, MPI_Datatype type, Reduce op, int root) {
  const bool mine = comm.rank() == root;
  in_pieces(values, count, type, [&](char* at, int n) {
    check_mpi(MPI_Reduce(mine ? MPI_IN_PLACE : at, at, n, type, operation(op), root, comm.handle()),
              "MPI_Reduce");
  });
}

}  // namespace detail

index_t Matched::count_of(MPI_Datatype type) const {
  int count = 0;
  check_mpi(MPI_Get_count(&status_, type, &count), "MPI_Get_count");
  if (count == MPI_UNDEFINED)
    throw MpiError(MPI_ERR_TYPE,
                   "Matched: the message does not consist of whole elements of this type");
  return count;
}

void Matched::receive_into(void* data, index_t count, MPI_Datatype type) {
  if (message_ == MPI_MESSAGE_NULL)
    throw InvalidArgument("Matched: this message was received before");
  check_mpi(MPI_Mrecv(data, static_cast<int>(count), type, &message_, MPI_STATUS_IGNORE),
            "MPI_Mrecv");
}

Matched probe(const Comm& comm, int from, int tag) {
  detail::require_sent(comm, from, tag);
  MPI_Message message = MPI_MESSAGE_NULL;
  MPI_Status status;
  check_mpi(MPI_Mprobe(from, tag, comm.handle(), &message, &status), "MPI_Mprobe");
  return {message, status};
}

std::optional<Matched> try_probe(const Comm& comm, int from, int tag) {
  MPI_Message message = MPI_MESSAGE_NULL;
  MPI_Status status;
  int found = 0;
  check_mpi(MPI_Improbe(from, tag, comm.handle(), &found, &message, &status), "MPI_Improbe");
  if (found == 0) return {};
  return Matched(message, status);
}

}  // namespace kronsolve
