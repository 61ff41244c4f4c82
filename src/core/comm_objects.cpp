#include <algorithm>

#include <kronsolve/core/comm_objects.hpp>

namespace kronsolve::detail {

namespace {

/// Sizes first (one message), then the stream and each block, in pieces that an int can count.
constexpr std::size_t piece = std::size_t{1} << 30;

std::vector<std::uint64_t> sizes_of(const Message& message) {
  std::vector<std::uint64_t> sizes = {message.stream.size()};
  for (const auto& block : message.blocks) sizes.push_back(block.size());
  return sizes;
}

/// Memory for a message of these sizes; calls `fill(pointer, bytes)` for each part in order.
template <class Fill>
Message filled(const std::vector<std::uint64_t>& sizes, const Fill& fill) {
  Message message;
  message.stream.resize(sizes[0]);
  fill(message.stream.data(), message.stream.size());
  for (std::size_t i = 1; i < sizes.size(); ++i) {
    auto memory = std::make_shared_for_overwrite<std::byte[]>(sizes[i]);
    message.blocks.emplace_back(memory.get(), sizes[i]);
    fill(memory.get(), sizes[i]);
    message.owners.push_back(std::move(memory));
  }
  return message;
}

}  // namespace

void send_message(const Comm& comm, const Message& message, int to, int tag) {
  const auto sizes = sizes_of(message);
  check_mpi(MPI_Send(sizes.data(), narrow<int>(sizes.size(), "blocks of a message"), MPI_UINT64_T,
                     to, tag, comm.handle()),
            "MPI_Send");
  const auto send = [&](const void* data, std::size_t bytes) {
    for (std::size_t done = 0; done < bytes; done += piece)
      check_mpi(MPI_Send(static_cast<const char*>(data) + done,
                         static_cast<int>(std::min(piece, bytes - done)), MPI_BYTE, to, tag,
                         comm.handle()),
                "MPI_Send");
  };
  send(message.stream.data(), message.stream.size());
  for (const auto& block : message.blocks) send(block.data(), block.size());
}

Message receive_message(const Comm& comm, int from, int tag) {
  // A matched probe: no other thread can take the message between looking and receiving.
  MPI_Message found = MPI_MESSAGE_NULL;
  MPI_Status status;
  check_mpi(MPI_Mprobe(from, tag, comm.handle(), &found, &status), "MPI_Mprobe");
  int count = 0;
  check_mpi(MPI_Get_count(&status, MPI_UINT64_T, &count), "MPI_Get_count");
  std::vector<std::uint64_t> sizes(static_cast<std::size_t>(count));
  check_mpi(MPI_Mrecv(sizes.data(), count, MPI_UINT64_T, &found, MPI_STATUS_IGNORE), "MPI_Mrecv");
  if (sizes.empty())
    throw MpiError(MPI_ERR_OTHER,
                   "receive_object: what came is not an object; it was sent as plain data");
  return filled(sizes, [&](void* data, std::size_t bytes) {
    for (std::size_t done = 0; done < bytes; done += piece)
      check_mpi(
          MPI_Recv(static_cast<char*>(data) + done, static_cast<int>(std::min(piece, bytes - done)),
                   MPI_BYTE, status.MPI_SOURCE, status.MPI_TAG, comm.handle(), MPI_STATUS_IGNORE),
          "MPI_Recv");
  });
}

Message broadcast_message(const Comm& comm, Message message, int root) {
  if (comm.size() == 1) return message;
  const bool sends = comm.rank() == root;
  std::vector<std::uint64_t> sizes = sizes_of(message);
  std::uint64_t count = sizes.size();
  comm.broadcast(std::span(&count, 1), root);
  sizes.resize(count);
  comm.broadcast(std::span(sizes), root);
  const auto share = [&](void* data, std::size_t bytes) {
    comm.broadcast(std::span(static_cast<std::byte*>(data), bytes), root);
  };
  if (!sends) return filled(sizes, share);
  share(message.stream.data(), message.stream.size());
  for (const auto& block : message.blocks)
    share(const_cast<std::byte*>(block.data()), block.size());
  return message;
}

}  // namespace kronsolve::detail
