// What ranks are told in a product, counted before they are there, against the messages of products
// that run: the calls to MPI are counted here.

#include <map>

#include <kronsolve/operators/assembled_map.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/product_loads.hpp>
#include <kronsolve/operators/rows.hpp>
#include <kronsolve/operators/sectors.hpp>

#include "support/mpi_test.hpp"

namespace {

/// What this rank has sent since the last look, and what its persistent sends take.
double sent_bytes = 0, sent_messages = 0;
std::map<MPI_Request, double> persistent_bytes;

double bytes_of(int count, MPI_Datatype type) {
  int size = 0;
  PMPI_Type_size(type, &size);
  return double(count) * size;
}

void count_start(MPI_Request request) {
  if (const auto at = persistent_bytes.find(request); at != persistent_bytes.end()) {
    sent_bytes += at->second;
    ++sent_messages;
  }
}

}  // namespace

// In place of those of the library, which has them under other names too (MPI 3.1, 14.2).
int MPI_Isend(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
              MPI_Request* request) {
  sent_bytes += bytes_of(count, type);
  ++sent_messages;
  return PMPI_Isend(data, count, type, to, tag, comm, request);
}
int MPI_Send_init(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
                  MPI_Request* request) {
  const int status = PMPI_Send_init(data, count, type, to, tag, comm, request);
  persistent_bytes[*request] = bytes_of(count, type);
  return status;
}
int MPI_Start(MPI_Request* request) {
  count_start(*request);
  return PMPI_Start(request);
}
int MPI_Startall(int count, MPI_Request* requests) {
  for (int i = 0; i < count; ++i) count_start(requests[i]);
  return PMPI_Startall(count, requests);
}
int MPI_Request_free(MPI_Request* request) {
  persistent_bytes.erase(*request);
  return PMPI_Request_free(request);
}

namespace kronsolve {
namespace {

using test::world;

SectorOperator operator_of(const std::string& model, const ModelOptions& options,
                           const std::vector<std::string>& conditions) {
  const Model made = make_model(model, options);
  return in_sector(world(), made.op, parse_sector(made.op.spaces(), made.lattice, conditions));
}

struct Traffic {
  double bytes = 0, messages = 0;
};

/// What all ranks send in one product of those with `map`, the second, when nothing is set up.
template <Scalar T>
Traffic traffic_of(const LinearMap<T>& map) {
  const auto n = static_cast<std::size_t>(map.row_range().size());
  const std::vector<T> x(n, T(1));
  std::vector<T> y(n);
  map.apply(x, y);
  world().barrier();
  sent_bytes = sent_messages = 0;
  map.apply(x, y);
  const double bytes = sent_bytes, messages = sent_messages;
  return {world().all_reduce(bytes), world().all_reduce(messages)};
}

/// Each rank a machine of its own.
constexpr MatrixFreeOptions apart{.node_ranks = 1, .in_place_rows = 1};

template <Scalar T>
void expect_counts(const SectorOperator& h, const char* name) {
  const auto loads = product_loads(h, scalar_kind<T>, world().size(), false, apart);
  const auto made = plan_and_make_matrix_free<T>(world(), h, apart);

  const Traffic traffic = traffic_of(*made.map);

  EXPECT_EQ(loads.received_bytes, traffic.bytes) << name;
  EXPECT_EQ(loads.messages, traffic.messages) << name;
  EXPECT_EQ(double(loads.received_rank_bytes),
            double(world().all_reduce(made.plan.received_bytes, Reduce::max)))
      << name;
  EXPECT_EQ(loads.memory_rank_bytes, world().all_reduce(made.plan.memory_bytes, Reduce::max))
      << name;
  EXPECT_EQ(loads.dimension, h.basis->size()) << name;
}

TEST(ProductLoads, of_blocks_are_the_messages_of_the_product) {
  using enum Cyclic;
  expect_counts<double>(operator_of("heisenberg", {.sites = 14, .cyclic = all}, {"sz=0"}), "ring");
  expect_counts<double>(
      operator_of("heisenberg", {.sites = 12, .cyclic = all}, {"sz=0", "spinflip=1"}), "flip");
  expect_counts<double>(operator_of("ising", {.sites = 12, .params = {{"bx", 0.7}}}, {}), "full");
  expect_counts<double>(operator_of("j1j2", {.size = {4, 3}, .cyclic = all}, {"sz=0"}), "square");
  expect_counts<double>(operator_of("hubbard", {.sites = 6, .cyclic = all}, {"nup=3", "ndown=3"}),
                        "hubbard");
  expect_counts<std::complex<double>>(operator_of("dm", {.sites = 10, .cyclic = all}, {"sz=0"}),
                                      "complex");
}

/// A sample of rows takes the place of a list.
TEST(ProductLoads, of_orbits_are_about_the_messages_of_the_product) {
  if (world().size() == 1) GTEST_SKIP() << "one rank is told nothing";
  const std::vector<std::string> sector = {"sz=0", "momentum=0", "reflection=1"};
  const auto h = operator_of("heisenberg", {.sites = 20, .cyclic = Cyclic::all}, sector);
  const auto loads = product_loads(h, ScalarKind::real, world().size());
  const AssembledMap<double> map(world(), make_lazy<double>(h), h.basis->partition(world().size()));

  const Traffic traffic = traffic_of(map);

  EXPECT_FALSE(loads.counted);
  EXPECT_NEAR(traffic.bytes / loads.received_bytes, 1, 0.02);
  EXPECT_LE(traffic.messages, loads.messages);
}

TEST(ProductLoads, of_one_rank_are_nothing) {
  const auto h = operator_of("heisenberg", {.sites = 12, .cyclic = Cyclic::all}, {"sz=0"});

  const auto loads = product_loads(h, ScalarKind::real, 1);

  EXPECT_EQ(loads.received_bytes, 0);
  EXPECT_EQ(loads.messages, 0);
  EXPECT_EQ(loads.partners, 0);
  EXPECT_EQ(loads.work_imbalance, 1);
  EXPECT_EQ(loads.row_imbalance(), 1);
}

TEST(ProductLoads, bad_input_is_refused_by_name) {
  const auto h = operator_of("heisenberg", {.sites = 6}, {"sz=0"});
  EXPECT_ERROR(product_loads(h, ScalarKind::real, 0), InvalidArgument, "at least 1, got 0");
}

}  // namespace
}  // namespace kronsolve
