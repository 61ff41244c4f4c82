#pragma once
// Ranks of one machine that read each other's rows in place.

#include <vector>

#include <kronsolve/core/comm.hpp>

#include "core/node_memory.hpp"

namespace kronsolve::detail {

/// Who can read whose node memory, and where the vector of the running product lies.
class NodeReaders {
 public:
  /// Collective; tries it out.
  /// @param node_ranks  0: machines as they are; else so many consecutive ranks count as one
  NodeReaders(const Comm& comm, int node_ranks);

  /// Some rank has another one beside it. The same on all ranks.
  bool any() const noexcept { return any_; }
  /// By rank of the communicator: 0 this one, above 0 one whose memory can be read, -1 the others.
  const std::vector<int>& slots() const noexcept { return slot_of_; }
  int count() const noexcept { return machine_.size(); }  ///< slots, this rank's included

  /// Finds out where everybody's x lies. True on all ranks if all that is `needed` (by slot) can be
  /// read on all of them; then place(slot) says where, until done() has been called. Collective.
  bool open(const void* x, bool empty, const std::vector<bool>& needed);
  const void* place(int slot) const { return places_[static_cast<std::size_t>(slot)]; }
  /// Waits until nobody reads here any more. Collective over each machine.
  void done() const { machine_.barrier(); }

 private:
  void try_out();

  const Comm* comm_;
  Comm machine_;
  bool any_ = false;
  std::vector<int> slot_of_;
  std::vector<int> rank_of_slot_;  ///< in machine_
  std::vector<NodeView> views_;    ///< by slot
  std::vector<const void*> places_;
};

}  // namespace kronsolve::detail
