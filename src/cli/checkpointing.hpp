#pragma once

#include <memory>

#include <kronsolve/solvers/checkpoint.hpp>

#include "cli/problem.hpp"
#include "cli/run_again.hpp"

namespace kronsolve::cli {

/// What --checkpoint and --resume ask for, on its way through one run. Without them nothing
/// happens.
class Checkpointing {
 public:
  /// Finds out what is there, says where the run begins, and lists what must be the same in a run
  /// that goes on. Collective.
  /// @throws InvalidArgument  there is something else than a checkpoint of this problem
  /// @throws IoError          it cannot be read, or none can be written
  /// @throws Error            the job ends before anything could be done
  Checkpointing(const Comm& comm, const Arguments& arguments, const Problem& problem);
  Checkpoint* get() noexcept { return checkpoint_ ? &*checkpoint_ : nullptr; }

 private:
  std::optional<EndRequests> requests_;
  std::optional<Checkpoint> checkpoint_;
};

}  // namespace kronsolve::cli
