#pragma once
// Messages between two ranks: spans straight from memory, in blocking, non-blocking and persistent
// form, and matched probes. Counts above 2^31 travel in pieces. Tags from 0 to 32699.
//
// A serial Comm has nobody to talk to: a blocking send there, or a receive of what was not sent
// before (start_send), throws InvalidArgument.

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

inline constexpr int any_rank = MPI_ANY_SOURCE;  ///< as `from`: whichever rank sends first
inline constexpr int any_tag = MPI_ANY_TAG;      ///< as `tag`: whatever the tag

namespace detail {

/// The requests of one transfer and its form; owned, never copied.
class KRONSOLVE_EXPORT Transfer {
 public:
  enum class Kind { send, receive, persistent_send, persistent_receive };
  Transfer() = default;
  /// Starts it, unless it is persistent. `data` must stay where it is until it is over.
  Transfer(const Comm& comm, Kind kind, void* data, index_t count, MPI_Datatype type, int other,
           int tag);
  Transfer(Transfer&& other) noexcept
      : requests_(std::exchange(other.requests_, {})), kind_(other.kind_) {}
  Transfer& operator=(Transfer&& other) noexcept {
    std::swap(requests_, other.requests_);
    std::swap(kind_, other.kind_);
    return *this;
  }
  ~Transfer();  ///< an unfinished receive is cancelled, an unfinished send waited for
  void start();
  void wait();
  bool test();

 private:
  std::vector<MPI_Request> requests_;
  Kind kind_ = Kind::send;
};

KRONSOLVE_EXPORT void send(const Comm& comm, const void* data, index_t count, MPI_Datatype type,
                           int to, int tag);
KRONSOLVE_EXPORT void receive(const Comm& comm, void* data, index_t count, MPI_Datatype type,
                              int from, int tag);

}  // namespace detail

/// Sends; returns when `values` may be changed.
template <class T>
void send(const Comm& comm, std::span<const T> values, int to, int tag = 0) {
  detail::send(comm, values.data(), static_cast<index_t>(values.size()), mpi_type<T>(), to, tag);
}
/// Receives exactly values.size() elements.
/// @throws MpiError  more were sent
template <class T>
void receive(const Comm& comm, std::span<T> values, int from, int tag = 0) {
  detail::receive(comm, values.data(), static_cast<index_t>(values.size()), mpi_type<T>(), from,
                  tag);
}

/// A transfer under way that owns its buffer, so that nobody can touch it. Moves, does not copy.
template <class T>
class InFlight {
 public:
  /// Begins the transfer; start_send() and start_receive() are the ways to make one.
  InFlight(const Comm& comm, detail::Transfer::Kind kind, std::vector<T> buffer, int other, int tag)
      : buffer_(std::move(buffer)),
        transfer_(comm, kind, buffer_.data(), static_cast<index_t>(buffer_.size()), mpi_type<T>(),
                  other, tag) {}
  InFlight(InFlight&&) noexcept = default;
  InFlight& operator=(InFlight&&) = delete;  // would free what is still being sent or received
  bool test() { return transfer_.test(); }   ///< true once it is over; never waits
  /// Waits and gives the buffer back: what was received, or what was sent.
  std::vector<T> wait() && {
    transfer_.wait();
    return std::move(buffer_);
  }

 private:
  std::vector<T> buffer_;
  detail::Transfer transfer_;
};

/// Begins to send a buffer, which belongs to the transfer from now on.
template <class T>
InFlight<T> start_send(const Comm& comm, std::vector<T> values, int to, int tag = 0) {
  return {comm, detail::Transfer::Kind::send, std::move(values), to, tag};
}
/// Begins to receive `count` elements.
/// @throws InvalidArgument  more than 2^26 of them from any rank or with any tag
template <class T>
InFlight<T> start_receive(const Comm& comm, index_t count, int from, int tag = 0) {
  return {comm, detail::Transfer::Kind::receive, std::vector<T>(static_cast<std::size_t>(count)),
          from, tag};
}

/// The same transfer again and again, set up once. Fill or read buffer() only between wait() and
/// start().
template <class T>
class Persistent {
 public:
  /// Sends `count` elements to rank `to` with every start(). Local.
  static Persistent sender(const Comm& comm, index_t count, int to, int tag = 0) {
    return {comm, detail::Transfer::Kind::persistent_send, count, to, tag};
  }
  /// Receives `count` elements of rank `from` with every start(). Local.
  static Persistent receiver(const Comm& comm, index_t count, int from, int tag = 0) {
    return {comm, detail::Transfer::Kind::persistent_receive, count, from, tag};
  }
  /// Filled before start() by who sends, read after wait() by who receives.
  std::span<T> buffer() noexcept { return buffer_; }
  void start() { transfer_.start(); }  ///< begins the transfer once more
  void wait() { transfer_.wait(); }    ///< returns once it is over

