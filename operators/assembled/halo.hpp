#pragma once
// The entries of a distributed vector that a rank needs and does not own: who sends what to whom,
// with the messages prepared once.

#include <cstdint>
#include <span>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/comm_points.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/core/scalar.hpp>

namespace kronsolve::detail {

template <Scalar T>
class Halo {
 public:
  Halo() = default;
  /// Collective.
  /// @param ghosts  global rows wanted by this rank, ascending, none of them its own
  Halo(const Comm& comm, const RowPartition& partition, std::span<const index_t> ghosts);
  /// The same entries of several vectors side by side, entry i of vector j at [i * width + j]; no
  /// add_back. Local.
  Halo(const Comm& comm, const Halo& pattern, index_t width);
  Halo(Halo&&) = delete;
  Halo& operator=(Halo&&) = delete;

  /// Starts fetching; x must stay unchanged until finish().
  void start(std::span<const T> x);
  /// Lets messages move on; call now and then between start and finish, from one thread at a time.
  void poll() noexcept;
  void finish();
  /// After finish(): the entries asked for, in their order. Before add_back(): what to send back.
  std::span<T> ghosts() noexcept { return ghosts_; }
  /// Sends ghosts() to their owners, which add them to y. Complete on return.
  void add_back(std::span<T> y);

  index_t ghost_count() const noexcept { return static_cast<index_t>(ghosts_.size()); }
  index_t bytes() const noexcept;

 private:
  /// The messages in one direction.
  struct Messages {
    std::vector<Transfer> transfers;
    bool active = false;
    void start();
    void wait();
  };
  void prepare(Messages& messages, const Comm& comm, bool reverse);

  int rank_ = 0;
  index_t width_ = 1;
  std::vector<index_t> send_offsets_, ghost_offsets_;  // per partner rank
  std::vector<std::uint32_t> send_rows_;               // local rows that others want
  std::vector<T> send_, ghosts_;
  Messages forward_, reverse_;
};

extern template class Halo<double>;
extern template class Halo<std::complex<double>>;

}  // namespace kronsolve::detail
