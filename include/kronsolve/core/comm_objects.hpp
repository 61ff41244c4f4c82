#pragma once
// Whole values between ranks: anything Serializable. Large arrays in them travel straight from
// memory.

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/comm_points.hpp>
#include <kronsolve/core/failure.hpp>
#include <kronsolve/core/serialize.hpp>

namespace kronsolve {

/// A value on its way to another rank. Moves, does not copy; its end waits for the sending.
class KRONSOLVE_EXPORT ObjectInFlight {
 public:
  /// Begins to send what `message` holds; isend_object() is the way to make one.
  ObjectInFlight(const Comm& comm, Message message, int to, int tag);
  ObjectInFlight(ObjectInFlight&&) noexcept = default;
  ObjectInFlight& operator=(ObjectInFlight&&) = delete;  // would free what is still being sent
  bool test();                                           ///< true once it is sent; never waits
  void wait();                                           ///< returns once it is sent

 private:
  struct Parts {
    Message message;
    std::vector<std::uint64_t> sizes;
  };
  std::unique_ptr<Parts> parts_;
  std::vector<detail::Transfer> transfers_;
};

namespace detail {
KRONSOLVE_EXPORT void send_message(const Comm& comm, const Message& message, int to, int tag);
/// What was sent with the sizes that `head` holds.
KRONSOLVE_EXPORT Message receive_message(const Comm& comm, Matched head);
KRONSOLVE_EXPORT Message broadcast_message(const Comm& comm, Message message, int root);
}  // namespace detail

/// A value that has begun to arrive and that nobody else can receive.
class MatchedObject {
 public:
  /// Used by probe_object.
  MatchedObject(const Comm& comm, Matched head) : comm_(&comm), head_(head) {}
  int source() const noexcept { return head_.source(); }  ///< rank that sent it
  int tag() const noexcept { return head_.tag(); }        ///< that it was sent with
  /// Receives it. Once; the type must be the one that was sent.
  template <Serializable T>
  T receive() const {
    const Message message = detail::receive_message(*comm_, head_);
    MessageReader reader(message);
    return unpack<T>(reader);
  }

 private:
  const Comm* comm_;
  Matched head_;
};
/// Waits for a value. One thread at a time may look for values of the same rank and tag, and
/// receives what it found before it looks again.
inline MatchedObject probe_object(const Comm& comm, int from = any_rank, int tag = any_tag) {
  return {comm, probe(comm, from, tag)};
}
/// A value, if there is one.
inline std::optional<MatchedObject> try_probe_object(const Comm& comm, int from = any_rank,
                                                     int tag = any_tag) {
  if (auto head = try_probe(comm, from, tag)) return MatchedObject(comm, *head);
  return {};
}

/// Sends a value to rank `to`; returns when it may be changed, which for large ones is when they
/// are received: two ranks that send to each other use isend_object or sendrecv_object. Tags from 0
/// to 32699.
template <Serializable T>
void send_object(const Comm& comm, const T& value, int to, int tag = 0) {
  Message message;
  pack(message, value);
  detail::send_message(comm, message, to, tag);
}

/// Begins to send a value, which belongs to the transfer from now on.
template <Serializable T>
ObjectInFlight isend_object(const Comm& comm, T value, int to, int tag = 0) {
  const auto kept = std::make_shared<const T>(std::move(value));
  Message message;
  pack(message, *kept);
  message.owners.push_back(kept);
  return {comm, std::move(message), to, tag};
}

/// Receives what send_object or isend_object sent; the type must be the same.
template <Serializable T>
T receive_object(const Comm& comm, int from, int tag = 0) {
  return probe_object(comm, from, tag).template receive<T>();
}

/// Sends one value and receives another, in whatever order the ranks do.
template <Serializable T>
T sendrecv_object(const Comm& comm, const T& value, int to, int from, int tag = 0) {
  Message message;
  pack(message, value);
  ObjectInFlight going(comm, std::move(message), to, tag);
  T came = receive_object<T>(comm, from, tag);
  going.wait();
  return came;
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
    send_object(comm, value, root, detail::gather_objects_tag);
    return all;
  }
  for (int r = 0; r < comm.size(); ++r)
    all.push_back(r == root ? value : receive_object<T>(comm, r, detail::gather_objects_tag));
  return all;
}

/// The values of all ranks, in rank order, on every rank. Collective.
template <Serializable T>
std::vector<T> all_gather_objects(const Comm& comm, const T& value) {
  return broadcast_object(comm, gather_objects(comm, value));
}

/// Element r of `values` goes to rank r; what came, in rank order. Collective.
/// @throws DimensionError  on every rank, if one does not give one value per rank
template <Serializable T>
std::vector<T> all_to_all_objects(const Comm& comm, const std::vector<T>& values) {
  const int n = comm.size();
  comm.agree([&] {
    if (values.size() != static_cast<std::size_t>(n))
      throw DimensionError(
          detail::concat("all_to_all_objects: ", values.size(), " values for ", n, " ranks"));
  });
  std::vector<T> got = values;
  for (int step = 1; step < n; ++step) {
    const int to = (comm.rank() + step) % n, from = (comm.rank() + n - step) % n;
    got[static_cast<std::size_t>(from)] = sendrecv_object(
        comm, values[static_cast<std::size_t>(to)], to, from, detail::all_to_all_objects_tag);
  }
  return got;
}

/// f(... f(f(v0, v1), v2) ...) over the values of all ranks in rank order, on every rank. f must be
/// associative. Collective.
/// @throws what f throws, on every rank
template <Serializable T, class F>
T all_reduce_objects(const Comm& comm, T value, F f) {
  Failure failure;
  const int me = comm.rank();
  for (int distance = 1; distance < comm.size(); distance *= 2) {
    if (me % (2 * distance) != 0) {
      send_object(comm, std::pair(failure, value), me - distance, detail::reduce_objects_tag);
      break;
    }
    if (me + distance >= comm.size()) continue;
    auto [theirs, later] =
        receive_object<std::pair<Failure, T>>(comm, me + distance, detail::reduce_objects_tag);
    if (!failure) failure = theirs;
    if (!failure) try {
        value = f(value, later);
      } catch (...) {
        failure = Failure::current();
      }
  }
  auto [outcome, result] = broadcast_object(comm, std::pair(failure, value));
  if (outcome) outcome.rethrow();
  return result;
}

/// A value and the rank that has it.
template <class T>
struct Located {
  T value;       ///< smallest or largest of all ranks
  int rank = 0;  ///< lowest rank that has it
};
/// The smallest value, and the lowest rank that has it. Collective.
template <Serializable T>
Located<T> min_location(const Comm& comm, T value) {
  const auto [least, rank] =
      all_reduce_objects(comm, std::pair(value, comm.rank()),
                         [](const auto& a, const auto& b) { return b.first < a.first ? b : a; });
  return {least, rank};
}
/// The largest value, and the lowest rank that has it. Collective.
template <Serializable T>
Located<T> max_location(const Comm& comm, T value) {
  const auto [most, rank] =
      all_reduce_objects(comm, std::pair(value, comm.rank()),
                         [](const auto& a, const auto& b) { return a.first < b.first ? b : a; });
  return {most, rank};
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
  if (comm.rank() != root) return receive_object<T>(comm, root, detail::scatter_objects_tag);
  for (int r = 0; r < comm.size(); ++r)
    if (r != root)
      send_object(comm, values[static_cast<std::size_t>(r)], r, detail::scatter_objects_tag);
  return values[static_cast<std::size_t>(root)];
}

}  // namespace kronsolve
