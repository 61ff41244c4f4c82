#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <numeric>

#include <unistd.h>

#include <kronsolve/core/comm_points.hpp>
#include <kronsolve/core/comm_windows.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::world;

std::vector<double> values_of(int rank, std::size_t n) {
  std::vector<double> v(n);
  std::iota(v.begin(), v.end(), 1000.0 * rank);
  return v;
}

struct Ring {
  const Comm& comm = world();
  int next = (comm.rank() + 1) % comm.size(),
      before = (comm.rank() + comm.size() - 1) % comm.size();
};

TEST(Points, spans_go_round_the_ring) {
  const Ring ring;
  if (ring.comm.size() == 1) GTEST_SKIP() << "a blocking ring of one waits for itself";
  for (const std::size_t n : {0u, 1u, 100'000u}) {
    const auto mine = values_of(ring.comm.rank(), n);
    std::vector<double> got(n);

    if (ring.comm.rank() % 2 == 0) send(ring.comm, std::span<const double>(mine), ring.next, 3);
    receive(ring.comm, std::span(got), ring.before, 3);
    if (ring.comm.rank() % 2 == 1) send(ring.comm, std::span<const double>(mine), ring.next, 3);

    EXPECT_EQ(got, values_of(ring.before, n));
  }
}

TEST(Points, transfers_own_their_buffers) {
  const Ring ring;

  auto coming = start_receive<double>(ring.comm, 5000, ring.before, 1);
  auto going = start_send(ring.comm, values_of(ring.comm.rank(), 5000), ring.next, 1);
  auto moved = std::move(coming);  // the request goes with the buffer

  EXPECT_EQ(std::move(moved).wait(), values_of(ring.before, 5000));
  EXPECT_EQ(std::move(going).wait(), values_of(ring.comm.rank(), 5000));
}

TEST(Points, large_messages_from_any_rank_do_not_mix) {
  const Comm& comm = world();
  if (comm.size() < 3) GTEST_SKIP() << "needs two senders";
  constexpr index_t count = (index_t{1} << 26) + 7;  // two pieces
  std::vector<char> values(count, static_cast<char>(comm.rank()));
  if (comm.rank() == 1 || comm.rank() == 2) send(comm, std::span<const char>(values), 0, 5);
  if (!comm.is_root()) return;
  EXPECT_ERROR(start_receive<char>(comm, count, any_rank), InvalidArgument, "name the rank");
  int sum = 0;
  for (int k = 0; k < 2; ++k) {
    receive(comm, std::span(values), any_rank, 5);
    EXPECT_EQ(values.front(), values.back());
    sum += values.back();
  }
  EXPECT_EQ(sum, 3);
}

TEST(Points, a_receive_that_is_given_up_does_not_hang) {
  auto never = start_receive<int>(world(), 3, (world().rank() + 1) % world().size(), 77);
  EXPECT_FALSE(never.test());
}

TEST(Points, persistent_transfers_repeat) {
  const Ring ring;
  auto out = Persistent<int>::sender(ring.comm, 3, ring.next, 2);
  auto in = Persistent<int>::receiver(ring.comm, 3, ring.before, 2);

  for (int round = 0; round < 5; ++round) {
    std::fill(out.buffer().begin(), out.buffer().end(), 10 * ring.comm.rank() + round);
    in.start();
    out.start();
    in.wait();
    out.wait();
    EXPECT_EQ(in.buffer()[2], 10 * ring.before + round);
  }
}

TEST(Points, probes_match_messages_of_unknown_length) {
  const Ring ring;
  auto going = start_send(ring.comm, values_of(ring.comm.rank(), std::size_t(3 + ring.comm.rank())),
                          ring.next, 9);

  Matched found = probe(ring.comm, ring.before, any_tag);

  EXPECT_EQ(found.source(), ring.before);
  EXPECT_EQ(found.tag(), 9);
  EXPECT_EQ(found.count<double>(), 3 + ring.before);
  EXPECT_EQ(found.receive<double>(), values_of(ring.before, std::size_t(3 + ring.before)));
  EXPECT_ERROR(found.receive<double>(), InvalidArgument, "before");
  (void)std::move(going).wait();
  ring.comm.barrier();
  EXPECT_FALSE(try_probe(ring.comm).has_value());
}

TEST(Collectives, scatter_scan_and_reduce) {
  const Comm& comm = world();
  const int n = comm.size();
  std::vector<index_t> counts;
  std::vector<int> all;
  for (int r = 0; r < n; ++r) {
    counts.push_back(2 * r);
    all.insert(all.end(), std::size_t(2 * r), r);
  }

  EXPECT_EQ(scatter_v(comm, std::span<const int>(all), counts, n - 1),
            std::vector<int>(std::size_t(2 * comm.rank()), comm.rank()));
  counts.push_back(1);
  EXPECT_ERROR(scatter_v(comm, std::span<const int>(all), counts, 0), DimensionError, "counts");
  std::vector<double> v = {1, double(comm.rank())};
  scan(comm, std::span(v));
  EXPECT_EQ(v,
            (std::vector<double>{double(comm.rank() + 1), comm.rank() * (comm.rank() + 1) / 2.0}));
  std::vector<int> m = {comm.rank()};
  reduce(comm, std::span(m), Reduce::max, n - 1);
  EXPECT_EQ(m[0], comm.rank() == n - 1 ? n - 1 : comm.rank());
}

TEST(Windows, a_table_of_a_machine_is_one_array) {
  const NodeShared<double> table(world(), 1000);
  ASSERT_EQ(table.values().size(), 1000u);

  if (world().is_root()) std::iota(table.values().begin(), table.values().end(), 0.5);
  table.fence();

  EXPECT_EQ(table.values()[999], 999.5);  // the test runs on one machine
}

TEST(Windows, are_zero_at_first) {
  // Memory that is given back and taken again holds what was there.
  for (int round = 0; round < 3; ++round) {
    const Window<double> window(world(), 1000);
    const NodeShared<double> table(world(), 1000);
    for (const auto values : {window.local(), table.values()})
      EXPECT_EQ(std::count(values.begin(), values.end(), 0.0), 1000);
    window.fence();
    table.fence();
    std::fill(window.local().begin(), window.local().end(), 1.5);
    if (world().is_root()) std::fill(table.values().begin(), table.values().end(), 1.5);
  }
}

TEST(Windows, others_read_write_and_add) {
  const Ring ring;
  const Window<double> window(ring.comm, 3);
  const double mine = ring.comm.rank() + 1;
  const std::vector<double> one = {mine};

  window.put(one, ring.next, 0);
  window.add(one, 0, 2);
  window.fence();
  std::vector<double> got(1);
  window.get(got, ring.next, 0);
  window.fence();

  EXPECT_EQ(window.local()[0], ring.before + 1);
  EXPECT_EQ(got[0], mine);
  if (ring.comm.is_root()) {
    EXPECT_EQ(window.local()[2], ring.comm.size() * (ring.comm.size() + 1) / 2.0);
  }
}

TEST(Files, a_distributed_vector_is_read_by_any_number_of_ranks) {
  const Comm& comm = world();
  const char* folder = std::getenv("TMPDIR");
  const std::string path =
      comm.broadcast(detail::concat(folder ? folder : "/tmp", "/kronsolve_vector_", ::getpid()));
  const RowPartition rows(1003, comm.size());
  const RowRange mine = rows.range(comm.rank());
  std::vector<std::complex<double>> owned(std::size_t(mine.size()));
  for (index_t i = mine.begin; i < mine.end; ++i)
    owned[std::size_t(i - mine.begin)] = {double(i), -double(i)};

  write_distributed(comm, path, std::span<const std::complex<double>>(owned));
  // Another distribution: everything on the last rank.
  std::vector<std::complex<double>> whole(comm.rank() == comm.size() - 1 ? 1003 : 0);
  read_distributed(comm, path, std::span(whole));

  for (std::size_t i = 0; i < whole.size(); ++i)
    EXPECT_EQ(whole[i], std::complex<double>(double(i), -double(i)));
  std::vector<std::complex<double>> wrong(5);
  EXPECT_ERROR(read_distributed(comm, path, std::span(wrong)), IoError, "bytes");
  EXPECT_ERROR(read_distributed(comm, "/no/such/file", std::span(wrong)), IoError, "/no/such/file");
  EXPECT_ERROR(
      write_distributed(comm, "/no/such/folder/file", std::span<const std::complex<double>>(owned)),
      IoError, "folder");
  comm.barrier();
  if (comm.is_root()) std::remove(path.c_str());
}

}  // namespace
}  // namespace kronsolve
