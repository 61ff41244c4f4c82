#include "operators/assembled/halo.hpp"

#include <algorithm>

#include <kronsolve/core/threads.hpp>

namespace kronsolve::detail {

namespace {
/// Shorter loops are not worth waking threads for.
constexpr index_t parallel_size = 1 << 15;
}  // namespace

template <Scalar T>
Halo<T>::Halo(const Comm& comm, const RowPartition& partition, std::span<const index_t> ghosts)
    : rank_(comm.rank()) {
  if (comm.size() == 1) return;
  const auto ranks = static_cast<std::size_t>(comm.size());
  std::vector<std::vector<index_t>> wanted(ranks);
  ghost_offsets_.assign(ranks + 1, 0);
  for (std::size_t r = 0, at = 0; r < ranks; ++r) {
    const RowRange owned = partition.range(static_cast<int>(r));
    const std::size_t first = at;
    while (at < ghosts.size() && ghosts[at] < owned.end) ++at;
    wanted[r].assign(ghosts.begin() + static_cast<std::ptrdiff_t>(first),
                     ghosts.begin() + static_cast<std::ptrdiff_t>(at));
    ghost_offsets_[r + 1] = static_cast<index_t>(at);
  }
  const auto asked = comm.all_to_all_v(wanted);
  send_offsets_.assign(ranks + 1, 0);
  const index_t begin = partition.range(rank_).begin;
  for (std::size_t r = 0; r < ranks; ++r) {
    for (const index_t row : asked[r])
      send_rows_.push_back(narrow<std::uint32_t>(row - begin, "rows of one rank"));
    send_offsets_[r + 1] = static_cast<index_t>(send_rows_.size());
  }
  send_.resize(send_rows_.size());
  ghosts_.resize(ghosts.size());
  prepare(forward_, comm, false);
  prepare(reverse_, comm, true);
}

template <Scalar T>
Halo<T>::Halo(const Comm& comm, const Halo& pattern, index_t width)
    : rank_(pattern.rank_),
      width_(width),
      send_offsets_(pattern.send_offsets_),
      ghost_offsets_(pattern.ghost_offsets_),
      send_rows_(pattern.send_rows_) {
  if (comm.size() == 1) return;
  send_.resize(send_rows_.size() * static_cast<std::size_t>(width));
  ghosts_.resize(pattern.ghosts_.size() * static_cast<std::size_t>(width));
  prepare(forward_, comm, false);
}

template <Scalar T>
void Halo<T>::prepare(Messages& messages, const Comm& comm, bool reverse) {
  const auto each = [&](const std::vector<index_t>& offsets, T* data, Transfer::Kind kind) {
    for (std::size_t r = 0; r + 1 < offsets.size(); ++r)
      if (const index_t count = width_ * (offsets[r + 1] - offsets[r]); count > 0)
        messages.transfers.emplace_back(comm, kind, data + width_ * offsets[r], count,
                                        mpi_type<T>(), static_cast<int>(r), halo_tag);
  };
  using Kind = Transfer::Kind;
  each(ghost_offsets_, ghosts_.data(), reverse ? Kind::persistent_send : Kind::persistent_receive);
  each(send_offsets_, send_.data(), reverse ? Kind::persistent_receive : Kind::persistent_send);
}

template <Scalar T>
void Halo<T>::Messages::start() {
  for (Transfer& t : transfers) t.start();
  active = true;
}

template <Scalar T>
void Halo<T>::Messages::wait() {
  if (!active) return;
  active = false;
  for (Transfer& t : transfers) t.wait();
}

template <Scalar T>
void Halo<T>::start(std::span<const T> x) {
  const auto count = static_cast<index_t>(send_rows_.size());
  const index_t width = width_;
  [[maybe_unused]] const int threads = width * count < parallel_size ? 1 : num_threads();
#pragma omp parallel for schedule(static) num_threads(threads)
  for (index_t i = 0; i < count; ++i)
    for (index_t j = 0; j < width; ++j)
      send_[static_cast<std::size_t>(i * width + j)] =
          x[static_cast<std::size_t>(send_rows_[static_cast<std::size_t>(i)] * width + j)];
  forward_.start();
}

template <Scalar T>
void Halo<T>::poll() noexcept {
  if (!forward_.active) return;
  try {
    bool done = true;
    for (Transfer& t : forward_.transfers) done = t.test() && done;
    if (done) forward_.active = false;
  } catch (const MpiError&) {
    // It shows again in finish().
  }
}

template <Scalar T>
void Halo<T>::finish() {
  forward_.wait();
}

template <Scalar T>
void Halo<T>::add_back(std::span<T> y) {
  reverse_.start();
  reverse_.wait();
  for (std::size_t i = 0; i < send_.size(); ++i) y[send_rows_[i]] += send_[i];
}

template <Scalar T>
index_t Halo<T>::bytes() const noexcept {
  return static_cast<index_t>(send_rows_.size() * sizeof(std::uint32_t) +
                              (send_.size() + ghosts_.size()) * sizeof(T));
}

template class Halo<double>;
template class Halo<std::complex<double>>;

}  // namespace kronsolve::detail
