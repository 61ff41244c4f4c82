#include "operators/matrix_free/node_readers.hpp"

#include <random>
#include <span>

#include <kronsolve/core/comm_windows.hpp>

namespace kronsolve::detail {

namespace {

Comm machine_of(const Comm& comm, int node_ranks) {
  return node_ranks > 0 ? comm.split(comm.rank() / node_ranks) : same_machine(comm);
}

/// A page of node memory with a number that no other process has.
struct Probe {
  Probe() : memory(static_cast<std::int64_t*>(allocate_on_node(sizeof(std::int64_t)))) {
    std::random_device device;
    secret = (std::int64_t{device()} << 31) + device();
    if (memory != nullptr) *memory = secret;
  }
  ~Probe() { (void)free_on_node(memory); }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;
  std::int64_t* memory;
  std::int64_t secret = 0;
};

/// In one reduction: this happens in every product.
std::vector<NodeAddress> all_addresses(const Comm& machine, const NodeAddress& mine) {
  constexpr std::size_t fields = sizeof(NodeAddress) / sizeof(std::int64_t);
  std::vector<NodeAddress> all(static_cast<std::size_t>(machine.size()), NodeAddress{});
  all[static_cast<std::size_t>(machine.rank())] = mine;
  machine.all_reduce(std::span(reinterpret_cast<std::int64_t*>(all.data()), fields * all.size()));
  return all;
}

}  // namespace

NodeReaders::NodeReaders(const Comm& comm, int node_ranks)
    : comm_(&comm), slot_of_(static_cast<std::size_t>(comm.size()), -1), places_(1, nullptr) {
  slot_of_[static_cast<std::size_t>(comm.rank())] = 0;
  if (comm.size() == 1 || node_ranks == 1) return;
  machine_ = machine_of(comm, node_ranks);
  try_out();
  any_ = comm.all_reduce(machine_.size(), Reduce::max) > 1;
}

/// One rank that cannot read another makes all ranks of the machine send messages: who sends and
/// who reads must be known without asking.
void NodeReaders::try_out() {
  const auto members = machine_.all_gather(comm_->rank());
  const Probe probe;
  const auto addresses = all_addresses(machine_, node_address(probe.memory));
  const auto secrets = machine_.all_gather(probe.secret);
  bool fine = true;
  views_.resize(members.size());
  for (std::size_t m = 0; m < members.size(); ++m) {
    if (static_cast<int>(m) == machine_.rank()) continue;
    const auto* seen = static_cast<const std::int64_t*>(views_[m].map(addresses[m]));
    fine = fine && seen != nullptr && *seen == secrets[m];
  }
  fine = machine_.all(fine);
  // Nobody frees the probe before all have looked: all() has told.
  views_.clear();
  if (!fine) {
    machine_ = Comm::serial();
    return;
  }
  rank_of_slot_ = {machine_.rank()};
  for (std::size_t m = 0; m < members.size(); ++m) {
    if (static_cast<int>(m) == machine_.rank()) continue;
    slot_of_[static_cast<std::size_t>(members[m])] = static_cast<int>(rank_of_slot_.size());
    rank_of_slot_.push_back(static_cast<int>(m));
  }
  views_.resize(members.size());
  places_.resize(members.size());
}

bool NodeReaders::open(const void* x, bool empty, const std::vector<bool>& needed) {
  if (!any_) return false;
  const NodeAddress mine = node_address(x);
  bool readable = empty || mine.serial != 0;
  if (machine_.size() > 1) {
    const auto addresses = all_addresses(machine_, mine);
    for (std::size_t s = 1; s < needed.size(); ++s) {
      if (!needed[s]) continue;
      places_[s] = views_[s].map(addresses[static_cast<std::size_t>(rank_of_slot_[s])]);
      readable = readable && places_[s] != nullptr;
    }
  }
  places_[0] = x;
  return comm_->all(readable);
}

}  // namespace kronsolve::detail
