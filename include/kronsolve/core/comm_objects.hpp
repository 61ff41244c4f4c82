#pragma once
// Whole values between ranks: anything Serializable. Large arrays in them travel straight from
// memory.

#include <optional>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/serialize.hpp>

namespace kronsolve {

namespace detail {
KRONSOLVE_EXPORT void send_message(const Comm& comm, const Message& message, int to, int tag);
KRONSOLVE_EXPORT Message receive_message(const Comm& comm, int from, int tag);
KRONSOLVE_EXPORT Message broadcast_message(const Comm& comm, Message message, int root);
}  // namespace detail

/// Sends a value to rank `to`; returns when it may be changed. Tags from 0 to 32767.
template <Serializable T>
void send_object(const Comm& comm, const T& value, int to, int tag = 0) {
  Message message;
  pack(message, value);
  detail::send_message(comm, message, to, tag);
}

/// Receives what send_object sent; the type must be the same.
template <Serializable T>
T receive_object(const Comm& comm, int from, int tag = 0) {
  const Message message = detail::receive_message(comm, from, tag);
  MessageReader reader(message);
  return unpack<T>(reader);
}

/// The value of `root` on every rank. Collective.
template <Serializable T>
T broadcast_object(const Comm& comm, T value, int root = 0) {
  if (comm.size() == 1) return value;
  Message message;
  if (comm.rank() == root) pack(message, value);
  message = detail::broadcast_message(comm, std::move(message), root);
  if (comm.rank() == root) return value;
  MessageReader reader(message);
  return unpack<T>(reader);
}

/// The values of all ranks, in rank order, on `root`; empty elsewhere. Collective.
template <Serializable T>
std::vector<T> gather_objects(const Comm& comm, const T& value, int root = 0) {
  std::vector<T> all;
  if (comm.rank() != root) {
    send_object(comm, value, root, 32766);
    return all;
  }
  for (int r = 0; r < comm.size(); ++r)
    all.push_back(r == root ? value : receive_object<T>(comm, r, 32766));
  return all;
}

/// The values of all ranks, in rank order, on every rank. Collective.
template <Serializable T>
std::vector<T> all_gather_objects(const Comm& comm, const T& value) {
  return broadcast_object(comm, gather_objects(comm, value));
}

/// Element r of `values` goes to rank r; what came, in rank order. Collective; the ranks meet in
/// pairs, one after another.
/// @throws DimensionError  on every rank, if one does not give one value per rank
template <Serializable T>
std::vector<T> all_to_all_objects(const Comm& comm, const std::vector<T>& values) {
  const int n = comm.size(), me = comm.rank();
  comm.agree([&] {
    if (values.size() != static_cast<std::size_t>(n))
      throw DimensionError(
          detail::concat("all_to_all_objects: ", values.size(), " values for ", n, " ranks"));
  });
  std::vector<T> got = values;
  for (int round = 0; round < n; ++round) {
    const int other = (round + n - me) % n;  // whose partner in this round is this rank
    const auto at = static_cast<std::size_t>(other);
    if (other > me) send_object(comm, values[at], other, 32764);
    if (other != me) got[at] = receive_object<T>(comm, other, 32764);
    if (other < me) send_object(comm, values[at], other, 32764);
  }
  return got;
}

/// Element r of `values` on `root` goes to rank r. Collective.
/// @throws DimensionError  on every rank, if root does not give one value per rank
template <Serializable T>
T scatter_objects(const Comm& comm, const std::vector<T>& values, int root = 0) {
  const bool fits = comm.rank() != root || values.size() == static_cast<std::size_t>(comm.size());
  comm.agree([&] {
    if (!fits)
      throw DimensionError(detail::concat("scatter_objects: ", values.size(), " values for ",
                                          comm.size(), " ranks"));
  });
  if (comm.rank() != root) return receive_object<T>(comm, root, 32765);
  for (int r = 0; r < comm.size(); ++r)
    if (r != root) send_object(comm, values[static_cast<std::size_t>(r)], r, 32765);
  return values[static_cast<std::size_t>(root)];
}

}  // namespace kronsolve