 private:
  Persistent(const Comm& comm, detail::Transfer::Kind kind, index_t count, int other, int tag)
      : buffer_(static_cast<std::size_t>(count)),
        transfer_(comm, kind, buffer_.data(), count, mpi_type<T>(), other, tag) {}
  std::vector<T> buffer_;
  detail::Transfer transfer_;
};

/// A message that has arrived and that nobody else can receive: of unknown length, from anybody.
class KRONSOLVE_EXPORT Matched {
 public:
  /// Used by probe.
  Matched(MPI_Message message, MPI_Status status) : message_(message), status_(status) {}
  int source() const noexcept { return status_.MPI_SOURCE; }  ///< rank that sent it
  int tag() const noexcept { return status_.MPI_TAG; }        ///< that it was sent with
  template <class T>
  index_t count() const {  ///< elements, if it was sent as elements of type T
    return count_of(mpi_type<T>());
  }
  /// Receives it. Once.
  template <class T>
  std::vector<T> receive() {
    std::vector<T> values(static_cast<std::size_t>(count<T>()));
    receive_into(values.data(), count<T>(), mpi_type<T>());
    return values;
  }

 private:
  index_t count_of(MPI_Datatype type) const;
  void receive_into(void* data, index_t count, MPI_Datatype type);
  MPI_Message message_;
  MPI_Status status_;
};
/// Waits for a message. For messages of one piece: below 2^26 elements.
KRONSOLVE_EXPORT Matched probe(const Comm& comm, int from = any_rank, int tag = any_tag);
/// A message, if there is one.
KRONSOLVE_EXPORT std::optional<Matched> try_probe(const Comm& comm, int from = any_rank,
                                                  int tag = any_tag);

// ---- collectives that Comm does not have itself ------------------------------------------------

namespace detail {
KRONSOLVE_EXPORT void scatter_v(const Comm& comm, const void* all, std::span<const index_t> counts,
                                void* mine, MPI_Datatype type, int root);
KRONSOLVE_EXPORT void scan(const Comm& comm, void* values, index_t count, MPI_Datatype type,
                           Reduce op);
KRONSOLVE_EXPORT void reduce(const Comm& comm, void* values, index_t count, MPI_Datatype type,
                             Reduce op, int root);
}  // namespace detail

/// Piece r of `all` on `root`, counts[r] elements in rank order, goes to rank r. Collective; both
/// are looked at on root only.
/// @throws DimensionError  on every rank, if counts do not add up to all
template <class T>
std::vector<T> scatter_v(const Comm& comm, std::span<const T> all, std::span<const index_t> counts,
                         int root = 0) {
  comm.agree([&] {
    if (comm.rank() != root) return;
    index_t sum = 0;
    for (const index_t c : counts) sum += c;
    if (static_cast<int>(counts.size()) != comm.size() || sum != static_cast<index_t>(all.size()))
      throw DimensionError(detail::concat("scatter_v: ", counts.size(), " counts with sum ", sum,
                                          " for ", comm.size(), " ranks and ", all.size(),
                                          " elements"));
  });
  std::vector<index_t> known(static_cast<std::size_t>(comm.size()));
  if (comm.rank() == root) known.assign(counts.begin(), counts.end());
  comm.broadcast(std::span(known), root);
  std::vector<T> mine(static_cast<std::size_t>(known[static_cast<std::size_t>(comm.rank())]));
  if (comm.size() == 1) return {all.begin(), all.end()};
  detail::scatter_v(comm, all.data(), known, mine.data(), mpi_type<T>(), root);
  return mine;
}

/// Inclusive scan: on rank r the reduction of what ranks 0 to r gave, element by element.
/// Collective.
template <class T>
void scan(const Comm& comm, std::span<T> values, Reduce op = Reduce::sum) {
  detail::check_reduce<T>(op);
  if (comm.size() > 1)
    detail::scan(comm, values.data(), static_cast<index_t>(values.size()), mpi_type<T>(), op);
}

/// The reduction on `root`; elsewhere `values` stay as they are. Collective.
template <class T>
void reduce(const Comm& comm, std::span<T> values, Reduce op = Reduce::sum, int root = 0) {
  detail::check_reduce<T>(op);
  if (comm.size() > 1)
    detail::reduce(comm, values.data(), static_cast<index_t>(values.size()), mpi_type<T>(), op,
                   root);
}

}  // namespace kronsolve
