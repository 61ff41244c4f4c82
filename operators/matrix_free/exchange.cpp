#include "operators/matrix_free/exchange.hpp"

#include <algorithm>

#include <kronsolve/core/error.hpp>

namespace kronsolve::detail {

template <Scalar T>
Exchange<T>::Exchange(const Comm& comm, const BlockPlan& plan)
    : comm_(comm.duplicate()), first_row_(plan.rows.range(comm.rank()).begin) {
  if (comm.size() == 1) return;
  // Who wants what: each rank tells the owners, message by message.
  std::vector<std::vector<index_t>> wants(static_cast<std::size_t>(comm.size()));
  for (std::size_t m = 0; m < plan.messages.size(); ++m) {
    const Message& message = plan.messages[m];
    auto& to = wants[static_cast<std::size_t>(message.from)];
    to.push_back(static_cast<index_t>(message.rows.size()));
    for (const auto& range : message.rows) to.insert(to.end(), {range.begin, range.end});
    auto at = std::find_if(channels_in_.begin(), channels_in_.end(),
                           [&](const In& in) { return in.from == message.from; });
    if (at == channels_in_.end()) {
      at = channels_in_.insert(at, In{});
      at->from = message.from;
    }
    at->messages.push_back(static_cast<int>(m));
  }
  const auto asked = comm_.all_to_all_v(wants);
  for (int r = 0; r < comm_.size(); ++r) {
    const auto& list = asked[static_cast<std::size_t>(r)];
    if (list.empty()) continue;
    Out out;
    out.to = r;
    index_t packed = 0;
    for (std::size_t i = 0; i < list.size();) {
      auto& ranges = out.messages.emplace_back();
      index_t size = 0;
      for (index_t left = list[i++]; left > 0; --left, i += 2) {
        ranges.push_back({list[i], list[i + 1]});
        size += ranges.back().size();
      }
      if (ranges.size() > 1) packed = std::max(packed, size);
    }
    if (packed > 0)
      for (std::size_t k = 0; k < std::min<std::size_t>(2, out.messages.size()); ++k)
        out.buffers.emplace_back(packed);
    channels_out_.push_back(std::move(out));
  }
  for (auto& in : channels_in_) {
    index_t largest = 0;
    for (const int m : in.messages)
      largest = std::max(largest, plan.messages[static_cast<std::size_t>(m)].size);
    for (std::size_t k = 0; k < std::min<std::size_t>(2, in.messages.size()); ++k)
      in.buffers.emplace_back(largest);
    for (std::size_t k = 0; k < in.messages.size(); ++k) {
      const index_t size = plan.messages[static_cast<std::size_t>(in.messages[k])].size;
      check_mpi(MPI_Recv_init(in.buffers[k % 2].data(), narrow<int>(size, "entries of a message"),
                              mpi_type<T>(), in.from, exchange_tag, comm_.handle(),
                              &in.requests.emplace_back()),
                "MPI_Recv_init");
    }
  }
}

template <Scalar T>
Exchange<T>::~Exchange() {
  if (channels_in_.empty() || !Environment::running()) return;
  for (auto& in : channels_in_)
    for (auto& request : in.requests) MPI_Request_free(&request);
}

template <Scalar T>
void Exchange<T>::send_next(Out& out, std::size_t slot) {
  if (out.sent == out.messages.size()) return;
  const auto& ranges = out.messages[out.sent++];
  const T* data = x_ + (ranges[0].begin - first_row_);
  index_t size = ranges[0].size();
  if (ranges.size() > 1) {
    T* to = out.buffers[slot].data();
    data = to;
    for (const auto& range : ranges)
      to = std::copy(x_ + (range.begin - first_row_), x_ + (range.end - first_row_), to);
    size = to - data;
  }
  check_mpi(MPI_Isend(data, narrow<int>(size, "entries of a message"), mpi_type<T>(), out.to,
                      exchange_tag, comm_.handle(), &out.requests[slot]),
            "MPI_Isend");
}

template <Scalar T>
void Exchange<T>::receive_next(In& in) {
  if (in.started == in.requests.size()) return;
  check_mpi(MPI_Start(&in.requests[in.started++]), "MPI_Start");
}

template <Scalar T>
void Exchange<T>::start(const T* x) {
  x_ = x;
  in_use_ = nullptr;
  for (auto& in : channels_in_) {
    in.started = in.used = 0;
    for (int k = 0; k < 2; ++k) receive_next(in);
  }
  for (auto& out : channels_out_) {
    out.sent = 0;
    for (std::size_t slot = 0; slot < 2; ++slot) send_next(out, slot);
  }
}

template <Scalar T>
void Exchange<T>::poke() {
  for (auto& out : channels_out_)
    for (std::size_t slot = 0; slot < 2; ++slot) {
      if (out.requests[slot] == MPI_REQUEST_NULL) continue;
      int done = 0;
      check_mpi(MPI_Test(&out.requests[slot], &done, MPI_STATUS_IGNORE), "MPI_Test");
      if (done != 0) send_next(out, slot);
    }
  for (auto& in : channels_in_)
    if (in.used < in.started) {
      int done = 0;  // only asks; the request stays to be waited for
      check_mpi(MPI_Request_get_status(in.requests[in.used], &done, MPI_STATUS_IGNORE),
                "MPI_Request_get_status");
    }
}

template <Scalar T>
typename Exchange<T>::Arrived Exchange<T>::wait() {
  if (in_use_ != nullptr) {
    receive_next(*in_use_);
    in_use_ = nullptr;
  }
  std::vector<MPI_Request> requests;
  std::vector<std::pair<std::size_t, std::size_t>> owner;  // channel, slot
  for (;;) {
    requests.clear();
    owner.clear();
    for (std::size_t c = 0; c < channels_in_.size(); ++c)
      if (channels_in_[c].used < channels_in_[c].started) {
        requests.push_back(channels_in_[c].requests[channels_in_[c].used]);
        owner.emplace_back(c, 0);
      }
    const std::size_t receives = requests.size();
    for (std::size_t c = 0; c < channels_out_.size(); ++c)
      for (std::size_t slot = 0; slot < 2; ++slot)
        if (channels_out_[c].requests[slot] != MPI_REQUEST_NULL) {
          requests.push_back(channels_out_[c].requests[slot]);
          owner.emplace_back(c, slot);
        }
    if (requests.empty()) return {};
    int index = 0;
    check_mpi(
        MPI_Waitany(static_cast<int>(requests.size()), requests.data(), &index, MPI_STATUS_IGNORE),
        "MPI_Waitany");
    const auto i = static_cast<std::size_t>(index);
    if (i >= receives) {
      Out& out = channels_out_[owner[i].first];
      out.requests[owner[i].second] = MPI_REQUEST_NULL;
      send_next(out, owner[i].second);
      continue;
    }
    In& in = channels_in_[owner[i].first];
    in_use_ = &in;
    const std::size_t k = in.used++;
    return {in.messages[k], in.buffers[k % 2].data()};
  }
}

template <Scalar T>
index_t Exchange<T>::memory_bytes() const noexcept {
  index_t entries = 0;
  for (const auto& in : channels_in_)
    for (const auto& b : in.buffers) entries += b.size();
  for (const auto& out : channels_out_)
    for (const auto& b : out.buffers) entries += b.size();
  return entries * static_cast<index_t>(sizeof(T));
}

template class Exchange<double>;
template class Exchange<std::complex<double>>;

}  // namespace kronsolve::detail
