#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/comm_objects.hpp>
#include <kronsolve/core/comm_points.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::world;

TEST(Comm, reduces_sum_min_and_max) {
  const Comm& comm = world();

  const int n = comm.size();

  EXPECT_EQ(comm.all_reduce(comm.rank() + 1), n * (n + 1) / 2);
  EXPECT_EQ(comm.all_reduce(comm.rank(), Reduce::min), 0);
  EXPECT_EQ(comm.all_reduce(index_t{comm.rank()}, Reduce::max), n - 1);
  EXPECT_EQ(comm.all_reduce(std::complex<double>(1, 2)), std::complex<double>(n, 2 * n));
}

TEST(Comm, reduces_products_truths_and_bits) {
  const Comm& comm = world();
  const int n = comm.size(), last = n - 1;

  double factorial = 1;
  for (int i = 2; i <= n; ++i) factorial *= i;

  EXPECT_EQ(comm.all_reduce(double(comm.rank() + 1), Reduce::product), factorial);
  EXPECT_EQ(comm.all_reduce(comm.rank() == last ? 0 : 5, Reduce::logical_and), 0);
  EXPECT_EQ(comm.all_reduce(7, Reduce::logical_and), 1);
  EXPECT_EQ(comm.all_reduce(comm.rank() == last ? 4 : 0, Reduce::logical_or), 1);
  EXPECT_EQ(comm.all_reduce(1 << comm.rank(), Reduce::bit_or), (1 << n) - 1);
  EXPECT_EQ(comm.all_reduce(8 | (1 << comm.rank()), Reduce::bit_and), n == 1 ? 9 : 8);
  EXPECT_EQ(comm.all_reduce(1, Reduce::bit_xor), n % 2);
  EXPECT_ERROR(comm.all_reduce(1.0, Reduce::bit_or), InvalidArgument, "whole numbers");
  EXPECT_ERROR(comm.all_reduce(std::complex<double>(1), Reduce::min), InvalidArgument, "complex");
}

TEST(Comm, a_serial_one_refuses_to_wait_for_itself) {
  const Comm alone;
  std::vector<double> values = {1, 2};

  EXPECT_ERROR(send(alone, std::span<const double>(values), 0), InvalidArgument, "one process");
  EXPECT_ERROR(receive(alone, std::span<double>(values), 0), InvalidArgument, "one process");
  EXPECT_ERROR(probe(alone), InvalidArgument, "one process");
  EXPECT_ERROR(send_object(alone, values, 0), InvalidArgument, "one process");
  EXPECT_ERROR(receive_object<int>(alone, 0), InvalidArgument, "one process");
  EXPECT_ERROR(start_send(alone, values, 1), MpiError, "rank");
  auto going = start_send(alone, values, 0, 3);
  std::vector<double> came(2);
  receive(alone, std::span<double>(came), 0, 3);
  EXPECT_EQ(std::move(going).wait(), came);
  EXPECT_EQ(sendrecv_object(alone, std::string("echo"), 0, 0), "echo");
}

TEST(Comm, gathers_ragged_pieces_in_rank_order) {
  const Comm& comm = world();
  const std::vector<index_t> mine(static_cast<std::size_t>(comm.rank()), comm.rank());

  const auto all = comm.all_gather_v(std::span<const index_t>(mine));

  std::vector<index_t> expected;
  for (index_t r = 0; r < comm.size(); ++r)
    expected.insert(expected.end(), static_cast<std::size_t>(r), r);
  EXPECT_EQ(all, expected);
}

TEST(Comm, broadcasts_and_gathers_spans_at_any_root) {
  const Comm& comm = world();
  for (int root = 0; root < comm.size(); ++root) {
    std::vector<double> values(3, comm.rank());
    comm.broadcast(std::span(values), root);
    EXPECT_EQ(values, std::vector<double>(3, root));

    const std::vector<int> mine(std::size_t(comm.rank() + 1), comm.rank());
    std::vector<int> all;
    for (int r = 0; r < comm.size(); ++r) all.insert(all.end(), std::size_t(r + 1), r);
    EXPECT_EQ(comm.gather_v(std::span<const int>(mine), root),
              comm.rank() == root ? all : std::vector<int>());
  }
}

TEST(Comm, messages_of_a_duplicate_are_its_own) {
  const Comm& comm = world();
  const Comm other = comm.duplicate();
  const int next = (comm.rank() + 1) % comm.size(),
            before = (comm.rank() + comm.size() - 1) % comm.size();
  auto first = start_send(comm, std::vector<int>{1}, next);
  auto second = start_send(other, std::vector<int>{2}, next);

  EXPECT_EQ(start_receive<int>(other, 1, before).wait(), std::vector<int>{2});
  EXPECT_EQ(start_receive<int>(comm, 1, before).wait(), std::vector<int>{1});

  std::move(first).wait();
  std::move(second).wait();
}

TEST(Comm, exchanges_different_lengths_between_all_pairs) {
  const Comm& comm = world();
  std::vector<std::vector<int>> send(static_cast<std::size_t>(comm.size()));
  for (int r = 0; r < comm.size(); ++r)
    send[static_cast<std::size_t>(r)].assign(static_cast<std::size_t>(r + comm.rank()),
                                             10 * comm.rank() + r);

  const auto received = comm.all_to_all_v(send);

  for (int r = 0; r < comm.size(); ++r)
    EXPECT_EQ(received[static_cast<std::size_t>(r)],
              std::vector<int>(static_cast<std::size_t>(r + comm.rank()), 10 * r + comm.rank()));
}

TEST(Comm, exclusive_sum_counts_the_ranks_before) {
  EXPECT_EQ(world().exclusive_sum(2), 2 * world().rank());
}

TEST(Comm, splits_into_groups) {
  const Comm& comm = world();

  const Comm half = comm.split(comm.rank() % 2);

  EXPECT_EQ(half.size(), (comm.size() + 1 - comm.rank() % 2) / 2);
  EXPECT_EQ(half.rank(), comm.rank() / 2);
}

TEST(Comm, every_rank_throws_what_one_rank_threw) {
  const Comm& comm = world();
  const int guilty = comm.size() - 1;
  const auto fail = [&] {
    if (comm.rank() == guilty) throw IoError("some.file", "some.file: cannot be read");
  };

  EXPECT_ERROR(comm.agree(fail), IoError, "some.file: cannot be read");
  EXPECT_ERROR(comm.require_all(comm.rank() != guilty, detail::concat("rank ", comm.rank())),
               InvalidArgument, detail::concat("rank ", guilty));
  comm.agree([] {});
}

TEST(Comm, moves_and_leaves_a_serial_one_behind) {
  Comm a = world().duplicate();
  const int size = a.size();

  const Comm b = std::move(a);

  EXPECT_EQ(b.size(), size);
  EXPECT_EQ(a.size(), 1);  // NOLINT: the moved-from state is what is tested
}

TEST(Comm, errors_name_the_call) {
  EXPECT_ERROR(check_mpi(MPI_ERR_COUNT, "MPI_Send"), MpiError, "MPI_Send");
}

}  // namespace
}  // namespace kronsolve
