// Counts that one MPI call does not take: above the size of the pieces that messages are cut into,
// and, as a long test with KRONSOLVE_TEST_COUNT, above 2^31.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <unistd.h>

#include <kronsolve/core/comm_objects.hpp>
#include <kronsolve/core/comm_points.hpp>
#include <kronsolve/core/comm_windows.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::world;
using Bytes = std::vector<char>;

index_t large_count() {
  const char* text = std::getenv("KRONSOLVE_TEST_COUNT");
  return text ? std::atoll(text) : (index_t{1} << 26) + 3;
}

/// Something else at every place, also one piece further on.
char byte_at(index_t i, int salt) {
  return static_cast<char>((static_cast<std::uint64_t>(i) * 0x9e3779b97f4a7c15u >> 40) +
                           static_cast<unsigned>(salt));
}

Bytes bytes_of(int salt, index_t begin = 0, index_t end = large_count()) {
  Bytes values(static_cast<std::size_t>(end - begin));
  for (index_t i = begin; i < end; ++i)
    values[static_cast<std::size_t>(i - begin)] = byte_at(i, salt);
  return values;
}

bool are_bytes_of(std::span<const char> values, int salt, index_t begin = 0,
                  index_t end = large_count()) {
  if (static_cast<index_t>(values.size()) != end - begin) return false;
  for (index_t i = begin; i < end; ++i)
    if (values[static_cast<std::size_t>(i - begin)] != byte_at(i, salt)) return false;
  return true;
}

RowRange mine() { return RowPartition(large_count(), world().size()).range(world().rank()); }

TEST(LargeCounts, blocking_owned_and_persistent_messages) {
  const Comm& comm = world();
  if (comm.size() == 1) GTEST_SKIP() << "messages need two ranks";
  if (comm.is_root()) {
    const Bytes values = bytes_of(1);
    send(comm, std::span<const char>(values), 1, 1);
    (void)start_send(comm, bytes_of(2), 1, 2).wait();
    auto again = Persistent<char>::sender(comm, large_count(), 1, 3);
    for (int round = 3; round < 5; ++round) {
      const Bytes next = bytes_of(round);
      std::copy(next.begin(), next.end(), again.buffer().begin());
      again.start();
      again.wait();
    }
    send_object(comm, std::pair(std::string("all"), bytes_of(5)), 1, 4);
  } else if (comm.rank() == 1) {
    {
      Bytes values(static_cast<std::size_t>(large_count()));
      receive(comm, std::span(values), 0, 1);
      EXPECT_TRUE(are_bytes_of(values, 1));
    }
    EXPECT_TRUE(are_bytes_of(start_receive<char>(comm, large_count(), 0, 2).wait(), 2));
    auto again = Persistent<char>::receiver(comm, large_count(), 0, 3);
    for (int round = 3; round < 5; ++round) {
      again.start();
      again.wait();
      EXPECT_TRUE(are_bytes_of(again.buffer(), round));
    }
    const auto [name, values] = receive_object<std::pair<std::string, Bytes>>(comm, 0, 4);
    EXPECT_EQ(name, "all");
    EXPECT_TRUE(are_bytes_of(values, 5));
  }
}

TEST(LargeCounts, collectives) {
  const Comm& comm = world();
  const RowRange r = mine();
  const auto n = static_cast<std::size_t>(comm.size());
  {
    Bytes values = comm.is_root() ? bytes_of(1) : Bytes(static_cast<std::size_t>(large_count()));
    comm.broadcast(std::span(values));
    EXPECT_TRUE(are_bytes_of(values, 1));
    std::vector<index_t> counts;
    for (int rank = 0; rank < comm.size(); ++rank) counts.push_back(rank == 0 ? 1 : 0);
    counts.back() += large_count() - 1;  // nearly all of it for the last
    const Bytes piece = scatter_v(comm, std::span<const char>(values), counts);
    EXPECT_EQ(static_cast<index_t>(piece.size()), counts[static_cast<std::size_t>(comm.rank())]);
    EXPECT_TRUE(are_bytes_of(
        piece, 1, comm.is_root() ? 0 : large_count() - static_cast<index_t>(piece.size()),
        comm.is_root() ? static_cast<index_t>(piece.size()) : large_count()));
  }
  EXPECT_TRUE(
      are_bytes_of(comm.all_gather_v(std::span<const char>(bytes_of(2, r.begin, r.end))), 2));
  {
    std::vector<Bytes> pieces(n);
    pieces[static_cast<std::size_t>(comm.rank()) ^ (n > 1 ? 1u : 0u)] = bytes_of(comm.rank());
    const auto got = comm.all_to_all_v(pieces);
    const int from = n > 1 ? comm.rank() ^ 1 : 0;
    EXPECT_TRUE(are_bytes_of(got[static_cast<std::size_t>(from)], from));
  }
  {
    std::vector<signed char> ones(static_cast<std::size_t>(large_count()), 1);
    comm.all_reduce(std::span(ones));
    EXPECT_EQ(std::count(ones.begin(), ones.end(), static_cast<signed char>(comm.size())),
              large_count());
    scan(comm, std::span(ones), Reduce::max);
    reduce(comm, std::span(ones), Reduce::min);
    EXPECT_EQ(ones.back(), comm.size());
  }
}

TEST(LargeCounts, windows) {
  const Comm& comm = world();
  const Window<char> window(comm, large_count());
  const int next = (comm.rank() + 1) % comm.size(),
            before = (comm.rank() + comm.size() - 1) % comm.size();
  {
    const Bytes values = bytes_of(comm.rank());
    window.put(values, next, 0);
    window.fence();
  }
  EXPECT_TRUE(are_bytes_of(window.local(), before));
  Bytes back(static_cast<std::size_t>(large_count()));
  window.get(back, next, 0);
  window.fence();
  EXPECT_TRUE(are_bytes_of(back, comm.rank()));
}

TEST(LargeCounts, vectors_in_files) {
  const Comm& comm = world();
  const char* folder = std::getenv("TMPDIR");
  const std::string path =
      comm.broadcast(detail::concat(folder ? folder : "/tmp", "/kronsolve_large_", ::getpid()));
  // All but one entry on the last rank: more than one call takes.
  const bool last = comm.rank() == comm.size() - 1, first = comm.is_root();
  const RowRange r{first ? 0 : last ? 1 : 1, last ? large_count() : first ? 1 : 1};

  write_distributed(comm, path, std::span<const char>(bytes_of(7, r.begin, r.end)));
  Bytes values(static_cast<std::size_t>(mine().size()));
  read_distributed(comm, path, std::span(values));

  EXPECT_TRUE(are_bytes_of(values, 7, mine().begin, mine().end));
  comm.barrier();
  if (comm.is_root()) std::remove(path.c_str());
}

}  // namespace
}  // namespace kronsolve
