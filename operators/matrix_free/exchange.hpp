#pragma once
// Rows of other ranks, arriving message by message into a bounded number of buffers.

#include <vector>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/comm.hpp>

#include "operators/matrix_free/block_plan.hpp"

namespace kronsolve::detail {

/// The messages of one product. Receives are persistent: two buffers per partner, used in turn. A
/// message whose rows are contiguous is sent from the vector itself, others are packed into two
/// buffers per partner.
///
/// Each ordered pair of ranks is a channel of its own that always has a receive posted for its next
/// message, so that no order of completion can block another channel.
template <Scalar T>
class Exchange {
 public:
  /// Collective.
  Exchange(const Comm& comm, const BlockPlan& plan);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  bool idle() const noexcept { return channels_in_.empty() && channels_out_.empty(); }
  /// Starts the messages of a product with x (owned rows); x must stay until wait() has said that
  /// all is done.
  void start(const T* x);
  /// Lets messages proceed without waiting. Between start and the end.
  void poke();
  struct Arrived {
    int message = -1;  ///< index in plan.messages; -1: all have arrived and all of mine are sent
    const T* rows = nullptr;
  };
  /// The next message that has arrived; the previous one's buffer is free for another.
  Arrived wait();
  index_t memory_bytes() const noexcept;

 private:
  struct In {
    int from = 0;
    std::vector<int> messages;  ///< in plan.messages, in order of sending
    std::vector<MPI_Request> requests;
    std::vector<Buffer<T>> buffers;
    std::size_t started = 0, used = 0;
  };
  struct Out {
    int to = 0;
    std::vector<std::vector<RowRange>> messages;
    std::vector<Buffer<T>> buffers;  ///< only if a message must be packed
    MPI_Request requests[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    std::size_t sent = 0;
  };
  void send_next(Out& out, std::size_t slot);
  void receive_next(In& in);

  Comm comm_;
  index_t first_row_;
  const T* x_ = nullptr;
  std::vector<In> channels_in_;
  std::vector<Out> channels_out_;
  In* in_use_ = nullptr;  ///< whose oldest buffer wait() has handed out
};

extern template class Exchange<double>;
extern template class Exchange<std::complex<double>>;

}  // namespace kronsolve::detail
