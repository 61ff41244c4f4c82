#include <algorithm>

#include <kronsolve/core/comm_objects.hpp>

namespace kronsolve {

namespace detail {

namespace {

/// Sizes first (one message), then the stream and each block.
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

}  // namespace detail

ObjectInFlight::ObjectInFlight(const Comm& comm, Message message, int to, int tag)
    : parts_(new Parts{std::move(message), {}}) {
  parts_->sizes = detail::sizes_of(parts_->message);
  const auto send = [&](const void* data, std::size_t count, MPI_Datatype type) {
    if (count > 0)
      transfers_.emplace_back(comm, detail::Transfer::Kind::send, const_cast<void*>(data),
                              static_cast<index_t>(count), type, to, tag);
  };
  send(parts_->sizes.data(), parts_->sizes.size(), MPI_UINT64_T);
  send(parts_->message.stream.data(), parts_->message.stream.size(), MPI_BYTE);
  for (const auto& block : parts_->message.blocks) send(block.data(), block.size(), MPI_BYTE);
}

bool ObjectInFlight::test() {
  return std::all_of(transfers_.begin(), transfers_.end(), [](auto& t) { return t.test(); });
}

void ObjectInFlight::wait() {
  for (auto& t : transfers_) t.wait();
}

namespace detail {

void send_message(const Comm& comm, const Message& message, int to, int tag) {
  if (comm.is_serial()) send(comm, nullptr, 0, MPI_BYTE, to, tag);  // says why that is not possible
  ObjectInFlight(comm, message, to, tag).wait();
}

Message receive_message(const Comm& comm, Matched head) {
  const auto sizes = head.receive<std::uint64_t>();
  if (sizes.empty())
    throw MpiError(MPI_ERR_OTHER,
                   "receive_object: what came is not an object; it was sent as plain data");
  return filled(sizes, [&](void* data, std::size_t bytes) {
    if (bytes > 0)
      receive(comm, data, static_cast<index_t>(bytes), MPI_BYTE, head.source(), head.tag());
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

}  // namespace detail

}  // namespace kronsolve
