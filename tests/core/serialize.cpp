#include <cstring>
#include <numeric>
#include <random>

#include <kronsolve/core/callable.hpp>
#include <kronsolve/core/comm_objects.hpp>
#include <kronsolve/core/failure.hpp>
#include <kronsolve/core/memory.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::world;

template <class T>
T there_and_back(const T& value) {
  Message message;
  pack(message, value);
  MessageReader reader(message);
  T back = unpack<T>(reader);
  EXPECT_TRUE(reader.at_end());
  return back;
}

TEST(Serialize, values_come_back_equal) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::complex<double>> z(random() % 20'000);
    for (auto& x : z) x = {double(random()), double(random())};
    std::map<std::string, std::vector<std::int64_t>> m;
    for (std::uint64_t i = 0; i < random() % 5; ++i)
      m[std::to_string(random())] = std::vector<std::int64_t>(random() % 20'000, std::int64_t(i));

    EXPECT_EQ(there_and_back(z), z);
    EXPECT_EQ(there_and_back(m), m);
  }
  EXPECT_EQ(there_and_back(std::string(100'000, 'x')).size(), 100'000u);
}

TEST(Serialize, large_arrays_are_referred_to_and_small_ones_copied) {
  const std::vector<double> large(block_threshold / sizeof(double)),
      small(block_threshold / sizeof(double) - 1);
  Message message;

  pack(message, large);
  pack(message, small);

  ASSERT_EQ(message.blocks.size(), 1u);
  EXPECT_EQ(static_cast<const void*>(message.blocks[0].data()), large.data());
  EXPECT_GT(message.stream.size(), small.size() * sizeof(double));
}

TEST(Serialize, messages_can_be_put_together) {
  Message first = packed(std::string("first"));
  first.append(packed(std::vector<double>(20'000, 2.0))).append(packed(3));

  MessageReader reader(first);

  EXPECT_EQ(unpack<std::string>(reader), "first");
  EXPECT_EQ(unpack<std::vector<double>>(reader), std::vector<double>(20'000, 2.0));
  EXPECT_EQ(unpack<int>(reader), 3);
  EXPECT_TRUE(reader.at_end());
}

TEST(Serialize, damage_is_refused_before_memory_is_asked_for) {
  Message message = packed(std::vector<int>{1, 2, 3});
  const std::uint64_t nonsense = std::uint64_t{1} << 60;

  Message cut = message;
  cut.stream.resize(10);
  MessageReader cut_reader(cut);
  EXPECT_ERROR(unpack<std::vector<int>>(cut_reader), InvalidArgument, "serialisation");
  std::memcpy(message.stream.data(), &nonsense, sizeof nonsense);
  MessageReader reader(message);
  EXPECT_ERROR(unpack<std::vector<int>>(reader), InvalidArgument, "length");
  Message none;
  MessageReader empty(none);
  EXPECT_ERROR(unpack<double>(empty), InvalidArgument, "8 bytes wanted");
}

TEST(Callable, unknown_or_different_code_is_refused_by_name) {
  struct Code {
    static void run() {}
  };
  auto id = detail::Registered<Code>::id;

  EXPECT_EQ(detail::find_code(id), reinterpret_cast<detail::AnyFunction>(&Code::run));
  ++id.name_hash;
  EXPECT_ERROR(detail::find_code(id), NotSupported, "something else in the sender");
  id.index = 1'000'000;
  EXPECT_ERROR(detail::find_code(id), NotSupported, "unknown to this process");
}

int plus_one(int x) { return x + 1; }

TEST(Callable, functions_are_found_by_module_and_offset) {
  const auto address = detail::locate_function(reinterpret_cast<detail::AnyFunction>(&plus_one));
  const auto library = detail::locate_function(
      reinterpret_cast<detail::AnyFunction>(static_cast<index_t (*)()>(&available_memory)));

  EXPECT_EQ(detail::resolve_function(address), reinterpret_cast<detail::AnyFunction>(&plus_one));
  EXPECT_FALSE(library.module.empty());
  EXPECT_ERROR(detail::resolve_function({"libnowhere.so", 0}), NotSupported, "libnowhere.so");
  EXPECT_ERROR(detail::locate_function(nullptr), NotSupported, "no loaded module");
}

TEST(Callable, portable_functions_keep_their_state) {
  struct Scale {
    double by = 1;
    double operator()(double x) const { return by * x; }
    void serialize(PackArchive& archive) { archive(by); }
    void serialize(UnpackArchive& archive) { archive(by); }
  };
  const PortableFunction<double(double)> scale = Scale{3};
  const PortableFunction<int(int)> function = plus_one;
  const PortableFunction<int(int)> lambda = [](int x) { return -x; };

  EXPECT_EQ(there_and_back(scale)(2), 6);
  EXPECT_EQ(there_and_back(function)(2), 3);
  EXPECT_EQ(there_and_back(lambda)(2), -2);
}

TEST(Failure, exceptions_are_rebuilt_with_class_and_text) {
  const auto caught = [](auto&& f) {
    try {
      f();
    } catch (...) {
      return Failure::current();
    }
    return Failure{};
  };
  struct Derived : std::out_of_range {
    using std::out_of_range::out_of_range;
  };

  EXPECT_ERROR(caught([] { throw EngineError(77, "engine"); }).rethrow(), EngineError, "engine");
  EXPECT_ERROR(caught([] { throw std::underflow_error("under"); }).rethrow(), std::underflow_error,
               "under");
  const auto derived = caught([] { throw Derived("derived"); });
  EXPECT_ERROR(std::rethrow_exception(derived.rebuilt(3, "host")), RemoteError, "derived");
  EXPECT_NE(derived.type.find("Derived"), std::string::npos);
  const auto twice = caught([&] { std::rethrow_exception(derived.rebuilt(3, "host")); });
  EXPECT_EQ(twice.type, derived.type);
}

TEST(CommObjects, travel_between_ranks) {
  const Comm& comm = world();
  const int n = comm.size(), next = (comm.rank() + 1) % n, before = (comm.rank() + n - 1) % n;
  using Value = std::pair<std::string, std::vector<double>>;
  const auto value = [](int rank) {
    return Value(std::to_string(rank), std::vector<double>(std::size_t(rank) * 9'000, rank));
  };

  EXPECT_EQ(broadcast_object(comm, value(comm.rank()), n - 1), value(n - 1));
  if (n > 1) {
    if (comm.rank() % 2 == 0) send_object(comm, value(comm.rank()), next, 5);
    const Value got = receive_object<Value>(comm, before, 5);
    if (comm.rank() % 2 == 1) send_object(comm, value(comm.rank()), next, 5);
    EXPECT_EQ(got, value(before));
  }
  const auto all = gather_objects(comm, value(comm.rank()), 0);
  if (comm.is_root()) {
    for (int r = 0; r < n; ++r) EXPECT_EQ(all[std::size_t(r)], value(r));
  } else {
    EXPECT_TRUE(all.empty());
  }
  EXPECT_EQ(scatter_objects(comm, all, 0), value(comm.rank()));
  EXPECT_ERROR(scatter_objects(comm, std::vector<Value>(std::size_t(n) + 1), 0), DimensionError,
               "values for");
}

using Large = std::vector<double>;

Large large_of(int rank) { return Large(1'000'000, rank); }

TEST(CommObjects, large_ones_cross_between_ranks_that_send_at_the_same_time) {
  const Comm& comm = world();
  const int n = comm.size(), next = (comm.rank() + 1) % n, before = (comm.rank() + n - 1) % n;

  EXPECT_EQ(sendrecv_object(comm, large_of(comm.rank()), next, before, 3), large_of(before));
  auto going = isend_object(comm, large_of(comm.rank()), next, 4);
  EXPECT_EQ(receive_object<Large>(comm, before, 4), large_of(before));
  going.wait();
  EXPECT_TRUE(going.test());
}

TEST(CommObjects, are_matched_before_they_are_received) {
  const Comm& comm = world();
  const int n = comm.size(), next = (comm.rank() + 1) % n, before = (comm.rank() + n - 1) % n;
  auto going = isend_object(comm, std::to_string(comm.rank()), next, comm.rank());
  auto larger = isend_object(comm, large_of(comm.rank()), next, comm.rank());
  auto moved = std::move(going);

  const MatchedObject found = probe_object(comm);
  const auto text = found.receive<std::string>();
  std::optional<MatchedObject> second;
  while (!second) second = try_probe_object(comm, before);

  EXPECT_EQ(found.source(), before);
  EXPECT_EQ(found.tag(), before);
  EXPECT_EQ(text, std::to_string(before));
  EXPECT_EQ(second->receive<Large>(), large_of(before));
  moved.wait();
  larger.wait();
  comm.barrier();
  EXPECT_FALSE(try_probe_object(comm).has_value());
}

TEST(CommObjects, are_reduced_in_rank_order_by_any_function) {
  const Comm& comm = world();
  std::string all;
  for (int r = 0; r < comm.size(); ++r) all += std::to_string(r);
  const auto join = [&](const std::string& a, const std::string& b) { return a + b; };
  const auto refuse = [](const std::string&, const std::string&) -> std::string {
    throw DimensionError("these do not fit");
  };

  EXPECT_EQ(all_reduce_objects(comm, std::to_string(comm.rank()), join), all);
  if (comm.size() > 1)
    EXPECT_ERROR(all_reduce_objects(comm, std::string("a"), refuse), DimensionError, "do not fit");
  const int highest = comm.size() - 1;
  EXPECT_EQ(max_location(comm, double(comm.rank())).rank, highest);
  EXPECT_EQ(min_location(comm, index_t{-comm.rank()}).value, -highest);
  EXPECT_EQ(min_location(comm, 1.5).rank, 0);  // all have it: the lowest rank
}

TEST(CommObjects, go_from_all_to_all) {
  const Comm& comm = world();
  const int n = comm.size(), me = comm.rank();
  using Value = std::pair<std::string, std::vector<double>>;  // some above, some below a block
  const auto value = [](int from, int to) {
    return Value(std::to_string(from), std::vector<double>(std::size_t(from + 1) * 9'000, to));
  };

  const auto gathered = all_gather_objects(comm, value(me, 7));
  std::vector<Value> mine;
  for (int r = 0; r < n; ++r) mine.push_back(value(me, r));
  const auto exchanged = all_to_all_objects(comm, mine);

  ASSERT_EQ(gathered.size(), std::size_t(n));
  ASSERT_EQ(exchanged.size(), std::size_t(n));
  for (int r = 0; r < n; ++r) {
    EXPECT_EQ(gathered[std::size_t(r)], value(r, 7));
    EXPECT_EQ(exchanged[std::size_t(r)], value(r, me));
  }
  if (comm.is_root()) mine.pop_back();
  EXPECT_ERROR(all_to_all_objects(comm, mine), DimensionError, "");
}

TEST(Comm, groups_are_made_by_their_members_alone) {
  const Comm& comm = world();
  const std::vector<int> members = comm.size() >= 3 ? std::vector{2, 0} : std::vector{0};

  if (std::find(members.begin(), members.end(), comm.rank()) != members.end()) {
    const Comm group = comm.group(members);
    EXPECT_EQ(group.size(), static_cast<int>(members.size()));
    EXPECT_EQ(members[static_cast<std::size_t>(group.rank())], comm.rank());
    EXPECT_EQ(group.all_reduce(1), group.size());
  }

  EXPECT_ERROR(comm.group(std::vector<int>{}), InvalidArgument, "at least one");
  EXPECT_ERROR(comm.group(std::vector{0, 0}), InvalidArgument, "differ");
  EXPECT_ERROR(comm.group(std::vector{comm.size()}), InvalidArgument, "lie in");
}

}  // namespace
}  // namespace kronsolve
